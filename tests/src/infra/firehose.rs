//! Checks the delivery streams: what is put is transformed by a function of the stack in batches whose
//! answers fit, and delivered, or kept where it failed, into the lake's own tiers. Source: Amazon
//! Data Firehose Developer Guide, "Transform source data", and its quotas.

use super::policy::list;
use super::stack::{Stack, number};
use crate::Finding;
use serde_json::Value;

/// MB of a batch for the function. Raw lines are up to 6.5 times as long as events, and an answer may
/// have 6 MB; Firehose allows 0.2 to 3.
const BATCH: std::ops::RangeInclusive<f64> = 0.2..=1.0;

/// Seconds after which a batch is handed over that is not full.
const BATCH_SECONDS: std::ops::RangeInclusive<f64> = 1.0..=60.0;

/// MB and seconds of an object: not thousands of small ones a day, and no more than a run reads at
/// once.
const OBJECT: std::ops::RangeInclusive<f64> = 32.0..=128.0;
const OBJECT_SECONDS: std::ops::RangeInclusive<f64> = 300.0..=900.0;

/// Everything that a stream would lose, or put elsewhere.
pub fn findings(stack: &Stack) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, stream) in stack.of_type("AWS::KinesisFirehose::DeliveryStream") {
        let mut say = |problem: String| found.push(Finding::new(name, problem));
        if stream["DeliveryStreamType"] != "DirectPut" {
            say(format!("is fed by {}", stream["DeliveryStreamType"]));
        }
        if stream["DeliveryStreamEncryptionConfigurationInput"]["KeyType"] != "AWS_OWNED_CMK" {
            say("keeps what waits unencrypted".to_owned());
        }
        let destination = &stream["ExtendedS3DestinationConfiguration"];
        delivered(stack, destination, &mut say);
        transformed(stack, &destination["ProcessingConfiguration"], &mut say);
    }
    found
}

/// Where objects lie, and what they are.
fn delivered(stack: &Stack, destination: &Value, say: &mut impl FnMut(String)) {
    if destination["BucketARN"] != "arn:aws:s3:::millrace-lakebucket" {
        say(format!("delivers into {}", destination["BucketARN"]));
    }
    let pipeline = stack.parameter("EventsPipeline");
    let hour = "!{timestamp:yyyy/MM/dd/HH}/";
    let failed = format!("events-failed/{pipeline}/!{{firehose:error-output-type}}/{hour}");
    for (field, wanted) in [
        ("Prefix", format!("events/{pipeline}/{hour}")),
        ("ErrorOutputPrefix", failed),
        ("CompressionFormat", "GZIP".to_owned()),
        ("S3BackupMode", "Disabled".to_owned()),
    ] {
        if destination[field] != wanted.as_str() {
            say(format!("{field} is {}, not {wanted:?}", destination[field]));
        }
    }
    let hints = &destination["BufferingHints"];
    within(&hints["SizeInMBs"], OBJECT, "MB of an object", say);
    within(
        &hints["IntervalInSeconds"],
        OBJECT_SECONDS,
        "seconds of an object",
        say,
    );
    let logs = &destination["CloudWatchLoggingOptions"];
    let is_own = |kind: &str, name: &Value| {
        let mut all = stack
            .of_type(kind)
            .map(|(own, _)| format!("millrace-{own}"));
        all.any(|own| *name == own.as_str())
    };
    if logs["Enabled"] != true
        || !is_own("AWS::Logs::LogGroup", &logs["LogGroupName"])
        || !is_own("AWS::Logs::LogStream", &logs["LogStreamName"])
    {
        say("does not log why it could not deliver".to_owned());
    }
}

/// The one function that it calls, and with how much.
fn transformed(stack: &Stack, processing: &Value, say: &mut impl FnMut(String)) {
    let processors: Vec<_> = processing["Processors"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    let [processor] = processors[..] else {
        return say(format!("has {} processors, not one", processors.len()));
    };
    if processing["Enabled"] != true || processor["Type"] != "Lambda" {
        return say("delivers what is not transformed".to_owned());
    }
    let parameter = |wanted: &str| {
        let all = processor["Parameters"].as_array().into_iter().flatten();
        let mut all = all.filter(|it| it["ParameterName"] == wanted);
        all.next().map_or(&Value::Null, |it| &it["ParameterValue"])
    };
    let arn = list(parameter("LambdaArn")).concat();
    let mut functions = stack.functions().map(|(name, _)| name);
    if !functions.any(|name| arn.ends_with(&format!(":function:millrace-{name}"))) {
        say(format!("calls {arn}, which is no function of the stack"));
    }
    if number(parameter("NumberOfRetries")).is_none_or(|retries| retries < 3.0) {
        say("gives a batch up after fewer than three retries".to_owned());
    }
    within(parameter("BufferSizeInMBs"), BATCH, "MB of a batch", say);
    within(
        parameter("BufferIntervalInSeconds"),
        BATCH_SECONDS,
        "seconds of a batch",
        say,
    );
}

fn within(
    value: &Value,
    range: std::ops::RangeInclusive<f64>,
    what: &str,
    say: &mut impl FnMut(String),
) {
    if number(value).is_none_or(|value| !range.contains(&value)) {
        say(format!("has {value} {what}, not {range:?}"));
    }
}
