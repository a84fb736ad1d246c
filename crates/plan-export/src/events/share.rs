//! Shares objects out to segments: those that an earlier run has read stay together, and new ones of
//! the same day join them, so that only these are read.

use crate::PlanExportError;
use futures::{StreamExt, TryStreamExt, stream};
use lake::records::{
    EventsIndex, EventsSegment, KeptObjects, KeptSegment, ObjectsListing, SourceFile,
};
use lake::{PagedStore, documents, events};
use std::collections::{BTreeMap, BTreeSet};

/// Objects and bytes of a segment, at most: one call reads it whole or not at all.
const OBJECTS: u64 = 1000;
const BYTES: u64 = 256 * 1024 * 1024;

/// Lists of objects that are read at once.
const AT_ONCE: usize = 16;

/// What earlier runs have counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Items.
    pub items: u64,
    /// Bytes of their lines.
    pub raw_bytes: u64,
}

/// What is read by which segment.
#[derive(Debug)]
pub struct Shared {
    /// The segments, day by day.
    pub segments: Vec<EventsSegment>,
    /// The greatest name of an object in the folder of an hour.
    pub newest: String,
    /// New objects whose names are less than the greatest that the run before has read.
    pub late: u64,
    /// Items that are not read again.
    pub items: u64,
    /// Bytes of their lines.
    pub raw_bytes: u64,
}

/// What the index names and the lake still has. Its lifecycle may have removed some.
pub async fn kept(
    lake: &impl PagedStore,
    pipeline: &str,
    index: &EventsIndex,
) -> Result<Vec<(KeptSegment, KeptObjects)>, PlanExportError> {
    let there = lake.list(&events::index(pipeline)).await;
    let there = there.map_err(|error| PlanExportError::Lake(error.into()))?;
    let there: BTreeSet<String> = there.into_iter().map(|object| object.key).collect();
    let mut named = index.segments.clone();
    named.retain(|segment| {
        there.contains(&events::manifest(pipeline, &segment.id))
            && there.contains(&events::objects(pipeline, &segment.id))
    });
    let lists = stream::iter(named).map(|segment| async move {
        let key = events::objects(pipeline, &segment.id);
        let objects: KeptObjects = documents::read(lake, &key, "a list of events").await?;
        Ok::<_, PlanExportError>((segment, objects))
    });
    lists.buffered(AT_ONCE).try_collect().await
}

/// Shares out the objects. `before` is the greatest name that the run before has read.
pub fn share(
    listed: Vec<(String, SourceFile)>,
    kept: Vec<(KeptSegment, KeptObjects)>,
    before: Option<&str>,
) -> Shared {
    let mut fresh: BTreeMap<String, (String, SourceFile)> = listed
        .into_iter()
        .map(|(day, object)| (object.name.clone(), (day, object)))
        .collect();
    let of_hours = fresh.keys().filter(|name| !is_replayed(name));
    let newest = of_hours.map(String::as_str).chain(before).max();
    let newest = newest.unwrap_or_default().to_owned();
    let mut days: BTreeMap<String, Vec<EventsSegment>> = BTreeMap::new();
    let mut shared = Shared {
        segments: Vec::new(),
        newest,
        late: 0,
        items: 0,
        raw_bytes: 0,
    };
    for (
        segment,
        KeptObjects {
            objects,
            items,
            raw_bytes,
        },
    ) in kept
    {
        let is_there = |object: &SourceFile| {
            let found = fresh.get(&object.name).map(|(_, found)| found);
            found.is_some_and(|it| (it.bytes, &it.etag) == (object.bytes, &object.etag))
        };
        if !objects.iter().all(is_there) {
            continue;
        }
        for object in &objects {
            fresh.remove(&object.name);
        }
        shared.items += items;
        shared.raw_bytes += raw_bytes;
        days.entry(segment.day).or_default().push(EventsSegment {
            day: String::new(),
            kept: Some(segment.id),
            objects: Vec::new(),
            listing: segment.listing,
        });
    }
    for (day, object) in fresh.into_values() {
        let is_late = before.is_some_and(|before| object.name.as_str() < before);
        shared.late += u64::from(is_late && !is_replayed(&object.name));
        let segments = days.entry(day).or_default();
        let has_room = |listing: &ObjectsListing| {
            listing.objects < OBJECTS && listing.bytes + object.bytes <= BYTES
        };
        if !segments.last().is_some_and(|last| has_room(&last.listing)) {
            segments.push(EventsSegment {
                day: String::new(),
                kept: None,
                objects: Vec::new(),
                listing: ObjectsListing::default(),
            });
        }
        if let Some(last) = segments.last_mut() {
            last.listing.add(&object);
            last.objects.push(object);
        }
    }
    for (day, segments) in days {
        let segments = segments.into_iter().map(|segment| EventsSegment {
            day: day.clone(),
            ..segment
        });
        shared.segments.extend(segments);
    }
    shared
}

fn is_replayed(name: &str) -> bool {
    name.starts_with(events::REPLAYED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lake::records::Checksum;

    fn object(name: &str, bytes: u64) -> (String, SourceFile) {
        let object = SourceFile {
            name: name.to_owned(),
            bytes,
            etag: format!("tag of {name}"),
            items: None,
            md5: None,
        };
        (name[..10].to_owned(), object)
    }

    /// What a run keeps of these segments.
    fn after(
        shared: &Shared,
        kept: &[(KeptSegment, KeptObjects)],
    ) -> Vec<(KeptSegment, KeptObjects)> {
        let segments = shared.segments.iter().map(|segment| {
            let earlier = kept
                .iter()
                .find(|(one, _)| Some(&one.id) == segment.kept.as_ref());
            let earlier = earlier.map_or(&[][..], |(_, it)| it.objects.as_slice());
            let objects = earlier.iter().chain(&segment.objects).cloned();
            let objects: Vec<_> = objects.collect();
            let mut listing = ObjectsListing::default();
            for object in &objects {
                listing.add(object);
            }
            assert_eq!(listing, segment.listing);
            let items = objects.len() as u64;
            let kept = KeptSegment {
                id: segment.id(Checksum(7)),
                day: segment.day.clone(),
                listing,
            };
            (
                kept,
                KeptObjects {
                    objects,
                    items,
                    raw_bytes: items * 10,
                },
            )
        });
        segments.collect()
    }

    #[test]
    fn only_new_objects_are_read_and_late_ones_join_their_day() {
        let monday = [object("2026/11/23/01/a", 5), object("2026/11/23/09/b", 5)];
        let tuesday = [object("2026/11/24/01/c", 5)];
        let first: Vec<_> = monday.iter().chain(&tuesday).cloned().collect();
        let one = share(first.clone(), Vec::new(), None);
        assert_eq!((one.segments.len(), one.late, one.items), (2, 0, 0));
        assert_eq!(one.newest, "2026/11/24/01/c");
        let kept = after(&one, &[]);

        // The same again: nothing is read, and the names of what is kept stay the same.
        let same = share(first.clone(), kept.clone(), Some(&one.newest));
        assert!(
            same.segments
                .iter()
                .all(|segment| segment.objects.is_empty())
        );
        let ids = |shared: &Shared| -> Vec<_> {
            shared
                .segments
                .iter()
                .map(|segment| segment.id(Checksum(7)))
                .collect()
        };
        assert_eq!(ids(&same), ids(&one));
        assert_eq!((same.items, same.raw_bytes), (3, 30));

        // A late object, a new one, and one that was replaced.
        let mut listed = first;
        listed.push(object("2026/11/23/02/late", 5));
        listed.push(object("2026/11/24/02/new", 5));
        let two = share(listed.clone(), kept.clone(), Some(&one.newest));
        let fresh: Vec<_> = two
            .segments
            .iter()
            .flat_map(|it| &it.objects)
            .map(|it| &*it.name)
            .collect();
        assert_eq!(fresh, ["2026/11/23/02/late", "2026/11/24/02/new"]);
        assert_eq!((two.late, two.items), (1, 3));
        let kept = after(&two, &kept);
        listed[0].1.etag = "another".to_owned();
        let three = share(listed, kept, Some(&two.newest));
        let fresh: Vec<_> = three
            .segments
            .iter()
            .flat_map(|it| &it.objects)
            .map(|it| &*it.name)
            .collect();
        assert_eq!(
            fresh,
            ["2026/11/23/01/a", "2026/11/23/02/late", "2026/11/23/09/b"]
        );
        assert_eq!(three.items, 2);
    }

    #[test]
    fn a_segment_has_no_more_than_one_call_reads() {
        let many = (0..2500).map(|number| object(&format!("2026/11/23/01/{number:05}"), 1));
        let shared = share(many.collect(), Vec::new(), None);
        let counts: Vec<_> = shared
            .segments
            .iter()
            .map(|it| it.listing.objects)
            .collect();
        assert_eq!(counts, [1000, 1000, 500]);
        let large = (0..3).map(|number| object(&format!("2026/11/23/01/{number}"), BYTES - 1));
        assert_eq!(share(large.collect(), Vec::new(), None).segments.len(), 3);
    }
}
