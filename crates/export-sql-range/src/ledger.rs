//! What the next commit says of the snapshots that its rows were read in. Rows whose snapshot is gone
//! before they were compared are never committed.

use contract::{ErrorName, ServiceError};
use definition::{Consistency, SqlSource};
use lake::records::SnapshotRead;

/// The rows of one segment since its last commit.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Of snapshots that are gone.
    earlier: Option<SnapshotRead>,
    /// Of the snapshot that is open.
    current: Option<SnapshotRead>,
    /// Of a snapshot that was ended when its last row had been read, and the result of comparing.
    ended: Option<Result<SnapshotRead, ServiceError>>,
}

impl Ledger {
    /// A page was read: the open snapshot has had so many rows since the last commit.
    pub fn read(&mut self, current: SnapshotRead) {
        self.current = Some(current);
    }

    /// The snapshot is over, and its rows were compared with this result.
    pub fn end(&mut self, compared: Result<SnapshotRead, ServiceError>) {
        let earlier = self.earlier.take();
        self.ended = Some(compared.map(|one| joined(earlier, one)));
        self.current = None;
    }

    /// Another snapshot begins.
    ///
    /// # Errors
    /// If rows of the one before were to be compared, and no longer can.
    pub fn begin(&mut self, source: &SqlSource) -> Result<(), ServiceError> {
        let Some(lost) = self.current.take() else {
            return Ok(());
        };
        if lost.rows > 0 && source.consistency != Consistency::ReadCommitted {
            let error = lost_snapshot(source, lost.rows);
            self.current = Some(lost);
            return Err(error);
        }
        self.earlier = Some(joined(self.earlier.take(), lost));
        Ok(())
    }

    /// The rows that were compared with this result are committed.
    ///
    /// # Errors
    /// The result's.
    pub fn commit(
        &mut self,
        compared: Result<SnapshotRead, ServiceError>,
    ) -> Result<Option<SnapshotRead>, ServiceError> {
        let one = compared?;
        self.current = None;
        Ok(Some(joined(self.earlier.take(), one)))
    }

    /// The rows are committed, and no snapshot is open.
    ///
    /// # Errors
    /// If there are rows that were to be compared, and no longer can; or of comparing them before.
    pub fn commit_without_snapshot(
        &mut self,
        source: &SqlSource,
    ) -> Result<Option<SnapshotRead>, ServiceError> {
        if let Some(ended) = self.ended.take() {
            return ended.map(Some);
        }
        self.begin(source)?;
        Ok(self.earlier.take())
    }
}

/// Both together, as of the earlier one.
fn joined(earlier: Option<SnapshotRead>, one: SnapshotRead) -> SnapshotRead {
    let Some(earlier) = earlier else {
        return one;
    };
    SnapshotRead {
        taken: earlier.taken,
        rows: earlier.rows + one.rows,
        compared: one
            .compared
            .into_iter()
            .filter(|what| earlier.compared.contains(what))
            .collect(),
        bad_texts: earlier.bad_texts + one.bad_texts,
        position: earlier.position.zip(one.position).map(|(a, b)| a.min(b)),
    }
}

fn lost_snapshot(source: &SqlSource, rows: u64) -> ServiceError {
    ServiceError {
        name: ErrorName::ServiceUnavailable,
        service: source.engine.name(),
        operation: "SELECT",
        subject: source.name().to_owned(),
        code: "SnapshotLost".to_owned(),
        message: format!(
            "the connection was lost before {rows} rows could be compared with the database's own count: they \
             are read again"
        ),
        source: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn source(consistency: &str) -> SqlSource {
        let source = json!({
            "engine": "postgres", "secret": "s", "table": "t", "consistency": consistency,
        });
        serde_json::from_value(source).unwrap()
    }

    fn read(rows: u64, position: u64, compared: &[&str]) -> SnapshotRead {
        SnapshotRead {
            taken: format!("at {position}"),
            rows,
            compared: compared.iter().map(ToString::to_string).collect(),
            bad_texts: 0,
            position: Some(position),
        }
    }

    #[test]
    fn rows_that_can_no_longer_be_compared_are_not_committed() {
        let source = source("partitioned");
        let mut ledger = Ledger::default();
        ledger.begin(&source).unwrap();
        ledger.read(read(3, 7, &[]));
        for _ in 0..2 {
            let error = ledger.begin(&source).unwrap_err();
            assert_eq!(error.name, ErrorName::ServiceUnavailable);
            ledger.commit_without_snapshot(&source).unwrap_err();
        }
        let mut ledger = Ledger::default();
        ledger.read(read(0, 7, &[]));
        ledger.begin(&source).unwrap();
        ledger.read(read(5, 9, &[]));
        let committed = ledger.commit(Ok(read(5, 9, &["count"]))).unwrap().unwrap();
        assert_eq!((committed.rows, committed.position), (5, Some(7)));
        assert_eq!(ledger.commit_without_snapshot(&source).unwrap(), None);
    }

    #[test]
    fn without_comparing_the_earliest_position_counts() {
        let source = source("readCommitted");
        let mut ledger = Ledger::default();
        ledger.read(read(3, 7, &[]));
        ledger.begin(&source).unwrap();
        ledger.read(read(2, 9, &[]));
        let committed = ledger.commit_without_snapshot(&source).unwrap().unwrap();
        assert_eq!(
            (committed.rows, committed.position, committed.taken),
            (5, Some(7), "at 7".to_owned())
        );
    }

    #[test]
    fn what_was_compared_at_its_end_is_committed_later() {
        let source = source("partitioned");
        let mut ledger = Ledger::default();
        ledger.read(read(3, 7, &[]));
        ledger.end(Ok(read(3, 7, &["count"])));
        let committed = ledger.commit_without_snapshot(&source).unwrap().unwrap();
        assert_eq!(committed, read(3, 7, &["count"]));
        assert_eq!(ledger.commit_without_snapshot(&source).unwrap(), None);
        ledger.end(Err(lost_snapshot(&source, 1)));
        ledger.commit_without_snapshot(&source).unwrap_err();
    }
}
