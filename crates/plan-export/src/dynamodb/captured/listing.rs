//! The objects that were captured of a stream since a moment.

use crate::PlanExportError;
use lake::captured::{CapturedObject, CapturedStream, Hour, SequenceNumber};
use lake::records::CapturedFile;
use lake::{DocumentError, PagedStore};
use std::time::{Duration, SystemTime};

/// Objects of one page.
const PAGE: u32 = 1000;

/// Captured objects, in the order of their keys.
#[derive(Debug, Default)]
pub struct Listing {
    pub objects: Vec<CapturedFile>,
    /// When each was written, in seconds since 1970, if the store says.
    written: Vec<Option<i64>>,
    ranges: Vec<(SequenceNumber, SequenceNumber)>,
}

impl Listing {
    /// All objects that arrived in or after the hour of a moment, in seconds since 1970. What lies
    /// between them and is no object of changes is left out.
    pub async fn since(
        lake: &impl PagedStore,
        stream: &CapturedStream,
        since: i64,
    ) -> Result<Self, PlanExportError> {
        let seconds = Duration::from_secs(u64::try_from(since).unwrap_or(0));
        let mut after = stream.arrived(&Hour::of(SystemTime::UNIX_EPOCH + seconds));
        let prefix = stream.objects();
        let mut listing = Self::default();
        loop {
            let page = lake.list_page(&prefix, Some(after.as_str()), PAGE).await;
            let page = page.map_err(DocumentError::from)?;
            for object in &page.objects {
                if let Some(named) = CapturedObject::parse(&object.key) {
                    listing.ranges.push((named.first, named.last));
                    listing.written.push(object.written());
                    listing.objects.push(CapturedFile {
                        key: object.key.clone(),
                        size: object.size,
                    });
                }
            }
            match page.objects.last() {
                Some(last) if page.more => after.clone_from(&last.key),
                _ => return Ok(listing),
            }
        }
    }

    /// Whether an object may hold a change with this number.
    pub fn may_hold(&self, number: &SequenceNumber) -> bool {
        let mut ranges = self.ranges.iter();
        ranges.any(|(first, last)| (first..=last).contains(&number))
    }

    /// Bytes of all objects.
    pub fn bytes(&self) -> u64 {
        self.objects.iter().map(|object| object.size).sum()
    }

    /// Bytes of the objects that were written since a moment, in seconds since 1970. Those of which the
    /// store does not say when are counted.
    pub fn bytes_since(&self, moment: i64) -> u64 {
        let objects = self.objects.iter().zip(&self.written);
        let since = objects.filter(|(_, written)| written.is_none_or(|it| it >= moment));
        since.map(|(object, _)| object.size).sum()
    }
}
