//! Captures a stream of a table: the batches that Lambda hands over become objects of lines in the
//! lake, in the form of an incremental export's.
//!
//! Nothing is looked for in an item, so that no item can hold the stream up. A record that is of no
//! known shape is stored as it came, and the rest of its batch is captured.

mod payload;
mod record;
mod replay;
mod scan;

pub use payload::{GivenUpError, payload};
pub use record::{Event, RecordError};
pub use replay::{ReplayError, Replayed, WholeTables, given_up, replay, unreadable};

use contract::{ErrorName, Named};
use lake::captured::{CapturedStream, Hour, SequenceNumber};
use lake::{ObjectStore, StoreError, part};
use record::Members;
use scan::Scan;

/// The images that a stream has to have.
const VIEW: &str = "NEW_AND_OLD_IMAGES";

/// A batch that cannot be captured, or not be stored.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The event is not what Lambda hands over of a stream.
    #[error("the event is no batch of a stream: it has no array `Records`")]
    NoBatch,
    /// No record says which stream it is of.
    #[error(
        "no record of the batch has the ARN of a table's stream as `eventSourceARN`: the function is for DynamoDB \
         streams alone"
    )]
    NoStream,
    /// The stream has not the images that changes are merged by.
    #[error(
        "the stream of table {table} has {view}: changes are merged by NEW_AND_OLD_IMAGES. Turn the table's stream \
         off and on again with both images, and give the stack the new stream's ARN as ChangeStreamArn"
    )]
    View {
        /// The table.
        table: String,
        /// What the stream has.
        view: String,
    },
    /// The lines could not be compressed.
    #[error("compressing captured changes")]
    Compress(#[source] std::io::Error),
    /// The lake refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Named for CaptureError {
    fn name(&self) -> ErrorName {
        match self {
            Self::NoBatch | Self::NoStream => ErrorName::InvalidRequest,
            Self::View { .. } => ErrorName::InvalidDefinition,
            Self::Compress(_) => ErrorName::Bug,
            Self::Store(error) => error.name(),
        }
    }
}

/// A record of no known shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable<'a> {
    /// The record, as it came.
    pub record: &'a str,
    /// Why it is none.
    pub reason: RecordError,
}

/// What was read of a batch.
#[derive(Debug)]
pub struct Batch<'a> {
    /// A line for each change, in the order of the batch.
    pub lines: Vec<u8>,
    /// The changes.
    pub changes: u64,
    /// Those among them that the table's time to live made.
    pub expired: u64,
    /// Records of no known shape.
    pub unreadable: Vec<Unreadable<'a>>,
    /// The stream; `None` if the batch is empty.
    stream: Option<CapturedStream>,
    /// The smallest and the largest sequence number.
    range: Option<(SequenceNumber, SequenceNumber)>,
}

impl<'a> Batch<'a> {
    /// Reads a batch, which is valid JSON.
    ///
    /// # Errors
    /// If it is no batch of a DynamoDB stream, or the stream has not both images.
    pub fn read(event: &'a str) -> Result<Self, CaptureError> {
        let mut batch = Self {
            lines: Vec::with_capacity(event.len()),
            changes: 0,
            expired: 0,
            unreadable: Vec::new(),
            stream: None,
            range: None,
        };
        let (mut arn, mut has_records) = (None, false);
        let mut refused = None;
        let mut take = |scan: &mut Scan<'a>| {
            if let Err(error) = batch.take(scan, &mut arn)? {
                refused.get_or_insert(error);
            }
            Some(())
        };
        let mut scan = Scan::new(event);
        let whole = scan.object(|scan, name| match name {
            "Records" => {
                has_records = true;
                scan.array(&mut take)
            }
            _ => scan.value().map(|_| ()),
        });
        if let Some(error) = refused {
            return Err(error);
        }
        if whole.is_none() || !has_records {
            return Err(CaptureError::NoBatch);
        }
        if batch.stream.is_none() && !batch.unreadable.is_empty() {
            return Err(CaptureError::NoStream);
        }
        Ok(batch)
    }

    /// Takes the record that comes next. `None` if it has no end; an error if no record of the batch
    /// can be captured.
    fn take(
        &mut self,
        scan: &mut Scan<'a>,
        arn: &mut Option<&'a str>,
    ) -> Option<Result<(), CaptureError>> {
        let start = scan.place()?;
        if scan.peek()? != b'{' {
            let record = scan.value()?;
            let reason = RecordError::NoObject { name: "the record" };
            self.unreadable.push(Unreadable { record, reason });
            return Some(Ok(()));
        }
        let members = Members::find(scan)?;
        let record = scan.since(start)?;
        if let Err(reason) = self.of_stream(&members, arn) {
            self.unreadable.push(Unreadable { record, reason });
            return Some(Ok(()));
        }
        if let Some(view) = members.view.map(|view| view.trim_matches('"'))
            && view != VIEW
        {
            let table = self.stream.as_ref().map_or("", CapturedStream::table);
            return Some(Err(CaptureError::View {
                table: table.to_owned(),
                view: view.to_owned(),
            }));
        }
        match members.into_change() {
            Ok(change) => {
                change.write(&mut self.lines);
                self.changes += 1;
                self.expired += u64::from(change.is_expired);
                let number = change.number;
                let (first, last) = self.range.unwrap_or((number, number));
                self.range = Some((first.min(number), last.max(number)));
            }
            Err(reason) => self.unreadable.push(Unreadable { record, reason }),
        }
        Some(Ok(()))
    }

    /// Whether a record is of the stream that the batch's first record is of.
    fn of_stream(
        &mut self,
        members: &Members<'a>,
        arn: &mut Option<&'a str>,
    ) -> Result<(), RecordError> {
        const ARN: &str = "eventSourceARN";
        let own = members.arn.ok_or(RecordError::Missing { name: ARN })?;
        if *arn == Some(own) {
            return Ok(());
        }
        let other = || RecordError::OtherStream {
            arn: own.trim_matches('"').chars().take(200).collect(),
        };
        if arn.is_some() {
            return Err(other());
        }
        let stream = CapturedStream::of_arn(own.trim_matches('"')).ok_or_else(other)?;
        *arn = Some(own);
        self.stream = Some(stream);
        Ok(())
    }

    /// The stream; `None` if the batch is empty.
    pub const fn origin(&self) -> Option<&CapturedStream> {
        self.stream.as_ref()
    }

    /// Stores the batch: its records of no known shape one by one, and its changes as one object,
    /// whose key it returns. `attempt` is unique, so that a batch which is stored again replaces
    /// nothing.
    ///
    /// # Errors
    /// If the lake fails. Then the whole batch has to be stored again.
    pub async fn store(
        &self,
        store: &impl ObjectStore,
        hour: &Hour,
        attempt: &str,
    ) -> Result<Option<String>, CaptureError> {
        let Some(stream) = &self.stream else {
            return Ok(None);
        };
        let first = self.range.as_ref().map(|(first, _)| first);
        for (number, unreadable) in self.unreadable.iter().enumerate() {
            let key = stream.unreadable_record(first, attempt, number);
            let body = bytes::Bytes::copy_from_slice(unreadable.record.as_bytes());
            store.put(&key, body).await?;
        }
        let Some((first, last)) = &self.range else {
            return Ok(None);
        };
        let key = stream.object(hour, first, last, attempt);
        let object = part::compress(&self.lines).map_err(CaptureError::Compress)?;
        store.put(&key, object.into()).await?;
        Ok(Some(key))
    }
}
