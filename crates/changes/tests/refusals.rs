//! What is no change of the table is refused, with its place and what to do; what is one is read
//! exactly.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

mod support;

use changes::{
    Apply, Change, ChangeError, ChangedKeys, ChangesError, Compact, Compacted, Compaction,
    KeyReader,
};
use contract::{ErrorName, Named};
use lake::ObjectStore;
use lake::native::ExportFile;
use lake::records::{ChangeView, ChangeWindow, SnapshotKind, SnapshotRecord, Window};
use support::{World, now};

fn reader() -> KeyReader {
    KeyReader::new(&["pk".to_owned(), "sk".to_owned()])
}

fn refusal(line: &str, view: ChangeView) -> String {
    let error = Change::parse(line.as_bytes(), &mut reader(), view).unwrap_err();
    error.to_string()
}

const META: &str = r#""Metadata":{"WriteTimestampMicros":{"N":"1774379199746598"}}"#;
const KEYS: &str = r#""Keys":{"pk":{"S":"a"},"sk":{"N":"1"}}"#;
const IMAGE: &str = r#"{"pk":{"S":"a"},"sk":{"N":"1"},"v":{"N":"2"}}"#;

#[test]
fn each_form_of_a_change_is_read() {
    let view = ChangeView::NewAndOldImages;
    for (members, old, new) in [
        (format!(r#""NewImage":{IMAGE}"#), false, true),
        (
            format!(r#""OldImage":{IMAGE},"NewImage":{IMAGE}"#),
            true,
            true,
        ),
        (format!(r#""OldImage":{IMAGE}"#), true, false),
    ] {
        let line = format!("{{{META},{KEYS},{members}}}\n");
        let change = Change::parse(line.as_bytes(), &mut reader(), view).unwrap();
        assert_eq!(
            (change.old_image.is_some(), change.new_image.is_some()),
            (old, new)
        );
        if let Some(image) = change.new_image {
            assert_eq!(image.raw(), IMAGE.as_bytes());
        }
    }
    // A removal in an export of new images.
    let line = format!("{{{KEYS},{META}}}");
    let change = Change::parse(line.as_bytes(), &mut reader(), ChangeView::NewImage).unwrap();
    assert!(change.new_image.is_none() && change.old_image.is_none());
}

#[test]
fn keys_are_the_same_by_value() {
    let mut reader = reader();
    let mut key = |pk: &str, sk: &str| {
        let line = format!("{{{META},\"Keys\":{{\"sk\":{sk},\"pk\":{pk}}}}}");
        let change = Change::parse(line.as_bytes(), &mut reader, ChangeView::NewImage);
        change.unwrap().key
    };
    let digits = "12345678901234567890123456789012345678";
    let one = key(r#"{"S":"é"}"#, r#"{"N":"1"}"#);
    assert_eq!(one, key(r#"{"S":"\u00e9"}"#, r#"{"N":"1.0"}"#));
    assert_eq!(one, key(r#"{"S":"é"}"#, r#"{"N":"10e-1"}"#));
    assert_ne!(one, key(r#"{"S":"e"}"#, r#"{"N":"1"}"#));
    assert_ne!(one, key(r#"{"B":"6Q=="}"#, r#"{"N":"1"}"#));
    assert_ne!(one, key(r#"{"S":"é"}"#, r#"{"S":"1"}"#));
    // Beyond what a float holds.
    let long = key(r#"{"S":"é"}"#, &format!(r#"{{"N":"{digits}"}}"#));
    let next = digits.replace("5678", "5679");
    assert_ne!(long, key(r#"{"S":"é"}"#, &format!(r#"{{"N":"{next}"}}"#)));
    // One attribute does not run into the next one.
    assert_ne!(
        key(r#"{"S":"ab"}"#, r#"{"S":"c"}"#),
        key(r#"{"S":"a"}"#, r#"{"S":"bc"}"#)
    );
}

#[test]
fn what_is_no_change_is_refused() {
    let view = ChangeView::NewAndOldImages;
    let with = |members: &str| format!("{{{META},{KEYS},{members}}}");
    for (line, message) in [
        (
            format!(r#"{{"Item":{IMAGE}}}"#),
            "`Item` is a line of a full export",
        ),
        (
            with(r#""NewImage":null"#),
            "byte 112: expected `{` of an attribute map, found 'n'",
        ),
        (
            with(r#""NewImage":{}"#),
            "NewImage: the key attribute `pk` is missing",
        ),
        (
            with(r#""OldImage":{"pk":{"S":"a"}}"#),
            "OldImage: the key attribute `sk` is missing",
        ),
        (
            with(r#""NewImage":{"pk":{"S":"b"},"sk":{"N":"1"}}"#),
            "`NewImage` has another key than `Keys`",
        ),
        (
            with(&format!(r#""NewImage":{IMAGE},"NewImage":{IMAGE}"#)),
            "`NewImage` occurs twice",
        ),
        (with(r#""eventName":{}"#), "unknown member `eventName`"),
        (
            format!(r#"{{{META},"NewImage":{IMAGE}}}"#),
            "`Keys` is missing",
        ),
        (format!("{{{KEYS}}}"), "`Metadata` is missing"),
        (
            format!(r#"{{"Metadata":{{}},{KEYS}}}"#),
            "no `WriteTimestampMicros`",
        ),
        (
            format!(r#"{{{META},"Keys":{{}}}}"#),
            "`Keys` has 0 attributes; the key of the table has 2",
        ),
        (
            format!(r#"{{{META},"Keys":{{"pk":{{"S":"a"}},"other":{{"N":"1"}}}}}}"#),
            "Keys: the key attribute `sk` is missing",
        ),
        (
            format!(r#"{{{META},"Keys":{{"pk":{{"S":"a"}},"sk":{{"BOOL":true}}}}}}"#),
            "the key attribute `sk` is of type BOOL; keys are of type S, N or B",
        ),
        ("[]".to_owned(), "byte 0: expected `{` of a line, found '['"),
        ("{}".to_owned(), "`Metadata` is missing"),
        (
            format!("{{{META},{KEYS}}} x"),
            "expected the end of the line, found 'x'",
        ),
        (format!("{{{META},{KEYS}"), "found the end of the line"),
    ] {
        let refused = refusal(&line, view);
        assert!(refused.contains(message), "{line}: {refused}");
    }
    let refused = refusal(
        &with(&format!(r#""OldImage":{IMAGE}"#)),
        ChangeView::NewImage,
    );
    assert_eq!(refused, "`OldImage` in an export of new images");
}

/// Merges one file into an empty table.
fn merge(world: &mut World, files: Vec<ExportFile>) -> Result<(), ChangesError> {
    let base = SnapshotRecord {
        run: world.run().run().clone(),
        as_of: 0,
        items: 0,
        segments: 0,
        full_as_of: 0,
        generation: 0,
        changed_keys: 0,
        audit: None,
        kind: SnapshotKind::Exact,
        capture: None,
    };
    let window = ChangeWindow {
        window: Window { from: 0, to: 900 },
        export: "export".to_owned(),
        files,
    };
    let mut random = fastrand::Rng::with_seed(1);
    let view = ChangeView::NewAndOldImages;
    let changes = world.changes(&mut random, view, &base, vec![window]);
    world.merge(&changes).map(drop)
}

type Damage = fn(&mut Vec<u8>);

#[test]
fn a_file_that_is_not_what_its_export_wrote_is_refused() {
    let line = format!("{{{META},{KEYS},\"NewImage\":{IMAGE}}}");
    let other = line.replace("\"a\"", "\"b\"");
    let world = || {
        let mut world = World::default();
        let file = world.file(&[line.clone(), other.clone()]);
        (world, file)
    };
    let (mut sound, file) = world();
    merge(&mut sound, vec![file]).unwrap();
    let damage: [(&str, Damage); 3] = [
        ("cut", |bytes| bytes.truncate(bytes.len() - 9)),
        ("flipped", |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }),
        ("replaced", |bytes| bytes.fill(0)),
    ];
    for (what, damage) in damage {
        let (mut world, file) = world();
        let mut bytes = now(world.lake.get(&file.key)).unwrap().to_vec();
        damage(&mut bytes);
        now(world.lake.put(&file.key, bytes.into())).unwrap();
        let key = file.key.clone();
        let error = merge(&mut world, vec![file]).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("its MD5 is") && text.contains(&key),
            "{what}: {text}"
        );
        assert_eq!(error.name(), ErrorName::DatasetInvalid);
    }
    let (mut fewer, mut file) = world();
    file.items = 3;
    let error = merge(&mut fewer, vec![file]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the number of its lines is 2 instead of 3"),
        "{error}"
    );
    let (mut gone, file) = world();
    now(gone.lake.delete(&file.key)).unwrap();
    let error = merge(&mut gone, vec![file]).unwrap_err();
    assert_eq!(error.name(), ErrorName::NotFound);
}

#[test]
fn a_refused_line_is_named() {
    let line = format!("{{{META},{KEYS},\"NewImage\":{IMAGE}}}");
    let item = format!("{{\"Item\":{IMAGE}}}");
    for (lines, number, message) in [
        (vec![line.clone(), item], 2, "a line of a full export"),
        // One key has one change in a window: anything else is not understood.
        (
            vec![line.clone(), line.clone()],
            2,
            "a second change of the same key in one window",
        ),
    ] {
        let mut world = World::default();
        let file = world.file(&lines);
        let key = file.key.clone();
        let error = merge(&mut world, vec![file]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("line {number} of s3://memory/{key} is no change")
        );
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains(message), "{cause}");
        assert_eq!(error.name(), ErrorName::DatasetInvalid);
    }
}

#[test]
fn a_base_that_is_gone_or_damaged_is_refused() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut run = |damage: fn(&World, &str)| {
        let mut world = World::default();
        let table = [(1, 1), (2, 2), (3, 3)].into_iter().collect();
        let (keys, native) = world.adopt(&mut random, &table);
        let base = now(changes::seal_full(&world.lake, &keys, &native, 0, None)).unwrap();
        let part = world.parts(&base).remove(0);
        damage(&world, &part.key);
        let view = ChangeView::NewAndOldImages;
        let changes = world.changes(&mut random, view, &base, Vec::new());
        let error = world.merge(&changes).unwrap_err();
        (error.name(), error.to_string(), part.key)
    };
    let (name, message, key) = run(|world, key| now(world.lake.delete(key)).unwrap());
    assert_eq!(name, ErrorName::NotFound);
    assert!(
        message.starts_with(&format!("s3://memory/{key} of run 2026")),
        "{message}"
    );
    assert!(message.ends_with("start a new run, which exports the whole table"));
    let (name, ..) = run(|world, key| {
        let bytes = now(world.lake.get(key)).unwrap();
        now(world.lake.put(key, bytes.slice(..bytes.len() - 9))).unwrap();
    });
    assert_eq!(name, ErrorName::DatasetInvalid);
}

#[test]
fn a_full_export_whose_segments_hold_other_items_is_no_snapshot() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut world = World::default();
    let table = [(1, 1), (2, 2)].into_iter().collect();
    let (keys, mut native) = world.adopt(&mut random, &table);
    native.items = 3;
    let error = now(changes::seal_full(&world.lake, &keys, &native, 0, None)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("hold 2 items, and its export says 3"),
        "{error}"
    );
    now(world.lake.get(&keys.snapshot())).unwrap_err();
}

#[test]
fn more_keys_than_can_be_held_are_refused_by_their_name() {
    let names = ["pk", "sk"].map(str::to_owned);
    let mut compaction = Compaction::new(&names, ChangeView::NewImage).with_most_keys(2);
    let line = |pk: &str| {
        let keys = format!(r#"{{"pk":{{"S":"{pk}"}},"sk":{{"N":"1"}}}}"#);
        format!(r#"{{{META},"Keys":{keys},"NewImage":{keys}}}"#)
    };
    compaction.begin_window();
    for key in ["a", "b"] {
        compaction.take(line(key).as_bytes()).unwrap();
    }
    compaction.begin_window();
    // Another change of a key that is held is none too many.
    compaction.take(line("a").as_bytes()).unwrap();
    let error = compaction.take(line("c").as_bytes()).unwrap_err();
    assert_eq!(error, ChangeError::TooMany { most: 2 });
    let error = ChangesError::Change {
        file: "f".to_owned(),
        line: 4,
        source: error,
    };
    assert_eq!(error.name(), ErrorName::ResourceLimitExceeded);
}

#[test]
fn a_compaction_that_fails_leaves_no_upload_open() {
    // So many random digits that pieces are on their way before the damaged line is read.
    let mut random = fastrand::Rng::with_seed(1);
    let mut lines: Vec<String> = (0..24)
        .map(|n| {
            let text: String = (0..1 << 20).map(|_| random.alphanumeric()).collect();
            let image = format!(r#"{{"pk":{{"S":"{n}"}},"sk":{{"N":"1"}},"t":{{"S":"{text}"}}}}"#);
            let keys = format!(r#"{{"pk":{{"S":"{n}"}},"sk":{{"N":"1"}}}}"#);
            format!(r#"{{{META},"Keys":{keys},"NewImage":{image}}}"#)
        })
        .collect();
    lines.push("{}".to_owned());
    let mut world = World::default();
    let file = world.file(&lines);
    let error = merge(&mut world, vec![file]).unwrap_err();
    assert!(error.to_string().starts_with("line 25 of"), "{error}");
    assert_eq!(world.lake.open_uploads(), 0);
}

#[test]
fn of_twin_attempts_one_is_new_and_both_have_the_result() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut world = World::default();
    let table = [(1, 1), (2, 2), (3, 3)].into_iter().collect();
    let (base, native) = world.adopt(&mut random, &table);
    let base = now(changes::seal_full(&world.lake, &base, &native, 0, None)).unwrap();
    let view = ChangeView::NewAndOldImages;
    let changes = world.changes(&mut random, view, &base, Vec::new());
    let keys = world.run();
    let lake = &world.lake;
    let compact = |attempt: &'static str| {
        let compact = Compact {
            store: lake,
            keys: &keys,
            changes: &changes,
            declared: &[],
            attempt,
            part_bytes: 1 << 20,
            stop: tokio::time::Instant::now() + std::time::Duration::from_hours(1),
        };
        async move { compact.run().await.unwrap() }
    };
    let (one, other) = now(futures::future::join(compact("a"), compact("b")));
    let key = |compacted: &Compacted| match compacted {
        Compacted::Done(record) => record.key.clone(),
        other @ Compacted::InProgress { .. } => panic!("{other:?}"),
    };
    // The loser answers with the winner's keys, and its own are gone.
    assert_eq!(key(&one), key(&other));
    let listed = now(lake.list("")).unwrap();
    let written = ["a", "b"].map(|attempt| keys.changed_keys(attempt));
    let there = written
        .iter()
        .filter(|key| listed.iter().any(|it| it.key == **key));
    assert_eq!(there.collect::<Vec<_>>(), [&key(&one)]);
    let (_, superseded) = now(ChangedKeys::load(lake, &keys)).unwrap();
    let vocabularies = profile::Vocabularies::new();
    let apply = |attempt: &'static str| {
        let apply = Apply {
            store: lake,
            keys: &keys,
            changes: &changes,
            changed: &superseded,
            vocabularies: &vocabularies,
            declared: &[],
            attempt,
        };
        async move { apply.segment(0).await.unwrap() }
    };
    let (one, other) = now(futures::future::join(apply("a"), apply("b")));
    assert_eq!(one.items, other.items);
    assert!(one.is_new != other.is_new, "{one:?} {other:?}");
    assert!(!now(apply("c")).is_new);
}
