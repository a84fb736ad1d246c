//! A chunk that is being read in one snapshot, and what was read of it since the last commit.

use crate::partitions;
use contract::{ErrorName, ServiceError};
use definition::{BadText, Consistency, SqlSource};
use lake::records::{SnapshotRead, SqlPlan};
use source::PageBuffer;
use sql_source::{Connection, DecimalSum, Keyset, LineWriter, Rows, dialect, version_store};

/// A connection on which a chunk is read.
pub struct Session<'p, C> {
    connection: C,
    source: &'p SqlSource,
    rows: Rows<'p>,
    taken: String,
    /// KB of old row versions that the server kept when the snapshot began, if it says.
    version_store: Option<u64>,
    /// Where a later run begins to read changes, if one may.
    position: Option<u64>,
    key_positions: Vec<usize>,
    sums: Vec<Sum>,
    /// The key at which the rows that are not committed begin.
    start: Option<Keyset>,
    /// The key of the last row.
    last: Option<Keyset>,
    /// Rows since `start`.
    new_rows: u64,
    /// Values with U+FFFD among them.
    bad_texts: u64,
    /// Rows in this snapshot.
    pub all_rows: u64,
    is_open: bool,
    is_at_end: bool,
}

struct Sum {
    column: String,
    position: usize,
    total: DecimalSum,
    has_values: bool,
}

impl<'p, C: Connection> Session<'p, C> {
    /// Begins to read a chunk after a key, in a snapshot of its own.
    pub async fn begin(
        mut connection: C,
        source: &'p SqlSource,
        rows: Rows<'p>,
        after: Option<Keyset>,
        plan: &SqlPlan,
    ) -> Result<Self, ServiceError> {
        let dialect = dialect(source.engine);
        let columns = &plan.columns;
        let is_strict = source.consistency == Consistency::Strict;
        let version_store = if is_strict {
            version_store(&mut connection, source.engine).await?
        } else {
            None
        };
        // It is asked for before the snapshot, which must have all changes below it.
        let position = match &plan.incremental {
            Some(_) => Some(position(&mut connection, source).await?),
            None => None,
        };
        for statement in dialect.begin(source.consistency) {
            connection.execute(statement).await?;
        }
        let partition = rows.partition_table();
        // The plan saw all rows of these. A policy that came since would hide some in silence.
        let is_planned_whole = partition.is_some() || plan.incremental.is_some();
        if is_planned_whole && let Some(statement) = dialect.shows_all_rows() {
            connection.execute(statement).await?;
        }
        if let Some(partition) = partition {
            partitions::hold(&mut connection, source, partition).await?;
        }
        let taken = connection.rows(dialect.moment()).await?;
        let taken = taken.into_iter().flatten().next().flatten();
        if partition.is_some() {
            // In the snapshot: a row that was moved before it into a new partition would be missed.
            partitions::check(&mut connection, source, plan).await?;
        }
        let sum = |column: &lake::records::SqlColumn| Sum {
            column: column.name.clone(),
            position: columns
                .iter()
                .position(|one| one.name == column.name)
                .unwrap_or_default(),
            total: DecimalSum::new(column.scale.unwrap_or_default()),
            has_values: false,
        };
        Ok(Self {
            connection,
            source,
            key_positions: rows.key_positions(),
            sums: rows.summed().into_iter().map(sum).collect(),
            rows,
            taken: taken.unwrap_or_default(),
            version_store,
            position,
            last: after.clone(),
            start: after,
            new_rows: 0,
            bad_texts: 0,
            all_rows: 0,
            is_open: false,
            is_at_end: false,
        })
    }

    /// Reads the next page. Returns how many rows it has, and whether more may follow.
    pub async fn page(
        &mut self,
        most: u32,
        writer: &LineWriter,
        buffer: &mut PageBuffer,
    ) -> Result<(u32, bool), ServiceError> {
        let has_order = self.rows.has_order();
        if has_order || !self.is_open {
            self.connection
                .open(&self.rows.page_query(self.last.as_ref()))
                .await?;
            self.is_open = true;
        }
        let Self {
            connection,
            key_positions,
            sums,
            last,
            ..
        } = self;
        let (mut written, mut bad_texts) = (0, 0);
        let counts_bad_texts = self.source.bad_text == BadText::Replace;
        let mut take = |row: &[Option<&str>]| {
            written += 1;
            buffer.push_with(|out| writer.write(row, out));
            if counts_bad_texts {
                let texts = row.iter().flatten();
                bad_texts += texts.filter(|text| text.contains('\u{fffd}')).count() as u64;
            }
            for sum in sums.iter_mut() {
                if let Some(text) = row.get(sum.position).copied().flatten() {
                    sum.has_values |= sum.total.add(text);
                }
            }
            if has_order {
                let last = last.get_or_insert_with(|| vec![String::new(); key_positions.len()]);
                for (value, position) in last.iter_mut().zip(key_positions.iter()) {
                    value.clear();
                    value.push_str(row.get(*position).copied().flatten().unwrap_or_default());
                }
            }
        };
        let count = connection.fetch(most, &mut take).await?;
        self.new_rows += written;
        self.bad_texts += bad_texts;
        self.all_rows += written;
        self.is_at_end = count < most;
        Ok((count, !self.is_at_end))
    }

    /// Whether the chunk was read to its end.
    pub const fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    /// The key of the last row.
    pub const fn last(&self) -> Option<&Keyset> {
        self.last.as_ref()
    }

    /// The rows since the last commit, which are not compared yet.
    pub fn snapshot(&self) -> SnapshotRead {
        SnapshotRead {
            taken: self.taken.clone(),
            rows: self.new_rows,
            compared: Vec::new(),
            bad_texts: self.bad_texts,
            position: self.position,
        }
    }

    /// Compares the rows since the last commit with what the database counts in the same snapshot.
    pub async fn compare(&mut self) -> Result<SnapshotRead, ServiceError> {
        let is_strict = self.source.consistency == Consistency::Strict;
        if !self.is_at_end && (is_strict || !self.rows.has_order()) {
            return Err(too_long(self.source, is_strict));
        }
        self.watch_version_store().await?;
        let mut compared = Vec::new();
        if self.source.consistency != Consistency::ReadCommitted {
            // At its end a chunk is compared as a whole, so that rows behind the last one count.
            let last = self.last.as_ref().filter(|_| !self.is_at_end);
            let after = self.start.as_ref().filter(|_| self.rows.has_order());
            let counted = self
                .connection
                .rows(&self.rows.totals_query(after, last))
                .await?;
            let counted: Vec<_> = counted.into_iter().flatten().collect();
            if let Some(difference) = self.difference(&counted) {
                return Err(differs(self.source, &difference));
            }
            compared.push("count".to_owned());
            compared.extend(self.sums.iter().map(|sum| sum.column.clone()));
        }
        let read = SnapshotRead {
            compared,
            ..self.snapshot()
        };
        self.start.clone_from(&self.last);
        (self.new_rows, self.bad_texts) = (0, 0);
        for sum in &mut self.sums {
            let scale = sum.total.scale();
            (sum.total, sum.has_values) = (DecimalSum::new(scale), false);
        }
        Ok(read)
    }

    /// Warns if the server had to keep many old rows for the snapshot.
    async fn watch_version_store(&mut self) -> Result<(), ServiceError> {
        const MANY_KB: u64 = 256 * 1024;
        let Some(before) = self.version_store else {
            return Ok(());
        };
        let now = version_store(&mut self.connection, self.source.engine).await?;
        let grown = now.unwrap_or_default().saturating_sub(before);
        if grown >= MANY_KB {
            tracing::warn!(
                table = self.source.name(),
                kb = grown,
                "the version store in tempdb grew while the snapshot was open"
            );
        }
        Ok(())
    }

    /// What differs, if anything does.
    fn difference(&self, counted: &[Option<String>]) -> Option<String> {
        let rows = counted.first().and_then(Option::as_deref);
        let rows = rows.unwrap_or("nothing");
        if rows != self.new_rows.to_string() {
            return Some(format!(
                "the database counts {rows} rows, and {} were read",
                self.new_rows
            ));
        }
        for (sum, counted) in self.sums.iter().zip(&counted[1..]) {
            let is_same = match counted {
                None => !sum.has_values,
                Some(text) => sum.total.is(text),
            };
            if !is_same {
                let counted = counted.as_deref().unwrap_or("NULL");
                return Some(format!(
                    "the database's sum of {:?} is {counted}, and that of the rows that were read is {}",
                    sum.column, sum.total
                ));
            }
        }
        None
    }

    /// Ends the snapshot, and returns the connection.
    pub async fn end(mut self) -> Result<C, ServiceError> {
        let end = dialect(self.source.engine).end();
        self.connection.execute(end).await?;
        Ok(self.connection)
    }
}

/// The database's position now.
async fn position(
    connection: &mut impl Connection,
    source: &SqlSource,
) -> Result<u64, ServiceError> {
    let rows = connection.rows(dialect(source.engine).position()).await?;
    let text = rows.into_iter().flatten().next().flatten();
    let text = text.unwrap_or_default();
    text.parse().map_err(|_| {
        let message = format!("the database's position is no number: {text:?}");
        error(source, ErrorName::ServiceRejected, "NoPosition", message)
    })
}

fn error(source: &SqlSource, name: ErrorName, code: &str, message: String) -> ServiceError {
    ServiceError {
        name,
        service: source.engine.name(),
        operation: "SELECT",
        subject: source.name().to_owned(),
        code: code.to_owned(),
        message,
        source: None,
    }
}

fn differs(source: &SqlSource, message: &str) -> ServiceError {
    let message = format!(
        "{message}, in the same snapshot and range: nothing of the chunk is committed; start the run again, and \
         report it if it happens twice"
    );
    error(
        source,
        ErrorName::SourceTotalsDiffer,
        "TotalsDiffer",
        message,
    )
}

/// What must be read at once did not end, or was begun by an invocation that is gone.
pub fn too_long(source: &SqlSource, is_strict: bool) -> ServiceError {
    let message = if is_strict {
        "consistency strict needs one snapshot, and the table was not read within one invocation: read a restored \
         snapshot or a replica with consistency partitioned"
    } else {
        "rows without a unique key are one stream, which was not read within one invocation: give the table a \
         primary key, read less by `where` or `columns`, or its partitions one by one by consistency readCommitted"
    };
    error(
        source,
        ErrorName::SnapshotTooLong,
        "NotAtOnce",
        message.to_owned(),
    )
}

/// The columns are others than when the run was planned.
pub fn changed(source: &SqlSource, message: &str) -> ServiceError {
    let message = format!("{message} since the run was planned: start a new run");
    error(
        source,
        ErrorName::SourceSchemaChanged,
        "SchemaChanged",
        message,
    )
}
