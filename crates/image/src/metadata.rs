//! What a camera recorded beside the pixels: EXIF's orientation, time and position.

use crate::seen::Position;
use exif::{Exif, In, Reader, Tag, Value};

/// What an EXIF block says.
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata {
    pub orientation: u8,
    pub captured_at: Option<String>,
    pub position: Option<Position>,
    pub damaged: bool,
}

impl Default for Metadata {
    fn default() -> Self {
        Self {
            orientation: 1,
            captured_at: None,
            position: None,
            damaged: false,
        }
    }
}

/// Reads a TIFF block. Damage in it does not make the image unusable: the readers of training use
/// what they can read of it, and so does this one.
pub fn read(tiff: &[u8], wants_position: bool) -> Metadata {
    let mut damaged = false;
    let mut reader = Reader::new();
    reader.continue_on_error(true);
    let read = reader.read_raw(tiff.to_vec());
    let read = read.or_else(|error| error.distill_partial_result(|_| damaged = true));
    let Ok(exif) = read else {
        return Metadata {
            damaged: true,
            ..Metadata::default()
        };
    };
    let orientation = exif.get_field(Tag::Orientation, In::PRIMARY);
    let orientation = orientation.and_then(|field| field.value.get_uint(0));
    let orientation = match orientation {
        None => 1,
        Some(value @ 1..=8) => u8::try_from(value).expect("it is at most 8"),
        Some(_) => {
            damaged = true;
            1
        }
    };
    Metadata {
        orientation,
        captured_at: captured_at(&exif),
        position: wants_position.then(|| position(&exif)).flatten(),
        damaged,
    }
}

/// `2026-11-28T09:30:00` or `2026-11-28T09:30:00+01:00`. Cameras without a clock write zeros or
/// blanks, which are no time.
fn captured_at(exif: &Exif) -> Option<String> {
    let ascii = |tag| match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Ascii(texts) => texts.first(),
        _ => None,
    };
    let taken = ascii(Tag::DateTimeOriginal).or_else(|| ascii(Tag::DateTime))?;
    let mut time = exif::DateTime::from_ascii(taken).ok()?;
    let is_time = (1..=12).contains(&time.month)
        && (1..=31).contains(&time.day)
        && time.year > 0
        && time.hour < 24
        && time.minute < 60
        && time.second < 61;
    if !is_time {
        return None;
    }
    let offset = ascii(Tag::OffsetTimeOriginal);
    let offset = offset.and_then(|text| time.parse_offset(text).ok().and(time.offset));
    let mut text = format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        time.year, time.month, time.day, time.hour, time.minute, time.second
    );
    if let Some(minutes) = offset {
        let sign = if minutes < 0 { '-' } else { '+' };
        let minutes = minutes.unsigned_abs();
        let (hours, minutes) = (minutes / 60, minutes % 60);
        text = format!("{text}{sign}{hours:02}:{minutes:02}");
    }
    Some(text)
}

fn position(exif: &Exif) -> Option<Position> {
    let degrees = |value, reference, negative: u8| {
        let Value::Rational(parts) = &exif.get_field(value, In::PRIMARY)?.value else {
            return None;
        };
        let [degrees, minutes, seconds] = parts.get(..3)? else {
            return None;
        };
        let angle = degrees.to_f64() + minutes.to_f64() / 60.0 + seconds.to_f64() / 3600.0;
        let Value::Ascii(texts) = &exif.get_field(reference, In::PRIMARY)?.value else {
            return None;
        };
        let is_negative = texts.first()?.first()? == &negative;
        angle
            .is_finite()
            .then_some(if is_negative { -angle } else { angle })
    };
    let latitude = degrees(Tag::GPSLatitude, Tag::GPSLatitudeRef, b'S')?;
    let longitude = degrees(Tag::GPSLongitude, Tag::GPSLongitudeRef, b'W')?;
    let is_on_earth = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
    is_on_earth.then_some(Position {
        latitude,
        longitude,
    })
}
