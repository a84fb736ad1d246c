//! The state machine in moto's interpreter, as a cross-check of ministack's: the same definition,
//! with scripted functions that fail once with each retried error, and answer `InProgress` before
//! `Done`.
//!
//! Two things differ from the file: its `${…}` are substituted, and the pauses before retries and
//! before a person's decision are shortened. moto treats a Distributed Map with a failed child as a
//! success, so a child's failure is tested with the real functions.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use contract::ErrorName;
use contract::states::{Outcome, PublishReportOutput, Route};
use end_to_end::asl::substitutions;
use end_to_end::interpreter::{self, Ended, Interpreter};
use end_to_end::script::{self, Script, Seen};
use end_to_end::{asl, python, workspace};
use futures::future::join_all;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

const NOTICES: &str = "arn:aws:sns:us-east-1:123456789012:notices";

fn definition() -> Value {
    let machine = workspace::state_machine();
    let mut machine = substitutions::substituted(&machine, |name| match name {
        "Partition" => "aws".to_owned(),
        "LakeBucket" => interpreter::BUCKET.to_owned(),
        "NoticesTopicArn" => NOTICES.to_owned(),
        function => {
            let verb = function.strip_suffix("FunctionArn").expect(function);
            interpreter::function_arn(&substitutions::kebab(verb))
        }
    });
    shorten(&mut machine);
    // Nobody sends the first token back.
    machine["States"]["AwaitApproval"]["TimeoutSeconds"] = json!(2);
    machine
}

fn shorten(json: &mut Value) {
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "IntervalSeconds" | "BackoffRate" => *value = json!(1),
                    _ => shorten(value),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(shorten),
        _ => {}
    }
}

const BY_EXPORT: [&str; 6] = [
    "RequestExport",
    "IsExportDone",
    "WaitForExport",
    "RequestExport",
    "IsExportDone",
    "WhatIsExported",
];

const BY_CHANGES: [&str; 10] = [
    "RequestExport",
    "IsExportDone",
    "WaitForExport",
    "RequestExport",
    "IsExportDone",
    "WhatIsExported",
    "CompactChanges",
    "AreChangesCompacted",
    "CompactChanges",
    "AreChangesCompacted",
];

const BY_STREAM: [&str; 4] = [
    "CompactChanges",
    "AreChangesCompacted",
    "CompactChanges",
    "AreChangesCompacted",
];

const EXPORTED: [&str; 3] = ["ExportSegments", "PlanDataset", "IsDatasetDefined"];

const SEALED: [&str; 3] = ["MergeShards", "SealDataset", "IsTrainingDefined"];

const TRAINED: [&str; 6] = [
    "StartTraining",
    "IsTrainingDone",
    "WaitForTraining",
    "StartTraining",
    "IsTrainingDone",
    "IsPromotionDefined",
];

const JUDGED: [&str; 3] = ["JudgeModel", "IsModelBetter", "WaitForComparison"];

/// The states of a run up to the last that its definition asks for, or to the verdict.
fn up_to(outcome: Outcome) -> Vec<&'static str> {
    let steps: &[&[&str]] = &[&EXPORTED, &SEALED, &TRAINED, &JUDGED];
    let count = match outcome {
        Outcome::Exported | Outcome::NothingNew => 1,
        Outcome::DatasetSealed => 2,
        Outcome::Trained => 3,
        Outcome::Deployed | Outcome::KeptChampion => 4,
    };
    steps[..count].concat()
}

fn went_well(ended: &Ended, route: Route, outcome: Outcome, after: &[&str]) {
    assert_eq!(ended.status, "SUCCEEDED", "{ended:?}");
    let by_route = match route {
        Route::Scan | Route::Sql | Route::Images | Route::Files => &[][..],
        Route::Export => &BY_EXPORT,
        Route::Changes => &BY_CHANGES,
        Route::Stream => &BY_STREAM,
    };
    let path: Vec<&str> = [
        "PlanExport",
        "IsReady",
        "WaitUntilReady",
        "PlanExport",
        "IsReady",
        "WhichRoute",
    ]
    .iter()
    .chain(by_route)
    .chain(&up_to(outcome))
    .chain(after)
    .copied()
    .collect();
    // moto lists children's states among the parent's.
    let machine = workspace::state_machine();
    let own = machine["States"].as_object().unwrap();
    let visited: Vec<_> = ended
        .visited
        .iter()
        .filter(|name| own.contains_key(*name))
        .collect();
    assert_eq!(visited, path);
    let output: PublishReportOutput =
        serde_json::from_value(ended.output.clone().unwrap()).unwrap();
    assert_eq!(output.outcome, outcome);
}

/// Every function was called as often as its errors and loops ask for, and no more.
fn was_called(machine: &Value, script: &Script, seen: &Seen, route: Route, outcome: Outcome) {
    let ends_before = |outcomes: &[Outcome]| outcomes.contains(&outcome);
    let no_dataset = ends_before(&[Outcome::Exported, Outcome::NothingNew]);
    let no_training = no_dataset || ends_before(&[Outcome::DatasetSealed]);
    let no_verdict = no_training || ends_before(&[Outcome::Trained]);
    let no_deployment = no_verdict || ends_before(&[Outcome::KeptChampion]);
    for state in asl::states(machine) {
        let Some(verb) = asl::verb(state.json).filter(|_| !asl::is_callback(state.json)) else {
            continue;
        };
        let (payloads, outputs) = match verb.as_str() {
            "export-segment" if !matches!(route, Route::Sql | Route::Images) => (3, 2),
            "export-sql-range" if route == Route::Sql => (3, 2),
            "index-images" if route == Route::Images => (3, 2),
            "export-segment" | "export-sql-range" | "index-images" => (0, 0),
            "request-export" if !matches!(route, Route::Export | Route::Changes) => (0, 0),
            "compact-changes" if !route.merges() => (0, 0),
            "merge-to-csv" if route == Route::Images => (0, 0),
            "pack-images" if route != Route::Images => (0, 0),
            "merge-to-csv" | "pack-images" | "seal-dataset" if no_dataset => (0, 0),
            "start-training" if no_training => (0, 0),
            "judge-model" if no_verdict => (0, 0),
            "deploy-endpoint" if no_deployment => (0, 0),
            "merge-to-csv" | "pack-images" => (2, 2),
            "plan-export" | "request-export" | "compact-changes" | "start-training"
            | "judge-model" | "deploy-endpoint" => (1, 2),
            _ => (1, 1),
        };
        let calls = vec![script.errors_of(&verb) + outputs; payloads];
        assert_eq!(seen.calls_of(&verb), calls, "calls of {verb}");
    }
}

/// Runs whose definitions end before the verdict.
const EARLY: [(&str, Route, Outcome); 9] = [
    ("rows", Route::Sql, Outcome::Exported),
    ("exported", Route::Export, Outcome::Exported),
    ("images", Route::Images, Outcome::NothingNew),
    ("packed", Route::Images, Outcome::DatasetSealed),
    ("files", Route::Files, Outcome::Exported),
    ("changed", Route::Changes, Outcome::NothingNew),
    ("captured", Route::Stream, Outcome::NothingNew),
    ("sealed", Route::Scan, Outcome::DatasetSealed),
    ("trained", Route::Scan, Outcome::Trained),
];

/// The scripts by the names of their pipelines.
fn scripts(machine: &Value) -> BTreeMap<String, Arc<Script>> {
    let of = |route, outcome| Script::new(machine, route, outcome);
    let scripts = [
        ("promoted", of(Route::Export, Outcome::Deployed)),
        ("kept", of(Route::Scan, Outcome::KeptChampion)),
        (
            "refused",
            of(Route::Scan, Outcome::KeptChampion)
                .refused_by("plan-export", ErrorName::TableMissing),
        ),
        (
            "unexported",
            of(Route::Export, Outcome::KeptChampion)
                .refused_by("request-export", ErrorName::ExportFailed),
        ),
        (
            "ended",
            of(Route::Scan, Outcome::KeptChampion)
                .refused_by("start-training", ErrorName::TrainingFailed),
        ),
        (
            "asked",
            of(Route::Scan, Outcome::Deployed).approved_by_a_person(),
        ),
    ];
    let early = EARLY.map(|(name, route, outcome)| (name, of(route, outcome)));
    let scripts = scripts.into_iter().chain(early);
    let scripts = scripts.map(|(name, script)| (name.to_owned(), Arc::new(script)));
    scripts.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_interpreter_takes_the_same_paths() {
    let machine = workspace::state_machine();
    let scripts = scripts(&machine);
    let moto = Interpreter::start(&python::program("moto_server"), scripts.clone()).await;
    moto.put(script::TASKS_KEY, &script::tasks()).await;
    moto.put(script::SHARDS_KEY, &script::shards()).await;
    let arn = moto.create(&definition()).await;

    let run = async |name: &str| moto.run(&arn, name, &json!({ "pipeline": name })).await;
    let early = join_all(EARLY.map(|(name, ..)| run(name)));
    let (promoted, kept, refused, unexported, ended, asked, early, ()) = tokio::join!(
        run("promoted"),
        run("kept"),
        run("refused"),
        run("unexported"),
        run("ended"),
        run("asked"),
        early,
        approve_the_second_time(&moto, &scripts["asked"])
    );

    let deployment = [
        "JudgeModel",
        "IsModelBetter",
        "DeployEndpoint",
        "IsEndpointDone",
        "WaitForEndpoint",
        "DeployEndpoint",
        "IsEndpointDone",
        "ReportDeployed",
        "PublishReport",
        "WhichOutcome",
        "Deployed",
    ];
    went_well(&promoted, Route::Export, Outcome::Deployed, &deployment);
    // Told once; the first token's time was over, and the second one came back.
    let asking = ["JudgeModel", "IsModelBetter"];
    let told = [&asking[..], &["NotifyApprovers", "AwaitApproval"]].concat();
    let again = [&asking[..], &["AwaitApproval"]].concat();
    went_well(
        &asked,
        Route::Scan,
        Outcome::Deployed,
        &[&told[..], &again, &deployment].concat(),
    );
    let published = moto.published();
    assert_eq!(published.len(), 1, "{published:?}");
    assert!(published[0].contains("Message=as+the+script+has+it"));

    let no_deployment = [
        "JudgeModel",
        "IsModelBetter",
        "ReportKeptChampion",
        "PublishReport",
        "WhichOutcome",
        "KeptChampion",
    ];
    went_well(&kept, Route::Scan, Outcome::KeptChampion, &no_deployment);
    for (ended, (_, route, outcome)) in early.iter().zip(EARLY) {
        let (report, end) = (format!("Report{outcome}"), outcome.to_string());
        let after = [&report, "PublishReport", "WhichOutcome", &end];
        went_well(ended, route, outcome, &after);
    }
    let others = [
        ("promoted", Route::Export, Outcome::Deployed),
        ("kept", Route::Scan, Outcome::KeptChampion),
    ];
    for (name, route, outcome) in others.into_iter().chain(EARLY) {
        let script = &scripts[name];
        was_called(&machine, script, &script.seen(), route, outcome);
    }

    // Every error that is tried again was answered, and tried again.
    let together = ["promoted", "changed"].map(|name| scripts[name].seen().errors);
    let together: BTreeSet<_> = together.into_iter().flatten().collect();
    assert_eq!(together, retried(&machine));

    for (name, ended, error, calls) in [
        ("refused", &refused, "TableMissing", "plan-export"),
        ("unexported", &unexported, "ExportFailed", "request-export"),
        ("ended", &ended, "TrainingFailed", "start-training"),
    ] {
        let calls = scripts[name].seen().calls_of(calls);
        assert_eq!(calls, [1], "it is not tried again");
        assert_eq!(ended.status, "FAILED", "{ended:?}");
        assert_eq!(ended.error.as_deref(), Some(error));
        let cause = ended.cause.as_deref().unwrap_or_default();
        assert!(cause.contains("as the script has it"), "{cause}");
    }
}

/// A person who decides after the state machine has looked once by itself.
async fn approve_the_second_time(moto: &Interpreter, script: &Script) {
    for _ in 0..1800 {
        if let [_, token, ..] = &script.seen().tokens[..] {
            script.approve();
            return moto.send_back(token).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nobody was asked twice: {:#?}", script.seen());
}

fn retried(machine: &Value) -> BTreeSet<String> {
    let states = asl::states(machine);
    let retriers = states
        .iter()
        .filter(|state| asl::verb(state.json).is_some())
        .filter_map(|state| state.json["Retry"].as_array());
    retriers.flatten().flat_map(script::error_names).collect()
}
