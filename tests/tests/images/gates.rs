//! What an index is compared with: limits before and after it, quarantined images, and images that
//! leak from one side of the split to another.

use crate::bucket::{Bucket, jpeg, recompressed};
use crate::fill;
use crate::run::{definition, index, plan, plan_dataset, plan_dataset_within, refused, run};
use contract::{ErrorName, Named};
use dataset::Quality;
use end_to_end::in_process::invocation;
use lake::{RunKeys, documents};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

#[tokio::test]
async fn objects_and_bytes_are_limited_before_the_index_and_after_it() {
    let bucket = Bucket::new();
    fill(&bucket, 12).await;
    let limited = |limits: Value| {
        let mut definition = definition(&json!({}));
        definition["limits"] = limits;
        definition
    };
    for (limits, says) in [
        (
            json!({"maxObjects": 11}),
            "12 objects, above limits.maxObjects of 11",
        ),
        (json!({"maxBytes": 1000}), "above limits.maxBytes of 1000"),
    ] {
        let error = refused(&bucket, &limited(limits)).await;
        assert_eq!(error.name(), ErrorName::LimitExceeded);
        assert!(error.to_string().contains(says), "{error}");
    }
    let twelve = limited(json!({"maxObjects": 12}));
    let planned = plan(&bucket, &twelve, "1").await.unwrap();
    bucket
        .put_image("images/cat/trip=0/late.jpg", jpeg(99))
        .await;
    index(&bucket, &planned).await.unwrap();
    let error = plan_dataset(&bucket, &planned).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::LimitExceeded);
    let says = "13 objects, and `limits.maxObjects` is 12";
    assert!(error.to_string().contains(says), "{error}");
    // The index is kept: with the limit raised nothing is read again.
    let again = run(&bucket, &limited(json!({"maxObjects": 13})), "2").await;
    assert_eq!((again.items, bucket.reads()), (13, 13));
}

#[tokio::test]
async fn too_many_quarantined_images_end_the_run() {
    let bucket = Bucket::new();
    fill(&bucket, 18).await;
    for name in ["a.jpg", "b.jpg"] {
        let key = format!("images/cat/trip=0/{name}");
        bucket.put_image(&key, b"<html>".to_vec()).await;
    }
    let gated = |most: f64| {
        let mut definition = definition(&json!({}));
        definition["gate"] = json!({"maximumQuarantined": most});
        definition
    };
    let planned = plan(&bucket, &gated(0.05), "1").await.unwrap();
    index(&bucket, &planned).await.unwrap();
    let error = plan_dataset(&bucket, &planned).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::QualityGateFailed);
    let says =
        "the share of images that are quarantined is 0.1, and `gate.maximumQuarantined` is 0.05";
    assert!(contract::chain(&error).contains(says), "{error:?}");
    assert_eq!(run(&bucket, &gated(0.1), "2").await.items, 20);
}

/// Sixty trips, each of an image and a copy that is compressed again.
async fn trips(bucket: &Bucket) {
    for number in 0..60 {
        let class = ["cat", "dog"][number as usize % 2];
        let trip = format!("images/{class}/trip={number:02}");
        bucket
            .put_image(&format!("{trip}/a.jpg"), jpeg(number))
            .await;
        bucket
            .put_image(&format!("{trip}/b.jpg"), recompressed(number))
            .await;
    }
}

fn split(split: &Value, most: f64) -> Value {
    let mut definition = definition(&json!({}));
    definition["dataset"] = json!({
        "label": "label",
        "labelEncoding": "classes",
        "columns": [{"path": "size"}],
        "split": split,
        "gate": {"maximumLeak": most},
    });
    definition
}

#[tokio::test]
async fn near_duplicates_on_two_sides_of_the_split_end_the_run() {
    let bucket = Bucket::new();
    trips(&bucket).await;
    let torn = json!({"validation": 0.2, "test": 0.2});
    let planned = plan(&bucket, &split(&torn, 0.01), "1").await.unwrap();
    index(&bucket, &planned).await.unwrap();
    let error = plan_dataset(&bucket, &planned).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::QualityGateFailed);
    let text = contract::chain(&error);
    assert!(
        text.contains("`dataset.gate.maximumLeak` is 0.01"),
        "{text}"
    );
    // Two images of one trip, by their keys.
    let (_, pairs) = text.split_once("earlier side (").unwrap();
    let (one, other) = pairs.split_once(" like ").unwrap();
    let trip = |key: &str| {
        key.trim_start_matches('`')
            .split('/')
            .nth(2)
            .unwrap()
            .to_owned()
    };
    assert_eq!(trip(one), trip(other), "{text}");
    // A trip on one side is what the same images are split by.
    let whole = json!({"by": ["trip"], "validation": 0.2, "test": 0.2});
    assert_eq!(run(&bucket, &split(&whole, 0.0), "2").await.items, 120);
    // Duplicates that become no row leak nothing.
    let mut unrepeated = split(&torn, 0.0);
    unrepeated["dataset"]["where"] = json!([{"path": "name", "op": "equal", "value": "a"}]);
    assert_eq!(run(&bucket, &unrepeated, "3").await.items, 120);
}

/// Why the gate ends a run of these images.
async fn gated(bucket: &Bucket, definition: &Value) -> String {
    let planned = plan(bucket, definition, "1").await.unwrap();
    index(bucket, &planned).await.unwrap();
    let error = plan_dataset(bucket, &planned).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::QualityGateFailed, "{error}");
    contract::chain(&error)
}

#[tokio::test]
async fn a_quarantined_copy_does_not_hide_the_image_that_leaks() {
    let (bucket, spoilt) = (Bucket::new(), Bucket::new());
    trips(&bucket).await;
    trips(&spoilt).await;
    // Copies whose keys do not fit: of equal files one is a row, and it must be none of these.
    for number in 0..60 {
        for copy in 0..8 {
            let key = format!("images/odd-{copy}-{number:02}.jpg");
            spoilt.put_image(&key, jpeg(number)).await;
        }
    }
    let mut definition = split(&json!({"validation": 0.2, "test": 0.2}), 0.01);
    definition["dataset"]["deduplicate"] = json!({"by": ["digest"]});
    let gate = &mut definition["dataset"]["gate"];
    gate["maximumMissingLabel"] = json!(1.0);
    let expected = gated(&bucket, &definition).await;
    assert!(expected.contains("maximumLeak"), "{expected}");
    assert_eq!(gated(&spoilt, &definition).await, expected);
}

#[tokio::test]
async fn images_that_are_not_compared_in_time_end_the_run_and_the_report_says_so() {
    let bucket = Bucket::new();
    trips(&bucket).await;
    let whole = json!({"by": ["trip"], "validation": 0.2});
    let planned = plan(&bucket, &split(&whole, 0.5), "1").await.unwrap();
    index(&bucket, &planned).await.unwrap();
    let late = contract::Invocation {
        deadline: SystemTime::now() + Duration::from_mins(1),
        ..invocation()
    };
    let error = plan_dataset_within(&bucket, &planned, late)
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::QualityGateFailed, "{error}");
    let says = "not compared: the function's time is over";
    let text = contract::chain(&error);
    assert!(text.contains(says), "{text}");
    let keys = RunKeys::new(&planned.pipeline, &planned.run);
    let quality: Quality = documents::read(&bucket, &keys.quality(), "the report on the data")
        .await
        .unwrap();
    let leak = quality.gate.iter().find(|one| one.bound == "maximumLeak");
    let leak = leak.unwrap();
    assert!(leak.measure.contains(says) && !leak.passed, "{leak:?}");
    assert_eq!(leak.value, None);
    // In time, the same index passes.
    plan_dataset(&bucket, &planned).await.unwrap();
}
