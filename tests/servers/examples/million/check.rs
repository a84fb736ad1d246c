//! What the parts of a run hold, as its manifests list them. It must not know what they should hold.

use lake::records::SegmentRecord;
use lake::{MemoryStore, ObjectStore, RunKeys, part, segment};
use local_servers::items;
use profile::Profile;
use serde_json::Value;
use std::path::Path;

/// What was found.
#[derive(Default)]
pub struct Found {
    pub items: u64,
    /// The sum of the items' fingerprints.
    pub checksum: u64,
    pub parts: usize,
    /// Of the parts as they are stored.
    pub bytes: u64,
}

/// Reads the run from the bucket's folder.
pub async fn read(bucket: &Path, keys: &RunKeys, segments: u32) -> Found {
    let mut found = Found::default();
    for number in 0..segments {
        let store = MemoryStore::new();
        copy(bucket, &keys.segment_manifest(number), &store).await;
        let manifest = segment::manifest(&store, keys, number).await;
        let manifest: Option<SegmentRecord<Profile>> = manifest.expect("a manifest");
        let manifest = manifest.expect("the segment is whole");
        let mut items = 0;
        for listed in &manifest.parts {
            copy(bucket, &listed.key, &store).await;
            let read = part::read_lines(&store, listed, |line| {
                items += 1;
                let line: Value = serde_json::from_slice(line).expect("a line is JSON");
                let fingerprint = items::fingerprint(&line["Item"]);
                found.checksum = found.checksum.wrapping_add(fingerprint);
            });
            read.await.expect("the part is as its manifest says");
            found.parts += 1;
            found.bytes += listed.bytes;
        }
        assert_eq!(items, manifest.totals.items, "segment {number}");
        found.items += items;
    }
    found
}

async fn copy(bucket: &Path, key: &str, store: &MemoryStore) {
    let object = std::fs::read(bucket.join(key)).expect("what is listed is there");
    store.put(key, object.into()).await.expect("memory");
}
