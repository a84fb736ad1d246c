//! How many images there are, and in which ranges of keys they are read.

use super::count::{Count, Counted, bound_of};
use super::ranges::cut;
use definition::ImagesSource;
use lake::records::{IndexedRange, KeyRange, Listing, SizeClass};
use lake::{ObjectMeta, PagedStore, StoreError};

/// Pages of a listing that a plan reads: up to 20,000 keys are counted, and not estimated.
const PAGES: usize = 20;
/// Keys of a page.
const LISTED: u32 = 1000;
/// Images of a range, where they can be counted; and ranges, where they cannot.
const IMAGES: usize = 2000;
const RANGES: usize = 128;
/// Ranges that are counted to estimate the others, and the most pages of each.
const SAMPLED: usize = 3;
const SAMPLED_PAGES: usize = 40;

/// What a bucket holds.
#[derive(Debug)]
pub struct Survey {
    /// The ranges, in order and without gaps.
    pub ranges: Vec<KeyRange>,
    /// Objects.
    pub objects: u64,
    /// Those that have the ending of an image.
    pub images: u64,
    /// Objects that are sidecars of images.
    pub sidecars: u64,
    /// Bytes of all objects.
    pub all_bytes: u64,
    /// What was listed of them: there is this much at least.
    pub counted: Counted,
    /// The images by size.
    pub sizes: Vec<SizeClass>,
    /// Images that are probably read, and their bytes: the others are as the earlier index has them.
    pub reads: u64,
    /// Bytes of these.
    pub read_bytes: u64,
    /// Some range was too long to be counted: the counts, and what is made of them, are too low.
    pub is_least: bool,
    /// The ranges in one sentence.
    pub reason: String,
}

/// An estimate by some ranges.
struct Sampled {
    /// What all ranges have, if the others are alike.
    count: Count,
    /// What these ranges have.
    counted: Counted,
    /// Whether one was too long to be counted.
    is_least: bool,
}

impl Survey {
    /// Looks at the keys with a prefix behind `after`. Where ranges of an earlier index are given, they
    /// are kept as far as they are not too large: what did not change in them is not read again.
    pub async fn of(
        bucket: &impl PagedStore,
        source: &ImagesSource,
        prefix: &str,
        kept: &[IndexedRange],
        after: Option<&str>,
    ) -> Result<Self, StoreError> {
        let everything = KeyRange {
            after: after.map(str::to_owned),
            up_to: None,
        };
        let (objects, is_all) = listed(bucket, prefix, &everything, PAGES).await?;
        let wanted = source.ranges.map(|ranges| ranges as usize);
        if is_all {
            return Ok(Self::counted(source, &objects, kept, wanted, &everything));
        }
        let counted = Counted::of(&Count::of(source, objects.iter()));
        drop(objects);
        let most = wanted.unwrap_or(RANGES);
        let mut ranges = Vec::new();
        if let [others @ .., last] = kept {
            ranges.extend(others.iter().map(|one| one.range.clone()));
            // New keys are often greater than all others, as dates are.
            let (objects, is_all) = listed(bucket, prefix, &last.range, SAMPLED_PAGES).await?;
            if is_all && objects.len() <= IMAGES * 4 {
                ranges.push(last.range.clone());
            } else {
                ranges.extend(cut(bucket, prefix, &last.range, most.div_ceil(8)).await?);
            }
        } else {
            ranges = cut(bucket, prefix, &everything, most).await?;
        }
        let sampled = Self::sampled(bucket, source, prefix, &ranges).await?;
        let Sampled {
            count, is_least, ..
        } = sampled;
        let known: u64 = kept.iter().map(|one| one.listing.objects).sum();
        let reads = if kept.is_empty() {
            count.images
        } else {
            count.images.saturating_sub(known)
        };
        Ok(Self {
            is_least,
            counted: counted.or(sampled.counted),
            ..Self::with(ranges, count, reads, false)
        })
    }

    /// All objects were listed.
    fn counted(
        source: &ImagesSource,
        objects: &[ObjectMeta],
        kept: &[IndexedRange],
        wanted: Option<usize>,
        everything: &KeyRange,
    ) -> Self {
        let size = wanted.map_or(IMAGES, |ranges| objects.len().div_ceil(ranges).max(1));
        let before: Vec<&KeyRange> = if kept.is_empty() {
            vec![everything]
        } else {
            kept.iter().map(|one| &one.range).collect()
        };
        let mut ranges = Vec::new();
        let mut reads = Count::default();
        for (at, range) in before.into_iter().enumerate() {
            let within = objects.iter().filter(|object| range.holds(&object.key));
            let within: Vec<_> = within.collect();
            // A range that was cut once is left until it has doubled.
            let limit = if kept.is_empty() { size } else { size * 2 };
            if within.len() > limit {
                ranges.extend(quantiles(&within, range, size));
            } else {
                ranges.push(range.clone());
            }
            let now = Count::of(source, within.iter().copied());
            let then = kept.get(at).map(|one| one.listing);
            let new = then.map_or(now, |then| new_in(now, &listing(&within), &then));
            reads.images += new.images;
            reads.bytes += new.bytes;
        }
        let count = Count::of(source, objects.iter());
        let mut survey = Self::with(ranges, count, reads.images, true);
        survey.read_bytes = reads.bytes;
        survey
    }

    /// Counts some ranges, and takes the others for alike.
    async fn sampled(
        bucket: &impl PagedStore,
        source: &ImagesSource,
        prefix: &str,
        ranges: &[KeyRange],
    ) -> Result<Sampled, StoreError> {
        let step = ranges.len().div_ceil(SAMPLED).max(1);
        let mut sum = Count::default();
        let mut sampled = 0;
        let mut is_least = false;
        for range in ranges.iter().step_by(step) {
            let (objects, is_all) = listed(bucket, prefix, range, SAMPLED_PAGES).await?;
            sum.add(Count::of(source, objects.iter()));
            sampled += 1;
            is_least |= !is_all;
        }
        Ok(Sampled {
            counted: Counted::of(&sum),
            count: sum.times(ranges.len() as u64, sampled.max(1)),
            is_least,
        })
    }

    fn with(ranges: Vec<KeyRange>, count: Count, reads: u64, counted: bool) -> Self {
        let number = ranges.len();
        let plural = if number == 1 { "range" } else { "ranges" };
        let basis = if counted {
            "all keys were listed"
        } else {
            "cut in the middle of the keys"
        };
        Self {
            ranges,
            is_least: false,
            objects: count.objects,
            sidecars: count.sidecars,
            images: count.images,
            all_bytes: count.all_bytes,
            counted: Counted::of(&count),
            sizes: count.classes(),
            reads,
            read_bytes: count.bytes.checked_div(count.images).unwrap_or_default() * reads,
            reason: format!("{number} {plural} of keys: {basis}"),
        }
    }

    /// Puts ranges before all others that are not listed: what they hold is as the earlier index has
    /// it.
    pub fn put_before(&mut self, unlisted: &[IndexedRange]) {
        let mut mean = SizeClass {
            below: None,
            images: 0,
            bytes: 0,
        };
        for one in unlisted {
            let images = one.listing.objects - one.listing.not_included;
            mean.images += images;
            mean.bytes += one.listing.bytes;
            self.objects += one.listing.objects;
            self.images += images;
            self.all_bytes += one.listing.bytes;
        }
        // Of each nothing but the sum is known: all are taken for as large as their mean.
        if let Some(size) = mean.bytes.checked_div(mean.images) {
            mean.below = bound_of(size);
            let same = self
                .sizes
                .iter_mut()
                .find(|class| class.below == mean.below);
            match same {
                Some(class) => {
                    class.images += mean.images;
                    class.bytes += mean.bytes;
                }
                None => self.sizes.push(mean),
            }
            self.sizes
                .sort_by_key(|class| class.below.unwrap_or(u64::MAX));
        }
        let ranges = unlisted.iter().map(|one| one.range.clone());
        self.ranges.splice(0..0, ranges);
    }

    /// No image is as the earlier index has it: they are read otherwise now.
    pub fn read_all(&mut self) {
        self.reads = self.images;
        self.read_bytes = self.sizes.iter().map(|class| class.bytes).sum();
    }

    /// What may be a mistake.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let others = (self.objects - self.images).saturating_sub(self.sidecars);
        if others > self.images {
            warnings.push(format!(
                "{others} of {} objects do not end as `include` says, and are not read",
                self.objects
            ));
        }
        if self.is_least {
            warnings.push(format!(
                "there are more than {} images, and the cost is higher: a range was too long to count",
                self.images
            ));
        }
        warnings
    }
}

/// New images of a range, at least, as far as counts tell.
fn new_in(now: Count, listing: &Listing, then: &Listing) -> Count {
    if listing.lists_as(then) {
        return Count::default();
    }
    let more = now.objects.saturating_sub(then.objects).min(now.images);
    // Something changed, if only one image for another.
    now.times(more.max(1).min(now.images), now.images.max(1))
}

fn listing(objects: &[&ObjectMeta]) -> Listing {
    let mut listing = Listing::default();
    for object in objects {
        let etag = object.etag.as_deref().unwrap_or_default();
        listing.add(&object.key, etag, object.size);
    }
    listing
}

/// Cuts a range at every `size`th of its keys.
fn quantiles(objects: &[&ObjectMeta], range: &KeyRange, size: usize) -> Vec<KeyRange> {
    let parts = objects.len().div_ceil(size);
    let each = objects.len().div_ceil(parts).max(1);
    let mut after = range.after.clone();
    let mut ranges: Vec<_> = objects
        .chunks(each)
        .filter_map(|chunk| chunk.last())
        .map(|last| {
            let up_to = Some(last.key.clone());
            KeyRange {
                after: std::mem::replace(&mut after, up_to.clone()),
                up_to,
            }
        })
        .collect();
    if let Some(last) = ranges.last_mut() {
        last.up_to.clone_from(&range.up_to);
    }
    ranges
}

/// The objects of a range, at most so many pages of them, and whether these are all.
async fn listed(
    bucket: &impl PagedStore,
    prefix: &str,
    range: &KeyRange,
    pages: usize,
) -> Result<(Vec<ObjectMeta>, bool), StoreError> {
    let mut objects = Vec::new();
    let mut after = range.after.clone();
    for _ in 0..pages {
        let page = bucket.list_page(prefix, after.as_deref(), LISTED).await?;
        let is_over = !page.more || page.objects.is_empty();
        after = page.objects.last().map(|object| object.key.clone());
        objects.extend(page.objects);
        let within = objects.partition_point(|object: &ObjectMeta| range.holds(&object.key));
        if is_over || within < objects.len() {
            objects.truncate(within);
            return Ok((objects, true));
        }
    }
    Ok((objects, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use lake::{MemoryStore, ObjectStore};

    fn source() -> ImagesSource {
        serde_json::from_value(serde_json::json!({"keys": "images/{name}.{ext}"})).unwrap()
    }

    /// So many objects, one of `large` of them with 70 KiB.
    async fn store(count: usize, large: usize) -> MemoryStore {
        let store = MemoryStore::new();
        for number in 0..count {
            let ending = if number % 4 == 3 { "txt" } else { "jpg" };
            let key = format!("images/{number:06}.{ending}");
            let size = if number % large == 1 { 70 << 10 } else { 10 };
            let body = Bytes::from(vec![0; size]);
            store.put(&key, body).await.unwrap();
        }
        store
    }

    #[tokio::test]
    async fn few_keys_are_counted_by_size() {
        let store = store(400, 2).await;
        let survey = Survey::of(&store, &source(), "images/", &[], None)
            .await
            .unwrap();
        assert_eq!((survey.objects, survey.images), (400, 300));
        let sizes: Vec<_> = survey
            .sizes
            .iter()
            .map(|class| (class.below, class.images))
            .collect();
        assert_eq!(sizes, [(Some(64 << 10), 200), (Some(128 << 10), 100)]);
        assert_eq!(survey.all_bytes, 200 * 10 + 200 * (70 << 10));
        assert_eq!(survey.read_bytes, 200 * 10 + 100 * (70 << 10));
        assert!(!survey.is_least && survey.warnings().is_empty());
        let (objects, bytes) = (survey.objects, survey.all_bytes);
        assert_eq!(survey.counted, Counted { objects, bytes });
    }

    #[tokio::test]
    async fn many_keys_are_estimated_by_a_sample_of_ranges() {
        let store = store(24_000, 100).await;
        let survey = Survey::of(&store, &source(), "images/", &[], None)
            .await
            .unwrap();
        assert!(survey.ranges.len() > 50, "{}", survey.ranges.len());
        assert!(
            survey.reason.contains("cut in the middle"),
            "{}",
            survey.reason
        );
        // Three ranges stand for all, and the keys are spread unevenly over them.
        let near = |estimate: u64, exact: u64| estimate < exact * 3 && exact < estimate * 3;
        assert!(near(survey.objects, 24_000), "{}", survey.objects);
        assert!(near(survey.images, 18_000), "{}", survey.images);
        let by_size: u64 = survey.sizes.iter().map(|class| class.images).sum();
        assert!(
            near(by_size, 18_000) && survey.sizes.len() == 2,
            "{by_size}"
        );
        assert!(!survey.is_least);
        // What was listed to see that there is more: twenty pages, of which each object is there.
        assert!((20_000..=24_000).contains(&survey.counted.objects));
        assert!(survey.counted.bytes >= 20_000 * 10);
    }

    #[tokio::test]
    async fn a_range_too_long_to_count_is_said() {
        let store = store(44_000, 100).await;
        // All in one range: it has more keys than a sample reads.
        let source = ImagesSource {
            ranges: Some(1),
            ..source()
        };
        let survey = Survey::of(&store, &source, "images/", &[], None)
            .await
            .unwrap();
        assert_eq!((survey.ranges.len(), survey.is_least), (1, true));
        assert_eq!(survey.objects, 40_000);
        let warnings = survey.warnings();
        assert!(
            warnings[0].contains("more than 30000 images"),
            "{warnings:?}"
        );
    }
}
