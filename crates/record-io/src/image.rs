//! An image as a record.
//!
//! Source: MXNet's `IRHeader`, "IfQQ": how many labels follow the header (0: the label is in it),
//! the label, the image's number, and a number that is not used; then the file's bytes.

const HEAD: usize = 24;

/// An image with its label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Image<'a> {
    /// The class, from 0, as MXNet has it.
    pub label: f32,
    /// The image's number in its dataset.
    pub id: u64,
    /// The file: JPEG or PNG.
    pub file: &'a [u8],
}

/// A record that is no image with one label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnImage {
    /// It is shorter than the header.
    #[error("a record of {length} bytes is no image: its header alone has {HEAD}")]
    Short {
        /// Its bytes.
        length: usize,
    },
    /// It has several labels.
    #[error("a record of {labels} labels, one is expected")]
    Labels {
        /// How many.
        labels: u32,
    },
}

impl<'a> Image<'a> {
    /// The record's bytes, to be framed by [`crate::write()`].
    pub fn to_record(&self) -> Vec<u8> {
        let mut record = Vec::with_capacity(HEAD + self.file.len());
        record.extend_from_slice(&0_u32.to_le_bytes());
        record.extend_from_slice(&self.label.to_le_bytes());
        record.extend_from_slice(&self.id.to_le_bytes());
        record.extend_from_slice(&0_u64.to_le_bytes());
        record.extend_from_slice(self.file);
        record
    }

    /// The image of a record.
    pub fn of_record(record: &'a [u8]) -> Result<Self, NotAnImage> {
        let Some((head, file)) = record.split_first_chunk::<HEAD>() else {
            return Err(NotAnImage::Short {
                length: record.len(),
            });
        };
        let word = |at: usize| [head[at], head[at + 1], head[at + 2], head[at + 3]];
        let label = f32::from_le_bytes(word(4));
        let id = [word(8), word(12)].as_flattened().try_into();
        let id = u64::from_le_bytes(id.expect("two words are eight bytes"));
        match u32::from_le_bytes(word(0)) {
            0 => Ok(Self { label, id, file }),
            // One label behind the header, as im2rec writes it with --pack-label.
            1 => match file.split_first_chunk() {
                Some((label, file)) => Ok(Self {
                    label: f32::from_le_bytes(*label),
                    id,
                    file,
                }),
                None => Err(NotAnImage::Short {
                    length: record.len(),
                }),
            },
            labels => Err(NotAnImage::Labels { labels }),
        }
    }
}
