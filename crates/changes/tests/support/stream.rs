//! A table's stream in memory, and what captures it: batches that are put late, twice, or again with
//! other bounds, shards that split, and batches that are given up and replayed.

#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use super::{KEY, Table, World, item, key, now};
use changes::{OVERLAP, captured_since, settles};
use lake::RunKeys;
use lake::captured::{CapturedStream, Hour, SequenceNumber};
use lake::part::PartWriter;
use lake::records::{
    CaptureSource, CapturedChanges, CapturedFile, ChangeView, ChangesRecord, SnapshotRecord,
};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

pub const ARN: &str =
    "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026-11-28T09:12:01.789";
/// When histories begin.
const BEGIN: i64 = 1_795_860_000;

fn hour(seconds: i64) -> Hour {
    Hour::of(SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap()))
}

/// A record of a stream.
#[derive(Debug, Clone)]
pub struct Record {
    pub at: i64,
    pub number: u128,
    pub key: u32,
    pub before: Option<u32>,
    pub after: Option<u32>,
    pub is_expiry: bool,
}

/// An object that was put.
#[derive(Debug, Clone)]
struct Put {
    file: CapturedFile,
    at: i64,
}

/// A table that changes while its stream is captured.
#[derive(Debug)]
pub struct Stream {
    pub records: Vec<Record>,
    pub table: Table,
    /// The table's writes, with or without a record.
    writes: Vec<(i64, u32, Option<u32>)>,
    pub now: i64,
    number: u128,
    digits: usize,
    keep_expired: bool,
    shards: u32,
    /// The records that were captured, and the last hour that an object with each is named by.
    captured: BTreeMap<u128, Hour>,
    /// The longest time from a change to its first object.
    pub lag: i64,
    puts: Vec<Put>,
    attempts: u32,
}

impl Stream {
    pub fn new(random: &mut fastrand::Rng, keep_expired: bool) -> Self {
        // From 21 to 40 digits, with or without leading zeros.
        let number = 10_u128.pow(random.u32(1..37)) - 1;
        Self {
            records: Vec::new(),
            table: Table::new(),
            writes: Vec::new(),
            now: BEGIN,
            number,
            digits: random.usize(21..=40).max(number.to_string().len() + 1),
            keep_expired,
            shards: random.u32(1..3),
            captured: BTreeMap::new(),
            lag: 0,
            puts: Vec::new(),
            attempts: 0,
        }
    }

    /// Lets so many random writes happen, with seconds or minutes between them.
    pub fn write(&mut self, random: &mut fastrand::Rng, ops: u32, keys: u32) {
        for _ in 0..ops {
            self.now += if random.u32(..6) == 0 {
                random.i64(0..3000)
            } else {
                1
            };
            let key = random.u32(..keys);
            let before = self.table.get(&key).copied();
            let content = (random.u32(..10) < 6).then(|| random.u32(..4));
            // DynamoDB writes no record where nothing changes; local servers do.
            let is_recorded = before != content || random.u32(..4) == 0;
            match content {
                Some(content) => self.table.insert(key, content),
                None => self.table.remove(&key),
            };
            self.writes.push((self.now, key, content));
            if !is_recorded || (before, content) == (None, None) {
                continue;
            }
            self.number += random.u128(1..1000);
            self.records.push(Record {
                at: self.now,
                number: self.number,
                key,
                before,
                after: content,
                is_expiry: content.is_none() && random.bool(),
            });
            if random.u32(..12) == 0 {
                self.shards = random.u32(1..4);
            }
        }
    }

    /// What a scan reads of a key at a moment.
    pub fn at(&self, moment: i64, key: u32) -> Option<u32> {
        let writes = self.writes.iter().rev();
        let mut of_key = writes.filter(|(at, other, _)| *other == key && *at <= moment);
        of_key.next().and_then(|(_, _, content)| *content)
    }

    /// What a scan has read, with all changes that runs since then take, and with what has expired
    /// where that is kept.
    pub fn expected(&self, scanned: &Scanned) -> Table {
        let mut table = scanned.read.clone();
        let since = hour(scanned.source.listed_at - OVERLAP);
        for record in &self.records {
            let captured = self.captured.get(&record.number);
            if captured.is_none_or(|hour| *hour < since) {
                continue;
            }
            match (record.after, record.before) {
                (Some(content), _) => table.insert(record.key, content),
                (None, Some(expired)) if record.is_expiry && self.keep_expired => {
                    table.insert(record.key, expired)
                }
                (None, _) => table.remove(&record.key),
            };
        }
        table
    }

    fn line(&self, random: &mut fastrand::Rng, record: &Record) -> String {
        let number = record.number;
        let digits = self.digits;
        let event = match (record.before, record.after) {
            (None, _) => "INSERT",
            (Some(_), Some(_)) => "MODIFY",
            (Some(_), None) => "REMOVE",
        };
        let mut metadata = vec![
            format!("\"SequenceNumber\":{{\"S\":\"{number:0digits$}\"}}"),
            format!("\"EventName\":{{\"S\":\"{event}\"}}"),
            format!(
                "\"ApproximateCreationDateTime\":{{\"N\":\"{}\"}}",
                record.at
            ),
        ];
        if record.is_expiry {
            metadata.push("\"UserIdentity\":{\"S\":\"dynamodb.amazonaws.com\"}".to_owned());
        }
        random.shuffle(&mut metadata);
        let mut members = vec![
            format!("\"Metadata\":{{{}}}", metadata.join(",")),
            format!("\"Keys\":{{{}}}", key(random, record.key).join(",")),
        ];
        if let Some(before) = record.before {
            members.push(format!("\"OldImage\":{}", item(random, record.key, before)));
        }
        if let Some(after) = record.after {
            members.push(format!("\"NewImage\":{}", item(random, record.key, after)));
        }
        random.shuffle(&mut members);
        format!("{{{}}}", members.join(","))
    }

    /// Puts an object with these records, which arrives at a moment under the hour of another.
    fn put(
        &mut self,
        world: &mut World,
        random: &mut fastrand::Rng,
        batch: &[Record],
        named: i64,
        at: i64,
    ) {
        let mut lines: Vec<_> = batch
            .iter()
            .map(|record| self.line(random, record))
            .collect();
        if random.bool() {
            random.shuffle(&mut lines);
        }
        let numbers = batch.iter().map(|record| record.number);
        let parse = |number: u128| -> SequenceNumber { number.to_string().parse().unwrap() };
        let (first, last) = (numbers.clone().min().unwrap(), numbers.max().unwrap());
        self.attempts += 1;
        let stream = CapturedStream::of_arn(ARN).unwrap();
        let hour = hour(named);
        let attempt = format!("a-{}", self.attempts);
        let object = stream.object(&hour, &parse(first), &parse(last), &attempt);
        let mut writer = PartWriter::new(&world.lake, object.clone()).unwrap();
        for line in &lines {
            let bytes = format!("{line}\n");
            let only = std::iter::once(line.as_bytes());
            now(writer.append(bytes.as_bytes(), only, |_, _| ())).unwrap();
        }
        let part = now(writer.finish()).unwrap().unwrap();
        self.puts.push(Put {
            file: CapturedFile {
                key: object,
                size: part.bytes,
            },
            at,
        });
        for record in batch {
            let last = self.captured.entry(record.number).or_insert_with(|| {
                self.lag = self.lag.max(at - record.at);
                hour.clone()
            });
            *last = hour.clone().max(last.clone());
        }
    }

    /// Captures what is not captured yet, each shard in its order: all of it, or up to where the
    /// function happens to be.
    pub fn capture(&mut self, world: &mut World, random: &mut fastrand::Rng, all: bool) {
        let shards = self.shards;
        for shard in 0..shards {
            let waiting = self.records.iter().filter(|record| {
                record.key % shards == shard && !self.captured.contains_key(&record.number)
            });
            let mut waiting: Vec<_> = waiting.cloned().collect();
            if !all {
                waiting.truncate(random.usize(..=waiting.len()));
            }
            let mut rest = waiting.as_slice();
            while !rest.is_empty() {
                let (batch, more) = rest.split_at(random.usize(1..=rest.len().min(5)));
                let now = self.now;
                match random.u32(..8) {
                    // Retried though it was put, with other bounds.
                    0 => {
                        self.put(world, random, batch, now, now);
                        let longer = rest.len().min(batch.len() + 2);
                        let again = rest[random.usize(..batch.len())..longer].to_vec();
                        self.put(world, random, &again, now, now);
                    }
                    // A call that was given up puts it once more, minutes later.
                    1 => {
                        self.put(world, random, batch, now, now);
                        let late = now + random.i64(0..900);
                        self.put(world, random, batch, now, late);
                    }
                    // Lambda gives the batch up; it is replayed before the next run.
                    2 => {
                        self.now += random.i64(0..60);
                        let later = self.now;
                        self.put(world, random, batch, later, later);
                    }
                    _ => self.put(world, random, batch, now, now),
                }
                rest = more;
            }
        }
    }

    /// What a run that is planned now merges into a base.
    pub fn changes(
        &mut self,
        world: &World,
        random: &mut fastrand::Rng,
        base: &SnapshotRecord,
    ) -> ChangesRecord {
        let listed_at = self.now;
        let since = hour(captured_since(base));
        // What waits is called again and again, and counts with its age.
        for record in &self.records {
            if !self.captured.contains_key(&record.number) {
                self.lag = self.lag.max(listed_at - record.at);
            }
        }
        let stream = CapturedStream::of_arn(ARN).unwrap();
        let from = stream.arrived(&since);
        let listed = self.puts.iter();
        let listed = listed.filter(|put| put.at <= listed_at && put.file.key >= from);
        let mut objects: Vec<_> = listed.map(|put| put.file.clone()).collect();
        objects.sort_unstable_by(|one, two| one.key.cmp(&two.key));
        ChangesRecord {
            key_attributes: KEY.map(str::to_owned).to_vec(),
            view: ChangeView::NewAndOldImages,
            base: base.clone(),
            segments: changes::bins(&world.parts(base), random.u64(..400)),
            windows: Vec::new(),
            captured: Some(CapturedChanges {
                source: self.source(),
                objects,
                keep_expired: self.keep_expired,
                settles: settles(base, listed_at, self.lag),
            }),
            audit: false,
        }
    }

    /// The stream as of now with the records from one on, of which nothing is captured.
    pub fn since(&self, record: usize) -> Self {
        Self {
            records: self.records[record..].to_vec(),
            table: self.table.clone(),
            writes: Vec::new(),
            captured: BTreeMap::new(),
            puts: Vec::new(),
            // Other names than those of what was captured before.
            attempts: 1_000_000,
            ..*self
        }
    }

    pub fn source(&self) -> CaptureSource {
        CaptureSource {
            stream_arn: ARN.to_owned(),
            mapping: "m-1".to_owned(),
            listed_at: self.now,
        }
    }

    /// A run whose items are what a scan reads, from now on, each key at another moment.
    pub fn scan(
        &mut self,
        world: &mut World,
        random: &mut fastrand::Rng,
        ops: u32,
        keys: u32,
    ) -> Scanned {
        let source = self.source();
        let begun = self.now;
        self.write(random, ops, keys);
        self.now += random.i64(0..100);
        let ended = self.now;
        let mut read = Table::new();
        for key in 0..keys {
            let moment = random.i64(begun..=ended);
            if let Some(content) = self.at(moment, key) {
                read.insert(key, content);
            }
        }
        let (run, export) = world.adopt(random, &read);
        Scanned {
            source,
            read,
            run,
            segments: export.segments().end,
        }
    }
}

/// What a scan has read.
pub struct Scanned {
    pub source: CaptureSource,
    pub read: Table,
    pub run: RunKeys,
    pub segments: u32,
}

/// Puts all records, but for those that are lost: these count as captured.
pub fn lose(stream: &mut Stream, lost: &[u128], world: &mut World, random: &mut fastrand::Rng) {
    stream.puts.clear();
    let now = stream.now;
    for number in lost {
        stream.captured.insert(*number, hour(now));
    }
    let mut rest = stream.records.clone();
    rest.retain(|record| !lost.contains(&record.number));
    for batch in rest.chunks(20) {
        stream.put(world, random, batch, now, now);
    }
}
