//! Exports of DynamoDB tables: by the connector's export class, by a Hive copy with a filter, and
//! by a Hive script that only copies.

use super::{Export, Finding, Needed, Planner, Timing, definition_file};
use crate::ConvertError;
use crate::expression::Template;
use crate::ledger::Use;
use crate::pipeline::Object;
use crate::report::Outcome;
use crate::text::attribute_path;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The connector's classes, as the last part of their names.
const EXPORT: &str = "DynamoDbExport";
const IMPORT: &str = "DynamoDbImport";
/// The share of a table's capacity that the connector reads by default.
const DEFAULT_SHARE: &str = "0.5";

const NODE: &[&str] = &["DynamoDBDataNode"];

/// What is made of a share of the capacity.
struct Share {
    percent: i64,
    outcome: Outcome,
    why: &'static str,
}

/// The per cent of a share such as `0.25`.
fn share(text: &str) -> Share {
    let on_demand = "the share of the read capacity; of a table on demand, of its warm throughput, \
                     where Data Pipeline assumed a capacity";
    let number = text.trim().parse::<f64>().unwrap_or(0.0);
    // A binary fraction such as 0.55 is a little more than it says.
    #[expect(clippy::cast_possible_truncation, reason = "it is from 0 to 100")]
    let up = |value: f64| ((value - 1e-9).ceil() as i64).clamp(1, 100);
    if number > 0.0 && number <= 1.0 {
        Share {
            percent: up(number * 100.0),
            outcome: Outcome::Taken,
            why: on_demand,
        }
    } else if number > 1.0 && number <= 100.0 {
        Share {
            percent: up(number),
            outcome: Outcome::Approximated,
            why: "a share is 0.1 to 1.0: this one is read as per cent",
        }
    } else {
        Share {
            percent: 50,
            outcome: Outcome::Approximated,
            why: "this is no share of 0.1 to 1.0: the connector's default, a half, is taken",
        }
    }
}

/// The table and the share that an activity reads.
struct Reading<'p> {
    table: String,
    percent: i64,
    node: Option<&'p Object>,
}

impl<'p> Planner<'p> {
    /// A step of an EMR cluster with the connector's export class.
    pub(super) fn emr(&mut self, activity: &'p Object) -> Result<Finding, ConvertError> {
        let steps = self.values(activity, "step")?;
        let class = |step: &Template, class: &str| {
            let parts = step.split(',');
            let is = |part: &Template| {
                let text = part.text().unwrap_or_default().trim();
                let name = text.rsplit('.').next().unwrap_or_default();
                name.eq_ignore_ascii_case(class)
            };
            let at = parts.iter().position(is);
            at.map(|at| parts[at + 1..].to_vec())
        };
        let Some(arguments) = steps.iter().find_map(|step| class(step, EXPORT)) else {
            let why = if steps.iter().any(|step| class(step, IMPORT).is_some()) {
                "an import into DynamoDB: a definition with source.files of the format dataPipeline \
                 reads the old export, and millrace restore writes the run into a table, or \
                 prints the commands of ImportTable"
            } else {
                ""
            };
            return Ok(Finding::Other(why.to_owned()));
        };
        let node = self.node(activity, "input", NODE);
        let table = match arguments.get(1) {
            Some(table) => Some(table.clone()),
            None => match node {
                Some(node) => self.first(node, "tableName")?,
                None => None,
            },
        };
        let ratio = match (arguments.get(2), node) {
            (Some(ratio), _) => Some(ratio.clone()),
            (None, Some(node)) => self.first(node, "readThroughputPercent")?,
            (None, None) => None,
        };
        let Some(table) = table else {
            let place = format!("{}.step", activity.id);
            let why = "the export names no table: its arguments are path, table and share";
            return Err(self.pipeline.inconsistent(&place, why));
        };
        let reading = self.reading(activity, ("step", &table), ratio, node)?;
        let Some(reading) = reading else {
            return Ok(self.unplanned());
        };
        let name = self.names.of(&reading.table);
        let place = definition_file(&name);
        let (outcome, why) = if steps.len() > 1 {
            let why = "one of its steps is the export; the others have no counterpart: Step \
                       Functions runs EMR steps";
            (Outcome::NoCounterpart, why)
        } else {
            let why = "the connector's export: its path, table and share are arguments";
            (Outcome::Derived, why)
        };
        let new = Use::new(outcome, why)
            .to(format!("{place}#source.dynamodb.table"))
            .to(format!("{place}#source.dynamodb.read.percent"));
        self.mark(activity, "step", new);
        self.export(activity, name, &reading, None, Vec::new())
    }

    /// A copy by Hive, of the items that satisfy a condition.
    pub(super) fn hive_copy(&mut self, activity: &'p Object) -> Result<Finding, ConvertError> {
        let node = self.node(activity, "input", NODE);
        let target = self.node(activity, "output", &["S3DataNode"]);
        let (Some(node), Some(_)) = (node, target) else {
            let why = "only a copy from DynamoDB to S3 has a counterpart; for a copy between \
                       tables AWS has global tables, ImportTable and AWS Glue";
            return Ok(Finding::Other(why.to_owned()));
        };
        let Some(reading) = self.of_node(activity, node)? else {
            return Ok(self.unplanned());
        };
        let name = self.names.of(&reading.table);
        let filter = self.filter(activity, node, &name)?;
        self.export(activity, name, &reading, filter, Vec::new())
    }

    fn filter(
        &mut self,
        activity: &'p Object,
        node: &'p Object,
        name: &str,
    ) -> Result<Option<Value>, ConvertError> {
        let Some(written) = self.first(activity, "filterSql")? else {
            return Ok(None);
        };
        let format = self
            .pipeline
            .referred(node, "dataFormat")
            .into_iter()
            .next();
        let mut columns = Vec::new();
        if let Some(format) = format {
            for column in self.values(format, "column")? {
                columns.extend(column.text().map(str::to_owned));
            }
        }
        let read = match self.need(activity, "filterSql", &written)? {
            Needed::Text(text) => crate::filter::read(&text, &columns),
            Needed::Runtime(_) => Err("it depends on the run's time".to_owned()),
            Needed::Missing => return Ok(None),
        };
        match read {
            Ok(filter) => {
                let place = format!("{}#source.dynamodb.filter", definition_file(name));
                let why = "the same condition as a filter expression of DynamoDB";
                let new = Use::new(Outcome::Taken, why).to(place.clone());
                self.mark(activity, "filterSql", new);
                if let Some(format) = format {
                    let why = "names and types of the filter";
                    let new = Use::new(Outcome::Derived, why).to(place);
                    self.mark(format, "column", new);
                }
                Ok(Some(filter.json()))
            }
            Err(why) => {
                let why = format!(
                    "{why}. The export has all items: use `dataset.where`, or filter behind it"
                );
                self.mark(activity, "filterSql", Use::new(Outcome::NoCounterpart, why));
                Ok(None)
            }
        }
    }

    /// A Hive script that copies a table to CSV.
    pub(super) fn hive(&mut self, activity: &'p Object) -> Result<Finding, ConvertError> {
        let node = self.node(activity, "input", NODE);
        let target = self.node(activity, "output", &["S3DataNode"]);
        let (Some(node), Some(target)) = (node, target) else {
            return Ok(Finding::Other(String::new()));
        };
        let Some(script) = self.first(activity, "hiveScript")? else {
            let why = "its script lies in S3, where it is not read: if it only copies the table, \
                       `millrace init TABLE` writes the definition";
            return Ok(Finding::Other(why.to_owned()));
        };
        // Its location may name the run's time, and does not matter.
        let copy = match crate::hive::read(&script.shown()) {
            Ok(copy) => copy,
            Err(why) => {
                let why = format!(
                    "the Hive script does more than copy a table: {why}. Amazon EMR Serverless \
                     runs Hive, and so does AWS Glue for Spark"
                );
                return Ok(Finding::Other(why));
            }
        };
        self.needs.extend(script.missing().map(str::to_owned));
        let Some(reading) = self.of_node(activity, node)? else {
            return Ok(self.unplanned());
        };
        for attribute in &copy.attributes {
            self.refuse_secret(activity, "hiveScript", attribute)?;
        }
        if let Some(table) = copy.table.filter(|table| *table != reading.table) {
            let table = self.secrets.mask(&crate::text::visible(&table));
            let table = crate::text::short(&table, 60);
            let why = format!("the script reads the table {table}, and its input names another");
            return Ok(Finding::Other(why));
        }
        let name = self.names.of(&reading.table);
        let place = definition_file(&name);
        let why = "the script only copies: the attributes of its mapping are exported, as lines of \
                   DynamoDB JSON. `--label PATH` adds CSV files with a header";
        let to = format!("{place}#source.dynamodb.projection");
        self.mark(
            activity,
            "hiveScript",
            Use::new(Outcome::Approximated, why).to(to),
        );
        for (object, field) in [(node, "dataFormat"), (target, "dataFormat")] {
            let why = "raw lines are DynamoDB JSON; `--label PATH` adds CSV files with a header";
            self.mark(object, field, Use::new(Outcome::Approximated, why));
        }
        self.export(activity, name, &reading, None, copy.attributes)
    }

    fn of_node(
        &mut self,
        activity: &'p Object,
        node: &'p Object,
    ) -> Result<Option<Reading<'p>>, ConvertError> {
        let Some(table) = self.first(node, "tableName")? else {
            return Err(self
                .pipeline
                .inconsistent(&node.id, "the data node has no `tableName`"));
        };
        let ratio = self.first(node, "readThroughputPercent")?;
        self.reading(activity, ("tableName", &table), ratio, Some(node))
    }

    /// Nothing if a parameter has no value, or the run's time decides.
    fn reading(
        &mut self,
        activity: &'p Object,
        (field, table): (&str, &Template),
        ratio: Option<Template>,
        node: Option<&'p Object>,
    ) -> Result<Option<Reading<'p>>, ConvertError> {
        // Both are looked at, so that one answer names all values that are missing.
        let table = self.need(activity, field, table)?;
        let ratio = match ratio {
            None => Needed::Text(DEFAULT_SHARE.to_owned()),
            Some(ratio) => self.need(activity, field, &ratio)?,
        };
        Ok(match (table, ratio) {
            (Needed::Text(table), Needed::Text(ratio) | Needed::Runtime(ratio)) => Some(Reading {
                table,
                percent: share(&ratio).percent,
                node,
            }),
            _ => None,
        })
    }

    /// Either values are missing, which the caller asks for, or only a run knows the table.
    fn unplanned(&self) -> Finding {
        let why = if self.needs.is_empty() {
            "the table's name depends on the run's time: write a definition for each table"
        } else {
            ""
        };
        Finding::Other(why.to_owned())
    }

    fn export(
        &mut self,
        activity: &'p Object,
        name: String,
        reading: &Reading<'p>,
        filter: Option<Value>,
        attributes: Vec<String>,
    ) -> Result<Finding, ConvertError> {
        let place = definition_file(&name);
        let mut region = None;
        if let Some(node) = reading.node {
            let own = self.known(node, "tableName")?;
            let table = if own.as_deref() == Some(&reading.table) {
                Use::new(Outcome::Taken, "the table").to(format!("{place}#source.dynamodb.table"))
            } else {
                Use::new(
                    Outcome::Dropped,
                    "the step names another table, and reads that one",
                )
            };
            self.mark(node, "tableName", table);
            if let Some(text) = self.known(node, "readThroughputPercent")? {
                let share = share(&text);
                let to = format!("{place}#source.dynamodb.read.percent");
                let new = Use::new(share.outcome, share.why).to(to);
                self.mark(node, "readThroughputPercent", new);
            }
            if let Some(written) = self.first(node, "region")?
                && let Needed::Text(text) = self.need(node, "region", &written)?
                && !text.is_empty()
            {
                let why = "deploy the stack in this region: it reads tables of its own";
                let new = Use::new(Outcome::Derived, why).to("stack:region");
                self.mark(node, "region", new);
                region = Some(text);
            }
        }
        let mut source = json!({
            "table": reading.table,
            "read": { "percent": reading.percent },
        });
        if let Some(filter) = filter {
            source["filter"] = filter;
        }
        if !attributes.is_empty() {
            let paths = attributes.iter().map(|attribute| attribute_path(attribute));
            source["projection"] = json!(paths.collect::<Vec<_>>());
        }
        let export = Export {
            activity: activity.id.clone(),
            name,
            table: reading.table.clone(),
            source: json!({ "dynamodb": source }),
            columns: attributes,
            ready: Vec::new(),
            ready_minutes: None,
            ready_buckets: BTreeSet::new(),
            notices: super::Notices::default(),
            max_minutes: None,
            timing: Timing::default(),
            secret: None,
            region,
            subnets: BTreeSet::new(),
            security_groups: BTreeSet::new(),
            notes: Vec::new(),
        };
        self.finish(activity, export)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_become_per_cent_rounded_up() {
        for (text, percent, outcome) in [
            ("0.25", 25, Outcome::Taken),
            ("0.55", 55, Outcome::Taken),
            ("0.001", 1, Outcome::Taken),
            ("1.0", 100, Outcome::Taken),
            ("25", 25, Outcome::Approximated),
            ("0", 50, Outcome::Approximated),
            ("much", 50, Outcome::Approximated),
            ("NaN", 50, Outcome::Approximated),
        ] {
            let made = share(text);
            assert_eq!((made.percent, made.outcome), (percent, outcome), "{text}");
        }
    }
}
