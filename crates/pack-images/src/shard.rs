//! Packs a shard of a dataset's plan, and says what came of it.

use crate::chosen::{Chosen, shuffle};
use crate::{LakeImages, PackFormat, PackImagesError, Shard, pack};
use contract::states::RowCounts;
use dataset::Columns;
use definition::{Format, ImageFiles};
use format::images::folder_path;
use image::Resize;
use lake::records::{DatasetPlan, Plan, RowContent, ShardRecord};
use lake::{PagedStore, RunKeys, documents};

/// Packs the shard, as another attempt may do at the same time.
pub async fn pack_shard<S: PagedStore>(
    store: &S,
    keys: &RunKeys,
    number: u32,
    attempt: &str,
) -> Result<ShardRecord, PackImagesError> {
    let run: Plan = documents::read(store, &keys.plan(), "the run's plan").await?;
    let plan: DatasetPlan<Columns> =
        documents::read(store, &keys.dataset_plan(), "the dataset's plan").await?;
    let (format, files) = match &plan.format {
        Format::ImageRecordIo(files) => (PackFormat::RecordIo, files),
        Format::WebDataset(files) => (PackFormat::WebDataset, files),
        Format::AugmentedManifest => (PackFormat::AugmentedManifest, &ImageFiles::DEFAULT),
        Format::ImageFolders(files) => (PackFormat::Folders, files),
        Format::ImageList(files) => (PackFormat::List, files),
        other => {
            let format = other.as_str();
            return Err(PackImagesError::OtherFormat { format });
        }
    };
    let Some((source, _)) = run.images() else {
        let kind = run.definition.source.kind();
        return Err(PackImagesError::OtherSource { kind });
    };
    let parts = plan
        .shards
        .get(number as usize)
        .ok_or(PackImagesError::UnknownShard {
            shard: number,
            shards: plan.shards.len(),
        })?;
    if format == PackFormat::Folders {
        check_folders(&plan.columns.label_classes)?;
    }
    let own = plan.lines.get(number as usize).copied();
    let mut chosen = Chosen::of(store, &plan.columns, parts, own).await?;
    shuffle(&mut chosen.images, plan.columns.split.seed, number);
    let shard = Shard {
        keys,
        number,
        attempt,
        format,
        classes: &plan.columns.label_classes,
        resize: files.resize.map(|shorter_side| Resize {
            shorter_side,
            quality: files.quality,
        }),
        max_pixels: source.accept.max_pixels,
    };
    let packed = pack(store, &LakeImages::new(store), shard, &chosen.images).await?;
    let left_out = chosen.left_out_by_conditions();
    for rejection in &packed.rejected {
        let (key, reason) = (&rejection.key, &rejection.reason);
        chosen
            .rejected
            .push(key, "", reason, Some(&rejection.detail));
    }
    let rows = RowCounts {
        rejected: chosen.rejected.items(),
        filtered: chosen.left_out.filtered,
        duplicates: chosen.left_out.duplicates,
        unsampled: chosen.left_out.unsampled,
        ..packed.rows
    };
    let (lines, rejected) = chosen.rejected.finish();
    if !lines.is_empty() {
        store.put(&keys.rejected(number), lines.into()).await?;
    }
    tracing::info!(shard = number, packed.encoded_again, "images are packed");
    let labels = packed.labels.into_iter();
    Ok(ShardRecord {
        shard: number,
        rows,
        files: packed.files,
        sample: None,
        content: RowContent {
            labels: labels
                .map(|(side, range)| (side.channel().to_owned(), range))
                .collect(),
            left_out,
            rejected,
            ..RowContent::default()
        },
    })
}

/// Readers number classes in the order of their folders' names, which must be the classes' own.
fn check_folders(classes: &[String]) -> Result<(), PackImagesError> {
    let mut last = String::new();
    for class in classes {
        let path = folder_path(class, "", "").map_err(PackImagesError::Classes)?;
        let folder = path.split_once('/').map_or("", |(folder, _)| folder);
        if folder <= last.as_str() {
            let class = class.clone();
            return Err(PackImagesError::ClassOrder { class });
        }
        folder.clone_into(&mut last);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_have_the_order_of_their_classes() {
        let check = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            check_folders(&names)
        };
        assert!(check(&["a", "a b", "a-b", "stop sign", "yield"]).is_ok());
        // As a folder, `a:` is `a%3A`, which comes before `a1`.
        let error = check(&["a1", "a:"]).unwrap_err();
        assert!(error.to_string().contains("\"a:\""), "{error}");
        assert!(matches!(
            check(&["..", "a"]).unwrap_err(),
            PackImagesError::Classes(_)
        ));
    }
}
