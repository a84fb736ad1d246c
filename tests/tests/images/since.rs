//! Runs that list the keys of the last days only, and take older ranges over as they are.

use crate::bucket::{Bucket, jpeg};
use crate::run::{refused, run};
use contract::states::AfterExport;
use contract::{ErrorName, Named};
use lake::ObjectStore;
use serde_json::{Value, json};

/// Ten images of the day so many days ago, from a number on.
async fn day(bucket: &Bucket, ago: i64, from: u32) -> Vec<String> {
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let date = today.saturating_sub(jiff::Span::new().days(ago));
    let mut keys = Vec::new();
    for number in from..from + 10 {
        let key = format!("images/date={date}/{number:04}.jpg");
        bucket.put_image(&key, jpeg(number)).await;
        keys.push(key);
    }
    keys
}

fn definition(changed: &Value) -> Value {
    json!({"source": {"images": {
        "keys": "images/date={date}/{name}.{ext}", "ranges": 10, "changed": changed,
    }}})
}

#[tokio::test]
async fn older_ranges_are_taken_over_without_being_listed() {
    let bucket = Bucket::new();
    let mut old = Vec::new();
    for ago in 0..10 {
        old.push(day(&bucket, 40 - ago, u32::try_from(ago).unwrap() * 10).await);
    }
    let since = definition(&json!({"since": {"part": "date", "lateDays": 5}}));
    // The first run has nothing to take over.
    let first = run(&bucket, &since, "1").await;
    first.ended(&bucket).await;
    assert_eq!((first.items, first.listing.unlisted), (100, 0));
    assert_eq!(first.plan.images().unwrap().1.unlisted, 0);

    // An image of an old day, and one that is gone, are not seen; those of late days are.
    day(&bucket, 38, 900).await;
    bucket.delete(&old[1][0]).await.unwrap();
    day(&bucket, 4, 500).await;
    let listed = bucket.listed();
    let second = run(&bucket, &since, "2").await;
    second.ended(&bucket).await;
    let plan = second.plan.images().unwrap().1;
    assert_eq!(plan.unlisted, 9, "all but the last, which has no end");
    assert!(
        second
            .plan
            .reason
            .contains("are taken over without being listed")
    );
    assert_eq!((second.items, second.listing.read), (110, 10));
    assert_eq!((second.listing.unlisted, second.adopted), (90, 9));
    assert_eq!(plan.unlisted_objects(), 90);
    let some = bucket.listed() - listed;

    // Nothing is new.
    let third = run(&bucket, &since, "3").await;
    assert_eq!(third.then, AfterExport::NothingNew);

    // A run of everything sees what was missed.
    let listed = bucket.listed();
    let all = run(&bucket, &definition(&json!("all")), "4").await;
    assert_eq!((all.items, all.listing.vanished), (119, 1));
    assert_eq!((all.listing.unlisted, all.listing.read), (0, 10));
    assert!(bucket.listed() - listed > some, "more keys are listed");
}

#[tokio::test]
async fn lines_that_must_be_made_anew_are_made_of_a_listing() {
    let bucket = Bucket::new();
    for ago in 0..10 {
        day(&bucket, 40 - ago, u32::try_from(ago).unwrap() * 10).await;
    }
    let since = json!({"since": {"part": "date"}});
    run(&bucket, &definition(&since), "1").await;
    let mut labelled = definition(&since);
    labelled["source"]["images"]["labels"] = json!({"key": "name"});
    let second = run(&bucket, &labelled, "2").await;
    assert_eq!((second.listing.unlisted, second.listing.read), (0, 0));
    assert!(second.rows.iter().all(|row| row["label"] == row["name"]));
    // A part of the index that is lost is made again, of a listing.
    for object in bucket.list("index/").await.unwrap() {
        if object.key.contains("/part-") {
            bucket.delete(&object.key).await.unwrap();
        }
    }
    let third = run(&bucket, &labelled, "3").await;
    assert_eq!(
        (third.adopted, third.listing.read, third.items),
        (0, 100, 100)
    );
}

#[tokio::test]
async fn a_part_that_is_no_date_is_refused() {
    let bucket = Bucket::new();
    bucket
        .put_image("images/date=20261129/a.jpg", jpeg(1))
        .await;
    let since = definition(&json!({"since": {"part": "date"}}));
    let error = refused(&bucket, &since).await;
    assert_eq!(error.name(), ErrorName::InvalidDefinition);
    let says = "\"20261129\" in \"images/date=20261129/a.jpg\" is no date such as 2026-11-29";
    assert!(error.to_string().contains(says), "{error}");
}
