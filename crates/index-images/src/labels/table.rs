//! The keys by which a table has the labels of images.

use definition::{KeyPattern, TableLabels};
use source::AttributeRequest;

/// A table of labels, and what its keys are of an image.
#[derive(Debug)]
pub struct TableKeys {
    labels: TableLabels,
    pattern: KeyPattern,
    /// The part of the key whose value is the item's key; the whole key otherwise.
    part: Option<usize>,
    is_number: bool,
}

impl TableKeys {
    pub fn new(labels: TableLabels, pattern: KeyPattern, is_number: bool) -> Self {
        let from = labels.from.as_deref();
        let part = from.and_then(|from| pattern.parts().position(|name| name == from));
        Self {
            labels,
            pattern,
            part,
            is_number,
        }
    }

    /// The key of the item of an image; `None` if the table can have none.
    pub fn key_of(&self, image: &str) -> Option<String> {
        let key = match self.part {
            Some(part) => *self.pattern.read(image)?.get(part)?,
            None => image,
        };
        if !self.is_number {
            return Some(key.to_owned());
        }
        // As DynamoDB answers: a whole number without leading zeros.
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number = key.trim_start_matches('0');
        Some(if number.is_empty() { "0" } else { number }.to_owned())
    }

    /// The request for the labels of these keys, each of which is named once.
    pub fn request<'r>(&'r self, keys: &'r [&'r str]) -> AttributeRequest<'r> {
        AttributeRequest {
            table: &self.labels.name,
            key: &self.labels.key,
            is_number: self.is_number,
            attribute: &self.labels.attribute,
            keys,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_key_is_a_part_or_all_of_the_images_and_may_be_a_number() {
        let keys = |from: Option<&str>, is_number| {
            let labels = json!({"name": "signs", "key": "id", "from": from});
            let labels = serde_json::from_value(labels).unwrap();
            let pattern = KeyPattern::parse("i/{trip}/{name}.{ext}").unwrap();
            TableKeys::new(labels, pattern, is_number)
        };
        let key = |from, is_number, image| keys(from, is_number).key_of(image);
        assert_eq!(
            key(None, false, "i/t/007.jpg").as_deref(),
            Some("i/t/007.jpg")
        );
        assert_eq!(
            key(Some("name"), false, "i/t/007.jpg").as_deref(),
            Some("007")
        );
        assert_eq!(key(Some("name"), true, "i/t/007.jpg").as_deref(), Some("7"));
        assert_eq!(key(Some("name"), true, "i/t/000.jpg").as_deref(), Some("0"));
        assert_eq!(key(Some("trip"), true, "i/t/007.jpg"), None);
        assert_eq!(key(Some("name"), false, "i/else"), None);
    }
}
