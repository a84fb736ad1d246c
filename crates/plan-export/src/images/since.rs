//! Which ranges of the last index are not listed again, because their keys are too old.

use crate::PlanExportError;
use contract::ErrorName;
use definition::{ImagesSource, Since};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use lake::records::{ImageIndex, IndexedRange};
use lake::{PagedStore, StoreError};

/// Ranges of an index, and the key before which all of theirs are.
#[derive(Debug, Default)]
pub struct Settled<'i> {
    /// The ranges, which are the index's first.
    pub ranges: &'i [IndexedRange],
    /// The others.
    pub others: &'i [IndexedRange],
    /// The first key that is listed.
    pub from: String,
}

impl<'i> Settled<'i> {
    /// None of an index's ranges.
    pub fn none(index: Option<&'i ImageIndex>) -> Self {
        Self {
            others: index.map_or(&[], |index| index.ranges.as_slice()),
            ..Self::default()
        }
    }

    /// The ranges of an index of which all keys are older than the days that are listed.
    pub fn of(index: &'i ImageIndex, source: &ImagesSource, since: &Since, today: Date) -> Self {
        let first = today.saturating_sub(i64::from(since.late_days).days());
        let prefix = source.pattern();
        let prefix = prefix.map_or_else(|_| String::new(), |it| it.prefix().to_owned());
        let from = format!("{prefix}{first}");
        let is_old = |one: &IndexedRange| one.range.up_to.as_ref().is_some_and(|last| *last < from);
        let old = index.ranges.partition_point(is_old);
        let (ranges, others) = index.ranges.split_at(old);
        Self {
            ranges,
            others,
            from,
        }
    }

    /// The last key of these ranges.
    pub fn end(&self) -> Option<&'i str> {
        self.ranges.last()?.range.up_to.as_deref()
    }

    /// What is not listed, in a few words behind others; empty if all is.
    pub fn reason(&self) -> String {
        let objects: u64 = self.ranges.iter().map(|one| one.listing.objects).sum();
        match self.ranges.len() {
            0 => String::new(),
            ranges => format!(
                "; {ranges} of them, with {objects} objects before {}, are taken over without being listed",
                self.from
            ),
        }
    }
}

/// The day of this run, in UTC.
pub fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// Checks by the first key that its first part is a date.
pub async fn check(
    bucket: &impl PagedStore,
    source: &ImagesSource,
    prefix: &str,
) -> Result<Result<(), PlanExportError>, StoreError> {
    let page = bucket.list_page(prefix, None, 1).await?;
    let first = page.objects.first().map(|object| object.key.as_str());
    let pattern = source.pattern().ok();
    let part = first.and_then(|key| pattern.as_ref()?.read(key)?.first().copied());
    let is_date = |text: &str| {
        text.get(..10)
            .is_some_and(|date| date.as_bytes()[4] == b'-' && date.parse::<Date>().is_ok())
    };
    Ok(match (first, part) {
        (Some(key), Some(part)) if !is_date(part) => Err(PlanExportError::at_field(
            ErrorName::InvalidDefinition,
            "source.images.changed.since.part",
            format!(
                "{part:?} in {key:?} is no date such as 2026-11-29: without one nobody knows which images are older"
            ),
        )),
        _ => Ok(()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lake::records::{Checksum, IndexBasis, KeyRange, Listing};
    use serde_json::json;

    #[test]
    fn ranges_that_end_before_the_days_are_not_listed() {
        let ends = [
            Some("images/date=2026-11-01/x.jpg"),
            Some("images/date=2026-11-25/z.jpg"),
            Some("images/date=2026-11-26/a.jpg"),
            None,
        ];
        let mut after = None;
        let ranges = ends.map(|end| IndexedRange {
            range: KeyRange {
                after: std::mem::replace(&mut after, end.map(str::to_owned)),
                up_to: end.map(str::to_owned),
            },
            listing: Listing {
                objects: 5,
                ..Listing::default()
            },
            manifest: String::new(),
        });
        let index = ImageIndex {
            run: serde_json::from_value(json!("20261129-100000-01234567")).unwrap(),
            bucket: "fleet".to_owned(),
            prefix: "images/".to_owned(),
            basis: IndexBasis {
                reading: Checksum(0),
                labelling: Checksum(0),
                labels_etag: None,
            },
            ranges: ranges.to_vec(),
        };
        let source = json!({"keys": "images/date={date}/{name}.{ext}",
            "changed": {"since": {"part": "date", "lateDays": 3}}});
        let source: ImagesSource = serde_json::from_value(source).unwrap();
        let since = source.changed.since().unwrap();
        let of = |today: &str| Settled::of(&index, &source, since, today.parse().unwrap());
        let settled = of("2026-11-29");
        assert_eq!((settled.ranges.len(), settled.others.len()), (2, 2));
        assert_eq!(settled.end(), ends[1]);
        assert!(settled.reason().contains("2 of them, with 10 objects"));
        // The last range has no end: new keys come there.
        assert_eq!(of("2027-11-29").ranges.len(), 3);
        assert_eq!(of("2026-11-03").ranges.len(), 0);
        assert_eq!(of("2026-11-03").reason(), "");
    }
}
