//! Chooses the images of a shard that become rows, by the index's lines and the dataset's columns.

use crate::rejected::Rejected;
use crate::{PackImagesError, PlannedImage, Side};
use contract::states::RowCounts;
use dataset::{Columns, DenseRow, Encoder, RowOutcome};
use definition::IMAGE_ATTRIBUTES;
use dynamodb_json::{Map, Value, parse_line};
use lake::part::LineCount;
use lake::records::{LineSpan, Part};
use lake::{ObjectStore, part};
use serde_json::json;
use std::hash::Hasher;
use std::str::FromStr;
use twox_hash::XxHash3_64;

/// Images that become rows, and what became of the others.
pub struct Chosen {
    encoder: Encoder,
    row: DenseRow,
    /// In the order of their lines.
    pub images: Vec<PlannedImage>,
    /// Images that are no rows.
    pub rejected: Rejected,
    /// Images that are left out.
    pub left_out: RowCounts,
}

impl Chosen {
    /// Chooses among the lines of these parts, or among those that are the shard's own.
    pub async fn of<S: ObjectStore>(
        store: &S,
        columns: &Columns,
        parts: &[Part],
        own: Option<LineSpan>,
    ) -> Result<Self, PackImagesError> {
        let is_own = |place: u64| own.is_none_or(|own| own.holds(place));
        let mut chosen = Self {
            encoder: Encoder::new(columns)?,
            row: DenseRow::default(),
            images: Vec::new(),
            rejected: Rejected::default(),
            left_out: RowCounts::default(),
        };
        if chosen.encoder.needs_first_pass() {
            let mut place = 0;
            for part in parts {
                let mut reader = part::open(store, part).await?;
                while let Some(batch) = reader.next().await? {
                    for line in part::lines(batch) {
                        if is_own(place) {
                            chosen.see(part, line)?;
                        }
                        place += 1;
                    }
                }
            }
        }
        let mut place = 0;
        for part in parts {
            let mut count = LineCount::default();
            let mut reader = part::open(store, part).await?;
            while let Some(batch) = reader.next().await? {
                count.raw_bytes += batch.len() as u64;
                for line in part::lines(batch) {
                    count.add_line(line);
                    if is_own(place) {
                        chosen.choose(part, line)?;
                    }
                    place += 1;
                }
            }
            count.check(store.bucket(), part)?;
        }
        Ok(chosen)
    }

    /// How many images each condition left out.
    pub fn left_out_by_conditions(&self) -> Vec<u64> {
        self.encoder.left_out().to_vec()
    }

    fn see(&mut self, part: &Part, line: &[u8]) -> Result<(), PackImagesError> {
        let item = parsed(part, line)?;
        // An image that cannot be used must not win over one that can.
        if text(&item, "quarantined").is_none() {
            self.encoder.see(&self.encoder.values(&item));
        }
        Ok(())
    }

    fn choose(&mut self, part: &Part, line: &[u8]) -> Result<(), PackImagesError> {
        let item = parsed(part, line)?;
        let key = text(&item, "key").ok_or_else(|| no_image(part, "key"))?;
        if let Some(reason) = text(&item, "quarantined") {
            self.rejected.push(&key, "quarantined", &reason, None);
            return Ok(());
        }
        let values = self.encoder.values(&item);
        let side = match self.encoder.encode(&values, &mut self.row) {
            RowOutcome::Row(side) => side.into(),
            RowOutcome::Filtered => {
                self.left_out.filtered += 1;
                return Ok(());
            }
            RowOutcome::Duplicate => {
                self.left_out.duplicates += 1;
                return Ok(());
            }
            RowOutcome::Unsampled => {
                self.left_out.unsampled += 1;
                return Ok(());
            }
            RowOutcome::Rejected(reject) => {
                self.rejected
                    .push(&key, &reject.path, &reject.to_string(), None);
                return Ok(());
            }
            RowOutcome::Refused(source) => {
                let key = part.key.clone();
                return Err(PackImagesError::Refused { key, source });
            }
        };
        let label = self.encoder.label(&values);
        let image = planned(&item, key, label, side);
        self.images
            .push(image.map_err(|attribute| no_image(part, attribute))?);
        Ok(())
    }
}

impl From<dataset::Side> for Side {
    fn from(side: dataset::Side) -> Self {
        match side {
            dataset::Side::Train => Self::Train,
            dataset::Side::Validation => Self::Validation,
            dataset::Side::Test => Self::Test,
        }
    }
}

/// Puts images into an order in which neighbours have nothing in common, and numbers them. The same
/// images get the same order.
pub fn shuffle(images: &mut [PlannedImage], seed: u64, shard: u32) {
    images.sort_by_cached_key(|image| {
        let mut hasher = XxHash3_64::with_seed(seed ^ u64::from(shard));
        hasher.write(image.key.as_bytes());
        (hasher.finish(), image.key.clone())
    });
    for (place, image) in (0..).zip(images) {
        // Unique over all shards, none of which has four thousand million images.
        image.number = u64::from(shard) << 32 | place;
    }
}

fn parsed<'l>(part: &Part, line: &'l [u8]) -> Result<Map<'l>, PackImagesError> {
    parse_line(line).map_err(|source| PackImagesError::Item {
        key: part.key.clone(),
        source,
    })
}

fn no_image(part: &Part, attribute: &'static str) -> PackImagesError {
    PackImagesError::NoImage {
        key: part.key.clone(),
        attribute,
    }
}

fn text(item: &Map<'_>, name: &str) -> Option<String> {
    match item.get(name) {
        Some(Value::S(text)) => Some(text.decode().into_owned()),
        _ => None,
    }
}

fn number<N: FromStr>(item: &Map<'_>, name: &str) -> Option<N> {
    match item.get(name) {
        Some(Value::N(number)) => number.parse().ok(),
        _ => None,
    }
}

/// The image of an item, or the attribute that it lacks.
fn planned(
    item: &Map<'_>,
    key: String,
    label: Option<f32>,
    side: Side,
) -> Result<PlannedImage, &'static str> {
    let digest = text(item, "digest").and_then(|digest| digest.parse().ok());
    let orientation = number(item, "orientation");
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a class is a whole number from 0, of which there are few"
    )]
    let class = label.map(|label| label as u32);
    let mut about = serde_json::Map::new();
    about.insert("key".to_owned(), json!(key));
    for (name, value) in item.attributes() {
        let name = name.decode();
        let is_part = !IMAGE_ATTRIBUTES.contains(&name.as_ref());
        if let Value::S(text) = value
            && (is_part || ["label", "capturedAt"].contains(&name.as_ref()))
        {
            about.insert(name.into_owned(), json!(text.decode()));
        }
    }
    Ok(PlannedImage {
        number: 0,
        bucket: text(item, "bucket").ok_or("bucket")?,
        key,
        version: None,
        etag: text(item, "etag").ok_or("etag")?,
        size: number(item, "size").ok_or("size")?,
        digest: digest.ok_or("digest")?,
        orientation: orientation.ok_or("orientation")?,
        class: class.ok_or("label")?,
        side,
        about: about.into(),
    })
}
