//! A sample of the images: stable when images come, and counted.

use crate::bucket::{Bucket, jpeg};
use crate::packing;
use crate::run::{Run, run};
use contract::states::RowCounts;
use lake::ObjectStore;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// So many images, nine of ten of them cats.
async fn fill(bucket: &Bucket, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let class = if number % 10 == 0 { "dog" } else { "cat" };
        let key = format!("images/{class}/trip={}/{number:04}.jpg", number % 20);
        bucket.put_image(&key, jpeg(number)).await;
    }
}

/// The counts of a dataset, and the keys of its images by class.
async fn packed(bucket: &Bucket, run: &Run) -> (RowCounts, BTreeMap<String, BTreeSet<String>>) {
    let dataset = run.packed(bucket).await;
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in &dataset.files {
        let file = bucket.get(&file.key).await.unwrap();
        // The documents of an archive, each in blocks of 512 bytes.
        for block in file.chunks(512).filter(|block| block.starts_with(b"{\"")) {
            let text = String::from_utf8_lossy(block);
            let text = text.trim_end_matches('\0');
            let document: Value = serde_json::from_str(text).unwrap();
            let text = |name: &str| document[name].as_str().unwrap().to_owned();
            keys.entry(text("label")).or_default().insert(text("key"));
        }
    }
    (dataset.rows, keys)
}

fn definition(sample: &Value) -> Value {
    packing("webDataset", &json!({"sample": sample}))
}

#[tokio::test]
async fn each_class_keeps_its_most_and_the_counts_add_up() {
    let bucket = Bucket::new();
    fill(&bucket, 0..300).await;
    let definition = definition(&json!({"perClass": 60}));
    let first = run(&bucket, &definition, "1").await;
    let (rows, keys) = packed(&bucket, &first).await;
    assert_eq!((keys["cat"].len(), keys["dog"].len()), (60, 30));
    assert_eq!((rows.unsampled, rows.total()), (210, 300));
    assert!(rows.train > 10 && rows.validation > 10, "{rows:?}");

    // With more images, some of those that were kept give way to new ones, and no other change.
    fill(&bucket, 300..360).await;
    let second = run(&bucket, &definition, "2").await;
    let (rows, more) = packed(&bucket, &second).await;
    assert_eq!((more["cat"].len(), more["dog"].len()), (60, 36));
    assert_eq!(rows.total(), 360);
    assert!(keys["dog"].is_subset(&more["dog"]));
    let number = |key: &str| -> u32 { key[key.len() - 8..key.len() - 4].parse().unwrap() };
    let new: Vec<_> = more["cat"].difference(&keys["cat"]).collect();
    assert!(!new.is_empty() && new.len() < 25, "{}", new.len());
    assert!(new.iter().all(|key| number(key) >= 300), "{new:?}");
}

#[tokio::test]
async fn a_share_and_a_maximum_are_of_all_classes() {
    let bucket = Bucket::new();
    fill(&bucket, 0..300).await;
    let first = run(&bucket, &definition(&json!({"share": 0.5})), "1").await;
    let (rows, half) = packed(&bucket, &first).await;
    let kept = rows.train + rows.validation;
    assert!((120..180).contains(&kept), "{kept}");
    assert_eq!(rows.total(), 300);
    let both = json!({"share": 0.5, "maximum": 80, "perClass": 70});
    let second = run(&bucket, &definition(&both), "2").await;
    let (rows, fewer) = packed(&bucket, &second).await;
    assert_eq!((rows.train + rows.validation, rows.total()), (80, 300));
    // The same hash decides: what a stricter sample keeps, the other one does.
    for (class, keys) in fewer {
        assert!(keys.is_subset(&half[&class]));
    }
}

#[tokio::test]
async fn a_sample_of_images_without_duplicates_does_not_depend_on_which_of_them_wins() {
    let bucket = Bucket::new();
    fill(&bucket, 0..100).await;
    let rules = json!({"sample": {"perClass": 40}, "deduplicate": {"by": ["digest"]}});
    let definition = packing("webDataset", &rules);
    let first = run(&bucket, &definition, "1").await;
    let (rows, _) = packed(&bucket, &first).await;
    assert_eq!((rows.unsampled, rows.total()), (50, 100));
    // A copy of each: the rows are the same images, by whichever key.
    for number in 0..100 {
        let class = if number % 10 == 0 { "dog" } else { "cat" };
        let key = format!("images/{class}/trip={}/a{number:04}.jpg", number % 20);
        bucket.put_image(&key, jpeg(number)).await;
    }
    let second = run(&bucket, &definition, "2").await;
    let (again, _) = packed(&bucket, &second).await;
    assert_eq!((again.unsampled, again.duplicates), (50, 100));
    assert_eq!(again.train + again.validation, rows.train + rows.validation);
    assert_eq!(again.total(), 200);
}
