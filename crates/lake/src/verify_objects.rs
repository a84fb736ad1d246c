//! Reads the objects of a channel again that has one for each row, and compares them with its list.

use crate::records::{ChannelFile, FileDigest, ListedObject, Objects};
use crate::store::{ByteStream, ObjectStore, StoreError};
use crate::verify::Finding;
use futures::{StreamExt, stream};
use std::collections::BTreeMap;

/// Objects that are read at once.
const AT_ONCE: usize = 16;
/// The most findings about one channel.
const MOST: usize = 20;

/// What is not as the list says: an object that is missing, differs, or is not listed.
pub async fn compare(
    store: &impl ObjectStore,
    file: &ChannelFile,
    objects: &Objects,
) -> Result<Vec<Finding>, StoreError> {
    let text = match store.get(&file.key).await {
        Ok(text) => text,
        // Its own reading has found it.
        Err(StoreError::NotFound { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let text = String::from_utf8_lossy(&text);
    let listed = text.lines().map(ListedObject::of_line);
    let Some(listed) = listed.collect::<Option<Vec<_>>>() else {
        let message = format!("s3://{}/{} is no list of objects", store.bucket(), file.key);
        return Ok(vec![Finding::Damaged { message }]);
    };
    let there = store.list(&objects.prefix).await?;
    let mut there: BTreeMap<String, u64> = there
        .into_iter()
        .map(|object| (object.key, object.size))
        .collect();
    let mut found = Vec::new();
    let mut reading = stream::iter(&listed)
        .map(|object| async move {
            let key = format!("{}{}", objects.prefix, object.path);
            let finding = read(store, &key, object).await;
            (key, finding)
        })
        .buffer_unordered(AT_ONCE);
    while let Some((key, finding)) = reading.next().await {
        there.remove(&key);
        found.extend(finding?);
    }
    drop(reading);
    let unlisted = there.keys().map(|key| Finding::Damaged {
        message: format!(
            "s3://{}/{key} lies in the channel {}, whose list does not have it",
            store.bucket(),
            file.channel
        ),
    });
    found.extend(unlisted);
    found.truncate(MOST);
    Ok(found)
}

async fn read(
    store: &impl ObjectStore,
    key: &str,
    object: &ListedObject,
) -> Result<Option<Finding>, StoreError> {
    let mut stream = match store.stream(key).await {
        Ok(stream) => stream,
        Err(error @ StoreError::NotFound { .. }) => {
            let message = error.to_string();
            return Ok(Some(Finding::Damaged { message }));
        }
        Err(error) => return Err(error),
    };
    let (mut digest, mut bytes) = (FileDigest::default(), 0);
    while let Some(frame) = stream.next().await? {
        digest.add(&frame);
        bytes += frame.len() as u64;
    }
    let differs = digest.finish() != object.digest || bytes != object.bytes;
    Ok(differs.then(|| Finding::Damaged {
        message: format!(
            "s3://{}/{key} does not hold what the channel's list says",
            store.bucket()
        ),
    }))
}
