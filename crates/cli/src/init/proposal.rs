//! The text of a proposed definition.

use super::columns::{self, Chosen};
use super::jsonc::Object;
use super::task::Task;
use super::{Algorithm, InitError, Wishes};
use crate::progress::count;
use contract::short_name;
use dataset::{PlanError, Surveyed, plan_columns, survey};
use definition::Dataset;
use dynamodb_json::Path;
use plan_export::TableSample;
use serde_json::{Value, json};

/// Where editors find the schema of this version.
const SCHEMA: &str = concat!(
    env!("CARGO_PKG_REPOSITORY"),
    "/raw/v",
    env!("CARGO_PKG_VERSION"),
    "/statemachine/schema/definition.schema.json"
);

/// US dollars that an export may cost, unless somebody decides otherwise.
const MAX_COST: u32 = 5;

/// A proposed definition.
#[derive(Debug)]
pub struct Proposal {
    /// Its text, JSON with comments.
    pub text: String,
    /// What was decided, a line each.
    pub notes: Vec<String>,
}

/// Proposes a definition.
///
/// # Errors
/// If the label cannot be one, or nothing else can be a column.
pub fn propose(sample: &TableSample, wishes: &Wishes<'_>) -> Result<Proposal, InitError> {
    let keys = &sample.key_attributes;
    let survey = survey(&sample.profile, keys);
    let label = &label(sample, wishes.label, &survey)?;
    let items = sample.sample.items;
    let pair = match wishes.algorithm {
        Algorithm::Recommender => Some(
            columns::pair(&survey, &label.surveyed.path)
                .map_err(|which| InitError::NoPair { which })?,
        ),
        Algorithm::Xgboost | Algorithm::None => None,
    };
    let only = pair.as_ref().map(<[_; 2]>::as_slice);
    let mut time = columns::time(&survey, &label.surveyed.path, items).map(|it| it.path.as_str());
    loop {
        let path = &label.surveyed.path;
        let chosen = columns::choose(&survey, path, time, only, &sample.profile);
        let parts = Parts {
            sample,
            wishes,
            label,
            chosen,
            time,
        };
        match parts.check() {
            Ok(()) => return Ok(parts.proposal()),
            // Too few moments to split by.
            Err(PlanError::Time { .. }) if time.is_some() => time = None,
            Err(error) => return Err(InitError::Refused(Box::new(error))),
        }
    }
}

/// The label, and what is learned.
pub(super) struct Label<'s> {
    surveyed: &'s Surveyed,
    pub(super) task: Task,
}

fn label<'s>(
    sample: &TableSample,
    label: &str,
    survey: &'s [Surveyed],
) -> Result<Label<'s>, InitError> {
    let path = Path::parse(label).map_or_else(|_| label.to_owned(), |path| path.to_string());
    let Some(surveyed) = survey.iter().find(|it| it.path == path) else {
        let refused = plan_columns(
            &dataset(json!({ "label": label })),
            &sample.key_attributes,
            &sample.profile,
        );
        let missing = PlanError::LabelMissing {
            label: path,
            items: sample.sample.items,
            present: "others".to_owned(),
        };
        return Err(InitError::Refused(Box::new(
            refused.err().unwrap_or(missing),
        )));
    };
    if surveyed.is_constant || surveyed.distinct == Some(1) {
        return Err(InitError::LabelConstant {
            label: path,
            items: sample.sample.items,
        });
    }
    let task = Task::of(surveyed, &sample.profile).ok_or_else(|| InitError::LabelUnfit {
        label: path,
        found: match (&surveyed.inferred, surveyed.distinct) {
            (Err(reason), _) => reason.clone(),
            (Ok(_), Some(count)) => format!("has {count} different texts"),
            (Ok(_), None) => "has too many different texts".to_owned(),
        },
    })?;
    Ok(Label { surveyed, task })
}

/// Half of the items that have a label.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is below `items`"
)]
fn half(items: u64, missing: f64) -> u64 {
    ((items as f64 * (1.0 - missing) / 2.0) as u64).max(1)
}

fn dataset(value: Value) -> Dataset {
    contract::read::from_value(value).expect("the proposal is a dataset by its form")
}

/// What a proposal is made of.
pub(super) struct Parts<'p> {
    sample: &'p TableSample,
    pub(super) wishes: &'p Wishes<'p>,
    pub(super) label: &'p Label<'p>,
    chosen: Chosen,
    time: Option<&'p str>,
}

impl Parts<'_> {
    /// Checks by the code of a run that the sample makes a dataset of it.
    fn check(&self) -> Result<(), PlanError> {
        if self.chosen.columns.is_empty() {
            let mut reasons =
                self.chosen.left_out.iter().take(5).map(|(path, reason)| {
                    format!("{} {reason}", path.as_str().unwrap_or_default())
                });
            let first = reasons.next();
            let left_out = first.map_or_else(
                || "there is none beside the label".to_owned(),
                |first| reasons.fold(first, |all, next| format!("{all}; {next}")),
            );
            return Err(PlanError::NoColumns { left_out });
        }
        let columns = self.chosen.columns.iter().map(|(column, _)| column);
        let columns: Vec<_> = columns.collect();
        let mut value = json!({
            "label": self.label.surveyed.path,
            "columns": columns,
            "split": self.split().0,
        });
        if self.label.task.has_classes() {
            value["labelEncoding"] = json!("classes");
        }
        let keys = &self.sample.key_attributes;
        plan_columns(&dataset(value), keys, &self.sample.profile).map(drop)
    }

    fn proposal(&self) -> Proposal {
        let Wishes {
            table, algorithm, ..
        } = *self.wishes;
        let items = self.sample.sample.items;
        let mut whole = Object::default();
        whole.value("$schema", SCHEMA, "");
        whole.value("source", self.wishes.source.clone(), "");
        whole.object("dataset", self.dataset(), "");
        if algorithm != Algorithm::None {
            whole.object("training", self.training(), self.why_training());
            let (promotion, comment) = self.promotion();
            whole.value("promotion", promotion, &comment);
        }
        let limits = json!({ "maxCost": MAX_COST });
        let comment = "US dollars. A run whose export is estimated above it is refused before it \
                       reads the table.";
        whole.value("limits", limits, comment);
        let top = format!(
            "Proposed by `millrace init {table}` from {} sampled items. Each comment says why. \
             Check the columns for leaks: what is known only after the label teaches nothing.",
            count(items)
        );
        Proposal {
            text: whole.text(&top),
            notes: self.notes(),
        }
    }

    fn dataset(&self) -> Object {
        let Label { surveyed, task } = self.label;
        let items = self.sample.sample.items;
        let missing = 1.0 - surveyed.values as f64 / items as f64;
        let mut dataset = Object::default();
        let comment = format!(
            "What is predicted: {}. {:.1} % of the items have none, and make no row.",
            task.phrase(),
            missing * 100.0
        );
        dataset.value("label", surveyed.path.as_str(), &comment);
        if task.has_classes() {
            let comment = "Each value is a class; the run numbers them, and `predict` names them.";
            dataset.value("labelEncoding", "classes", comment);
        }
        let comment = "The features, encoded as a run would infer it.";
        dataset.list("columns", self.chosen.columns.clone(), comment);
        if !self.chosen.left_out.is_empty() {
            let comment = "No columns, each with its reason.";
            dataset.list("exclude", self.chosen.left_out.clone(), comment);
        }
        if !self.chosen.rare.is_empty() {
            let rare = self.chosen.rare.iter();
            let rare = rare.map(|path| (json!(path), String::new())).collect();
            let comment = "Columns that so few items have that a run's sample may miss them.";
            dataset.list("rare", rare, comment);
        }
        let (split, comment) = self.split();
        dataset.value("split", split, comment);
        let comment = "Bounds that end a run before training is paid for.";
        dataset.value("gate", self.gate(missing), comment);
        dataset
    }

    /// The split, and why.
    fn split(&self) -> (Value, &'static str) {
        if let Some(path) = self.time {
            let comment = "The latest tenth of the rows validates, as new items come later.";
            return (json!({"time": {"path": path}, "validation": 0.1}), comment);
        }
        let keys = &self.sample.key_attributes;
        let path = |key: &String| Path::attribute(key).to_string();
        let partition = keys.first().map(path).unwrap_or_default();
        let is_column = self
            .chosen
            .columns
            .iter()
            .any(|(it, _)| it["path"] == *partition);
        if keys.len() > 1 && !is_column {
            let comment = "A tenth of the partition keys validates: their items stay together.";
            return (json!({"by": [partition], "validation": 0.1}), comment);
        }
        let by: Vec<_> = keys.iter().map(path).collect();
        let comment = "A tenth of the items validates, chosen by a hash of their keys.";
        (json!({"by": by, "validation": 0.1}), comment)
    }

    fn gate(&self, missing: f64) -> Value {
        // The table's own count lags by hours, and may be none yet.
        let items = self.sample.items.max(self.sample.sample.items);
        let mut gate = json!({
            "minimumRows": half(items, missing),
            "maximumMissingLabel": ((missing * 200.0).ceil() / 100.0).clamp(0.05, 1.0),
        });
        let half = self.label.task.rarest().map(|share| share / 2.0);
        let share = half.map_or(0.0, |half| (half * 1000.0).floor() / 1000.0);
        if share > 0.0 {
            gate["minimumClassShare"] = json!(share);
        }
        gate
    }

    fn notes(&self) -> Vec<String> {
        let Label { surveyed, task } = self.label;
        let split = match self.time {
            Some(path) => format!("split by time, {}", short_name(path)),
            None => "split by the key".to_owned(),
        };
        let trained = match self.wishes.algorithm {
            Algorithm::Xgboost => format!("XGBoost, {}", task.objective()),
            Algorithm::Recommender => "the recommender".to_owned(),
            Algorithm::None => "no training".to_owned(),
        };
        vec![
            format!("label {}: {}", short_name(&surveyed.path), task.phrase()),
            format!(
                "{} columns, {} attributes left out; {split}; {trained}",
                self.chosen.columns.len(),
                self.chosen.left_out.len()
            ),
        ]
    }
}
