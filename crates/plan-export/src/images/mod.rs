//! Plans the index of a bucket of images: which ranges of keys, how many images, what they cost.

mod count;
mod estimate;
mod labels;
mod midpoint;
mod ranges;
mod since;
mod survey;

use crate::PlanExportError;
use contract::states::{ExportTask, MOST_CHILDREN, Route};
use contract::{ErrorName, ServiceError};
use definition::{CountLimit, Definition, ImagesSource};
use lake::records::{Checksum, ImageIndex, ImagesPlan, IndexBasis, SourcePlan};
use lake::{DocumentError, PagedStore, StoreError, documents, keys};
use raw_export::{PlanSource, Planned};
use serde::Serialize;
use since::Settled;
use source::DescribeTable;
use survey::Survey;

/// Changes whenever the same image would get another line (`image::inspect`, the attributes): no
/// line of an older release is copied then.
const READING: u32 = 2;

/// A bucket of images to index, and the lake, of which other buckets' stores are made.
#[derive(Debug)]
pub struct Images<'a, T, L> {
    /// The definition's source.
    pub source: &'a ImagesSource,
    /// Tables, one of which may have the labels.
    pub tables: &'a T,
    /// The lake.
    pub lake: &'a L,
    /// Tasks that run at once, at most.
    pub concurrency: u32,
}

impl<T: DescribeTable, L: PagedStore> PlanSource for Images<'_, T, L> {
    type Error = PlanExportError;

    async fn plan(&self, definition: &Definition) -> Result<Planned, PlanExportError> {
        let Self { source, lake, .. } = *self;
        let bucket = source.bucket.as_deref().unwrap_or_else(|| lake.bucket());
        let images = lake.other(bucket);
        let prefix = source.prefix();
        let basis = self.basis(definition, bucket).await?;
        let earlier = self.earlier(definition, bucket, &prefix).await?;
        let label_keys_are_numbers = labels::check_table(source, self.tables).await?;
        let mut settled = Settled::none(earlier.as_ref());
        if let Some(since) = source.changed.since() {
            let checked = since::check(&images, source, &prefix).await;
            checked.map_err(|error| unlisted(error, bucket))??;
            // Lines that are made anew are made of a listing.
            if let Some(index) = earlier.as_ref().filter(|index| index.basis == basis) {
                settled = Settled::of(index, source, since, since::today());
            }
        }
        let (kept, end) = (settled.others, settled.end());
        let survey = Box::pin(Survey::of(&images, source, &prefix, kept, end)).await;
        let mut survey = survey.map_err(|error| unlisted(error, bucket))?;
        survey.put_before(settled.ranges);
        if earlier
            .as_ref()
            .is_some_and(|index| index.basis.reading != basis.reading)
        {
            survey.read_all();
        }
        if survey.images == 0 {
            return Err(missing(&images, source, &prefix, &survey).await?);
        }
        let above = check_counts(definition, &survey)?;
        let Survey { ranges, reason, .. } = &survey;
        let reason = format!("{reason}{}", settled.reason());
        let unlisted = u32::try_from(settled.ranges.len()).unwrap_or(u32::MAX);
        let segments = u32::try_from(ranges.len()).unwrap_or(u32::MAX);
        let at_once = segments.min(self.concurrency).max(1);
        let rate = source.read.requests_per_second;
        let is_relabelled = earlier.as_ref().is_some_and(|index| index.basis != basis);
        let labels = labels::reads(source, &survey, settled.ranges, is_relabelled);
        let estimate = estimate::estimate(source, &definition.limits, &survey, labels, at_once);
        crate::dynamodb::check_limits(definition, &estimate)?;
        Ok(Planned {
            key_attributes: vec!["key".to_owned()],
            route: Route::Images,
            reason,
            segments,
            tasks: ExportTask::share(segments, segments.min(MOST_CHILDREN)),
            estimate,
            sample: None,
            source: Some(SourcePlan::Images(ImagesPlan {
                bucket: bucket.to_owned(),
                prefix,
                basis,
                reads_per_second: (rate / at_once).max(1),
                pace: format!(
                    "reads at most {rate} images/s, {}{}",
                    functions(at_once),
                    labels.in_words()
                ),
                label_keys_are_numbers,
                unlisted,
                warnings: survey.warnings().into_iter().chain(above).collect(),
                objects: survey.objects,
                bytes: survey.all_bytes,
                sizes: survey.sizes,
                ranges: survey.ranges,
                earlier,
            })),
            changes: None,
        })
    }
}

impl<T: DescribeTable, L: PagedStore> Images<'_, T, L> {
    /// What the index's lines are made by.
    async fn basis(
        &self,
        definition: &Definition,
        bucket: &str,
    ) -> Result<IndexBasis, PlanExportError> {
        let source = self.source;
        let labels_etag = labels::etag_of_file(source, self.lake).await?;
        let paths = definition.paths();
        // The profile of a range that is adopted has the paths that were named then.
        let paths: Vec<_> = paths.iter().map(|path| path.text).collect();
        Ok(IndexBasis {
            reading: hash(&(
                READING,
                bucket,
                &source.accept,
                source.verify,
                &source.metadata,
            )),
            labelling: hash(&(
                &source.keys,
                &source.include,
                &source.labels,
                &labels_etag,
                paths,
            )),
            labels_etag,
        })
    }

    /// The newest index of the pipeline, if it is of these keys.
    async fn earlier(
        &self,
        definition: &Definition,
        bucket: &str,
        prefix: &str,
    ) -> Result<Option<ImageIndex>, PlanExportError> {
        let key = keys::image_index(&definition.pipeline);
        let index: Option<ImageIndex> =
            documents::read_if_there(self.lake, &key, "the newest index of images").await?;
        Ok(index.filter(|index| index.bucket == bucket && index.prefix == prefix))
    }
}

/// Compares the objects that were counted, and their bytes, with the limits. What was only estimated
/// refuses nothing: all are compared again when all are listed. Returns what to warn of.
fn check_counts(definition: &Definition, survey: &Survey) -> Result<Vec<String>, PlanExportError> {
    let limits = &definition.limits;
    let mut counted = limits.of_images(survey.counted.objects, survey.counted.bytes);
    if let Some(limit) = counted.find(CountLimit::is_exceeded) {
        return Err(PlanExportError::LimitExceeded {
            what: "what lies below the images' prefix",
            estimate: format!("{} {}", limit.count, limit.unit),
            field: limit.field.into(),
            cap: limit.most.to_string(),
        });
    }
    let estimated = limits.of_images(survey.objects, survey.all_bytes);
    let warning = |limit: CountLimit| {
        let CountLimit {
            field,
            unit,
            most,
            count,
        } = limit;
        format!(
            "there are about {count} {unit} below the prefix, by a sample of ranges, and {field} is {most}: the run \
             ends after the index if all are more, so raise it or index fewer"
        )
    };
    Ok(estimated
        .filter(CountLimit::is_exceeded)
        .map(warning)
        .collect())
}

fn hash(of: &impl Serialize) -> Checksum {
    let text = serde_json::to_vec(of).expect("a definition is written as JSON");
    let mut checksum = Checksum::default();
    checksum.add_line(&text);
    checksum
}

fn functions(count: u32) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("by {count} function{plural} at once")
}

/// The bucket cannot be listed: of its name, its region or the role.
fn unlisted(error: StoreError, bucket: &str) -> PlanExportError {
    const FIELD: &str = "source.images.bucket";
    let StoreError::Service(error) = error else {
        return PlanExportError::Lake(DocumentError::Store(error));
    };
    let ServiceError { code, .. } = error.as_ref();
    match code.as_str() {
        "NoSuchBucket" => PlanExportError::at_field(
            ErrorName::ImagesMissing,
            FIELD,
            format!("there is no bucket {bucket:?}: correct it, or create the bucket"),
        ),
        "PermanentRedirect" => PlanExportError::at_field(
            ErrorName::InvalidDefinition,
            FIELD,
            format!("{bucket:?} is in another region than the stack: deploy a stack there"),
        ),
        _ => PlanExportError::Images(error),
    }
}

/// No image has such a key: with the folders that there are instead.
async fn missing(
    bucket: &impl PagedStore,
    source: &ImagesSource,
    prefix: &str,
    survey: &Survey,
) -> Result<PlanExportError, PlanExportError> {
    let name = bucket.bucket();
    let message = if survey.objects > 0 {
        format!(
            "s3://{name}/{prefix} holds {} objects, and none ends with .{}: correct `include`",
            survey.objects,
            source.include.join(", .")
        )
    } else {
        // Up to the folder above, until there is something.
        let mut above = prefix.trim_end_matches('/');
        let found = loop {
            above = above.rfind('/').map_or("", |end| &above[..=end]);
            let page = bucket.list_page(above, None, 1000).await;
            let page = page.map_err(|error| unlisted(error, name))?;
            if !page.objects.is_empty() || above.is_empty() {
                break page.objects;
            }
            above = above.trim_end_matches('/');
        };
        let mut folders: Vec<_> = found
            .iter()
            .map(|object| {
                let rest = &object.key[above.len()..];
                rest.find('/')
                    .map_or(&*object.key, |end| &object.key[..=above.len() + end])
            })
            .collect();
        folders.dedup();
        let known = match folders.len() {
            0 => "the bucket is empty".to_owned(),
            _ => format!("there are {}", contract::some_names(folders.into_iter(), 5)),
        };
        format!("no object's key begins with {prefix:?} in {name:?}; {known}")
    };
    let field = if source.prefix.is_some() {
        "source.images.prefix"
    } else {
        "source.images.keys"
    };
    Ok(PlanExportError::at_field(
        ErrorName::ImagesMissing,
        field,
        message,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use count::Counted;

    /// A bucket of which 20,000 objects were counted, and 50,000 estimated.
    fn survey() -> Survey {
        Survey {
            ranges: Vec::new(),
            objects: 50_000,
            images: 50_000,
            sidecars: 0,
            all_bytes: 500_000,
            counted: Counted {
                objects: 20_000,
                bytes: 200_000,
            },
            sizes: Vec::new(),
            reads: 50_000,
            read_bytes: 500_000,
            is_least: false,
            reason: String::new(),
        }
    }

    #[test]
    fn what_was_counted_refuses_a_run_and_an_estimate_warns() {
        let definition = |limits: serde_json::Value| -> Definition {
            let source = serde_json::json!({"images": {"keys": "images/{name}.{ext}"}});
            let definition = serde_json::json!({"source": source, "limits": limits});
            serde_json::from_value(definition).unwrap()
        };
        for (limits, warned, refused) in [
            (serde_json::json!({"maxObjects": 50_000}), None, false),
            (
                serde_json::json!({"maxObjects": 49_999}),
                Some("about 50000 objects"),
                false,
            ),
            (
                serde_json::json!({"maxBytes": 200_000}),
                Some("limits.maxBytes is 200000"),
                false,
            ),
            (serde_json::json!({"maxObjects": 19_999}), None, true),
            (serde_json::json!({"maxBytes": 199_999}), None, true),
        ] {
            match check_counts(&definition(limits.clone()), &survey()) {
                Ok(warnings) => {
                    assert!(!refused, "{limits}");
                    assert_eq!(warnings.len(), usize::from(warned.is_some()), "{limits}");
                    let says = warned.is_none_or(|says| warnings[0].contains(says));
                    assert!(says, "{limits}: {warnings:?}");
                }
                Err(error) => {
                    assert!(refused, "{limits}: {error}");
                    assert_eq!(contract::Named::name(&error), ErrorName::LimitExceeded);
                }
            }
        }
    }
}
