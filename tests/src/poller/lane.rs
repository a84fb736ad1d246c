//! Shards with their lineage, and the lanes in which their records wait.

use super::Record;
use fastrand::Rng;
use std::collections::VecDeque;

/// Records that are handed over one batch after the other.
#[derive(Debug, Default)]
pub struct Lane {
    waiting: VecDeque<Record>,
    /// Records of the next batch, where the last one failed.
    next: Option<usize>,
}

impl Lane {
    /// The next batch; `None` if nothing waits.
    pub fn batch(&self, most: usize) -> Option<Vec<Record>> {
        let count = self.next.unwrap_or(most).min(most).min(self.waiting.len());
        (count > 0).then(|| self.waiting.iter().take(count).cloned().collect())
    }

    /// Records that wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The first records were taken.
    pub fn done(&mut self, count: usize) {
        self.waiting.drain(..count);
        self.next = None;
    }

    /// The next batch has so many records.
    pub const fn next(&mut self, count: usize) {
        self.next = Some(count);
    }

    /// Takes out the first records that are older than this, at most a batch of them.
    pub fn older_than(&mut self, now: u64, age: u64, most: usize) -> Vec<Record> {
        let old = self.waiting.iter().take(most);
        let count = old.take_while(|it| now - it.at > age).count();
        self.waiting.drain(..count).collect()
    }
}

#[derive(Debug)]
struct Shard {
    id: String,
    parent: Option<usize>,
    /// The hashes of keys that it has, the last one included.
    range: (u64, u64),
    is_open: bool,
    lanes: Vec<Lane>,
}

/// A lane of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    shard: usize,
    lane: usize,
}

/// The shards of a stream.
#[derive(Debug)]
pub struct Shards {
    all: Vec<Shard>,
    lanes: usize,
}

impl Shards {
    /// So many shards, each with so many lanes.
    pub fn new(lanes: usize, count: usize) -> Self {
        let mut shards = Self {
            all: Vec::new(),
            lanes,
        };
        let width = u64::MAX / count as u64;
        for number in 0..count as u64 {
            let last = if number + 1 == count as u64 {
                u64::MAX
            } else {
                (number + 1) * width - 1
            };
            shards.open(None, (number * width, last));
        }
        shards
    }

    fn open(&mut self, parent: Option<usize>, range: (u64, u64)) {
        let id = format!("shardId-{:020}-{:08x}", self.all.len(), range.0 >> 32);
        self.all.push(Shard {
            id,
            parent,
            range,
            is_open: true,
            lanes: (0..self.lanes).map(|_| Lane::default()).collect(),
        });
    }

    /// Splits an open shard in two, which come after it. Returns whether there was one.
    pub fn split(&mut self, rng: &mut Rng) -> bool {
        let open: Vec<usize> = (0..self.all.len())
            .filter(|at| self.all[*at].is_open)
            .collect();
        let Some(&at) = rng.choice(&open).filter(|_| self.all.len() < 12) else {
            return false;
        };
        let (first, last) = self.all[at].range;
        let middle = first + (last - first) / 2;
        self.all[at].is_open = false;
        self.open(Some(at), (first, middle));
        self.open(Some(at), (middle + 1, last));
        true
    }

    /// Adds a record to the lane of its key.
    ///
    /// # Panics
    /// Never: open shards have all hashes.
    pub fn push(&mut self, record: Record) {
        let mut open = self.all.iter_mut().filter(|shard| shard.is_open);
        let shard = open.find(|it| (it.range.0..=it.range.1).contains(&record.hash));
        let shard = shard.expect("open shards have all hashes");
        let lane = (record.hash >> 8) % shard.lanes.len() as u64;
        let lane = usize::try_from(lane).expect("few lanes");
        shard.lanes[lane].waiting.push_back(record);
    }

    /// A lane with records, of a shard whose ancestors have none left.
    pub fn ready(&self, rng: &mut Rng) -> Option<Place> {
        let mut ready = Vec::new();
        for (number, shard) in self.all.iter().enumerate() {
            if self.has_ancestors_left(shard) {
                continue;
            }
            let lanes = shard.lanes.iter().enumerate();
            let lanes = lanes.filter(|(_, lane)| lane.len() > 0);
            ready.extend(lanes.map(|(lane, _)| Place {
                shard: number,
                lane,
            }));
        }
        rng.choice(&ready).copied()
    }

    fn has_ancestors_left(&self, shard: &Shard) -> bool {
        let Some(parent) = shard.parent.map(|parent| &self.all[parent]) else {
            return false;
        };
        parent.lanes.iter().any(|lane| lane.len() > 0) || self.has_ancestors_left(parent)
    }

    /// A lane.
    pub fn lane(&mut self, place: Place) -> &mut Lane {
        &mut self.all[place.shard].lanes[place.lane]
    }

    /// The id of a lane's shard.
    pub fn id(&self, place: Place) -> &str {
        &self.all[place.shard].id
    }
}
