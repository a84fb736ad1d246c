//! Checks that whatever an adapter creates says whose it is: it is tagged, or belongs to something
//! that is this stack's alone.

use super::{calls, needs};
use crate::Finding;
use crate::layers::Crates;
use std::path::Path;

/// Operations that leave nothing of their own in the account.
const CREATE_NOTHING: [&str; 13] = [
    "abort_",
    "add_tags",
    "batch_get_",
    "delete_",
    "deregister_",
    "describe_",
    "filter_",
    "get_",
    "head_",
    "invoke_",
    "list_",
    "scan",
    "stop_",
];

/// Operations whose results have no tags of their own, each with what says whose they are.
const BELONGS: [(&str, &str); 15] = [
    ("complete_multipart_upload", "the lake"),
    ("create_model_package", "its group, which is tagged"),
    ("create_multipart_upload", "the lake"),
    ("export_table_to_point_in_time", "the lake"),
    ("invoke", "a function of others"),
    ("publish", "the topic"),
    ("put_events", "its source"),
    // It is tagged as well, which counts when it is created.
    (
        "put_metric_alarm",
        "its name, which begins with the stack's",
    ),
    ("put_item", "the table of scores, which its owner creates"),
    ("put_object", "the lake"),
    ("put_scaling_policy", "the endpoint, which is tagged"),
    ("register_scalable_target", "the endpoint, which is tagged"),
    ("start_execution", "the state machine"),
    ("upload_part", "the lake"),
    ("upload_part_copy", "the lake"),
];

/// Operations that change what exists. Whose it is, the role's conditions say.
const CHANGE: [&str; 2] = ["update_endpoint", "update_model_package"];

/// Everything that is created without an owner.
pub fn findings(crates: &Crates) -> Vec<Finding> {
    let sources = &crates["aws"].sources;
    let files = calls::ADAPTERS.iter().flat_map(|(_, files)| *files);
    let texts: Vec<_> = files
        .map(|file| (*file, &sources[Path::new(file)]))
        .collect();
    let mut found = Vec::new();
    for (operation, _) in needs::ACTIONS {
        let creates_nothing = CREATE_NOTHING.iter().any(|it| operation.starts_with(it));
        let belongs = BELONGS.iter().any(|(known, _)| *known == operation);
        if creates_nothing || belongs || CHANGE.contains(&operation) {
            continue;
        }
        let call = format!(".{operation}()");
        for (file, text) in &texts {
            for after in text.split(&call).skip(1) {
                let request = after.split(".send()").next().unwrap_or_default();
                if !request.contains(".set_tags(") {
                    found.push(Finding::new(
                        *file,
                        format!("{operation} creates something that does not say whose it is"),
                    ));
                }
            }
        }
    }
    found
}
