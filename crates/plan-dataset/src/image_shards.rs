//! Divides an index of images into shards by the images' own bytes: the index has some 459 bytes of
//! each, whatever its size. Shards are cut between lines, because one part of the index may list more
//! images than one function packs in its time.

use crate::PlanDatasetError;
use crate::items::each_item;
use contract::states::MOST_CHILDREN;
use definition::{Dataset, ImageFiles};
use dynamodb_json::{Map, Value};
use lake::ObjectStore;
use lake::records::{LineSpan, Part};
use std::ops::Range;
use std::time::{Duration, SystemTime};

const MEGABYTE: u64 = 1_000_000;
/// The most bytes of images that one function packs.
const MOST: u64 = ImageFiles::MOST_MB as u64 * MEGABYTE;
/// Blocks of a shard: so much larger than another one may it be.
const BLOCKS: u64 = 64;
/// Time that is left for the rest of the function.
const RESERVE: Duration = Duration::from_mins(1);

/// Shards of images.
#[derive(Debug, Default, PartialEq)]
pub struct ImageShards {
    /// The parts of each shard. A part may be in several.
    pub parts: Vec<Vec<Part>>,
    /// The lines of these parts that are the shard's own; empty if all are.
    pub lines: Vec<LineSpan>,
}

/// Lines of a part that stay together, and the bytes of their images.
#[derive(Debug, Clone, Copy, Default)]
struct Block {
    part: usize,
    lines: u64,
    bytes: u64,
}

/// How images are divided.
#[derive(Debug, Clone, Copy)]
pub struct Division<'d> {
    /// The dataset.
    pub dataset: &'d Dataset,
    /// Its files.
    pub files: &'d ImageFiles,
    /// Bytes of all objects that were listed: those of the images at least.
    pub listed: u64,
    /// The share of the images that are packed, from 0 to 1: all but for a sample.
    pub share: f64,
    /// Instances that read a share of the files each.
    pub readers: u32,
}

impl Division<'_> {
    /// Divides the images of these parts, each of which is in one shard. The sizes of all images are
    /// read.
    pub async fn of(
        &self,
        store: &impl ObjectStore,
        parts: Vec<Part>,
        deadline: SystemTime,
    ) -> Result<ImageShards, PlanDatasetError> {
        let until = deadline.checked_sub(RESERVE).unwrap_or(deadline);
        let listed = self.packed(self.listed);
        let grain = self.listed / (self.count(listed) * BLOCKS);
        let grain = grain.min(MOST / BLOCKS);
        let blocks = blocks(store, &parts, grain, until).await?;
        let bytes = self.packed(blocks.iter().map(|block| block.bytes).sum());
        if self.dataset.deduplicate.is_some() {
            // Items with one key must be in one shard, because no other sees them.
            if bytes > MOST {
                let megabytes = bytes / MEGABYTE;
                return Err(PlanDatasetError::ImageDuplicatesApart { megabytes });
            }
            return Ok(ImageShards {
                parts: Vec::from_iter((!parts.is_empty()).then_some(parts)),
                lines: Vec::new(),
            });
        }
        let count = self.count(bytes);
        if bytes / count > MOST {
            return Err(PlanDatasetError::TooManyImages {
                megabytes: bytes / MEGABYTE,
                shards: count,
            });
        }
        let shards = cut(&blocks, count);
        let readers = self.readers as usize;
        if readers > 1 && shards.len() < readers {
            return Err(PlanDatasetError::TooFewImages {
                shards: shards.len(),
                readers,
            });
        }
        Ok(collect(&parts, &blocks, shards))
    }

    /// What is packed of so many bytes of images.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count, which is no less than 0 and no more than it"
    )]
    fn packed(&self, bytes: u64) -> u64 {
        (bytes as f64 * self.share.clamp(0.0, 1.0)).ceil() as u64
    }

    /// How many shards so many bytes of images are packed in, each of about `fileMb`: equally many
    /// for each reader, and no more than one map has children.
    fn count(&self, bytes: u64) -> u64 {
        let readers = u64::from(self.readers.max(1));
        let most = u64::from(MOST_CHILDREN);
        let most = (most - most % readers).max(1);
        let one = u64::from(self.files.file_mb.max(1)) * MEGABYTE;
        let count = bytes.div_ceil(one).max(1).next_multiple_of(readers);
        count.min(most)
    }
}

/// The blocks of all parts, in their order, each of so many bytes or one image more.
async fn blocks(
    store: &impl ObjectStore,
    parts: &[Part],
    grain: u64,
    until: SystemTime,
) -> Result<Vec<Block>, PlanDatasetError> {
    let mut blocks = Vec::new();
    let mut read = 0;
    for (number, part) in parts.iter().enumerate() {
        let empty = Block {
            part: number,
            ..Block::default()
        };
        let mut open = empty;
        let is_whole = each_item(store, std::slice::from_ref(part), until, |_, item| {
            open.lines += 1;
            open.bytes += bytes_of(item);
            if open.bytes > grain {
                blocks.push(std::mem::replace(&mut open, empty));
            }
            true
        });
        if !is_whole.await? {
            let bytes = parts.iter().map(|part| part.raw_bytes).sum();
            return Err(PlanDatasetError::SizesNoTime { read, bytes });
        }
        if open.lines > 0 {
            blocks.push(open);
        }
        read += part.raw_bytes;
    }
    Ok(blocks)
}

/// The bytes of an image that is packed.
fn bytes_of(item: &Map<'_>) -> u64 {
    match item.get("size") {
        Some(Value::N(size)) if item.get("quarantined").is_none() => {
            size.parse().unwrap_or_default()
        }
        _ => 0,
    }
}

/// The blocks of each shard: `count` at most, of nearly equal bytes, none without a block.
fn cut(blocks: &[Block], count: u64) -> Vec<Range<usize>> {
    let total: u64 = blocks.iter().map(|block| block.bytes).sum();
    let mut shards: Vec<Range<usize>> = Vec::new();
    let (mut before, mut last) = (0, None);
    for (at, block) in blocks.iter().enumerate() {
        // The shard whose span contains the middle of the block. Images that are not packed have no
        // bytes: behind all others, they are in the last.
        let middle = u128::from(before + block.bytes / 2);
        let span = middle * u128::from(count) / u128::from(total.max(1));
        let span = span.min(u128::from(count.saturating_sub(1)));
        before += block.bytes;
        match shards.last_mut().filter(|_| last == Some(span)) {
            Some(shard) => shard.end = at + 1,
            None => shards.push(at..at + 1),
        }
        last = Some(span);
    }
    shards
}

fn collect(parts: &[Part], blocks: &[Block], shards: Vec<Range<usize>>) -> ImageShards {
    let lines_of = |blocks: &[Block]| blocks.iter().map(|block| block.lines).sum::<u64>();
    let mut all = ImageShards::default();
    for shard in shards {
        let own = &blocks[shard.clone()];
        let (Some(first), Some(last)) = (own.first(), own.last()) else {
            continue;
        };
        let earlier = &blocks[..shard.start];
        let same = earlier.partition_point(|block| block.part < first.part);
        all.parts.push(parts[first.part..=last.part].to_vec());
        all.lines.push(LineSpan {
            skip: lines_of(&earlier[same..]),
            take: lines_of(own),
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{ErrorName, Named};
    use lake::MemoryStore;
    use lake::part::{PartWriter, read_lines};

    fn line(key: usize, size: u64) -> String {
        let quarantined = if size == 0 {
            ",\"quarantined\":{\"S\":\"Truncated\"}"
        } else {
            ""
        };
        // What cannot be packed has a size too.
        let size = if size == 0 { 900_000_000_000 } else { size };
        format!(
            "{{\"Item\":{{\"key\":{{\"S\":\"{key:06}\"}},\"size\":{{\"N\":\"{size}\"}}{quarantined}}}}}\n"
        )
    }

    /// An index in parts, of images of these sizes in bytes; 0 is one that is quarantined.
    async fn index(store: &MemoryStore, sizes: &[Vec<u64>]) -> Vec<Part> {
        let mut parts = Vec::new();
        for (number, sizes) in sizes.iter().enumerate() {
            let mut writer = PartWriter::new(store, format!("part-{number}")).unwrap();
            for (at, size) in sizes.iter().enumerate() {
                let line = line(at, *size);
                let text = std::iter::once(line.trim_end().as_bytes());
                writer
                    .append(line.as_bytes(), text, |_, _| ())
                    .await
                    .unwrap();
            }
            parts.extend(writer.finish().await.unwrap());
        }
        parts
    }

    fn dataset(more: &str) -> Dataset {
        serde_json::from_str(&format!("{{\"label\": \"label\"{more}}}")).unwrap()
    }

    async fn divided(
        sizes: &[Vec<u64>],
        (file_mb, readers): (u32, u32),
        more: &str,
    ) -> (MemoryStore, Result<ImageShards, PlanDatasetError>) {
        let store = MemoryStore::new();
        let parts = index(&store, sizes).await;
        let (dataset, files) = (
            dataset(more),
            ImageFiles {
                file_mb,
                ..ImageFiles::default()
            },
        );
        let division = Division {
            dataset: &dataset,
            files: &files,
            listed: sizes.iter().flatten().sum(),
            share: 1.0,
            readers,
        };
        let deadline = SystemTime::now() + Duration::from_hours(1);
        let shards = division.of(&store, parts, deadline).await;
        (store, shards)
    }

    /// The bytes of each shard's images; every line of every part is in one shard.
    async fn bytes_of_shards(
        store: &MemoryStore,
        shards: &ImageShards,
        sizes: &[Vec<u64>],
    ) -> Vec<u64> {
        let mut lines = Vec::new();
        let mut all = Vec::new();
        assert_eq!(shards.parts.len(), shards.lines.len());
        for (parts, span) in shards.parts.iter().zip(&shards.lines) {
            let (mut at, mut bytes) = (0, 0);
            for part in parts {
                read_lines(store, part, |line| {
                    if span.holds(at) {
                        lines.push((part.key.clone(), String::from_utf8(line.to_vec()).unwrap()));
                        bytes += bytes_of(&dynamodb_json::parse_line(line).unwrap());
                    }
                    at += 1;
                })
                .await
                .unwrap();
            }
            all.push(bytes);
        }
        let expected = sizes.iter().enumerate().flat_map(|(part, sizes)| {
            let lines = sizes.iter().enumerate();
            lines.map(move |(at, size)| {
                let line = line(at, *size);
                (format!("part-{part}"), line.trim_end().to_owned())
            })
        });
        assert_eq!(lines, expected.collect::<Vec<_>>());
        all
    }

    #[tokio::test]
    async fn a_part_with_more_images_than_a_function_packs_is_in_several_shards() {
        // 40 GB in the middle one of three parts of as many lines; the index is the same size.
        let sizes = [
            vec![20_000; 400],
            [0, 200_000_000].repeat(200),
            vec![20_000; 400],
        ];
        for file_mb in [256, ImageFiles::MOST_MB] {
            let (store, shards) = divided(&sizes, (file_mb, 1), "").await;
            let bytes = bytes_of_shards(&store, &shards.unwrap(), &sizes).await;
            assert!(bytes.len() > 2, "{bytes:?}");
            let most = u64::from(file_mb) * MEGABYTE;
            let most = most + most / BLOCKS + 200_000_000;
            assert!(bytes.iter().all(|bytes| *bytes <= most), "{bytes:?}");
        }
        let (store, shards) = divided(&sizes, (256, 1), "").await;
        let bytes = bytes_of_shards(&store, &shards.unwrap(), &sizes).await;
        assert!((130..=160).contains(&bytes.len()), "{}", bytes.len());
    }

    #[tokio::test]
    async fn every_instance_gets_as_many_shards_also_of_few_images() {
        for (readers, count) in [(1, 1), (2, 2), (3, 3), (7, 7)] {
            let sizes = [vec![1_000_000; 42]];
            let (store, shards) = divided(&sizes, (256, readers), "").await;
            let bytes = bytes_of_shards(&store, &shards.unwrap(), &sizes).await;
            assert_eq!(bytes.len(), count);
            assert!(
                bytes
                    .iter()
                    .all(|one| *one == 42_000_000 / bytes.len() as u64)
            );
        }
        let (_, shards) = divided(&[vec![1_000_000; 3]], (256, 4), "").await;
        let error = shards.unwrap_err();
        assert_eq!(error.name(), ErrorName::InvalidDefinition);
        let says = "3 files at most for 4 instances";
        assert!(error.to_string().contains(says), "{error}");
    }

    #[tokio::test]
    async fn duplicates_are_in_one_shard_or_refused() {
        let rule = ", \"deduplicate\": {\"by\": [\"digest\"]}";
        let fits = [vec![200_000_000; 40], vec![200_000_000; 40]];
        let (_, shards) = divided(&fits, (256, 1), rule).await;
        let shards = shards.unwrap();
        assert_eq!((shards.parts.len(), shards.parts[0].len()), (1, 2));
        assert_eq!(shards.lines, []);
        let (_, shards) = divided(&[vec![200_000_000; 90]], (256, 1), rule).await;
        let error = shards.unwrap_err();
        assert!(error.to_string().contains("18000 MB"), "{error}");
    }

    #[tokio::test]
    async fn images_that_are_not_packed_are_in_a_shard_all_the_same() {
        let sizes = [vec![0; 5], vec![9; 5], vec![0; 5]];
        let (store, shards) = divided(&sizes, (1, 2), "").await;
        assert_eq!(
            bytes_of_shards(&store, &shards.unwrap(), &sizes).await,
            [27, 18]
        );
        let (store, shards) = divided(&[vec![0; 5]], (1, 1), "").await;
        let bytes = bytes_of_shards(&store, &shards.unwrap(), &[vec![0; 5]]).await;
        assert_eq!(bytes, [0]);
        let (_, shards) = divided(&[], (1, 1), "").await;
        assert_eq!(shards.unwrap(), ImageShards::default());
    }

    #[tokio::test]
    async fn sizes_that_cannot_be_read_in_time_are_an_error_with_counts() {
        let store = MemoryStore::new();
        let parts = index(&store, &[vec![9; 5]]).await;
        let (dataset, files) = (dataset(""), ImageFiles::default());
        let division = Division {
            dataset: &dataset,
            files: &files,
            listed: 45,
            share: 1.0,
            readers: 1,
        };
        let over = division.of(&store, parts, SystemTime::now()).await;
        let error = over.unwrap_err();
        assert!(error.to_string().contains("after 0 of "), "{error}");
    }
}
