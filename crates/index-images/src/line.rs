//! The line of an image: what its listing, its bytes, its key and its label say.

use crate::IndexImagesError;
use crate::labels::{LABEL_UNREADABLE, LABELS_DISAGREE, Labelled};
use crate::read::Absent;
use definition::{IMAGE_ATTRIBUTES, ImageFormat, ImageVerify, ImagesSource, KeyPattern, Position};
use dynamodb_json::{LineWriter, Map, Value, parse_line};
use image::{Accept, Format, Reason, Seen, Verify};
use lake::ObjectMeta;
use std::borrow::Cow;

/// The key does not fit the pattern of `keys`.
const KEY_DOES_NOT_FIT: &str = "KeyDoesNotFit";

/// What became of an object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowOutcome {
    /// Its line has the reason of a quarantine.
    pub quarantined: bool,
}

/// What an earlier index's line still says of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Nothing: it must be read.
    Nothing,
    /// What the image is. Its line is made anew, with its label.
    Image,
    /// That the image cannot be used. Its line is made anew, and needs no label.
    Refused,
    /// All: the line is copied.
    Line(RowOutcome),
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
        label: &Labelled,
        line: &mut Vec<u8>,
    ) -> RowOutcome;

    /// What an earlier index's line still says of the object, whose sidecar has this entity tag.
    fn known(&self, object: &ObjectMeta, earlier: &[u8], sidecar: Option<&str>) -> Known;

    /// Appends the line of an object of which an earlier index's line says what the image is.
    fn rewrite(
        &self,
        object: &ObjectMeta,
        earlier: &[u8],
        label: &Labelled,
        line: &mut Vec<u8>,
    ) -> RowOutcome;
}

/// Makes lines of images.
#[derive(Debug)]
pub struct ImageLines<'p> {
    source: &'p ImagesSource,
    bucket: &'p str,
    pattern: KeyPattern,
    accept: Accept,
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
        is_labelled_as_before: bool,
    ) -> Result<Self, IndexImagesError> {
        let pattern = source.pattern();
        Ok(Self {
            source,
            bucket,
            pattern: pattern.map_err(|message| IndexImagesError::Keys { message })?,
            accept: accept(source),
            is_labelled_as_before,
        })
    }

    fn line(
        &self,
        object: &ObjectMeta,
        content: &Content<'_>,
        labelled: &Labelled,
        out: &mut Vec<u8>,
    ) -> RowOutcome {
        let key = object.key.as_str();
        let parts = self.pattern.read(key);
        let refused = match content {
            Content::Refused(reason) => Some(*reason),
            Content::Seen(_) | Content::Earlier(_) if parts.is_none() => Some(KEY_DOES_NOT_FIT),
            Content::Seen(_) | Content::Earlier(_) => labelled.refused,
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
        if let Some(reason) = refused {
            text(&mut line, "quarantined", reason);
        } else {
            if let Some(label) = &labelled.label {
                text(&mut line, "label", &label.text);
                if let Some(confidence) = label.confidence {
                    line.name("labelConfidence");
                    line.number(&confidence.to_string());
                }
            }
            if let Some(etag) = &labelled.etag {
                text(&mut line, "labelEtag", unquoted(etag));
            }
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
        label: &Labelled,
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
        self.line(object, &content, label, line)
    }

    fn known(&self, object: &ObjectMeta, earlier: &[u8], sidecar: Option<&str>) -> Known {
        let Some(item) = unchanged(object, earlier) else {
            return Known::Nothing;
        };
        let reason = text(&item, "quarantined");
        let reason = reason.as_deref();
        // The bytes are what is wrong, or the label might be another one now.
        let is_of_bytes = reason.is_some_and(|reason| {
            ![KEY_DOES_NOT_FIT, LABELS_DISAGREE, LABEL_UNREADABLE].contains(&reason)
        });
        let has_sidecar = text(&item, "labelEtag").as_deref() == sidecar.map(unquoted);
        let is_as_before = self.is_labelled_as_before
            && (is_of_bytes
                || has_sidecar
                    && reason != Some(LABEL_UNREADABLE)
                    && !self.source.looks_up_all_labels());
        match (is_as_before, is_of_bytes) {
            (true, _) => Known::Line(RowOutcome {
                quarantined: reason.is_some(),
            }),
            (false, true) => Known::Refused,
            (false, false) => Known::Image,
        }
    }

    fn rewrite(
        &self,
        object: &ObjectMeta,
        earlier: &[u8],
        label: &Labelled,
        line: &mut Vec<u8>,
    ) -> RowOutcome {
        let item = parse_line(earlier).ok();
        let reason = item.and_then(|item| text(&item, "quarantined").map(Cow::into_owned));
        // What was wrong with the key or the label is looked at again.
        let reason = reason.filter(|reason| {
            ![KEY_DOES_NOT_FIT, LABELS_DISAGREE, LABEL_UNREADABLE].contains(&reason.as_str())
        });
        let content = match &reason {
            Some(reason) => Content::Refused(reason),
            None => Content::Earlier(earlier),
        };
        self.line(object, &content, label, line)
    }
}

/// An attribute that is text.
fn text<'i>(item: &Map<'i>, name: &str) -> Option<Cow<'i, str>> {
    match item.get(name) {
        Some(Value::S(text)) => Some(text.decode()),
        _ => None,
    }
}

/// The item of an earlier line, if its image has the same entity tag and size, and could be read.
fn unchanged<'e>(object: &ObjectMeta, earlier: &'e [u8]) -> Option<Map<'e>> {
    let item = parse_line(earlier).ok()?;
    let size = match item.get("size") {
        Some(Value::N(size)) => size.parse().ok(),
        _ => None,
    };
    let is_same =
        text(&item, "etag").as_deref() == Some(plain_etag(object)) && size == Some(object.size);
    let was_absent = text(&item, "quarantined")
        .as_deref()
        .is_some_and(Absent::is_reason);
    (is_same && !was_absent).then_some(item)
}

/// Writes again what an earlier line says of the image's bytes.
fn facts(earlier: &[u8], line: &mut LineWriter<'_>) {
    const NOT_OF_THE_BYTES: [&str; 9] = [
        "key",
        "bucket",
        "etag",
        "size",
        "modified",
        "label",
        "labelConfidence",
        "labelEtag",
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
    unquoted(object.etag.as_deref().unwrap_or_default())
}

fn unquoted(etag: &str) -> &str {
    etag.trim_matches('"')
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
