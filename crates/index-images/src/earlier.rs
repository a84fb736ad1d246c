//! What the index of an earlier run has of a range: the whole range if the bucket still says the
//! same of it, else its lines.

use crate::IndexImagesError;
use dynamodb_json::{Value, parse_line};
use lake::records::{ImagesPlan, KeyRange, Listing, SegmentRecord};
use lake::{ObjectStore, PartError, StoreError, documents, part};
use profile::{Profile, Vocabularies};
use std::collections::BTreeMap;

/// The lines of an earlier index, by the keys of their images.
pub type EarlierLines = BTreeMap<String, Vec<u8>>;

/// The lines of a range, of keys greater than `after`. Empty if images were read otherwise then.
pub async fn lines(
    store: &impl ObjectStore,
    plan: &ImagesPlan,
    range: &KeyRange,
    after: Option<&str>,
) -> Result<EarlierLines, IndexImagesError> {
    let mut lines = EarlierLines::new();
    let earlier = plan.earlier.as_ref();
    let Some(earlier) = earlier.filter(|index| index.basis.reading == plan.basis.reading) else {
        return Ok(lines);
    };
    for indexed in earlier.ranges.iter().filter(|one| one.range.meets(range)) {
        let record = manifest(store, &indexed.manifest).await?;
        for part in &record.parts {
            let read = part::read_lines(store, part, |line| {
                let Ok(item) = parse_line(line) else { return };
                let Some(Value::S(key)) = item.get("key") else {
                    return;
                };
                let key = key.decode();
                let is_ahead = after.is_none_or(|after| key.as_ref() > after);
                if is_ahead && range.holds(&key) {
                    lines.insert(key.into_owned(), line.to_vec());
                }
            })
            .await;
            match read {
                Err(PartError::Store(StoreError::NotFound { key, .. })) => {
                    tracing::warn!(
                        key,
                        "a part of the earlier index is gone: its images are read again"
                    );
                }
                read => read?,
            }
        }
    }
    Ok(lines)
}

async fn manifest(
    store: &impl ObjectStore,
    key: &str,
) -> Result<SegmentRecord<Profile>, IndexImagesError> {
    Ok(documents::read(store, key, "the index of an earlier run").await?)
}

/// The record of a segment whose range an earlier index has as the bucket is now, or which is not
/// listed; `None` if it has to be made.
pub async fn adopt(
    store: &impl ObjectStore,
    plan: &ImagesPlan,
    segment: u32,
    listing: Option<&Listing>,
    vocabularies: &Vocabularies,
    declared: &[String],
) -> Result<Option<SegmentRecord<Profile>>, IndexImagesError> {
    let range = plan.ranges.get(segment as usize);
    let earlier = plan.earlier.as_ref();
    let earlier = earlier.filter(|index| index.basis == plan.basis);
    let indexed = earlier.zip(range).and_then(|(index, range)| {
        let mut ranges = index.ranges.iter();
        let is_as_then = |one: &Listing| listing.is_none_or(|now| one.is_as(now));
        ranges.find(|one| one.range == *range && is_as_then(&one.listing))
    });
    // What could not be read then may be readable now.
    let Some(indexed) = indexed.filter(|one| one.listing.absent == 0) else {
        return Ok(None);
    };
    let record = manifest(store, &indexed.manifest).await?;
    for part in &record.parts {
        let there = store
            .list(&part.key)
            .await
            .map_err(IndexImagesError::Listing)?;
        if there.iter().all(|object| object.key != part.key) {
            return Ok(None);
        }
    }
    let mut profile = record.profile.share(vocabularies);
    profile.declare(declared.iter().map(String::as_str));
    let total_segments = u32::try_from(plan.ranges.len()).unwrap_or(u32::MAX);
    let mut adopted = SegmentRecord::new(segment, total_segments, profile);
    for part in record.parts {
        adopted.totals.add_part(&part);
        adopted.parts.push(part);
    }
    adopted.listing = Some(Listing {
        read: 0,
        vanished: 0,
        label_reads: 0,
        unlisted: if listing.is_none() {
            indexed.listing.objects
        } else {
            0
        },
        ..indexed.listing
    });
    adopted.adopted = Some(indexed.manifest.clone());
    Ok(Some(adopted))
}
