//! Encodes one item as one row, by the dataset's columns alone: training and serving run the same
//! code.

pub(crate) mod category;
mod codes;
pub(crate) mod condition;
mod duplicates;
mod exact_order;
pub(crate) mod feature;
mod label;
pub(crate) mod members;
pub(crate) mod moment;
pub(crate) mod numeric_text;
pub(crate) mod outcome;
mod places;
pub(crate) mod reject;
mod sample;
mod split;

use crate::columns::Columns;
use crate::encode::condition::PreparedCondition;
use crate::encode::duplicates::{Duplicates, Ranking};
use crate::encode::feature::Feature;
use crate::encode::label::Label;
use crate::encode::outcome::RowOutcome;
use crate::encode::places::Places;
use crate::encode::reject::{Reject, RejectReason, Stop};
use crate::encode::sample::Sampler;
use crate::encode::split::Splitter;
use crate::error::ColumnsError;
use crate::rows::cell::Cell;
use crate::rows::sink::{RowSink, Unwritten};
use dynamodb_json::{Map, Projection, Value};

/// Encodes items as rows: a label, and equally many slots in every row.
#[derive(Debug, Clone)]
pub struct Encoder {
    places: Places,
    label: Label,
    weight: Option<String>,
    features: Vec<Feature>,
    slot_names: Vec<String>,
    conditions: Vec<PreparedCondition>,
    /// Of each condition, whether it is one on the label.
    on_label: Vec<bool>,
    splitter: Splitter,
    sampler: Option<Sampler>,
    /// The path of the row's timestamp.
    time: Option<String>,
    duplicates: Option<Duplicates>,
    /// The path of the greatest value among duplicates.
    latest: Option<String>,
    /// How many items each condition left out; of several, the first counts.
    left_out: Vec<u64>,
}

/// An item's values at the columns' paths; `None` where it has none.
type Values<'a> = [Option<Value<'a>>];

impl Encoder {
    /// An encoder for these columns; of images there are none, and a row is its label and its side.
    ///
    /// # Errors
    /// If the columns were not written by [`crate::plan_columns`].
    pub fn new(columns: &Columns) -> Result<Self, ColumnsError> {
        let mut width = 0;
        let mut features = Vec::with_capacity(columns.columns.len());
        for column in &columns.columns {
            let feature = Feature::new(column, width)?;
            width = width
                .checked_add(feature.width())
                .ok_or_else(|| ColumnsError::Options {
                    path: column.path.clone(),
                })?;
            features.push(feature);
        }
        let conditions = columns.conditions.iter().map(|condition| {
            PreparedCondition::new(condition).map_err(|_| ColumnsError::Condition {
                path: condition.path.clone(),
            })
        });
        Ok(Self {
            places: Places::new(columns)?,
            label: Label::new(columns)?,
            weight: columns.weight.clone(),
            features,
            slot_names: columns
                .columns
                .iter()
                .flat_map(crate::FeatureColumn::slot_names)
                .collect(),
            conditions: conditions.collect::<Result<_, _>>()?,
            on_label: columns
                .conditions
                .iter()
                .map(|condition| condition.path == columns.label)
                .collect(),
            splitter: Splitter::new(&columns.split),
            sampler: columns.sample.as_ref().map(Sampler::new),
            time: columns.split.time.as_ref().map(|time| time.path.clone()),
            duplicates: columns
                .deduplicate
                .as_ref()
                .map(|rule| Duplicates::new(rule.latest_are)),
            latest: columns
                .deduplicate
                .as_ref()
                .and_then(|rule| rule.latest.clone()),
            left_out: vec![0; columns.conditions.len()],
        })
    }

    /// Number of feature slots of a row, without label and weight.
    pub const fn width(&self) -> usize {
        self.slot_names.len()
    }

    /// The name of each slot: a column's path, with a suffix if it has several.
    pub fn slot_names(&self) -> &[String] {
        &self.slot_names
    }

    /// Whether every item must be [seen](Self::see) before the first is encoded.
    pub const fn needs_first_pass(&self) -> bool {
        self.duplicates.is_some()
    }

    /// The projection that finds the values in raw lines, for [`see`](Self::see) and
    /// [`encode`](Self::encode).
    pub fn projection(&self) -> Projection {
        self.places.projection()
    }

    /// The same values of a single item.
    pub fn values<'a>(&self, item: &Map<'a>) -> Vec<Option<Value<'a>>> {
        self.places.values(item)
    }

    /// Sees an item before its row, so that the right one of several items with the same key
    /// becomes the row.
    pub fn see(&mut self, values: &Values<'_>) {
        if self.duplicates.is_some()
            && self.may_become_row(values)
            && let Some(duplicates) = &mut self.duplicates
        {
            let places = &self.places;
            duplicates.see(
                &values[places.same.clone()],
                &values[places.latest.clone()],
                &values[places.key.clone()],
            );
        }
    }

    /// Whether the item competes for the row of its key. One that is rejected for a value must not
    /// win over one that is not. One that fails the run does, so that it is found.
    fn may_become_row(&mut self, values: &Values<'_>) -> bool {
        if first_failed(&self.conditions, &values[self.places.conditions.clone()]).is_some() {
            return false;
        }
        let written = self.write(values, &mut Unwritten);
        !matches!(written, Err(Ended::Rejected(_) | Ended::Dropped))
    }

    /// Writes the item's row to `row`: the label, the weight if there is one, then the features.
    /// Unless the outcome is [`RowOutcome::Row`], the row is rolled back.
    pub fn encode(&mut self, values: &Values<'_>, row: &mut impl RowSink) -> RowOutcome {
        let places = &self.places;
        if let Some(failed) = first_failed(&self.conditions, &values[places.conditions.clone()]) {
            self.left_out[failed] += 1;
            return RowOutcome::Filtered;
        }
        if let Some(duplicates) = &mut self.duplicates {
            let latest = &values[places.latest.clone()];
            let ranking = duplicates.ranking(
                &values[places.same.clone()],
                latest,
                &values[places.key.clone()],
            );
            match ranking {
                Ranking::First => {}
                Ranking::Behind => return RowOutcome::Duplicate,
                Ranking::Unreadable => {
                    return RowOutcome::Rejected(Reject::new(
                        self.latest.as_deref().unwrap_or_default(),
                        RejectReason::LatestUnreadable,
                        latest.first().and_then(Option::as_ref),
                    ));
                }
            }
        }
        row.begin();
        let outcome = match self.write(values, row) {
            Ok(outcome) => outcome,
            Err(Ended::Dropped) => RowOutcome::Filtered,
            Err(Ended::Rejected(reject)) => RowOutcome::Rejected(reject),
            Err(Ended::Refused(reject)) => RowOutcome::Refused(reject),
        };
        match outcome {
            RowOutcome::Row(_) => row.commit(),
            _ => row.roll_back(),
        }
        outcome
    }

    /// Writes the item's features without label and weight, for a request to an endpoint: slot by
    /// slot as in the training row. Conditions, duplicates and the split are not applied.
    ///
    /// # Errors
    /// The item cannot become a row; it is rolled back.
    pub fn features(&self, values: &Values<'_>, row: &mut impl RowSink) -> Result<(), Reject> {
        row.begin();
        let result = self.write_features(&values[self.places.features.clone()], row);
        match result {
            Ok(()) => {
                row.commit();
                Ok(())
            }
            Err(stopped) => {
                row.roll_back();
                Err(stopped.reject())
            }
        }
    }

    /// Whether the dataset's conditions keep the item out of its rows. A condition on the label is
    /// passed over if the item has none: it may be asked about before its label is known.
    pub fn is_left_out(&self, values: &Values<'_>) -> bool {
        let has_label = values[0].is_some_and(|label| !matches!(label, Value::Null));
        let of_item = &values[self.places.conditions.clone()];
        let mut all = self.conditions.iter().zip(of_item).zip(&self.on_label);
        all.any(|((condition, value), on_label)| {
            (has_label || !on_label) && !condition.holds(value.as_ref())
        })
    }

    /// The label of an item that became a row.
    pub fn label(&self, values: &Values<'_>) -> Option<f32> {
        self.label.cell(values[0]).ok().map(Cell::value)
    }

    /// The hash by which an item is sampled; `None` if all rows are kept.
    pub fn sample_hash(&self, values: &Values<'_>) -> Option<u64> {
        let sampler = self.sampler.as_ref()?;
        Some(sampler.hash(&values[self.places.sample.clone()]))
    }

    /// Writes one column's slots to `row`, by the column's position among the features.
    ///
    /// # Errors
    /// The value cannot be encoded; the row is rolled back.
    pub fn column(
        &self,
        at: usize,
        values: &Values<'_>,
        row: &mut impl RowSink,
    ) -> Result<(), Reject> {
        let feature = &self.features[at];
        let value = values[self.places.features.start + at];
        row.begin();
        match feature.write(value, row) {
            Ok(()) => {
                row.commit();
                Ok(())
            }
            Err(stop) => {
                row.roll_back();
                Err(Stopped {
                    path: &feature.path,
                    value,
                    stop,
                }
                .reject())
            }
        }
    }

    /// Number of feature columns.
    pub const fn columns(&self) -> usize {
        self.features.len()
    }

    /// How many items each condition has left out: of several that do not hold, the first counts.
    pub fn left_out(&self) -> &[u64] {
        &self.left_out
    }

    fn write(&mut self, values: &Values<'_>, row: &mut impl RowSink) -> Result<RowOutcome, Ended> {
        let label = self.label.cell(values[0]).map_err(Ended::Rejected)?;
        row.label(label);
        if let Some(path) = &self.weight {
            let weight = values[self.places.weight.clone()]
                .first()
                .copied()
                .flatten();
            let cell = label::weight(weight)
                .map_err(|reason| Ended::Rejected(Reject::new(path, reason, weight.as_ref())))?;
            row.weight(cell);
        }
        self.write_features(&values[self.places.features.clone()], row)
            .map_err(|stopped| match stopped.stop {
                Stop::Reject(_) => Ended::Rejected(stopped.reject()),
                Stop::Drop => Ended::Dropped,
                Stop::Fail(_) => Ended::Refused(stopped.reject()),
            })?;
        let group = &values[self.places.group.clone()];
        let time = values[self.places.time.clone()].first().copied().flatten();
        let side = self.splitter.side(group, time).map_err(|reason| {
            let path = self.time.as_deref().unwrap_or_default();
            Ended::Rejected(Reject::new(path, reason, time.as_ref()))
        })?;
        let Some(side) = side else {
            return Ok(RowOutcome::Filtered);
        };
        let sampled = &values[self.places.sample.clone()];
        let is_kept = self.sampler.as_ref();
        if is_kept.is_some_and(|sampler| !sampler.keeps(sampled, label.value())) {
            return Ok(RowOutcome::Unsampled);
        }
        Ok(RowOutcome::Row(side))
    }

    fn write_features<'s, 'v>(
        &'s self,
        values: &'s Values<'v>,
        row: &mut impl RowSink,
    ) -> Result<(), Stopped<'s, 'v>> {
        for (feature, value) in self.features.iter().zip(values) {
            feature.write(*value, row).map_err(|stop| Stopped {
                path: &feature.path,
                value: *value,
                stop,
            })?;
        }
        Ok(())
    }
}

/// Why an item has no row.
enum Ended {
    Dropped,
    Rejected(Reject),
    Refused(Reject),
}

/// The column at which a row ended.
struct Stopped<'s, 'v> {
    path: &'s str,
    value: Option<Value<'v>>,
    stop: Stop,
}

impl Stopped<'_, '_> {
    fn reject(&self) -> Reject {
        let reason = match self.stop {
            Stop::Reject(reason) | Stop::Fail(reason) => reason,
            Stop::Drop => RejectReason::Missing,
        };
        Reject::new(self.path, reason, self.value.as_ref())
    }
}

/// The first condition that does not hold.
fn first_failed(conditions: &[PreparedCondition], values: &Values<'_>) -> Option<usize> {
    conditions
        .iter()
        .zip(values)
        .position(|(condition, value)| !condition.holds(value.as_ref()))
}
