//! Files beside images that hold their labels: which there are, and what they say.

use super::{LABEL_UNREADABLE, Labelled, plain};
use definition::{ImagesSource, SidecarLabels};
use lake::records::{KeyRange, Listing};
use lake::{ObjectMeta, PagedStore, StoreError};
use serde_json::Value;
use std::collections::HashMap;

/// Bytes of the largest sidecar.
pub const MOST_BYTES: u64 = 1024 * 1024;

/// The sidecars of listed images, by the images' keys.
#[derive(Debug, Default)]
pub struct Sidecars(HashMap<String, ObjectMeta>);

impl Sidecars {
    /// The sidecars of the images of a listing of all keys of `range` behind `after`. One whose key
    /// is not among these is asked for: it lies near the end of the range, or the listing.
    pub async fn of<'l>(
        bucket: &impl PagedStore,
        source: &ImagesSource,
        labels: &SidecarLabels,
        range: &KeyRange,
        after: Option<&str>,
        listed: impl Iterator<Item = &'l ObjectMeta> + Clone,
    ) -> Result<Self, StoreError> {
        let is_sidecar = |object: &&ObjectMeta| object.key.ends_with(&labels.suffix);
        let there = listed.clone().filter(is_sidecar);
        let there: HashMap<&str, &ObjectMeta> =
            there.map(|object| (object.key.as_str(), object)).collect();
        let span = KeyRange {
            after: after.or(range.after.as_deref()).map(str::to_owned),
            up_to: range.up_to.clone(),
        };
        let mut sidecars = HashMap::new();
        for image in listed.filter(|object| source.includes(&object.key)) {
            let key = labels.key_for(&image.key);
            let sidecar = if let Some(sidecar) = there.get(key.as_str()) {
                Some((*sidecar).clone())
            } else if span.holds(&key) {
                None
            } else {
                let page = bucket.list_page(&key, None, 1).await?;
                let mut objects = page.objects.into_iter();
                objects.find(|object| object.key == key)
            };
            if let Some(sidecar) = sidecar {
                sidecars.insert(image.key.clone(), sidecar);
            }
        }
        Ok(Self(sidecars))
    }

    /// The sidecar of an image.
    pub fn get(&self, image: &str) -> Option<&ObjectMeta> {
        self.0.get(image)
    }

    /// Some sidecars of other images.
    pub fn others<'s>(&'s self, image: &'s str) -> impl Iterator<Item = &'s ObjectMeta> {
        let others = self.0.iter().filter(move |(key, _)| *key != image);
        others.map(|(_, sidecar)| sidecar)
    }

    /// Adds an image's sidecar to what is said of the image's range, if it lies in another range: its
    /// change must be seen there.
    pub fn count(&self, listing: &mut Listing, range: &KeyRange, image: &str) {
        if let Some(sidecar) = self.get(image)
            && !range.holds(&sidecar.key)
        {
            let etag = sidecar.etag.as_deref().unwrap_or_default();
            let line = format!("{image}\n{etag}");
            listing.labels.add_line(line.as_bytes());
        }
    }
}

/// What a sidecar says.
pub fn read(labels: &SidecarLabels, bytes: &[u8]) -> Labelled {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let Some(fields) = labels.fields() else {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Labelled::refused(LABEL_UNREADABLE);
        };
        let text = text.trim();
        return Labelled::text((!text.is_empty()).then(|| text.to_owned()));
    };
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else {
        return Labelled::refused(LABEL_UNREADABLE);
    };
    let mut value = &document;
    for field in fields {
        value = &value[field];
    }
    match (value, plain(value)) {
        // Nobody labelled it yet.
        (Value::Null, _) => Labelled::default(),
        (_, Some(text)) if text.is_empty() => Labelled::default(),
        (_, Some(text)) => Labelled::text(Some(text)),
        (_, None) => Labelled::refused(LABEL_UNREADABLE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use lake::{MemoryStore, ObjectStore};
    use serde_json::json;

    fn labels(path: Option<&str>) -> SidecarLabels {
        serde_json::from_value(json!({"suffix": ".json", "path": path})).unwrap()
    }

    #[test]
    fn a_document_gives_its_field_and_a_text_itself() {
        let text = |path, bytes: &[u8]| {
            let read = read(&labels(path), bytes);
            read.label.map(|label| label.text).ok_or(read.refused)
        };
        let sign = br#"{"sign": {"class": "stop", "n": 7, "is": true, "no": null, "all": []}}"#;
        for (path, expected) in [
            ("$.sign.class", Ok("stop")),
            ("sign.n", Ok("7")),
            ("sign.is", Ok("true")),
            ("sign.no", Err(None)),
            ("sign.other", Err(None)),
            ("sign.class.deeper", Err(None)),
            ("sign.all", Err(Some(LABEL_UNREADABLE))),
            ("sign", Err(Some(LABEL_UNREADABLE))),
        ] {
            let found = text(Some(path), sign);
            assert_eq!(found.as_deref(), expected.as_deref(), "{path}");
        }
        let refused = Err(Some(LABEL_UNREADABLE));
        assert_eq!(text(Some("a"), b"<html>"), refused);
        assert_eq!(text(None, b"\xff\xfe"), refused);
        assert_eq!(text(None, b"\xef\xbb\xbf stop\r\n").as_deref(), Ok("stop"));
        assert_eq!(text(None, b" \n"), Err(None));
    }

    #[tokio::test]
    async fn a_sidecar_in_another_range_is_found_and_counted() {
        let store = MemoryStore::new();
        for key in ["i/a.jpg", "i/a.json", "i/b.jpg", "i/c.jpg", "i/c.json"] {
            store.put(key, Bytes::from(key)).await.unwrap();
        }
        let source = json!({"keys": "i/{name}.{ext}", "bucket": "fleet"});
        let source: ImagesSource = serde_json::from_value(source).unwrap();
        // The range ends between an image and its sidecar.
        let range = KeyRange {
            after: None,
            up_to: Some("i/c.jpg".to_owned()),
        };
        let listed = store.list("i/").await.unwrap();
        let listed = listed.iter().filter(|object| range.holds(&object.key));
        let labels = labels(None);
        let found = Sidecars::of(&store, &source, &labels, &range, None, listed);
        let found = found.await.unwrap();
        let key = |image| found.get(image).map(|one| one.key.as_str());
        assert_eq!(key("i/a.jpg"), Some("i/a.json"));
        assert_eq!(key("i/b.jpg"), None);
        assert_eq!(key("i/c.jpg"), Some("i/c.json"));
        let counted = |image| {
            let mut listing = Listing::default();
            found.count(&mut listing, &range, image);
            listing != Listing::default()
        };
        assert_eq!(
            ["i/a.jpg", "i/b.jpg", "i/c.jpg"].map(counted),
            [false, false, true]
        );
    }
}
