//! Picks the rows that both models predict: some of the run's validation items, encoded for each of
//! the two models.
//!
//! The choice is a function of the run and its champion, so an attempt that is repeated, or
//! overlaps another, writes the same objects. Raw items are read because the columns of two runs
//! differ: rows encoded for one model do not fit the other.

use super::metric::Truth;
use crate::JudgeModelError;
use dataset::{Cell, Columns, CsvRows, Encoder, RowOutcome, RowSink, Side};
use dynamodb_json::Value;
use lake::records::{DatasetPlan, JudgedRows, Part};
use lake::{ObjectStore, RunKeys, part};
use twox_hash::XxHash3_64;

/// Stop at this many bytes of encoded rows: they are kept in memory.
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// Read at most this many bytes of raw lines, which takes seconds.
const MOST_READ: u64 = 1024 * 1024 * 1024;
/// Spread the rows over at least this many parts, if there are as many.
const SPREAD: usize = 8;

/// The rows, as bytes of CSV without labels, and their labels.
#[derive(Debug, Default)]
pub struct Rows {
    pub challenger: Vec<u8>,
    pub champion: Vec<u8>,
    pub truths: Vec<Truth>,
    pub counts: JudgedRows,
}

/// Picks up to `most` rows.
pub async fn pick<S: ObjectStore>(
    store: &S,
    keys: &RunKeys,
    plan: &DatasetPlan<Columns>,
    champion: &Columns,
    most: u32,
) -> Result<Rows, JudgeModelError> {
    let mut picking = Picker {
        challenger: Encoder::new(&plan.columns)?,
        champion: Encoder::new(champion)?,
        features: Features::default(),
        rows: Rows::default(),
        read: 0,
    };
    let parts = in_order(keys, plan);
    let most = most as usize;
    for (at, part) in parts.iter().enumerate() {
        let wanted = most - picking.rows.truths.len();
        // Items are ordered by the hash of their partition key, but those with one key are
        // adjacent.
        let others = (parts.len() - at).min(SPREAD.saturating_sub(at)).max(1);
        picking.take(store, part, wanted.div_ceil(others)).await?;
        if picking.rows.truths.len() == most || picking.is_enough() {
            break;
        }
    }
    Ok(picking.rows)
}

/// All parts, in an order derived from the run's id.
fn in_order<'p>(keys: &RunKeys, plan: &'p DatasetPlan<Columns>) -> Vec<&'p Part> {
    let mut parts: Vec<_> = plan.shards.iter().flatten().collect();
    let place =
        |part: &Part| XxHash3_64::oneshot(format!("{}/{}", keys.run(), part.key).as_bytes());
    parts.sort_by_cached_key(|part| (place(part), part.key.clone()));
    // Shards may share a part.
    parts.dedup();
    parts
}

struct Picker {
    challenger: Encoder,
    champion: Encoder,
    features: Features,
    rows: Rows,
    read: u64,
}

impl Picker {
    /// Takes up to this many rows of a part.
    async fn take<S: ObjectStore>(
        &mut self,
        store: &S,
        part: &Part,
        wanted: usize,
    ) -> Result<(), JudgeModelError> {
        let enough = self.rows.truths.len() + wanted;
        let mut projection = self.challenger.projection();
        let mut reader = part::open(store, part).await?;
        while let Some(batch) = reader.next().await? {
            self.read += batch.len() as u64;
            projection.clear();
            for line in part::lines(batch) {
                let pushed = projection.push_line(line);
                pushed.map_err(|source| unreadable(part, source))?;
            }
            let mut items = projection.rows();
            while let Some((line, values)) = items.next() {
                self.offer(part, line, values)?;
                if self.rows.truths.len() == enough {
                    return Ok(());
                }
            }
            if self.is_enough() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn is_enough(&self) -> bool {
        let bytes = self.rows.challenger.len().max(self.rows.champion.len());
        bytes >= MOST_BYTES || self.read >= MOST_READ
    }

    fn offer(
        &mut self,
        part: &Part,
        line: &str,
        values: &[Option<Value<'_>>],
    ) -> Result<(), JudgeModelError> {
        let outcome = self.challenger.encode(values, &mut self.features);
        if outcome != RowOutcome::Row(Side::Validation) {
            return Ok(());
        }
        let truth = self.features.truth;
        let (challenger, champion) = (self.rows.challenger.len(), self.rows.champion.len());
        let mut fits = self.features.append_to(&mut self.rows.challenger);
        let item = dynamodb_json::parse_line(line.as_bytes()).map_err(|it| unreadable(part, it))?;
        let values = self.champion.values(&item);
        let trained = match self.champion.encode(&values, &mut self.features) {
            RowOutcome::Row(Side::Train) => true,
            RowOutcome::Row(_) => false,
            // An endpoint answers for any item that has the features.
            _ => {
                let features = self.champion.features(&values, &mut self.features);
                fits &= features.is_ok();
                false
            }
        };
        fits = fits && self.features.append_to(&mut self.rows.champion);
        if trained || !fits {
            self.rows.challenger.truncate(challenger);
            self.rows.champion.truncate(champion);
            self.rows.counts.trained += u64::from(trained);
            self.rows.counts.unfit += u64::from(!trained);
            return Ok(());
        }
        self.rows.truths.push(truth);
        self.rows.counts.rows += 1;
        Ok(())
    }
}

fn unreadable(part: &Part, source: dynamodb_json::ItemError) -> JudgeModelError {
    JudgeModelError::Item {
        key: part.key.clone(),
        source,
    }
}

/// A row's features as a line of CSV, with its label and weight.
struct Features {
    csv: CsvRows,
    truth: Truth,
}

impl Default for Features {
    fn default() -> Self {
        Self {
            csv: CsvRows::new(),
            truth: NO_TRUTH,
        }
    }
}

const NO_TRUTH: Truth = Truth {
    label: 0.0,
    weight: 1.0,
};

impl Features {
    /// Appends the line; `false` if it is blank, since a blank line is not a row.
    fn append_to(&self, rows: &mut Vec<u8>) -> bool {
        let line = self.csv.as_bytes();
        rows.extend_from_slice(line);
        line.len() > 1
    }
}

impl RowSink for Features {
    fn begin(&mut self) {
        self.csv.clear();
        self.truth = NO_TRUTH;
        self.csv.begin();
    }

    fn label(&mut self, label: Cell<'_>) {
        self.truth.label = label.value();
    }

    fn weight(&mut self, weight: Cell<'_>) {
        self.truth.weight = weight.value();
    }

    fn number(&mut self, slot: u32, number: Cell<'_>) {
        self.csv.number(slot, number);
    }

    fn missing(&mut self, slot: u32) {
        self.csv.missing(slot);
    }

    fn zeros(&mut self, first: u32, count: u32) {
        self.csv.zeros(first, count);
    }

    fn commit(&mut self) {
        self.csv.commit();
    }

    fn roll_back(&mut self) {
        self.csv.roll_back();
    }
}

/// Labels and weights as lines.
pub fn to_lines(truths: &[Truth]) -> Vec<u8> {
    let line = |Truth { label, weight }: &Truth| format!("{label},{weight}\n");
    truths.iter().map(line).collect::<String>().into_bytes()
}

/// The truths that [`to_lines`] wrote, or the number of the first malformed line.
pub fn from_lines(text: &[u8]) -> Result<Vec<Truth>, usize> {
    let text = String::from_utf8_lossy(text);
    let read = |line: &str| {
        let (label, weight) = line.split_once(',')?;
        Some(Truth {
            label: label.parse().ok()?,
            weight: weight.parse().ok()?,
        })
    };
    let lines = (1..).zip(text.lines());
    lines
        .map(|(number, line)| read(line).ok_or(number))
        .collect()
}
