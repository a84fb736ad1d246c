//! The line of an image: what its listing, its bytes, its key and its label say.

use crate::IndexImagesError;
use crate::labels::Labels;
use crate::read::Absent;
use definition::{IMAGE_ATTRIBUTES, ImageFormat, ImageVerify, ImagesSource, KeyPattern, Position};
use dynamodb_json::{LineWriter, Map, Value, parse_line};
use image::{Accept, Format, Reason, Seen, Verify};
use lake::ObjectMeta;

/// The key does not fit the pattern of `keys`.
const KEY_DOES_NOT_FIT: &str = "KeyDoesNotFit";
/// The file with the labels gives several for this image.
const LABELS_DISAGREE: &str = "LabelsDisagree";

/// What became of an object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowOutcome {
    /// Its line has the reason of a quarantine.
    pub quarantined: bool,
}

/// Makes lines of objects.
pub trait MakeLines: Send + Sync {
    /// Whether an object has a line, by its key.
    fn includes(&self, key: &str) -> bool;

    /// The reason why an object need not be read: its listing says enough.
    fn refuse(&self, object: &ObjectMeta) -> Option<&'static str>;

    /// Appends the line of an object with this content, or with the reason why it has none.
    fn write(
        &self,
        object: &ObjectMeta,
        content: Result<&[u8], &str>,
        line: &mut Vec<u8>,
    ) -> RowOutcome;

    /// Whether an earlier index's line still says what the object is: it need not be read.
    fn is_unchanged(&self, object: &ObjectMeta, earlier: &[u8]) -> bool;

    /// Appends the line of an object that an earlier index has a line of, without reading it again.
    /// `None` if it must be read.
    fn copy(&self, object: &ObjectMeta, earlier: &[u8], line: &mut Vec<u8>) -> Option<RowOutcome>;
}

/// Makes lines of images.
#[derive(Debug)]
pub struct ImageLines<'p> {
    source: &'p ImagesSource,
    bucket: &'p str,
    pattern: KeyPattern,
    accept: Accept,
    labels: Labels,
    /// Whether parts and labels are made as the earlier index made them.
    is_labelled_as_before: bool,
}

/// What an image's bytes say, or why they say nothing.
enum Content<'c> {
    Seen(Seen),
    Refused(&'c str),
    Earlier(&'c [u8]),
}

impl<'p> ImageLines<'p> {
    pub fn new(
        source: &'p ImagesSource,
        bucket: &'p str,
        labels: Labels,
        is_labelled_as_before: bool,
    ) -> Result<Self, IndexImagesError> {
        let pattern = source.pattern();
        Ok(Self {
            source,
            bucket,
            pattern: pattern.map_err(|message| IndexImagesError::Keys { message })?,
            accept: accept(source),
            labels,
            is_labelled_as_before,
        })
    }

    fn line(&self, object: &ObjectMeta, content: &Content<'_>, out: &mut Vec<u8>) -> RowOutcome {
        let key = object.key.as_str();
        let parts = self.pattern.read(key);
        let label = match (&self.labels, &parts) {
            (Labels::None, _) | (Labels::Part(_), None) => Ok(None),
            (Labels::Part(place), Some(parts)) => {
                Ok(parts.get(*place).map(|text| ((*text).to_owned(), None)))
            }
            (Labels::File(labels), _) => match labels.get(key) {
                None => Ok(None),
                Some(Some(label)) => Ok(Some((label.text.clone(), label.confidence))),
                Some(None) => Err(LABELS_DISAGREE),
            },
        };
        let refused = match content {
            Content::Refused(reason) => Some(*reason),
            Content::Seen(_) | Content::Earlier(_) if parts.is_none() => Some(KEY_DOES_NOT_FIT),
            Content::Seen(_) | Content::Earlier(_) => label.as_ref().err().copied(),
        };
        let mut line = LineWriter::new(out);
        line.begin_item();
        let text = |line: &mut LineWriter<'_>, name: &str, text: &str| {
            line.name(name);
            line.string(text);
        };
        text(&mut line, "key", key);
        text(&mut line, "bucket", self.bucket);
        text(&mut line, "etag", plain_etag(object));
        line.name("size");
        line.number(&object.size.to_string());
        if let Some(modified) = &object.modified {
            text(&mut line, "modified", modified);
        }
        match content {
            Content::Seen(seen) => self.seen(seen, &mut line),
            Content::Earlier(earlier) => facts(earlier, &mut line),
            Content::Refused(_) => {}
        }
        for (name, value) in self.pattern.parts().zip(parts.into_iter().flatten()) {
            text(&mut line, name, value);
        }
        match (refused, label) {
            (Some(reason), _) => text(&mut line, "quarantined", reason),
            (None, Ok(Some((label, confidence)))) => {
                text(&mut line, "label", &label);
                if let Some(confidence) = confidence {
                    line.name("labelConfidence");
                    line.number(&confidence.to_string());
                }
            }
            (None, _) => {}
        }
        line.end_item();
        RowOutcome {
            quarantined: refused.is_some(),
        }
    }

    fn seen(&self, seen: &Seen, line: &mut LineWriter<'_>) {
        let mut number = |name: &str, number: String| {
            line.name(name);
            line.number(&number);
        };
        number("width", seen.width.to_string());
        number("height", seen.height.to_string());
        number("channels", seen.channels.to_string());
        number("orientation", seen.orientation.to_string());
        if let Some(position) = seen.position {
            number("latitude", position.latitude.to_string());
            number("longitude", position.longitude.to_string());
        }
        let mut text = |name: &str, text: &str| {
            line.name(name);
            line.string(text);
        };
        text("format", &seen.format.to_string());
        text("digest", &seen.digest.to_string());
        if let Some(hash) = seen.difference_hash {
            text("differenceHash", &format!("{hash:016x}"));
        }
        if let Some(captured) = &seen.captured_at
            && self.source.metadata.captured_at
        {
            text("capturedAt", captured);
        }
    }
}

impl MakeLines for ImageLines<'_> {
    fn includes(&self, key: &str) -> bool {
        self.source.includes(key)
    }

    fn refuse(&self, object: &ObjectMeta) -> Option<&'static str> {
        if object.size == 0 {
            return Some(Reason::Empty.name());
        }
        (object.size > self.accept.max_bytes).then(|| Reason::TooLarge.name())
    }

    fn write(
        &self,
        object: &ObjectMeta,
        content: Result<&[u8], &str>,
        line: &mut Vec<u8>,
    ) -> RowOutcome {
        let content = match content.map(|bytes| image::inspect(bytes, &self.accept)) {
            Ok(Ok(seen)) => Content::Seen(seen),
            Ok(Err(rejected)) => {
                tracing::debug!(object.key, %rejected, "quarantined");
                Content::Refused(rejected.reason.name())
            }
            Err(reason) => Content::Refused(reason),
        };
        self.line(object, &content, line)
    }

    fn is_unchanged(&self, object: &ObjectMeta, earlier: &[u8]) -> bool {
        unchanged(object, earlier).is_some()
    }

    fn copy(&self, object: &ObjectMeta, earlier: &[u8], line: &mut Vec<u8>) -> Option<RowOutcome> {
        let item = unchanged(object, earlier)?;
        let quarantined = match item.get("quarantined") {
            Some(Value::S(reason)) => Some(reason.decode()),
            _ => None,
        };
        if self.is_labelled_as_before {
            line.extend_from_slice(earlier);
            line.push(b'\n');
            return Some(RowOutcome {
                quarantined: quarantined.is_some(),
            });
        }
        // What was wrong with the key or the label is looked at again.
        let refused = quarantined
            .filter(|reason| ![KEY_DOES_NOT_FIT, LABELS_DISAGREE].contains(&reason.as_ref()));
        let content = match &refused {
            Some(reason) => Content::Refused(reason),
            None => Content::Earlier(earlier),
        };
        Some(self.line(object, &content, line))
    }
}

/// The item of an earlier line, if its image has the same entity tag and size, and could be read.
fn unchanged<'e>(object: &ObjectMeta, earlier: &'e [u8]) -> Option<Map<'e>> {
    let item = parse_line(earlier).ok()?;
    let text = |name: &str| match item.get(name) {
        Some(Value::S(text)) => Some(text.decode()),
        _ => None,
    };
    let size = match item.get("size") {
        Some(Value::N(size)) => size.parse().ok(),
        _ => None,
    };
    let is_same = text("etag").as_deref() == Some(plain_etag(object)) && size == Some(object.size);
    let was_absent = text("quarantined")
        .as_deref()
        .is_some_and(Absent::is_reason);
    (is_same && !was_absent).then_some(item)
}

/// Writes again what an earlier line says of the image's bytes.
fn facts(earlier: &[u8], line: &mut LineWriter<'_>) {
    const NOT_OF_THE_BYTES: [&str; 8] = [
        "key",
        "bucket",
        "etag",
        "size",
        "modified",
        "label",
        "labelConfidence",
        "quarantined",
    ];
    let Ok(item) = parse_line(earlier) else {
        return;
    };
    for (name, value) in item.attributes() {
        let name = name.decode();
        let is_fact =
            IMAGE_ATTRIBUTES.contains(&name.as_ref()) && !NOT_OF_THE_BYTES.contains(&name.as_ref());
        match value {
            Value::S(text) if is_fact => {
                line.name(&name);
                line.string(&text.decode());
            }
            Value::N(number) if is_fact => {
                line.name(&name);
                line.number(number);
            }
            _ => {}
        }
    }
}

/// An object's entity tag without the quotes around it.
fn plain_etag(object: &ObjectMeta) -> &str {
    object.etag.as_deref().unwrap_or_default().trim_matches('"')
}

/// What the definition accepts.
fn accept(source: &ImagesSource) -> Accept {
    let of = &source.accept;
    let format = |format: &ImageFormat| match format {
        ImageFormat::Jpeg => Format::Jpeg,
        ImageFormat::Png => Format::Png,
    };
    Accept {
        max_bytes: of.max_bytes,
        min_side: of.min_side,
        max_pixels: of.max_pixels,
        formats: of.formats.iter().map(format).collect(),
        grey: of.grey,
        cmyk: of.cmyk,
        verify: match source.verify {
            ImageVerify::Structure => Verify::Structure,
            ImageVerify::Decode => Verify::Decode,
        },
        position: source.metadata.position == Position::Keep,
    }
}
