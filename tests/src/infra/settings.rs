//! Checks the settings of the stack's resources.

use super::policy::list;
use crate::Finding;
use crate::layers::{Crates, emits};
use serde_json::Value;

/// Properties that give a resource its physical name.
const NAMES: [&str; 6] = [
    "AlarmName",
    "DashboardName",
    "DeliveryStreamName",
    "LogGroupName",
    "Name",
    "RoleName",
];

/// Settings by resource, as pointers below it, with the only value that will do.
const SETTINGS: [(&str, &str, &str); 34] = [
    ("LakeBucket", "/DeletionPolicy", "Retain"),
    ("LakeBucket", "/UpdateReplacePolicy", "Retain"),
    (
        "LakeBucket",
        "/Properties/PublicAccessBlockConfiguration/BlockPublicAcls",
        "true",
    ),
    (
        "LakeBucket",
        "/Properties/PublicAccessBlockConfiguration/BlockPublicPolicy",
        "true",
    ),
    (
        "LakeBucket",
        "/Properties/PublicAccessBlockConfiguration/IgnorePublicAcls",
        "true",
    ),
    (
        "LakeBucket",
        "/Properties/PublicAccessBlockConfiguration/RestrictPublicBuckets",
        "true",
    ),
    (
        "LakeBucket",
        "/Properties/OwnershipControls/Rules/0/ObjectOwnership",
        "BucketOwnerEnforced",
    ),
    (
        "LakeBucket",
        "/Properties/BucketEncryption/ServerSideEncryptionConfiguration/0/ServerSideEncryptionByDefault/SSEAlgorithm",
        "aws:kms",
    ),
    (
        "LakeBucket",
        "/Properties/VersioningConfiguration/Status",
        "Enabled",
    ),
    (
        "LakeBucketPolicy",
        "/Properties/PolicyDocument/Statement/0/Effect",
        "Deny",
    ),
    (
        "LakeBucketPolicy",
        "/Properties/PolicyDocument/Statement/0/Condition/Bool/aws:SecureTransport",
        "false",
    ),
    ("LakeBucketPolicy", "/DeletionPolicy", "Retain"),
    ("LakeBucketPolicy", "/UpdateReplacePolicy", "Retain"),
    ("LakeKey", "/DeletionPolicy", "Retain"),
    ("LakeKey", "/UpdateReplacePolicy", "Retain"),
    ("LakeKey", "/Properties/EnableKeyRotation", "true"),
    ("RetrainStateMachine", "/Properties/Type", "STANDARD"),
    ("RetrainStateMachine", "/Properties/Tracing/Enabled", "true"),
    ("RetrainStateMachine", "/Properties/Logging/Level", "ALL"),
    (
        "RetrainStateMachine",
        "/Properties/AutoPublishAlias",
        "live",
    ),
    (
        "RetrainStateMachine",
        "/Properties/UseAliasAsEventTarget",
        "true",
    ),
    (
        "RetrainStateMachine",
        "/Properties/Events/Retrain/Properties/DeadLetterConfig/Arn/Fn::GetAtt",
        "Undelivered.Arn",
    ),
    (
        "StartTrainingFunction",
        "/Properties/EventInvokeConfig/DestinationConfig/OnFailure/Destination/Fn::GetAtt",
        "Undelivered.Arn",
    ),
    // Otherwise each object is a request to KMS.
    (
        "LakeBucket",
        "/Properties/BucketEncryption/ServerSideEncryptionConfiguration/0/BucketKeyEnabled",
        "true",
    ),
    (
        "StartTrainingFunction",
        "/Properties/EventInvokeConfig/MaximumRetryAttempts",
        "2",
    ),
    (
        "StartTrainingFunction",
        "/Properties/EventInvokeConfig/MaximumEventAgeInSeconds",
        "3600",
    ),
    ("Undelivered", "/Properties/SqsManagedSseEnabled", "true"),
    (
        "PublishReportFunction",
        "/Properties/EventInvokeConfig/DestinationConfig/OnFailure/Destination/Fn::GetAtt",
        "Undelivered.Arn",
    ),
    (
        "PublishReportFunction",
        "/Properties/Environment/Variables/NOTICES_TOPIC_ARN/Ref",
        "Notices",
    ),
    // As long as a run can be redriven.
    (
        "Undelivered",
        "/Properties/MessageRetentionPeriod",
        "1209600",
    ),
    ("NoticesByEmail", "/Properties/Endpoint/Ref", "AlarmEmail"),
    ("NoticesByEmail", "/Properties/Protocol", "email"),
    ("NoticesByEmail", "/Properties/TopicArn/Ref", "Notices"),
    (
        "RunFailedRule",
        "/Properties/Targets/0/Arn/Fn::GetAtt",
        "PublishReportFunction.Arn",
    ),
];

/// Everything that is set otherwise than it must be.
pub fn findings(template: &Value, crates: &Crates) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, pointer, wanted) in SETTINGS {
        let actual = template["Resources"][name].pointer(pointer);
        let actual = actual.map(|value| list(value).join(","));
        if actual.as_deref() != Some(wanted) {
            let problem = format!("{pointer} is {actual:?}, not {wanted}");
            found.push(Finding::new(name, problem));
        }
    }
    let globals = &template["Globals"]["Function"];
    let logs = &globals["LoggingConfig"];
    if globals["Tracing"] != "Active"
        || logs["LogFormat"] != "JSON"
        || logs["ApplicationLogLevel"] != "INFO"
    {
        found.push(Finding::new(
            "Globals.Function",
            "needs traces and JSON logs of the level INFO",
        ));
    }
    let statuses = list(
        &template["Resources"]["RunFailedRule"]["Properties"]["EventPattern"]["detail"]["status"],
    );
    if statuses != ["FAILED", "TIMED_OUT", "ABORTED"] {
        found.push(Finding::new(
            "RunFailedRule",
            format!("is about {statuses:?}"),
        ));
    }
    for (name, resource) in template["Resources"].as_object().into_iter().flatten() {
        each(name, resource, crates, &mut found);
    }
    found
}

fn each(name: &str, resource: &Value, crates: &Crates, found: &mut Vec<Finding>) {
    let properties = &resource["Properties"];
    let mut say = |problem: String| found.push(Finding::new(name, problem));
    for property in NAMES {
        let physical = match &properties[property] {
            Value::Null => continue,
            // Another resource's.
            Value::Object(sub) if sub.contains_key("Ref") => continue,
            Value::Object(sub) => list(&sub["Fn::Sub"]).join(""),
            text => list(text).join(""),
        };
        if !physical.contains("${AWS::StackName}") {
            say(format!(
                "{property} {physical} would be taken by the first stack"
            ));
        }
    }
    match resource["Type"].as_str().unwrap_or_default() {
        "AWS::Logs::LogGroup" if properties["RetentionInDays"].is_null() => {
            say("keeps its logs for ever".to_owned());
        }
        "AWS::Serverless::Function" => {
            let logs = &properties["LoggingConfig"];
            if logs["LogGroup"].is_null() || logs.as_object().is_some_and(|it| it.len() > 1) {
                say("logs otherwise than into a group of the stack".to_owned());
            }
        }
        "AWS::CloudWatch::Alarm" => {
            if properties["AlarmActions"][0]["Ref"] != "Notices" {
                say("tells nobody".to_owned());
            }
            if properties["Metrics"]
                .as_array()
                .is_some_and(|all| all.len() > 11)
            {
                say("has more than ten metrics".to_owned());
            }
            let own = list(&properties["Namespace"]["Fn::Sub"])
                .join("")
                .starts_with("Millrace/");
            let metric = properties["MetricName"].as_str().unwrap_or_default();
            if own && !emits(crates, metric) {
                say(format!("is about {metric}, which nothing emits"));
            }
        }
        "AWS::CloudWatch::Dashboard" => {
            let body = list(&properties["DashboardBody"]["Fn::Sub"]).join("");
            if serde_json::from_str::<Value>(&body).is_err() {
                say("its body is no JSON".to_owned());
            }
            for part in body.split("MetricName=\\\"").skip(1) {
                let metric = part.split('\\').next().unwrap_or_default();
                if !emits(crates, metric) {
                    say(format!("shows {metric}, which nothing emits"));
                }
            }
        }
        _ => {}
    }
}
