//! Training files whose rows are images: records, archives, folders, lists and manifests.

mod archive;
mod first;
mod list;

pub use archive::Archive;
pub use first::{PackedImage, first_images};
pub use list::{augmented_line, class_names, folder_path, list_line, sample_channel};

use record_io::TooLong;

/// An image of a dataset, as its file shall be read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImageRow<'a> {
    /// Its number, unique over all channels of the dataset.
    pub number: u64,
    /// Its class, from 0.
    pub class: u32,
    /// The XXH3-128 of the file that it was made of, which names it.
    pub digest: &'a str,
    /// `jpg` or `png`.
    pub extension: &'a str,
    /// The file's bytes.
    pub file: &'a [u8],
}

/// An image that a format cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// A record holds at most half a gigabyte.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// A line of a list ends at a line break, and its fields at a tab.
    #[error("{path:?} has a tab or a line break, which no list of images can hold: rename it")]
    Path {
        /// The path.
        path: String,
    },
    /// A class has no name that a folder or a line could have.
    #[error("{name:?} cannot name a class's folder: give classes of other names")]
    Class {
        /// The class's name.
        name: String,
    },
}

/// Appends the image as a record of MXNet's image `RecordIO`.
pub fn record(row: &ImageRow<'_>, out: &mut Vec<u8>) -> Result<(), ImageError> {
    let image = record_io::Image {
        // Classes are far below 2^24, up to which every whole number is a float32.
        label: row.class as f32,
        id: row.number,
        file: row.file,
    };
    Ok(record_io::write(&image.to_record(), out)?)
}
