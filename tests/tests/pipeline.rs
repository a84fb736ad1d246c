//! From a table to an answering endpoint on local AWS with the deployed functions: the data matches
//! the table row for row, the model is better than its baselines, and a second model that is not
//! better leaves the first one in service. An item that is then put into the table is scored.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

#[path = "score_changes/on_local_aws.rs"]
mod scores;

use aws::cloudwatch::CloudWatch;
use aws::sagemaker::SageMaker;
use contract::Names;
use contract::states::{Outcome, PublishReportOutput};
use dataset::Columns;
use end_to_end::pipeline::Pipeline;
use end_to_end::service;
use lake::records::{Champion, DeploymentRecord, TrainingRecord};
use lake::{ObjectStore, RunKeys, documents};
use millrace::demo::data::{Interaction, Interactions};
use millrace::demo::{self, TABLE};
use sagemaker_ports::{Alarms as _, Endpoints as _};
use serde_json::{Value, json};
use std::time::Duration;

const ITEMS: usize = 20_000;
const SEED: u64 = 42;

#[tokio::test(flavor = "multi_thread")]
async fn a_table_becomes_a_serving_model() {
    let mut pipeline = Pipeline::start().await;
    let interactions = Interactions::generate(SEED, ITEMS);
    pipeline.fill(TABLE, &interactions).await;
    let definition = serde_json::to_string(&demo::definition()).unwrap();
    pipeline.define("default", &definition).await;

    let output = pipeline.run_well(&json!({})).await;
    assert_eq!(
        (output.outcome, output.items),
        (Outcome::Deployed, ITEMS as u64)
    );
    let keys = RunKeys::new(&output.pipeline, &output.run);
    pipeline.assert_exported(&keys, &interactions).await;
    the_csv_is_the_table(&pipeline, &keys, &interactions, &output).await;
    the_model_beats_its_baselines(&pipeline, &keys, &output).await;
    pipeline
        .assert_recommends(&keys, &interactions, &output)
        .await;
    the_report_tells_it(&pipeline, &keys, &output).await;
    the_endpoints_have_their_alarms(&pipeline).await;
    what_was_committed_can_be_verified(&pipeline, &keys).await;

    // The same data again: not better, so the champion stays and answers, though somebody has
    // deleted its endpoint.
    the_endpoint_is_deleted(&pipeline, "recommendations").await;
    let again = pipeline.run_well(&json!({"pipeline": "default"})).await;
    assert_eq!(again.outcome, Outcome::KeptChampion);
    assert_ne!(again.run, output.run);
    let champion: Champion =
        documents::read(&pipeline.lake, "champion/default.json", "the champion")
            .await
            .unwrap();
    assert_eq!(champion.run, output.run);
    pipeline
        .assert_recommends(&keys, &interactions, &output)
        .await;

    // A better model needs a lower loss: the endpoint is updated, not created again.
    let tolerant = json!({"promotion": {"minimumGain": -1.0}});
    let third = pipeline.run_well(&tolerant).await;
    assert_eq!(third.outcome, Outcome::Deployed);
    let champion: Champion =
        documents::read(&pipeline.lake, "champion/default.json", "the champion")
            .await
            .unwrap();
    assert_eq!(champion.run, third.run);
    assert!(
        champion
            .previous_endpoint_config
            .is_some_and(|name| name.ends_with(output.run.as_str())),
        "the first model's configuration is what a rollback returns to"
    );
    let keys = RunKeys::new(&third.pipeline, &third.run);
    pipeline
        .assert_recommends(&keys, &interactions, &third)
        .await;
    let endpoint = third.endpoint.as_deref().unwrap();
    scores::a_changed_item_is_scored(&mut pipeline, &keys, endpoint).await;
    pipeline.local.stop().await.unwrap();
}

/// Every pipeline's endpoint has its alarms, of which none is raised: also the one that no schedule
/// and no template names.
async fn the_endpoints_have_their_alarms(pipeline: &Pipeline) {
    let mut films = serde_json::to_value(demo::definition()).unwrap();
    films["pipeline"] = "films".into();
    films["promotion"]["minimumGain"] = json!(-1.0);
    films["endpoint"] = json!({
        "name": "films",
        "compute": {"instances": {"instanceType": "ml.m5.large", "count": 1}},
        "guardrails": {"bakeSeconds": 1},
    });
    pipeline.define("films", &films.to_string()).await;
    let output = pipeline.run_well(&json!({"pipeline": "films"})).await;
    assert_eq!(output.outcome, Outcome::Deployed);
    let names: Vec<String> = ["default", "films"]
        .iter()
        .flat_map(|pipeline| {
            ["errors", "latency"].map(|what| format!("millrace/{pipeline}/endpoint-{what}"))
        })
        .collect();
    let alarms = CloudWatch::new(pipeline.local.aws_config());
    let found = alarms.in_alarm(&names).await.unwrap();
    let quiet = names.iter().map(|name| (name.clone(), false));
    assert_eq!(found, quiet.collect());
    an_alarm_that_is_raised_is_left_out_of_the_update(pipeline, &alarms).await;
}

/// One of the endpoint's alarms is in `ALARM` when the next run updates it: the update is watched by
/// the other one alone, and the endpoint is updated.
async fn an_alarm_that_is_raised_is_left_out_of_the_update(
    pipeline: &Pipeline,
    alarms: &CloudWatch,
) {
    let (errors, latency) = (
        "millrace/films/endpoint-errors",
        "millrace/films/endpoint-latency",
    );
    let raise = json!({"AlarmName": errors, "StateValue": "ALARM", "StateReason": "a test"});
    let target = "GraniteServiceVersion20100801.SetAlarmState";
    service::call(&pipeline.local.url(), "monitoring", target, &raise).await;
    let states = alarms
        .in_alarm(&[errors.to_owned(), latency.to_owned()])
        .await
        .unwrap();
    let raised = [(errors.to_owned(), true), (latency.to_owned(), false)];
    assert_eq!(states, raised.into());

    let output = pipeline.run_well(&json!({"pipeline": "films"})).await;
    assert_eq!(output.outcome, Outcome::Deployed);
    let keys = RunKeys::new(&output.pipeline, &output.run);
    let url = pipeline.local.sagemaker_url();
    let request = json!({"EndpointName": "films"});
    let target = "SageMaker.DescribeEndpoint";
    let endpoint = service::call(&url, "sagemaker", target, &request).await;
    assert_eq!(endpoint["EndpointStatus"], "InService");
    assert_eq!(
        endpoint["EndpointConfigName"],
        Names::run_resource("films", &output.run)
    );
    assert_eq!(
        endpoint["LastDeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"],
        json!([{"AlarmName": latency}])
    );
    let record: DeploymentRecord = documents::read(&pipeline.lake, &keys.deployment(), "it")
        .await
        .unwrap();
    assert_eq!(record.alarms_left_out, [errors]);
    let people = pipeline.lake.get(&keys.report_for_people()).await.unwrap();
    let people = std::str::from_utf8(&people).unwrap();
    let left_out =
        format!("In ALARM before the update, so that they could not roll it back: `{errors}`.");
    assert!(people.contains(&left_out), "{people}");
}

async fn the_endpoint_is_deleted(pipeline: &Pipeline, name: &str) {
    let url = pipeline.local.sagemaker_url();
    let request = json!({"EndpointName": name});
    service::call(&url, "sagemaker", "SageMaker.DeleteEndpoint", &request).await;
    let config = aws::local(&url).await;
    let endpoints = SageMaker::new(&config);
    for _ in 0..300 {
        if endpoints.describe_endpoint(name).await.unwrap().is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{name} is still there");
}

/// A run is read again as `millrace verify` does it, sound and then with one digit of a row
/// changed.
async fn what_was_committed_can_be_verified(pipeline: &Pipeline, keys: &RunKeys) {
    let text = pipeline.verify(keys).await;
    assert!(
        text.contains("20,000 items") && text.contains("  sound "),
        "{text}"
    );
    let key = keys.channel_file("train", 0, "csv");
    let whole = pipeline.lake.get(&key).await.unwrap();
    let mut damaged = whole.to_vec();
    let digit = damaged.iter().position(u8::is_ascii_digit).unwrap();
    damaged[digit] = if damaged[digit] == b'1' { b'2' } else { b'1' };
    pipeline.lake.put(&key, damaged.into()).await.unwrap();
    let text = pipeline.verify(keys).await;
    assert!(
        text.contains(&key) && text.contains("NOT SOUND") && !text.contains("  sound "),
        "{text}"
    );
    pipeline.lake.put(&key, whole).await.unwrap();
}

async fn the_csv_is_the_table(
    pipeline: &Pipeline,
    keys: &RunKeys,
    interactions: &Interactions,
    output: &PublishReportOutput,
) {
    let (record, columns) = pipeline.dataset(keys).await;
    let train = pipeline.csv(keys, "train").await;
    let validation = pipeline.csv(keys, "validation").await;
    assert_eq!(Some(record.rows), output.rows);
    assert_eq!(record.rows.train, train.len() as u64);
    assert_eq!(record.rows.validation, validation.len() as u64);
    assert_eq!(
        record.rows.total(),
        ITEMS as u64,
        "every item is accounted for"
    );
    let share = validation.len() as f64 / (train.len() + validation.len()) as f64;
    assert!((0.08..0.12).contains(&share), "a tenth validates: {share}");

    let mut written = [train, validation].concat();
    let mut expected: Vec<String> = interactions
        .rows
        .iter()
        .filter_map(|row| csv_row(&columns, row))
        .collect();
    written.sort_unstable();
    expected.sort_unstable();
    assert_eq!(record.rows.rejected, (ITEMS - expected.len()) as u64);
    assert_eq!(written.len(), expected.len());
    for (written, expected) in written.iter().zip(&expected) {
        assert_eq!(written, expected);
    }
}

/// The row that an interaction must become, by the demo's definition; none without a rating.
fn csv_row(columns: &Columns, row: &Interaction) -> Option<String> {
    let item = row.item();
    let code = |path: &str, value: &Value| {
        value["S"]
            .as_str()
            .map_or(0, |text| columns.code(path, text).unwrap())
    };
    let user = code("user_id", &item["user_id"]);
    let film = code("item_id", &item["item_id"]);
    let device = code("context.device", &item["context"]["M"]["device"]);
    let favourite = match item["favourite"]["BOOL"].as_bool() {
        Some(true) => "1",
        Some(false) => "0",
        None => "",
    };
    let rating = row.rating?;
    Some(format!("{rating},{user},{film},{device},{favourite}"))
}

async fn the_model_beats_its_baselines(
    pipeline: &Pipeline,
    keys: &RunKeys,
    output: &PublishReportOutput,
) {
    let training: TrainingRecord =
        documents::read(&pipeline.lake, &keys.training(), "the training")
            .await
            .unwrap();
    let metric = |name: &str| training.metrics[name];
    let rmse = metric("validation:rmse");
    assert!((rmse - output.value.unwrap()).abs() < 1e-6);
    assert!(
        rmse < metric("validation:baseline_rmse"),
        "{:?}",
        training.metrics
    );
    assert!(
        rmse < 0.97 * metric("validation:global_mean_rmse"),
        "{:?}",
        training.metrics
    );
    let ndcg = metric("validation:ndcg@10");
    assert!(
        ndcg > metric("validation:popularity_ndcg@10"),
        "{:?}",
        training.metrics
    );
}

async fn the_report_tells_it(pipeline: &Pipeline, keys: &RunKeys, output: &PublishReportOutput) {
    assert_eq!(output.report_key, keys.report());
    let people = pipeline.lake.get(&keys.report_for_people()).await.unwrap();
    let people = std::str::from_utf8(&people).unwrap();
    assert!(
        people.contains(output.run.as_str()) && people.contains("validation:rmse"),
        "{people}"
    );
    let left: Vec<_> = pipeline.lake.list("current/").await.unwrap();
    assert!(left.is_empty(), "the pipeline is released");
}
