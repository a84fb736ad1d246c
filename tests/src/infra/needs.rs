//! The IAM permissions of the SDK's operations, and whether each role has exactly the ones it
//! needs.

use super::access;
use super::calls;
use super::intrinsics;
use super::policy;
use super::stack::{EVENTS, LEAST, READY_FUNCTIONS, SCORES, SECRET, STREAM};
use crate::layers::Crates;
use crate::template::{self, Lambda};
use crate::{Finding, asl};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The ports that adapters implement; a function reaches only those that its sources name.
pub const PORTS: [&str; 31] = [
    "Alarms",
    "Announcements",
    "ByteStream",
    "CallFunction",
    "ConditionalStore",
    "CopyingUpload",
    "DescribeCapture",
    "DescribeExecution",
    "DescribeRecovery",
    "DescribeTable",
    "Endpoints",
    "Executions",
    "Invoke",
    "ListRunning",
    "ModelPackages",
    "NativeExport",
    "ObjectStore",
    "PagedStore",
    "ReadHistory",
    "ReadItems",
    "Scaling",
    "ScanPages",
    "Secrets",
    "SendNotices",
    "TaggedStore",
    "TrainingJobs",
    "TrainingLogs",
    "Transforms",
    "TuningJobs",
    "Upload",
    "WriteNewer",
];

/// Each operation that the adapters call, with the actions that it needs. Source: Service
/// Authorization Reference; for S3, "Required permissions for Amazon S3 API operations".
pub const ACTIONS: [(&str, &[&str]); 73] = [
    ("abort_multipart_upload", &["s3:AbortMultipartUpload"]),
    ("add_tags", &["sagemaker:AddTags"]),
    ("batch_get_item", &["dynamodb:BatchGetItem"]),
    ("complete_multipart_upload", &["s3:PutObject"]),
    (
        "create_endpoint",
        &["sagemaker:CreateEndpoint", "sagemaker:AddTags"],
    ),
    (
        "create_endpoint_config",
        &["sagemaker:CreateEndpointConfig", "sagemaker:AddTags"],
    ),
    (
        "create_hyper_parameter_tuning_job",
        &[
            "sagemaker:CreateHyperParameterTuningJob",
            "sagemaker:AddTags",
            "iam:PassRole",
        ],
    ),
    (
        "create_model",
        &["sagemaker:CreateModel", "sagemaker:AddTags", "iam:PassRole"],
    ),
    // SageMaker looks, as the caller, whether the artifact is there ("Access denied for bucket"),
    // and by AWS's own AmazonSageMakerModelRegistryFullAccess at the image.
    (
        "create_model_package",
        &[
            "sagemaker:CreateModelPackage",
            "s3:GetObject",
            "ecr:BatchGetImage",
            "ecr:DescribeImages",
        ],
    ),
    (
        "create_model_package_group",
        &["sagemaker:CreateModelPackageGroup", "sagemaker:AddTags"],
    ),
    ("create_multipart_upload", &["s3:PutObject"]),
    (
        "create_training_job",
        &[
            "sagemaker:CreateTrainingJob",
            "sagemaker:AddTags",
            "iam:PassRole",
        ],
    ),
    // The role is the model's.
    (
        "create_transform_job",
        &["sagemaker:CreateTransformJob", "sagemaker:AddTags"],
    ),
    (
        "delete_endpoint_config",
        &["sagemaker:DeleteEndpointConfig"],
    ),
    ("delete_item", &["dynamodb:DeleteItem"]),
    ("delete_model", &["sagemaker:DeleteModel"]),
    ("delete_object", &["s3:DeleteObject"]),
    // Auto Scaling removes the policy's alarms as the caller.
    (
        "delete_scaling_policy",
        &[
            "application-autoscaling:DeleteScalingPolicy",
            "cloudwatch:DeleteAlarms",
        ],
    ),
    (
        "deregister_scalable_target",
        &["application-autoscaling:DeregisterScalableTarget"],
    ),
    ("describe_alarms", &["cloudwatch:DescribeAlarms"]),
    (
        "describe_continuous_backups",
        &["dynamodb:DescribeContinuousBackups"],
    ),
    ("describe_endpoint", &["sagemaker:DescribeEndpoint"]),
    (
        "describe_endpoint_config",
        &["sagemaker:DescribeEndpointConfig"],
    ),
    ("describe_execution", &["states:DescribeExecution"]),
    ("describe_export", &["dynamodb:DescribeExport"]),
    (
        "describe_hyper_parameter_tuning_job",
        &["sagemaker:DescribeHyperParameterTuningJob"],
    ),
    ("describe_map_run", &["states:DescribeMapRun"]),
    ("describe_model", &["sagemaker:DescribeModel"]),
    (
        "describe_model_package_group",
        &["sagemaker:DescribeModelPackageGroup"],
    ),
    (
        "describe_scalable_targets",
        &["application-autoscaling:DescribeScalableTargets"],
    ),
    (
        "describe_scaling_policies",
        &["application-autoscaling:DescribeScalingPolicies"],
    ),
    ("describe_stream", &["dynamodb:DescribeStream"]),
    ("describe_table", &["dynamodb:DescribeTable"]),
    ("describe_training_job", &["sagemaker:DescribeTrainingJob"]),
    (
        "describe_transform_job",
        &["sagemaker:DescribeTransformJob"],
    ),
    // DynamoDB writes the files as the caller.
    (
        "export_table_to_point_in_time",
        &[
            "dynamodb:ExportTableToPointInTime",
            "s3:AbortMultipartUpload",
            "s3:PutObject",
            "s3:PutObjectAcl",
        ],
    ),
    ("filter_log_events", &["logs:FilterLogEvents"]),
    (
        "get_event_source_mapping",
        &["lambda:GetEventSourceMapping"],
    ),
    ("get_execution_history", &["states:GetExecutionHistory"]),
    ("get_metric_data", &["cloudwatch:GetMetricData"]),
    // Without the listing, a key that is not there is answered as forbidden.
    ("get_object", &["s3:GetObject", "s3:ListBucket"]),
    ("get_object_tagging", &["s3:GetObjectTagging"]),
    ("get_records", &["dynamodb:GetRecords"]),
    ("get_secret_value", &["secretsmanager:GetSecretValue"]),
    ("get_shard_iterator", &["dynamodb:GetShardIterator"]),
    ("head_object", &["s3:GetObject", "s3:ListBucket"]),
    ("invoke", &["lambda:InvokeFunction"]),
    ("invoke_endpoint", &["sagemaker:InvokeEndpoint"]),
    ("list_endpoint_configs", &["sagemaker:ListEndpointConfigs"]),
    ("list_executions", &["states:ListExecutions"]),
    ("list_exports", &["dynamodb:ListExports"]),
    ("list_map_runs", &["states:ListMapRuns"]),
    ("list_model_packages", &["sagemaker:ListModelPackages"]),
    ("list_objects_v2", &["s3:ListBucket"]),
    ("list_tags", &["sagemaker:ListTags"]),
    (
        "list_training_jobs_for_hyper_parameter_tuning_job",
        &["sagemaker:ListTrainingJobsForHyperParameterTuningJob"],
    ),
    ("publish", &["sns:Publish"]),
    ("put_events", &["events:PutEvents"]),
    ("put_item", &["dynamodb:PutItem"]),
    // An alarm is tagged when it is created.
    (
        "put_metric_alarm",
        &["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"],
    ),
    ("put_object", &["s3:PutObject"]),
    // Auto Scaling makes the alarms that the policy tracks as the caller.
    (
        "put_scaling_policy",
        &[
            "application-autoscaling:PutScalingPolicy",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:PutMetricAlarm",
        ],
    ),
    // The first target of an account makes the service-linked role; what can be scaled is looked
    // at, and scaled, as the caller.
    (
        "register_scalable_target",
        &[
            "application-autoscaling:RegisterScalableTarget",
            "iam:CreateServiceLinkedRole",
            "sagemaker:DescribeEndpoint",
            "sagemaker:DescribeEndpointConfig",
            "sagemaker:UpdateEndpointWeightsAndCapacities",
        ],
    ),
    ("scan", &["dynamodb:Scan"]),
    ("start_execution", &["states:StartExecution"]),
    ("stop_execution", &["states:StopExecution"]),
    (
        "stop_hyper_parameter_tuning_job",
        &["sagemaker:StopHyperParameterTuningJob"],
    ),
    ("stop_training_job", &["sagemaker:StopTrainingJob"]),
    ("stop_transform_job", &["sagemaker:StopTransformJob"]),
    // SageMaker looks, as the caller, at the alarms that take the update back.
    (
        "update_endpoint",
        &["sagemaker:UpdateEndpoint", "cloudwatch:DescribeAlarms"],
    ),
    ("update_model_package", &["sagemaker:UpdateModelPackage"]),
    ("upload_part", &["s3:PutObject"]),
    ("upload_part_copy", &["s3:GetObject", "s3:PutObject"]),
];

/// Operations of the CLI's commands, which no function uses.
pub const FOR_PEOPLE: [&str; 4] = [
    "create_secret",
    "get_item",
    "redrive_execution",
    "send_task_success",
];

/// Operations that a function seems to reach and never calls: the readers of the lake's parts call
/// `append` and `finish`, which are methods of its writers too.
const BY_NAME_ALONE: [(&str, &str); 5] = [
    ("plan-export", "abort_multipart_upload"),
    ("score-changes", "complete_multipart_upload"),
    ("score-changes", "create_multipart_upload"),
    ("score-changes", "put_object"),
    ("score-changes", "upload_part"),
];

/// What every function needs, whatever it calls: its log and its traces.
const BY_BEING_ONE: [&str; 4] = [
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
];

/// What every function needs that uses the lake: its key.
const BY_USING_THE_LAKE: [&str; 2] = ["kms:Decrypt", "kms:GenerateDataKey"];

/// What a Distributed Map needs to start its children, to watch them, and to redrive them.
const OF_DISTRIBUTED_MAPS: [&str; 4] = [
    "states:DescribeExecution",
    "states:RedriveExecution",
    "states:StartExecution",
    "states:StopExecution",
];

/// What the state machine needs for its log and its traces.
const BY_BEING_A_MACHINE: [&str; 12] = [
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
];

/// The actions that a function needs.
///
/// # Errors
/// An operation whose actions are not stated.
pub fn needed(crates: &Crates, lambda: &str) -> Result<BTreeSet<String>, Finding> {
    let mut needed: BTreeSet<String> = BY_BEING_ONE.map(str::to_owned).into();
    let main = crates[lambda].sources.get(Path::new("main.rs"));
    if main.is_some_and(|main| main.contains("\"LAKE_BUCKET\"")) {
        needed.extend(BY_USING_THE_LAKE.map(str::to_owned));
    }
    for operation in calls::operations(crates, lambda) {
        if FOR_PEOPLE.contains(&operation.as_str())
            || BY_NAME_ALONE.contains(&(lambda, operation.as_str()))
        {
            continue;
        }
        let actions = ACTIONS.iter().find(|(name, _)| *name == operation);
        let (_, actions) = actions.ok_or_else(|| {
            Finding::new(
                lambda,
                format!("calls {operation}, whose actions are not stated"),
            )
        })?;
        needed.extend(actions.iter().map(|action| (*action).to_owned()));
    }
    Ok(needed)
}

/// The actions that the state machine needs, by its definition.
pub fn needed_by_machine(machine: &Value) -> BTreeSet<String> {
    let mut needed: BTreeSet<String> = BY_BEING_A_MACHINE.map(str::to_owned).into();
    for state in asl::states(machine) {
        needed.extend(integration(
            state.json["Resource"].as_str().unwrap_or_default(),
        ));
        // The topic is encrypted with the lake's key.
        if !state.json["Parameters"]["TopicArn"].is_null() {
            needed.extend(["kms:Decrypt", "kms:GenerateDataKey"].map(str::to_owned));
        }
        let reader = &state.json["ItemReader"];
        needed.extend(integration(reader["Resource"].as_str().unwrap_or_default()));
        if !reader.is_null() {
            needed.extend(["s3:ListBucket", "kms:Decrypt"].map(str::to_owned));
        }
        if state.json["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED" {
            needed.extend(OF_DISTRIBUTED_MAPS.map(str::to_owned));
        }
    }
    needed
}

/// `arn:…:states:::aws-sdk:sagemaker:stopTrainingJob` needs `sagemaker:StopTrainingJob`.
fn integration(resource: &str) -> Option<String> {
    let (_, call) = resource.split_once(":states:::")?;
    let call = call.trim_end_matches(".waitForTaskToken");
    if call == "lambda:invoke" {
        return Some("lambda:InvokeFunction".to_owned());
    }
    let (service, operation) = call.trim_start_matches("aws-sdk:").split_once(':')?;
    let service = if service == "sfn" { "states" } else { service };
    let (first, rest) = operation.split_at(1);
    Some(format!("{service}:{}{rest}", first.to_uppercase()))
}

fn compare(
    role: &str,
    granted: &BTreeSet<String>,
    needed: &BTreeSet<String>,
    who: &str,
) -> Vec<Finding> {
    let lacks = needed
        .difference(granted)
        .map(|action| Finding::new(role, format!("lacks {action}, which {who} calls for")));
    let spare = granted
        .difference(needed)
        .map(|action| Finding::new(role, format!("has {action}, which {who} has no use for")));
    lacks.chain(spare).collect()
}

/// What Lambda does as the function to read a table's stream, and to store what it gives up. Source:
/// AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB" and "Retain discarded records
/// for a DynamoDB event source in Lambda".
fn by_event_source(source: &Value) -> Vec<&'static str> {
    if source["Type"] != "AWS::Lambda::EventSourceMapping" {
        return Vec::new();
    }
    let mut needed = vec![
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
    ];
    let failed = &source["Properties"]["DestinationConfig"]["OnFailure"]["Destination"];
    if failed["Fn::GetAtt"] == "Undelivered.Arn" {
        needed.push("sqs:SendMessage");
    } else if !failed.is_null() {
        needed.extend(["s3:ListBucket", "s3:PutObject"]);
    }
    needed
}

/// The actions that a role of the template has.
fn granted(resources: &Map<String, Value>, role: &str) -> Option<BTreeSet<String>> {
    let statements = access::of_role(resources.get(role)?, resources);
    let allowed = statements.iter().filter(|it| it["Effect"] == "Allow");
    Some(allowed.flat_map(|it| policy::list(&it["Action"])).collect())
}

/// What each function needs, by its name.
pub type Needs = BTreeMap<String, BTreeSet<String>>;

/// The needs of all functions. It reads all their sources, which takes seconds.
///
/// # Errors
/// An operation whose actions are not stated.
pub fn of_all(crates: &Crates, lambdas: &[Lambda]) -> Result<Needs, Finding> {
    let each = lambdas.iter();
    each.map(|lambda| Ok((lambda.name.clone(), needed(crates, &lambda.name)?)))
        .collect()
}

/// Every action that a role lacks, or has without need.
pub fn findings(template: &Value, machine: &Value, needs: &Needs) -> Vec<Finding> {
    let given = [
        LEAST[0],
        SECRET,
        STREAM,
        READY_FUNCTIONS,
        EVENTS,
        SCORES[0],
        SCORES[1],
    ];
    let resources = intrinsics::resources(template, &given);
    let mut found = Vec::new();
    for (lambda, needed) in needs {
        let role = template::role_name(lambda);
        let mut needed = needed.clone();
        let function = &resources[&template::resource_name(lambda)]["Properties"];
        if !function["EventInvokeConfig"]["DestinationConfig"]["OnFailure"].is_null() {
            // Lambda sends what failed as the function.
            needed.insert("sqs:SendMessage".to_owned());
        }
        let function = template::resource_name(lambda);
        for (_, source) in template::event_sources(template, &function) {
            needed.extend(by_event_source(source).into_iter().map(str::to_owned));
        }
        match granted(&resources, &role) {
            None => found.push(Finding::new(role, "is not there")),
            Some(granted) => found.extend(compare(&role, &granted, &needed, lambda)),
        }
    }
    let granted = granted(&resources, "RetrainRole").unwrap_or_default();
    let needed = needed_by_machine(machine);
    found.extend(compare(
        "RetrainRole",
        &granted,
        &needed,
        "the state machine",
    ));
    found
}
