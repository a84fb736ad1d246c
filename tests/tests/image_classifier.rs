//! The 1,797 handwritten digits of scikit-learn's wheel: packed as training reads them, learnt, and
//! classified.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use container::{Claim, Model as _, Tree};
use end_to_end::python;
use flate2::read::GzDecoder;
use image::{Accept, Pixels, inspect, prepare};
use image_classifier::{Model, train};
use std::fs;
use std::io::Read;
use std::path::Path;

struct Digit {
    class: u8,
    /// Upright, 32 × 32 pixels.
    pixels: Pixels,
}

fn digits() -> Vec<Digit> {
    let bin = python::DIGITS.program("python");
    let lib = bin.parent().unwrap().parent().unwrap().join("lib");
    let mut pythons = fs::read_dir(lib).unwrap();
    let python = pythons.next().unwrap().unwrap().path();
    let file = python.join("site-packages/sklearn/datasets/data/digits.csv.gz");
    let mut text = String::new();
    let file = fs::File::open(file).unwrap();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let digits = text.lines().map(|line| {
        let values: Vec<f32> = line
            .split(',')
            .map(|value| value.parse().unwrap())
            .collect();
        let (class, values) = values.split_last().unwrap();
        assert_eq!(values.len(), 64);
        // 0 to 16 as they are shipped.
        let bytes = values.iter().map(|value| to_byte(value * 255.0 / 16.0));
        Digit {
            class: to_byte(*class),
            pixels: Pixels::new(8, 8, 1, bytes.collect()).resized(32, 32),
        }
    });
    digits.collect()
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a value from 0 to 255"
)]
fn to_byte(value: f32) -> u8 {
    value as u8
}

/// As the camera of one of eight vehicles stores it, every other one a PNG.
fn stored(number: usize, digit: &Digit) -> (Vec<u8>, u8) {
    let orientation = u8::try_from(number % 8 + 1).unwrap();
    let back = match orientation {
        6 => 8,
        8 => 6,
        same => same,
    };
    let turned = digit.pixels.clone().upright(back);
    let file = if number.is_multiple_of(3) {
        image::encode_png(&turned)
    } else {
        image::encode_jpeg(&turned, 90)
    };
    (file, orientation)
}

fn pack(digits: &[(usize, &Digit)], path: &Path) {
    let mut file = Vec::new();
    for (number, digit) in digits {
        let (stored, orientation) = stored(*number, digit);
        inspect(&stored, &Accept::default()).unwrap();
        let prepared = prepare(&stored, orientation, None, 1 << 20).unwrap();
        let image = record_io::Image {
            label: digit.class.into(),
            id: *number as u64,
            file: &prepared.bytes,
        };
        record_io::write(&image.to_record(), &mut file).unwrap();
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, file).unwrap();
}

#[test]
fn handwritten_digits_are_learnt_in_seconds() {
    let digits = digits();
    assert_eq!(digits.len(), 1797);
    let numbered: Vec<_> = digits.iter().enumerate().collect();
    let (held_out, training): (Vec<_>, Vec<_>) = numbered
        .into_iter()
        .partition(|(number, _)| number % 10 == 3);

    let root = tempfile::tempdir().unwrap();
    let tree = Tree::new(root.path());
    pack(&training, &tree.channel("train").join("train.rec"));
    pack(
        &held_out,
        &tree.channel("validation").join("validation.rec"),
    );
    fs::create_dir_all(tree.config("")).unwrap();
    let count = training.len();
    let settings = format!(r#"{{"num_classes":"10","num_training_samples":"{count}"}}"#);
    fs::write(tree.config("hyperparameters.json"), settings).unwrap();
    train::run(&tree, &Claim::default()).unwrap();

    let report = fs::read(tree.output_data().join("metrics.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    let accuracy = report["validation"]["accuracy"].as_f64().unwrap();
    println!(
        "accuracy {accuracy:.4} on {} held-out digits",
        held_out.len()
    );
    assert!(accuracy >= 0.97, "{report:#}");

    // Served as it was trained: upright files give what the job measured.
    let model = Model::load(&tree).unwrap();
    let form = Model::form("application/x-image", "").unwrap();
    let right = held_out.iter().filter(|(number, digit)| {
        let (stored, orientation) = stored(*number, digit);
        let upright = prepare(&stored, orientation, None, 1 << 20).unwrap().bytes;
        let answer = model.answer(form, &upright).unwrap();
        let probabilities: Vec<f32> = serde_json::from_slice(&answer.bytes).unwrap();
        image_classifier::model::best(&probabilities) == usize::from(digit.class)
    });
    let served = right.count() as f64 / held_out.len() as f64;
    assert!(
        (served - accuracy).abs() < 1e-9,
        "{served} is served, {accuracy} was measured"
    );
}
