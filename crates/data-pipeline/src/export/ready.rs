//! What an export waits for: the preconditions of its activity and of what it reads.

use super::{Export, Needed, Planner, definition_file};
use crate::ConvertError;
use crate::ledger::Use;
use crate::period::Period;
use crate::pipeline::Object;
use crate::report::Outcome;
use serde_json::{Value, json};

/// Minutes that a definition may wait, at most.
const MOST_MINUTES: i64 = 1440;
/// Conditions that a definition may have.
const MOST: usize = 20;

impl<'p> Planner<'p> {
    /// Adds the conditions of the activity, of its input and of its output to the export.
    pub(super) fn ready(
        &mut self,
        activity: &'p Object,
        export: &mut Export,
    ) -> Result<(), ConvertError> {
        let mut holders = vec![activity];
        for field in ["input", "output"] {
            holders.extend(self.pipeline.referred(activity, field));
        }
        let place = format!("{}#ready", definition_file(&export.name));
        for holder in holders {
            let conditions = self.pipeline.referred(holder, "precondition");
            let mut all_are_kept = true;
            for condition in conditions {
                all_are_kept &= self.condition(condition, export, &place)?;
            }
            let new = if all_are_kept {
                Use::new(Outcome::Taken, "before the run reads the table").to(place.clone())
            } else {
                let why = "not all of it has a counterpart in `ready`, as its objects' lines say";
                Use::new(Outcome::NoCounterpart, why)
            };
            self.mark(holder, "precondition", new);
        }
        Ok(())
    }

    /// Whether the condition is one of the definition, or one that each run checks.
    fn condition(
        &mut self,
        condition: &'p Object,
        export: &mut Export,
        place: &str,
    ) -> Result<bool, ConvertError> {
        let kind = self.pipeline.type_of(condition);
        let (field, end) = match kind {
            "S3KeyExists" => ("s3Key", ""),
            "S3PrefixNotEmpty" => ("s3Prefix", "*"),
            "DynamoDBDataExists" | "DynamoDBTableExists" => {
                return self.of_table(condition, export, place);
            }
            _ => return Ok(false),
        };
        let Some(written) = self.first(condition, field)? else {
            let why = format!("the {kind} has no `{field}`");
            return Err(self.pipeline.inconsistent(&condition.id, &why));
        };
        let address = match self.need(condition, field, &written)? {
            Needed::Text(text) => text,
            Needed::Missing => return Ok(false),
            Needed::Runtime(_) => {
                let why = "its key is known only while a run runs: ask a function, \
                           `ready.when[].lambda`, or let the object's creation start the run, by an \
                           EventBridge rule";
                for field in [field, "type", "preconditionTimeout"] {
                    self.mark(condition, field, Use::new(Outcome::NoCounterpart, why));
                }
                return Ok(false);
            }
        };
        let ends_open = address.ends_with(['/', '*']);
        let address = match end {
            "*" if !ends_open => format!("{address}*"),
            "" if ends_open => {
                let why = "its key ends with `/` or `*`, which stand for a beginning in `ready`: \
                           ask a function, `ready.when[].lambda`";
                self.mark(condition, field, Use::new(Outcome::NoCounterpart, why));
                return Ok(false);
            }
            _ => address,
        };
        let Some(objects) = definition::awaited(&address) else {
            let why = "it is no address such as s3://bucket/key";
            self.mark(condition, field, Use::new(Outcome::Unknown, why));
            return Ok(false);
        };
        let bucket = format!("arn:aws:s3:::{}", objects.bucket);
        let why = "the run waits until the object is there";
        let new = Use::new(Outcome::Taken, why)
            .to(place)
            .to("stack.json#ReadyBucketArns");
        self.mark(condition, field, new.clone());
        self.mark(condition, "type", new);
        export.ready_buckets.insert(bucket);
        self.add(condition, json!({ "s3": address }), export, place)
    }

    /// The table that is exported is there, and has an item.
    fn of_table(
        &mut self,
        condition: &'p Object,
        export: &mut Export,
        place: &str,
    ) -> Result<bool, ConvertError> {
        let table = self.known(condition, "tableName")?;
        if table.as_deref() != Some(export.table.as_str()) {
            let why = "it is about another table than the one that is exported: ask a function, \
                       `ready.when[].lambda`";
            for field in ["tableName", "type", "preconditionTimeout"] {
                self.mark(condition, field, Use::new(Outcome::NoCounterpart, why));
            }
            return Ok(false);
        }
        if self.pipeline.type_of(condition) == "DynamoDBTableExists" {
            let why = "each run checks it first: TableMissing";
            for field in ["tableName", "type", "preconditionTimeout"] {
                self.mark(condition, field, Use::new(Outcome::Taken, why));
            }
            return Ok(true);
        }
        let why = "the run waits until the table has an item";
        for field in ["tableName", "type"] {
            let new = Use::new(Outcome::Taken, why).to(place);
            self.mark(condition, field, new);
        }
        self.add(condition, json!({"items": {"atLeast": 1}}), export, place)
    }

    fn add(
        &mut self,
        condition: &'p Object,
        made: Value,
        export: &mut Export,
        place: &str,
    ) -> Result<bool, ConvertError> {
        if !export.ready.contains(&made) {
            if export.ready.len() == MOST {
                let why = format!("a definition has {MOST} conditions at most");
                self.mark(condition, "type", Use::new(Outcome::NoCounterpart, why));
                return Ok(false);
            }
            export.ready.push(made);
        }
        let Some(text) = self.known(condition, "preconditionTimeout")? else {
            return Ok(true);
        };
        let minutes = Period::read(&text).and_then(Period::minutes);
        let (outcome, why) = match minutes {
            Some(minutes) if minutes <= MOST_MINUTES => {
                (Outcome::Taken, "the time for all conditions")
            }
            Some(_) => (Outcome::Approximated, "a run waits for a day at most"),
            None => (
                Outcome::Unknown,
                "it is no period of minutes, hours or days",
            ),
        };
        if let Some(minutes) = minutes {
            let minutes = minutes.clamp(1, MOST_MINUTES);
            export.ready_minutes = export.ready_minutes.max(Some(minutes));
        }
        let to = format!("{place}.withinMinutes");
        let new = Use::new(outcome, why).to(to);
        self.mark(condition, "preconditionTimeout", new);
        Ok(true)
    }
}
