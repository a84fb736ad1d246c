//! A table in memory whose whole history is known, its exports as DynamoDB writes them, and the runs
//! that merge them.

#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

pub mod stream;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use changes::{Apply, ChangedKeys, ChangesError, Compact, Compacted, Sealed, Values};
use contract::RunId;
use dynamodb_json::{Lines, Value, parse_line};
use flate2::Compression;
use flate2::write::GzEncoder;
use lake::memory::poll_at_most;
use lake::native::{ExportFile, NativeExport};
use lake::part::{LineCount, lines, read_lines};
use lake::records::{
    ChangeView, ChangeWindow, ChangesRecord, Encoding, Part, SegmentRecord, SnapshotRecord, Window,
};
use lake::{MemoryStore, ObjectStore, RunKeys, segment};
use md5::{Digest, Md5};
use profile::{Profile, Vocabularies, canonical};
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// A key's number and its item's content.
pub type Table = BTreeMap<u32, u32>;

/// A write to the table; without content a removal, by a request or by its time to live.
#[derive(Debug, Clone, Copy)]
pub struct Op {
    pub at: i64,
    pub key: u32,
    pub content: Option<u32>,
}

/// All writes to a table, in their order.
#[derive(Debug, Clone, Default)]
pub struct History {
    pub ops: Vec<Op>,
    pub now: i64,
}

impl History {
    /// Lets so many random writes happen; each takes a second, so that all moments differ.
    pub fn write(&mut self, random: &mut fastrand::Rng, ops: u32, keys: u32) {
        for _ in 0..ops {
            // Contents repeat, so that an item may become what it was.
            let content = (random.u32(..10) < 6).then(|| random.u32(..4));
            self.ops.push(Op {
                at: self.now,
                key: random.u32(..keys),
                content,
            });
            self.now += 1;
        }
    }

    /// The table before a moment.
    pub fn table(&self, before: i64) -> Table {
        let mut table = Table::new();
        for op in self.ops.iter().take_while(|op| op.at < before) {
            match op.content {
                Some(content) => table.insert(op.key, content),
                None => table.remove(&op.key),
            };
        }
        table
    }

    /// The keys that were written in a window, with what they held before and after.
    pub fn changes(&self, window: Window) -> Vec<(u32, Option<u32>, Option<u32>)> {
        let (before, after) = (self.table(window.from), self.table(window.to));
        let written = self.ops.iter();
        let written = written.filter(|op| (window.from..window.to).contains(&op.at));
        let mut keys: Vec<_> = written.map(|op| op.key).collect();
        keys.sort_unstable();
        keys.dedup();
        let each = keys.into_iter();
        each.map(|key| (key, before.get(&key).copied(), after.get(&key).copied()))
            .collect()
    }
}

/// Runs each seed, on all cores.
pub fn all_seeds(histories: u64, run: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= histories {
                        break;
                    }
                    run(seed);
                }
            });
        }
    });
}

pub fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().expect("a number"))
}

pub const KEY: [&str; 2] = ["pk", "sk"];

/// A key, its number written in one of several ways.
pub fn key(random: &mut fastrand::Rng, key: u32) -> [String; 2] {
    let number = key / 2;
    let number = match random.u32(..3) {
        0 => number.to_string(),
        1 => format!("{number}.0"),
        _ => format!("{number}0e-1"),
    };
    [
        format!("\"pk\":{{\"S\":\"k\\u00e9{}\"}}", key % 2),
        format!("\"sk\":{{\"N\":\"{number}\"}}"),
    ]
}

/// An item, its attributes and sets in any order.
pub fn item(random: &mut fastrand::Rng, of_key: u32, content: u32) -> String {
    let digits = "1234567890123456789012345678901234567";
    let mut members: Vec<_> = (0..=content).map(|n| format!("\"{digits}{n}\"")).collect();
    random.shuffle(&mut members);
    let mut attributes = key(random, of_key).to_vec();
    attributes.push(format!("\"v\":{{\"N\":\"{content}\"}}"));
    attributes.push(format!("\"set\":{{\"NS\":[{}]}}", members.join(",")));
    if content % 2 == 1 {
        attributes.push("\"odd\":{\"M\":{\"is\":{\"BOOL\":true}}}".to_owned());
    }
    random.shuffle(&mut attributes);
    format!("{{{}}}", attributes.join(","))
}

/// A line of an incremental export.
pub fn change(
    random: &mut fastrand::Rng,
    view: ChangeView,
    of_key: u32,
    before: Option<u32>,
    after: Option<u32>,
) -> String {
    let mut members = vec![
        "\"Metadata\":{\"WriteTimestampMicros\":{\"N\":\"1774379199746598\"}}".to_owned(),
        format!("\"Keys\":{{{}}}", key(random, of_key).join(",")),
    ];
    if view == ChangeView::NewAndOldImages
        && let Some(before) = before
    {
        members.push(format!("\"OldImage\":{}", item(random, of_key, before)));
    }
    if let Some(after) = after {
        members.push(format!("\"NewImage\":{}", item(random, of_key, after)));
    }
    random.shuffle(&mut members);
    format!("{{{}}}", members.join(","))
}

pub fn now<F: Future>(future: F) -> F::Output {
    poll_at_most(usize::MAX, future).expect("the store in memory goes on")
}

/// A lake, and the runs in it.
#[derive(Debug, Default)]
pub struct World {
    pub lake: MemoryStore,
    runs: u32,
    files: u32,
    attempts: u32,
}

impl World {
    pub fn run(&mut self) -> RunKeys {
        self.runs += 1;
        let run = format!("20261120-173000-{:08x}", self.runs);
        RunKeys::new("p", &RunId::parse(&run).unwrap())
    }

    /// Writes a file of an export.
    pub fn file(&mut self, lines: &[String]) -> ExportFile {
        self.files += 1;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        for line in lines {
            writeln!(encoder, "{line}").unwrap();
        }
        let bytes = encoder.finish().unwrap();
        let file = ExportFile {
            key: format!("files/{:05}.json.gz", self.files),
            items: lines.len() as u64,
            bytes: bytes.len() as u64,
            md5: STANDARD.encode(Md5::digest(&bytes)),
        };
        now(self.lake.put(&file.key, bytes.into())).unwrap();
        file
    }

    /// Puts lines into up to so many files, in any order; some files may be empty.
    pub fn shard(
        &mut self,
        random: &mut fastrand::Rng,
        mut lines: Vec<String>,
        most: usize,
    ) -> Vec<ExportFile> {
        random.shuffle(&mut lines);
        let mut files = vec![Vec::new(); random.usize(1..=most)];
        for line in lines {
            let file = random.usize(..files.len());
            files[file].push(line);
        }
        files.iter().map(|lines| self.file(lines)).collect()
    }

    /// A run whose items are these lines of a native export, adopted as its segments.
    pub fn adopt(&mut self, random: &mut fastrand::Rng, table: &Table) -> (RunKeys, NativeExport) {
        let keys = self.run();
        let lines: Vec<_> = table
            .iter()
            .map(|(key, content)| format!("{{\"Item\":{}}}", item(random, *key, *content)))
            .collect();
        let files = self.shard(random, lines, 3);
        let segments = u32::try_from(files.len()).unwrap();
        for (number, file) in (0..).zip(&files) {
            let record = self.adopted(number, segments, file);
            now(segment::commit(&self.lake, &keys, 0, &record, None)).unwrap();
        }
        let export = NativeExport {
            first_segment: 0,
            arn: "export".to_owned(),
            items: table.len() as u64,
            files,
            tasks: Vec::new(),
        };
        (keys, export)
    }

    fn adopted(&self, number: u32, segments: u32, file: &ExportFile) -> SegmentRecord<Profile> {
        let stored = now(self.lake.get(&file.key)).unwrap();
        let mut text = Vec::new();
        std::io::copy(&mut flate2::read::GzDecoder::new(&stored[..]), &mut text).unwrap();
        let (mut count, mut items) = (LineCount::default(), Lines::new());
        count.raw_bytes = text.len() as u64;
        for line in lines(&text) {
            count.add_line(line);
            items.push_line(line).unwrap();
        }
        let mut record = SegmentRecord::new(number, segments, Profile::new());
        let mut values = Values::default();
        for line in lines(&text) {
            values.add_line(line).unwrap();
        }
        record.values = Some(values.sum());
        record.profile.observe_lines(&items);
        if count.items > 0 {
            let part = Part {
                key: file.key.clone(),
                items: count.items,
                raw_bytes: count.raw_bytes,
                bytes: file.bytes,
                checksum: count.checksum,
                encoding: Encoding::Gzip,
            };
            record.totals.add_part(&part);
            record.parts.push(part);
        }
        record
    }

    /// The base's parts, in their order.
    pub fn parts(&self, base: &SnapshotRecord) -> Vec<Part> {
        let keys = RunKeys::new("p", &base.run);
        let manifests = (0..base.segments).map(|number| {
            let manifest: Option<SegmentRecord<IgnoredAny>> =
                now(segment::manifest(&self.lake, &keys, number)).unwrap();
            manifest.unwrap().parts
        });
        manifests.flatten().collect()
    }

    /// The items of a snapshot, as canonical bytes in their order.
    pub fn items(&self, snapshot: &SnapshotRecord) -> Vec<Vec<u8>> {
        let mut items = Vec::new();
        for part in self.parts(snapshot) {
            now(read_lines(&self.lake, &part, |line| {
                items.push(bytes(line));
            }))
            .unwrap();
        }
        assert_eq!(items.len() as u64, snapshot.items);
        items.sort_unstable();
        items
    }

    fn attempt(&mut self) -> String {
        self.attempts += 1;
        format!("attempt-{}", self.attempts)
    }

    /// What a run merges: these windows into that base.
    pub fn changes(
        &self,
        random: &mut fastrand::Rng,
        view: ChangeView,
        base: &SnapshotRecord,
        windows: Vec<ChangeWindow>,
    ) -> ChangesRecord {
        ChangesRecord {
            key_attributes: KEY.map(str::to_owned).to_vec(),
            view,
            base: base.clone(),
            segments: changes::bins(&self.parts(base), random.u64(..400)),
            windows,
            audit: false,
            captured: None,
        }
    }

    /// Merges, without a fault.
    pub fn merge(&mut self, changes: &ChangesRecord) -> Result<(RunKeys, Sealed), ChangesError> {
        self.merge_with(changes, &mut Faults::none())
    }

    /// Merges, by calls that die, overlap, or have no time.
    pub fn merge_with(
        &mut self,
        changes: &ChangesRecord,
        faults: &mut Faults,
    ) -> Result<(RunKeys, Sealed), ChangesError> {
        let keys = self.run();
        let lake = self.lake.clone();
        let (lake, keys) = (&lake, &keys);
        let far = Instant::now() + Duration::from_hours(1);
        loop {
            let (stop, part_bytes) = faults.settings(far);
            let attempts = [self.attempt(), self.attempt()];
            let [one, two] = attempts.each_ref().map(|attempt| {
                let compact = Compact {
                    store: lake,
                    keys,
                    changes,
                    declared: &[],
                    attempt,
                    part_bytes,
                    stop,
                };
                async move { compact.run().await }
            });
            if let Some(Compacted::Done(_)) = faults.call(one, two).transpose()? {
                break;
            }
        }
        let (_, superseded) = now(ChangedKeys::load(lake, keys))?;
        let vocabularies = Vocabularies::new();
        for number in 0..changes.total_segments() {
            loop {
                let attempts = [self.attempt(), self.attempt()];
                let [one, two] = attempts.each_ref().map(|attempt| {
                    let apply = Apply {
                        store: lake,
                        keys,
                        changes,
                        changed: &superseded,
                        vocabularies: &vocabularies,
                        declared: &[],
                        attempt,
                    };
                    async move { apply.segment(number).await }
                });
                if faults.call(one, two).transpose()?.is_some() {
                    break;
                }
            }
        }
        loop {
            let seal = || changes::seal_changes(lake, keys, changes);
            if let Some(sealed) = faults.call(seal(), seal()).transpose()? {
                return Ok((keys.clone(), sealed));
            }
        }
    }
}

/// What happens to calls.
pub struct Faults {
    random: Option<fastrand::Rng>,
}

impl Faults {
    pub const fn none() -> Self {
        Self { random: None }
    }

    pub const fn random(random: fastrand::Rng) -> Self {
        Self {
            random: Some(random),
        }
    }

    /// When a call stops, and the size of its parts.
    fn settings(&mut self, far: Instant) -> (Instant, u64) {
        match &mut self.random {
            Some(random) => {
                let stop = if random.bool() { Instant::now() } else { far };
                (stop, random.u64(1..300))
            }
            None => (far, u64::MAX),
        }
    }

    /// Calls once, or twice at the same time. `None` if the call dies.
    fn call<T>(&mut self, one: impl Future<Output = T>, two: impl Future<Output = T>) -> Option<T> {
        let Some(random) = &mut self.random else {
            return Some(now(one));
        };
        match random.u32(..4) {
            0 => poll_at_most(random.usize(1..40), one),
            1 => poll_at_most(usize::MAX, futures::future::join(one, two)).map(|(one, _)| one),
            2 => {
                // The one dies while the other works.
                let polls = random.usize(1..40);
                let mut one = Box::pin(one);
                let beside = std::future::poll_fn(|context| one.as_mut().poll(context));
                let both = futures::future::select(Box::pin(two), Box::pin(beside));
                poll_at_most(polls, both).map(|either| either.factor_first().0)
            }
            _ => Some(now(one)),
        }
    }
}

/// An item's canonical bytes.
pub fn bytes(line: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    canonical::write(Some(&Value::M(parse_line(line).unwrap())), &mut bytes);
    bytes
}

/// A table's items, as canonical bytes in their order.
pub fn canonical_table(table: &Table) -> Vec<Vec<u8>> {
    let mut random = fastrand::Rng::with_seed(0);
    let items = table
        .iter()
        .map(|(key, content)| format!("{{\"Item\":{}}}", item(&mut random, *key, *content)));
    let mut items: Vec<_> = items.map(|line| bytes(line.as_bytes())).collect();
    items.sort_unstable();
    items
}
