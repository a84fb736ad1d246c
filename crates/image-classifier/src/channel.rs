//! Reads a channel: every image of every record, as numbers with a class.

use crate::features::Features;
use crate::job::Input;
use crate::{Error, Hyperparameters};
use container::Tree;
use container::job::TRAIN;
use image::Accept;
use record_io::Records;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Images as numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Images {
    /// One after the other, as many of each.
    pub features: Vec<f32>,
    /// The class of each.
    pub classes: Vec<usize>,
}

impl Images {
    /// How many images there are.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// Numbers and class of an image.
    pub fn get(&self, at: usize) -> (&[f32], usize) {
        let width = self.features.len() / self.len();
        (&self.features[at * width..][..width], self.classes[at])
    }
}

/// What is decoded: whatever the packer let through.
pub fn accept() -> Accept {
    Accept {
        max_bytes: u64::MAX,
        min_side: 1,
        // The most that a definition's `accept.maxPixels` may say.
        max_pixels: 100_000_000,
        cmyk: true,
        ..Accept::default()
    }
}

/// Reads a channel: its files in the order of their paths, or the pipe of its first pass. What is
/// learnt of an image is kept, so that no second pass is needed.
pub fn read(
    tree: &Tree,
    name: &'static str,
    input: Input,
    settings: &Hyperparameters,
) -> Result<Images, Error> {
    let mut images = Images::default();
    let files = match input {
        Input::Files => container::files(tree, name, "RecordIO", name != TRAIN)?,
        Input::Pipe => vec![tree.channel(&format!("{name}_0"))],
    };
    for path in files {
        read_file(&path, settings, &mut images)?;
    }
    if images.is_empty() {
        return Err(Error::NoRecords { channel: name });
    }
    Ok(images)
}

fn read_file(path: &Path, settings: &Hyperparameters, images: &mut Images) -> Result<(), Error> {
    let features = Features::new(settings.image_size);
    let file = File::open(path).map_err(|source| container::Error::Io {
        action: "opening",
        path: path.to_owned(),
        source,
    })?;
    for (number, record) in (0..).zip(Records::new(BufReader::new(file))) {
        let record = record.map_err(|source| Error::NotRecords {
            path: path.to_owned(),
            source,
        })?;
        let bad = |reason| Error::BadRecord {
            path: path.to_owned(),
            record: number,
            reason,
        };
        let image = record_io::Image::of_record(&record).map_err(|no| bad(no.to_string()))?;
        let class = class_of(image.label, settings.num_classes).map_err(bad)?;
        let pixels = image::decode(image.file, &accept()).map_err(|no| bad(no.to_string()))?;
        images.features.extend(features.of(&pixels));
        images.classes.push(class);
    }
    Ok(())
}

/// A label is a whole number below the number of classes.
fn class_of(label: f32, classes: usize) -> Result<usize, String> {
    // Classes are far below 2^24, up to which every whole number is a float32.
    let class = (0..classes).find(|&class| (class as f32).to_bits() == label.to_bits());
    class.ok_or_else(|| {
        let last = classes - 1;
        format!("label {label} is no class: num_classes says whole numbers from 0 to {last}")
    })
}
