//! 1,797 handwritten digits, which scikit-learn's wheel ships: 8 × 8 pixels of 17 shades.
//!
//! Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
//! Learning Repository.

use crate::python::DIGITS;
use flate2::read::GzDecoder;
use image::Pixels;
use std::fs::File;
use std::io::Read as _;

/// A digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digit {
    /// Which one, 0 to 9.
    pub label: u8,
    /// Its shades, 0 to 16, row by row.
    shades: Vec<u8>,
}

impl Digit {
    /// The digit in grey, 32 × 32.
    pub fn pixels(&self) -> Pixels {
        const SIDE: usize = 32;
        let shade = |at: usize| self.shades[at / SIDE / 4 * 8 + at % SIDE / 4];
        let grey = (0..SIDE * SIDE).map(|at| shade(at).saturating_mul(15));
        Pixels::new(32, 32, 1, grey.collect())
    }
}

/// All digits, in their order.
///
/// # Panics
/// If the wheel cannot be installed, or is another one.
pub fn all() -> Vec<Digit> {
    let python = DIGITS.program("python");
    let venv = python
        .ancestors()
        .nth(2)
        .expect("an environment has bin/python");
    let versions = std::fs::read_dir(venv.join("lib")).expect("an environment has lib/");
    let data = "site-packages/sklearn/datasets/data/digits.csv.gz";
    let mut files = versions.map(|version| version.expect("an entry").path().join(data));
    let file = files
        .find(|file| file.exists())
        .expect("the wheel has the digits");
    let mut text = String::new();
    GzDecoder::new(File::open(file).expect("the digits"))
        .read_to_string(&mut text)
        .expect("the digits");
    let digits = text.lines().map(|line| {
        let mut numbers: Vec<u8> = line
            .split(',')
            .map(|number| number.parse().expect("a shade"))
            .collect();
        let label = numbers.pop().expect("a label");
        Digit {
            label,
            shades: numbers,
        }
    });
    digits.collect()
}
