//! What only an index of images has: the record by which later runs find it, and the end of a run
//! that found nothing new.

use crate::{Exported, PlanDatasetError};
use definition::CountLimit;
use lake::records::{ExportRecord, ImageIndex, Latest, Listing, Plan};
use lake::{ObjectStore, RunKeys, documents, keys};

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

/// Whether the last run that ended well had these images, with these labels, and this definition.
pub async fn is_nothing_new(
    store: &impl ObjectStore,
    plan: &Plan,
    exported: &Exported,
) -> Result<bool, PlanDatasetError> {
    if plan.images().is_none() {
        return Ok(false);
    }
    let pipeline = &plan.definition.pipeline;
    let latest: Option<Latest> = documents::read_if_there(
        store,
        &keys::latest(pipeline),
        "the record of the newest data",
    )
    .await?;
    let Some(latest) = latest.filter(|latest| latest.run != plan.run) else {
        return Ok(false);
    };
    let then = RunKeys::new(pipeline, &latest.run);
    let export: Option<ExportRecord> =
        documents::read_if_there(store, &then.export(), "the record of an export").await?;
    let is_same = export.is_some_and(|export| {
        let (now, then) = (exported.totals, export.totals);
        (now.items, now.raw_bytes, now.checksum) == (then.items, then.raw_bytes, then.checksum)
    });
    if !is_same {
        return Ok(false);
    }
    let before: Option<Plan> =
        documents::read_if_there(store, &then.plan(), "the run's plan").await?;
    Ok(before.is_some_and(|before| before.definition == plan.definition))
}
