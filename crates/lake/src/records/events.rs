//! What a run of events needs: the frozen list of the objects, and what earlier runs keep of them.

use super::{Checksum, SourceFile};
use contract::RunId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What reading events needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventsPlan {
    /// What all keys begin with.
    pub folder: String,
    /// A hash of what decides the manifests: those of another one are not taken over.
    pub basis: Checksum,
    /// The greatest name of an object in the folder of an hour.
    pub newest: String,
    /// Objects that lie in an earlier hour than some that the run before has read.
    pub late: u64,
    /// What is read together: segment `n` of the run is the `n`th.
    pub segments: Vec<EventsSegment>,
    /// How fast they are read and why, for people.
    pub pace: String,
    /// What may be a mistake, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Objects of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventsSegment {
    /// The day, `yyyy/MM/dd`; of replayed events `replayed/yyyy-MM-dd`.
    pub day: String,
    /// What an earlier run keeps of some of the objects, which are not read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
    /// The other objects, by their names behind the folder.
    pub objects: Vec<SourceFile>,
    /// All of them.
    pub listing: ObjectsListing,
}

/// Some objects: how many, their bytes, and a checksum of their identities in any order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectsListing {
    /// Objects.
    pub objects: u64,
    /// Their bytes as stored.
    pub bytes: u64,
    /// The sum of XXH3-64 over name, entity tag and size of each, modulo 2^64.
    pub checksum: Checksum,
}

impl ObjectsListing {
    /// Counts an object.
    pub fn add(&mut self, object: &SourceFile) {
        let SourceFile {
            name, bytes, etag, ..
        } = object;
        self.objects += 1;
        self.bytes += bytes;
        self.checksum
            .add_line(format!("{name}\n{etag}\n{bytes}").as_bytes());
    }
}

impl std::ops::AddAssign for ObjectsListing {
    fn add_assign(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes += other.bytes;
        self.checksum += other.checksum;
    }
}

impl EventsSegment {
    /// The name under which the manifest of these objects is kept. The same objects have the same.
    pub fn id(&self, basis: Checksum) -> String {
        let ObjectsListing {
            objects, checksum, ..
        } = self.listing;
        let day = self.day.replace('/', "-");
        format!("{day}-{objects}-{:016x}-{:016x}", checksum.0, basis.0)
    }
}

impl EventsPlan {
    /// The key of an object.
    pub fn key(&self, object: &SourceFile) -> String {
        format!("{}{}", self.folder, object.name)
    }

    /// All objects.
    pub fn listing(&self) -> ObjectsListing {
        let mut all = ObjectsListing::default();
        for segment in &self.segments {
            all += segment.listing;
        }
        all
    }

    /// The objects that no earlier run has read.
    pub fn fresh(&self) -> impl Iterator<Item = &SourceFile> {
        self.segments.iter().flat_map(|segment| &segment.objects)
    }

    /// Whether some of the objects are none of another plan's.
    pub fn has_more_than(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.days(), other.days());
        ours.iter().any(|(day, all)| theirs.get(day) != Some(all))
    }

    /// All objects of each day.
    fn days(&self) -> BTreeMap<&str, ObjectsListing> {
        let mut days: BTreeMap<&str, ObjectsListing> = BTreeMap::new();
        for segment in &self.segments {
            *days.entry(&segment.day).or_default() += segment.listing;
        }
        days
    }

    /// What the next run takes over, once all segments are whole.
    pub fn index(&self, run: &RunId) -> EventsIndex {
        let kept = self.segments.iter().map(|segment| KeptSegment {
            id: segment.id(self.basis),
            day: segment.day.clone(),
            listing: segment.listing,
        });
        EventsIndex {
            run: run.clone(),
            basis: self.basis,
            newest: self.newest.clone(),
            segments: kept.collect(),
        }
    }
}

/// What the newest run of events keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventsIndex {
    /// The run.
    pub run: RunId,
    /// A hash of what decided the manifests.
    pub basis: Checksum,
    /// The greatest name of an object in the folder of an hour.
    pub newest: String,
    /// Its segments.
    pub segments: Vec<KeptSegment>,
}

/// A segment that later runs take over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeptSegment {
    /// The name under which its manifest and its objects are kept.
    pub id: String,
    /// Its day.
    pub day: String,
    /// Its objects.
    pub listing: ObjectsListing,
}

/// The objects of a kept manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeptObjects {
    /// The objects.
    pub objects: Vec<SourceFile>,
    /// Their items.
    pub items: u64,
    /// The bytes of their lines.
    pub raw_bytes: u64,
}
