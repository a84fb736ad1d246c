//! The sample while items pass: lines that may yet have to go wait unread, since most of them do. It
//! must not decide which items are in the sample; their hashes do.

use crate::sample::{SAMPLE_ITEMS, Sample};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The longest line that waits, in bytes; longer ones are read at once. With [`SAMPLE_ITEMS`] it
/// bounds the memory to 2 MB.
const MAX_WAITING: usize = 2_048;

/// A sample, and lines that are in it as far as is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sampling {
    sample: Sample,
    waiting: BTreeMap<u64, Waiting>,
}

#[derive(Debug, Clone)]
struct Waiting {
    line: Box<[u8]>,
    copies: u64,
}

impl From<Sample> for Sampling {
    fn from(sample: Sample) -> Self {
        Self {
            sample,
            waiting: BTreeMap::new(),
        }
    }
}

impl Sampling {
    /// Adds an item by its line, which was checked; `hash` is the line's.
    #[inline]
    pub(crate) fn add(&mut self, hash: u64, line: &[u8]) {
        if self.sample.wants(hash) {
            self.take(hash, line);
        }
    }

    fn take(&mut self, hash: u64, line: &[u8]) {
        if self.sample.repeat(hash, 1) {
            return;
        }
        if line.len() > MAX_WAITING {
            read(&mut self.sample, hash, line, 1);
        } else {
            let line = || Waiting {
                line: line.into(),
                copies: 0,
            };
            self.waiting.entry(hash).or_insert_with(line).copies += 1;
        }
        while self.waiting.len() + self.sample.len() > SAMPLE_ITEMS {
            let last = self.waiting.last_key_value().map(|(hash, _)| *hash);
            if last > self.sample.last() {
                self.waiting.pop_last();
                self.sample.end_before(last);
            } else {
                self.sample.end_before(self.sample.last());
            }
        }
        // What was read may have lowered the bound.
        while let Some((&last, _)) = self.waiting.last_key_value()
            && !self.sample.wants(last)
        {
            self.waiting.pop_last();
        }
    }

    /// The sample of all items so far.
    pub(crate) fn settled(&self) -> Cow<'_, Sample> {
        if self.waiting.is_empty() {
            return Cow::Borrowed(&self.sample);
        }
        let mut sample = self.sample.clone();
        for (&hash, waiting) in &self.waiting {
            read(&mut sample, hash, &waiting.line, waiting.copies);
        }
        Cow::Owned(sample)
    }

    /// Adds another part's sample.
    pub(crate) fn merge(&mut self, other: &Self) {
        let mut sample = self.settled().into_owned();
        sample.merge(&other.settled());
        *self = sample.into();
    }
}

fn read(sample: &mut Sample, hash: u64, line: &[u8], copies: u64) {
    let item = dynamodb_json::parse_line(line).expect("lines are checked before they are sampled");
    sample.add(hash, &item, copies);
}
