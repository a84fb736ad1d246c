//! The labels of a task's images in a manifest or a CSV file.

use super::{Label, plain};
use crate::IndexImagesError;
use definition::{CsvLabels, ImageLabels, ManifestLabels, address};
use lake::PagedStore;
use lake::records::{ImagesPlan, KeyRange};
use serde_json::Value;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The labels of a file by the keys of their images; `None` where it says several.
pub type FileLabels = HashMap<String, Option<Label>>;

/// The labels of the images in these ranges, from the manifest or the CSV file.
pub async fn load(
    store: &impl PagedStore,
    labels: &ImageLabels,
    plan: &ImagesPlan,
    ranges: &[KeyRange],
) -> Result<FileLabels, IndexImagesError> {
    let Some((uri, _)) = labels.uri() else {
        return Ok(FileLabels::new());
    };
    let changed = || IndexImagesError::LabelsChanged {
        uri: uri.to_owned(),
    };
    let (bucket, key) = address(uri).ok_or_else(changed)?;
    let etag = plan.basis.labels_etag.as_deref().unwrap_or_default();
    let text = store.other(bucket).get_if_match(key, etag).await;
    let text = text.map_err(IndexImagesError::LabelsUnreadable)?;
    let text = text.ok_or_else(changed)?;
    let mut file = File::new(uri, ranges);
    match labels {
        ImageLabels::Manifest(labels) => file.read_manifest(labels, &plan.bucket, &text)?,
        ImageLabels::Csv(labels) => file.read_csv(labels, &text)?,
        _ => {}
    }
    Ok(file.labels)
}

/// A file that is being read.
struct File<'f> {
    uri: &'f str,
    ranges: &'f [KeyRange],
    labels: FileLabels,
}

impl<'f> File<'f> {
    fn new(uri: &'f str, ranges: &'f [KeyRange]) -> Self {
        Self {
            uri,
            ranges,
            labels: FileLabels::new(),
        }
    }

    fn add(&mut self, key: &str, label: Label) {
        if !self.ranges.iter().any(|range| range.holds(key)) {
            return;
        }
        match self.labels.entry(key.to_owned()) {
            Entry::Vacant(place) => {
                place.insert(Some(label));
            }
            Entry::Occupied(mut place) => {
                let agree = place
                    .get()
                    .as_ref()
                    .is_some_and(|other| other.text == label.text);
                if !agree {
                    place.insert(None);
                }
            }
        }
    }

    fn error(&self, line: usize, message: String) -> IndexImagesError {
        IndexImagesError::Labels {
            uri: self.uri.to_owned(),
            line,
            message,
        }
    }

    /// Lines of an augmented manifest; those of other buckets name none of the images.
    fn read_manifest(
        &mut self,
        labels: &ManifestLabels,
        bucket: &str,
        text: &[u8],
    ) -> Result<(), IndexImagesError> {
        let attribute = &labels.attribute;
        let metadata = format!("{attribute}-metadata");
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        for (at, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let row: Value = serde_json::from_slice(line)
                .map_err(|error| self.error(at, format!("is no JSON object: {error}")))?;
            let Some(of) = row["source-ref"].as_str().and_then(address) else {
                let message = "has no `source-ref` with the address of an image, s3://bucket/key";
                return Err(self.error(at, message.to_owned()));
            };
            if of.0 != bucket {
                continue;
            }
            let class = row[&metadata]["class-name"].as_str().map(str::to_owned);
            let label = class.or_else(|| plain(&row[attribute]));
            // Images that nobody labelled yet stand there too.
            if let Some(text) = label {
                let confidence = row[&metadata]["confidence"].as_f64();
                self.add(of.1, Label { text, confidence });
            }
        }
        Ok(())
    }

    fn read_csv(&mut self, labels: &CsvLabels, text: &[u8]) -> Result<(), IndexImagesError> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut rows = csv::ReaderBuilder::new().from_reader(text);
        let header = rows
            .headers()
            .map_err(|error| self.error(1, error.to_string()))?
            .clone();
        let column = |name: &str| {
            let place = header.iter().position(|one| one == name);
            place.ok_or_else(|| {
                let known: Vec<_> = header.iter().collect();
                self.error(
                    1,
                    format!("has no column {name:?}; it has {}", known.join(", ")),
                )
            })
        };
        let (key, label) = (column(&labels.key)?, column(&labels.label)?);
        for (at, row) in (2..).zip(rows.records()) {
            let row = row.map_err(|error| self.error(at, error.to_string()))?;
            let cell = |place: usize| row.get(place).filter(|text| !text.is_empty());
            if let (Some(key), Some(text)) = (cell(key), cell(label)) {
                let label = Label {
                    text: text.to_owned(),
                    confidence: None,
                };
                self.add(key, label);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn everything() -> [KeyRange; 1] {
        [KeyRange::default()]
    }

    fn text(labels: &FileLabels, key: &str) -> Option<String> {
        labels[key].as_ref().map(|label| label.text.clone())
    }

    fn manifest(text: &str) -> Result<FileLabels, IndexImagesError> {
        let ranges = everything();
        let mut file = File::new("s3://b-1/m", &ranges);
        let labels = json!({"uri": "s3://b-1/m", "attribute": "state"});
        let labels = serde_json::from_value(labels).unwrap();
        file.read_manifest(&labels, "fleet", text.as_bytes())?;
        Ok(file.labels)
    }

    #[test]
    fn a_manifest_gives_class_names_numbers_and_confidence() {
        let lines = [
            "\u{feff}{\"source-ref\": \"s3://fleet/a.jpg\", \"state\": 3}",
            r#"{"source-ref": "s3://fleet/b.jpg", "state": 1, "state-metadata": {"class-name": "wet", "confidence": 0.9}}"#,
            r#"{"source-ref": "s3://other/c.jpg", "state": 3}"#,
            "",
            r#"{"source-ref": "s3://fleet/d.jpg"}"#,
            r#"{"source-ref": "s3://fleet/e.jpg", "state": "dry"}"#,
            r#"{"source-ref": "s3://fleet/e.jpg", "state": "wet"}"#,
            r#"{"source-ref": "s3://fleet/a.jpg", "state": 3}"#,
        ];
        let labels = manifest(&lines.join("\r\n")).unwrap();
        assert_eq!(labels.len(), 3);
        assert_eq!(text(&labels, "a.jpg").as_deref(), Some("3"));
        let wet = labels["b.jpg"].clone().unwrap();
        assert_eq!((wet.text.as_str(), wet.confidence), ("wet", Some(0.9)));
        assert_eq!(labels["e.jpg"], None, "they disagree");
    }

    #[test]
    fn a_file_that_is_none_names_the_line() {
        for (wrong, line, says) in [
            ("{\"source-ref\": \"s3://fleet/a\"}\nnonsense", 2, "no JSON"),
            ("{\"state\": 1}", 1, "source-ref"),
            ("{\"source-ref\": \"a.jpg\"}", 1, "s3://bucket/key"),
        ] {
            let error = manifest(wrong).unwrap_err().to_string();
            assert!(error.contains(&format!("line {line}")), "{error}");
            assert!(error.contains(says), "{error}");
        }
        let ranges = everything();
        let labels = json!({"uri": "s3://b-1/l.csv"});
        let labels: CsvLabels = serde_json::from_value(labels).unwrap();
        let error = File::new("s3://b-1/l.csv", &ranges)
            .read_csv(&labels, b"image,label\na,b\n")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("no column \"key\"; it has image, label"),
            "{error}"
        );
    }

    #[test]
    fn a_csv_file_gives_the_labels_of_the_ranges_keys() {
        let ranges = [KeyRange {
            after: Some("i/b".to_owned()),
            up_to: None,
        }];
        let mut file = File::new("s3://b-1/l.csv", &ranges);
        let labels = json!({"uri": "s3://b-1/l.csv", "label": "class"});
        let labels = serde_json::from_value(labels).unwrap();
        let rows =
            "\u{feff}class,key\n7,i/a.jpg\n\"a, b\",i/c.jpg\n,i/d.jpg\n7,i/e.jpg\n8,i/e.jpg\n";
        file.read_csv(&labels, rows.as_bytes()).unwrap();
        assert_eq!(file.labels.len(), 2);
        assert_eq!(text(&file.labels, "i/c.jpg").as_deref(), Some("a, b"));
        assert_eq!(file.labels["i/e.jpg"], None);
    }
}
