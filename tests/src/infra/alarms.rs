//! Checks the alarms of the templates (a function creates those of the endpoints): known metrics with the statistic, comparison and missing-data rule of their
//! kind; every function, rule, queue, schedule and pipeline has an alarm.

use super::policy::list;
use super::stack::{Stack, number};
use crate::Finding;
use crate::layers::{Crates, emits};
use serde_json::Value;
use std::collections::BTreeSet;

/// How a metric is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Occurrences of something that should not be: their sum, which is 0 where nothing is
    /// reported.
    Failures,
    /// What waits somewhere: the most of it, which is 0 where nothing is reported.
    Backlog,
    /// How far something is behind, in milliseconds: the most of it. Nothing to do is not behind.
    Lag,
    /// Seconds that the oldest of what waits has waited, reported while something waits.
    Delay,
    /// A share of successes, reported where something was tried: any failure counts.
    Share,
    /// Grows until it is reported smaller; between two reports it stays as it was.
    Age,
    /// Something that should be: its reports are counted, and none is too few.
    Heartbeat,
}

/// The metrics that an alarm may watch, with the dimensions that identify their source.
const METRICS: [(&str, &str, Kind, &[&str]); 15] = [
    (
        "AWS/Events",
        "TriggeredRules",
        Kind::Failures,
        &["RuleName"],
    ),
    (
        "AWS/Firehose",
        "DeliveryToS3.DataFreshness",
        Kind::Delay,
        &["DeliveryStreamName"],
    ),
    (
        "AWS/Firehose",
        "ExecuteProcessing.Success",
        Kind::Share,
        &["DeliveryStreamName"],
    ),
    ("AWS/Lambda", "Errors", Kind::Failures, &["FunctionName"]),
    ("AWS/Lambda", "Throttles", Kind::Failures, &["FunctionName"]),
    ("AWS/Lambda", "IteratorAge", Kind::Lag, &["FunctionName"]),
    ("AWS/Lambda", GIVEN_UP, Kind::Failures, OF_MAPPING),
    ("AWS/Lambda", DROPPED, Kind::Failures, OF_MAPPING),
    (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        Kind::Backlog,
        &["QueueName"],
    ),
    (OWN, "ChangesGap", Kind::Failures, &["pipeline"]),
    (OWN, "EventRecordsFailed", Kind::Failures, &["pipeline"]),
    (OWN, "ModelAgeDays", Kind::Age, &["pipeline"]),
    (OWN, "RecordsUnreadable", Kind::Failures, &[]),
    (OWN, "SnapshotAgeHours", Kind::Age, &["pipeline"]),
    (OWN, "RunDuration", Kind::Heartbeat, &["pipeline"]),
];

/// Records that a mapping stored after all attempts, and those that it did not. Source: AWS Lambda
/// Developer Guide, "Event source mapping metrics".
const GIVEN_UP: &str = "OnFailureDestinationDeliveredEventCount";
const DROPPED: &str = "DroppedEventCount";
const OF_MAPPING: &[&str] = &["EventSourceMappingUUID"];

/// The namespace of the functions' own metrics: the stack's name follows.
const OWN: &str = "Millrace/";

/// A metric as an alarm watches it.
struct Watched {
    namespace: String,
    metric: String,
    statistic: String,
    period: f64,
    dimensions: Vec<(String, String)>,
}

/// Everything that is wrong with the alarms of both stacks.
pub fn findings(stack: &Stack, crates: &Crates) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut all = Vec::new();
    for (name, resource) in stack.everything() {
        if resource["Type"] == "AWS::CloudWatch::Alarm" {
            let alarm = &resource["Properties"];
            let watched = watched(alarm);
            one(name, alarm, &watched, stack, crates, &mut found);
            all.extend(watched);
        }
    }
    nothing_is_unwatched(stack, &all, &mut found);
    found
}

fn watched(alarm: &Value) -> Vec<Watched> {
    let single = alarm
        .get("MetricName")
        .map(|_| of_metric(alarm, text(&alarm["Statistic"]), &alarm["Period"]));
    let metrics = alarm["Metrics"].as_array().into_iter().flatten();
    let metrics = metrics.filter_map(|it| it.get("MetricStat"));
    let metrics = metrics.map(|it| of_metric(&it["Metric"], text(&it["Stat"]), &it["Period"]));
    single.into_iter().chain(metrics).collect()
}

fn of_metric(metric: &Value, statistic: String, period: &Value) -> Watched {
    let dimensions = metric["Dimensions"].as_array().into_iter().flatten();
    Watched {
        namespace: text(&metric["Namespace"]),
        metric: text(&metric["MetricName"]),
        statistic,
        period: number(period).unwrap_or_default(),
        dimensions: dimensions
            .map(|it| (text(&it["Name"]), text(&it["Value"])))
            .collect(),
    }
}

fn text(json: &Value) -> String {
    list(json).concat()
}

fn one(
    name: &str,
    alarm: &Value,
    watched: &[Watched],
    stack: &Stack,
    crates: &Crates,
    found: &mut Vec<Finding>,
) {
    let mut say = |problem: String| found.push(Finding::new(name, problem));
    if watched.is_empty() {
        say("watches nothing".to_owned());
    }
    let topic = &stack.exports["notices"];
    if !list(&alarm["AlarmActions"]).contains(topic) || alarm["ActionsEnabled"] == false {
        say("notifies nobody".to_owned());
    }
    let math: Vec<_> = alarm["Metrics"].as_array().into_iter().flatten().collect();
    let returned: Vec<_> = math.iter().filter(|it| it["ReturnData"] != false).collect();
    if !math.is_empty() && (returned.len() != 1 || returned[0]["Expression"] != "SUM(METRICS())") {
        say("is not about the sum of its metrics".to_owned());
    }
    for it in watched {
        let Some((.., kind, dimensions)) = METRICS.iter().find(|(namespace, metric, ..)| {
            let own = *namespace == OWN && it.namespace == stack.exports["metrics"];
            (own || *namespace == it.namespace) && *metric == it.metric
        }) else {
            say(format!(
                "watches {} {}, which no check knows",
                it.namespace, it.metric
            ));
            continue;
        };
        if it.namespace.starts_with(OWN) && !emits(crates, &it.metric) {
            say(format!("watches {}, which nothing emits", it.metric));
        }
        let given: Vec<_> = it
            .dimensions
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        if given != *dimensions {
            say(format!(
                "is about {given:?} of {}, not {dimensions:?}",
                it.metric
            ));
        }
        goes_off(alarm, it, *kind, &mut say);
    }
}

/// When an alarm of this kind goes off.
fn goes_off(alarm: &Value, watched: &Watched, kind: Kind, say: &mut impl FnMut(String)) {
    const HOUR: f64 = 3600.0;
    const DAY: f64 = 86400.0;
    let comparison = text(&alarm["ComparisonOperator"]);
    let missing = text(&alarm["TreatMissingData"]);
    let threshold = number(&alarm["Threshold"]).unwrap_or(-1.0);
    let periods = number(&alarm["EvaluationPeriods"]).unwrap_or_default();
    // What the kind asks of the statistic, of the threshold, and of the time until it goes off.
    let (statistic, wanted, within) = match kind {
        Kind::Failures => (watched.statistic == "Sum", "notBreaching", 60.0..=HOUR),
        Kind::Backlog | Kind::Lag | Kind::Delay => {
            (watched.statistic == "Maximum", "notBreaching", 60.0..=HOUR)
        }
        Kind::Share => (watched.statistic == "Minimum", "notBreaching", 60.0..=HOUR),
        Kind::Age => (watched.statistic == "Maximum", "ignore", DAY..=DAY),
        Kind::Heartbeat => (
            watched.statistic == "SampleCount",
            "breaching",
            DAY..=7.0 * DAY,
        ),
    };
    let bounds = match kind {
        // Many functions retry on purpose; anything else counts from the first.
        Kind::Failures if ["Errors", "Throttles"].contains(&watched.metric.as_str()) => 1.0..=100.0,
        Kind::Failures | Kind::Backlog => 0.0..=0.0,
        // A stream keeps its records for 24 hours.
        Kind::Lag => 1_000.0..=HOUR * 12_000.0,
        // Longer than a delivery's buffer, and long before Firehose gives up.
        Kind::Delay => 900.0..=3600.0,
        Kind::Age => 1.0..=365.0,
        Kind::Heartbeat | Kind::Share => 1.0..=1.0,
    };
    let operator = match kind {
        Kind::Heartbeat | Kind::Share => "LessThanThreshold",
        _ => "GreaterThanThreshold",
    };
    let metric = &watched.metric;
    if !statistic {
        say(format!("reads {metric} by {}", watched.statistic));
    }
    if missing != wanted {
        say(format!(
            "takes {metric}, where it is missing, as {missing}, not {wanted}"
        ));
    }
    if comparison != operator {
        say(format!("compares {metric} by {comparison}, not {operator}"));
    }
    if !bounds.contains(&threshold) {
        say(format!(
            "has the threshold {threshold} for {metric}, not one of {bounds:?}"
        ));
    }
    if !within.contains(&(watched.period * periods)) {
        say(format!(
            "looks at {metric} for {periods} times {} s, not {within:?} s",
            watched.period
        ));
    }
    // All periods, or a single good one hides the others.
    if !alarm["DatapointsToAlarm"].is_null() {
        say("goes off by some of its periods".to_owned());
    }
}

/// Whatever can fail is watched, also what is added to the template later.
fn nothing_is_unwatched(stack: &Stack, all: &[Watched], found: &mut Vec<Finding>) {
    let watches = |namespace: &str, metric: &str, dimension: &str, value: &str| {
        all.iter().any(|it| {
            let named = (dimension.to_owned(), value.to_owned());
            it.namespace == namespace && it.metric == metric && it.dimensions.contains(&named)
        })
    };
    let mut needs = |namespace: &str, metric: &str, dimension: &str, value: &str| {
        if !watches(namespace, metric, dimension, value) {
            let problem = format!("no alarm watches its {metric}");
            found.push(Finding::new(value, problem));
        }
    };
    for (name, _) in stack.functions() {
        for metric in ["Errors", "Throttles"] {
            needs(
                "AWS/Lambda",
                metric,
                "FunctionName",
                &format!("millrace-{name}"),
            );
        }
    }
    for (name, mapping) in stack.of_type("AWS::Lambda::EventSourceMapping") {
        let function = mapping["FunctionName"].as_str().unwrap_or_default();
        needs("AWS/Lambda", "IteratorAge", "FunctionName", function);
        // What others give up lands in the queue, whose alarm is needed below.
        let of_mapping = format!("millrace-{name}");
        for metric in [GIVEN_UP, DROPPED] {
            if mapping.get("MetricsConfig").is_some() {
                needs("AWS/Lambda", metric, OF_MAPPING[0], &of_mapping);
            }
        }
    }
    // Of the other rules, what fails lands in the queue.
    for (name, _) in super::events::notifying(stack) {
        needs(
            "AWS/Events",
            "TriggeredRules",
            "RuleName",
            &format!("millrace-{name}"),
        );
    }
    for (name, _) in stack.of_type("AWS::SQS::Queue") {
        let metric = "ApproximateNumberOfMessagesVisible";
        needs("AWS/SQS", metric, "QueueName", &format!("{name}.QueueName"));
    }
    let own = &stack.exports["metrics"];
    for (_, stream) in stack.of_type("AWS::KinesisFirehose::DeliveryStream") {
        let stream = text(&stream["DeliveryStreamName"]);
        for metric in ["DeliveryToS3.DataFreshness", "ExecuteProcessing.Success"] {
            needs("AWS/Firehose", metric, "DeliveryStreamName", &stream);
        }
        let pipeline = stack.parameter("EventsPipeline");
        needs(own, "EventRecordsFailed", "pipeline", pipeline);
    }
    for (pipeline, enabled) in stack.pipelines() {
        for metric in ["ChangesGap", "ModelAgeDays", "SnapshotAgeHours"] {
            needs(own, metric, "pipeline", &pipeline);
        }
        if enabled {
            needs(own, "RunDuration", "pipeline", &pipeline);
        }
    }
    streams(stack, all, found);
    only_own(stack, all, found);
}

/// What is watched where a stream is captured: whether it comes to be late while there is still time,
/// and whether there are records that cannot be read.
fn streams(stack: &Stack, all: &[Watched], found: &mut Vec<Finding>) {
    let Some((name, _)) = stack.of_type("AWS::Lambda::EventSourceMapping").next() else {
        return;
    };
    let ages = all.iter().filter(|it| it.metric == "IteratorAge").count();
    if ages < 2 {
        found.push(Finding::new(name, "is behind, and one alarm alone says so"));
    }
    if !all.iter().any(|it| it.metric == "RecordsUnreadable") {
        let problem = "no alarm watches its unreadable records";
        found.push(Finding::new(name, problem));
    }
}

/// What an alarm names is something of this stack.
fn only_own(stack: &Stack, all: &[Watched], found: &mut Vec<Finding>) {
    let named = |kind: &str| -> BTreeSet<String> {
        stack
            .of_type(kind)
            .map(|(name, _)| format!("millrace-{name}"))
            .collect()
    };
    let functions: BTreeSet<_> = stack
        .functions()
        .map(|(name, _)| format!("millrace-{name}"))
        .collect();
    let streams = stack.of_type("AWS::KinesisFirehose::DeliveryStream");
    let streams = streams.map(|(_, it)| text(&it["DeliveryStreamName"]));
    let streams: BTreeSet<_> = streams.collect();
    let mut pipelines: BTreeSet<_> = stack.pipelines().into_keys().collect();
    pipelines.insert(stack.parameter("EventsPipeline").to_owned());
    let known = [
        (OF_MAPPING[0], named("AWS::Lambda::EventSourceMapping")),
        ("FunctionName", functions),
        ("RuleName", named("AWS::Events::Rule")),
        ("DeliveryStreamName", streams),
        ("pipeline", pipelines),
    ];
    for it in all {
        for (dimension, value) in &it.dimensions {
            let known = known.iter().find(|(name, _)| name == dimension);
            if known.is_some_and(|(_, values)| !values.contains(value)) {
                let problem = format!("{dimension} {value} is nothing of this stack");
                found.push(Finding::new(&it.metric, problem));
            }
        }
    }
}
