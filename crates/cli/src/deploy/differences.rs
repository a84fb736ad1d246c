//! What a deployment would change, for a person and as JSON.

use aws::cloudformation::{Action, ResourceDifference};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Resources are listed one by one if their action or their type needs a look, and counted
/// otherwise.
const WATCHED: [&str; 4] = [
    "AWS::IAM::",
    "AWS::KMS::",
    "AWS::S3::",
    "AWS::Lambda::Permission",
];

/// One resource that a deployment changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Difference {
    /// Its name in the template.
    pub resource: String,
    /// Its type, such as `AWS::IAM::Role`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What becomes of it: `add`, `modify`, `replace`, `perhapsReplace` or `remove`.
    pub action: &'static str,
}

impl From<&ResourceDifference> for Difference {
    fn from(difference: &ResourceDifference) -> Self {
        Self {
            resource: difference.resource.clone(),
            kind: difference.kind.clone(),
            action: match difference.action {
                Action::Add => "add",
                Action::Modify => "modify",
                Action::Replace => "replace",
                Action::PerhapsReplace => "perhapsReplace",
                Action::Remove => "remove",
            },
        }
    }
}

/// The changes as lines: what is removed or replaced first, then permissions and storage, and the
/// others by their number. Of a stack that is new, only numbers.
pub fn text(differences: &[ResourceDifference], is_new: bool) -> String {
    let mut listed: Vec<_> = differences
        .iter()
        .filter(|it| !is_new && is_watched(it))
        .collect();
    listed.sort_by_key(|it| (it.action, &it.kind, &it.resource));
    let mut text = String::new();
    // Writing to memory cannot fail.
    for it in &listed {
        let (mark, end) = mark(it.action);
        let _ = writeln!(text, "  {mark} {}  {}{end}", it.resource, it.kind);
    }
    let mut counts = BTreeMap::<(Action, &str), usize>::new();
    for it in differences.iter().filter(|it| is_new || !is_watched(it)) {
        *counts.entry((it.action, &it.kind)).or_default() += 1;
    }
    for ((action, kind), count) in counts {
        let (mark, end) = mark(action);
        let _ = writeln!(text, "  {mark} {count:>3} {kind}{end}");
    }
    text
}

fn is_watched(it: &ResourceDifference) -> bool {
    let is_lost = matches!(
        it.action,
        Action::Remove | Action::Replace | Action::PerhapsReplace
    );
    is_lost || WATCHED.iter().any(|prefix| it.kind.starts_with(prefix))
}

const fn mark(action: Action) -> (char, &'static str) {
    match action {
        Action::Add => ('+', ""),
        Action::Modify => ('~', ""),
        Action::Replace => ('!', ", replaced by another"),
        Action::PerhapsReplace => ('!', ", perhaps replaced by another"),
        Action::Remove => ('-', ", removed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(action: Action, resource: &str, kind: &str) -> ResourceDifference {
        ResourceDifference {
            action,
            resource: resource.to_owned(),
            kind: kind.to_owned(),
        }
    }

    #[test]
    fn what_is_lost_or_permitted_is_listed_and_the_rest_is_counted() {
        let all = [
            changed(Action::Modify, "PlanExport", "AWS::Lambda::Function"),
            changed(Action::Modify, "Merge", "AWS::Lambda::Function"),
            changed(Action::Add, "NewRole", "AWS::IAM::Role"),
            changed(Action::Replace, "Queue", "AWS::SQS::Queue"),
            changed(Action::Remove, "Old", "AWS::SNS::Topic"),
        ];
        assert_eq!(
            text(&all, false),
            "  - Old  AWS::SNS::Topic, removed\n\
             \x20 ! Queue  AWS::SQS::Queue, replaced by another\n\
             \x20 + NewRole  AWS::IAM::Role\n\
             \x20 ~   2 AWS::Lambda::Function\n"
        );
        let new = [
            changed(Action::Add, "A", "AWS::IAM::Role"),
            changed(Action::Add, "B", "AWS::IAM::Role"),
        ];
        assert_eq!(text(&new, true), "  +   2 AWS::IAM::Role\n");
    }
}
