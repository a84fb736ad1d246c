//! A bucket of images, from its plan to raw lines: quarantine, labels, what a later run reads again,
//! and what S3 may do in between. Every function is the real one; the bucket is in memory.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

#[path = "images/bucket.rs"]
mod bucket;
#[path = "images/counted.rs"]
mod counted;
#[path = "images/faults.rs"]
mod faults;
#[path = "images/gates.rs"]
mod gates;
#[path = "images/labels.rs"]
mod labels;
#[path = "images/run.rs"]
mod run;
#[path = "images/sampling.rs"]
mod sampling;
#[path = "images/shards.rs"]
mod shards;
#[path = "images/since.rs"]
mod since;
#[path = "images/unlucky.rs"]
mod unlucky;

use bucket::{Bucket, jpeg, png};
use contract::states::AfterExport;
use contract::{ErrorName, Named};
use lake::ObjectStore;
use run::{Run, definition, refused, run};
use serde_json::json;
use std::collections::BTreeMap;

/// `count` images of three classes in two folders.
async fn fill(bucket: &Bucket, count: u32) {
    for number in 0..count {
        bucket.put_image(&key(number), jpeg(number)).await;
    }
}

fn key(number: u32) -> String {
    let class = ["cat", "dog", "emu"][number as usize % 3];
    format!("images/{class}/trip={}/{number:04}.jpg", number % 2)
}

fn by_key(run: &Run) -> BTreeMap<String, BTreeMap<String, String>> {
    let rows = run.rows.iter();
    rows.map(|row| (row["key"].clone(), row.clone())).collect()
}

#[tokio::test]
async fn every_image_becomes_a_line_with_what_it_is_and_its_label() {
    let bucket = Bucket::new();
    fill(&bucket, 40).await;
    bucket.put_image("images/dog/trip=9/a.png", png(7)).await;
    bucket
        .put_image("images/readme.txt", b"hello".to_vec())
        .await;
    let run = run(&bucket, &definition(&json!({})), "1").await;
    assert_eq!((run.planned.items, run.items), (41, 41));
    let rows = by_key(&run);
    let dog = &rows["images/dog/trip=1/0001.jpg"];
    for (name, value) in [
        ("class", "dog"),
        ("trip", "1"),
        ("label", "dog"),
        ("format", "jpeg"),
        ("width", "48"),
        ("height", "40"),
        ("channels", "3"),
        ("orientation", "1"),
        ("bucket", "memory"),
    ] {
        assert_eq!(dog[name], value, "{name}");
    }
    assert_eq!((dog["digest"].len(), dog["differenceHash"].len()), (32, 16));
    assert!(!dog.contains_key("quarantined") && !dog.contains_key("latitude"));
    assert_eq!(rows["images/dog/trip=9/a.png"]["format"], "png");
    let listing = run.listing;
    assert_eq!((listing.objects, listing.not_included), (42, 1));
    assert_eq!(
        (listing.read, listing.quarantined, bucket.reads()),
        (41, 0, 41)
    );
    assert_eq!(run.then, AfterExport::End);
}

#[tokio::test]
async fn each_bad_image_is_quarantined_by_its_reason_and_the_counts_add_up() {
    let bucket = Bucket::new();
    fill(&bucket, 12).await;
    let whole = jpeg(1);
    let large = vec![0xff; 30_000];
    let bad: [(&str, &[u8], &str); 8] = [
        ("empty.jpg", b"", "Empty"),
        ("page.jpg", b"<html>not found</html>", "NotAnImage"),
        ("half.jpg", &whole[..whole.len() / 2], "Truncated"),
        ("tiny.png", &bucket::sized_png(4, 4), "TooSmall"),
        ("grey.png", &bucket::grey_png(), "ColourNotAccepted"),
        ("large.jpg", &large, "TooLarge"),
        ("wide.png", &bucket::sized_png(300, 300), "TooManyPixels"),
        ("sub/folder/x.jpg", &whole, "KeyDoesNotFit"),
    ];
    for (name, bytes, _) in bad {
        bucket
            .put_image(&format!("images/cat/trip=0/{name}"), bytes.to_vec())
            .await;
    }
    let change = json!({
        "accept": {"minSide": 8, "maxBytes": 20_000, "maxPixels": 80_000, "grey": false},
    });
    let run = run(&bucket, &definition(&change), "1").await;
    let rows = by_key(&run);
    for (name, _, reason) in bad {
        let row = &rows[&format!("images/cat/trip=0/{name}")];
        assert_eq!(
            row.get("quarantined").map(String::as_str),
            Some(reason),
            "{name}"
        );
        assert!(!row.contains_key("label"), "{name}");
    }
    let quarantined = run
        .rows
        .iter()
        .filter(|row| row.contains_key("quarantined"));
    assert_eq!(quarantined.count(), bad.len(), "and no other");
    let listing = run.listing;
    assert_eq!((listing.objects, run.items), (20, 20));
    assert_eq!((listing.quarantined, listing.not_included), (8, 0));
    // What the listing says need not be read.
    assert_eq!(bucket.reads(), 18);
}

#[tokio::test]
async fn a_later_run_reads_what_is_new_and_nothing_else() {
    let bucket = Bucket::new();
    fill(&bucket, 300).await;
    let definition = definition(&json!({"ranges": 5}));
    let first = run(&bucket, &definition, "1").await;
    first.ended(&bucket).await;
    assert_eq!((bucket.reads(), first.plan.segments), (300, 5));

    // Nothing is new: every range is the first run's.
    let second = run(&bucket, &definition, "2").await;
    assert_eq!((bucket.reads(), second.adopted), (300, 5));
    assert_eq!(second.then, AfterExport::NothingNew);
    assert_eq!(second.rows, first.rows);

    // A hundred more cause exactly a hundred reads.
    for number in 300..400 {
        bucket.put_image(&key(number), jpeg(number)).await;
    }
    let third = run(&bucket, &definition, "3").await;
    assert_eq!((bucket.reads(), third.listing.read), (400, 100));
    assert_eq!((third.items, third.then), (400, AfterExport::End));
    third.ended(&bucket).await;

    // One replaced, one removed, one added: two reads, and one range that did not change is adopted.
    bucket.put_image(&key(3), jpeg(1003)).await;
    bucket
        .put_image("images/cat/trip=0/0000b.jpg", jpeg(77))
        .await;
    bucket.delete(&key(6)).await.unwrap();
    let fourth = run(&bucket, &definition, "4").await;
    assert_eq!((bucket.reads(), fourth.listing.read), (402, 2));
    assert_eq!((fourth.listing.vanished, fourth.items), (1, 400));
    assert!(fourth.adopted > 0, "{}", fourth.adopted);
    let (then, now) = (by_key(&third), by_key(&fourth));
    assert_ne!(then[&key(3)]["digest"], now[&key(3)]["digest"]);
    assert!(!now.contains_key(&key(6)));
    // It is what an index from nothing would be.
    let fresh = run(&bucket, &self::definition(&json!({"ranges": 3})), "5-other").await;
    assert_eq!(by_key(&fresh), now);
}

#[tokio::test]
async fn the_index_outlives_the_runs_raw_objects() {
    let bucket = Bucket::new();
    fill(&bucket, 30).await;
    let definition = definition(&json!({}));
    run(&bucket, &definition, "1").await;
    for object in bucket.list("raw/").await.unwrap() {
        assert!(!object.key.contains("/part-"), "{}", object.key);
        bucket.delete(&object.key).await.unwrap();
    }
    let second = run(&bucket, &definition, "2").await;
    assert_eq!((bucket.reads(), second.adopted, second.items), (30, 1, 30));
    // A part that is lost is made again.
    for object in bucket.list("index/").await.unwrap() {
        if object.key.contains("/part-") {
            bucket.delete(&object.key).await.unwrap();
        }
    }
    let third = run(&bucket, &definition, "3").await;
    assert_eq!((bucket.reads(), third.adopted, third.items), (60, 0, 30));
}

#[tokio::test]
async fn what_decides_lines_decides_what_is_made_again() {
    let bucket = Bucket::new();
    fill(&bucket, 30).await;
    run(&bucket, &definition(&json!({})), "1").await;
    // Other labels: new lines, and no image is read.
    let no_labels = definition(&json!({"labels": {"key": "trip"}}));
    let second = run(&bucket, &no_labels, "2").await;
    assert_eq!((bucket.reads(), second.adopted), (30, 0));
    assert!(second.rows.iter().all(|row| row["label"] == row["trip"]));
    assert!(second.rows.iter().all(|row| row["width"] == "48"));
    // Other limits: everything is read.
    let large = definition(&json!({"accept": {"minSide": 1000}}));
    let third = run(&bucket, &large, "3").await;
    assert_eq!((bucket.reads(), third.listing.quarantined), (60, 30));
}

#[tokio::test]
async fn labels_come_from_a_file_and_change_with_it() {
    let bucket = Bucket::new();
    fill(&bucket, 9).await;
    let labels = |seven: &str| {
        let row = |number: u32| format!("{},kind-{}\n", key(number), number % 2);
        let rows: String = (0..8).filter(|number| *number != 7).map(row).collect();
        format!(
            "key,label\n{rows}{},{seven}\n{},x\n{},y\n",
            key(7),
            key(0),
            key(0)
        )
    };
    bucket
        .put_image("images/labels.csv", labels("a").into_bytes())
        .await;
    let definition = definition(&json!({
        "labels": {"csv": {"uri": "s3://memory/images/labels.csv"}},
    }));
    let first = run(&bucket, &definition, "1").await;
    let rows = by_key(&first);
    assert_eq!(rows[&key(2)]["label"], "kind-0");
    assert_eq!(rows[&key(0)]["quarantined"], "LabelsDisagree");
    assert!(!rows[&key(8)].contains_key("label"), "nobody labelled it");
    bucket
        .put_image("images/labels.csv", labels("b").into_bytes())
        .await;
    let reads = bucket.reads();
    let second = run(&bucket, &definition, "2").await;
    assert_eq!(by_key(&second)[&key(7)]["label"], "b");
    // The file with the labels, once.
    assert_eq!((bucket.reads() - reads, second.listing.read), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn it_gives_way_when_s3_asks_to_slow_down_and_loses_nothing() {
    let bucket = Bucket::new();
    fill(&bucket, 60).await;
    bucket.throttle_every(4);
    let run = run(&bucket, &definition(&json!({})), "1").await;
    assert_eq!((run.items, run.listing.quarantined), (60, 0));
    assert!(bucket.throttled() > 10, "{}", bucket.throttled());
}

#[tokio::test]
async fn an_image_that_changes_while_it_is_read_is_read_the_next_time() {
    let bucket = Bucket::new();
    fill(&bucket, 20).await;
    bucket.replace_when_read(&key(5), jpeg(500));
    let definition = definition(&json!({}));
    let first = run(&bucket, &definition, "1").await;
    assert_eq!(by_key(&first)[&key(5)]["quarantined"], "Vanished");
    let second = run(&bucket, &definition, "2").await;
    assert_eq!(
        (
            second.items,
            second.listing.quarantined,
            second.listing.read
        ),
        (20, 0, 1)
    );
}

#[tokio::test]
async fn an_image_that_may_not_be_read_is_quarantined_and_a_role_that_reads_none_is_an_error() {
    let bucket = Bucket::new();
    fill(&bucket, 10).await;
    bucket.deny(&key(4));
    let definition = definition(&json!({}));
    let first = run(&bucket, &definition, "1").await;
    assert_eq!(by_key(&first)[&key(4)]["quarantined"], "Unreadable");
    let again = run(&bucket, &definition, "2").await;
    assert_eq!((again.items, again.listing.absent), (10, 1));
    for number in 0..10 {
        bucket.deny(&key(number));
    }
    let other = self::definition(&json!({"accept": {"minSide": 2}}));
    let error = run::try_index(&bucket, &other, "3").await.unwrap_err();
    assert_eq!(error.name(), ErrorName::AccessDenied);
}

#[tokio::test]
async fn what_is_not_there_is_said_with_what_is() {
    let bucket = Bucket::new();
    bucket.put_image("images/cats/a/1.jpg", jpeg(1)).await;
    bucket.put_image("images/notes/a.txt", b"x".to_vec()).await;
    for (change, name, says) in [
        (
            json!({"prefix": "images/cat/"}),
            ErrorName::ImagesMissing,
            "`images/cats/`, `images/notes/`",
        ),
        (
            json!({"include": ["png"]}),
            ErrorName::ImagesMissing,
            "none ends with .png",
        ),
        (
            json!({"labels": {"csv": {"uri": "s3://memory/images/labels.csv"}}}),
            ErrorName::LabelsMissing,
            "no object s3://memory/images/labels.csv",
        ),
    ] {
        let error = refused(&bucket, &definition(&change)).await;
        assert_eq!(error.name(), name, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    let mut limited = definition(&json!({}));
    limited["limits"] = json!({"maxCost": 0.000_000_1});
    assert_eq!(
        refused(&bucket, &limited).await.name(),
        ErrorName::LimitExceeded
    );
}

/// A definition with a dataset of packed images.
fn packing(format: &str, change: &serde_json::Value) -> serde_json::Value {
    let mut definition = definition(&json!({}));
    let mut dataset = json!({
        "label": "label", "labelEncoding": "classes",
        "split": {"by": ["trip"], "validation": 0.3},
        "gate": {"maximumMissingLabel": 0.5, "maximumRejected": 0.5},
    });
    dataset["format"] = match format {
        "augmentedManifest" => json!(format),
        packed => json!({packed: {}}),
    };
    for (field, value) in change.as_object().unwrap() {
        dataset[field] = value.clone();
    }
    definition["dataset"] = dataset;
    definition
}

async fn fill_trips(bucket: &Bucket, count: u32) {
    for number in 0..count {
        let class = ["cat", "dog", "emu"][number as usize % 3];
        let trip = number % 20;
        let key = format!("images/{class}/trip={trip}/{number:04}.jpg");
        bucket.put_image(&key, jpeg(number)).await;
    }
}

#[tokio::test]
async fn indexed_images_are_packed_in_the_version_that_was_indexed_and_the_counts_add_up() {
    for (format, ending) in [
        ("imageRecordIo", "train.rec"),
        ("webDataset", "part-00000.tar"),
        ("augmentedManifest", "train.manifest"),
        ("imageFolders", ".objects"),
        ("imageList", ".objects"),
    ] {
        let bucket = Bucket::new();
        fill_trips(&bucket, 200).await;
        let spoilt = "images/cat/trip=3/spoilt.jpg";
        bucket.put_image(spoilt, b"<html>".to_vec()).await;
        // The same file by another vehicle.
        bucket
            .put_image("images/dog/trip=7/copy.jpg", jpeg(1))
            .await;
        let rules = json!({"deduplicate": {"by": ["digest"]}, "where": [{"path": "trip", "op": "notEqual", "value": "19"}]});
        let run = run(&bucket, &packing(format, &rules), "1").await;
        assert_eq!((run.then, run.items), (AfterExport::Continue, 202));
        // Between the index and the packing one is removed and one is replaced.
        let (gone, other) = ("images/cat/trip=0/0000.jpg", "images/emu/trip=2/0002.jpg");
        bucket.delete(gone).await.unwrap();
        bucket.put_image(other, jpeg(900)).await;
        let dataset = run.packed(&bucket).await;

        let rows = dataset.rows;
        assert_eq!((rows.rejected, rows.filtered, rows.duplicates), (3, 10, 1));
        assert_eq!(rows.total(), 202);
        assert!(rows.train > 50 && rows.validation > 20, "{rows:?}");
        let rejected: Vec<_> = dataset
            .rejected
            .iter()
            .map(|one| (one.example.split(": ").next().unwrap(), one.items))
            .collect();
        assert_eq!(rejected, [("Vanished", 2), ("NotAnImage", 1)]);
        assert_eq!((dataset.classes, dataset.features), (Some(3), None));
        let train = dataset.files.iter().find(|file| file.channel == "train");
        let train = train.unwrap();
        assert!(train.key.ends_with(ending), "{}", train.key);
        assert!(train.key.contains("/train/"), "{}", train.key);
        if let Some(objects) = &train.objects {
            let there = bucket.list(&objects.prefix).await.unwrap();
            assert_eq!(there.len() as u64, rows.train);
        }
        let file = bucket.get(&train.key).await.unwrap();
        assert_eq!((file.len() as u64, train.rows), (train.bytes, rows.train));
    }
}

#[tokio::test]
async fn an_image_that_may_not_be_read_fails_the_packing_and_leaves_no_file() {
    let bucket = Bucket::new();
    fill_trips(&bucket, 60).await;
    let run = run(&bucket, &packing("imageRecordIo", &json!({})), "1").await;
    // A role that reads no image is no fault of one image.
    bucket.deny("images/cat/trip=0/0000.jpg");
    let keys = lake::RunKeys::new("default", &run.plan.run);
    let input = contract::states::MergeToCsvInput {
        pipeline: "default".to_owned(),
        run: run.plan.run.clone(),
        shard: 0,
    };
    let error = pack_images::handle(&bucket, input, end_to_end::in_process::invocation())
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::AccessDenied, "{error}");
    assert!(error.to_string().contains("0000.jpg"), "{error}");
    let left = bucket.list(&keys.channel("packed")).await.unwrap();
    assert_eq!(left.len(), 0, "no file of the attempt is left");
}
