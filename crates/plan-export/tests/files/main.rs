//! Folders of files in a lake in memory: what is planned and read of them is the table, and what is
//! not one whole export is refused by its name.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

mod exports;
mod huge;

use contract::states::Route;
use contract::{ErrorName, Named, RunId};
use definition::Definition;
use exports::{Objects, gzip, line_of_emr, line_of_hive, native_export, old_export, table};
use file_source::FileReader;
use huge::{Huge, LINES, WIDTH};
use lake::records::{FilesPlan, SegmentRecord, SourcePlan};
use lake::{MemoryStore, ObjectStore, RunKeys, part, segment};
use plan_export::{Files, PlanExportError};
use profile::Profile;
use raw_export::{
    Page, PlanSource, Planned, ReadSegments, SegmentRequest, Settings, TaskExport, TimeLimit,
};
use serde_json::{Value, json};
use source::{PageBuffer, Throttles};
use std::time::Duration;

const FOLDER: &str = "orders/2023-05-01/";

fn definition(files: &Value) -> Definition {
    let definition = json!({
        "source": {"files": files},
        "dataset": {"label": "amount", "split": {"validation": 0.2}},
    });
    contract::read::from_value(definition).unwrap()
}

async fn planned(
    objects: Objects,
    files: Value,
) -> Result<(MemoryStore, Definition, Planned), PlanExportError> {
    let store = MemoryStore::new();
    for (key, object) in objects {
        store.put(&key, object.into()).await.unwrap();
    }
    let definition = definition(&files);
    definition.validate().unwrap();
    let source = definition.source.files().unwrap();
    let files = Files {
        source,
        lake: &store,
        concurrency: 40,
    };
    let planned = files.plan(&definition).await?;
    Ok((store, definition, planned))
}

fn plan_of(planned: &Planned) -> &FilesPlan {
    match &planned.source {
        Some(SourcePlan::Files(plan)) => plan,
        other => panic!("{other:?}"),
    }
}

/// Reads what is planned to raw parts, and returns their items.
async fn exported(store: &MemoryStore, definition: &Definition, planned: &Planned) -> Vec<Value> {
    let run = RunId::parse("20261120-173000-1a2b3c4d").unwrap();
    let keys = RunKeys::new("default", &run);
    let plan = plan_of(planned);
    let reader = FileReader::new(store.clone(), definition.source.files().unwrap(), plan);
    for task in &planned.tasks {
        let export = TaskExport {
            store,
            reader: &reader,
            keys: &keys,
            source_name: "the files",
            total_segments: planned.segments,
            declared: &[],
            attempt: "a",
            settings: Settings::default(),
            time: TimeLimit::within(Duration::from_hours(1)),
            max_units: None,
        };
        let end = export.run(task).await.unwrap();
        assert!(end.segments.iter().all(|segment| segment.whole));
    }
    let mut items = Vec::new();
    for number in 0..planned.segments {
        let record: SegmentRecord<Profile> = segment::manifest(store, &keys, number)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(record.profile.items(), record.totals.items);
        for listed in &record.parts {
            let take = |line: &[u8]| {
                let line: Value = serde_json::from_slice(line).unwrap();
                items.push(line["Item"].clone());
            };
            part::read_lines(store, listed, take).await.unwrap();
        }
    }
    items
}

#[tokio::test]
async fn every_form_of_an_export_is_the_table() {
    let plain = |text| text;
    let packed = |text: Vec<u8>| gzip(&text);
    let uri = format!("s3://old/{FOLDER}");
    let above = "s3://old/orders";
    let old = |uri: &str| json!({"uri": uri, "format": "dataPipeline", "key": ["id"]});
    let mut unlisted = old_export(FOLDER, line_of_hive, plain);
    unlisted.retain(|key, _| !key.ends_with("manifest") && !key.ends_with("_SUCCESS"));
    let mut without_manifest = old(&uri);
    without_manifest["requireManifest"] = json!(false);
    let native = json!({"uri": uri, "format": "dynamodbExport", "key": ["id"]});
    for (what, objects, files) in [
        ("EMR", old_export(FOLDER, line_of_emr, plain), old(&uri)),
        (
            "EMR, packed",
            old_export(FOLDER, line_of_emr, packed),
            old(&uri),
        ),
        ("Hive", old_export(FOLDER, line_of_hive, plain), old(&uri)),
        (
            "from the folder above",
            old_export(FOLDER, line_of_hive, packed),
            old(above),
        ),
        ("without manifest", unlisted, without_manifest),
        ("DynamoDB", native_export(FOLDER), native),
    ] {
        let (store, definition, planned) = planned(objects, files).await.unwrap();
        assert_eq!(planned.route, Route::Files);
        assert_eq!(planned.key_attributes, ["id"], "{what}");
        assert_eq!(planned.estimate.items, 700, "{what}: all were sampled");
        let cost = planned.estimate.cost.unwrap();
        assert!(cost.total > 0.0 && cost.total < 0.01, "{what}: {cost:?}");
        let mut items = exported(&store, &definition, &planned).await;
        let mut expected = table();
        for items in [&mut items, &mut expected] {
            items.sort_by_key(|item| item["id"]["S"].as_str().unwrap().to_owned());
        }
        assert_eq!(items.len(), expected.len(), "{what}");
        for (item, expected) in items.iter().zip(&expected) {
            assert_eq!(item, expected, "{what}");
        }
    }
}

#[tokio::test]
async fn lines_and_cells_are_read_by_their_types() {
    let objects = Objects::from([
        (
            "orders/a.jsonl".to_owned(),
            b"{\"id\": 1, \"amount\": 2.50}\n\n{\"id\": 2, \"amount\": 1}".to_vec(),
        ),
        (
            "orders/b.jsonl".to_owned(),
            gzip(b"\xef\xbb\xbf{\"id\": 3, \"amount\": 1e2, \"l\": [null]}\n"),
        ),
        ("orders/empty.jsonl".to_owned(), Vec::new()),
        ("orders/_SUCCESS".to_owned(), Vec::new()),
    ]);
    let files = json!({"uri": "s3://old/orders/", "format": "jsonLines"});
    let (store, definition, lines) = planned(objects, files).await.unwrap();
    assert_eq!(plan_of(&lines).files.len(), 3);
    assert_eq!(
        exported(&store, &definition, &lines).await,
        [
            json!({"id": {"N": "1"}, "amount": {"N": "2.50"}}),
            json!({"id": {"N": "2"}, "amount": {"N": "1"}}),
            json!({"id": {"N": "3"}, "amount": {"N": "1e2"}, "l": {"L": [{"NULL": true}]}}),
        ]
    );
    let objects = Objects::from([
        (
            "orders.csv".to_owned(),
            b"\xef\xbb\xbfid,amount,note\r\n1,2.50,\"a\nb\"\r\n2,,\r\n".to_vec(),
        ),
        ("orders.csv.old".to_owned(), b"another".to_vec()),
    ]);
    let files = json!({"uri": "s3://old/orders.csv", "format": "csv", "csv": {"types": {"amount": "number"}}});
    let (store, definition, cells) = planned(objects, files).await.unwrap();
    assert_eq!(plan_of(&cells).files.len(), 1);
    assert_eq!(
        exported(&store, &definition, &cells).await,
        [
            json!({"id": {"S": "1"}, "amount": {"N": "2.50"}, "note": {"S": "a\nb"}}),
            json!({"id": {"S": "2"}}),
        ]
    );
}

#[tokio::test]
async fn files_without_items_do_not_hide_those_that_have_some() {
    // More files than are sampled, and only one that the sample leaves out has items.
    let mut objects: Objects = (0..50)
        .map(|n| (format!("orders/{n:02}.jsonl.gz"), gzip(b"\n")))
        .collect();
    let item = b"{\"id\": 1, \"amount\": 2.50}\n{\"id\": 2, \"amount\": 3}\n";
    objects.insert("orders/31.jsonl.gz".to_owned(), gzip(item));
    let files = json!({"uri": "s3://old/orders/", "format": "jsonLines", "key": ["id"]});
    let (store, definition, planned) = planned(objects, files).await.unwrap();
    assert_eq!(exported(&store, &definition, &planned).await.len(), 2);
}

/// The numbers of the lines of a page, and the cursor behind it.
async fn page(
    reader: &FileReader<'_, Huge>,
    segment: u32,
    cursor: Option<&Value>,
) -> (Vec<u64>, Option<Value>) {
    let mut buffer = PageBuffer::new();
    let request = SegmentRequest {
        segment,
        total_segments: 3,
        cursor,
        stop: tokio::time::Instant::now(),
        throttles: &Throttles::new(),
    };
    let Page::Read { end, .. } = reader.page(&request, &mut buffer).await.unwrap() else {
        panic!("a page");
    };
    let number = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["Item"]["id"]["N"].as_str().unwrap().parse().unwrap()
    };
    let lines = buffer.lines().unwrap().lines().map(number);
    (lines.collect(), end.cursor)
}

#[tokio::test]
async fn a_large_file_is_read_in_ranges_that_meet() {
    let files = json!({"uri": "s3://old/orders/", "format": "jsonLines", "key": ["id"]});
    let (definition, store) = (definition(&files), Huge::default());
    let source = definition.source.files().unwrap();
    let files = Files {
        source,
        lake: &store,
        concurrency: 40,
    };
    let planned = files.plan(&definition).await.unwrap();
    let plan = plan_of(&planned);
    assert_eq!(planned.segments, 3, "{}", planned.reason);
    let near = planned.estimate.items.abs_diff(LINES);
    assert!(near < LINES / 100, "{:?}", planned.estimate);
    let mut ends = vec![plan.ranges[0].start];
    for range in &plan.ranges {
        assert_eq!(Some(&range.start), ends.last());
        ends.extend(range.end);
    }
    assert_eq!(ends, [0, 256 << 20, 512 << 20]);
    let reader = FileReader::new(store.clone(), source, plan);
    let mut expected = 0;
    for (segment, range) in (0..).zip(&plan.ranges) {
        let (first, cursor) = page(&reader, segment, None).await;
        assert_eq!(first.first(), Some(&expected), "segment {segment}");
        // Go on with the last lines of the range.
        let end = range.end.unwrap_or(LINES * WIDTH);
        let mut cursor = cursor.unwrap();
        cursor["at"] = json!((end / WIDTH - 100) * WIDTH);
        let (last, cursor) = page(&reader, segment, Some(&cursor)).await;
        assert_eq!(cursor, None, "segment {segment} has ended");
        expected = last.last().unwrap() + 1;
    }
    assert_eq!(expected, LINES);
}

fn changed(mut objects: Objects, change: impl FnOnce(&mut Objects)) -> Objects {
    change(&mut objects);
    objects
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a row for each defect")]
async fn what_is_not_one_whole_export_is_refused() {
    let uri = format!("s3://old/{FOLDER}");
    let old = json!({"uri": uri, "format": "dataPipeline"});
    let native = json!({"uri": uri, "format": "dynamodbExport"});
    let lines = json!({"uri": uri, "format": "jsonLines"});
    let csv = json!({"uri": uri, "format": "csv"});
    let export = || old_export(FOLDER, line_of_emr, |text| text);
    let key = |name: &str| format!("{FOLDER}{name}");
    let data = |name: &str| format!("{FOLDER}AWSDynamoDB/0168-ab/{name}");
    let one = |name: &str, text: &[u8]| Objects::from([(key(name), text.to_vec())]);
    let mut two = export();
    two.extend(old_export("orders/2023-05-02/", line_of_emr, |text| text));
    let mut two_native = native_export(FOLDER);
    two_native.extend(native_export(&key("again/")));
    let mut cut = gzip(b"{\"id\":\"a\"}\n");
    cut.truncate(cut.len() - 3);
    let replaced = |from: &'static str, to: &'static str| {
        move |objects: &mut Objects| {
            for object in objects.values_mut() {
                if let Ok(text) = str::from_utf8(object) {
                    *object = text.replace(from, to).into_bytes();
                }
            }
        }
    };
    let incomplete = ErrorName::FilesIncomplete;
    let unreadable = ErrorName::FileUnreadable;
    for (objects, files, name, says) in [
        (
            Objects::new(),
            old.clone(),
            ErrorName::FilesMissing,
            "there is nothing",
        ),
        (
            changed(export(), |it| {
                it.remove(&key("_SUCCESS"));
            }),
            old.clone(),
            incomplete,
            "no _SUCCESS",
        ),
        (
            changed(export(), |it| {
                it.remove(&key("manifest"));
            }),
            old.clone(),
            incomplete,
            "no manifest",
        ),
        (
            changed(export(), |it| {
                it.remove(&key("9c5b2-0f"));
            }),
            old.clone(),
            incomplete,
            "9c5b2-0f",
        ),
        (
            changed(export(), |it| {
                it.insert(key("stray"), b"x".to_vec());
            }),
            old.clone(),
            incomplete,
            "stray is in the folder",
        ),
        (
            changed(export(), |it| {
                it.insert(key("_temporary/0/part"), b"x".to_vec());
            }),
            old.clone(),
            incomplete,
            "being written",
        ),
        (
            changed(export(), |it| {
                it.insert(key("manifest"), b"{".to_vec());
            }),
            old.clone(),
            incomplete,
            "no manifest",
        ),
        (
            two,
            json!({"uri": "s3://old/orders/", "format": "dataPipeline"}),
            incomplete,
            "`2023-05-01/`, `2023-05-02/`",
        ),
        (
            changed(export(), replaced("\"n\":\"7.50\"", "\"n\":7.50")),
            old.clone(),
            unreadable,
            "9c5b0-0f: LineUnreadable: line 8: ",
        ),
        (
            changed(export(), replaced("\"n\":\"7.50\"", "\"n\":\"seven\"")),
            old.clone(),
            unreadable,
            "line 8: ",
        ),
        (
            native_export("elsewhere/"),
            native.clone(),
            ErrorName::FilesMissing,
            "there is nothing",
        ),
        (
            one("data.json", b"{}"),
            native.clone(),
            ErrorName::FilesMissing,
            "only `data.json`",
        ),
        (two_native, native.clone(), incomplete, "2 exports"),
        (
            changed(native_export(FOLDER), |it| {
                it.remove(&data("manifest-summary.json"));
            }),
            native.clone(),
            incomplete,
            "not ended",
        ),
        (
            changed(native_export(FOLDER), |it| {
                it.remove(&data("manifest-files.json"));
            }),
            native.clone(),
            incomplete,
            "is not there",
        ),
        (
            changed(native_export(FOLDER), |it| {
                it.remove(&data("data/f1.json.gz"));
            }),
            native.clone(),
            incomplete,
            "f1.json.gz",
        ),
        (
            changed(native_export(FOLDER), |it| {
                it.insert(data("data/f2.json.gz"), b"x".to_vec());
            }),
            native.clone(),
            incomplete,
            "f2.json.gz",
        ),
        (
            changed(native_export(FOLDER), |it| {
                it.insert(
                    data("data/f0.json.gz"),
                    gzip(b"{\"Item\":{\"id\":{\"S\":\"a\"}}}\n"),
                );
            }),
            native.clone(),
            incomplete,
            "MD5",
        ),
        (
            changed(
                native_export(FOLDER),
                replaced("\"itemCount\":700", "\"itemCount\":701"),
            ),
            native.clone(),
            incomplete,
            "itemCount is 701",
        ),
        (
            changed(native_export(FOLDER), replaced("DYNAMODB_JSON", "ION")),
            native.clone(),
            incomplete,
            "ION",
        ),
        (
            changed(
                native_export(FOLDER),
                replaced("FULL_EXPORT", "INCREMENTAL_EXPORT"),
            ),
            native,
            incomplete,
            "incremental",
        ),
        (
            one("a.jsonl.gz", &cut),
            lines.clone(),
            unreadable,
            "a.jsonl.gz: ObjectDamaged",
        ),
        (
            one("a.jsonl", b"{\"id\":1}\n{\"id\":1,\"id\":2}\n"),
            lines.clone(),
            unreadable,
            "line 2: has the name `id` twice",
        ),
        (
            one("a.jsonl", b""),
            lines.clone(),
            ErrorName::TableEmpty,
            "no items",
        ),
        (
            one("a.jsonl", b"\n\n"),
            lines.clone(),
            ErrorName::TableEmpty,
            "no items",
        ),
        (
            one("a.jsonl", b"{\"id\":1}"),
            lines,
            ErrorName::AttributeMissing,
            "amount",
        ),
        (
            one("a.csv", b"id,amount\n1\n"),
            csv.clone(),
            unreadable,
            "line 2: has 1 cells",
        ),
        (
            changed(one("a.csv", b"id,amount\n1,2\n"), |it| {
                it.insert(key("b.csv"), Vec::new());
            }),
            csv.clone(),
            unreadable,
            "b.csv is empty",
        ),
        (
            one("a.csv", b"id,amount\n1,2\n"),
            json!({"uri": uri, "format": "csv", "key": ["no"]}),
            ErrorName::AttributeMissing,
            "`no`",
        ),
        (
            one("a.csv", b"id,amount\n1,2\n"),
            json!({"uri": uri, "format": "csv", "csv": {"types": {"amont": "number"}}}),
            unreadable,
            "no `amont`",
        ),
    ] {
        let error = planned(objects, files)
            .await
            .map(|(_, _, planned)| planned.reason);
        let error = error.expect_err(says);
        let text = contract::chain(&error);
        assert_eq!(error.name(), name, "{text}");
        assert!(text.contains(says), "{says}: {text}");
    }
}

#[tokio::test]
async fn limits_are_held_before_anything_is_read_whole() {
    let files = json!({"uri": format!("s3://old/{FOLDER}"), "format": "dataPipeline"});
    let store = MemoryStore::new();
    for (key, object) in old_export(FOLDER, line_of_emr, |text| text) {
        store.put(&key, object.into()).await.unwrap();
    }
    let mut definition = definition(&files);
    definition.limits.max_cost = Some(0.000_001);
    let source = definition.source.files().unwrap();
    let files = Files {
        source,
        lake: &store,
        concurrency: 40,
    };
    let error = files.plan(&definition).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::LimitExceeded, "{error}");
}
