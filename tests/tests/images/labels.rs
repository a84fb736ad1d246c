//! Labels that lie beside the images: in tags, in sidecars, in a table. What changes is seen, and what
//! does not is not asked for again.

use crate::bucket::{Bucket, jpeg};
use crate::run::{definition, index, plan, plan_dataset, refused, run, try_index};
use crate::{by_key, fill, key};
use contract::states::AfterExport;
use contract::{ErrorName, Named};
use lake::ObjectStore;
use serde_json::{Value, json};

fn sidecar_of(number: u32) -> String {
    key(number).replace(".jpg", ".json")
}

async fn put_sidecar(bucket: &Bucket, number: u32, label: &Value) {
    let text = json!({"sign": {"class": label}}).to_string();
    bucket
        .put_image(&sidecar_of(number), text.into_bytes())
        .await;
}

#[tokio::test]
async fn a_tag_is_read_with_its_image_and_again_only_if_asked_for() {
    let bucket = Bucket::new();
    fill(&bucket, 20).await;
    for number in 0..19 {
        bucket.set_tag(&key(number), "sign", &format!("s-{}", number % 3));
    }
    let by_tag = definition(&json!({"labels": {"tag": "sign"}}));
    let first = run(&bucket, &by_tag, "1").await;
    first.ended(&bucket).await;
    let rows = by_key(&first);
    assert_eq!(rows[&key(4)]["label"], "s-1");
    assert!(!rows[&key(19)].contains_key("label"), "it has no tag");
    assert_eq!((bucket.reads(), bucket.tag_reads()), (20, 20));
    assert_eq!(first.listing.label_reads, 20);
    assert!(first.plan.images().unwrap().1.pace.contains("20 tags"));

    // S3 lists no tags: the change is not seen, and nothing is asked.
    bucket.set_tag(&key(4), "sign", "other");
    let second = run(&bucket, &by_tag, "2").await;
    assert_eq!(second.then, AfterExport::NothingNew);
    assert_eq!((bucket.reads(), bucket.tag_reads()), (20, 20));

    // An image more: one request for it, and one for its tag.
    bucket.put_image(&key(20), jpeg(20)).await;
    bucket.set_tag(&key(20), "sign", "s-9");
    let third = run(&bucket, &by_tag, "3").await;
    assert_eq!(by_key(&third)[&key(20)]["label"], "s-9");
    assert_eq!((bucket.reads(), bucket.tag_reads()), (21, 21));

    // With `all`, every tag, and no image.
    let all = json!({"labels": {"tag": "sign"}, "read": {"tags": "all"}});
    let fourth = run(&bucket, &definition(&all), "4").await;
    assert_eq!(by_key(&fourth)[&key(4)]["label"], "other");
    assert_eq!((bucket.reads(), bucket.tag_reads()), (21, 42));
    fourth.ended(&bucket).await;
    // Nothing changed: the lines are written again, and are the same.
    let fifth = run(&bucket, &definition(&all), "5").await;
    assert_eq!((fifth.adopted, bucket.tag_reads()), (0, 63));
    assert_eq!(fifth.then, AfterExport::NothingNew);
}

#[tokio::test]
async fn a_tag_that_may_not_be_read_is_a_quarantine_and_a_role_that_reads_none_is_an_error() {
    let bucket = Bucket::new();
    fill(&bucket, 10).await;
    for number in 0..10 {
        bucket.set_tag(&key(number), "sign", "stop");
    }
    bucket.deny(&format!("tags of {}", key(3)));
    let by_tag = definition(&json!({"labels": {"tag": "sign"}}));
    let first = run(&bucket, &by_tag, "1").await;
    assert_eq!(by_key(&first)[&key(3)]["quarantined"], "Unreadable");
    assert_eq!((first.listing.quarantined, first.listing.absent), (1, 1));
    for number in 0..10 {
        bucket.deny(&format!("tags of {}", key(number)));
    }
    let other = definition(&json!({"labels": {"tag": "sign"}, "accept": {"minSide": 2}}));
    let error = try_index(&bucket, &other, "2").await.unwrap_err();
    assert_eq!(error.name(), ErrorName::AccessDenied);
    assert!(contract::chain(&error).contains("GetObjectTagging"));
}

#[tokio::test]
async fn a_sidecar_is_no_image_and_its_change_is_seen_wherever_the_ranges_are_cut() {
    for ranges in [1, 7] {
        let bucket = Bucket::new();
        fill(&bucket, 40).await;
        for number in 0..38 {
            put_sidecar(&bucket, number, &json!(format!("s-{}", number % 3))).await;
        }
        bucket.put_image(&sidecar_of(5), b"<html>".to_vec()).await;
        put_sidecar(&bucket, 6, &Value::Null).await;
        let by_sidecar = definition(&json!({
            "labels": {"sidecar": {"path": "$.sign.class"}}, "ranges": ranges,
        }));
        let first = run(&bucket, &by_sidecar, "1").await;
        first.ended(&bucket).await;
        let rows = by_key(&first);
        assert_eq!(rows[&key(4)]["label"], "s-1");
        assert_eq!(rows[&key(5)]["quarantined"], "LabelUnreadable");
        assert!(
            !rows[&key(6)].contains_key("label"),
            "nobody labelled it yet"
        );
        assert!(!rows[&key(39)].contains_key("label"), "it has no sidecar");
        assert!(rows.keys().all(|key| !key.contains(".json")));
        let listing = first.listing;
        assert_eq!((listing.quarantined, listing.not_included), (1, 38));
        assert_eq!((listing.read, listing.label_reads), (40, 38));
        assert!(first.plan.images().unwrap().1.warnings.is_empty());

        let second = run(&bucket, &by_sidecar, "2").await;
        assert_eq!(second.then, AfterExport::NothingNew);
        assert_eq!((bucket.reads(), second.listing.label_reads), (78, 0));
    }
}

#[tokio::test]
async fn a_changed_or_removed_sidecar_is_one_request_and_no_image() {
    let bucket = Bucket::new();
    fill(&bucket, 24).await;
    for number in 0..24 {
        put_sidecar(&bucket, number, &json!("a")).await;
    }
    let by_sidecar = definition(&json!({
        "labels": {"sidecar": {"path": "sign.class"}}, "ranges": 11,
    }));
    run(&bucket, &by_sidecar, "1").await;
    // Each in turn, and so also one whose image ends a range.
    for (at, number) in (0..24).enumerate() {
        put_sidecar(&bucket, number, &json!(format!("b-{number}"))).await;
        let reads = bucket.reads();
        let again = run(&bucket, &by_sidecar, &later(at)).await;
        assert_eq!(by_key(&again)[&key(number)]["label"], format!("b-{number}"));
        assert_eq!(
            (bucket.reads() - reads, again.listing.read),
            (1, 0),
            "{number}"
        );
    }
    bucket.delete(&sidecar_of(7)).await.unwrap();
    let reads = bucket.reads();
    let last = run(&bucket, &by_sidecar, "9").await;
    assert!(!by_key(&last)[&key(7)].contains_key("label"));
    assert_eq!((bucket.reads() - reads, last.items), (0, 24));
}

/// Names of runs, each later than the one before.
fn later(at: usize) -> String {
    format!("2.{at:03}")
}

#[tokio::test]
async fn a_sidecar_may_be_a_text() {
    let bucket = Bucket::new();
    fill(&bucket, 3).await;
    let text = key(1).replace(".jpg", ".txt");
    bucket.put_image(&text, b"stop\n".to_vec()).await;
    let by_text = definition(&json!({"labels": {"sidecar": {"suffix": ".txt"}}}));
    let first = run(&bucket, &by_text, "1").await;
    assert_eq!(by_key(&first)[&key(1)]["label"], "stop");
}

#[tokio::test]
async fn a_table_is_asked_in_every_run_and_no_image_is_read_again() {
    let bucket = Bucket::new();
    fill(&bucket, 30).await;
    for number in 0..29 {
        bucket.set_item(&format!("{number:04}"), Some("stop"));
    }
    bucket.set_item("0003", None);
    let by_table = definition(&json!({
        "labels": {"table": {"name": "signs", "key": "id", "from": "name"}}, "ranges": 3,
    }));
    let first = run(&bucket, &by_table, "1").await;
    first.ended(&bucket).await;
    let rows = by_key(&first);
    assert_eq!(rows[&key(4)]["label"], "stop");
    assert_eq!(rows[&key(3)]["quarantined"], "LabelUnreadable");
    assert!(!rows[&key(29)].contains_key("label"), "it has no item");
    assert_eq!(first.planned.read_units, 15);
    let second = run(&bucket, &by_table, "2").await;
    assert_eq!(second.then, AfterExport::NothingNew);
    bucket.set_item("0004", Some("yield"));
    let third = run(&bucket, &by_table, "3").await;
    assert_eq!(by_key(&third)[&key(4)]["label"], "yield");
    assert_eq!((bucket.reads(), third.listing.read), (30, 0));
}

#[tokio::test]
async fn labels_that_are_not_there_are_said_before_or_after_the_index() {
    let bucket = Bucket::new();
    fill(&bucket, 6).await;
    let table = |name: &str, key: &str| {
        definition(&json!({"labels": {"table": {"name": name, "key": key}}}))
    };
    let error = refused(&bucket, &table("signs", "id")).await;
    assert_eq!(error.name(), ErrorName::LabelsMissing);
    assert!(error.to_string().contains("has no items"), "{error}");
    bucket.set_item("else", Some("stop"));
    let error = refused(&bucket, &table("sings", "id")).await;
    assert_eq!(error.name(), ErrorName::LabelsMissing);
    assert!(error.to_string().contains("no table \"sings\""), "{error}");
    let error = refused(&bucket, &table("signs", "key")).await;
    assert_eq!(error.name(), ErrorName::InvalidDefinition);
    assert!(
        error.to_string().contains("the key of \"signs\" is id"),
        "{error}"
    );
    // No image has an item, a tag or a sidecar.
    for (at, labels) in [
        json!({"table": {"name": "signs", "key": "id"}}),
        json!({"tag": "sign"}),
        json!({"sidecar": {"path": "label"}}),
    ]
    .into_iter()
    .enumerate()
    {
        let definition = definition(&json!({"labels": labels}));
        let planned = plan(&bucket, &definition, &format!("1-p{at}"))
            .await
            .unwrap();
        index(&bucket, &planned).await.unwrap();
        let error = plan_dataset(&bucket, &planned).await.unwrap_err();
        assert_eq!(error.name(), ErrorName::LabelsMissing);
        let says = "none of 6 images has a label: correct `source.images.labels.";
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn an_inferred_column_is_no_sidecars_entity_tag() {
    let bucket = Bucket::new();
    fill(&bucket, 60).await;
    for number in 0..60 {
        put_sidecar(&bucket, number, &json!(format!("s-{}", number % 3))).await;
    }
    let mut by_sidecar = definition(&json!({"labels": {"sidecar": {"path": "sign.class"}}}));
    by_sidecar["dataset"] = json!({"label": "label", "labelEncoding": "classes"});
    let first = run(&bucket, &by_sidecar, "1").await;
    assert!(first.rows.iter().all(|row| row.contains_key("labelEtag")));
    let keys = lake::RunKeys::new("default", &first.plan.run);
    let plan = bucket.get(&keys.dataset_plan()).await.unwrap();
    let plan: Value = serde_json::from_slice(&plan).unwrap();
    let columns = plan["columns"]["columns"].as_array().unwrap();
    let paths: Vec<_> = columns.iter().map(|column| &column["path"]).collect();
    assert!(paths.contains(&&json!("size")), "{paths:?}");
    assert!(!paths.contains(&&json!("labelEtag")), "{paths:?}");
}
