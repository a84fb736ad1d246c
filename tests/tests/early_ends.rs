//! Pipelines that end before a deployment, on local AWS with the deployed binaries: an export, a
//! dataset, and a model that is not deployed. Each succeeds, its data is at a stable address, and
//! EventBridge announces it. A run that is aborted stops its training job, by the stack's rule. An
//! index of images reads what is new, and ends early if nothing is.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

#[path = "early_ends/digits.rs"]
mod digits;
#[path = "early_ends/old_pipelines.rs"]
mod old_pipelines;

use aws::sfn::StateMachines;
use contract::states::{Outcome, PublishReportOutput, RowCounts};
use contract::{ErrorName, Names, RunId};
use end_to_end::pipeline::Pipeline;
use end_to_end::service;
use lake::attempt::Attempt;
use lake::executions::DescribeExecution;
use lake::records::{CurrentRun, ExportRecord, Latest};
use lake::{ObjectStore, RunKeys, documents, keys};
use millrace::demo::data::Interactions;
use millrace::demo::{self, TABLE};
use millrace::{clean, report};
use sagemaker_ports::{TrainingJobs, TrainingStatus};
use serde_json::{Value, json};
use std::time::Duration;

const ITEMS: usize = 3000;

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_may_end_after_each_of_its_parts() {
    let pipeline = Pipeline::start().await;
    let interactions = Interactions::generate(11, ITEMS);
    pipeline.fill(TABLE, &interactions).await;
    let queue = listen(&pipeline).await;
    let mut definition = serde_json::to_value(demo::definition()).unwrap();
    for part in ["pipeline", "promotion", "endpoint"] {
        definition.as_object_mut().unwrap().remove(part);
    }
    pipeline.define("model", &definition.to_string()).await;
    definition.as_object_mut().unwrap().remove("training");
    pipeline.define("files", &definition.to_string()).await;
    let mut nightly = converted_from_data_pipeline();
    nightly["gate"] = json!({"minimumItems": ITEMS, "attributes": {"rating": {"minimum": 0}}});
    pipeline.define("nightly", &nightly.to_string()).await;

    let exported = the_export(&pipeline, &interactions).await;
    let sealed = the_dataset(&pipeline, &interactions).await;
    let trained = the_model(&pipeline).await;
    let announced = heard(&pipeline, &queue, 3).await;
    for (event, output) in announced.iter().zip([exported, sealed, trained]) {
        assert_eq!(event["source"], "millrace", "{event}");
        assert_eq!(event["detail-type"], "Data Ready", "{event}");
        let mut detail = event["detail"].clone();
        let address = detail.as_object_mut().unwrap().remove("latest").unwrap();
        let bucket = pipeline.lake.bucket();
        assert_eq!(address, format!("s3://{bucket}/{}", output.latest_key));
        let latest: Latest = contract::read::from_value(detail).unwrap();
        assert_eq!(latest, newest(&pipeline, &output).await);
        assert_eq!((latest.run, latest.outcome), (output.run, output.outcome));
    }
    old_pipelines::are_exported(&pipeline).await;
    digits::are_indexed(&pipeline).await;
    what_is_left_out_is_refused(&pipeline).await;
    a_failed_export_is_redriven(&pipeline, &interactions).await;
    an_aborted_run_stops_its_job(&pipeline).await;
    pipeline.local.stop().await.unwrap();
}

/// The console's export of a table in AWS Data Pipeline, converted.
fn converted_from_data_pipeline() -> Value {
    let made = old_pipelines::converted("01-console-export", &[("myDDBTableName", TABLE)]);
    let [mut definition] = <[Value; 1]>::try_from(made).unwrap();
    assert_eq!(definition["source"]["dynamodb"]["table"], TABLE);
    definition["pipeline"] = json!("nightly");
    definition
}

async fn newest(pipeline: &Pipeline, output: &PublishReportOutput) -> Latest {
    documents::read(&pipeline.lake, &output.latest_key, "the newest data")
        .await
        .unwrap()
}

/// The key that an address of the lake leads to.
fn key<'a>(pipeline: &Pipeline, address: &'a str) -> &'a str {
    let bucket = format!("s3://{}/", pipeline.lake.bucket());
    address.strip_prefix(&bucket).unwrap()
}

async fn is_over(pipeline: &Pipeline, keys: &RunKeys, headline: &str) {
    let people = pipeline.lake.get(&keys.report_for_people()).await.unwrap();
    let people = std::str::from_utf8(&people).unwrap();
    assert!(people.contains(headline), "{people}");
    let left = pipeline.lake.list("current/").await.unwrap();
    assert!(left.is_empty(), "the lease is released: {left:?}");
    let verified = pipeline.verify(keys).await;
    assert!(verified.contains("  sound "), "{verified}");
}

async fn the_export(pipeline: &Pipeline, interactions: &Interactions) -> PublishReportOutput {
    let output = pipeline.run_well(&json!({"pipeline": "nightly"})).await;
    assert_eq!(
        (output.outcome, output.items, output.rows),
        (Outcome::Exported, ITEMS as u64, None)
    );
    let keys = RunKeys::new(&output.pipeline, &output.run);
    pipeline.assert_exported(&keys, interactions).await;
    is_over(pipeline, &keys, "3000 items are exported").await;
    let told = report::of_run(&pipeline.lake, "nightly", &output.run)
        .await
        .unwrap();
    assert!(told.starts_with("ended as Exported at "), "{told}");
    assert!(told.contains("gate.attributes.rating.minimum"), "{told}");

    // The address alone leads to every part.
    let latest = newest(pipeline, &output).await;
    let manifest = key(pipeline, &latest.export.manifest);
    let record: ExportRecord = documents::read(&pipeline.lake, manifest, "the export")
        .await
        .unwrap();
    assert_eq!(record.totals.items, ITEMS as u64);
    let items: u64 = record.parts.iter().map(|part| part.items).sum();
    assert_eq!(items, ITEMS as u64);
    let prefix = key(pipeline, &latest.export.prefix);
    assert!(record.parts.iter().all(|part| part.key.starts_with(prefix)));
    assert!(latest.dataset.is_none() && latest.model.is_none());
    for tier in ["processed/nightly/train", "models/nightly/"] {
        assert!(pipeline.lake.list(tier).await.unwrap().is_empty(), "{tier}");
    }
    output
}

async fn the_dataset(pipeline: &Pipeline, interactions: &Interactions) -> PublishReportOutput {
    let output = pipeline.run_well(&json!({"pipeline": "files"})).await;
    assert_eq!(output.outcome, Outcome::DatasetSealed);
    assert_eq!(output.rows.map(RowCounts::total), Some(ITEMS as u64));
    let keys = RunKeys::new(&output.pipeline, &output.run);
    pipeline.assert_exported(&keys, interactions).await;
    is_over(pipeline, &keys, "The training files are made").await;
    let latest = newest(pipeline, &output).await;
    let dataset = latest.dataset.unwrap();
    assert_eq!(Some(dataset.rows), output.rows);
    for (channel, rows) in [
        ("train", dataset.rows.train),
        ("validation", dataset.rows.validation),
    ] {
        assert_eq!(
            key(pipeline, &dataset.channels[channel]),
            keys.channel(channel)
        );
        assert_eq!(pipeline.csv(&keys, channel).await.len() as u64, rows);
    }
    assert!(latest.model.is_none());
    assert!(
        pipeline
            .lake
            .list("models/files/")
            .await
            .unwrap()
            .is_empty()
    );
    output
}

async fn the_model(pipeline: &Pipeline) -> PublishReportOutput {
    let output = pipeline.run_well(&json!({"pipeline": "model"})).await;
    assert_eq!(output.outcome, Outcome::Trained);
    assert_eq!((&output.value, &output.endpoint), (&None, &None));
    let keys = RunKeys::new(&output.pipeline, &output.run);
    is_over(pipeline, &keys, "nothing is deployed").await;
    let model = newest(pipeline, &output).await.model.unwrap();
    let artifact = key(pipeline, &model.artifact);
    assert!(artifact.starts_with("models/model/run="), "{artifact}");
    assert!(!pipeline.lake.get(artifact).await.unwrap().is_empty());
    assert!(model.metrics["validation:rmse"] > 0.0);
    for key in [keys.verdict(), keys.deployment(), keys::champion("model")] {
        assert!(pipeline.lake.get(&key).await.is_err(), "{key}");
    }
    output
}

async fn what_is_left_out_is_refused(pipeline: &Pipeline) {
    let endpoint = json!({"pipeline": "model", "endpoint": {}});
    let training = json!({"pipeline": "nightly", "training": {"image": "i"}});
    for (input, field, needed) in [
        (endpoint, "field `endpoint`", "needs `promotion`"),
        (training, "field `training`", "needs `dataset`"),
    ] {
        let (error, cause) = pipeline.run_badly(&input).await;
        assert_eq!(error, "InvalidDefinition", "{cause}");
        assert!(cause.contains(field) && cause.contains(needed), "{cause}");
    }
}

/// A run fails after its export; the next one succeeds; then the first is redriven: as in Step
/// Functions, it continues in the step that failed, with its old input.
async fn a_failed_export_is_redriven(pipeline: &Pipeline, interactions: &Interactions) {
    let input = json!({"pipeline": "again"});
    let source = json!({"source": {"dynamodb": {"table": TABLE}}});
    pipeline.define("again", &source.to_string()).await;
    let key = keys::latest("again");
    pipeline.lake.put(&key, "{}".into()).await.unwrap();
    let (error, cause) = pipeline.run_badly(&input).await;
    assert_eq!(error, "DatasetInvalid", "{cause}");
    assert!(cause.contains("latest/again.json"), "{cause}");
    let records = pipeline.lake.list("current/again/").await.unwrap();
    let failed: CurrentRun = documents::read(&pipeline.lake, &records[0].key, "the run")
        .await
        .unwrap();
    pipeline.lake.delete(&key).await.unwrap();

    // Its record does not hold up the next run.
    let next = pipeline.run_well(&input).await;
    assert_eq!(next.outcome, Outcome::Exported);
    assert!(failed.run < next.run, "{failed:?}");
    let mut payload = json!({"pipeline": "again", "run": failed.run});
    let checked = invoke(pipeline, "PlanDataset", &payload).await;
    assert_eq!(checked["items"], ITEMS, "{checked}");
    payload["outcome"] = json!("Exported");
    let output = invoke(pipeline, "PublishReport", &payload).await;
    let output: PublishReportOutput = contract::read::from_value(output).unwrap();
    assert_eq!(
        (&output.run, output.outcome),
        (&failed.run, Outcome::Exported)
    );
    let keys = RunKeys::new("again", &failed.run);
    pipeline.assert_exported(&keys, interactions).await;
    is_over(pipeline, &keys, "3000 items are exported").await;
    assert_eq!(
        newest(pipeline, &output).await.run,
        next.run,
        "it never goes back"
    );

    // The newest good data stays, however few runs are kept.
    let config = aws::local(&pipeline.local.sagemaker_url()).await;
    let sagemaker = aws::sagemaker::SageMaker::new(&config);
    let plans = clean::plan(&pipeline.lake, &sagemaker, "again", 0)
        .await
        .unwrap();
    let old: Vec<_> = plans.old.iter().map(|old| &old.run).collect();
    assert_eq!(old, [&failed.run]);
    assert_eq!(plans.kept, [(next.run, "the newest good data")]);
}

/// The stack's rule sees that the execution is aborted while its job trains, and has the job stopped.
async fn an_aborted_run_stops_its_job(pipeline: &Pipeline) {
    // Trains until it is killed.
    let faults = json!([{"fault": "hang", "name": "model-"}]);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/faults", pipeline.local.sagemaker_url());
    let put = http.put(url).body(faults.to_string()).send().await;
    assert!(put.unwrap().status().is_success());
    let execution = pipeline.start_run(&json!({"pipeline": "model"})).await;
    let arn = execution.arn();
    let config = aws::local(&pipeline.local.sagemaker_url()).await;
    let sagemaker = aws::sagemaker::SageMaker::new(&config);
    let machines = StateMachines::new(pipeline.local.aws_config());
    let begun = DescribeExecution::execution(&machines, arn).await.unwrap();
    let run = RunId::of_execution(arn, &begun.start_time).unwrap();
    let job = Names::job("model", &run, 1);
    let status = async || {
        let info = sagemaker.describe(&job).await.unwrap();
        info.map(|info| info.status)
    };
    until(async || status().await == Some(TrainingStatus::InProgress)).await;
    machines.stop(arn, "a test").await.unwrap();
    until(async || status().await == Some(TrainingStatus::Stopping)).await;
    let key = RunKeys::new("model", &run).training_attempt();
    until(async || pipeline.lake.get(&key).await.is_ok()).await;
    let attempt: Attempt = documents::read(&pipeline.lake, &key, "an attempt")
        .await
        .unwrap();
    let failure = attempt.failure.unwrap();
    assert_eq!(
        (attempt.attempt, failure.name),
        (2, ErrorName::TrainingStopped)
    );
    assert!(failure.message.contains("which is ABORTED"), "{failure}");
}

/// Waits for a minute at most until this holds.
async fn until(holds: impl AsyncFn() -> bool) {
    for _ in 0..600 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it does not hold after a minute");
}

/// Calls an operation of a service of local AWS.
async fn call(pipeline: &Pipeline, name: &str, target: &str, request: &Value) -> Value {
    service::call(&pipeline.local.url(), name, target, request).await
}

/// Has the announcements delivered to a queue; its URL.
async fn listen(pipeline: &Pipeline) -> String {
    let sqs = async |operation: &str, request: Value| {
        call(pipeline, "sqs", &format!("AmazonSQS.{operation}"), &request).await
    };
    let queue = sqs("CreateQueue", json!({"QueueName": "ready"})).await;
    let url = queue["QueueUrl"].as_str().unwrap().to_owned();
    let wanted = json!({"QueueUrl": url, "AttributeNames": ["QueueArn"]});
    let attributes = sqs("GetQueueAttributes", wanted).await;
    let pattern = json!({"source": ["millrace"], "detail-type": ["Data Ready"]});
    let rule = json!({"Name": "ready", "EventPattern": pattern.to_string()});
    call(pipeline, "events", "AWSEvents.PutRule", &rule).await;
    let target = json!({"Id": "queue", "Arn": attributes["Attributes"]["QueueArn"]});
    let targets = json!({"Rule": "ready", "Targets": [target]});
    call(pipeline, "events", "AWSEvents.PutTargets", &targets).await;
    url
}

/// So many announcements, in the order in which they were made.
async fn heard(pipeline: &Pipeline, queue: &str, count: usize) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    for _ in 0..100 {
        let request = json!({"QueueUrl": queue, "MaxNumberOfMessages": 10});
        let answer = call(pipeline, "sqs", "AmazonSQS.ReceiveMessage", &request).await;
        let messages = answer["Messages"].as_array().into_iter().flatten();
        events.extend(
            messages
                .map(|message| serde_json::from_str(message["Body"].as_str().unwrap()).unwrap()),
        );
        if events.len() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(events.len(), count, "{events:?}");
    events.sort_by_key(|event| event["detail"]["finished"].as_str().unwrap().to_owned());
    events
}

/// Calls a function of the stack.
async fn invoke(pipeline: &Pipeline, function: &str, payload: &Value) -> Value {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let functions = format!("{}/2015-03-31/functions", pipeline.local.url());
    let listed = http.get(&functions).send().await.unwrap();
    let listed: Value = serde_json::from_str(&listed.text().await.unwrap()).unwrap();
    let mut names = listed["Functions"].as_array().unwrap().iter();
    let name = names
        .find_map(|it| {
            it["FunctionName"]
                .as_str()
                .filter(|name| name.contains(function))
        })
        .unwrap_or_else(|| panic!("{function} is none of {listed}"));
    let request = http.post(format!("{functions}/{name}/invocations"));
    let answer = request.body(payload.to_string()).send().await.unwrap();
    let text = answer.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
