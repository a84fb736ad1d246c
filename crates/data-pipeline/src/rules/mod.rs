//! What becomes of a field that no export uses in a way of its own: by its name, its object's type,
//! and whether an export needs the object.

mod types;

use crate::ledger::Use;
use crate::pipeline::{Field, Object, Pipeline};
use crate::report::Outcome::{self, Approximated, Derived, Dropped, NoCounterpart, Taken, Unknown};
use std::collections::{BTreeMap, BTreeSet};
use types::Class;

/// What the rules know of a pipeline.
pub(crate) struct Rules<'p> {
    pub pipeline: &'p Pipeline,
    /// Objects that an export refers to, the activities of exports included.
    pub served: &'p BTreeSet<String>,
    /// Activities that are no exports, with the reason if it is a particular one.
    pub others: &'p BTreeMap<String, String>,
    /// Fields that expressions of other fields read, with those that do.
    pub readers: &'p BTreeMap<(String, String), BTreeSet<String>>,
}

const NONE_LEFT: &str = "no activity of this pipeline has a counterpart, so nothing needs it";

impl Rules<'_> {
    /// What becomes of a field.
    pub(crate) fn of(&self, object: &Object, field: &Field) -> Use {
        let (outcome, why) = self.rule(object, field);
        Use::new(outcome, why)
    }

    fn rule(&self, object: &Object, field: &Field) -> (Outcome, String) {
        let say = |outcome: Outcome, why: &str| (outcome, why.to_owned());
        let (name, kind) = (field.name(), self.pipeline.type_of(object));
        if name.starts_with('@') {
            return say(Dropped, "the service sets it");
        }
        let class = types::class(kind);
        let Some(class) = class else {
            return match kind {
                "" => self.untyped(object, field),
                _ => say(Unknown, "AWS Data Pipeline documents no such type"),
            };
        };
        match name {
            "name" => {
                return say(
                    Dropped,
                    "pipelines of Millrace are named after their tables",
                );
            }
            "parent" => return say(Derived, "the fields that it inherits"),
            "type" => return self.verdict(object, class, kind),
            _ if !types::is_documented(kind, class, name) => {
                return self.undocumented(object, name);
            }
            _ => {}
        }
        if matches!(name, "role" | "resourceRole") {
            return roles();
        }
        if !self.served.contains(&object.id) {
            return self.verdict(object, class, kind);
        }
        match class {
            Class::Activity | Class::DataNode | Class::Precondition => self
                .operational(field)
                .unwrap_or_else(|| self.verdict(object, class, kind)),
            Class::Resource => match name {
                "terminateAfter" => say(Approximated, "a Lambda call ends after 15 minutes"),
                "pipelineLogUri" | "emrLogUri" | "logUri" => logs(),
                "workerGroup" => say(NoCounterpart, TASK_RUNNER),
                _ => say(
                    Dropped,
                    "no instance and no cluster runs: Lambda functions export",
                ),
            },
            _ => self.verdict(object, class, kind),
        }
    }

    /// `Default`, and other objects that only others inherit from.
    fn untyped(&self, object: &Object, field: &Field) -> (Outcome, String) {
        let name = field.name();
        match name {
            "name" => return (Dropped, "it names no object of its own".to_owned()),
            "parent" => return (Derived, "the fields that it inherits".to_owned()),
            _ if types::is_operational(name) => {}
            _ if types::is_documented_anywhere(name) => {}
            _ => return self.undocumented(object, name),
        }
        if matches!(name, "role" | "resourceRole") {
            return roles();
        }
        if self.served.is_empty() {
            return (Dropped, NONE_LEFT.to_owned());
        }
        self.operational(field).unwrap_or_else(|| {
            let why = "no export inherits it in a way that needs it";
            (Dropped, why.to_owned())
        })
    }

    /// A field of the object's own invention.
    fn undocumented(&self, object: &Object, name: &str) -> (Outcome, String) {
        let readers = self.readers.get(&(object.id.clone(), name.to_owned()));
        if let Some(readers) = readers {
            let readers: Vec<_> = readers.iter().map(String::as_str).collect();
            let why = format!("its value is in the expressions of {}", readers.join(", "));
            return (Derived, why);
        }
        if name.starts_with("my") {
            return (
                Dropped,
                "a field of your own, which no expression reads".to_owned(),
            );
        }
        let why = "AWS Data Pipeline documents no such field for this type";
        (Unknown, why.to_owned())
    }

    /// What becomes of an object as a whole.
    fn verdict(&self, object: &Object, class: Class, kind: &str) -> (Outcome, String) {
        let say = |outcome: Outcome, why: &str| (outcome, why.to_owned());
        let is_served = self.served.contains(&object.id);
        match (class, is_served) {
            (Class::Activity, true) => say(Derived, "the export"),
            (Class::Activity, false) => {
                let why = self.others.get(&object.id).filter(|why| !why.is_empty());
                (NoCounterpart, why.cloned().unwrap_or_else(|| instead(kind)))
            }
            (Class::DataNode, true) => match kind {
                "DynamoDBDataNode" => say(Derived, "the table that is exported"),
                "S3DataNode" => say(
                    Approximated,
                    "the lake: its bucket, layout and encryption are the stack's, and its files \
                     are lines of DynamoDB JSON, compressed with zstd",
                ),
                _ => say(Derived, "the table that is read"),
            },
            (Class::DataNode | Class::Database | Class::Format | Class::Action, false) => say(
                NoCounterpart,
                "only activities without a counterpart use it, or none",
            ),
            (Class::Database, true) => say(Derived, "the database that is read"),
            (Class::Format, true) => say(
                Approximated,
                "raw files are lines of DynamoDB JSON; the `dataset` of a definition makes CSV",
            ),
            (Class::Resource, _) => say(
                Dropped,
                "no instance and no cluster runs: Lambda functions export",
            ),
            (Class::Schedule, true) => say(Derived, "the schedule"),
            (Class::Schedule, false) => say(Dropped, "no export has this schedule"),
            (Class::Action, true) if kind == "SnsAlarm" => say(
                Approximated,
                "the stack's topic sends notices with a text of their own: set AlarmEmail, or \
                 subscribe to NoticesTopicArn",
            ),
            (Class::Action, true) => say(NoCounterpart, "nothing ends a run: `millrace stop`"),
            (Class::Precondition, true) if types::is_of_table(kind) => {
                say(Taken, "PlanExport checks it: TableMissing, TableEmpty")
            }
            (Class::Precondition, true) if kind == "ShellCommandPrecondition" => say(
                NoCounterpart,
                "nothing runs shell commands here: a run can wait for the answer of a function, \
                 `ready.when[].lambda`",
            ),
            (Class::Precondition, true) => say(
                NoCounterpart,
                "a run can wait for an object, for items and for the answer of a function: `ready`",
            ),
            (Class::Precondition, false) => say(
                NoCounterpart,
                "only activities without a counterpart wait for it, or none",
            ),
        }
    }

    /// Fields that every object that runs may have.
    fn operational(&self, field: &Field) -> Option<(Outcome, String)> {
        let is = |text: &str| {
            field
                .texts()
                .all(|value| value.trim().eq_ignore_ascii_case(text))
        };
        let (outcome, why) = match field.name() {
            "schedule" | "scheduleType" => (Derived, "the schedule of the export counts"),
            "input" | "output" | "database" => (Derived, "what is exported, and where to"),
            "runsOn" => (
                Dropped,
                "no instance and no cluster runs: Lambda functions export",
            ),
            "workerGroup" => (NoCounterpart, TASK_RUNNER),
            "dependsOn" => (
                NoCounterpart,
                "pipelines start independently: start the second one by a rule on the event `Data \
                 Ready` of the first",
            ),
            "precondition" => {
                let all = field.refs().filter_map(|id| self.pipeline.object(id));
                let mut kinds = all.map(|object| self.pipeline.type_of(object));
                if kinds.all(types::is_of_table) {
                    (Taken, "PlanExport checks it: TableMissing, TableEmpty")
                } else {
                    (
                        NoCounterpart,
                        "not all of it has a counterpart in `ready`, as its objects' lines say",
                    )
                }
            }
            "onFail" => (Approximated, "the stack's topic announces every failed run"),
            "onSuccess" => (Approximated, "each success is an event, `Data Ready`"),
            "onLateAction" | "lateAfterTimeout" => (
                NoCounterpart,
                "`late.afterMinutes` is for the run of an export, and this activity is none",
            ),
            "maximumRetries" | "retryDelay" => (
                Approximated,
                "each error's name decides whether and how often it is retried",
            ),
            "attemptTimeout" | "reportProgressTimeout" => (
                Approximated,
                "each state has a time limit of its own; `limits.maxMinutes` bounds the export",
            ),
            "failureAndRerunMode" if is("cascade") => (
                Taken,
                "a failed step ends the run; `millrace redrive` continues it",
            ),
            "failureAndRerunMode" => (
                Approximated,
                "a failed step ends the run; `millrace redrive` continues it",
            ),
            "maxActiveInstances" if is("1") => {
                (Taken, "a second run of a pipeline ends as AlreadyRunning")
            }
            "maxActiveInstances" => (
                Approximated,
                "one run of a pipeline at a time: a second ends as AlreadyRunning",
            ),
            "pipelineLogUri" => return Some(logs()),
            "role" | "resourceRole" => return Some(roles()),
            "preStepCommand"
            | "postStepCommand"
            | "preActivityTaskConfig"
            | "postActivityTaskConfig" => (
                NoCounterpart,
                "nothing runs shell commands here: a rule on the event `Data Ready` starts what \
                 follows",
            ),
            "attemptStatus" | "writeThroughputPercent" => (Dropped, "an export does not need it"),
            "resizeClusterBeforeRunning" | "resizeClusterMaxInstances" | "hadoopQueue" => {
                (Dropped, "no cluster runs: Lambda functions export")
            }
            "preconditionTimeout" => (
                Approximated,
                "`ready.withinMinutes` is the time for all conditions of a definition",
            ),
            _ => return None,
        };
        Some((outcome, why.to_owned()))
    }
}

const TASK_RUNNER: &str = "there is no Task Runner: functions of the stack do all work, in your VPC \
                           if SubnetIds says so";

fn roles() -> (Outcome, String) {
    (Dropped, "the stack has roles of its own".to_owned())
}

fn logs() -> (Outcome, String) {
    let why = "logs are in CloudWatch Logs: `millrace logs`";
    (Approximated, why.to_owned())
}

/// What does the work of an activity instead.
fn instead(kind: &str) -> String {
    let (what, how) = match kind {
        "ShellCommandActivity" => (
            "runs shell commands",
            "AWS Batch or Amazon ECS runs them as a task of Step Functions",
        ),
        "RedshiftCopyActivity" => (
            "loads Amazon Redshift",
            "COPY reads S3 and DynamoDB, by Step Functions with the Redshift Data API; or AWS Glue",
        ),
        "SqlActivity" => (
            "runs SQL",
            "Step Functions calls the Data APIs of Redshift and of Aurora; or AWS Glue",
        ),
        "CopyActivity" => (
            "copies between these nodes",
            "AWS Glue does, and AWS DataSync from S3 to S3",
        ),
        "EmrActivity" | "HadoopActivity" => (
            "runs steps of a cluster",
            "Step Functions runs steps of Amazon EMR and of EMR Serverless",
        ),
        "HiveActivity" | "PigActivity" => (
            "runs Hive or Pig scripts",
            "Amazon EMR runs both, EMR Serverless Hive, by Step Functions; or AWS Glue for Spark",
        ),
        _ => ("does this", "Step Functions, AWS Glue or Amazon MWAA do"),
    };
    format!("nothing in Millrace {what}: {how}")
}
