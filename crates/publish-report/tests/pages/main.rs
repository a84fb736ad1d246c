//! The pages of runs, and the notices of those that failed, from a lake and a recorded execution.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

mod browser;
mod execution;
mod lake;
mod notices;
mod watch;

use ::lake::{MemoryStore, ObjectStore, documents, keys};
use bytes::Bytes;
use contract::Invocation;
use contract::failed::FailedRequest;
use contract::states::{Outcome, PublishReportInput};
use execution::{ARN, Mailbox, NoBus, Recorded, STEPS};
use publish_report::{RunDocument, handle, report_failed};
use std::time::SystemTime;

/// The error that ends a run in each step.
pub const FAILURES: [(&str, &str, &str); 9] = [
    (
        "PlanExport",
        "TableMissing",
        "there is no table `interactions` in eu-central-1",
    ),
    (
        "ExportSegments",
        "Throttled",
        "scanning segment 3 of interactions after 1,200 items: throttled nine times",
    ),
    (
        "PlanDataset",
        "QualityGateFailed",
        "the data fails a check of the quality gate: the number of items is 2000, and `dataset.gate.minimumRows` is 5000",
    ),
    (
        "MergeShards",
        "DatasetInvalid",
        "part raw/default/run=1/segment-00003/part-00000-a.jsonl.zst: the checksum differs",
    ),
    (
        "SealDataset",
        "QualityGateFailed",
        "the data fails a check of the quality gate",
    ),
    (
        "StartTraining",
        "TrainingFailed",
        "training job default-20261120-173000-1a2b3c4d: AlgorithmError: out of memory",
    ),
    (
        "JudgeModel",
        "MetricMissing",
        "the job reports no `validation:rmse`; it has train:rmse",
    ),
    (
        "DeployEndpoint",
        "RolledBack",
        "the endpoint films went back to default-before: the alarm shop/films/errors was on",
    ),
    (
        "PublishReport",
        "AccessDenied",
        "PutEvents on the default bus: not authorised",
    ),
];

/// An object of the lake, as text.
pub async fn text(store: &MemoryStore, key: &str) -> String {
    String::from_utf8(store.get(key).await.unwrap().to_vec()).unwrap()
}

/// The content of the run's page.
pub async fn document(store: &MemoryStore) -> RunDocument {
    documents::read(store, &lake::run_keys().page_data(), "a run's page")
        .await
        .unwrap()
}

/// A run that ended well.
pub async fn ended(table: &lake::Table, value: f64, outcome: Outcome) -> MemoryStore {
    let is_better = outcome == Outcome::Deployed;
    ended_in(
        lake::lake(table, STEPS.len(), value, is_better).await,
        outcome,
    )
    .await
}

/// A run that ended well in this lake.
async fn ended_in(store: MemoryStore, outcome: Outcome) -> MemoryStore {
    let input = PublishReportInput {
        pipeline: "default".to_owned(),
        run: lake::run(),
        outcome,
    };
    let invocation = Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now(),
    };
    // The call that is repeated tells of the report as it stands.
    let execution = Recorded::succeeded();
    let call = || {
        handle(
            &store,
            &NoBus,
            &execution,
            input.clone(),
            invocation.clone(),
        )
    };
    call().await.unwrap();
    let key = lake::run_keys().report();
    let mut report: serde_json::Value = documents::read(&store, &key, "a report").await.unwrap();
    report["finished"] = "2026-11-20T17:52:39Z".into();
    documents::write(&store, &key, &report).await.unwrap();
    call().await.unwrap();
    store
}

/// A run that failed in a step.
pub async fn failed(step: &str, error: &str, cause: &str) -> (MemoryStore, Mailbox) {
    let execution = Recorded::failed(step, error, cause);
    let store = lake::lake(&lake::films(), execution.entered, 0.62, true).await;
    let mailbox = Mailbox::default();
    let request = FailedRequest {
        execution: ARN.to_owned(),
    };
    report_failed(&store, &execution, &mailbox, "millrace", request)
        .await
        .unwrap();
    (store, mailbox)
}

#[tokio::test]
async fn a_page_tells_everything_in_order() {
    let store = ended(&lake::films(), 0.6222, Outcome::Deployed).await;
    let page = text(&store, &lake::run_keys().page()).await;
    let mut rest = page.as_str();
    for words in [
        "The model of this run serves at the endpoint films.",
        "2026-11-20 17:30 UTC",
        "22 min 3",
        "20,000 items",
        "Steps",
        "ExportSegments",
        "40 of 40 children",
        "1 retry",
        "12 calls",
        "2 retries",
        "Money",
        "472 read units, 489 estimated",
        "5 min 12 s billed",
        "a day: 2 × ml.m5.large",
        "Rows",
        "1,600 + 400 + 16,000 + 2,000 = 20,000.",
        "399 items",
        "Model",
        "Promoted",
        "the threshold 0.66",
        "The training",
        "validation:rmse</bdi></code> <span class=\"n\">0.9929 → 0.6222",
        "train:rmse</bdi>",
        "The last 18 runs",
        "validation:ndcg",
        "Data",
        "columns to look at",
        "Quality gate",
        "checks pass",
        "Endpoint",
        "3 rows",
        "How it was made",
        "The definition",
    ] {
        let at = rest
            .find(words)
            .unwrap_or_else(|| panic!("{words:?} is not next in\n{rest}"));
        rest = &rest[at..];
    }
    assert!(
        !page.contains("<script") && !page.contains("src="),
        "it needs nothing but itself"
    );
}

#[tokio::test]
async fn programs_read_the_same_as_people() {
    let store = ended(&lake::films(), 0.6222, Outcome::Deployed).await;
    let run = document(&store).await;
    let schema = serde_json::to_value(schemars::schema_for!(RunDocument)).unwrap();
    let json: serde_json::Value = documents::read(&store, &lake::run_keys().page_data(), "it")
        .await
        .unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> = validator
        .iter_errors(&json)
        .map(|it| it.to_string())
        .collect();
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(
        publish_report::run_page(&run),
        text(&store, &lake::run_keys().page()).await
    );
    let steps: Vec<&str> = run.steps.iter().map(|step| step.state.as_str()).collect();
    assert_eq!(steps, STEPS.map(|step| step.0));
    let money = run.money.unwrap();
    let training = money
        .lines
        .iter()
        .find(|line| line.what == "Training")
        .unwrap();
    // The estimate is by the 300 seconds of the run before.
    assert!(
        (training.estimated.unwrap() - 0.115 / 12.0).abs() < 1e-9,
        "{training:?}"
    );
    assert!(
        (training.actual.unwrap() - 0.115 * 312.0 / 3600.0).abs() < 1e-9,
        "{training:?}"
    );
    let rows = run.rows.unwrap();
    assert!(rows.adds_up && rows.counts.unwrap().total() == rows.items);
    let trouble: Vec<&str> = run
        .data
        .as_ref()
        .unwrap()
        .columns
        .iter()
        .take_while(|column| !column.trouble.is_empty())
        .map(|column| column.path.as_str())
        .collect();
    assert!(
        trouble.contains(&"price") && trouble.contains(&"device"),
        "{trouble:?}"
    );
    assert!(!trouble.contains(&"hour"), "{trouble:?}");
}

#[tokio::test]
async fn rows_that_do_not_add_up_are_said_to() {
    let store = ended(&lake::films(), 0.6222, Outcome::Deployed).await;
    let mut run = document(&store).await;
    let rows = run.rows.as_mut().unwrap();
    rows.items += 1;
    rows.adds_up = false;
    let page = publish_report::run_page(&run);
    assert!(page.contains("These add up to 20,000, not to the items exported."));
}

#[tokio::test]
async fn all_runs_are_listed_newest_first() {
    let store = ended(&lake::films(), 0.6222, Outcome::Deployed).await;
    let page = text(&store, &keys::runs_page("default")).await;
    assert_eq!(
        page.matches("<tr>").count(),
        22,
        "a head, twenty before, and this one"
    );
    let at = |words: &str| {
        page.find(words)
            .unwrap_or_else(|| panic!("{words} is not in\n{page}"))
    };
    assert!(at(&format!("run={}/index.html", lake::run())) < at("run=20261119-030000"));
    assert!(at("CapacityUnavailable in StartTraining") > at("<svg"));
}

#[tokio::test]
async fn a_failed_run_has_a_page_as_far_as_it_came() {
    for (step, error, cause) in FAILURES {
        let (store, _) = failed(step, error, cause).await;
        let page = text(&store, &lake::run_keys().page()).await;
        for words in [
            &format!("The run failed in {step}: {error}."),
            "What to do",
            "millrace redrive",
        ] {
            assert!(page.contains(words), "{step}: {words} is not in\n{page}");
        }
        let run = document(&store).await;
        let failure = run.failure.unwrap();
        assert_eq!(
            (failure.step.as_deref(), failure.error.as_str()),
            (Some(step), error)
        );
        assert_eq!(
            failure.action,
            publish_report::advice::of(error).map(|advice| advice.action)
        );
        let at = STEPS.iter().position(|it| it.0 == step).unwrap();
        let has = (
            run.money.is_some(),
            run.data.is_some(),
            run.rows.is_some(),
            run.model.is_some(),
        );
        assert_eq!(has, (at > 0, at > 1, at > 2, at > 5), "{step}");
        let listed = text(&store, &keys::runs_page("default")).await;
        assert!(listed.contains(&format!("{error} in {step}")));
    }
}

#[tokio::test]
async fn what_the_table_says_stays_text() {
    let store = ended(&lake::hostile(), 0.6222, Outcome::Deployed).await;
    let page = text(&store, &lake::run_keys().page()).await;
    assert!(!page.contains("<script") && !page.contains("<img"));
    assert!(page.contains("&lt;script&gt;document"), "its name is shown");
    assert!(!page.contains(&"w".repeat(200)), "long values are cut");
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
}

#[tokio::test]
async fn what_a_failure_says_stays_text() {
    let cause = "</bdi><script>alert(1)</script>";
    let (store, _) = failed("StartTraining", "<img src=x>", cause).await;
    for key in [lake::run_keys().page(), keys::runs_page("default")] {
        let page = text(&store, &key).await;
        assert!(!page.contains("<script") && !page.contains("<img"), "{key}");
    }
}

#[tokio::test]
async fn a_damaged_page_of_an_earlier_run_is_left_out() {
    let store = ended(&lake::films(), 0.6222, Outcome::Deployed).await;
    let runs = text(&store, &keys::runs_page("default")).await;
    let own = lake::run_keys().page_data();
    let all = store.list("reports/default/").await.unwrap().into_iter();
    let mut earlier = all
        .map(|object| object.key)
        .filter(|key| key.ends_with("/run.json") && *key != own);
    let earlier = earlier.next().unwrap();
    store.put(&earlier, Bytes::from_static(b"{")).await.unwrap();
    let again = ended_in(store, Outcome::Deployed).await;
    let left = text(&again, &keys::runs_page("default")).await;
    assert!(left.contains(lake::run().as_str()) && left.len() < runs.len());
}
