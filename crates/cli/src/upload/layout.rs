//! The keys of files: their paths where these fit, and otherwise made of parts.

use super::UploadError;
use definition::{ImagesSource, KeyPattern};
use image::Seen;
use std::collections::BTreeMap;

/// How keys are made.
#[derive(Debug, Clone)]
pub struct Layout {
    source: ImagesSource,
    pattern: KeyPattern,
    prefix: String,
    /// The values that are the same for all files.
    parts: BTreeMap<String, String>,
}

impl Layout {
    /// By a source, whose `keys` are valid, with these values of parts.
    pub fn new(source: &ImagesSource, parts: Vec<(String, String)>) -> Result<Self, UploadError> {
        let pattern = source.pattern().expect("the definition was checked");
        for (name, _) in &parts {
            if !pattern.parts().any(|part| part == name) {
                let known: Vec<_> = pattern.parts().map(|part| format!("{{{part}}}")).collect();
                return Err(UploadError::NoPart {
                    name: name.clone(),
                    known: known.join(", "),
                });
            }
        }
        Ok(Self {
            prefix: source.prefix(),
            source: source.clone(),
            pattern,
            parts: parts.into_iter().collect(),
        })
    }

    /// What all keys begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether a file is read, by its ending.
    pub fn includes(&self, path: &str) -> bool {
        self.source.includes(path)
    }

    /// Bytes of an image, at most.
    pub fn most_bytes(&self) -> u64 {
        self.source.accept.max_bytes
    }

    /// The endings that are read.
    pub fn endings(&self) -> String {
        self.source.include.join(", .")
    }

    /// The key of a file with this path below the folder, or why it has none.
    pub fn key(&self, path: &str, seen: &Seen) -> Result<String, String> {
        let key = match self.kept(path) {
            Some(key) => key,
            None => self.made(seen)?,
        };
        if key.len() > MOST_BYTES {
            return Err(format!("the key {key:?} has more than {MOST_BYTES} bytes"));
        }
        if !key.starts_with(&self.prefix) {
            let prefix = &self.prefix;
            return Err(format!("the key {key:?} does not begin with {prefix:?}"));
        }
        Ok(key)
    }

    /// The path as a key, if it fits: below the folder that the pattern begins with, or with it.
    fn kept(&self, path: &str) -> Option<String> {
        if !self.parts.is_empty() {
            return None;
        }
        let literal = self.pattern.prefix();
        let folder = literal.rfind('/').map_or("", |end| &literal[..=end]);
        let below = format!("{folder}{path}");
        [below, path.to_owned()]
            .into_iter()
            .find(|key| self.pattern.read(key).is_some())
    }

    fn made(&self, seen: &Seen) -> Result<String, String> {
        let ending = seen.format.extension();
        if !self.includes(&format!("a.{ending}")) {
            return Err(format!(
                "it is a {}, and `include` has no {ending}",
                seen.format
            ));
        }
        let captured = seen.captured_at.as_deref();
        let value = |part: &str| match (self.parts.get(part), part) {
            (Some(value), _) => Some(value.clone()),
            (None, "date") => captured.and_then(|at| at.get(..10)).map(str::to_owned),
            (None, "name") => Some(match captured {
                Some(at) => format!("{}-{}", compact(at), seen.digest),
                None => seen.digest.to_string(),
            }),
            _ => None,
        };
        self.pattern.write(ending, value).map_err(|message| {
            if message.starts_with("nothing gives") {
                format!(
                    "{message}: give it as --part NAME=VALUE, or lay the folder out as `keys` says"
                )
            } else {
                message
            }
        })
    }
}

/// Bytes of a key, at most. Source: Amazon S3 user guide, "Naming Amazon S3 objects".
const MOST_BYTES: usize = 1024;

/// `20261128T093000` of `2026-11-28T09:30:00+01:00`: the camera's clock.
fn compact(captured_at: &str) -> String {
    let clock = captured_at.get(..19).unwrap_or(captured_at);
    clock.replace(['-', ':'], "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Digest, Format};

    fn layout(keys: &str, parts: &[(&str, &str)]) -> Layout {
        let source = serde_json::json!({"keys": keys});
        let source = serde_json::from_value(source).unwrap();
        let parts = parts.iter();
        let parts = parts.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Layout::new(&source, parts.collect()).unwrap()
    }

    fn seen(captured_at: Option<&str>) -> Seen {
        Seen {
            format: Format::Jpeg,
            width: 8,
            height: 8,
            channels: 3,
            digest: Digest::of(b"a"),
            difference_hash: None,
            orientation: 1,
            captured_at: captured_at.map(str::to_owned),
            position: None,
            metadata_damaged: false,
            trailing_bytes: 0,
        }
    }

    #[test]
    fn a_path_that_fits_is_kept() {
        let keys = "images/date={date}/{class}/{name}.{ext}";
        let layout = layout(keys, &[]);
        let key = |path| layout.key(path, &seen(None));
        let fits = "date=2026-11-28/cat/IMG 1.JPG";
        assert_eq!(key(fits), Ok(format!("images/{fits}")));
        let whole = "images/date=2026-11-28/cat/a.jpg";
        assert_eq!(key(whole), Ok(whole.to_owned()));
        let message = key("cat/a.jpg").unwrap_err();
        assert!(
            message.contains("nothing gives the part {date}"),
            "{message}"
        );
        assert!(message.contains("--part NAME=VALUE"), "{message}");
    }

    #[test]
    fn other_keys_are_made_of_parts_the_time_and_the_digest() {
        let keys = "images/date={date}/vehicle={vehicle}/{name}.{ext}";
        let layout = layout(keys, &[("vehicle", "v-7")]);
        let key = layout.key("DCIM/IMG_1.JPEG", &seen(Some("2026-11-28T09:30:00+01:00")));
        let digest = Digest::of(b"a");
        let expected = format!("images/date=2026-11-28/vehicle=v-7/20261128T093000-{digest}.jpg");
        assert_eq!(key, Ok(expected));
        let timeless = layout.key("a.jpg", &seen(None)).unwrap_err();
        assert!(timeless.contains("the part {date}"), "{timeless}");
        let given = self::layout(keys, &[("vehicle", "v-7"), ("date", "2026-11-29")]);
        let expected = format!("images/date=2026-11-29/vehicle=v-7/{digest}.jpg");
        assert_eq!(given.key("a.jpg", &seen(None)), Ok(expected));
    }
}
