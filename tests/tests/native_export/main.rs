//! A native export by moto, the one local server that writes its files, through the real steps and
//! adapters: the dataset matches the table, and the dataset of a scan. Later exports of what changed
//! are merged, and the items are those of the table again.
//!
//! moto does not write the manifests, so this test does. Before that, the export claims to be
//! complete without manifests, which must be refused.

#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

mod changes;
mod moto;

use aws::dynamodb::Tables;
use contract::states::{Route, Status};
use contract::{ErrorName, Named};
use end_to_end::dynamodb;
use end_to_end::pipeline::{assert_same_items, raw_items};
use lake::native::NativeExport;
use lake::{ObjectStore, documents};
use millrace::demo::TABLE;
use moto::{ITEMS, LAKE_KEY, Moto, of};
use serde_json::{Value, json};
use source::{ExportKind, ExportRequest, ExportState, NativeExport as _};

#[tokio::test(flavor = "multi_thread")]
async fn an_exported_table_becomes_the_same_dataset_as_a_scanned_one() {
    let moto = Moto::start().await;
    let error = moto.plan(json!({"mode": "export"})).await.unwrap_err();
    assert_eq!(
        error.name(),
        ErrorName::InvalidDefinition,
        "recovery is off"
    );
    dynamodb::turn_recovery_on(moto.server.url(), TABLE).await;

    let planned = moto.plan(json!({"mode": "export"})).await.unwrap();
    assert_eq!(planned.route, Route::Export);
    let (run, keys) = of(&planned);
    moto.look(&run).await.unwrap();
    // As if the call had been killed before it could record its request.
    moto.lake.delete(&keys.native_request()).await.unwrap();
    let error = moto.wait(&run).await.unwrap_err();
    assert_eq!(moto.exports().await.len(), 1, "one export was asked for");
    assert_eq!(error.name(), ErrorName::DatasetInvalid);
    assert!(
        error.to_string().contains("there is no manifest"),
        "{error}"
    );

    moto.write_manifests(&keys).await;
    let done = moto.look(&run).await.unwrap();
    assert_eq!(
        (done.status, done.segments, done.tasks),
        (Status::Done, 1, 1)
    );
    assert_eq!(
        moto.export_segments(&run, &done.tasks_key).await.unwrap(),
        ITEMS as u64
    );
    assert_same_items(
        &raw_items(&moto.lake, &keys).await,
        moto.interactions.items(),
    );
    let (exported_rows, exported) = Box::pin(moto.dataset(&run)).await;
    assert_eq!(exported_rows.total(), ITEMS as u64);

    let planned = moto.plan(json!({"mode": "auto"})).await.unwrap();
    assert_eq!(planned.route, Route::Scan, "{}", planned.reason);
    let (run, keys) = of(&planned);
    moto.export_segments(&run, &planned.tasks_key)
        .await
        .unwrap();
    assert_same_items(
        &raw_items(&moto.lake, &keys).await,
        moto.interactions.items(),
    );
    let (scanned_rows, scanned) = Box::pin(moto.dataset(&run)).await;
    assert_eq!((exported_rows, exported), (scanned_rows, scanned));
    moto.assert_permitted();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_refused_and_a_failed_export_is_told() {
    let moto = Moto::start().await;
    dynamodb::turn_recovery_on(moto.server.url(), TABLE).await;
    let planned = moto.plan(json!({"mode": "export"})).await.unwrap();
    let (run, keys) = of(&planned);
    moto.wait(&run).await.unwrap_err();
    moto.write_manifests(&keys).await;
    let done = moto.look(&run).await.unwrap();
    let export: NativeExport = documents::read(&moto.lake, &keys.native_export(), "export")
        .await
        .unwrap();
    let file = &export.files[0].key;
    let whole = moto.lake.get(file).await.unwrap();
    let mut damaged = whole.to_vec();
    damaged[whole.len() / 2] ^= 1;
    moto.lake.put(file, damaged.into()).await.unwrap();
    let error = moto
        .export_segments(&run, &done.tasks_key)
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::DatasetInvalid);
    assert!(error.to_string().contains("MD5"), "{error}");
    // Restored, it is taken.
    moto.lake.put(file, whole).await.unwrap();
    moto.export_segments(&run, &done.tasks_key).await.unwrap();

    let table = json!({ "TableName": TABLE });
    let table = dynamodb::call(moto.server.url(), "DescribeTable", &table).await;
    let request = ExportRequest {
        table_arn: table["Table"]["TableArn"].as_str().unwrap().to_owned(),
        token: "token".to_owned(),
        bucket: "there-is-no-such-bucket".to_owned(),
        prefix: "raw".to_owned(),
        key: LAKE_KEY.to_owned(),
        kind: ExportKind::Whole(1_795_195_800),
    };
    let tables = Tables::new(&moto.config);
    let mut asked = tables.request_export(&request).await.unwrap();
    while asked.state == ExportState::InProgress {
        asked = tables.describe_export(&asked.arn).await.unwrap();
    }
    let found = tables.find_export(&request).await.unwrap();
    assert_eq!(found.as_ref(), Some(&asked));
    let ExportState::Failed { code, message } = asked.state else {
        panic!("{asked:?}");
    };
    assert_eq!(code, "S3NoSuchBucket");
    assert!(!message.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_and_a_filter_leave_out_what_they_should() {
    let moto = Moto::start().await;
    let source = json!({
        "projection": ["rating", "context.device", "item_id", "favourite"],
        "filter": {
            "expression": "#r >= :least AND attribute_exists(context)",
            "names": {"#r": "rating"},
            "values": {":least": {"N": "4"}},
        },
        "segments": 2,
    });
    let planned = moto.plan(source).await.unwrap();
    assert_eq!(planned.route, Route::Scan);
    let (run, keys) = of(&planned);
    moto.export_segments(&run, &planned.tasks_key)
        .await
        .unwrap();
    let wanted: Vec<Value> = moto
        .interactions
        .rows
        .iter()
        .filter(|row| row.rating.is_some_and(|rating| rating >= 4.0))
        .filter(|row| row.item().get("context").is_some())
        .map(|row| {
            let item = row.item();
            let kept = ["rating", "item_id", "favourite", "user_id", "event_id"];
            let mut left: serde_json::Map<String, Value> = kept
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), item.get(*name)?.clone())))
                .collect();
            if let Some(device) = item["context"]["M"].get("device") {
                left.insert("context".to_owned(), json!({"M": {"device": device}}));
            }
            Value::Object(left)
        })
        .collect();
    assert!(
        wanted.len() > 50 && wanted.len() < ITEMS,
        "{}",
        wanted.len()
    );
    assert_same_items(&raw_items(&moto.lake, &keys).await, wanted.iter());
}
