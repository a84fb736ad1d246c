//! The files of a channel: order, number and formats; the same items give the same files, whichever
//! way they were exported.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

mod support;

use contract::{ErrorName, Named};
use lake::records::Encoding;
use lake::{MemoryStore, ObjectStore};
use serde_json::{Value, json};
use support::{csv, exported, input, invocation, keys, merge, merge_all, objects, sealed};

fn line(n: u32) -> Vec<u8> {
    let (user, item, hour) = (n % 10, n / 10, f64::from(n) / 4.0);
    format!(
        r#"{{"Item":{{"user":{{"S":"ü{user}"}},"item":{{"S":"i{item}"}},"hour":{{"N":"{hour}"}},"rating":{{"N":"{n}"}}}}}}"#
    )
    .into_bytes()
}

/// Two segments of three parts of 100 items.
fn lines() -> Vec<Vec<Vec<Vec<u8>>>> {
    let part = |part: u32| (part * 100..(part + 1) * 100).map(line).collect();
    [[0, 1, 2], [3, 4, 5]]
        .map(|parts| parts.map(part).to_vec())
        .to_vec()
}

fn dataset(more: &Value) -> Value {
    let mut dataset = json!({
        "label": "rating",
        "columns": [{"path": "user"}, {"path": "item"}, {"path": "hour"}],
        "split": {"validation": 0.2},
    });
    for (name, value) in more.as_object().unwrap() {
        dataset[name] = value.clone();
    }
    dataset
}

async fn lake(more: Value) -> MemoryStore {
    exported(
        &lines(),
        Encoding::Zstd,
        dataset(&more),
        json!({"image": "i"}),
    )
    .await
}

#[tokio::test]
async fn a_native_export_of_the_same_items_gives_the_same_bytes() {
    let mut files = Vec::new();
    for encoding in [Encoding::Zstd, Encoding::Gzip, Encoding::Plain] {
        let store = exported(
            &lines(),
            encoding,
            dataset(&json!({})),
            json!({"image": "i"}),
        )
        .await;
        sealed(&store).await;
        files.push([
            objects(&store, &keys().channel("train")).await,
            objects(&store, &keys().channel("validation")).await,
        ]);
    }
    assert!(!files[0][0].is_empty());
    assert_eq!(files[0], files[1]);
}

#[tokio::test]
async fn rows_are_shuffled_by_the_seed_alone() {
    let order = async |seed: u64| {
        let store = lake(json!({"split": {"validation": 0.2, "seed": seed}})).await;
        merge_all(&store).await;
        let rows = csv(&store, "train").await;
        rows.iter().map(|row| row[0]).collect::<Vec<f32>>()
    };
    let one = order(1).await;
    let inversions = one.windows(2).filter(|pair| pair[0] > pair[1]).count();
    let share = inversions as f64 / one.len() as f64;
    assert!(
        (0.4..0.6).contains(&share),
        "half of the rows are out of order: {share}"
    );
    assert_eq!(order(1).await, one);
    assert_ne!(order(2).await, one);
}

#[tokio::test]
async fn instances_that_share_the_files_get_equal_shares() {
    let training = json!({"image": "i", "instanceCount": 4, "distribution": "shardedByS3Key"});
    let dataset = dataset(&json!({"shardBytes": 10_000}));
    let store = exported(&lines(), Encoding::Zstd, dataset, training).await;
    let record = sealed(&store).await;
    let rows = |channel: &str| -> Vec<u64> {
        let files = record.files.iter().filter(|file| file.channel == channel);
        files.map(|file| file.rows).collect()
    };
    let training = rows("train");
    assert!(
        training.len() > 4 && training.len().is_multiple_of(4),
        "{training:?}"
    );
    assert!(
        training.iter().min().unwrap() * 2 > *training.iter().max().unwrap(),
        "{training:?}"
    );
    assert_eq!(training.iter().sum::<u64>(), record.rows.train);
    assert_eq!(
        rows("validation").iter().sum::<u64>(),
        record.rows.validation
    );
}

#[tokio::test]
async fn fewer_rows_than_instances_are_refused_before_training() {
    let training = json!({"image": "i", "instanceCount": 7, "distribution": "shardedByS3Key"});
    let few = vec![vec![(0..5).map(line).collect()]];
    let dataset = dataset(&json!({"split": {"validation": 0.0}}));
    let store = exported(&few, Encoding::Zstd, dataset, training).await;
    merge_all(&store).await;
    let error = seal_dataset::handle(&store, input(), invocation())
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::QualityGateFailed);
    assert!(
        error
            .to_string()
            .starts_with("there are 5 training files for 7 instances"),
        "{error}"
    );
}

#[tokio::test]
async fn attempts_that_overlap_write_the_same_bytes_in_every_format() {
    let pairs = json!({"jsonLines": {"in0": ["user"], "in1": ["item"]}});
    for (format, extension, content_type) in [
        (json!("csv"), "csv", "text/csv"),
        (json!("csvWithHeader"), "csv", "text/csv"),
        (json!("recordIo"), "pbr", "application/x-recordio-protobuf"),
        (
            json!("recordIoSparse"),
            "pbr",
            "application/x-recordio-protobuf",
        ),
        (json!("parquet"), "parquet", "application/x-parquet"),
        (pairs, "jsonl", "application/jsonlines"),
    ] {
        let store = lake(json!({"format": format})).await;
        let record = sealed(&store).await;
        assert_eq!(record.content_type, content_type);
        assert_eq!((record.rows.total(), record.rows.rejected), (600, 0));
        assert!(
            record
                .files
                .iter()
                .all(|file| file.key.ends_with(extension))
        );
        let sample = record.sample.unwrap();
        assert_eq!(sample.rows, 5, "{format}");
        assert!(!sample.body.contains("rating"), "{}", sample.body);
        let before = objects(&store, &keys().channel("train")).await;
        // Another attempt, which began before the first one committed.
        store.delete(&keys().shard_manifest(0)).await.unwrap();
        merge(&store, 0).await;
        assert_eq!(
            objects(&store, &keys().channel("train")).await,
            before,
            "{format}"
        );
    }
}

#[tokio::test]
async fn rows_of_zeros_are_written_by_a_format_that_leaves_them_out() {
    for (format, fits) in [("csv", false), ("recordIoSparse", true)] {
        let columns = json!([{"path": "user", "encoding": "hashOneHot", "buckets": 20_001}]);
        let store = lake(json!({"format": format, "columns": columns})).await;
        match plan_dataset::handle(&store, 40, input(), invocation()).await {
            Ok(_) => assert!(fits),
            Err(error) => {
                assert_eq!((error.name(), fits), (ErrorName::InvalidDefinition, false));
            }
        }
    }
}

#[tokio::test]
async fn a_list_of_tokens_that_names_no_column_is_a_definition_to_correct() {
    let format = json!({"jsonLines": {"in0": ["user"], "in1": ["movie"]}});
    let store = lake(json!({"format": format})).await;
    let error = plan_dataset::handle(&store, 40, input(), invocation())
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::InvalidDefinition);
}

#[tokio::test]
async fn a_value_that_a_format_cannot_hold_is_rejected_with_its_key() {
    let mut all = lines();
    let none = br#"{"Item":{"user":{"S":"u"},"item":{"S":"none"},"rating":{"N":"1"}}}"#;
    all[0][0].push(none.to_vec());
    for (format, rejects) in [
        ("recordIo", 1),
        ("recordIoSparse", 1),
        ("parquet", 0),
        ("csv", 0),
    ] {
        let dataset = dataset(&json!({"format": format}));
        let store = exported(&all, Encoding::Zstd, dataset, json!({"image": "i"})).await;
        let record = sealed(&store).await;
        assert_eq!(
            (record.rows.total(), record.rows.rejected),
            (601, rejects),
            "{format}"
        );
        if rejects > 0 {
            let text = store.get(&keys().rejected(0)).await.unwrap();
            let line: Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(line["path"], "hour");
            assert_eq!(line["key"]["item"], json!({"S": "none"}));
        }
    }
}
