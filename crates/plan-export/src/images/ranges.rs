//! Cuts the keys of a bucket into ranges, where they cannot all be listed: by asking for the first
//! key behind a text in the middle.

use super::midpoint::between;
use lake::records::KeyRange;
use lake::{PagedStore, StoreError};
use std::collections::VecDeque;

/// Questions to the bucket at most. Each is a request of some 20 milliseconds.
const MOST_PROBES: u32 = 600;

/// A range and the first key in it.
struct Found {
    range: KeyRange,
    first: String,
    /// No key is greater, as far as was asked.
    end: Option<String>,
}

/// Cuts a range into at most `most`, none of which was empty when it was asked. They are in order,
/// without gaps, and together the whole range.
pub async fn cut(
    bucket: &impl PagedStore,
    prefix: &str,
    range: &KeyRange,
    most: usize,
) -> Result<Vec<KeyRange>, StoreError> {
    let Some(first) = first_key(bucket, prefix, range.after.as_deref()).await? else {
        return Ok(vec![range.clone()]);
    };
    let mut waiting = VecDeque::from([Found {
        range: range.clone(),
        first,
        end: range.up_to.clone().or_else(|| end_of(prefix)),
    }]);
    let mut done = Vec::new();
    let mut probes = 0;
    // The oldest is the largest, as far as anybody knows.
    while let Some(mut found) = waiting.pop_front() {
        if waiting.len() + done.len() + 1 >= most || probes >= MOST_PROBES {
            done.push(found.range);
            continue;
        }
        probes += 1;
        let middle = between(&found.first, found.end.as_deref());
        let Some(middle) = middle else {
            done.push(found.range);
            continue;
        };
        let behind = first_key(bucket, prefix, Some(&middle)).await?;
        if let Some(key) = behind.filter(|key| found.range.holds(key)) {
            let upper = Found {
                range: KeyRange {
                    after: Some(middle.clone()),
                    up_to: found.range.up_to.take(),
                },
                first: key,
                end: found.end.take(),
            };
            found.range.up_to = Some(middle.clone());
            found.end = Some(middle);
            waiting.push_back(found);
            waiting.push_back(upper);
        } else {
            // Nothing is behind the middle: it is a better end, and still first in the row.
            found.end = Some(middle);
            waiting.push_front(found);
        }
    }
    done.sort_unstable_by(|one, two| one.after.cmp(&two.after));
    Ok(done)
}

/// A text that is greater than every text with this prefix.
fn end_of(prefix: &str) -> Option<String> {
    let mut characters = prefix.chars();
    let next = characters
        .next_back()
        .and_then(|last| char::from_u32(u32::from(last) + 1))?;
    Some(format!("{}{next}", characters.as_str()))
}

/// The first key behind a text.
async fn first_key(
    bucket: &impl PagedStore,
    prefix: &str,
    after: Option<&str>,
) -> Result<Option<String>, StoreError> {
    let page = bucket.list_page(prefix, after, 1).await?;
    Ok(page.objects.into_iter().next().map(|object| object.key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use lake::{MemoryStore, ObjectStore};

    /// Every key is in exactly one range, and no range is much larger than the others.
    async fn check(keys: Vec<String>, most: usize, largest: usize) {
        let store = MemoryStore::new();
        for key in &keys {
            store.put(key, Bytes::from_static(b"x")).await.unwrap();
        }
        let ranges = cut(&store, "images/", &KeyRange::default(), most)
            .await
            .unwrap();
        assert!(ranges.len() <= most, "{}", ranges.len());
        assert_eq!(ranges[0].after, None);
        assert_eq!(ranges[ranges.len() - 1].up_to, None);
        for pair in ranges.windows(2) {
            assert_eq!(pair[0].up_to, pair[1].after, "no gap");
        }
        let held = |range: &KeyRange| keys.iter().filter(|key| range.holds(key)).count();
        let counts: Vec<_> = ranges.iter().map(held).collect();
        assert_eq!(counts.iter().sum::<usize>(), keys.len());
        assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
        assert!(counts.iter().all(|count| *count <= largest), "{counts:?}");
    }

    #[tokio::test]
    async fn every_key_is_in_one_range() {
        let dates = (0..3000).map(|n| {
            let (day, vehicle) = (n / 100, n % 10);
            format!(
                "images/date=2026-11-{:02}/vehicle=v-{vehicle}/{n:05}.jpg",
                day + 1
            )
        });
        check(dates.collect(), 32, 300).await;
        let flat =
            (0..3000_u32).map(|n| format!("images/{:08x}.jpg", n.wrapping_mul(2_654_435_761)));
        check(flat.collect(), 32, 400).await;
        let other = (0..300).map(|n| format!("images/é{n}/😀.jpg"));
        check(other.collect(), 8, 300).await;
        check(vec!["images/a.jpg".to_owned()], 8, 1).await;
    }
}
