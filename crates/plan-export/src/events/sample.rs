//! The first items of some new objects, read before anything is frozen: whether they can be read, have
//! the id, the label and the declared columns, and how long they are.

use super::at_field;
use crate::PlanExportError;
use contract::ErrorName;
use definition::{Definition, EventsSource};
use dynamodb_json::Lines;
use lake::part::LineReader;
use lake::records::{EventsPlan, ItemSample, SourceFile};
use lake::{HashedStream, PagedStore, PartError};
use profile::Profile;

/// Items after which no further object is read.
const ITEMS: u64 = 1000;

/// Objects that are read, at most, unless none of them has items.
const OBJECTS: usize = 20;

/// The items from which an attribute that none of them has is refused, as in a table's sample.
const ENOUGH: u64 = 500;

/// What was read.
#[derive(Debug)]
pub struct Sample {
    /// For the plan.
    pub items: ItemSample,
    /// Bytes of the items as raw lines.
    pub raw_bytes: u64,
    /// Bytes as stored of what they were read of.
    pub stored: u64,
}

/// Reads the first lines of some new objects and checks them. `has_others` says whether there are
/// items that earlier runs have read.
///
/// # Errors
/// `FileUnreadable` if a line is no item, `FilesIncomplete` if an object was just replaced or removed,
/// `TableEmpty` if there are no items at all, `AttributeMissing` if none has the label or a declared
/// column, or some lacks the id.
pub async fn read(
    lake: &impl PagedStore,
    definition: &Definition,
    source: &EventsSource,
    plan: &EventsPlan,
    fresh: &[&SourceFile],
    has_others: bool,
) -> Result<Sample, PlanExportError> {
    let dataset = definition.dataset.as_ref();
    let mut sampling = Sampling {
        profile: Profile::new(),
        raw_bytes: 0,
        stored: 0,
        is_whole: true,
    };
    let paths = dataset.map_or_else(Vec::new, definition::Dataset::paths);
    sampling
        .profile
        .declare(paths.iter().map(|named| named.text));
    let step = fresh.len().div_ceil(OBJECTS).max(1);
    let spread = fresh.iter().step_by(step);
    let others = (0..fresh.len()).filter(|at| !at.is_multiple_of(step));
    for (at, object) in spread.chain(others.map(|at| &fresh[at])).enumerate() {
        let items = sampling.profile.items();
        if items >= ITEMS || (at >= OBJECTS && items > 0) {
            sampling.is_whole = false;
            break;
        }
        sampling.read(lake, plan, object).await?;
    }
    let items = sampling.profile.items();
    if items == 0 && !has_others {
        return Err(at_field(
            ErrorName::TableEmpty,
            format!(
                "the objects in s3://{}/{} hold no events: put some into the delivery stream",
                lake.bucket(),
                plan.folder
            ),
        ));
    }
    check_names(source, &sampling.profile)?;
    if let Some(dataset) = dataset
        && (items >= ENOUGH || (sampling.is_whole && !has_others))
    {
        dataset::check_sample(dataset, &sampling.profile).map_err(|faults| {
            PlanExportError::Sampled {
                pipeline: definition.pipeline.clone(),
                faults,
            }
        })?;
    }
    Ok(Sample {
        items: ItemSample {
            items,
            read_units: 0.0,
        },
        raw_bytes: sampling.raw_bytes,
        stored: sampling.stored,
    })
}

/// What was read so far.
struct Sampling {
    profile: Profile,
    raw_bytes: u64,
    stored: u64,
    is_whole: bool,
}

impl Sampling {
    /// Reads the first lines of an object.
    async fn read(
        &mut self,
        lake: &impl PagedStore,
        plan: &EventsPlan,
        object: &SourceFile,
    ) -> Result<(), PlanExportError> {
        let (bucket, key) = (lake.bucket(), plan.key(object));
        let unreadable = |error: PartError| match error {
            PartError::Store(error) => PlanExportError::Lake(error.into()),
            other => at_field(
                ErrorName::FileUnreadable,
                format!(
                    "{}: remove the object, or put a right one there",
                    contract::chain(&other)
                ),
            ),
        };
        let stream = lake.stream_if_match(&key, &object.etag, 0).await;
        let Some(stream) = stream.map_err(|error| unreadable(error.into()))? else {
            return Err(at_field(
                ErrorName::FilesIncomplete,
                format!(
                    "s3://{bucket}/{key} was replaced or removed while the run was planned: start again"
                ),
            ));
        };
        let mut stream = HashedStream::new(stream);
        let encoding = stream.encoding().await;
        let encoding = encoding.map_err(|error| unreadable(error.into()))?;
        let reader = LineReader::new(stream, encoding, bucket, &key);
        let mut reader = reader.map_err(unreadable)?;
        let mut lines = Lines::new();
        let mut number = 0_u64;
        let mut taken = 0_u64;
        let before = self.profile.items();
        while let Some(batch) = reader.next().await.map_err(unreadable)? {
            lines.clear();
            for line in lake::part::lines(batch) {
                number += 1;
                lines.push_line(line).map_err(|error| {
                    at_field(
                        ErrorName::FileUnreadable,
                        format!(
                            "line {number} of s3://{bucket}/{key} is no item: {}: remove the object, or put a right one \
                             there",
                            contract::chain(&error)
                        ),
                    )
                })?;
            }
            taken += batch.len() as u64;
            self.profile.observe_lines(&lines);
            if self.profile.items() - before >= ITEMS {
                self.is_whole = false;
                break;
            }
        }
        self.raw_bytes += taken;
        self.stored += reader.stream().bytes();
        Ok(())
    }
}

/// Every event must have the attributes of the id, and those that the definition requires.
fn check_names(source: &EventsSource, profile: &Profile) -> Result<(), PlanExportError> {
    let items = profile.items();
    for (field, names) in [
        ("source.events.id", &source.id),
        ("source.events.required", &source.required),
    ] {
        for name in names {
            let attribute = profile.attribute(name);
            let has = attribute.map_or(0, |attribute| attribute.types.total());
            if has < items {
                return Err(PlanExportError::at_field(
                    ErrorName::AttributeMissing,
                    field,
                    format!(
                        "{has} of {items} sampled events have {}: name attributes that every event has",
                        contract::short_name(name)
                    ),
                ));
            }
        }
    }
    Ok(())
}
