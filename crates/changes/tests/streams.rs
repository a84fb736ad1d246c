//! Random histories of a table whose stream is captured: what the runs say is its state, is its state.
//!
//! `MILLRACE_HISTORIES` sets how many; failures name their seed, which `MILLRACE_HISTORY` runs alone,
//! or, with both, as the first one.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]
#![allow(clippy::print_stdout, reason = "the figures of the README")]

mod support;

use changes::{Sealed, seal_captured};
use lake::records::{SnapshotKind, SnapshotRecord};
use std::sync::atomic::{AtomicU64, Ordering};
use support::stream::{Record, Scanned, Stream, lose};
use support::{Faults, World, all_seeds, canonical_table, now, setting};

/// Histories in CI.
const HISTORIES: u64 = 10_000;

/// Records what a scan has read, some time after it ended.
fn seal(world: &World, stream: &Stream, scanned: &Scanned) -> SnapshotRecord {
    let Scanned {
        source,
        run,
        segments,
        ..
    } = scanned;
    now(seal_captured(
        &world.lake,
        run,
        source,
        0..*segments,
        stream.now,
    ))
    .unwrap()
}

/// What histories came to.
#[derive(Debug, Default)]
struct Counts {
    compared: AtomicU64,
    /// Generations whose base may have been read ahead of the captured changes.
    ahead: AtomicU64,
}

/// A scan while the table changes, and some generations of captured changes, each by faulty calls.
fn history(seed: u64, counts: &Counts) {
    let mut random = fastrand::Rng::with_seed(seed);
    let random = &mut random;
    let keep_expired = random.u32(..4) == 0;
    let keys = random.u32(1..8);
    let (mut world, mut stream) = (World::default(), Stream::new(random, keep_expired));
    let ops = random.u32(..12);
    stream.write(random, ops, keys);
    stream.capture(&mut world, random, false);
    let ops = random.u32(..10);
    let scanned = stream.scan(&mut world, random, ops, keys);
    stream.capture(&mut world, random, false);
    let mut base = seal(&world, &stream, &scanned);
    for generation in 1..=random.u32(1..5) {
        let ops = random.u32(..14);
        stream.write(random, ops, keys);
        let all = random.bool();
        stream.capture(&mut world, random, all);
        stream.now += random.i64(0..1200);
        let changes = stream.changes(&world, random, &base);
        let settles = changes.captured.as_ref().unwrap().settles;
        let mut faults = Faults::random(random.fork());
        let (_, sealed) = world.merge_with(&changes, &mut faults).unwrap();
        let Sealed::Whole(snapshot) = sealed else {
            panic!("seed {seed}, generation {generation}: {sealed:?}");
        };
        assert_eq!(snapshot.generation, generation, "seed {seed}");
        assert_eq!(snapshot.as_of, stream.now, "seed {seed}");
        if settles {
            let expected = stream.expected(&scanned);
            assert_eq!(
                world.items(&snapshot),
                canonical_table(&expected),
                "seed {seed}, generation {generation}"
            );
            assert_eq!(snapshot.items, expected.len() as u64, "seed {seed}");
            assert_eq!(snapshot.kind, SnapshotKind::Exact, "seed {seed}");
            counts.compared.fetch_add(1, Ordering::Relaxed);
        } else {
            assert_eq!(snapshot.kind, base.kind, "seed {seed}");
            counts.ahead.fetch_add(1, Ordering::Relaxed);
        }
        base = snapshot;
    }
}

#[test]
fn a_snapshot_is_the_table_item_for_item() {
    let histories = setting("MILLRACE_HISTORIES");
    let counts = Counts::default();
    let first = setting("MILLRACE_HISTORY");
    let many = histories.unwrap_or(if first.is_some() { 1 } else { HISTORIES });
    let run = |seed| history(first.unwrap_or(0) + seed, &counts);
    all_seeds(many, run);
    let (compared, ahead) = (counts.compared.into_inner(), counts.ahead.into_inner());
    println!("{compared} snapshots are the table; {ahead} were ahead of what was captured");
    assert!(first.is_some() || compared > many / 2 && ahead > many / 20);
}

/// A scan that began some changes before the capture did: of each key, those changes are lost.
fn late_capture(seed: u64, wrong: &AtomicU64, noticed: &AtomicU64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let random = &mut random;
    let (mut world, mut stream) = (World::default(), Stream::new(random, false));
    stream.write(random, 12, 6);
    let before = stream.records.len();
    let scanned = stream.scan(&mut world, random, 8, 6);
    // The first changes of the scan's time have no object.
    let lost = stream.records[before..].iter().take(3);
    let lost: Vec<_> = lost.map(|record| record.number).collect();
    lose(&mut stream, &lost, &mut world, random);
    let base = seal(&world, &stream, &scanned);
    stream.write(random, 6, 6);
    stream.capture(&mut world, random, true);
    stream.now += 3600;
    let changes = stream.changes(&world, random, &base);
    match world.merge(&changes).unwrap().1 {
        Sealed::Compare(_) => unreachable!("no comparison is asked for"),
        Sealed::Disagree(_) => noticed.fetch_add(1, Ordering::Relaxed),
        Sealed::Whole(snapshot) => {
            let is_wrong = world.items(&snapshot) != canonical_table(&stream.table);
            wrong.fetch_add(u64::from(is_wrong), Ordering::Relaxed)
        }
    };
}

#[test]
fn a_capture_that_began_after_the_scan_would_be_wrong() {
    let (wrong, noticed) = (AtomicU64::new(0), AtomicU64::new(0));
    all_seeds(1_000, |seed| late_capture(seed, &wrong, &noticed));
    let (wrong, noticed) = (wrong.into_inner(), noticed.into_inner());
    println!("capture after the scan: of 1,000 histories {wrong} are wrong, {noticed} are noticed");
    assert!(wrong > 0);
}

/// A base that is the table, and a stream of so many writes after it.
fn with_losses(
    seed: u64,
    keys: u32,
    ops: u32,
    lost: impl FnOnce(&Stream, &mut fastrand::Rng) -> Vec<u128>,
) -> Option<(World, Stream, Sealed)> {
    let mut random = fastrand::Rng::with_seed(seed);
    let random = &mut random;
    let (mut world, mut stream) = (World::default(), Stream::new(random, false));
    stream.write(random, ops, keys);
    stream.capture(&mut world, random, true);
    let scanned = stream.scan(&mut world, random, 0, keys);
    let scan = seal(&world, &stream, &scanned);
    stream.now += stream.lag + 3600;
    let changes = stream.changes(&world, random, &scan);
    let Sealed::Whole(base) = world.merge(&changes).unwrap().1 else {
        panic!("seed {seed}");
    };
    assert_eq!(base.kind, SnapshotKind::Exact);
    // What came before is not taken again.
    stream.now += 3 * 3600;
    let before = stream.records.len();
    stream.write(random, ops, keys);
    let mut of_window = stream.since(before);
    let lost = lost(&of_window, random);
    if lost.is_empty() {
        return None;
    }
    lose(&mut of_window, &lost, &mut world, random);
    let changes = of_window.changes(&world, random, &base);
    let (_, sealed) = world.merge(&changes).unwrap();
    Some((world, stream, sealed))
}

#[test]
fn a_missing_change_that_is_not_its_keys_last_is_always_noticed() {
    let mut tried = 0;
    for seed in 0..2_000 {
        let pick = |stream: &Stream, random: &mut fastrand::Rng| {
            let records = &stream.records;
            let is_no_last = |at: usize| {
                let rest = &records[at + 1..];
                let record = &records[at];
                rest.iter().any(|later| later.key == record.key) && record.before != record.after
            };
            let candidates: Vec<_> = (0..records.len()).filter(|at| is_no_last(*at)).collect();
            let lost = random.choice(&candidates).map(|at| records[*at].number);
            lost.into_iter().collect()
        };
        let Some((_, _, sealed)) = with_losses(seed, 5, 12, pick) else {
            continue;
        };
        tried += 1;
        assert!(
            matches!(sealed, Sealed::Disagree(_)),
            "seed {seed}: {sealed:?}"
        );
    }
    assert!(tried > 1000, "{tried}");
}

#[test]
fn a_missing_last_change_is_not_noticed_before_its_key_changes_again() {
    let mut tried = 0;
    for seed in 0..300 {
        let last = |stream: &Stream, _: &mut fastrand::Rng| {
            let last = stream.records.last();
            let last = last.filter(|record| record.before != record.after);
            last.map(|record| record.number).into_iter().collect()
        };
        let Some((world, stream, sealed)) = with_losses(seed, 5, 12, last) else {
            continue;
        };
        tried += 1;
        let Sealed::Whole(snapshot) = sealed else {
            panic!("seed {seed}: {sealed:?}");
        };
        assert_ne!(world.items(&snapshot), canonical_table(&stream.table));
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn an_item_that_the_scan_missed_is_noticed_when_it_changes() {
    let mut tried = 0;
    for seed in 0..1_500 {
        let mut random = fastrand::Rng::with_seed(seed);
        let random = &mut random;
        let (mut world, mut stream) = (World::default(), Stream::new(random, false));
        stream.write(random, 12, 5);
        stream.capture(&mut world, random, true);
        // What came before is not taken again.
        stream.now += 3 * 3600;
        let source = stream.source();
        let mut read = stream.table.clone();
        let Some((missed, _)) = read.pop_first() else {
            continue;
        };
        let (run, export) = world.adopt(random, &read);
        let scanned = Scanned {
            source,
            read,
            run,
            segments: export.segments().end,
        };
        let scan = seal(&world, &stream, &scanned);
        let before = stream.records.len();
        stream.write(random, 3, 5);
        let records = &stream.records[before..];
        // What was inserted or is removed may be missing because it was read before, or after, that.
        let all_stay = |record: &Record| record.before.is_some() && record.after.is_some();
        let is_one = |record: &Record| record.key == missed;
        if !records.iter().any(is_one) || !records.iter().all(all_stay) {
            continue;
        }
        tried += 1;
        stream.capture(&mut world, random, true);
        stream.now += stream.lag + 3600;
        let changes = stream.changes(&world, random, &scan);
        let (_, sealed) = world.merge(&changes).unwrap();
        assert!(
            matches!(sealed, Sealed::Disagree(_)),
            "seed {seed}: {sealed:?}"
        );
    }
    assert!(tried > 40, "{tried}");
}

#[test]
fn a_lost_batch_is_noticed_at_once() {
    let noticed = AtomicU64::new(0);
    all_seeds(1_000, |seed| {
        let pick = |stream: &Stream, random: &mut fastrand::Rng| {
            let mut numbers: Vec<_> = stream.records.iter().map(|one| one.number).collect();
            random.shuffle(&mut numbers);
            numbers.truncate(100);
            numbers
        };
        let (_, _, sealed) = with_losses(seed, 300, 500, pick).unwrap();
        let is_noticed = matches!(sealed, Sealed::Disagree(_));
        noticed.fetch_add(u64::from(is_noticed), Ordering::Relaxed);
    });
    let noticed = noticed.into_inner();
    assert!(noticed >= 990, "{noticed} of 1,000");
}
