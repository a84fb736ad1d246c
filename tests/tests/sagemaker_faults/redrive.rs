//! A redrive as Step Functions does it: the execution continues in the failed state, with that
//! state's old input. The test walks the state machine's definition over the deployed functions,
//! because no local engine has `RedriveExecution`.

use crate::world::{World, id};
use end_to_end::packages::Packages;
use end_to_end::{asl, workspace};
use serde_json::{Map, Value, json};
use std::time::Duration;

// The Wait states' seconds are for the cloud.
const WAIT: Duration = Duration::from_millis(300);
/// Where the walk ends: everything after it is in the report and changes nothing.
const END: &str = "ReportDeployed";

/// Where an execution failed.
#[derive(Debug)]
struct Failed {
    state: String,
    input: Value,
    error: String,
}

/// Walks from a state on, and counts the visits of each.
async fn walk(world: &mut World, from: &str, input: Value) -> Result<Vec<String>, Failed> {
    let machine = workspace::state_machine();
    let (mut name, mut input) = (from.to_owned(), input);
    let execution = json!({"Id": "arn:e", "Input": {}, "RedriveCount": world.redrives});
    let mut visited = Vec::new();
    while name != END {
        let state = &machine["States"][&name];
        visited.push(name.clone());
        match state["Type"].as_str().unwrap() {
            "Task" => {
                let verb = asl::verb(state).unwrap();
                let payload = evaluated(&state["Parameters"]["Payload"], &input, &execution);
                match world.invoke(&verb, payload).await {
                    Ok(output) => input = output,
                    Err((error, _)) if is_retried(state, &error) => {
                        tokio::time::sleep(WAIT).await;
                        continue;
                    }
                    Err((error, _)) => {
                        return Err(Failed {
                            state: name,
                            input,
                            error,
                        });
                    }
                }
            }
            "Wait" => tokio::time::sleep(WAIT).await,
            "Choice" => {
                let mut choices = state["Choices"].as_array().unwrap().iter();
                let chosen = choices.find(|choice| {
                    let variable = choice["Variable"].as_str().unwrap();
                    choice["StringEquals"] == input[variable.trim_start_matches("$.")]
                });
                name = chosen.unwrap()["Next"].as_str().unwrap().to_owned();
                continue;
            }
            other => panic!("{name} is a {other}"),
        }
        name = state["Next"].as_str().unwrap().to_owned();
    }
    Ok(visited)
}

fn is_retried(state: &Value, error: &str) -> bool {
    let retriers = state["Retry"].as_array().unwrap().iter();
    let mut names = retriers.flat_map(|retrier| retrier["ErrorEquals"].as_array().unwrap());
    names.any(|name| name == error)
}

/// A payload: `$.field` of the input, `$$.Execution`, and constants.
fn evaluated(template: &Value, input: &Value, execution: &Value) -> Value {
    let fields = template.as_object().unwrap().iter();
    let fields = fields.map(|(name, value)| match name.strip_suffix(".$") {
        Some(name) => {
            let path = value.as_str().unwrap();
            let value = match path.strip_prefix("$$.") {
                Some("Execution") => execution,
                Some(other) => panic!("{other} is not walked with"),
                None => &input[path.trim_start_matches("$.")],
            };
            (name.to_owned(), value.clone())
        }
        None => (name.clone(), value.clone()),
    });
    Value::Object(fields.collect::<Map<_, _>>())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redriven_execution_goes_on_where_it_failed_and_trains_once() {
    let folder = tempfile::tempdir().unwrap();
    let packages = Packages::built().await;
    let record = folder.path().join("calls.jsonl");
    let mut world = World::start("the redrive", &packages, record).await;
    let champion = world.run(20).await;
    let input = |run| json!({"pipeline": "default", "run": run});
    walk(&mut world, "StartTraining", input(champion))
        .await
        .unwrap();
    world.is_champion(20).await.unwrap();

    let run = world.run(21).await;
    world
        .faults(json!([{"fault": "rollback", "times": 1}]))
        .await;
    let failed = walk(&mut world, "StartTraining", input(run))
        .await
        .unwrap_err();
    assert_eq!(
        (failed.state.as_str(), failed.error.as_str()),
        ("DeployEndpoint", "RolledBack")
    );
    assert_eq!(failed.input["run"], json!(id(21)));
    world.is_champion(20).await.unwrap();
    assert_eq!(world.training_jobs().await, 2);

    world.redrives += 1;
    let visited = walk(&mut world, &failed.state, failed.input).await.unwrap();
    assert!(
        !visited.contains(&"StartTraining".to_owned()),
        "{visited:?}"
    );
    world.is_champion(21).await.unwrap();
    assert_eq!(world.training_jobs().await, 2, "training is not paid twice");
}
