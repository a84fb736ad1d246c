//! A stack as deployed: the template's resources with one set of parameters, each function with the
//! globals, and the stack of one more schedule. The checks read this form, so that a wrong
//! condition, default or substitution is found where it has its effect.

use super::intrinsics;
use super::policy::list;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The least that must be given.
pub const LEAST: [(&str, &str); 1] =
    [("LakeAdministrators", "arn:aws:iam::123456789012:role/Admin")];

/// With it, the stack has what reads a relational database.
pub const SECRET: (&str, &str) = (
    "SourceSecretArn",
    "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/reader-AbCdEf",
);

/// With it, the stack has what captures the changes of a table.
pub const STREAM: (&str, &str) = (
    "ChangeStreamArn",
    "arn:aws:dynamodb:eu-central-1:123456789012:table/interactions/stream/2026-11-28T09:12:01.789",
);

/// With it, the stack has what asks functions whether a run may begin.
pub const READY_FUNCTIONS: (&str, &str) = (
    "ReadyFunctionArns",
    "arn:aws:lambda:eu-central-1:123456789012:function:books-closed",
);

/// With it, the stack has what collects events.
pub const EVENTS: (&str, &str) = ("EventsState", "ENABLED");

/// With both, the stack has what scores the items of a table as they change.
pub const SCORES: [(&str, &str); 2] = [
    (
        "ScoreStreamArn",
        "arn:aws:dynamodb:eu-central-1:123456789012:table/interactions/stream/2026-11-20T00:00:00.000",
    ),
    ("ScoresTable", "scores"),
];

/// Parameters with which nothing in the lake expires, beside the least.
const NOTHING_EXPIRES: [(&str, &str); 4] = [
    LEAST[0],
    ("RawExpiryDays", "0"),
    ("CapturedExpiryDays", "0"),
    ("EventsExpiryDays", "0"),
];

/// The sets of parameters that every check of a stack evaluates. Together they take both branches
/// of every condition, which a test holds.
pub const EVALUATED: [&[(&str, &str)]; 3] =
    [&LEAST, &super::concrete::PARAMETERS, &NOTHING_EXPIRES];

const FUNCTION: &str = "AWS::Serverless::Function";

/// Both templates, evaluated.
#[derive(Debug, Clone)]
pub struct Stack {
    /// The stack's resources.
    pub resources: Map<String, Value>,
    /// Those of the stack that `schedule.yaml` makes for a pipeline `films`.
    pub of_schedule: Map<String, Value>,
    /// The parameters' values.
    pub parameters: BTreeMap<String, String>,
    /// The outputs that other stacks import, by the ends of their names.
    pub exports: BTreeMap<String, String>,
}

impl Stack {
    /// Evaluates the templates.
    ///
    /// # Panics
    /// If one uses a function that the evaluation does not know.
    pub fn new(template: &Value, schedule: &Value, parameters: &[(&str, &str)]) -> Self {
        let template = with_globals(template);
        let exports = intrinsics::exports(&template, parameters);
        let given = of_schedule(parameters);
        let defaults = template["Parameters"].as_object().into_iter().flatten();
        let defaults = defaults.map(|(name, it)| (name.clone(), list(&it["Default"]).concat()));
        let given_here = parameters
            .iter()
            .map(|(name, it)| ((*name).to_owned(), (*it).to_owned()));
        Self {
            parameters: defaults.chain(given_here).collect(),
            resources: intrinsics::resources(&template, parameters),
            of_schedule: intrinsics::importing(schedule, &given, &exports),
            exports,
        }
    }

    /// The resources of a type, with their names.
    pub fn of_type<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = (&'s String, &'s Value)> {
        let all = self.resources.iter();
        all.filter(move |(_, resource)| resource["Type"] == kind)
            .map(|(name, resource)| (name, &resource["Properties"]))
    }

    /// The value of a parameter.
    ///
    /// # Panics
    /// If the template has none of this name.
    pub fn parameter(&self, name: &str) -> &str {
        &self.parameters[name]
    }

    /// The functions.
    pub fn functions(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.of_type(FUNCTION)
    }

    /// The resources of both stacks, with their names.
    pub fn everything(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.resources.iter().chain(&self.of_schedule)
    }

    /// The properties of all schedules: SAM's of the state machine's events, and CloudFormation's
    /// own.
    pub fn schedules(&self) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        for (name, machine) in self.of_type("AWS::Serverless::StateMachine") {
            for (event, schedule) in machine["Events"].as_object().into_iter().flatten() {
                let mut properties = schedule["Properties"].clone();
                // As SAM makes it, where the alias is the target.
                let alias = machine["AutoPublishAlias"].as_str().unwrap_or_default();
                let arn = self.arn_of_machine(name);
                let arn = match machine["UseAliasAsEventTarget"].as_bool() {
                    Some(true) => format!("{arn}:{alias}"),
                    _ => arn,
                };
                let moved = ["RoleArn", "Input", "RetryPolicy", "DeadLetterConfig"];
                let mut target = json!({ "Arn": arn });
                for field in moved {
                    target[field] = properties[field].take();
                }
                properties["Target"] = target;
                all.push((format!("{name}.{event}"), properties));
            }
        }
        let own = self.everything();
        let own = own.filter(|(_, it)| it["Type"] == "AWS::Scheduler::Schedule");
        all.extend(own.map(|(name, it)| (name.clone(), it["Properties"].clone())));
        all
    }

    /// The pipelines that schedules start, each with whether its schedule is enabled.
    pub fn pipelines(&self) -> BTreeMap<String, bool> {
        let pipeline = |(_, schedule): (String, Value)| {
            let input = schedule["Target"]["Input"].as_str()?;
            let input: Value = serde_json::from_str(input).ok()?;
            let enabled = schedule["State"] == "ENABLED";
            Some((input["pipeline"].as_str()?.to_owned(), enabled))
        };
        self.schedules().into_iter().filter_map(pipeline).collect()
    }

    /// The ARN of a state machine of this stack.
    pub fn arn_of_machine(&self, name: &str) -> String {
        let machine = self.resources[name]["Properties"]["Name"].as_str();
        let machine = machine.unwrap_or_default();
        format!(
            "arn:aws:states:{}:{}:stateMachine:{machine}",
            intrinsics::REGION,
            intrinsics::ACCOUNT
        )
    }
}

/// The parameters of the pipeline's schedule beside a stack with these: enabled and flexible; or, if
/// the stack enables its own schedule, disabled and on time.
pub fn of_schedule(parameters: &[(&str, &str)]) -> [(&'static str, &'static str); 5] {
    let is_enabled = parameters.contains(&("ScheduleState", "ENABLED"));
    let (state, window, start, end) = if is_enabled {
        ("DISABLED", "0", "", "")
    } else {
        (
            "ENABLED",
            "15",
            "2026-12-24T00:00:00Z",
            "2026-12-31T23:59:59Z",
        )
    };
    [
        ("Pipeline", "films"),
        ("ScheduleState", state),
        ("ScheduleWindowMinutes", window),
        ("ScheduleStart", start),
        ("ScheduleEnd", end),
    ]
}

/// A number, whether it was written or put in for a parameter.
pub fn number(json: &Value) -> Option<f64> {
    json.as_f64()
        .or_else(|| json.as_str().and_then(|text| text.parse().ok()))
}

/// The template with each function's globals put into it, as SAM does: objects are joined, lists
/// are appended, and of other values the function's own wins.
fn with_globals(template: &Value) -> Value {
    let mut template = template.clone();
    let global = template["Globals"]["Function"].clone();
    let resources = template["Resources"].as_object_mut();
    for (_, resource) in resources.into_iter().flatten() {
        if resource["Type"] == FUNCTION {
            let own = resource["Properties"].take();
            resource["Properties"] = joined(&global, own);
        }
    }
    template
}

fn joined(global: &Value, own: Value) -> Value {
    match (global, own) {
        (global, Value::Null) => global.clone(),
        (Value::Object(global), Value::Object(own)) => {
            let mut all = global.clone();
            for (name, value) in own {
                let inherited = all.get(&name).cloned().unwrap_or_default();
                all.insert(name, joined(&inherited, value));
            }
            Value::Object(all)
        }
        (Value::Array(global), Value::Array(own)) => global.iter().cloned().chain(own).collect(),
        (_, own) => own,
    }
}
