//! Puts rows into a random order that only their positions and a seed decide, in bounded memory.
//!
//! Every row gets a number, the hash of its position under the seed, and rows are returned in the
//! order of these numbers: every order is equally likely, and the same rows have the same order in
//! any amount of memory. Rows beyond the budget go to a temporary file, in sorted runs; they are
//! read back bucket by bucket, a bucket being the numbers with the same highest bits.

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use twox_hash::XxHash3_64;

/// Bytes of rows and of their positions that one shuffle keeps in memory.
pub const BUDGET: usize = 128 << 20;

/// How many parts of the temporary file are read one after the other: a part takes this fraction of
/// the memory of all rows.
const BUCKETS: usize = 256;
const BUCKET_SHIFT: u32 = u64::BITS - BUCKETS.trailing_zeros();
const BUFFER: usize = 1 << 20;

/// Rows to shuffle.
#[derive(Debug)]
pub struct Shuffle {
    seed: u64,
    budget: usize,
    rows: u64,
    held: Bucket,
    spilled: Option<Spilled>,
}

/// The rows in memory.
#[derive(Debug, Default)]
pub struct Bucket {
    text: Vec<u8>,
    places: Vec<Place>,
}

/// A row: its number, and its place in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    number: u64,
    start: u32,
    length: u32,
}

#[derive(Debug)]
struct Spilled {
    // Without a name, so it disappears with the process.
    file: File,
    /// For each run, where its buckets begin, and where it ends.
    runs: Vec<[u64; BUCKETS + 1]>,
    end: u64,
}

impl Shuffle {
    /// Starts without rows.
    pub fn new(seed: u64) -> Self {
        Self::with_budget(seed, BUDGET)
    }

    fn with_budget(seed: u64, budget: usize) -> Self {
        Self {
            seed,
            budget,
            rows: 0,
            held: Bucket::default(),
            spilled: None,
        }
    }

    /// The number of rows.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds a row.
    ///
    /// # Errors
    /// If the temporary file cannot be written.
    #[inline]
    pub fn push(&mut self, row: &[u8]) -> io::Result<()> {
        let number = XxHash3_64::oneshot_with_seed(self.seed, &self.rows.to_le_bytes());
        self.rows += 1;
        self.held.push(number, row);
        if self.held.bytes() < self.budget {
            return Ok(());
        }
        self.spill()
    }

    #[cold]
    fn spill(&mut self) -> io::Result<()> {
        let spilled = match &mut self.spilled {
            Some(spilled) => spilled,
            none => none.insert(Spilled {
                file: tempfile::tempfile()?,
                runs: Vec::new(),
                end: 0,
            }),
        };
        spilled.write(&mut self.held)
    }

    /// Returns the rows in their order.
    ///
    /// # Errors
    /// If the temporary file cannot be written.
    pub fn finish(mut self) -> io::Result<Shuffled> {
        if self.spilled.is_some() {
            self.spill()?;
            self.held = Bucket::default();
        } else {
            self.held.places.sort_unstable();
        }
        Ok(Shuffled {
            bucket: self.held,
            spilled: self.spilled,
            next: 0,
        })
    }
}

impl Bucket {
    fn push(&mut self, number: u64, row: &[u8]) {
        // A budget is far below 4 GiB, and a row is no longer than an item.
        let place = |bytes: usize| u32::try_from(bytes).expect("a bucket is below 4 GiB");
        self.places.push(Place {
            number,
            start: place(self.text.len()),
            length: place(row.len()),
        });
        self.text.extend_from_slice(row);
    }

    /// Takes the first row of a part of a run; returns the rest.
    fn push_written<'r>(&mut self, run: &'r [u8]) -> Option<&'r [u8]> {
        let (number, rest) = run.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (row, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        self.push(u64::from_le_bytes(*number), row);
        Some(rest)
    }

    const fn bytes(&self) -> usize {
        self.text.len() + self.places.len() * size_of::<Place>()
    }

    fn clear(&mut self) {
        self.text.clear();
        self.places.clear();
    }

    /// The rows, in their order.
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.places.iter().map(|place| self.row(*place))
    }

    fn row(&self, place: Place) -> &[u8] {
        let start = place.start as usize;
        &self.text[start..start + place.length as usize]
    }
}

impl Spilled {
    /// Writes a sorted run, and clears the rows.
    fn write(&mut self, held: &mut Bucket) -> io::Result<()> {
        held.places.sort_unstable();
        let mut out = BufWriter::with_capacity(BUFFER, &mut self.file);
        let mut begins = [0; BUCKETS + 1];
        let mut bucket = 0;
        for place in &held.places {
            while bucket <= bucket_of(place.number) {
                begins[bucket] = self.end;
                bucket += 1;
            }
            out.write_all(&place.number.to_le_bytes())?;
            out.write_all(&place.length.to_le_bytes())?;
            out.write_all(held.row(*place))?;
            self.end += HEAD as u64 + u64::from(place.length);
        }
        begins[bucket..].fill(self.end);
        out.flush()?;
        drop(out);
        self.runs.push(begins);
        held.clear();
        Ok(())
    }

    fn read(&mut self, bucket: usize, into: &mut Bucket) -> io::Result<()> {
        into.clear();
        let mut part = Vec::new();
        for begins in &self.runs {
            let (start, end) = (begins[bucket], begins[bucket + 1]);
            self.file.seek(SeekFrom::Start(start))?;
            part.clear();
            let read = (&self.file).take(end - start).read_to_end(&mut part)?;
            if read as u64 != end - start {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let mut rest = &part[..];
            while !rest.is_empty() {
                rest = into
                    .push_written(rest)
                    .ok_or(io::ErrorKind::UnexpectedEof)?;
            }
        }
        into.places.sort_unstable();
        Ok(())
    }
}

/// A row's number and its length precede it.
const HEAD: usize = size_of::<u64>() + size_of::<u32>();

const fn bucket_of(number: u64) -> usize {
    (number >> BUCKET_SHIFT) as usize
}

/// Rows in their order, a bucket at a time.
#[derive(Debug)]
pub struct Shuffled {
    bucket: Bucket,
    spilled: Option<Spilled>,
    next: usize,
}

impl Shuffled {
    /// The next rows, or `None` after the last.
    ///
    /// # Errors
    /// If the temporary file cannot be read.
    pub fn next(&mut self) -> io::Result<Option<&Bucket>> {
        let buckets = if self.spilled.is_some() { BUCKETS } else { 1 };
        if self.next == buckets {
            return Ok(None);
        }
        if let Some(spilled) = &mut self.spilled {
            spilled.read(self.next, &mut self.bucket)?;
        }
        self.next += 1;
        Ok(Some(&self.bucket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shuffled(rows: u32, seed: u64, budget: usize) -> Vec<String> {
        let mut shuffle = Shuffle::with_budget(seed, budget);
        for row in 0..rows {
            shuffle.push(row.to_string().as_bytes()).unwrap();
        }
        assert_eq!(shuffle.rows(), u64::from(rows));
        let mut out = Vec::new();
        let mut shuffled = shuffle.finish().unwrap();
        while let Some(bucket) = shuffled.next().unwrap() {
            out.extend(
                bucket
                    .rows()
                    .map(|row| String::from_utf8(row.to_vec()).unwrap()),
            );
        }
        out
    }

    #[test]
    fn the_order_is_the_same_whatever_the_memory_and_holds_every_row_once() {
        let in_memory = shuffled(5000, 7, BUDGET);
        for budget in [1, 1000, 40_000] {
            assert_eq!(shuffled(5000, 7, budget), in_memory, "{budget} bytes");
        }
        let mut sorted: Vec<u32> = in_memory.iter().map(|row| row.parse().unwrap()).collect();
        assert_ne!(shuffled(5000, 8, BUDGET), in_memory, "another seed");
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..5000));
        assert_eq!(shuffled(0, 7, BUDGET), Vec::<String>::new());
    }

    /// Pins the order: a change would train another model on the same data.
    #[test]
    fn the_order_does_not_change_with_versions() {
        assert_eq!(shuffled(10, 0, BUDGET).join(" "), "9 2 1 3 6 7 5 8 0 4");
    }

    /// Over many seeds, each row is at each position about equally often.
    #[test]
    fn every_order_is_as_likely() {
        let mut seen = [[0_u32; 6]; 6];
        for seed in 0..6000 {
            for (place, row) in shuffled(6, seed, BUDGET).iter().enumerate() {
                seen[place][row.parse::<usize>().unwrap()] += 1;
            }
        }
        // 1,000 expected; six standard deviations are 173.
        assert!(
            seen.iter()
                .flatten()
                .all(|count| (827..1173).contains(count)),
            "{seen:?}"
        );
    }
}
