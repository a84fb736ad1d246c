//! Counts of objects, and of the images among them by their sizes.

use definition::{ImageLabels, ImagesSource};
use lake::ObjectMeta;
use lake::records::SizeClass;

/// Where one class of sizes ends and the next begins. S3 bills 128 KiB at least in colder classes.
const BOUNDS: [u64; 6] = [64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20, 4 << 20];

/// Objects that were listed, whatever was estimated of the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Counted {
    pub const fn of(count: &Count) -> Self {
        Self {
            objects: count.objects,
            bytes: count.all_bytes,
        }
    }

    /// What is certain of both: the same objects may be in both.
    pub fn or(self, other: Self) -> Self {
        Self {
            objects: self.objects.max(other.objects),
            bytes: self.bytes.max(other.bytes),
        }
    }
}

/// Objects that were counted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Count {
    /// All of them.
    pub objects: u64,
    /// Those that are sidecars of images.
    pub sidecars: u64,
    /// Bytes of all of them.
    pub all_bytes: u64,
    /// Those that have the ending of an image.
    pub images: u64,
    /// Bytes of the images.
    pub bytes: u64,
    /// Images and bytes of each class of sizes.
    sizes: [(u64, u64); BOUNDS.len() + 1],
}

impl Count {
    /// Counts listed objects.
    pub fn of<'o>(source: &ImagesSource, objects: impl Iterator<Item = &'o ObjectMeta>) -> Self {
        let mut count = Self::default();
        let suffix = source.labels.as_ref().and_then(|labels| match labels {
            ImageLabels::Sidecar(labels) => Some(labels.suffix.as_str()),
            _ => None,
        });
        for object in objects {
            count.objects += 1;
            count.sidecars += u64::from(suffix.is_some_and(|suffix| object.key.ends_with(suffix)));
            count.all_bytes += object.size;
            if source.includes(&object.key) {
                count.images += 1;
                count.bytes += object.size;
                let (images, bytes) = &mut count.sizes[class_of(object.size)];
                *images += 1;
                *bytes += object.size;
            }
        }
        count
    }

    /// So many times as much, where `divisor` is 1.
    pub fn times(self, factor: u64, divisor: u64) -> Self {
        let times = |number: u64| number * factor / divisor;
        Self {
            objects: times(self.objects),
            sidecars: times(self.sidecars),
            all_bytes: times(self.all_bytes),
            images: times(self.images),
            bytes: times(self.bytes),
            sizes: self
                .sizes
                .map(|(images, bytes)| (times(images), times(bytes))),
        }
    }

    pub fn add(&mut self, other: Self) {
        self.objects += other.objects;
        self.sidecars += other.sidecars;
        self.all_bytes += other.all_bytes;
        self.images += other.images;
        self.bytes += other.bytes;
        for (sum, more) in self.sizes.iter_mut().zip(other.sizes) {
            *sum = (sum.0 + more.0, sum.1 + more.1);
        }
    }

    /// The classes of sizes that have images.
    pub fn classes(&self) -> Vec<SizeClass> {
        let bounds = BOUNDS.into_iter().map(Some).chain([None]);
        let classes = bounds.zip(self.sizes);
        let classes = classes.map(|(below, (images, bytes))| SizeClass {
            below,
            images,
            bytes,
        });
        classes.filter(|class| class.images > 0).collect()
    }
}

/// The class of a size.
fn class_of(size: u64) -> usize {
    BOUNDS.partition_point(|bound| *bound <= size)
}

/// Where the class of a size ends; `None` for the last one.
pub fn bound_of(size: u64) -> Option<u64> {
    BOUNDS.get(class_of(size)).copied()
}
