//! The resource types and properties that the checks evaluate. Any other is a finding, because no
//! check covers it: a function's URL, a permission, a second bucket's website.

use super::stack::Stack;
use crate::Finding;

/// Each type with the properties that are evaluated by some check, or mean nothing to safety.
const TYPES: [(&str, &[&str]); 32] = [
    (
        "AWS::Athena::NamedQuery",
        &[
            "Database",
            "Description",
            "Name",
            "QueryString",
            "WorkGroup",
        ],
    ),
    (
        "AWS::Athena::WorkGroup",
        &[
            "Description",
            "Name",
            "RecursiveDeleteOption",
            "WorkGroupConfiguration",
        ],
    ),
    (
        "AWS::CloudWatch::Alarm",
        &[
            "ActionsEnabled",
            "AlarmActions",
            "AlarmDescription",
            "AlarmName",
            "ComparisonOperator",
            "Dimensions",
            "EvaluationPeriods",
            "MetricName",
            "Metrics",
            "Namespace",
            "OKActions",
            "Period",
            "Statistic",
            "Threshold",
            "TreatMissingData",
        ],
    ),
    (
        "AWS::CloudWatch::Dashboard",
        &["DashboardBody", "DashboardName"],
    ),
    (
        "AWS::Events::Rule",
        &[
            "Description",
            "EventPattern",
            "ScheduleExpression",
            "Targets",
        ],
    ),
    ("AWS::Glue::Database", &["CatalogId", "DatabaseInput"]),
    (
        "AWS::Glue::Table",
        &["CatalogId", "DatabaseName", "TableInput"],
    ),
    (
        "AWS::IAM::ManagedPolicy",
        &["Description", "Path", "PolicyDocument"],
    ),
    (
        "AWS::IAM::Role",
        &[
            "AssumeRolePolicyDocument",
            "ManagedPolicyArns",
            "Path",
            "PermissionsBoundary",
            "Policies",
        ],
    ),
    (
        "AWS::KinesisFirehose::DeliveryStream",
        &[
            "DeliveryStreamEncryptionConfigurationInput",
            "DeliveryStreamName",
            "DeliveryStreamType",
            "ExtendedS3DestinationConfiguration",
        ],
    ),
    (
        "AWS::KinesisFirehose::DeliveryStream.DeliveryStreamEncryptionConfigurationInput",
        &["KeyType"],
    ),
    // Neither dynamic partitioning, which cannot be turned off again, nor another format.
    (
        "AWS::KinesisFirehose::DeliveryStream.ExtendedS3DestinationConfiguration",
        &[
            "BucketARN",
            "BufferingHints",
            "CloudWatchLoggingOptions",
            "CompressionFormat",
            "ErrorOutputPrefix",
            "Prefix",
            "ProcessingConfiguration",
            "RoleARN",
            "S3BackupMode",
        ],
    ),
    (
        "AWS::KMS::Key",
        &["Description", "EnableKeyRotation", "KeyPolicy"],
    ),
    (
        "AWS::Lambda::EventSourceMapping",
        &super::mappings::PROPERTIES,
    ),
    (
        "AWS::Lambda::EventSourceMapping",
        &[
            "BatchSize",
            "BisectBatchOnFunctionError",
            "DestinationConfig",
            "EventSourceArn",
            "FunctionName",
            "MaximumBatchingWindowInSeconds",
            "MaximumRecordAgeInSeconds",
            "MaximumRetryAttempts",
            "StartingPosition",
        ],
    ),
    (
        "AWS::Lambda::Permission",
        &["Action", "FunctionName", "Principal", "SourceArn"],
    ),
    (
        "AWS::Logs::LogGroup",
        &["KmsKeyId", "LogGroupName", "RetentionInDays"],
    ),
    (
        "AWS::S3::Bucket",
        &[
            "BucketEncryption",
            "LifecycleConfiguration",
            "OwnershipControls",
            "PublicAccessBlockConfiguration",
            "VersioningConfiguration",
        ],
    ),
    ("AWS::Logs::LogStream", &["LogGroupName", "LogStreamName"]),
    ("AWS::S3::BucketPolicy", &["Bucket", "PolicyDocument"]),
    (
        "AWS::SNS::Subscription",
        &["Endpoint", "Protocol", "TopicArn"],
    ),
    ("AWS::SNS::Topic", &["KmsMasterKeyId"]),
    ("AWS::SNS::TopicPolicy", &["PolicyDocument", "Topics"]),
    (
        "AWS::SQS::Queue",
        &["MessageRetentionPeriod", "SqsManagedSseEnabled"],
    ),
    ("AWS::SQS::QueuePolicy", &["PolicyDocument", "Queues"]),
    (
        "AWS::Scheduler::Schedule",
        &[
            "Description",
            "EndDate",
            "FlexibleTimeWindow",
            "GroupName",
            "Name",
            "ScheduleExpression",
            "ScheduleExpressionTimezone",
            "StartDate",
            "State",
            "Target",
        ],
    ),
    ("AWS::Scheduler::ScheduleGroup", &["Name"]),
    (
        "AWS::Serverless::Function",
        &[
            "Architectures",
            "CodeUri",
            "Environment",
            "EphemeralStorage",
            "EventInvokeConfig",
            "Handler",
            "LoggingConfig",
            "MemorySize",
            "ReservedConcurrentExecutions",
            "Role",
            "Runtime",
            "Timeout",
            "Tracing",
            "VpcConfig",
        ],
    ),
    (
        "AWS::Serverless::StateMachine",
        &[
            "AutoPublishAlias",
            "DefinitionSubstitutions",
            "DefinitionUri",
            "Events",
            "Logging",
            "Name",
            "Role",
            "Tracing",
            "Type",
            "UseAliasAsEventTarget",
        ],
    ),
    ("AWS::Serverless::StateMachine.Events", &["ScheduleV2"]),
    (
        "AWS::Serverless::Function.EventInvokeConfig",
        &[
            "DestinationConfig",
            "MaximumEventAgeInSeconds",
            "MaximumRetryAttempts",
        ],
    ),
    (
        "AWS::Serverless::Function.LoggingConfig",
        &["ApplicationLogLevel", "LogFormat", "LogGroup"],
    ),
];

/// Every type and property that no check knows.
pub fn findings(stack: &Stack) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, resource) in stack.everything() {
        let kind = resource["Type"].as_str().unwrap_or_default();
        let Some(known) = properties(kind) else {
            found.push(Finding::new(
                name,
                format!("{kind} is evaluated by no check"),
            ));
            continue;
        };
        let mut say = |what: &str| {
            found.push(Finding::new(
                name,
                format!("{what} is evaluated by no check"),
            ));
        };
        for (property, value) in resource["Properties"].as_object().into_iter().flatten() {
            if !known.contains(&property.as_str()) {
                say(property);
            }
            // One level further, where a property is a door.
            let part = format!("{kind}.{property}");
            let inner = properties(&part);
            for (field, value) in value.as_object().into_iter().flatten() {
                let what = value["Type"].as_str().unwrap_or(field);
                if inner.is_some_and(|inner| !inner.contains(&what)) {
                    say(&format!("{property} {what}"));
                }
            }
        }
    }
    found
}

fn properties(kind: &str) -> Option<&'static [&'static str]> {
    let known = TYPES.iter().find(|(known, _)| *known == kind);
    known.map(|(_, properties)| *properties)
}
