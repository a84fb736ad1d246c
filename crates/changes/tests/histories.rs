//! Random histories of a table: what the runs say is its state, is its state.
//!
//! `MILLRACE_HISTORIES` sets how many; failures name their seed, which `MILLRACE_HISTORY` runs alone,
//! or, with both, as the first one.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]
#![allow(clippy::print_stdout, reason = "the figures of the README")]

mod support;

use changes::{Sealed, seal_full};
use lake::RunKeys;
use lake::records::{ChangeView, ChangeWindow, Merged, SnapshotRecord, Window};
use std::sync::atomic::{AtomicU64, Ordering};
use support::{Faults, History, World, all_seeds, canonical_table, change, now, setting};

/// Histories in CI.
const HISTORIES: u64 = 10_000;

/// The windows from one moment to another, cut anywhere.
fn cut(random: &mut fastrand::Rng, from: i64, to: i64, most: usize) -> Vec<Window> {
    let mut ends: Vec<_> = (0..random.usize(..most))
        .map(|_| random.i64(from..to))
        .collect();
    ends.extend([from, to]);
    ends.sort_unstable();
    ends.dedup();
    let pairs = ends.windows(2);
    pairs
        .map(|two| Window {
            from: two[0],
            to: two[1],
        })
        .collect()
}

/// The incremental exports of these windows. Of what is not documented, both are tried: whether a key
/// that ends as it began has a line.
fn export(
    world: &mut World,
    random: &mut fastrand::Rng,
    view: ChangeView,
    history: &History,
    windows: &[Window],
) -> Vec<ChangeWindow> {
    let lists_unchanged = random.bool();
    let each = windows.iter().map(|window| {
        let mut lines = Vec::new();
        for (key, before, after) in history.changes(*window) {
            if before != after || lists_unchanged {
                lines.push(change(random, view, key, before, after));
            }
        }
        ChangeWindow {
            window: *window,
            export: "incremental".to_owned(),
            files: world.shard(random, lines, 3),
        }
    });
    each.collect()
}

/// A history of an exact base and some generations of changes, each by faulty calls.
fn history(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let random = &mut random;
    let view = if random.u32(..4) == 0 {
        ChangeView::NewImage
    } else {
        ChangeView::NewAndOldImages
    };
    let keys = random.u32(1..8);
    let (mut world, mut history) = (World::default(), History::default());
    let ops = random.u32(..12);
    history.write(random, ops, keys);
    let table = history.table(history.now);
    let (full, native) = world.adopt(random, &table);
    let mut base = now(seal_full(&world.lake, &full, &native, history.now, None)).unwrap();
    assert_eq!(world.items(&base), canonical_table(&table), "seed {seed}");
    for _ in 1..=random.u32(1..4) {
        let ops = random.u32(1..16);
        history.write(random, ops, keys);
        let windows = cut(random, base.as_of, history.now, 4);
        let windows = export(&mut world, random, view, &history, &windows);
        let mut changes = world.changes(random, view, &base, windows);
        changes.audit = random.u32(..4) == 0;
        let mut faults = Faults::random(random.fork());
        let (_, sealed) = world.merge_with(&changes, &mut faults).unwrap();
        if let Sealed::Compare(merged) = sealed {
            assert!(changes.audit, "seed {seed}");
            base = compared(&mut world, random, &history, merged);
            assert!(base.audit.unwrap().is_equal(), "seed {seed}: {base:?}");
            continue;
        }
        let Sealed::Whole(snapshot) = sealed else {
            panic!("seed {seed}: {sealed:?}");
        };
        let table = history.table(history.now);
        assert_eq!(
            world.items(&snapshot),
            canonical_table(&table),
            "seed {seed}"
        );
        assert_eq!(snapshot.items, table.len() as u64, "seed {seed}");
        assert_eq!(
            (snapshot.as_of, snapshot.generation),
            (history.now, base.generation + 1)
        );
        assert_eq!(snapshot.full_as_of, base.full_as_of);
        assert!(!changes.audit && snapshot.audit.is_none(), "seed {seed}");
        base = snapshot;
    }
}

/// The whole table as it is now, compared with what changes came to.
fn compared(
    world: &mut World,
    random: &mut fastrand::Rng,
    history: &History,
    merged: Merged,
) -> SnapshotRecord {
    assert_eq!(merged.as_of, history.now);
    let (full, native) = world.adopt(random, &history.table(history.now));
    let contents = Some(merged.contents);
    let sealed = seal_full(&world.lake, &full, &native, merged.as_of, contents);
    now(sealed).unwrap()
}

#[test]
fn a_snapshot_is_the_table_item_for_item() {
    let histories = setting("MILLRACE_HISTORIES");
    match setting("MILLRACE_HISTORY") {
        None => all_seeds(histories.unwrap_or(HISTORIES), history),
        Some(first) => all_seeds(histories.unwrap_or(1), |seed| history(first + seed)),
    }
}

/// What a base that a scan read comes to.
#[derive(Debug, Default)]
struct Scanned {
    /// The snapshot is not the table, and nothing says so.
    wrong: AtomicU64,
    /// The changes disagree with the base.
    noticed: AtomicU64,
}

/// A base whose items were read one after the other while the table changed, and the exports since the
/// scan began. A record that calls such a base exact is forged here; no function writes one.
fn scanned(seed: u64, view: ChangeView, windows: usize, all: &Scanned) {
    let mut random = fastrand::Rng::with_seed(seed);
    let random = &mut random;
    let (mut world, mut history) = (World::default(), History::default());
    history.write(random, 12, 6);
    let begun = history.now;
    history.write(random, 8, 6);
    let ended = history.now;
    let mut read = support::Table::new();
    for key in 0..6 {
        let moment = random.i64(begun..=ended);
        if let Some(content) = history.table(moment).get(&key) {
            read.insert(key, *content);
        }
    }
    let (scan, native) = world.adopt(random, &read);
    let base = now(seal_full(&world.lake, &scan, &native, begun, None)).unwrap();
    history.write(random, 6, 6);
    let cuts = if windows == 1 {
        vec![Window {
            from: begun,
            to: history.now,
        }]
    } else {
        vec![
            Window {
                from: begun,
                to: ended,
            },
            Window {
                from: ended,
                to: history.now,
            },
        ]
    };
    let exported = export(&mut world, random, view, &history, &cuts);
    let changes = world.changes(random, view, &base, exported);
    match world.merge(&changes).unwrap().1 {
        Sealed::Compare(_) => unreachable!("no comparison is asked for"),
        Sealed::Disagree(_) => {
            all.noticed.fetch_add(1, Ordering::Relaxed);
        }
        Sealed::Whole(snapshot) => {
            let table = history.table(history.now);
            if world.items(&snapshot) != canonical_table(&table) {
                all.wrong.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[test]
fn a_scan_is_never_the_base_of_incremental_exports() {
    for (view, windows) in [
        (ChangeView::NewImage, 1),
        (ChangeView::NewImage, 2),
        (ChangeView::NewAndOldImages, 1),
        (ChangeView::NewAndOldImages, 2),
    ] {
        let all = Scanned::default();
        all_seeds(1_000, |seed| scanned(seed, view, windows, &all));
        let Scanned { wrong, noticed } = all;
        let (wrong, noticed) = (wrong.into_inner(), noticed.into_inner());
        println!(
            "{view:?}, {windows} windows: of 1,000 histories {wrong} are wrong and {noticed} are noticed"
        );
        // What was inserted and removed within a window has no line: if the scan saw it in between,
        // it stays for ever, and no image contradicts it.
        assert!(wrong > 0, "{view:?}, {windows} windows");
    }
}

/// A base of so many keys, and two windows after it, the second of which begins at `middle`.
fn two_windows(
    seed: u64,
    keys: u32,
    ops: u32,
) -> (World, fastrand::Rng, History, SnapshotRecord, i64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut world, mut history) = (World::default(), History::default());
    history.write(&mut random, ops, keys);
    let table = history.table(history.now);
    let (full, native) = world.adopt(&mut random, &table);
    let base = now(seal_full(&world.lake, &full, &native, history.now, None)).unwrap();
    history.write(&mut random, ops, keys);
    let middle = history.now;
    history.write(&mut random, ops, keys);
    (world, random, history, base, middle)
}

/// The exports of two windows, of which the first has lost the lines of some keys.
fn with_losses(
    world: &mut World,
    random: &mut fastrand::Rng,
    history: &History,
    windows: [Window; 2],
    lost: impl Fn(u32) -> bool,
) -> Vec<ChangeWindow> {
    let view = ChangeView::NewAndOldImages;
    let mut exported = Vec::new();
    for (number, window) in windows.into_iter().enumerate() {
        let mut lines = Vec::new();
        for (key, before, after) in history.changes(window) {
            if before != after && !(number == 0 && lost(key)) {
                lines.push(change(random, view, key, before, after));
            }
        }
        exported.push(ChangeWindow {
            window,
            export: "incremental".to_owned(),
            files: world.shard(random, lines, 2),
        });
    }
    exported
}

#[test]
fn a_missing_change_is_noticed_at_the_latest_when_its_key_changes_again() {
    let (mut at_once, mut later) = (0, 0);
    for seed in 0..2_000 {
        let (mut world, mut random, mut history, base, middle) = two_windows(seed, 5, 8);
        let first = Window {
            from: base.as_of,
            to: middle,
        };
        let second = Window {
            from: middle,
            to: history.now,
        };
        let keys_of = |history: &History, window| -> Vec<u32> {
            let changes = history.changes(window).into_iter();
            let changes = changes.filter(|(_, before, after)| before != after);
            changes.map(|(key, ..)| key).collect()
        };
        let candidates = keys_of(&history, first);
        let Some(lost) = random.choice(&candidates).copied() else {
            continue;
        };
        let random = &mut random;
        let windows = [first, second];
        let exported = with_losses(&mut world, random, &history, windows, |key| key == lost);
        let changes = world.changes(random, ChangeView::NewAndOldImages, &base, exported);
        let (_, sealed) = world.merge(&changes).unwrap();
        if keys_of(&history, second).contains(&lost) {
            at_once += 1;
            assert!(
                matches!(sealed, Sealed::Disagree(_)),
                "seed {seed}: {sealed:?}"
            );
            continue;
        }
        // It was the key's last change: nothing contradicts its absence, and the snapshot is wrong.
        let Sealed::Whole(snapshot) = sealed else {
            panic!("seed {seed}: {sealed:?}");
        };
        let table = history.table(history.now);
        assert_ne!(
            world.items(&snapshot),
            canonical_table(&table),
            "seed {seed}"
        );
        // A comparison with the whole table finds it.
        let mut audited = changes;
        audited.audit = true;
        let Sealed::Compare(merged) = world.merge(&audited).unwrap().1 else {
            panic!("seed {seed}");
        };
        let full = compared(&mut world, random, &history, merged);
        assert!(!full.audit.unwrap().is_equal(), "seed {seed}: {full:?}");
        let now = history.table(history.now).get(&lost).copied();
        let other = match now {
            Some(content) => (content + 1) % 4,
            None => 0,
        };
        history.ops.push(support::Op {
            at: history.now,
            key: lost,
            content: Some(other),
        });
        history.now += 1;
        let window = Window {
            from: snapshot.as_of,
            to: history.now,
        };
        let exported = export(
            &mut world,
            random,
            ChangeView::NewAndOldImages,
            &history,
            &[window],
        );
        let changes = world.changes(random, ChangeView::NewAndOldImages, &snapshot, exported);
        let (_, sealed) = world.merge(&changes).unwrap();
        later += 1;
        assert!(
            matches!(sealed, Sealed::Disagree(_)),
            "seed {seed}: {sealed:?}"
        );
    }
    assert!(
        at_once > 300 && later > 300,
        "{at_once} at once, {later} later"
    );
}

#[test]
fn a_lost_batch_is_noticed_at_once() {
    let noticed = AtomicU64::new(0);
    all_seeds(1_000, |seed| {
        let (mut world, mut random, history, base, middle) = two_windows(seed, 300, 400);
        let first = Window {
            from: base.as_of,
            to: middle,
        };
        let second = Window {
            from: middle,
            to: history.now,
        };
        let mut lost: Vec<_> = history
            .changes(first)
            .into_iter()
            .map(|(key, ..)| key)
            .collect();
        random.shuffle(&mut lost);
        lost.truncate(100);
        let is_lost = |key| lost.contains(&key);
        let random = &mut random;
        let exported = with_losses(&mut world, random, &history, [first, second], is_lost);
        let changes = world.changes(random, ChangeView::NewAndOldImages, &base, exported);
        let (_, sealed) = world.merge(&changes).unwrap();
        noticed.fetch_add(
            u64::from(matches!(sealed, Sealed::Disagree(_))),
            Ordering::Relaxed,
        );
    });
    let noticed = noticed.into_inner();
    assert!(noticed >= 990, "{noticed} of 1,000");
}

type Case = fn(&mut Vec<ChangeWindow>);

#[test]
fn windows_with_a_gap_or_an_overlap_are_refused() {
    let (mut world, mut random, history, base, middle) = two_windows(1, 5, 8);
    let random = &mut random;
    let whole = [
        Window {
            from: base.as_of,
            to: middle,
        },
        Window {
            from: middle,
            to: history.now,
        },
    ];
    let view = ChangeView::NewAndOldImages;
    let cases: [Case; 5] = [
        |windows| windows[0].window.from += 1,
        |windows| windows[0].window.from -= 1,
        |windows| windows[1].window.from -= 1,
        |windows| windows[1].window.from += 1,
        // The older window's images would win.
        |windows| windows.reverse(),
    ];
    for case in cases {
        let mut windows = export(&mut world, random, view, &history, &whole);
        case(&mut windows);
        let changes = world.changes(random, view, &base, windows);
        let error = world.merge(&changes).unwrap_err();
        assert!(error.to_string().contains("has to begin at"), "{error}");
    }
}

#[test]
fn a_run_without_a_change_is_its_base() {
    let (mut world, mut random, history, base, _) = two_windows(3, 5, 8);
    let window = ChangeWindow {
        window: Window {
            from: base.as_of,
            to: base.as_of + 1000,
        },
        export: "incremental".to_owned(),
        files: vec![world.file(&[])],
    };
    let view = ChangeView::NewAndOldImages;
    let changes = world.changes(&mut random, view, &base, vec![window]);
    let (keys, sealed) = world.merge(&changes).unwrap();
    let Sealed::Whole(snapshot) = sealed else {
        panic!("{sealed:?}");
    };
    assert_eq!(
        world.items(&snapshot),
        canonical_table(&history.table(base.as_of))
    );
    assert_eq!((snapshot.changed_keys, &snapshot.run), (0, keys.run()));
    assert_ne!(RunKeys::new("p", &base.run).snapshot(), keys.snapshot());
}
