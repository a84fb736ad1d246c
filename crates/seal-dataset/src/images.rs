//! What a dataset of images has beside its shards: the channels' files, and the names of its classes.

use crate::{SealDatasetError, TEST, TRAIN, VALIDATION};
use dataset::Columns;
use definition::Format;
use format::images::{class_names, sample_channel};
use lake::records::ChannelFile;
use lake::{CopyingUpload, ObjectStore, RunKeys, join};
use std::collections::BTreeMap;

/// How the name of a file of image records ends.
const RECORDS: &str = "rec";
/// The same of a list of images.
const LIST: &str = "lst";
/// The least images that a channel's sample has, if its shards have as many.
const SAMPLE: u64 = 100;

/// Gives each channel its files, of those that the shards packed: one file of records or lines, or
/// all archives. Images that are objects of their own stay at their prefix. Of a channel's sample it takes as many files as it needs. The store copies them.
pub async fn into_channels<S>(
    store: &S,
    keys: &RunKeys,
    format: &Format,
    packed: Vec<ChannelFile>,
) -> Result<Vec<ChannelFile>, SealDatasetError>
where
    S: ObjectStore<Upload: CopyingUpload>,
{
    let mut channels: BTreeMap<String, Vec<ChannelFile>> = BTreeMap::new();
    for file in packed {
        channels.entry(file.channel.clone()).or_default().push(file);
    }
    let extension = format.extension();
    let mut files = Vec::new();
    let of_lists: BTreeMap<String, &str> = [TRAIN, VALIDATION, TEST]
        .into_iter()
        .filter_map(|side| Some((format.list_channel(side)?, side)))
        .collect();
    let samples = [TRAIN, VALIDATION].map(sample_channel);
    for (channel, mut packed) in channels {
        if packed.iter().any(|file| file.objects.is_some()) {
            if packed.len() > 1 {
                return Err(SealDatasetError::SeveralPrefixes { channel });
            }
            files.append(&mut packed);
            continue;
        }
        if let Some(side) = of_lists.get(&channel) {
            let key = format!("{}{side}.{LIST}", keys.channel(&channel));
            files.push(join(store, &packed, &key).await?);
            continue;
        }
        if samples.contains(&channel) {
            let mut images = 0;
            packed.retain(|file| {
                let is_needed = images < SAMPLE;
                images += file.rows;
                is_needed
            });
            let key = keys.channel_whole(&channel, RECORDS);
            files.push(join(store, &packed, &key).await?);
            continue;
        }
        if format.is_one_file() {
            let key = keys.channel_whole(&channel, extension);
            files.push(join(store, &packed, &key).await?);
            continue;
        }
        for (number, file) in (0..).zip(&packed) {
            let key = keys.channel_file(&channel, number, extension);
            files.push(join(store, std::slice::from_ref(file), &key).await?);
        }
    }
    Ok(files)
}

/// Writes the names of the classes, and returns how many there are.
pub async fn write_classes(
    store: &impl ObjectStore,
    keys: &RunKeys,
    columns: &Columns,
) -> Result<u32, SealDatasetError> {
    let names = class_names(&columns.label_classes)?;
    store.put(&keys.classes(), names.into()).await?;
    Ok(u32::try_from(columns.label_classes.len()).expect("a label has few classes"))
}
