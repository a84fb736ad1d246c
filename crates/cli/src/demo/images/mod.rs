//! The demo of images: fills a bucket with handwritten digits as the cameras of a fleet store them,
//! trains on them, and lets the endpoint classify digits that it has not seen. Then it runs again, on
//! the same images and on a hundred more.

mod camera;
mod summary;

pub use camera::{Digit, Upload, digits};
pub use summary::{Again, Classified, ImageSummary};

use super::recommend::ask;
use super::{DemoError, execute};
use crate::execution::Finished;
use crate::local::Local;
use crate::progress::{Progress, count};
use contract::states::PublishReportOutput;
use contract::{Names, RunId};
use definition::Definition;
use futures::{StreamExt, TryStreamExt, stream};
use lake::documents;
use lake::keys::{self, RunKeys};
use lake::records::{Listing, SegmentRecord, VerdictRecord};
use lake::segment;
use lake::store::{ObjectStore, StoreError};
use serde::de::IgnoredAny;

/// Digits that are uploaded after the first run.
pub const LATER: usize = 100;
/// Digits that the endpoint is asked about.
const ASKED: usize = 5;
const PUTS_AT_ONCE: usize = 16;
const TEXT: &str = include_str!("../../../demo/images.json");

/// The definition.
pub fn definition() -> Definition {
    contract::read::from_slice(TEXT.as_bytes()).expect("the demo's definitions are tested")
}

/// Uploads, runs, asks, and runs twice again.
///
/// # Errors
/// If one of the steps fails.
pub async fn run(local: &Local, progress: &Progress) -> Result<ImageSummary, DemoError> {
    let text = local.digits(progress).await?;
    let digits = digits(&text).map_err(|line| DemoError::NoDigit { line })?;
    let (first_ones, others) = digits.split_at(digits.len().saturating_sub(LATER));
    let lake = local.lake();

    let uploads: Vec<Upload> = first_ones
        .iter()
        .enumerate()
        .flat_map(|(number, digit)| digit.uploads(number))
        .collect();
    let step = progress.step("Images");
    upload(&lake, &uploads).await?;
    step.done(&format!("{} files", count(uploads.len() as u64)));
    let key = keys::definition(Names::DEFAULT_PIPELINE);
    lake.put(&key, TEXT.into()).await?;

    let first = run_once(local, progress).await?;
    let keys = RunKeys::new(&first.output.pipeline, &first.output.run);
    let Some(endpoint) = first.output.endpoint.clone() else {
        let verdict: VerdictRecord =
            documents::read(&lake, &keys.verdict(), "the decision on the model").await?;
        return Err(DemoError::NoImagesServed {
            reason: verdict.reason,
        });
    };
    // Digits that no run has seen yet, as their cameras store them.
    let later: Vec<Upload> = (first_ones.len()..)
        .zip(others)
        .map(|(number, digit)| digit.sound(number))
        .collect();
    let step = progress.step("Classes");
    let mut classified = Vec::new();
    for upload in later.iter().take(ASKED) {
        classified.push(classify(local, &endpoint, upload).await?);
    }
    step.done(&format!("{ASKED} images, by endpoint {endpoint}"));

    let same = run_once(local, progress).await?;
    let step = progress.step("Images");
    upload(&lake, &later).await?;
    step.done(&format!("{LATER} more"));
    let more = run_once(local, progress).await?;
    let again = [same, more].map(|run| Again {
        outcome: run.output.outcome,
        images: run.output.items,
        read: run.listing.read,
        adopted: run.adopted,
    });
    ImageSummary::gather(&lake, &keys, first, classified, again).await
}

/// A run that ended well, and what it listed.
#[derive(Debug)]
pub struct ImageRun {
    /// The execution's output.
    pub output: PublishReportOutput,
    finished: Finished,
    /// What all ranges say.
    pub listing: Listing,
    /// Ranges that are an earlier run's.
    pub adopted: u32,
}

async fn run_once(local: &Local, progress: &Progress) -> Result<ImageRun, DemoError> {
    let finished = execute(local, progress).await?;
    let output: PublishReportOutput = contract::read::from_value(finished.output.clone())?;
    let (listing, adopted) = listing(&local.lake(), &output.pipeline, &output.run).await?;
    Ok(ImageRun {
        output,
        finished,
        listing,
        adopted,
    })
}

/// What all ranges of a run say together, and how many are an earlier run's.
async fn listing(
    store: &impl ObjectStore,
    pipeline: &str,
    run: &RunId,
) -> Result<(Listing, u32), DemoError> {
    let keys = RunKeys::new(pipeline, run);
    let (mut sum, mut adopted) = (Listing::default(), 0);
    for number in 0.. {
        let record: Option<SegmentRecord<IgnoredAny>> =
            segment::manifest(store, &keys, number).await?;
        let Some(record) = record else { break };
        sum += record.listing.unwrap_or_default();
        adopted += u32::from(record.adopted.is_some());
    }
    Ok((sum, adopted))
}

async fn upload(store: &impl ObjectStore, uploads: &[Upload]) -> Result<(), StoreError> {
    let puts = uploads
        .iter()
        .map(|upload| store.put(&upload.key, upload.bytes.clone().into()));
    stream::iter(puts)
        .buffer_unordered(PUTS_AT_ONCE)
        .try_collect()
        .await
}

/// Asks the endpoint what an image shows.
async fn classify(local: &Local, endpoint: &str, upload: &Upload) -> Result<Classified, DemoError> {
    let url = local.sagemaker_url();
    let answer = ask(&url, endpoint, |client, url| {
        let request = client
            .post(url)
            .header("content-type", "application/x-image");
        request.body(upload.bytes.clone())
    });
    let body = answer.await?.bytes().await;
    let body = body.map_err(|source| DemoError::Endpoint {
        endpoint: endpoint.to_owned(),
        source,
    })?;
    let classes = 10;
    let probabilities = sagemaker_ports::probabilities(&body, classes);
    let probabilities = probabilities.map_err(|what| DemoError::NoClass {
        endpoint: endpoint.to_owned(),
        what,
    })?;
    let best = probabilities
        .iter()
        .enumerate()
        .max_by(|(_, left), (_, right)| left.total_cmp(right));
    let (class, probability) = best.expect("there is one for each of ten classes");
    Ok(Classified {
        key: upload.key.clone(),
        label: upload.label,
        // The classes are the digits, in their order.
        class: u8::try_from(class).expect("one of ten"),
        probability: *probability,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::IMAGE_CLASSIFIER;

    #[test]
    fn the_file_is_a_definition_of_what_the_demo_has() {
        let definition = definition();
        definition.validate().unwrap();
        let image = definition.training().unwrap().image.as_deref();
        assert_eq!(image, Some(IMAGE_CLASSIFIER));
        let images = definition.source.images().unwrap();
        let pattern = images.pattern().unwrap();
        let line = format!("{}7", "16,".repeat(64));
        for digit in digits(&line).unwrap() {
            let upload = digit.sound(5);
            let parts = pattern.read(&upload.key).unwrap();
            assert_eq!(parts[1], "7", "{}", upload.key);
        }
    }
}
