//! A report says what the lake holds, once.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use contract::states::{Outcome, PublishReportInput, PublishReportOutput};
use contract::{ErrorName, Invocation, Named, RunId};
use lake::memory::poll_at_most;
use lake::{MemoryStore, ObjectStore, RunKeys, documents, keys};
use publish_report::{PublishReportError, Report, handle};
use serde_json::{Value, json};
use std::time::SystemTime;

fn run() -> RunId {
    RunId::parse("20261120-173000-1a2b3c4d").unwrap()
}

fn run_keys() -> RunKeys {
    RunKeys::new("default", &run())
}

async fn put(store: &MemoryStore, key: &str, document: Value) {
    documents::write(store, key, &document).await.unwrap();
}

/// A lake whose run is over but for its report.
async fn over() -> MemoryStore {
    let store = MemoryStore::new();
    let keys = run_keys();
    put(
        &store,
        &keys.plan(),
        json!({
            "run": run(), "execution": "arn:e", "started": "2026-01-20T17:30:00.123Z",
            "definition": {
                "source": {"dynamodb": {"table": "interactions"}},
                "dataset": {"label": "rating"},
                "training": {"image": "recommender:1"},
                "promotion": {"metric": "validation:rmse", "goal": "minimize"},
            },
            "keyAttributes": ["user"], "route": "Scan", "reason": "a test", "segments": 4, "tasks": [],
            "source": {"dynamodb": {"read": {"rcu": 750.0, "concurrency": 40,
                "decision": "reads at 750 RCU/s: 25 % of 3,000 provisioned"}}},
            "estimate": {"items": 90, "bytes": 100, "readUnits": 13, "minutes": 0.1,
                "cost": {"total": 0.06, "reads": 0.01, "lambda": 0.02, "requests": 0.03}},
        }),
    )
    .await;
    let columns = json!({
        "label": "rating",
        "columns": [
            {"path": "user", "encoding": "ordinal", "vocabulary": ["a", "b", "c"]},
            {"path": "context.score", "encoding": "number"},
        ],
        "leftOut": [{"path": "note|s", "reason": "text of many values"}],
    });
    put(
        &store,
        &keys.dataset(),
        json!({
            "run": run(), "rows": {"train": 80, "validation": 15, "rejected": 5},
            "channels": ["train", "validation"], "contentType": "text/csv",
            "columns": columns, "files": [],
        }),
    )
    .await;
    put(
        &store,
        &keys.dataset_plan(),
        json!({
            "columns": columns, "keyAttributes": ["user"], "shards": [],
            "exported": {"items": 100, "rawBytes": 4321, "pages": 4, "readUnits": 12.5,
                "throttles": 3, "firstReadMs": 10_000, "lastReadMs": 10_050, "checksum": "0"},
        }),
    )
    .await;
    put(
        &store,
        &keys.quality(),
        json!({
            "label": "rating", "columns": ["user"], "comparison": "compared with run r",
            "gate": [{"bound": "minimumRows", "measure": "the number of items", "limit": 1, "value": 100, "passed": true}],
            "drift": {"run": run(), "items": {"before": 90, "now": 100}, "new": ["a|b"], "vanished": [], "attributes": {}},
        }),
    )
    .await;
    put(
        &store,
        &keys.training(),
        json!({"job": "job", "image": "recommender:1", "artifact": "s3://lake/model.tar.gz",
            "metrics": {"validation:rmse": 0.91, "validation:ndcg": 0.25}, "billableSeconds": 61}),
    )
    .await;
    put(
        &store,
        &keys.verdict(),
        json!({"verdict": "Promote", "metric": "validation:rmse", "value": 0.91, "reason": "better"}),
    )
    .await;
    put(
        &store,
        &keys.deployment(),
        json!({"run": run(), "endpoint": "films", "endpointConfig": "config", "model": "model",
            "previousEndpointConfig": "before", "smokeRows": 5}),
    )
    .await;
    for of in [run().as_str(), "20261121-173000-00000000"] {
        let key = keys::current_run("default", &RunId::parse(of).unwrap());
        put(&store, &key, json!({"run": of, "execution": "arn"})).await;
    }
    store
}

async fn call(
    store: &MemoryStore,
    outcome: Outcome,
) -> Result<PublishReportOutput, PublishReportError> {
    let input = PublishReportInput {
        pipeline: "default".to_owned(),
        run: run(),
        outcome,
    };
    let invocation = Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now(),
    };
    handle(store, input, invocation).await
}

async fn for_people(store: &MemoryStore) -> String {
    let text = store.get(&run_keys().report_for_people()).await.unwrap();
    String::from_utf8(text.to_vec()).unwrap()
}

#[tokio::test]
async fn a_deployed_run_is_reported_to_programs_and_people() {
    let store = over().await;
    let output = call(&store, Outcome::Deployed).await.unwrap();
    assert_eq!((output.items, output.rows.total()), (100, 100));
    assert_eq!(output.endpoint.as_deref(), Some("films"));
    assert_eq!(output.report_key, run_keys().report());

    let report: Report = documents::read(&store, &output.report_key, "a report")
        .await
        .unwrap();
    assert_eq!(report.export.read_units, Some(12.5));
    assert_eq!(report.columns[0].vocabulary, Some(3));
    assert_eq!(report.columns[1].vocabulary, None);
    assert!(report.seconds > 0, "{report:?}");

    let text = for_people(&store).await;
    for words in [
        "**The model of this run serves at the endpoint films.**",
        "| Items | 100 (estimated 90) |",
        "| Read units | 12.5 (estimated 13) |",
        "| Read budget | reads at 750 RCU/s: 25 % of 3,000 provisioned |",
        "| Read rate | 250.0 RCU/s |",
        "| Throttled attempts | 3 |",
        "| Estimated cost | 0.0600 dollars: reads 0.0100, Lambda 0.0200, requests 0.0300 |",
        "| 100 | 80 | 15 | 5 |",
        "Label: rating",
        "| user | ordinal | 3 |",
        "| note\\|s | text of many values |",
        "| minimumRows |  | 1 | 100 | passed |",
        "Drift: compared with run r.",
        "- 100 items, 90 before\n- new: `a\\|b`\n",
        "/run=20261120-173000-1a2b3c4d/quality.html`",
        "| validation:rmse | 0.91 |",
        "1 min 1 s billed",
        "Promoted: better.",
        "UpdateEndpoint to `before`",
    ] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
}

#[tokio::test]
async fn both_models_on_the_same_rows_stand_beside_what_each_says_of_itself() {
    let store = over().await;
    let verdict = json!({"verdict": "Promote", "metric": "validation:rmse", "value": 0.91,
        "champion": 0.9, "reason": "better", "reevaluation": {
            "value": 0.8, "champion": 0.85, "rows": {"rows": 70, "unfit": 1, "trained": 0}}});
    put(&store, &run_keys().verdict(), verdict).await;
    call(&store, Outcome::Deployed).await.unwrap();
    let text = for_people(&store).await;
    for line in [
        "| validation:rmse | This model | The champion |\n",
        "| on the same 70 rows | 0.8 | 0.85 |\n",
        "| on its own validation data | 0.91 | 0.9 |\n",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn only_this_runs_lease_is_given_back() {
    let store = over().await;
    call(&store, Outcome::Deployed).await.unwrap();
    let left = store.list(&keys::current_runs("default")).await.unwrap();
    assert_eq!(left.len(), 1);
    assert!(left[0].key.contains("20261121"), "{left:?}");
}

#[tokio::test]
async fn a_kept_champion_is_named_with_its_endpoint() {
    let store = over().await;
    put(
        &store,
        &keys::champion("default"),
        json!({"run": "20261119-173000-00000000", "metric": "m", "value": 1, "model": "m",
            "endpointConfig": "c", "endpoint": "older", "dataset": "d"}),
    )
    .await;
    let output = call(&store, Outcome::KeptChampion).await.unwrap();
    assert_eq!(output.endpoint.as_deref(), Some("older"));
    let text = for_people(&store).await;
    assert!(
        text.contains("the champion still serves at older"),
        "{text}"
    );
    assert!(
        text.contains("`older` serves the model of run 20261119-173000-00000000."),
        "{text}"
    );
    let mut report: Report = documents::read(&store, &output.report_key, "a report")
        .await
        .unwrap();
    report.finished = "2026-11-21T05:30:00.5Z".to_owned();
    let days = report.model_age_days().unwrap();
    assert!((days - 1.5).abs() < 0.001, "{days}");
    report.serving_run = None;
    assert_eq!(report.model_age_days(), None);
}

#[tokio::test]
async fn predictions_are_pointed_to_where_there_is_no_endpoint() {
    let store = over().await;
    let output = "s3://memory/predictions/default/run=20261120-173000-1a2b3c4d";
    let transform = json!({"job": "job", "input": "s3://memory/in/", "output": output, "rows": 15});
    let deployment =
        json!({"run": run(), "model": "model", "smokeRows": 0, "transform": transform});
    put(&store, &run_keys().deployment(), deployment).await;
    let told = call(&store, Outcome::Deployed).await.unwrap();
    assert_eq!(
        (told.endpoint, told.predictions.as_deref()),
        (None, Some(output))
    );
    let text = for_people(&store).await;
    for part in [
        format!("**The model of this run has scored: its predictions are below {output}/.**"),
        format!("`job` scored 15 rows of `s3://memory/in/`. The predictions are below `{output}/`"),
    ] {
        assert!(text.contains(&part), "{text}");
    }

    // The next is not better: those of the champion stay the latest.
    let store = over().await;
    let champion = json!({"run": "20261119-173000-00000000", "metric": "m", "value": 1, "model": "m", "dataset": "d"});
    put(&store, &keys::champion("default"), champion).await;
    let told = call(&store, Outcome::KeptChampion).await.unwrap();
    let output = "s3://memory/predictions/default/run=20261119-173000-00000000";
    assert_eq!(told.predictions.as_deref(), Some(output));
    let text = for_people(&store).await;
    assert!(
        text.contains(&format!("the champion's predictions are below {output}/")),
        "{text}"
    );
}

#[tokio::test]
async fn without_any_champion_no_endpoint_is_claimed() {
    let store = over().await;
    let output = call(&store, Outcome::KeptChampion).await.unwrap();
    assert_eq!((output.endpoint, output.predictions), (None, None));
    assert!(for_people(&store).await.contains("none served before"));
}

#[tokio::test]
async fn figures_that_are_gone_are_left_out() {
    let store = over().await;
    store.delete(&run_keys().dataset_plan()).await.unwrap();
    store.delete(&run_keys().quality()).await.unwrap();
    let output = call(&store, Outcome::Deployed).await.unwrap();
    assert_eq!(output.items, 100);
    assert!(
        for_people(&store)
            .await
            .contains("| Read units | not known (estimated 13) |")
    );
}

#[tokio::test]
async fn a_report_stands() {
    let store = over().await;
    let first = call(&store, Outcome::Deployed).await.unwrap();
    let (json, text) = (
        store.get(&first.report_key).await.unwrap(),
        for_people(&store).await,
    );
    assert_eq!(call(&store, Outcome::Deployed).await.unwrap(), first);
    assert_eq!(store.get(&first.report_key).await.unwrap(), json);
    assert_eq!(for_people(&store).await, text);
}

#[tokio::test]
async fn a_run_that_is_not_over_is_not_reported() {
    let keys = run_keys();
    for key in [
        keys.plan(),
        keys.dataset(),
        keys.training(),
        keys.verdict(),
        keys.deployment(),
    ] {
        let store = over().await;
        store.delete(&key).await.unwrap();
        let error = call(&store, Outcome::Deployed).await.unwrap_err();
        assert_eq!(error.name(), ErrorName::NotFound);
        assert!(error.to_string().contains(&key), "{error}");
        assert!(store.get(&keys.report()).await.is_err());
    }
}

#[tokio::test]
async fn a_crash_at_any_point_ends_in_the_same_place() {
    for polls in 0..30 {
        let store = over().await;
        let _ = poll_at_most(polls, call(&store, Outcome::Deployed));
        let before = store.get(&run_keys().report()).await.ok();
        let output = call(&store, Outcome::Deployed).await.unwrap();
        let after = store.get(&output.report_key).await.unwrap();
        assert!(
            before.is_none_or(|before| before == after),
            "after {polls} polls"
        );
        assert!(
            for_people(&store)
                .await
                .contains("serves at the endpoint films")
        );
        let left = store.list(&keys::current_runs("default")).await.unwrap();
        assert_eq!(left.len(), 1, "after {polls} polls");
    }
}

#[tokio::test]
async fn what_the_definition_may_have_wrong_is_said_in_both_reports() {
    let store = over().await;
    let key = run_keys().plan();
    let mut plan: Value = documents::read(&store, &key, "a plan").await.unwrap();
    plan["definition"]["training"] = json!({
        "algorithm": {"name": "xgboost"},
        "hyperparameters": {"num_round": 9, "max_deep": 3},
    });
    put(&store, &key, plan).await;
    call(&store, Outcome::Deployed).await.unwrap();
    let report: Report = documents::read(&store, &run_keys().report(), "a report")
        .await
        .unwrap();
    assert_eq!(report.warnings.len(), 1, "{:?}", report.warnings);
    assert!(
        report.warnings[0].contains("max_deep"),
        "{:?}",
        report.warnings
    );
    let text = for_people(&store).await;
    assert!(
        text.contains(&format!("Warning: {}", report.warnings[0])),
        "{text}"
    );
}
