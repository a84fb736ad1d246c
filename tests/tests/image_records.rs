//! Packed images, read by MXNet's own iterator and by `WebDataset`. These install 300 MB, so it is
//! ignored by default: `cargo test -p end-to-end --test image_records -- --ignored`.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use end_to_end::{python, workspace};
use format::images::{Archive, ImageRow};
use image::{Pixels, decode, prepare};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const SIDES: (u32, u32) = (96, 64);
const MAGIC: [u8; 4] = 0xced7_230a_u32.to_le_bytes();

/// A picture of shades and edges.
fn picture(number: u32, (width, height): (u32, u32)) -> Pixels {
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let values = places.flat_map(|(x, y)| {
        let edge = if (x + number) % 32 < 16 { 60 } else { 0 };
        [x * 2 + edge, y * 3 + edge, (x + y + number) % 200].map(|value| value.to_le_bytes()[0])
    });
    Pixels::new(width, height, 3, values.collect())
}

/// The picture as a camera that was held in another way stores it.
fn stored(number: u32, orientation: u8) -> Vec<u8> {
    let (width, height) = SIDES;
    let sides = if orientation > 4 {
        (height, width)
    } else {
        SIDES
    };
    let pixels = picture(number, sides);
    debug_assert_eq!(pixels.width() * pixels.height(), width * height);
    if number.is_multiple_of(2) {
        image::encode_jpeg(&pixels, 90)
    } else {
        image::encode_png(&pixels)
    }
}

fn read(folder: &Path, records: &[Value], file: &[u8], last: &str) {
    let expected = json!({"sides": SIDES, "records": records});
    std::fs::write(folder.join("train.rec"), file).unwrap();
    run("read_image_records.py", folder, &expected, last);
}

/// Runs a reader over the folder, which ends by saying something.
fn run(script: &str, folder: &Path, expected: &Value, last: &str) {
    std::fs::write(folder.join("expected.json"), expected.to_string()).unwrap();
    let script = workspace::root().join("tests/python").join(script);
    let mut python = Command::new(python::IMAGE_READERS.program("python"));
    let output = python::output(python.arg(script).arg(folder));
    let said = python::said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains(last), "{said}");
}

#[test]
#[ignore = "installs 300 MB"]
fn mxnet_reads_every_pixel_of_prepared_images() {
    let folder = tempfile::tempdir().unwrap();
    let (mut file, mut records) = (Vec::new(), Vec::new());
    for number in 0..48 {
        let orientation = u8::try_from(number % 8 + 1).unwrap();
        let prepared = prepare(&stored(number, orientation), orientation, None, 1 << 20).unwrap();
        assert_eq!(prepared.encoded_again, orientation > 1);
        let upright = decode(&prepared.bytes, &image::Accept::default()).unwrap();
        assert_eq!((upright.width(), upright.height()), SIDES);
        let name = format!("{number}.{}", prepared.format.extension());
        std::fs::write(folder.path().join(&name), &prepared.bytes).unwrap();
        let label = number % 10;
        let image = record_io::Image {
            label: f32::from(u8::try_from(label).unwrap()),
            id: number.into(),
            file: &prepared.bytes,
        };
        record_io::write(&image.to_record(), &mut file).unwrap();
        records.push(json!({"label": label, "file": name}));
    }
    read(folder.path(), &records, &file, "48 records, 48 compared");
}

/// In files of this size MXNet's reader looks for the start of a frame in the midst of records.
/// Without the escape it aborts: "Invalid RecordIO Format".
#[test]
#[ignore = "installs 300 MB"]
fn mxnet_reads_large_files_full_of_magic_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let (mut file, mut records) = (Vec::new(), Vec::new());
    let mut image = image::encode_jpeg(&picture(0, SIDES), 90);
    image.resize(image.len().next_multiple_of(4), 0);
    // Behind the end of the image, where no decoder minds. What follows looks like a length.
    image.extend([MAGIC, [8, 0, 0, 0]].concat().repeat(2000));
    for number in 0..4000_u16 {
        let record = record_io::Image {
            label: f32::from(number % 10),
            id: number.into(),
            file: &image,
        };
        record_io::write(&record.to_record(), &mut file).unwrap();
        records.push(json!({"label": number % 10}));
    }
    read(folder.path(), &records, &file, "4000 records, 0 compared");
}

#[test]
#[ignore = "installs 300 MB"]
fn webdataset_reads_every_archive() {
    let folder = tempfile::tempdir().unwrap();
    let (mut file, mut samples) = (Vec::new(), Vec::new());
    let mut archive = Archive::new();
    for number in 0..20_u32 {
        let prepared = prepare(&stored(number, 1), 1, None, 1 << 20).unwrap();
        let digest = image::Digest::of(&prepared.bytes).to_string();
        let extension = prepared.format.extension();
        let row = ImageRow {
            number: number.into(),
            class: number % 10,
            digest: &digest,
            extension,
            file: &prepared.bytes,
        };
        let about = json!({"vehicle": format!("v{number}")});
        archive.push(&row, &about, &mut file);
        samples.push(json!([digest, number % 10, extension, SIDES, about]));
    }
    archive.finish(&mut file);
    std::fs::write(folder.path().join("train.tar"), file).unwrap();
    run(
        "read_image_archive.py",
        folder.path(),
        &json!(samples),
        "20 samples",
    );
}
