//! What only an index of images has: the record by which later runs find it, and the end of a run
//! that found nothing new.

use crate::{Exported, PlanDatasetError};
use definition::{CountLimit, Dataset, ImageLabels};
use lake::records::{ExportRecord, ImageIndex, Latest, Listing, Plan};
use lake::{ObjectStore, RunKeys, documents, keys};
use std::borrow::Cow;

/// Records a whole index, so that later runs need not read its images again, whatever the gates
/// say of it.
pub async fn record(
    store: &impl ObjectStore,
    plan: &Plan,
    exported: &Exported,
) -> Result<(), PlanDatasetError> {
    let Some((_, images)) = plan.images() else {
        return Ok(());
    };
    let index = ImageIndex {
        run: plan.run.clone(),
        bucket: images.bucket.clone(),
        prefix: images.prefix.clone(),
        basis: images.basis.clone(),
        ranges: exported.ranges.clone(),
    };
    let key = keys::image_index(&plan.definition.pipeline);
    Ok(documents::write(store, &key, &index).await?)
}

/// Holds the objects that were listed, and their bytes, against the limits: the plan has only
/// estimated them.
pub fn check_limits(plan: &Plan, exported: &Exported) -> Result<(), PlanDatasetError> {
    let all = listing(exported);
    let mut limits = plan.definition.limits.of_images(all.objects, all.bytes);
    match limits.find(CountLimit::is_exceeded) {
        None => Ok(()),
        Some(CountLimit {
            field,
            unit,
            most,
            count,
        }) => Err(PlanDatasetError::AboveLimit {
            field,
            count,
            unit,
            cap: most,
        }),
    }
}

/// What the listings of all ranges said together.
pub fn listing(exported: &Exported) -> Listing {
    let mut all = Listing::default();
    for range in &exported.ranges {
        all += range.listing;
    }
    all
}

/// Refuses an index of which no image has a label, although the definition says where they are.
pub fn check_labels(plan: &Plan, exported: &Exported) -> Result<(), PlanDatasetError> {
    let Some(labels) = plan.images().and_then(|(source, _)| source.labels.as_ref()) else {
        return Ok(());
    };
    let quarantined: u64 = exported
        .ranges
        .iter()
        .map(|it| it.listing.quarantined)
        .sum();
    let images = exported.totals.items.saturating_sub(quarantined);
    if images > 0 && exported.profile.attribute("label").is_none() {
        let field = labels.field();
        return Err(PlanDatasetError::NoLabels { field, images });
    }
    Ok(())
}

/// The dataset without the entity tags of sidecars among inferred columns: those of equal sidecars are
/// equal, so that they would be the label itself.
pub fn without_label_tags<'d>(plan: &Plan, dataset: &'d Dataset) -> Cow<'d, Dataset> {
    const TAG: &str = "labelEtag";
    let labels = plan.images().and_then(|(source, _)| source.labels.as_ref());
    let is_inferred = dataset.columns.is_none() && dataset.format.images().is_none();
    if !is_inferred || !matches!(labels, Some(ImageLabels::Sidecar(_))) {
        return Cow::Borrowed(dataset);
    }
    let mut without = dataset.clone();
    without.exclude.push(TAG.to_owned());
    without.may_be_absent.push(TAG.to_owned());
    Cow::Owned(without)
}

/// Whether the last run that ended well had these images, with these labels, and this definition.
pub async fn is_nothing_new(
    store: &impl ObjectStore,
    plan: &Plan,
    exported: &Exported,
) -> Result<bool, PlanDatasetError> {
    if plan.images().is_none() {
        return Ok(false);
    }
    let Some(before) = before(store, plan).await? else {
        return Ok(false);
    };
    let then = before.keys();
    let export: Option<ExportRecord> =
        documents::read_if_there(store, &then.export(), "the record of an export").await?;
    let is_same = export.is_some_and(|export| {
        let (now, then) = (exported.totals, export.totals);
        (now.items, now.raw_bytes, now.checksum) == (then.items, then.raw_bytes, then.checksum)
    });
    Ok(is_same && before.definition == plan.definition)
}

/// The plan of the last run that ended well, if there is another one than this.
pub async fn before(
    store: &impl ObjectStore,
    plan: &Plan,
) -> Result<Option<Plan>, PlanDatasetError> {
    let pipeline = &plan.definition.pipeline;
    let latest: Option<Latest> = documents::read_if_there(
        store,
        &keys::latest(pipeline),
        "the record of the newest data",
    )
    .await?;
    let Some(latest) = latest.filter(|latest| latest.run != plan.run) else {
        return Ok(None);
    };
    let key = RunKeys::new(pipeline, &latest.run).plan();
    Ok(documents::read_if_there(store, &key, "the run's plan").await?)
}
