//! Checks where the labels of images are, and how many requests they take.

use super::survey::Survey;
use super::unlisted;
use crate::PlanExportError;
use contract::ErrorName;
use definition::{ImageLabels, ImagesSource, TagReads, address};
use lake::PagedStore;
use lake::records::IndexedRange;
use source::DescribeTable;

/// The largest file of labels: each function holds it in memory.
const LABEL_BYTES: u64 = 256 * 1024 * 1024;

/// The entity tag of the file with the labels, if labels are in a file.
pub async fn etag_of_file(
    source: &ImagesSource,
    lake: &impl PagedStore,
) -> Result<Option<String>, PlanExportError> {
    let uri = source.labels.as_ref().and_then(|labels| labels.uri());
    let Some((uri, field)) = uri else {
        return Ok(None);
    };
    let refuse = |message| PlanExportError::at_field(ErrorName::LabelsMissing, field, message);
    let Some((bucket, key)) = address(uri) else {
        return Err(refuse(format!("{uri:?} is no address of an object")));
    };
    let page = lake.other(bucket).list_page(key, None, 1).await;
    let page = page.map_err(|error| unlisted(error, bucket))?;
    let file = page.objects.into_iter().find(|object| object.key == key);
    let Some(file) = file else {
        return Err(refuse(format!(
            "there is no object {uri}: put the labels there"
        )));
    };
    if file.size == 0 {
        return Err(refuse(format!("{uri} is empty")));
    }
    if file.size > LABEL_BYTES {
        let mib = file.size >> 20;
        return Err(refuse(format!(
            "{uri} has {mib} MiB, and a function reads {} at most: split the images into several pipelines",
            LABEL_BYTES >> 20
        )));
    }
    Ok(file.etag)
}

/// Checks the table with the labels, if labels are in a table. Returns whether its keys are numbers.
pub async fn check_table(
    source: &ImagesSource,
    tables: &impl DescribeTable,
) -> Result<bool, PlanExportError> {
    const NAME: &str = "source.images.labels.table.name";
    const KEY: &str = "source.images.labels.table.key";
    let Some(ImageLabels::Table(labels)) = &source.labels else {
        return Ok(false);
    };
    let (table, key) = (&labels.name, &labels.key);
    let refuse = |name, field, message| Err(PlanExportError::at_field(name, field, message));
    let Some(info) = tables.describe(table).await? else {
        let message = format!("there is no table {table:?}: correct it, or create the table");
        return refuse(ErrorName::LabelsMissing, NAME, message);
    };
    if info.key_attributes != [key.as_str()] {
        let keys = info.key_attributes.join(" and ");
        let message = format!(
            "the key of {table:?} is {keys}: labels are looked up by a partition key alone, which is named here"
        );
        return refuse(ErrorName::InvalidDefinition, KEY, message);
    }
    if !tables.holds_an_item(table, None).await? {
        let message = format!("{table:?} has no items: put the labels there");
        return refuse(ErrorName::LabelsMissing, NAME, message);
    }
    Ok(info.has_number_key)
}

/// What the labels of images take beside the images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LabelReads {
    /// Requests for tags.
    pub tags: u64,
    /// Sidecars that are read.
    pub sidecars: u64,
    /// Items of a table that are looked up.
    pub items: u64,
}

impl LabelReads {
    /// Requests to S3.
    pub const fn requests(self) -> u64 {
        self.tags + self.sidecars
    }

    /// Behind other words; empty if there are none.
    pub fn in_words(self) -> String {
        let counts = [
            (self.tags, "tag"),
            (self.sidecars, "sidecar"),
            (self.items, "item of a table"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        counts
            .map(|(count, what)| match (count, what) {
                (1, _) => format!(", with 1 {what} for a label"),
                (_, "item of a table") => format!(", with {count} items of a table for labels"),
                _ => format!(", with {count} {what}s for labels"),
            })
            .collect()
    }
}

/// How many requests the labels take. `unlisted` are ranges that nobody looks at.
pub fn reads(
    source: &ImagesSource,
    survey: &Survey,
    unlisted: &[IndexedRange],
    is_relabelled: bool,
) -> LabelReads {
    let settled = unlisted.iter();
    let settled: u64 = settled
        .map(|one| one.listing.objects - one.listing.not_included)
        .sum();
    let all = survey.images.saturating_sub(settled);
    let changed = if is_relabelled { all } else { survey.reads };
    let mut reads = LabelReads::default();
    match &source.labels {
        Some(ImageLabels::Tag(_)) => {
            reads.tags = match source.read.tags {
                TagReads::New => changed,
                TagReads::All => all,
            };
        }
        // There may be fewer sidecars than images.
        Some(ImageLabels::Sidecar(_)) => reads.sidecars = changed.min(survey.sidecars),
        Some(ImageLabels::Table(_)) => reads.items = all,
        Some(ImageLabels::Key(_) | ImageLabels::Manifest(_) | ImageLabels::Csv(_)) | None => {}
    }
    reads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_labels_take_is_said_in_words() {
        let words = |tags, sidecars, items| {
            let reads = LabelReads {
                tags,
                sidecars,
                items,
            };
            reads.in_words()
        };
        assert_eq!(words(0, 0, 0), "");
        assert_eq!(words(1, 0, 0), ", with 1 tag for a label");
        assert_eq!(words(0, 20, 0), ", with 20 sidecars for labels");
        assert_eq!(words(0, 0, 300), ", with 300 items of a table for labels");
    }
}
