//! The pages of a plan's chunks: rows of the database, on one connection; and, where only changed
//! rows are read of it, the others from the base.

use crate::base::{BaseLines, BaseParts, BasePosition};
use crate::changed::{self, Changed, ChangedDigest};
use crate::cursor::Cursor;
use crate::ledger::Ledger;
use crate::pace::Pace;
use crate::session::{self, Session};
use contract::ServiceError;
use definition::{Consistency, SqlSource};
use lake::records::{SourceRead, SqlPlan};
use lake::{ObjectStore, RunKeys};
use raw_export::{Page, ReadSegments, SegmentRequest, now_ms};
use source::{PageBuffer, PageEnd};
use sql_source::{Connection, Databases, LineKeys, LineWriter, Rows, Secrets, connect, dialect};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::{Instant, sleep_until};

/// A table that is read chunk by chunk.
pub struct Ranges<'p, D: Databases, S, L> {
    databases: &'p D,
    secrets: &'p S,
    store: &'p L,
    keys: &'p RunKeys,
    source: &'p SqlSource,
    plan: &'p SqlPlan,
    base: &'p BaseParts,
    /// Changed rows of a segment whose keys may be held in memory.
    pub most_changed: usize,
    writer: LineWriter,
    line_keys: LineKeys,
    pace: Mutex<Pace>,
    /// The chunks that are being read, by their segments. One is taken out for a request, and put back
    /// when that was answered: what a request left behind that was given up is of no use.
    sessions: Mutex<BTreeMap<u32, Session<'p, D::Connection>>>,
    /// What is known of the changed rows of a segment; likewise.
    merges: Mutex<BTreeMap<u32, Merge<'p, L>>>,
    /// What is not committed yet. It is never taken out: a request that was given up may have left
    /// rows whose snapshot is gone.
    ledgers: Mutex<BTreeMap<u32, Ledger>>,
    /// Connections whose chunks are read.
    idle: Mutex<Vec<D::Connection>>,
}

/// The changed keys of a segment, and the lines of its base.
struct Merge<'p, L> {
    changed: Changed,
    base: Option<BaseLines<'p, L>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'p, D: Databases, S: Secrets, L: ObjectStore> Ranges<'p, D, S, L> {
    /// The chunks of `plan`, which so many tasks share. Those of its base are read from the store.
    pub fn new(
        (databases, secrets): (&'p D, &'p S),
        (store, keys): (&'p L, &'p RunKeys),
        source: &'p SqlSource,
        (plan, base): (&'p SqlPlan, &'p BaseParts),
        tasks: usize,
    ) -> Self {
        let at_once = tasks.min(plan.connections as usize);
        Self {
            databases,
            secrets,
            store,
            keys,
            source,
            plan,
            base,
            most_changed: changed::MOST,
            writer: LineWriter::new(&plan.columns),
            line_keys: LineKeys::new(&plan.columns, &plan.key),
            pace: Mutex::new(Pace::new(source.max_rows_per_second, at_once)),
            sessions: Mutex::default(),
            merges: Mutex::default(),
            ledgers: Mutex::default(),
            idle: Mutex::default(),
        }
    }

    /// Ends the snapshots and the connections.
    pub async fn close(&self) {
        let sessions = std::mem::take(&mut *lock(&self.sessions));
        for session in sessions.into_values() {
            self.end(session).await;
        }
        lock(&self.idle).clear();
    }

    /// Ends a snapshot. Its connection may read another chunk.
    async fn end(&self, session: Session<'p, D::Connection>) {
        match session.end().await {
            Ok(connection) => lock(&self.idle).push(connection),
            Err(error) => tracing::warn!(%error, "the database ended the session first"),
        }
    }

    /// What is not committed yet of a segment.
    fn ledger<T>(&self, segment: u32, with: impl FnOnce(&mut Ledger) -> T) -> T {
        with(lock(&self.ledgers).entry(segment).or_default())
    }

    /// The session that stands where the cursor says, or a new one in a new snapshot.
    async fn session(
        &self,
        segment: u32,
        cursor: &Cursor,
    ) -> Result<Session<'p, D::Connection>, ServiceError> {
        let chunk = self.plan.chunks.get(segment as usize);
        let chunk = chunk.ok_or_else(|| session::changed(self.source, &no_chunk(segment)))?;
        let rows = Rows::new(self.source, self.plan, chunk);
        let held = lock(&self.sessions).remove(&segment);
        match held {
            Some(session) if stands_at(&session, cursor) => return Ok(session),
            Some(session) => self.end(session).await,
            None => {}
        }
        self.ledger(segment, |ledger| ledger.begin(self.source))?;
        let is_strict = self.source.consistency == Consistency::Strict;
        let is_begun = cursor.key.is_some() || cursor.rows.is_some();
        if is_begun && (is_strict || !rows.has_order()) {
            return Err(session::too_long(self.source, is_strict));
        }
        let idle = lock(&self.idle).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let after = cursor.key.clone();
        Session::begin(connection, self.source, rows, after, self.plan).await
    }

    /// A connection to the table as it was planned.
    async fn connect(&self) -> Result<D::Connection, ServiceError> {
        let mut connection = connect(self.databases, self.secrets, self.source).await?;
        let dialect = dialect(self.source.engine);
        let found: Vec<(String, String)> = match (self.source.table_name(), &self.source.query) {
            (Some(table), _) => {
                let rows = connection.rows(&dialect.columns(table)).await?.into_iter();
                let column = |row: Vec<Option<String>>| {
                    let mut cells = row.into_iter().map(Option::unwrap_or_default);
                    Some((cells.next()?, cells.next()?))
                };
                rows.filter_map(column).collect()
            }
            (None, query) => {
                connection
                    .describe(query.as_deref().unwrap_or_default())
                    .await?
            }
        };
        for planned in &self.plan.columns {
            let now = found.iter().find(|(name, _)| *name == planned.name);
            let change = match now {
                Some((_, sql_type)) if *sql_type == planned.sql_type => continue,
                Some((_, sql_type)) => format!(
                    "column {:?} was {} and is {sql_type}",
                    planned.name, planned.sql_type
                ),
                None => format!("column {:?} is gone", planned.name),
            };
            return Err(session::changed(self.source, &change));
        }
        Ok(connection)
    }

    /// Reads rows of the database. `changed` is where the keys go, if only changed rows are read.
    async fn rows(
        &self,
        segment: u32,
        cursor: &Cursor,
        mut changed: Option<Changed>,
        buffer: &mut PageBuffer,
    ) -> Result<Option<Cursor>, ServiceError> {
        let read = self.next_rows(segment, cursor, buffer).await;
        let (mut session, rows, has_more) = match read {
            Ok(read) => read,
            Err(error) => {
                self.keep(segment, changed, None);
                return Err(error);
            }
        };
        lock(&self.pace).read(rows);
        if let Some(changed) = &mut changed {
            // A page with a line that is no item is refused as a whole.
            for line in buffer.lines().iter().flat_map(|page| page.lines()) {
                let key = self.line_keys.hash(line.as_bytes());
                changed.add(key.ok_or_else(|| changed::not_a_row(self.source.name()))?);
            }
            if changed.count() > self.most_changed {
                let name = self.source.name();
                return Err(changed::too_many(name, segment, self.most_changed));
            }
        }
        let digest = changed.as_ref().map(Changed::digest);
        let next = if has_more {
            let key = session.last().cloned();
            Some(Cursor {
                rows: key.is_none().then_some(session.all_rows),
                key,
                changed: digest,
                base: None,
            })
        } else {
            digest.map(|changed| Cursor {
                changed: Some(changed),
                base: Some(BasePosition::default()),
                ..Cursor::default()
            })
        };
        let is_over = !has_more && changed.is_some();
        if is_over {
            // What follows is read from the base, and holds no snapshot open.
            let compared = session.compare().await;
            self.end(session).await;
            self.ledger(segment, |ledger| ledger.end(compared));
        } else {
            self.ledger(segment, |ledger| ledger.read(session.snapshot()));
            lock(&self.sessions).insert(segment, session);
        }
        self.keep(segment, changed, None);
        Ok(next)
    }

    /// The next page of the chunk's session, which is given back with it.
    async fn next_rows(
        &self,
        segment: u32,
        cursor: &Cursor,
        buffer: &mut PageBuffer,
    ) -> Result<(Session<'p, D::Connection>, u32, bool), ServiceError> {
        let mut session = self.session(segment, cursor).await?;
        let page_rows = self.plan.page_rows;
        let (rows, has_more) = session.page(page_rows, &self.writer, buffer).await?;
        Ok((session, rows, has_more))
    }

    /// Puts the changed keys back. After an error as well: the page may be requested again before its
    /// keys are committed, and then they can be read from nowhere else.
    fn keep(&self, segment: u32, changed: Option<Changed>, base: Option<BaseLines<'p, L>>) {
        if let Some(changed) = changed {
            lock(&self.merges).insert(segment, Merge { changed, base });
        }
    }

    /// Reads lines of the base.
    async fn unchanged(
        &self,
        segment: u32,
        cursor: &Cursor,
        buffer: &mut PageBuffer,
    ) -> Result<Option<Cursor>, ServiceError> {
        let position = cursor.base.unwrap_or_default();
        let Merge { mut changed, base } = self.merge(segment, cursor.changed.as_ref()).await?;
        changed.sort();
        let mut base = match base {
            Some(base) if base.position() == position => base,
            _ => {
                let parts = self.base.get(&segment).map_or(&[][..], Vec::as_slice);
                BaseLines::new(self.store, parts, position)
            }
        };
        let read = base.next(&self.line_keys, &changed, buffer).await;
        let position = base.position();
        self.keep(segment, Some(changed), read.is_ok().then_some(base));
        Ok(read?.then(|| Cursor {
            changed: cursor.changed.clone(),
            base: Some(position),
            ..Cursor::default()
        }))
    }

    /// The changed keys of a segment as a cursor says, from memory or from what was committed.
    async fn merge(
        &self,
        segment: u32,
        digest: Option<&ChangedDigest>,
    ) -> Result<Merge<'p, L>, ServiceError> {
        let held = lock(&self.merges).remove(&segment);
        let changed = match digest {
            None => Changed::default(),
            Some(digest) => {
                if let Some(held) = held.filter(|held| held.changed.digest() == *digest) {
                    return Ok(held);
                }
                Changed::committed(self.store, self.keys, &self.line_keys, segment, digest).await?
            }
        };
        Ok(Merge {
            changed,
            base: None,
        })
    }
}

/// Whether a session goes on where the cursor says.
fn stands_at<C: Connection>(session: &Session<'_, C>, cursor: &Cursor) -> bool {
    match session.last() {
        Some(key) => cursor.key.as_ref() == Some(key),
        None => cursor.key.is_none() && cursor.rows.unwrap_or_default() == session.all_rows,
    }
}

fn no_chunk(segment: u32) -> String {
    format!("chunk {segment} is gone")
}

impl<D: Databases, S: Secrets, L: ObjectStore> ReadSegments for Ranges<'_, D, S, L> {
    async fn page(
        &self,
        request: &SegmentRequest<'_>,
        buffer: &mut PageBuffer,
    ) -> Result<Page, ServiceError> {
        buffer.clear();
        let cursor = request.cursor.map(Cursor::parse).transpose()?;
        let cursor = cursor.unwrap_or_default();
        let segment = request.segment;
        let changes = self.plan.changes();
        let is_of_base = changes.is_some() && cursor.base.is_some();
        if !is_of_base {
            let next = lock(&self.pace).next();
            // A page that need not wait is read even at the end of the time: a call moves on.
            if next > Instant::now() {
                if next >= request.stop {
                    return Ok(Page::TimeIsOver);
                }
                sleep_until(next).await;
            }
        }
        let asked_ms = now_ms();
        let next = if is_of_base {
            self.unchanged(segment, &cursor, buffer).await?
        } else {
            let of_chunk = match changes {
                Some(_) => Some(self.merge(segment, cursor.changed.as_ref()).await?.changed),
                None => None,
            };
            self.rows(segment, &cursor, of_chunk, buffer).await?
        };
        let end = PageEnd {
            cursor: next.map(|cursor| cursor.to_json()),
            scanned: buffer.lines().map_or(0, |lines| lines.len() as u64),
            read_units: 0.0,
        };
        Ok(Page::Read { end, asked_ms })
    }

    async fn before_commit(&self, segment: u32) -> Result<SourceRead, ServiceError> {
        let held = lock(&self.sessions).remove(&segment);
        let Some(mut session) = held else {
            let read = self.ledger(segment, |ledger| {
                ledger.commit_without_snapshot(self.source)
            })?;
            return Ok(read.map_or(SourceRead::Nothing, SourceRead::Snapshot));
        };
        let compared = session.compare().await;
        let is_over = session.is_at_end();
        let read = self.ledger(segment, |ledger| ledger.commit(compared))?;
        if is_over {
            self.end(session).await;
        } else {
            lock(&self.sessions).insert(segment, session);
        }
        Ok(read.map_or(SourceRead::Nothing, SourceRead::Snapshot))
    }
}
