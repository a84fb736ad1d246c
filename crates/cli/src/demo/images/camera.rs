//! What cameras of a fleet upload: digits as PNG and JPEG in all orientations, copies, and files that
//! are spoilt in every way that the index has a name for.

use image::Pixels;

/// Vehicles whose cameras take the images.
const VEHICLES: usize = 40;
/// Of so many images one is spoilt, and one is uploaded by a second vehicle as well.
const SPOILT_EVERY: usize = 20;
const COPIED_EVERY: usize = 33;
/// Of so many images one is a PNG.
const PNG_EVERY: usize = 3;

/// A digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digit {
    /// Which one, 0 to 9.
    pub label: u8,
    /// Its shades, 0 to 16, row by row, 8 × 8.
    shades: Vec<u8>,
}

/// An object of the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its key.
    pub key: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Which digit it shows.
    pub label: u8,
    /// Why the index quarantines it, if it is spoilt.
    pub spoilt: Option<&'static str>,
}

/// The digits of a CSV text, or the line that holds none.
pub fn digits(text: &str) -> Result<Vec<Digit>, usize> {
    let lines = (1..).zip(text.lines());
    let digits = lines.map(|(number, line)| {
        let numbers: Result<Vec<u8>, _> = line.split(',').map(str::parse).collect();
        let mut shades = numbers.map_err(|_| number)?;
        match shades.pop() {
            Some(label @ 0..=9) if shades.len() == 64 => Ok(Digit { label, shades }),
            _ => Err(number),
        }
    });
    digits.collect()
}

impl Digit {
    /// The digit in grey, 32 × 32.
    fn pixels(&self) -> Pixels {
        let grey = self.shades.iter().map(|shade| shade.saturating_mul(15));
        Pixels::new(8, 8, 1, grey.collect()).resized(32, 32)
    }

    /// The file that a camera stores, which is held in one of eight ways.
    fn stored(&self, number: usize) -> (Vec<u8>, &'static str) {
        if number.is_multiple_of(PNG_EVERY) {
            return (image::encode_png(&self.pixels()), "png");
        }
        let orientation = u8::try_from(number % 8 + 1).expect("1 to 8");
        // The turn that the orientation undoes.
        let turn = match orientation {
            6 => 8,
            8 => 6,
            same => same,
        };
        let file = image::encode_jpeg(&self.pixels().upright(turn), 90);
        (with_orientation(&file, orientation), "jpg")
    }

    /// What is uploaded of the `number`th digit, without a spoilt file or a copy.
    pub fn sound(&self, number: usize) -> Upload {
        let (bytes, ending) = self.stored(number);
        self.upload(number, "", ending, bytes)
    }

    fn upload(&self, number: usize, copy: &str, ending: &str, bytes: Vec<u8>) -> Upload {
        let vehicle = (number * 7 + copy.len()) % VEHICLES;
        Upload {
            key: format!(
                "images/vehicle={vehicle:02}/{}/{number:05}{copy}.{ending}",
                self.label
            ),
            bytes,
            label: self.label,
            spoilt: None,
        }
    }

    /// All that is uploaded of the `number`th digit.
    pub fn uploads(&self, number: usize) -> Vec<Upload> {
        let sound = self.sound(number);
        if number % SPOILT_EVERY == SPOILT_EVERY - 1 {
            return vec![self.spoilt(number, sound)];
        }
        if number.is_multiple_of(COPIED_EVERY) {
            let ending = sound.key.rsplit('.').next().unwrap_or_default();
            let copy = self.upload(number, "-copy", ending, sound.bytes.clone());
            return vec![sound, copy];
        }
        vec![sound]
    }

    /// The upload, spoilt in one of eight ways.
    fn spoilt(&self, number: usize, mut upload: Upload) -> Upload {
        let flat = |side: u32| {
            let grey = vec![90; (side * side) as usize];
            image::encode_png(&Pixels::new(side, side, 1, grey))
        };
        let (reason, bytes) = match number / SPOILT_EVERY % 8 {
            0 => ("Empty", Vec::new()),
            1 => ("NotAnImage", b"<html>502 Bad Gateway</html>".to_vec()),
            2 => {
                let half = upload.bytes.len() / 2;
                ("Truncated", upload.bytes[..half].to_vec())
            }
            3 => ("Undecodable", flipped(image::encode_png(&self.pixels()))),
            4 => ("TooLarge", vec![0xff; 120_000]),
            5 => ("TooSmall", flat(4)),
            6 => ("TooManyPixels", flat(1100)),
            _ => {
                let name = format!("/{number:05}");
                upload.key = upload.key.replace(&name, &format!("/unsorted{name}"));
                ("KeyDoesNotFit", upload.bytes.clone())
            }
        };
        Upload {
            bytes,
            spoilt: Some(reason),
            ..upload
        }
    }
}

/// The JPEG with EXIF metadata of its orientation alone.
fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    const START: usize = 2;
    let mut file = jpeg[..START].to_vec();
    file.extend_from_slice(&[0xff, 0xe1, 0, 34]);
    file.extend_from_slice(b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01");
    // One entry: the tag 0x0112, of the type SHORT, once.
    file.extend_from_slice(&[0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    file.extend_from_slice(&[0; 4]);
    file.extend_from_slice(&jpeg[START..]);
    file
}

/// The PNG with a wrong bit in its picture, which its checksum tells.
fn flipped(mut png: Vec<u8>) -> Vec<u8> {
    let place = png.windows(4).position(|four| four == b"IDAT");
    let place = place.map_or(png.len() - 1, |place| place + 8);
    png[place] ^= 1;
    png
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Accept, inspect};

    fn digit() -> Digit {
        let shades = (0..64).map(|at| at % 17).collect();
        Digit { label: 3, shades }
    }

    #[test]
    fn digits_are_read_and_another_line_is_named() {
        let line = format!("{}7", "16,".repeat(64));
        let found = digits(&format!("{line}\n{line}\n")).unwrap();
        assert_eq!((found.len(), found[1].label), (2, 7));
        assert_eq!(digits(&format!("{line}\n1,2\n")), Err(2));
        assert_eq!(digits("x"), Err(1));
    }

    #[test]
    fn whatever_way_a_camera_is_held_its_image_is_upright_when_it_is_decoded() {
        let upright = digit().pixels();
        for number in 1..40 {
            let upload = digit().sound(number);
            let seen = inspect(&upload.bytes, &Accept::default()).unwrap();
            let expected = if upload.key.ends_with("png") {
                1
            } else {
                u8::try_from(number % 8 + 1).unwrap()
            };
            assert_eq!(seen.orientation, expected, "{}", upload.key);
            let pixels = image::decode(&upload.bytes, &Accept::default()).unwrap();
            let differences = pixels.grey().data().to_vec();
            let differences = differences.iter().zip(upright.data());
            let most = differences.map(|(one, other)| one.abs_diff(*other)).max();
            assert!(most.unwrap() < 60, "{}: {most:?}", upload.key);
        }
    }

    #[test]
    fn every_way_to_spoil_a_file_is_seen_by_its_own_reason() {
        let accept = Accept {
            max_pixels: 1_000_000,
            min_side: 16,
            ..Accept::default()
        };
        let mut seen = std::collections::BTreeMap::new();
        for number in 0..400 {
            for upload in digit().uploads(number) {
                let reason = upload.spoilt;
                *seen.entry(reason).or_insert(0) += 1;
                let found = inspect(&upload.bytes, &accept).err();
                let found = found.map(|rejected| rejected.reason.name());
                match reason {
                    // Of these the bytes say nothing.
                    Some("TooLarge" | "KeyDoesNotFit") => {}
                    reason => assert_eq!(found, reason, "{}", upload.key),
                }
            }
        }
        assert_eq!(seen.len(), 9);
        assert!(seen.values().all(|count| *count >= 2), "{seen:?}");
    }
}
