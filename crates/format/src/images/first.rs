//! The first images of a file, for who wants a few of them.

use definition::Format;
use record_io::Records;
use std::io::Read;

/// An image of a training file, with its class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedImage {
    /// The class, from 0.
    pub class: u32,
    /// The file, as training reads it.
    pub file: Vec<u8>,
}

/// The first images, `most` of them, that a file's beginning has whole: of a format without packed
/// images, the file of the channel's [`sample_channel`](super::sample_channel). A format of other rows has none.
pub fn first_images(format: &Format, beginning: &[u8], most: usize) -> Vec<PackedImage> {
    match format {
        Format::ImageRecordIo(_)
        | Format::AugmentedManifest
        | Format::ImageFolders(_)
        | Format::ImageList(_) => of_records(beginning, most),
        Format::WebDataset(_) => of_archive(beginning, most),
        _ => Vec::new(),
    }
}

fn of_records(beginning: &[u8], most: usize) -> Vec<PackedImage> {
    // The last one may be cut, which is no fault of the file.
    let whole = Records::new(beginning).map_while(Result::ok);
    let images = whole.map_while(|record| {
        let image = record_io::Image::of_record(&record).ok()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a class is a whole number from 0, of which there are few"
        )]
        let class = image.label as u32;
        Some(PackedImage {
            class,
            file: image.file.to_vec(),
        })
    });
    images.take(most).collect()
}

fn of_archive(beginning: &[u8], most: usize) -> Vec<PackedImage> {
    let mut archive = tar::Archive::new(beginning);
    let (mut images, mut file) = (Vec::new(), None);
    let entries = archive.entries().into_iter().flatten();
    for mut entry in entries.map_while(Result::ok) {
        let extension = entry.path().ok().and_then(|path| {
            let extension = path.extension()?.to_str()?;
            Some(extension.to_owned())
        });
        let mut content = Vec::new();
        let size = entry.size();
        let is_whole = entry
            .read_to_end(&mut content)
            .is_ok_and(|read| read as u64 == size);
        if !is_whole || images.len() == most {
            break;
        }
        match extension.as_deref() {
            Some("jpg" | "png") => file = Some(content),
            Some("cls") => {
                let class = std::str::from_utf8(&content).ok();
                let class = class.and_then(|class| class.parse().ok());
                if let (Some(class), Some(file)) = (class, file.take()) {
                    images.push(PackedImage { class, file });
                }
            }
            _ => {}
        }
    }
    images
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::{Archive, ImageRow, record};
    use definition::ImageFiles;

    fn rows() -> Vec<PackedImage> {
        let row = |class: u32| PackedImage {
            class,
            file: vec![u8::try_from(class).unwrap(); 1000],
        };
        (0..5).map(row).collect()
    }

    fn row(image: &PackedImage) -> ImageRow<'_> {
        ImageRow {
            number: image.class.into(),
            class: image.class,
            digest: "00112233445566778899aabbccddeeff",
            extension: "jpg",
            file: &image.file,
        }
    }

    #[test]
    fn whole_images_come_back_and_a_cut_one_does_not() {
        let (mut records, mut archive) = (Vec::new(), Vec::new());
        let mut tar = Archive::new();
        for image in &rows() {
            record(&row(image), &mut records).unwrap();
            tar.push(&row(image), &serde_json::json!({}), &mut archive);
        }
        tar.finish(&mut archive);
        for (format, file) in [
            (Format::ImageRecordIo(ImageFiles::default()), records),
            (Format::WebDataset(ImageFiles::default()), archive),
        ] {
            assert_eq!(first_images(&format, &file, 9), rows());
            assert_eq!(first_images(&format, &file, 2), rows()[..2]);
            let cut = &file[..file.len() / 2];
            let found = first_images(&format, cut, 9);
            assert_eq!(found, rows()[..found.len()]);
            assert!((2..=3).contains(&found.len()), "{}", format.as_str());
        }
        assert_eq!(first_images(&Format::Csv, b"1,2", 9), []);
    }
}
