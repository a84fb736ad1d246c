//! What a dataset of images has beside its shards: the channels' files, and the names of its classes.

use crate::SealDatasetError;
use dataset::Columns;
use definition::Format;
use format::images::class_names;
use lake::records::ChannelFile;
use lake::{CopyingUpload, ObjectStore, RunKeys, join};
use std::collections::BTreeMap;

/// Gives each channel its files, of those that the shards packed: one file of records, or all
/// archives. The store copies them.
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
    for (channel, packed) in channels {
        if matches!(format, Format::ImageRecordIo(_)) {
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
