//! Reads a channel: every image of every record, as numbers with a class.

use crate::features::Features;
use crate::job::Input;
use crate::{Error, Hyperparameters, image_files};
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
        Input::Pipe | Input::Attributes => vec![tree.channel(&format!("{name}_0"))],
        Input::Folders => return image_files::in_folders(tree, name, settings),
        Input::Listed(list) => return image_files::listed(tree, name, list, settings),
    };
    for path in files {
        let file = ChannelFile {
            path: &path,
            settings,
        };
        if input == Input::Attributes {
            file.read_attributes(&mut images)?;
        } else {
            file.read_records(&mut images)?;
        }
    }
    if images.is_empty() {
        return Err(Error::NoRecords { channel: name });
    }
    Ok(images)
}

/// A file or pipe of a channel.
struct ChannelFile<'c> {
    path: &'c Path,
    settings: &'c Hyperparameters,
}

impl ChannelFile<'_> {
    /// Reads image records, each with its class.
    fn read_records(&self, images: &mut Images) -> Result<(), Error> {
        for (number, record) in (0..).zip(self.records()?) {
            let record = record?;
            let bad = |reason| self.bad(number, reason);
            let image = record_io::Image::of_record(&record).map_err(|no| bad(no.to_string()))?;
            let class = class_of(image.label, self.settings.num_classes).map_err(bad)?;
            self.add(number, image.file, class, images)?;
        }
        Ok(())
    }

    /// Reads pairs of records: an image's file, and its class as text.
    fn read_attributes(&self, images: &mut Images) -> Result<(), Error> {
        let mut records = (0..).zip(self.records()?);
        while let Some((number, file)) = records.next() {
            let file = file?;
            let Some((of_class, class)) = records.next() else {
                return Err(self.bad(number, "its class does not follow it".to_owned()));
            };
            let class = class_of_text(&class?, self.settings.num_classes);
            let class = class.map_err(|reason| self.bad(of_class, reason))?;
            self.add(number, &file, class, images)?;
        }
        Ok(())
    }

    fn records(&self) -> Result<impl Iterator<Item = Result<Vec<u8>, Error>>, Error> {
        let path = self.path;
        let file = File::open(path).map_err(|source| container::Error::Io {
            action: "opening",
            path: path.to_owned(),
            source,
        })?;
        let records = Records::new(BufReader::new(file));
        Ok(records.map(|record| {
            record.map_err(|source| Error::NotRecords {
                path: path.to_owned(),
                source,
            })
        }))
    }

    fn bad(&self, record: u64, reason: String) -> Error {
        Error::BadRecord {
            path: self.path.to_owned(),
            record,
            reason,
        }
    }

    fn add(
        &self,
        record: u64,
        file: &[u8],
        class: usize,
        images: &mut Images,
    ) -> Result<(), Error> {
        let pixels = image::decode(file, &accept());
        let pixels = pixels.map_err(|no| self.bad(record, no.to_string()))?;
        let features = Features::new(self.settings.image_size);
        images.features.extend(features.of(&pixels));
        images.classes.push(class);
        Ok(())
    }
}

/// A label is a whole number below the number of classes.
fn class_of(label: f32, classes: usize) -> Result<usize, String> {
    // Classes are far below 2^24, up to which every whole number is a float32.
    let class = (0..classes).find(|&class| (class as f32).to_bits() == label.to_bits());
    class.ok_or_else(|| no_class(&label.to_string(), classes))
}

/// The same of a label that is text.
fn class_of_text(label: &[u8], classes: usize) -> Result<usize, String> {
    let label = String::from_utf8_lossy(label);
    let class = label.parse().ok().filter(|class| *class < classes);
    class.ok_or_else(|| no_class(&label, classes))
}

fn no_class(label: &str, classes: usize) -> String {
    let last = classes - 1;
    let label: String = label.chars().take(40).collect();
    format!("label {label} is no class: num_classes says whole numbers from 0 to {last}")
}
