//! What the index of images needs: ranges of keys, what their listings said, and the newest index.

use super::Checksum;
use contract::RunId;
use serde::{Deserialize, Serialize};

/// What indexing a bucket of images needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImagesPlan {
    /// The bucket.
    pub bucket: String,
    /// What all keys begin with.
    pub prefix: String,
    /// The ranges: segment `n` of the run is range `n`. In order, and without gaps.
    pub ranges: Vec<KeyRange>,
    /// What the lines are made by.
    pub basis: IndexBasis,
    /// Images that one task may read per second.
    pub reads_per_second: u32,
    /// How fast the bucket is read and why, for people.
    pub pace: String,
    /// Objects below the prefix and their bytes, as far as the plan has counted them.
    #[serde(default)]
    pub objects: u64,
    /// Bytes of these objects.
    #[serde(default)]
    pub bytes: u64,
    /// Whether the keys of the table with the labels are numbers.
    #[serde(default)]
    pub label_keys_are_numbers: bool,
    /// The first ranges, so many, are taken over from the earlier index without being listed.
    #[serde(default)]
    pub unlisted: u32,
    /// The images by size, from the smallest on, as far as the plan has counted them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<SizeClass>,
    /// The index of the last run whose images were all indexed; absent for the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<ImageIndex>,
    /// What may be a mistake, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Images of about a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SizeClass {
    /// Each has fewer bytes, and at least those of the class before; absent for the largest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<u64>,
    /// Images.
    pub images: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Keys of a bucket, compared by their bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyRange {
    /// All keys are greater; absent for the first range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// No key is greater; absent for the last range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<String>,
}

impl ImagesPlan {
    /// Objects of the ranges that are not listed, by the earlier index.
    pub fn unlisted_objects(&self) -> u64 {
        let ranges = self.earlier.iter().flat_map(|index| &index.ranges);
        let unlisted = ranges.take(self.unlisted as usize);
        unlisted.map(|one| one.listing.objects).sum()
    }
}

impl KeyRange {
    /// Whether a key with the prefix of all keys is in the range.
    pub fn holds(&self, key: &str) -> bool {
        self.after.as_deref().is_none_or(|after| key > after)
            && self.up_to.as_deref().is_none_or(|up_to| key <= up_to)
    }

    /// Whether there may be a key in both ranges.
    pub fn meets(&self, other: &Self) -> bool {
        let before = |one: &Self, two: &Self| match (&one.up_to, &two.after) {
            (Some(end), Some(start)) => end <= start,
            _ => false,
        };
        !before(self, other) && !before(other, self)
    }
}

/// What lines of an index are made by. What was made by something else is made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IndexBasis {
    /// A hash of what decides how images are read: bucket, limits, metadata.
    pub reading: Checksum,
    /// A hash of what decides parts of keys and labels, the file with the labels included.
    pub labelling: Checksum,
    /// The entity tag of the file with the labels, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels_etag: Option<String>,
}

/// What the listing of a range said, and what became of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Listing {
    /// Objects: those with lines, and those that are not included.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The sum of XXH3-64 over key, entity tag and size of each, modulo 2^64.
    pub checksum: Checksum,
    /// Objects whose ending is not included: they have no line.
    pub not_included: u64,
    /// Images that were quarantined: their line has the reason.
    pub quarantined: u64,
    /// Images of these that could not be read when they were listed: they are tried again.
    #[serde(default)]
    pub absent: u64,
    /// Images that were read. The others are as the last index has them.
    pub read: u64,
    /// Images of the last index that are gone.
    pub vanished: u64,
    /// The sum of XXH3-64 over image and entity tag of each sidecar that lies in another range.
    #[serde(default)]
    pub labels: Checksum,
    /// Requests for the labels of single images: of tags and sidecars.
    #[serde(default)]
    pub label_reads: u64,
    /// Objects of these that this run did not list: the last index is taken at its word.
    #[serde(default)]
    pub unlisted: u64,
}

impl Listing {
    /// Counts an object of the listing.
    pub fn add(&mut self, key: &str, etag: &str, size: u64) {
        self.objects += 1;
        self.bytes += size;
        self.checksum
            .add_line(format!("{key}\n{etag}\n{size}").as_bytes());
    }

    /// Whether the bucket says of the range, and of the sidecars of its images, what it said then.
    pub fn is_as(&self, other: &Self) -> bool {
        self.lists_as(other) && self.labels == other.labels
    }

    /// Whether the bucket says of the range alone what it said then.
    pub fn lists_as(&self, other: &Self) -> bool {
        (self.objects, self.bytes, self.checksum) == (other.objects, other.bytes, other.checksum)
    }
}

impl std::ops::AddAssign for Listing {
    fn add_assign(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes += other.bytes;
        self.checksum += other.checksum;
        self.not_included += other.not_included;
        self.quarantined += other.quarantined;
        self.absent += other.absent;
        self.read += other.read;
        self.vanished += other.vanished;
        self.labels += other.labels;
        self.label_reads += other.label_reads;
        self.unlisted += other.unlisted;
    }
}

/// The newest whole index of a pipeline's images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageIndex {
    /// The run that made it.
    pub run: RunId,
    /// The bucket.
    pub bucket: String,
    /// What all keys begin with.
    pub prefix: String,
    /// What its lines are made by.
    pub basis: IndexBasis,
    /// Its ranges, in order and without gaps.
    pub ranges: Vec<IndexedRange>,
}

/// A range of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IndexedRange {
    /// The keys.
    pub range: KeyRange,
    /// What the listing said.
    pub listing: Listing,
    /// Key of the manifest, which lists the parts.
    pub manifest: String,
}
