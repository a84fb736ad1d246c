//! Joins the profiles of all segments, checks the data against the gates and records the export. If
//! the definition has a dataset, it also decides the columns, and groups the raw parts into shards.
//!
//! It uses the profiles that the export wrote. It reads items only where columns need vocabularies
//! that the profile does not have, and the index of images for their sizes.

mod error;
mod events;
mod image_shards;
mod index;
mod items;
mod leaks;
mod quality;
mod sample;
mod shards;
mod snapshot;
mod vocabularies;

pub use error::PlanDatasetError;

use contract::states::{AfterExport, PlanDatasetOutput, RowsOf, RunInput};
use contract::{ErrorName, Invocation, Named};
use dataset::{Columns, Encoder, GateFailed, PlanError};
use definition::{Dataset, Distribution, PathUsage};
use format::Layout;
use futures::{StreamExt, TryStreamExt, stream};
use image_shards::{Division, ImageShards};
use lake::records::{
    DatasetPlan, ExportRecord, IndexedRange, Part, Plan, ScanTotals, SegmentRecord, Snapshots,
};
use lake::{ObjectStore, PutOutcome, RunKeys, documents, native, segment, vocabulary};
use profile::Profile;
use snapshot::Sealed;

const MANIFESTS_AT_ONCE: usize = 16;

/// Checks the export of a run and plans its dataset, if its definition has one, `concurrency` of
/// whose shards are merged concurrently. Called again, it answers the same.
///
/// # Errors
/// If a segment is not exported completely, or the data fails the definition or its quality gate.
pub async fn handle(
    store: &impl ObjectStore,
    concurrency: u32,
    input: RunInput,
    invocation: Invocation,
) -> Result<PlanDatasetOutput, PlanDatasetError> {
    let keys = RunKeys::new(&input.pipeline, &input.run);
    let plan: Plan = documents::read(store, &keys.plan(), "the run's plan").await?;
    let dataset = plan.definition.dataset.as_ref();
    let mut exported = None;
    let mut is_nothing_new = false;
    match snapshot::seal(store, &keys, &plan).await? {
        Sealed::Not => {}
        Sealed::Exact(snapshot) => {
            is_nothing_new = snapshot::is_nothing_new(store, &plan, &snapshot).await?;
        }
        Sealed::ExportWhole => return Ok(export_whole(input, &keys, concurrency)),
    }
    if plan.images().is_some() {
        let index = gather(store, &keys, &plan).await?;
        index::record(store, &plan, &index).await?;
        index::check_limits(&plan, &index)?;
        index::check_labels(&plan, &index)?;
        is_nothing_new = index::is_nothing_new(store, &plan, &index).await?;
        exported = Some(index);
    } else if let Some((_, of_events)) = plan.events() {
        let collected = gather(store, &keys, &plan).await?;
        events::record(store, &plan, of_events).await?;
        is_nothing_new = events::is_nothing_new(store, &plan, of_events).await?;
        exported = Some(collected);
    } else if is_nothing_new {
        exported = Some(gather(store, &keys, &plan).await?);
    }
    let (then, items, columns, shards) = match (exported, dataset) {
        (Some(exported), _) if is_nothing_new => {
            record(store, &keys, &exported).await?;
            (AfterExport::NothingNew, exported.totals.items, 0, 0)
        }
        (exported, Some(dataset)) => {
            let planned = planned(store, &keys, &plan, exported, dataset, &invocation);
            let planned = Box::pin(planned).await?;
            let (items, columns) = (planned.exported.items, planned.columns.columns.len());
            (AfterExport::Continue, items, columns, planned.shards.len())
        }
        (exported, None) => (
            AfterExport::End,
            Box::pin(checked(store, &keys, &plan, exported))
                .await?
                .items,
            0,
            0,
        ),
    };
    let numbers: Vec<u32> = (0..).take(shards).collect();
    documents::write(store, &keys.shards(), &numbers).await?;
    let output = PlanDatasetOutput {
        items,
        then,
        columns: u32::try_from(columns).unwrap_or(u32::MAX),
        shards: u32::try_from(shards).unwrap_or(u32::MAX),
        rows_of: match dataset.map(|dataset| dataset.format.images()) {
            Some(Some(_)) => RowsOf::Images,
            _ => RowsOf::Attributes,
        },
        shards_key: keys.shards(),
        concurrency,
        pipeline: input.pipeline,
        run: input.run,
    };
    tracing::info!(output.items, output.columns, output.shards, "planned");
    Ok(output)
}

/// The answer where the whole table has to be exported after all.
fn export_whole(input: RunInput, keys: &RunKeys, concurrency: u32) -> PlanDatasetOutput {
    PlanDatasetOutput {
        items: 0,
        then: AfterExport::ExportWhole,
        columns: 0,
        shards: 0,
        rows_of: RowsOf::Attributes,
        shards_key: keys.shards(),
        concurrency,
        pipeline: input.pipeline,
        run: input.run,
    }
}

/// Checks an export of which no dataset is made, and records it.
async fn checked(
    store: &impl ObjectStore,
    keys: &RunKeys,
    plan: &Plan,
    exported: Option<Exported>,
) -> Result<ScanTotals, PlanDatasetError> {
    let existing: Option<ExportRecord> =
        documents::read_if_there(store, &keys.export(), "the record of an export").await?;
    if let Some(existing) = existing {
        return Ok(existing.totals);
    }
    let exported = match exported {
        Some(exported) => exported,
        None => gather(store, keys, plan).await?,
    };
    let before = quality::before(store, keys, &plan.definition).await?;
    let (definition, profile) = (&plan.definition, &exported.profile);
    let quality = quality::judge_data(store, keys, definition, profile, None, before).await?;
    GateFailed::check(&quality.gate)?;
    record(store, keys, &exported).await?;
    Ok(exported.totals)
}

/// Records what was exported. Another attempt writes the same.
async fn record(
    store: &impl ObjectStore,
    keys: &RunKeys,
    exported: &Exported,
) -> Result<(), PlanDatasetError> {
    let record = ExportRecord {
        run: keys.run().clone(),
        segments: exported.segments,
        totals: exported.totals,
        snapshots: exported.snapshots.clone(),
        parts: exported.parts.clone(),
    };
    documents::commit(store, &keys.export(), &record).await?;
    Ok(())
}

/// The plan of the dataset: the committed one, or one that is made now.
async fn planned(
    store: &impl ObjectStore,
    keys: &RunKeys,
    plan: &Plan,
    exported: Option<Exported>,
    definition: &Dataset,
    invocation: &Invocation,
) -> Result<DatasetPlan<Columns>, PlanDatasetError> {
    let existing: Option<DatasetPlan<Columns>> =
        documents::read_if_there(store, &keys.dataset_plan(), "the dataset's plan").await?;
    if let Some(existing) = existing {
        return Ok(existing);
    }
    let exported = match exported {
        Some(exported) => exported,
        None => gather(store, keys, plan).await?,
    };
    let before = quality::before(store, keys, &plan.definition).await?;
    let columns = plan_columns(plan, definition, &exported.profile).map(|mut columns| {
        columns.keep_order(before.columns());
        columns
    });
    let planned = columns.as_ref().ok();
    let profile = &exported.profile;
    let whole = &plan.definition;
    let mut quality = quality::judge_data(store, keys, whole, profile, planned, before).await?;
    // A definition that does not fit the table is reported first: its limits mean little then.
    if let Err(error) = &columns
        && error.name() != ErrorName::QualityGateFailed
    {
        return Err(PlanDatasetError::Columns(Box::new(
            columns.expect_err("an error"),
        )));
    }
    GateFailed::check(&quality.gate)?;
    let mut columns = columns.map_err(Box::new)?;
    for left_out in &columns.left_out {
        tracing::info!(path = left_out.path, reason = left_out.reason, "left out");
    }
    vocabularies::gather(store, &exported.parts, &mut columns, invocation.deadline).await?;
    let (parts, until) = (&exported.parts, invocation.deadline);
    let asked = definition.sample.as_ref();
    let sampled = sample::draw(store, parts, asked, &mut columns, until).await?;
    let mut encoder = Encoder::new(&columns)?;
    Layout::of(&columns, &encoder).check(&definition.format)?;
    if let Some(most) = definition.gate.maximum_leak {
        let verdict = leaks::judge(store, parts, &mut encoder, most, until).await?;
        quality.gate.push(verdict);
        documents::write(store, &keys.quality(), &quality).await?;
        GateFailed::check(&quality.gate)?;
    }
    drop(encoder);
    let large = columns.take_vocabularies(vocabulary::INLINE);
    let vocabularies = vocabulary::write(store, keys, &large).await?;
    record(store, keys, &exported).await?;
    let readers = match &plan.definition.training {
        Some(training) if training.distribution == Distribution::ShardedByS3Key => {
            training.instance_count
        }
        _ => 1,
    };
    let (shards, lines) = if let Some(files) = definition.format.images() {
        let division = Division {
            dataset: definition,
            files,
            listed: index::listing(&exported).bytes,
            share: sampled.map_or(1.0, |rows| {
                rows as f64 / exported.totals.items.max(1) as f64
            }),
            readers,
        };
        let divided = division.of(store, exported.parts, invocation.deadline);
        let ImageShards { parts, lines } = divided.await?;
        (parts, lines)
    } else {
        let bytes = shards::bytes(definition, &exported.totals)?;
        (shards::bin(exported.parts, bytes), Vec::new())
    };
    let dataset_plan = DatasetPlan {
        columns,
        vocabularies,
        format: definition.format.clone(),
        files_per_shard: shards::files_per_shard(shards.len(), readers),
        minimum_files: readers,
        key_attributes: plan.key_attributes.clone(),
        shards,
        lines,
        exported: exported.totals,
    };
    match documents::commit(store, &keys.dataset_plan(), &dataset_plan).await? {
        PutOutcome::Created => Ok(dataset_plan),
        // Another attempt committed its plan first.
        PutOutcome::AlreadyThere => {
            Ok(documents::read(store, &keys.dataset_plan(), "the dataset's plan").await?)
        }
    }
}

/// Decides the columns, and checks the definition's paths against the table.
fn plan_columns(plan: &Plan, dataset: &Dataset, profile: &Profile) -> Result<Columns, PlanError> {
    let definition = &plan.definition;
    let chosen = index::without_label_tags(plan, dataset);
    let columns = dataset::plan_columns(&chosen, &plan.key_attributes, profile)?;
    let projected: Vec<_> = definition.paths();
    let projected: Vec<_> = projected
        .into_iter()
        .filter(|named| named.usage == PathUsage::Projection)
        .collect();
    dataset::check_paths(&projected, &dataset.may_be_absent, profile)?;
    if let Some((training, labels)) = definition.training.as_ref().zip(columns.labels(profile)) {
        let refused = training.check_labels(&labels);
        refused.map_err(|reason| PlanError::Labels { reason })?;
    }
    Ok(columns)
}

/// The joined manifests of all segments.
struct Exported {
    segments: u32,
    parts: Vec<Part>,
    totals: ScanTotals,
    snapshots: Option<Snapshots>,
    /// Whether a segment names no snapshot.
    has_gap: bool,
    profile: Profile,
    /// The ranges, if the segments are an index of images.
    ranges: Vec<IndexedRange>,
}

/// The joined manifests. Their parts are listed for queries, also if the data then fails its gate.
async fn gather(
    store: &impl ObjectStore,
    keys: &RunKeys,
    plan: &Plan,
) -> Result<Exported, PlanDatasetError> {
    let exported = join_manifests(store, keys, plan).await?;
    let bucket = store.bucket();
    let keys_of_parts = exported.parts.iter().map(|part| &part.key);
    let list: String = keys_of_parts.fold(String::new(), |list, key| {
        list + &format!("s3://{bucket}/{key}\n")
    });
    // Readers take an empty list for a part without a name.
    if !list.is_empty() {
        store.put(&keys.parts_list(), list.into()).await?;
    }
    Ok(exported)
}

/// Reads every segment's manifest, several at once, and joins them in order.
async fn join_manifests(
    store: &impl ObjectStore,
    keys: &RunKeys,
    plan: &Plan,
) -> Result<Exported, PlanDatasetError> {
    let numbers = native::segments(store, plan).await?;
    let segments = numbers.end - numbers.start;
    let manifests = stream::iter(numbers)
        .map(|number| async move {
            let manifest: Option<SegmentRecord<Profile>> =
                segment::manifest(store, keys, number).await?;
            manifest.ok_or(PlanDatasetError::SegmentMissing { segment: number })
        })
        .buffered(MANIFESTS_AT_ONCE);
    let nothing = Exported {
        segments,
        parts: Vec::new(),
        totals: ScanTotals::default(),
        snapshots: None,
        has_gap: false,
        profile: {
            let mut profile = Profile::new();
            let paths = plan.definition.paths();
            profile.declare(paths.iter().map(|named| named.text));
            profile
        },
        ranges: Vec::new(),
    };
    let planned = plan.images().map_or(&[][..], |(_, images)| &images.ranges);
    let mut all = manifests
        .try_fold(nothing, async |mut all, manifest| {
            all.totals += manifest.totals;
            if let (Some(range), Some(listing)) =
                (planned.get(manifest.segment as usize), manifest.listing)
            {
                let own = || keys.index_manifest(manifest.segment);
                all.ranges.push(IndexedRange {
                    range: range.clone(),
                    listing,
                    manifest: manifest.adopted.unwrap_or_else(own),
                });
            }
            all.has_gap |= manifest.snapshots.is_empty();
            let snapshots = manifest.snapshots.into_iter();
            all.snapshots =
                snapshots.fold(all.snapshots, |all, one| Some(Snapshots::with(all, one)));
            all.parts.extend(manifest.parts);
            all.profile.merge(manifest.profile);
            Ok(all)
        })
        .await?;
    if let Some(snapshots) = all.snapshots.as_mut()
        && all.has_gap
    {
        // Changes since that segment was read are not known to be at or above any position.
        snapshots.position = None;
    }
    Ok(all)
}
