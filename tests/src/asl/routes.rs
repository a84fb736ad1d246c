//! Checks what each choice leads to, and under which name a run ends: facts, since a graph that leads
//! every value somewhere may still deploy what was to be kept.

use super::is_callback;
use super::scope::{Scope, State, followers, scopes};
use crate::Finding;
use serde_json::Value;

/// The choices, but for those on `$.status`: each value with the state that it leads to.
const ROUTES: [(&str, &str, &str); 37] = [
    ("WhichRoute", "Scan", "ExportSegments"),
    ("WhichRoute", "Export", "RequestExport"),
    ("WhichRoute", "Sql", "ExportSegments"),
    ("WhichRoute", "Images", "ExportSegments"),
    ("WhichRoute", "Files", "ExportSegments"),
    ("WhichRoute", "Changes", "RequestExport"),
    ("WhichRoute", "Stream", "CompactChanges"),
    ("WhatIsExported", "Adopt", "ExportSegments"),
    ("WhatIsExported", "Compact", "CompactChanges"),
    ("WhichExporter", "Scan", "ExportSegment"),
    ("WhichExporter", "Export", "ExportSegment"),
    ("WhichExporter", "Sql", "ExportSqlRange"),
    ("WhichExporter", "Images", "IndexImages"),
    ("WhichExporter", "Files", "ExportSegment"),
    ("WhichExporter", "Changes", "ExportSegment"),
    ("WhichExporter", "Stream", "ExportSegment"),
    ("WhichPacker", "Attributes", "MergeToCsv"),
    ("WhichPacker", "Images", "PackImages"),
    ("IsDatasetDefined", "Continue", "MergeShards"),
    ("IsDatasetDefined", "End", "ReportExported"),
    ("IsDatasetDefined", "NothingNew", "ReportNothingNew"),
    ("IsDatasetDefined", "ExportWhole", "RequestExport"),
    ("IsTrainingDefined", "Continue", "StartTraining"),
    ("IsTrainingDefined", "End", "ReportDatasetSealed"),
    ("IsPromotionDefined", "Continue", "JudgeModel"),
    ("IsPromotionDefined", "End", "ReportTrained"),
    ("IsModelBetter", "Promote", "DeployEndpoint"),
    ("IsModelBetter", "Keep", "ReportKeptChampion"),
    ("IsModelBetter", "AskApproval", "NotifyApprovers"),
    ("IsModelBetter", "AwaitApproval", "AwaitApproval"),
    ("IsModelBetter", "Compare", "WaitForComparison"),
    ("WhichOutcome", "Exported", "Exported"),
    ("WhichOutcome", "NothingNew", "NothingNew"),
    ("WhichOutcome", "DatasetSealed", "DatasetSealed"),
    ("WhichOutcome", "Trained", "Trained"),
    ("WhichOutcome", "Deployed", "Deployed"),
    ("WhichOutcome", "KeptChampion", "KeptChampion"),
];

pub fn findings(machine: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    for scope in scopes(machine) {
        for state in scope.states() {
            let mut say = |problem: String| found.push(Finding::new(&state.place, problem));
            match state.kind() {
                "Choice" => choice(&scope, &state, &mut say),
                "Pass" => outcome(&state, &mut say),
                "Task" if is_callback(state.json) => callback(&scope, &state, &mut say),
                _ => {}
            }
        }
    }
    found
}

fn choice(scope: &Scope<'_>, state: &State<'_>, say: &mut impl FnMut(String)) {
    for choice in state.json["Choices"].as_array().into_iter().flatten() {
        let text = |field: &str| choice[field].as_str().unwrap_or_default();
        let (value, next) = (text("StringEquals"), text("Next"));
        if text("Variable") == "$.status" {
            // What is not done yet is asked again, perhaps after a wait; what is done is not.
            let asks_again = asks_again(scope, state, next);
            if asks_again != (value == "InProgress") {
                say(format!(
                    "{value:?} leads to {next}, which asks again: {asks_again}"
                ));
            }
        } else if !ROUTES.contains(&(state.name, value, next)) {
            say(format!("{value:?} leads to {next}, which no fact states"));
        }
    }
}

/// Whether `next`, or the state after it if it waits, is the task that leads to the choice.
fn asks_again(scope: &Scope<'_>, choice: &State<'_>, next: &str) -> bool {
    let after = scope.state(next).filter(|state| state.kind() == "Wait");
    let next = after.map_or(next, |wait| wait.json["Next"].as_str().unwrap_or_default());
    scope.state(next).is_some_and(|task| {
        let mut leads = followers(&task).into_iter();
        task.kind() == "Task" && leads.any(|(_, to)| to == choice.name)
    })
}

/// A run is reported by the outcome that its state is named after.
fn outcome(state: &State<'_>, say: &mut impl FnMut(String)) {
    let outcome = state.json["Parameters"]["outcome"].as_str();
    if outcome.is_some_and(|outcome| state.name != format!("Report{outcome}")) {
        say(format!("reports {outcome:?}"));
    }
}

/// Whatever comes back, or never comes, is judged by the function that handed the token out.
fn callback(scope: &Scope<'_>, state: &State<'_>, say: &mut impl FnMut(String)) {
    let judge = super::verb(state.json);
    for (field, next) in followers(state) {
        let function = scope.state(next).and_then(|next| super::verb(next.json));
        if function != judge {
            say(format!("{field} leads to {next} without {judge:?}"));
        }
    }
}
