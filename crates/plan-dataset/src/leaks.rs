//! Finds images that look like an image of an earlier side of the split: what a model was trained on
//! must not judge it.

use crate::PlanDatasetError;
use crate::items::each_item;
use contract::short_name;
use dataset::{DenseRow, Encoder, GateVerdict, RowOutcome, Side};
use dynamodb_json::{Map, Value};
use lake::ObjectStore;
use lake::records::Part;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// Two images look alike if so many bits of their difference hashes differ, or fewer.
const NEAR: u32 = 3;
/// Images that one function compares: each takes 16 bytes of memory, and some more while it is
/// compared.
const MOST: usize = 10_000_000;
/// Time that is left for the rest of the function.
const RESERVE: Duration = Duration::from_mins(2);
/// Pairs that the verdict names.
const NAMED: usize = 3;
/// Comparisons after which the clock is read.
const COMPARED: usize = 1 << 22;
/// Why there is no share.
const TIME_IS_OVER: &str = "not compared: the function's time is over";

/// An image: its difference hash, and the number of its line.
type Hash = (u64, u32);

/// The images of each side, training first.
#[derive(Debug, Default)]
struct Hashes {
    sides: [Vec<Hash>; 3],
    /// Why not all were read.
    unread: Option<&'static str>,
}

/// Judges how many validation and test images look like an image of an earlier side. The encoder
/// says which images are rows, and on which side.
pub async fn judge(
    store: &impl ObjectStore,
    parts: &[Part],
    encoder: &mut Encoder,
    most: f64,
    deadline: SystemTime,
) -> Result<GateVerdict, PlanDatasetError> {
    let until = deadline.checked_sub(RESERVE).unwrap_or(deadline);
    let verdict = |measure: String, value: Option<f64>| GateVerdict {
        bound: "maximumLeak".to_owned(),
        column: None,
        measure,
        limit: most,
        value,
        passed: value.is_some_and(|value| value <= most),
    };
    let what = "the share of validation and test images that look like one of an earlier side";
    let hashes = read_hashes(store, parts, encoder, until).await?;
    if let Some(why) = hashes.unread {
        return Ok(verdict(format!("{what} ({why})"), None));
    }
    let total = hashes.sides[1].len() + hashes.sides[2].len();
    let Some(mut pairs) = pairs(hashes.sides, until) else {
        return Ok(verdict(format!("{what} ({TIME_IS_OVER})"), None));
    };
    let share = pairs.len() as f64 / total.max(1) as f64;
    if pairs.is_empty() {
        return Ok(verdict(what.to_owned(), Some(share)));
    }
    pairs.sort_unstable();
    pairs.truncate(NAMED);
    let keys = keys_of_lines(store, parts, &pairs).await?;
    let name = |line: &u32| {
        let key = keys.get(line).filter(|key| !key.is_empty());
        key.map_or_else(|| format!("line {line}"), |key| short_name(key).clone())
    };
    let named = pairs.iter();
    let named = named.map(|(one, other)| format!("{} like {}", name(one), name(other)));
    let named: Vec<_> = named.collect();
    Ok(verdict(
        format!("{what} ({})", named.join(", ")),
        Some(share),
    ))
}

/// The images that look like one of an earlier side, each with that one. `None` if the time is over.
fn pairs(sides: [Vec<Hash>; 3], until: SystemTime) -> Option<Vec<(u32, u32)>> {
    let [mut earlier, validation, test] = sides;
    let mut pairs = near(&mut earlier, &validation, until)?;
    earlier.extend_from_slice(&validation);
    pairs.extend(near(&mut earlier, &test, until)?);
    let images = earlier.len() + test.len();
    tracing::info!(images, leaks = pairs.len(), "compared");
    Some(pairs)
}

/// Reads the hashes of all rows.
async fn read_hashes(
    store: &impl ObjectStore,
    parts: &[Part],
    encoder: &mut Encoder,
    until: SystemTime,
) -> Result<Hashes, PlanDatasetError> {
    if encoder.needs_first_pass() {
        let seen = each_item(store, parts, until, |_, item| {
            // As when they are packed: an image that cannot be used must not win over one that can.
            if !is_quarantined(item) {
                let values = encoder.values(item);
                encoder.see(&values);
            }
            true
        });
        if !seen.await? {
            return Ok(Hashes::unread(TIME_IS_OVER));
        }
    }
    let mut hashes = Hashes::default();
    // Of a row only the side is asked.
    let mut row = DenseRow::default();
    let mut read = 0;
    let all = each_item(store, parts, until, |line, item| {
        if !is_quarantined(item)
            && let Some(hash) = hash_of(item)
        {
            let values = encoder.values(item);
            if let RowOutcome::Row(side) = encoder.encode(&values, &mut row) {
                hashes.sides[place(side)].push((hash, line));
                read += 1;
            }
        }
        read <= MOST
    });
    if all.await? {
        return Ok(hashes);
    }
    Ok(Hashes::unread(if read > MOST {
        "not compared: there are more than 10,000,000 images"
    } else {
        TIME_IS_OVER
    }))
}

impl Hashes {
    fn unread(why: &'static str) -> Self {
        Self {
            unread: Some(why),
            ..Self::default()
        }
    }
}

const fn place(side: Side) -> usize {
    match side {
        Side::Train => 0,
        Side::Validation => 1,
        Side::Test => 2,
    }
}

fn is_quarantined(item: &Map<'_>) -> bool {
    item.get("quarantined").is_some()
}

fn hash_of(item: &Map<'_>) -> Option<u64> {
    match item.get("differenceHash")? {
        Value::S(text) => u64::from_str_radix(&text.decode(), 16).ok(),
        _ => None,
    }
}

/// The keys of the images of these pairs, by the numbers of their lines.
async fn keys_of_lines(
    store: &impl ObjectStore,
    parts: &[Part],
    pairs: &[(u32, u32)],
) -> Result<BTreeMap<u32, String>, PlanDatasetError> {
    let lines = pairs.iter().flat_map(|(one, other)| [*one, *other]);
    let mut keys: BTreeMap<u32, String> = lines.map(|line| (line, String::new())).collect();
    let last = keys.keys().next_back().copied().unwrap_or_default();
    // A few lines near the beginning: no time is too short for them.
    let until = SystemTime::now() + RESERVE / 2;
    each_item(store, parts, until, |line, item| {
        if let Some(key) = keys.get_mut(&line)
            && let Some(Value::S(text)) = item.get("key")
        {
            *key = text.decode().into_owned();
        }
        line < last
    })
    .await?;
    Ok(keys)
}

/// Each of `asked` that looks like one of `known`, with the first found: the numbers of their lines.
/// Sorts `known`. `None` if the time is over: images that are all a little alike, such as those of a
/// camera at night, share their bands, and each is compared with very many.
///
/// Hashes that differ in at most three bits are equal in one of four bands of 16 bits.
fn near(known: &mut [Hash], asked: &[Hash], until: SystemTime) -> Option<Vec<(u32, u32)>> {
    // Of equal hashes one is enough: a thousand black images are one place to search.
    known.sort_unstable();
    let mut unique = known.to_vec();
    unique.dedup_by_key(|(hash, _)| *hash);
    let mut found: Vec<Option<u32>> = vec![None; asked.len()];
    let mut compared = COMPARED;
    for band in 0..4 {
        let bucket = |hash: u64| {
            let bytes = hash.to_le_bytes();
            usize::from(u16::from_le_bytes([bytes[2 * band], bytes[2 * band + 1]]))
        };
        let (starts, order) = buckets(&unique, bucket);
        for ((hash, _), found) in asked.iter().zip(&mut found) {
            if found.is_some() {
                continue;
            }
            if compared >= COMPARED {
                compared = 0;
                if SystemTime::now() >= until {
                    return None;
                }
            }
            let at = bucket(*hash);
            compared += 1 + starts[at + 1] - starts[at];
            let mut alike = order[starts[at]..starts[at + 1]].iter();
            let alike = alike.find(|place| {
                let (other, _) = unique[**place as usize];
                (hash ^ other).count_ones() <= NEAR
            });
            *found = alike.map(|place| unique[*place as usize].1);
        }
    }
    let pairs = asked.iter().zip(found);
    let pairs = pairs.filter_map(|((_, line), other)| other.map(|other| (*line, other)));
    Some(pairs.collect())
}

/// The places of all hashes, sorted by their bucket, and where each bucket starts.
fn buckets(hashes: &[Hash], bucket: impl Fn(u64) -> usize) -> (Vec<usize>, Vec<u32>) {
    let mut starts = vec![0; (1 << 16) + 1];
    for (hash, _) in hashes {
        starts[bucket(*hash) + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut next = starts.clone();
    let mut order = vec![0; hashes.len()];
    for (place, (hash, _)) in (0..).zip(hashes) {
        let at = &mut next[bucket(*hash)];
        order[*at] = place;
        *at += 1;
    }
    (starts, order)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sequence of numbers without a pattern.
    fn numbers() -> impl Iterator<Item = u64> {
        (1_u64..).map(|n| {
            let n = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (n ^ (n >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
        })
    }

    #[test]
    fn every_pair_within_three_bits_is_found_and_no_other() {
        let mut known: Vec<Hash> = (0..2000)
            .zip(numbers())
            .map(|(n, hash)| (hash, n))
            .collect();
        // Of each, the same with 0 to 5 bits flipped anywhere.
        let flips: Vec<u64> = numbers().skip(5000).take(12_000).collect();
        let asked: Vec<Hash> = known
            .iter()
            .zip(flips.chunks(6))
            .enumerate()
            .map(|(at, ((hash, _), flips))| {
                let bits = flips.iter().take(at % 6).map(|flip| 1_u64 << (flip % 64));
                let line = u32::try_from(10_000 + at).unwrap();
                (bits.fold(*hash, |hash, bit| hash ^ bit), line)
            })
            .collect();
        let slow: Vec<u32> = asked
            .iter()
            .filter(|(hash, _)| {
                known
                    .iter()
                    .any(|(other, _)| (hash ^ other).count_ones() <= 3)
            })
            .map(|(_, line)| *line)
            .collect();
        let found = near(&mut known, &asked, in_an_hour()).unwrap();
        let mut found: Vec<u32> = found.iter().map(|pair| pair.0).collect();
        found.sort_unstable();
        assert_eq!(found, slow);
        assert!((1300..1500).contains(&found.len()), "{}", found.len());
    }

    #[test]
    fn equal_hashes_are_searched_once() {
        let mut known: Vec<Hash> = (0..200_000).map(|line| (0, line)).collect();
        let asked: Vec<Hash> = (0..200_000).map(|line| (0x1f, line + 200_000)).collect();
        // Five bits apart: none, and not after 40,000,000,000 comparisons.
        let until = in_an_hour();
        assert!(near(&mut known, &asked, until).unwrap().is_empty());
        assert_eq!(near(&mut known, &[(7, 9)], until).unwrap(), [(9, 0)]);
    }

    #[test]
    fn a_search_ends_with_its_time_also_among_images_that_are_all_a_little_alike() {
        // One band is the same in all, and no two are near: all pairs would be compared, which takes
        // minutes.
        let spread = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) << 16 | 0x00ff;
        let hashes = |from: u32| -> Vec<Hash> {
            let numbers = from..from + 400_000;
            numbers.map(|line| (spread(line.into()), line)).collect()
        };
        let (mut known, asked) = (hashes(0), hashes(400_000));
        let begun = SystemTime::now();
        let until = begun + Duration::from_secs(1);
        assert_eq!(near(&mut known, &asked, until), None);
        let taken = begun.elapsed().unwrap();
        assert!(taken < Duration::from_secs(20), "{taken:?}");
    }

    fn in_an_hour() -> SystemTime {
        SystemTime::now() + Duration::from_hours(1)
    }
}
