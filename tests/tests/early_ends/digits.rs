//! The index of a bucket of images, on local AWS: handwritten digits, some of them spoilt.

use super::{is_over, newest};
use contract::states::{Outcome, PublishReportOutput, RowCounts};
use end_to_end::digits::{self, Digit};
use end_to_end::pipeline::Pipeline;
use futures::{StreamExt, TryStreamExt, stream};
use lake::records::{Listing, SegmentRecord};
use lake::{ObjectStore, RunKeys, segment};
use profile::Profile;
use serde_json::json;

/// How many are put there later.
const LATER: usize = 100;
/// Every so manieth is cut in half.
const SPOILT: usize = 60;

async fn put(pipeline: &Pipeline, digits: &[Digit], first: usize) {
    let digits = digits.iter().enumerate();
    let puts = digits.map(|(at, digit)| {
        let number = first + at;
        let (ending, mut bytes) = match number % 2 {
            0 => ("png", image::encode_png(&digit.pixels())),
            _ => ("jpg", image::encode_jpeg(&digit.pixels(), 90)),
        };
        if number.is_multiple_of(SPOILT) {
            bytes.truncate(bytes.len() / 2);
        }
        let vehicle = number % 40;
        let key = format!(
            "images/vehicle={vehicle}/{}/{number:05}.{ending}",
            digit.label
        );
        async move { pipeline.lake.put(&key, bytes.into()).await }
    });
    let puts = stream::iter(puts).buffer_unordered(16);
    puts.try_collect::<()>().await.unwrap();
}

/// What all ranges of a run said.
async fn listing(pipeline: &Pipeline, output: &PublishReportOutput) -> (Listing, usize) {
    let keys = RunKeys::new(&output.pipeline, &output.run);
    let (mut sum, mut number) = (Listing::default(), 0);
    let mut adopted = 0;
    loop {
        let record: Option<SegmentRecord<Profile>> =
            segment::manifest(&pipeline.lake, &keys, number)
                .await
                .unwrap();
        let Some(record) = record else {
            return (sum, adopted);
        };
        sum += record.listing.expect("a range was listed");
        adopted += usize::from(record.adopted.is_some());
        number += 1;
    }
}

pub async fn are_indexed(pipeline: &Pipeline) {
    let digits = digits::all();
    assert_eq!(digits.len(), 1797);
    let (early, late) = digits.split_at(digits.len() - LATER);
    put(pipeline, early, 0).await;
    let spoilt = early.len().div_ceil(SPOILT) as u64;
    let definition = json!({"source": {"images": {
        "keys": "images/vehicle={vehicle}/{class}/{name}.{ext}",
        "labels": {"key": "class"},
        "ranges": 8,
    }}});
    pipeline.define("digits", &definition.to_string()).await;
    let input = json!({"pipeline": "digits"});

    let first = pipeline.run_well(&input).await;
    assert_eq!(
        (first.outcome, first.items),
        (Outcome::Exported, early.len() as u64)
    );
    let keys = RunKeys::new("digits", &first.run);
    is_over(
        pipeline,
        &keys,
        "1697 items are exported, below `index/digits/`",
    )
    .await;
    let (found, _) = listing(pipeline, &first).await;
    assert_eq!((found.read, found.quarantined), (first.items, spoilt));
    let mut labelled = 0;
    for item in pipeline.raw_items(&keys).await {
        let key = item["key"]["S"].as_str().unwrap();
        let is_spoilt = item["quarantined"] == json!({"S": "Truncated"});
        let class = key.split('/').nth(2).unwrap();
        assert_eq!(item["label"] == json!({"S": class}), !is_spoilt, "{item}");
        labelled += u64::from(!is_spoilt);
    }
    assert_eq!(labelled + spoilt, first.items);

    let second = pipeline.run_well(&input).await;
    assert_eq!(
        (second.outcome, second.items),
        (Outcome::NothingNew, first.items)
    );
    assert_eq!(newest(pipeline, &second).await.run, first.run);
    let (found, adopted) = listing(pipeline, &second).await;
    assert_eq!((found.read, adopted), (0, 8));
    let keys = RunKeys::new("digits", &second.run);
    is_over(pipeline, &keys, "Nothing is new: the 1697 items").await;

    put(pipeline, late, early.len()).await;
    let third = pipeline.run_well(&input).await;
    assert_eq!(
        (third.outcome, third.items),
        (Outcome::Exported, digits.len() as u64)
    );
    assert_eq!(listing(pipeline, &third).await.0.read, LATER as u64);

    // Training files of what the index says: no image is read for them, and no spoilt one is a row.
    let with_rows = json!({
        "pipeline": "digits",
        "dataset": {
            "label": "label", "labelEncoding": "classes", "columns": [{"path": "size"}],
            "split": {"by": ["vehicle"], "validation": 0.2}, "gate": {"maximumRejected": 0.1, "maximumMissingLabel": 0.1},
        },
    });
    let sealed = pipeline.run_well(&with_rows).await;
    assert_eq!(sealed.outcome, Outcome::DatasetSealed);
    let (found, _) = listing(pipeline, &sealed).await;
    assert_eq!(found.read, 0);
    let rows = sealed.rows.unwrap();
    assert_eq!(
        (rows.rejected, RowCounts::total(rows)),
        (found.quarantined, third.items)
    );
    assert!(rows.train > 1000 && rows.validation > 100, "{rows:?}");
}
