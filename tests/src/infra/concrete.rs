//! The stack in the form that external programs read: the state machine with its substitutions, the
//! policies with their ARNs.

use super::intrinsics;
use super::stack::{EVENTS, LEAST, READY_FUNCTIONS, SCORES, SECRET, STREAM};
use serde_json::{Map, Value};

/// Parameters that take the branches that the defaults do not.
pub const PARAMETERS: [(&str, &str); 46] = [
    LEAST[0],
    SECRET,
    STREAM,
    ("ChangeStreamParallelism", "2"),
    READY_FUNCTIONS,
    SCORES[0],
    SCORES[1],
    ("ScorePipeline", "shops"),
    ("ReadyBucketArns", "arn:aws:s3:::books"),
    (
        "LakeKeyArn",
        "arn:aws:kms:eu-central-1:123456789012:key/given",
    ),
    ("RawExpiryDays", "30"),
    ("ModelExpiryDays", "365"),
    ("PredictionsExpiryDays", "90"),
    ("CapturedExpiryDays", "7"),
    EVENTS,
    ("EventsPipeline", "clicks"),
    ("EventsRequired", "event_id,context.device"),
    (
        "EventsWhere",
        "[{\"path\":\"kind\",\"op\":\"notEqual\",\"value\":\"test\"}]",
    ),
    ("EventsExpiryDays", "365"),
    ("ImagesColdClass", "STANDARD_IA"),
    ("ImagesColdDays", "90"),
    ("ImagesExpiryDays", "730"),
    ("ScheduleWindowMinutes", "10"),
    ("ScheduleStart", "2026-12-24T00:00:00Z"),
    ("ScheduleEnd", "2026-12-31T23:59:59Z"),
    ("AlarmEmail", "ml@example.com"),
    ("LakeReaders", "arn:aws:iam::123456789012:role/Reader"),
    (
        "TableKeyArn",
        "arn:aws:kms:eu-central-1:123456789012:key/table",
    ),
    ("SubnetIds", "subnet-1"),
    ("SecurityGroupIds", "sg-1"),
    ("JobsInVpc", "yes"),
    ("JobsReadImages", "yes"),
    ("ScheduleState", "ENABLED"),
    ("MapConcurrency", "20"),
    ("ReserveConcurrency", "yes"),
    ("RolePath", "/service/"),
    (
        "PermissionsBoundaryArn",
        "arn:aws:iam::123456789012:policy/Boundary",
    ),
    ("InputMayOverride", "dataset,limits"),
    ("ScheduledPipeline", "shops"),
    ("LakeUploaders", "arn:aws:iam::123456789012:role/Truck"),
    ("ImageReaders", "arn:aws:iam::123456789012:role/Viewer"),
    ("ImageBucketArns", "arn:aws:s3:::fleet-images"),
    (
        "ImageKeyArns",
        "arn:aws:kms:eu-central-1:123456789012:key/images",
    ),
    ("FilesBucket", "old-exports"),
    ("FilesPrefix", "exports/"),
    (
        "FilesKeyArn",
        "arn:aws:kms:eu-central-1:123456789012:key/files",
    ),
];

/// The definition that Step Functions is given. A placeholder that nothing fills stays.
pub fn definition(template: &Value, machine: &str) -> String {
    let resources = intrinsics::resources(template, &PARAMETERS);
    let properties = &resources["RetrainStateMachine"]["Properties"];
    let all = properties["DefinitionSubstitutions"].as_object();
    let put = |text: String, (name, value): (&String, &Value)| {
        text.replace(&format!("${{{name}}}"), value.as_str().unwrap_or_default())
    };
    all.into_iter().flatten().fold(machine.to_owned(), put)
}

/// The policies of the stack's roles with these parameters, by role and policy.
pub fn policies(template: &Value, parameters: &[(&str, &str)]) -> Map<String, Value> {
    let mut policies = Map::new();
    for (name, resource) in intrinsics::resources(template, parameters) {
        let properties = &resource["Properties"];
        match resource["Type"].as_str() {
            Some("AWS::IAM::ManagedPolicy") => {
                policies.insert(name, properties["PolicyDocument"].clone());
            }
            Some("AWS::IAM::Role") => {
                for policy in properties["Policies"].as_array().into_iter().flatten() {
                    let part = policy["PolicyName"].as_str().unwrap_or_default();
                    policies.insert(format!("{name}/{part}"), policy["PolicyDocument"].clone());
                }
            }
            _ => {}
        }
    }
    policies
}
