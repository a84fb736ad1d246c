//! The activities that export a table: found, and planned as definitions of Millrace.

mod database;
mod dynamodb;
mod notices;
mod ready;
mod timing;

use crate::ConvertError;
use crate::expression::{Evaluator, Piece, Template};
use crate::ledger::{Ledger, Use};
use crate::names::Names;
use crate::pipeline::{Object, Pipeline};
use crate::report::Outcome;
use crate::schedule::Clock;
use crate::secrets::Secrets;
use serde_json::Value;
use std::collections::BTreeSet;

pub(crate) use notices::Notices;
pub(crate) use timing::Timing;

/// An export that becomes a pipeline.
#[derive(Debug, Clone)]
pub(crate) struct Export {
    /// The activity's id.
    pub activity: String,
    /// The pipeline's name.
    pub name: String,
    /// The table, for people.
    pub table: String,
    /// `source` of the definition.
    pub source: Value,
    /// The columns of CSV files that the activity wrote; empty if it wrote none, or all.
    pub columns: Vec<String>,
    /// `ready.when`.
    pub ready: Vec<Value>,
    /// `ready.withinMinutes`.
    pub ready_minutes: Option<i64>,
    /// ARNs of the buckets that it waits for.
    pub ready_buckets: BTreeSet<String>,
    /// The notices.
    pub notices: Notices,
    /// `limits.maxMinutes`.
    pub max_minutes: Option<i64>,
    /// When it runs.
    pub timing: Timing,
    /// The name of the secret with the login, if the source is a database.
    pub secret: Option<String>,
    /// The region of the table.
    pub region: Option<String>,
    pub subnets: BTreeSet<String>,
    pub security_groups: BTreeSet<String>,
    /// What is to be known of it.
    pub notes: Vec<String>,
}

/// What an activity is for Millrace.
pub(crate) enum Finding {
    /// An export.
    Export(Box<Export>),
    /// Something that Millrace does not do, and why.
    Other(String),
}

/// What planning an activity needs.
pub(crate) struct Planner<'p> {
    pub pipeline: &'p Pipeline,
    pub secrets: &'p Secrets,
    pub evaluator: Evaluator<'p>,
    pub clock: &'p Clock,
    pub names: &'p mut Names,
    pub ledger: Ledger,
    /// Parameters that have no value, and without which an export cannot be planned.
    pub needs: BTreeSet<String>,
}

/// A text that a plan needs.
pub(crate) enum Needed {
    Text(String),
    /// Known only while a run runs.
    Runtime(String),
    /// A parameter without a value, which is asked for.
    Missing,
}

impl<'p> Planner<'p> {
    /// Plans an activity of this type.
    pub(crate) fn plan(&mut self, activity: &'p Object) -> Result<Finding, ConvertError> {
        match self.pipeline.type_of(activity) {
            "EmrActivity" => self.emr(activity),
            "HiveCopyActivity" => self.hive_copy(activity),
            "HiveActivity" => self.hive(activity),
            "CopyActivity" => self.copy(activity),
            _ => Ok(Finding::Other(String::new())),
        }
    }

    /// Says something of a field that the object has or inherits.
    pub(crate) fn mark(&mut self, object: &Object, field: &str, new: Use) {
        if let Some((owner, field)) = self.pipeline.find(object, field) {
            self.ledger.mark(&owner.id, field.name(), new);
        }
    }

    /// The values of a field that the object has or inherits.
    pub(crate) fn values(
        &self,
        object: &Object,
        field: &str,
    ) -> Result<Vec<Template>, ConvertError> {
        self.evaluator
            .field(object, field)
            .map(|(values, _)| values)
    }

    /// The first value of a field.
    pub(crate) fn first(
        &self,
        object: &Object,
        field: &str,
    ) -> Result<Option<Template>, ConvertError> {
        Ok(self.values(object, field)?.into_iter().next())
    }

    /// A value as text, if all of it is known.
    pub(crate) fn known(
        &self,
        object: &Object,
        field: &str,
    ) -> Result<Option<String>, ConvertError> {
        let first = self.first(object, field)?;
        Ok(first.and_then(|value| value.text().map(|text| text.trim().to_owned())))
    }

    /// A text that goes into a definition. Parameters without a value are noted.
    ///
    /// # Errors
    /// If it holds a secret.
    pub(crate) fn need(
        &mut self,
        object: &Object,
        field: &str,
        value: &Template,
    ) -> Result<Needed, ConvertError> {
        let place = || format!("{}.{field}", object.id);
        let missing: Vec<_> = value.missing().map(str::to_owned).collect();
        if !missing.is_empty() {
            self.needs.extend(missing);
            return Ok(Needed::Missing);
        }
        match (value.text(), value.open()) {
            (Some(text), _) => {
                self.refuse_secret(object, field, text)?;
                Ok(Needed::Text(text.trim().to_owned()))
            }
            (None, Some(Piece::Secret)) => Err(ConvertError::Secret { place: place() }),
            (None, _) => Ok(Needed::Runtime(value.shown())),
        }
    }

    pub(crate) fn refuse_secret(
        &self,
        object: &Object,
        field: &str,
        text: &str,
    ) -> Result<(), ConvertError> {
        if self.secrets.is_in(text) {
            let place = format!("{}.{field}", object.id);
            let place = self.secrets.mask(&crate::text::visible(&place));
            return Err(ConvertError::Secret { place });
        }
        Ok(())
    }

    /// The first object of a type that a field refers to.
    pub(crate) fn node(
        &self,
        activity: &'p Object,
        field: &str,
        types: &[&str],
    ) -> Option<&'p Object> {
        let all = self.pipeline.referred(activity, field);
        let is = |object: &&Object| types.contains(&self.pipeline.type_of(object));
        all.into_iter().find(is)
    }

    /// What every export has: the schedule, the resource's limits and network, the target.
    fn finish(
        &mut self,
        activity: &'p Object,
        mut export: Export,
    ) -> Result<Finding, ConvertError> {
        let definition = definition_file(&export.name);
        let why = "an export is a definition that ends after its source";
        let kind = Use::new(Outcome::Derived, why).to(format!("{definition}#source"));
        self.mark(activity, "type", kind);
        let schedule = schedule_file(&export.name);
        export.timing = self.timing(activity, &schedule)?;
        export.notes.extend(export.timing.notes.clone());
        self.resource(activity, &mut export)?;
        self.target(activity, &export.name);
        self.ready(activity, &mut export)?;
        self.notices(activity, &mut export)?;
        for (field, text) in [("activity", &export.activity), ("table", &export.table)] {
            self.refuse_secret(activity, field, text)?;
        }
        Ok(Finding::Export(Box::new(export)))
    }

    fn resource(&mut self, activity: &'p Object, export: &mut Export) -> Result<(), ConvertError> {
        let Some(resource) = self.node(activity, "runsOn", &["EmrCluster", "Ec2Resource"]) else {
            return Ok(());
        };
        let after = self.known(resource, "terminateAfter")?;
        let minutes = after
            .as_deref()
            .and_then(crate::period::Period::read)
            .and_then(crate::period::Period::minutes);
        if let Some(minutes) = minutes {
            export.max_minutes = Some(minutes);
            let why = "a run is refused if its export is estimated to take longer; it is not \
                       ended in between";
            let place = format!("{}#limits.maxMinutes", definition_file(&export.name));
            let new = Use::new(Outcome::Approximated, why).to(place);
            self.mark(resource, "terminateAfter", new);
        }
        for (field, parameter) in [
            ("subnetId", "SubnetIds"),
            ("securityGroupIds", "SecurityGroupIds"),
        ] {
            let values = self.values(resource, field)?;
            let mut all = BTreeSet::new();
            for value in &values {
                match self.need(resource, field, value)? {
                    Needed::Text(text) => {
                        let parts = text.split(',').map(|part| part.trim().to_owned());
                        all.extend(parts.filter(|part| !part.is_empty()));
                    }
                    Needed::Runtime(_) | Needed::Missing => {}
                }
            }
            if !all.is_empty() {
                let why = "the functions' network, if the source is in a VPC";
                let new = Use::new(Outcome::Taken, why).to(format!("stack.json#{parameter}"));
                self.mark(resource, field, new);
            }
            match field {
                "subnetId" => export.subnets = all,
                _ => export.security_groups = all,
            }
        }
        Ok(())
    }

    fn target(&mut self, activity: &'p Object, name: &str) {
        let Some(target) = self.node(activity, "output", &["S3DataNode"]) else {
            return;
        };
        for field in ["directoryPath", "filePath"] {
            let why = format!(
                "the lake's raw/{name}/run=<id>/, where an id begins with the date and time of the \
                 start; latest/{name}.json leads to the newest. What reads the old path must read \
                 this one"
            );
            let new = Use::new(Outcome::Approximated, why).to(format!("lake:raw/{name}/"));
            self.mark(target, field, new);
        }
    }
}

/// Where a definition is written.
pub(crate) fn definition_file(name: &str) -> String {
    format!("config/{name}.json")
}

/// Where the parameters of a schedule are written.
pub(crate) fn schedule_file(name: &str) -> String {
    format!("schedule-{name}.json")
}
