//! Training files of images.

#![allow(clippy::unwrap_used, reason = "a test")]

use format::images::{
    Archive, ImageError, ImageRow, augmented_line, class_names, folder_path, list_line, record,
};
use serde_json::{Value, json};
use std::io::Read;

const DIGEST: &str = "99aa06d3014798d86001c324468d497f";

fn row(number: u64, file: &[u8]) -> ImageRow<'_> {
    ImageRow {
        number,
        class: 7,
        digest: DIGEST,
        extension: "jpg",
        file,
    }
}

#[test]
fn a_record_holds_number_class_and_file() {
    let magic = 0xced7_230a_u32.to_le_bytes();
    let file = [&b"ABCD"[..], &magic, b"EF"].concat();
    let mut out = Vec::new();
    record(&row(3, &file), &mut out).unwrap();
    let records: Vec<_> = record_io::Records::new(out.as_slice()).collect();
    let [Ok(read)] = records.as_slice() else {
        panic!("{records:?}");
    };
    let image = record_io::Image::of_record(read).unwrap();
    assert_eq!(
        (image.id, image.label, image.file),
        (3, 7.0, file.as_slice())
    );
}

#[test]
fn an_archive_holds_three_files_of_each_image() {
    let write = || {
        let mut out = Vec::new();
        let mut archive = Archive::new();
        archive.push(&row(0, &[1; 600]), &json!({"vehicle": "v1"}), &mut out);
        // The same file again.
        archive.push(&row(1, b"other"), &Value::Null, &mut out);
        archive.finish(&mut out);
        out
    };
    let out = write();
    assert_eq!(out, write());
    assert_eq!(out.len() % 512, 0);
    let mut archive = tar::Archive::new(out.as_slice());
    let files = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (name, content)
    });
    let files: Vec<_> = files.collect();
    let expected = [
        (".jpg", vec![1; 600]),
        (".cls", b"7".to_vec()),
        (".json", br#"{"vehicle":"v1"}"#.to_vec()),
        ("-2.jpg", b"other".to_vec()),
        ("-2.cls", b"7".to_vec()),
        ("-2.json", b"null".to_vec()),
    ];
    let expected = expected.map(|(end, content)| (format!("{DIGEST}{end}"), content));
    assert_eq!(files, expected);
}

#[test]
fn a_list_has_three_fields_a_line() {
    let line = list_line(12, 3, "date=2026-11-28/a b.jpg").unwrap();
    assert_eq!(line, "12\t3\tdate=2026-11-28/a b.jpg\n");
    for path in ["a\tb.jpg", "a\nb.jpg"] {
        assert!(matches!(
            list_line(1, 1, path),
            Err(ImageError::Path { .. })
        ));
    }
}

#[test]
fn a_manifest_has_an_object_a_line() {
    let line = augmented_line("fleet", "images/\"ü\"\n.jpg", 3);
    assert_eq!(line.matches('\n').count(), 1);
    let line: Value = serde_json::from_str(&line).unwrap();
    let expected = json!({"source-ref": "s3://fleet/images/\"ü\"\n.jpg", "class": "3"});
    assert_eq!(line, expected);
}

#[test]
fn a_folder_has_the_name_of_its_class() {
    let path = |class| folder_path(class, DIGEST, "png");
    assert_eq!(
        path("stop sign").unwrap(),
        format!("stop%20sign/{DIGEST}.png")
    );
    assert_eq!(path("a/../b").unwrap(), format!("a%2F..%2Fb/{DIGEST}.png"));
    for class in ["", ".", "..", ".hidden"] {
        assert!(
            matches!(path(class), Err(ImageError::Class { .. })),
            "{class}"
        );
    }
}

#[test]
fn classes_are_named_in_order() {
    let names = ["zebra".to_owned(), "Ärger".to_owned()];
    assert_eq!(class_names(&names).unwrap(), "zebra\nÄrger\n");
    for name in ["", "a\nb"] {
        assert!(matches!(
            class_names(&[name.to_owned()]),
            Err(ImageError::Class { .. })
        ));
    }
}
