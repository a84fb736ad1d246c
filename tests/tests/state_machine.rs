//! The state machine's definition against the contract: error names, payloads, paths, choices, and
//! only features that every engine executes alike. Defective copies show that each check finds its
//! defect.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

#[path = "state_machine/history.rs"]
mod history;

use end_to_end::schema::Schemas;
use end_to_end::{Finding, asl, workspace};
use serde_json::{Value, json};

#[test]
fn the_definition_keeps_the_contract() {
    let found = asl::findings(&workspace::state_machine(), &Schemas::of_contract());
    assert_eq!(Finding::list(&found), "");
}

#[test]
fn every_step_of_the_contract_has_its_state() {
    let machine = workspace::state_machine();
    let states = asl::states(&machine);
    let called: Vec<_> = states
        .iter()
        .filter(|state| !asl::is_callback(state.json))
        .filter_map(|state| asl::verb(state.json))
        .collect();
    for (name, _) in millrace::schemas::all() {
        if let Some(verb) = name.strip_suffix(".input") {
            let calls = called.iter().filter(|name| *name == verb).count();
            assert_eq!(calls, 1, "states that call {verb}");
        }
    }
}

#[test]
fn the_runbook_names_every_state_and_its_time_limit() {
    let page = workspace::text("statemachine/README.md");
    for state in asl::states(&workspace::state_machine()) {
        let name = state.place.rsplit('/').next().unwrap().to_owned();
        assert!(page.contains(&format!("`{name}`")), "{name}");
        let Some(seconds) = state.json["TimeoutSeconds"].as_u64() else {
            continue;
        };
        let row = format!("| `{name}` |");
        let row = page.lines().find(|line| line.starts_with(&row));
        let limit = format!("| {} min |", seconds / 60);
        assert!(
            row.is_some_and(|row| row.ends_with(&limit)),
            "{name}: {limit} {row:?}"
        );
    }
}

#[test]
fn a_maps_result_fits_into_a_states_payload() {
    let machine = workspace::state_machine();
    for (map, last) in [
        ("ExportSegments", "SegmentsExported"),
        ("MergeShards", "ShardMerged"),
    ] {
        let child = &machine["States"][map]["ItemProcessor"]["States"][last]["Result"];
        assert!(child.is_object(), "{map} ends with {last}");
        let most = contract::states::MOST_CHILDREN as usize;
        let bytes = (child.to_string().len() + 1) * most + 1;
        assert!(bytes < 256 * 1024, "{map}: {bytes} bytes");
    }
}

#[test]
fn definitions_know_the_state_machines_time_limit() {
    let seconds = workspace::state_machine()["TimeoutSeconds"].as_u64();
    assert_eq!(seconds, Some(definition::EXECUTION_SECONDS));
}

const CHILDREN: &str = "/States/ExportSegments/ItemProcessor/States";

fn set(machine: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = machine
        .pointer_mut(parent)
        .unwrap_or_else(|| panic!("{pointer}"));
    match parent {
        Value::Array(elements) => elements[name.parse::<usize>().unwrap()] = value,
        parent => parent[name] = value,
    }
}

fn remove(machine: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = machine.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(elements) => drop(elements.remove(name.parse().unwrap())),
        Value::Object(fields) => drop(fields.shift_remove(name).expect(name)),
        _ => panic!("{pointer}"),
    }
}

/// Each mistake must be found at its place, in these words.
fn is_found(place: &str, problem: &str, change: impl Fn(&mut Value)) {
    let mut machine = workspace::state_machine();
    change(&mut machine);
    let found = asl::findings(&machine, &Schemas::of_contract());
    let hit = found
        .iter()
        .any(|f| f.place == place && f.problem.contains(problem));
    assert!(
        hit,
        "{place}: {problem} is not among:\n{}",
        Finding::list(&found)
    );
}

#[test]
fn wrong_graphs_are_found() {
    is_found(
        "PlanExport.Next",
        "\"ExportSegment\" is no state beside it",
        |m| {
            set(m, "/States/PlanExport/Next", json!("ExportSegment"));
        },
    );
    is_found("StartAt", "\"Begin\" is no state", |m| {
        set(m, "/StartAt", json!("Begin"));
    });
    is_found("ExportSegments.StartAt", "is no state", |m| {
        set(
            m,
            "/States/ExportSegments/ItemProcessor/StartAt",
            json!("PlanDataset"),
        );
    });
    is_found(
        "IsTrainingDone.Choices[1].Next",
        "\"Wait\" is no state",
        |m| {
            set(m, "/States/IsTrainingDone/Choices/1/Next", json!("Wait"));
        },
    );
    is_found("SealDataset", "is never reached", |m| {
        set(m, "/States/MergeShards/Next", json!("StartTraining"));
    });
    is_found("CompactChanges", "is never reached", |m| {
        remove(m, "/States/WhatIsExported/Choices/1");
        remove(m, "/States/WhichRoute/Choices/6");
    });
    is_found("PlanDataset", "needs either Next or End", |m| {
        remove(m, "/States/PlanDataset/Next");
    });
    is_found("Deployed", "has no Comment", |m| {
        remove(m, "/States/Deployed/Comment");
    });
    is_found(
        "ExportSegments/ExportSegment",
        "has no TimeoutSeconds",
        |m| {
            remove(m, &format!("{CHILDREN}/ExportSegment/TimeoutSeconds"));
        },
    );
}

#[test]
fn wrong_retries_are_found() {
    let errors = "/States/PlanExport/Retry/0/ErrorEquals";
    let place = "PlanExport.Retry[0]";
    for name in [
        "Throtled",
        "throttled",
        "States.ALL",
        "States.TaskFailed",
        "Lambda.TooMany",
    ] {
        let problem = format!("{name:?} is no error name");
        is_found(place, &problem, |m| {
            set(m, &format!("{errors}/0"), json!(name));
        });
    }
    is_found("PlanExport", "Throttled is not tried again", |m| {
        remove(m, &format!("{errors}/0"));
    });
    is_found(
        "PlanExport.Retry[2]",
        "\"Throttled\" is matched already",
        |m| {
            set(
                m,
                "/States/PlanExport/Retry/2/ErrorEquals/2",
                json!("Throttled"),
            );
        },
    );
    is_found(
        "ExportSegments/ExportSegment",
        "Runtime.ExitError is not tried again",
        |m| {
            remove(m, &format!("{CHILDREN}/ExportSegment/Retry"));
        },
    );
    is_found("RequestExport", "Throttled is not tried again", |m| {
        remove(m, "/States/RequestExport/Retry/1");
    });
    is_found(place, "has no JitterStrategy", |m| {
        remove(m, "/States/PlanExport/Retry/0/JitterStrategy");
    });
}

#[test]
fn wrong_payloads_are_found() {
    let payload = "/States/PublishReport/Parameters/Payload";
    is_found(
        "PublishReport.Parameters.Payload.outcome",
        "is missing",
        |m| {
            remove(m, &format!("{payload}/outcome.$"));
        },
    );
    is_found(
        "PublishReport.Parameters.Payload.result",
        "is no field of the step's input",
        |m| {
            set(m, &format!("{payload}/result.$"), json!("$.outcome"));
        },
    );
    is_found(
        "PublishReport.Parameters.Payload.outcome",
        "is none of Exported, DatasetSealed, Trained, Deployed, KeptChampion",
        |m| {
            set(
                m,
                "/States/ReportDeployed/Parameters/outcome",
                json!("Shipped"),
            );
        },
    );
    is_found(
        "PublishReport.Parameters.Payload.outcome",
        "no field \"outcome\"",
        |m| {
            remove(m, "/States/ReportKeptChampion/Parameters/outcome");
        },
    );
    is_found(
        "PlanExport.Parameters.Payload.execution.startTime",
        "is missing",
        |m| {
            remove(
                m,
                "/States/PlanExport/Parameters/Payload/execution/startTime.$",
            );
        },
    );
    is_found(
        "JudgeModel.Parameters.Payload.taskToken",
        "nothing that the engines agree about",
        |m| {
            let payload = "/States/JudgeModel/Parameters/Payload/taskToken.$";
            set(m, payload, json!("$$.Task.Token"));
        },
    );
    is_found(
        "ExportSegments/ExportSegment.Parameters.Payload.task",
        "no field \"task\"",
        |m| {
            remove(m, "/States/ExportSegments/ItemSelector/task.$");
        },
    );
    is_found(
        "MergeShards/MergeToCsv.Parameters.Payload.shard",
        "is no integer",
        |m| {
            let selector = "/States/MergeShards/ItemSelector";
            remove(m, &format!("{selector}/shard.$"));
            set(m, &format!("{selector}/shard"), json!("first"));
        },
    );
    is_found(
        "StartTraining.Parameters.Payload.run",
        "is asked for",
        |m| {
            set(
                m,
                "/States/StartTraining/Parameters/Payload/run.$",
                json!("$.rows"),
            );
        },
    );
}

#[test]
fn wrong_paths_are_found() {
    is_found("WaitForTraining.SecondsPath", "no field \"wait\"", |m| {
        set(m, "/States/WaitForTraining/SecondsPath", json!("$.wait"));
    });
    is_found(
        "WaitForExport.SecondsPath",
        "no field \"waitSeconds\"",
        |m| {
            set(m, "/States/PlanDataset/Next", json!("WaitForExport"));
        },
    );
    is_found("WaitForTraining.SecondsPath", "is no whole number", |m| {
        set(m, "/States/WaitForTraining/SecondsPath", json!("$.phase"));
    });
    is_found(
        "WaitForEndpoint.SecondsPath",
        "no field \"waitSeconds\"",
        |m| {
            set(m, "/States/SealDataset/Next", json!("WaitForEndpoint"));
        },
    );
    is_found(
        "ExportSegments.ItemReader.Parameters.Key",
        "no field \"taskKey\"",
        |m| {
            set(
                m,
                "/States/ExportSegments/ItemReader/Parameters/Key.$",
                json!("$.taskKey"),
            );
        },
    );
    is_found(
        "PublishReport.Parameters.Payload.outcome",
        "may be absent",
        |m| {
            set(
                m,
                "/States/IsModelBetter/Choices/0/Next",
                json!("PublishReport"),
            );
            set(
                m,
                "/States/PublishReport/Parameters/Payload/outcome.$",
                json!("$.champion"),
            );
        },
    );
    let place = "ExportSegments/ExportSegment.Parameters.Payload.run";
    is_found(place, "nothing that the engines agree about", |m| {
        let payload = format!("{CHILDREN}/ExportSegment/Parameters/Payload");
        set(m, &format!("{payload}/run.$"), json!("$$.Execution.Id"));
    });
    is_found("PlanDataset.Parameters.Payload.run", "is no path", |m| {
        let path = json!("States.Format('{}', $.run)");
        set(m, "/States/PlanDataset/Parameters/Payload/run.$", path);
    });
}

#[test]
fn wrong_choices_are_found() {
    is_found(
        "IsTrainingDone: $.status",
        "\"done\" is none of InProgress, Done",
        |m| {
            set(
                m,
                "/States/IsTrainingDone/Choices/0/StringEquals",
                json!("done"),
            );
        },
    );
    is_found("WhichRoute: $.route", "\"Export\" leads nowhere", |m| {
        remove(m, "/States/WhichRoute/Choices/1");
    });
    is_found(
        "ExportSegments/WhichExporter: $.route",
        "\"Export\" leads nowhere",
        |m| remove(m, &format!("{CHILDREN}/WhichExporter/Choices/1")),
    );
    is_found(
        "ExportSegments/WhichExporter: $.route",
        "no field \"route\"",
        |m| remove(m, "/States/ExportSegments/ItemSelector/route.$"),
    );
    is_found(
        "IsExportDone: $.status",
        "\"InProgress\" leads nowhere",
        |m| {
            remove(m, "/States/IsExportDone/Choices/1");
        },
    );
    is_found("IsModelBetter: $.verdict", "\"Keep\" leads nowhere", |m| {
        remove(m, "/States/IsModelBetter/Choices/1");
    });
    is_found(
        "ExportSegments/AreSegmentsDone: $.state",
        "no field \"state\"",
        |m| {
            for choice in 0..2 {
                let choice = format!("{CHILDREN}/AreSegmentsDone/Choices/{choice}/Variable");
                set(m, &choice, json!("$.state"));
            }
        },
    );
    is_found("IsEndpointDone", "more than one variable", |m| {
        set(
            m,
            "/States/IsEndpointDone/Choices/1/Variable",
            json!("$.phase"),
        );
    });
    is_found("IsEndpointDone: $.phase", "is no enum", |m| {
        set(
            m,
            "/States/IsEndpointDone/Choices/1/Variable",
            json!("$.phase"),
        );
    });
}

#[test]
fn what_the_engines_execute_differently_is_found() {
    is_found("state machine", "\"QueryLanguage\"", |m| {
        set(m, "/QueryLanguage", json!("JSONata"));
    });
    is_found("PlanExport", "\"Assign\"", |m| {
        set(m, "/States/PlanExport/Assign", json!({"run.$": "$.run"}));
    });
    is_found("PlanExport", "\"Catch\"", |m| {
        let catch = json!([{"ErrorEquals": ["States.ALL"], "Next": "Deployed"}]);
        set(m, "/States/PlanExport/Catch", catch);
    });
    is_found("ExportSegments", "\"ItemBatcher\"", |m| {
        set(
            m,
            "/States/ExportSegments/ItemBatcher",
            json!({"MaxItemsPerBatch": 10}),
        );
    });
    is_found("ExportSegments", "\"ResultWriter\"", |m| {
        set(m, "/States/ExportSegments/ResultWriter", json!({}));
    });
    is_found("MergeShards", "ResultPath must be null", |m| {
        remove(m, "/States/MergeShards/ResultPath");
    });
    is_found("MergeShards.ItemProcessor", "not \"STANDARD\"", |m| {
        let config = "/States/MergeShards/ItemProcessor/ProcessorConfig/ExecutionType";
        set(m, config, json!("EXPRESS"));
    });
    is_found(
        "JudgeModel",
        "not \"arn:${Partition}:states:::lambda:invoke\"",
        |m| {
            set(
                m,
                "/States/JudgeModel/Resource",
                json!("${JudgeModelFunctionArn}"),
            );
        },
    );
    is_found("AwaitApproval", "ResultPath must be null", |m| {
        remove(m, "/States/AwaitApproval/ResultPath");
    });
    is_found("AwaitApproval.Catch[0]", "more than States.Timeout", |m| {
        let errors = "/States/AwaitApproval/Catch/0/ErrorEquals";
        set(m, errors, json!(["States.ALL"]));
    });
    is_found("AwaitApproval", "\"TimeoutSecondsPath\"", |m| {
        let path = json!("$.waitSeconds");
        set(m, "/States/AwaitApproval/TimeoutSecondsPath", path);
    });
    is_found("NotifyApprovers.Parameters.Message", "is no text", |m| {
        let message = "/States/NotifyApprovers/Parameters/Message.$";
        set(m, message, json!("$.value"));
    });
    is_found(
        "NotifyApprovers",
        "SNS.ThrottledException is not tried",
        |m| {
            remove(m, "/States/NotifyApprovers/Retry/0/ErrorEquals/1");
        },
    );
    is_found("Deployed", "type \"Fail\" is not one", |m| {
        set(m, "/States/Deployed/Type", json!("Fail"));
    });
}
