//! CloudWatch's alarms: stores them, and shows their states. No metric is evaluated: an alarm is in
//! `ALARM` while the fault `alarm` names it.
//!
//! Source: the CloudWatch API reference.

use crate::app::App;
use crate::protocol::members::text;
use crate::protocol::refusal::Refusal;
use crate::protocol::validation::{Kind, Rule, check, optional, required, text as within};
use crate::store::table::Record;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const NAMES: Kind = Kind::List { min: 0, max: 100 };
const RULES: &[Rule] = &[
    required("AlarmName", within(255, "")),
    required("MetricName", within(255, "")),
    required("Namespace", within(255, "[^:].*")),
    required("EvaluationPeriods", Kind::Integer { min: 1, max: 1440 }),
    required("Threshold", Kind::Number { min: f64::MIN }),
    required(
        "ComparisonOperator",
        Kind::OneOf(&[
            "GreaterThanOrEqualToThreshold",
            "GreaterThanThreshold",
            "LessThanThreshold",
            "LessThanOrEqualToThreshold",
        ]),
    ),
    optional("AlarmActions", Kind::List { min: 0, max: 5 }),
    optional("Dimensions", Kind::List { min: 0, max: 30 }),
];

/// An alarm.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Alarm {
    request: Value,
}

impl Record for Alarm {
    const FOLDER: &'static str = "alarms";
}

/// The name of an alarm's record. Records are files, so their names hold no slash.
fn record(name: &str) -> String {
    name.replace('/', ",")
}

/// `PutMetricAlarm`.
pub fn put(app: &App, request: &Value) -> Result<Value, Refusal> {
    check(request, RULES)?;
    let name = text(request, "AlarmName")?;
    let alarm = Alarm {
        request: request.clone(),
    };
    app.table::<Alarm>().put(&record(name), alarm)?;
    Ok(json!({}))
}

/// `DescribeAlarms`, by their names.
pub fn describe(app: &App, request: &Value) -> Result<Value, Refusal> {
    check(request, &[required("AlarmNames", NAMES)])?;
    let names = request["AlarmNames"].as_array().into_iter().flatten();
    let found = names.filter_map(|name| {
        let name = name.as_str()?;
        let mut shown = app.table::<Alarm>().get(&record(name))?.request;
        let set = app.faults.alarm(&[name.to_owned()]).is_some();
        shown["StateValue"] = if set { "ALARM" } else { "OK" }.into();
        // Tags are listed, and not described.
        shown.as_object_mut()?.remove("Tags");
        Some(shown)
    });
    Ok(json!({"MetricAlarms": found.collect::<Vec<_>>(), "CompositeAlarms": []}))
}
