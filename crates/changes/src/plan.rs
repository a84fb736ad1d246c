//! Which windows the changes since a base are exported in, and which of the base's parts become a
//! segment.

use crate::ChangesError;
use lake::records::{ChangesRecord, Part, SnapshotKind, SnapshotRecord, Window};

/// The shortest window of an incremental export, in seconds. Source: Amazon DynamoDB Developer Guide,
/// "DynamoDB data export to Amazon S3".
pub const SHORTEST_WINDOW: i64 = 15 * 60;
/// The longest one.
pub const LONGEST_WINDOW: i64 = 24 * 60 * 60;

/// Seconds before its base's listing from which on a run takes captured objects again: the function
/// that captures may name an object by an hour and put it minutes later.
pub const OVERLAP: i64 = 60 * 60;
/// Seconds beyond the capture's own lag after which every change is expected to be listed: the window
/// in which Lambda gathers a batch, and the call.
pub const LAG_MARGIN: i64 = 5 * 60;
/// Bytes of raw lines from which on parts of the base are no longer put together into a segment.
pub const SEGMENT_BYTES: u64 = 256 * 1024 * 1024;

/// From when on a run takes the objects that were captured, in seconds since 1970. What was read at
/// many moments needs all changes since the first of them, until it has become exact.
pub fn captured_since(base: &SnapshotRecord) -> i64 {
    let first = match base.kind {
        SnapshotKind::Exact => base.as_of,
        SnapshotKind::Fuzzy(read) => read.from,
    };
    first - OVERLAP
}

/// Whether a listing has all changes that were made until the base had been read, where no change came
/// later than `lag` seconds.
pub fn settles(base: &SnapshotRecord, listed_at: i64, lag: i64) -> bool {
    match base.kind {
        SnapshotKind::Exact => true,
        SnapshotKind::Fuzzy(read) => listed_at >= read.to + lag + LAG_MARGIN,
    }
}

/// The windows between two moments, in seconds since 1970: as few as possible, of nearly equal
/// length, each beginning where the one before ends. None if the time between is shorter than a
/// window may be.
pub fn windows(from: i64, to: i64) -> Vec<Window> {
    let length = to.saturating_sub(from);
    if length < SHORTEST_WINDOW {
        return Vec::new();
    }
    let count = (length + LONGEST_WINDOW - 1) / LONGEST_WINDOW;
    let end = |number: i64| from + length * number / count;
    let each = (0..count).map(|number| Window {
        from: end(number),
        to: end(number + 1),
    });
    each.collect()
}

/// Puts parts together, in their order, so that each segment but the last has at least so many bytes
/// of lines: changed items make small parts, which would become ever more.
pub fn bins(parts: &[Part], bytes: u64) -> Vec<Vec<Part>> {
    let mut bins: Vec<Vec<Part>> = Vec::new();
    let mut room = 0_u64;
    for part in parts {
        if room == 0 {
            bins.push(Vec::new());
            room = bytes.max(1);
        }
        room = room.saturating_sub(part.raw_bytes);
        if let Some(bin) = bins.last_mut() {
            bin.push(part.clone());
        }
    }
    bins
}

/// Checks that the windows cover the time since the base without a gap.
///
/// # Errors
/// If they do not.
pub fn check(changes: &ChangesRecord) -> Result<(), ChangesError> {
    let mut expected = changes.base.as_of;
    for each in &changes.windows {
        let Window { from, to } = each.window;
        if from != expected || to <= from {
            return Err(ChangesError::Windows { expected, from, to });
        }
        expected = to;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_join_and_have_a_length_that_an_export_may_have() {
        let mut random = fastrand::Rng::with_seed(1);
        assert_eq!(windows(1_000, 1_000 + SHORTEST_WINDOW - 1), []);
        assert_eq!(windows(1_000, 0), []);
        let edges = [0, 1, LONGEST_WINDOW - SHORTEST_WINDOW].map(|more| SHORTEST_WINDOW + more);
        let beyond = [1, 2, SHORTEST_WINDOW].map(|more| LONGEST_WINDOW + more);
        let random = (0..5_000).map(|_| random.i64(SHORTEST_WINDOW..40 * LONGEST_WINDOW));
        for length in edges.into_iter().chain(beyond).chain(random) {
            let all = windows(77, 77 + length);
            assert_eq!(all.first().map(|window| window.from), Some(77));
            assert_eq!(all.last().map(|window| window.to), Some(77 + length));
            assert!(all.windows(2).all(|two| two[0].to == two[1].from));
            for Window { from, to } in &all {
                assert!((SHORTEST_WINDOW..=LONGEST_WINDOW).contains(&(to - from)));
            }
            assert_eq!(
                i64::try_from(all.len()).unwrap(),
                (length + LONGEST_WINDOW - 1) / LONGEST_WINDOW
            );
        }
    }

    #[test]
    fn small_parts_are_put_together_in_their_order() {
        let part = |raw_bytes: u64| Part {
            key: raw_bytes.to_string(),
            items: 1,
            raw_bytes,
            bytes: 1,
            checksum: lake::records::Checksum(0),
            encoding: lake::records::Encoding::Zstd,
        };
        let parts: Vec<_> = [5, 100, 3, 3, 3, 3, 90].map(part).to_vec();
        let sizes = |bins: Vec<Vec<Part>>| -> Vec<Vec<u64>> {
            let sizes = |bin: Vec<Part>| bin.iter().map(|part| part.raw_bytes).collect();
            bins.into_iter().map(sizes).collect()
        };
        assert_eq!(
            sizes(bins(&parts, 10)),
            [vec![5, 100], vec![3, 3, 3, 3], vec![90]]
        );
        assert_eq!(bins(&parts, 0).len(), 7);
        assert!(bins(&[], 10).is_empty());
    }
}
