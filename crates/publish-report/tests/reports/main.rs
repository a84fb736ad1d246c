//! A report says what the lake holds, once.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

mod end;

use contract::states::{Outcome, PublishReportInput, PublishReportOutput, RowCounts};
use contract::{ErrorName, Invocation, RunId, ServiceError};
use lake::executions::NoHistory;
use lake::latest::Announcements;
use lake::records::Latest;
use lake::{MemoryStore, ObjectStore, RunKeys, documents, keys};
use publish_report::{PublishReportError, Report, handle};
use serde_json::{Value, json};
use std::sync::Mutex;
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
        &keys.export(),
        json!({
            "run": run(), "segments": 4, "parts": [],
            "totals": {"items": 100, "rawBytes": 4321, "pages": 4, "readUnits": 12.5,
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
            "previousEndpointConfig": "before", "smokeRows": 5,
            "alarmsLeftOut": ["shop/films/endpoint-errors"]}),
    )
    .await;
    for of in [run().as_str(), "20261121-173000-00000000"] {
        let key = keys::current_run("default", &RunId::parse(of).unwrap());
        put(&store, &key, json!({"run": of, "execution": "arn"})).await;
    }
    store
}

/// Announcements that were made, by their addresses.
#[derive(Default)]
struct Heard(Mutex<Vec<(String, Latest)>>);

impl Announcements for Heard {
    async fn announce(&self, latest: &Latest, address: &str) -> Result<(), ServiceError> {
        let mut heard = self.0.lock().unwrap();
        heard.push((address.to_owned(), latest.clone()));
        Ok(())
    }
}

/// A bus that takes nothing.
struct Deaf;

impl Announcements for Deaf {
    async fn announce(&self, _: &Latest, address: &str) -> Result<(), ServiceError> {
        Err(ServiceError {
            name: ErrorName::AccessDenied,
            service: "EventBridge",
            operation: "PutEvents",
            subject: address.to_owned(),
            code: "AccessDeniedException".to_owned(),
            message: "no".to_owned(),
            source: None,
        })
    }
}

async fn call(
    store: &MemoryStore,
    outcome: Outcome,
) -> Result<PublishReportOutput, PublishReportError> {
    call_of(store, &Heard::default(), &run(), outcome).await
}

async fn call_of(
    store: &MemoryStore,
    announcements: &impl Announcements,
    run: &RunId,
    outcome: Outcome,
) -> Result<PublishReportOutput, PublishReportError> {
    let input = PublishReportInput {
        pipeline: "default".to_owned(),
        run: run.clone(),
        outcome,
    };
    let invocation = Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now(),
    };
    handle(store, announcements, &NoHistory, input, invocation).await
}

async fn for_people(store: &MemoryStore) -> String {
    let text = store.get(&run_keys().report_for_people()).await.unwrap();
    String::from_utf8(text.to_vec()).unwrap()
}

#[tokio::test]
async fn a_deployed_run_is_reported_to_programs_and_people() {
    let store = over().await;
    let output = call(&store, Outcome::Deployed).await.unwrap();
    assert_eq!(
        (output.items, output.rows.map(RowCounts::total)),
        (100, Some(100))
    );
    assert_eq!(output.endpoint.as_deref(), Some("films"));
    assert_eq!(output.report_key, run_keys().report());

    let report: Report = documents::read(&store, &output.report_key, "a report")
        .await
        .unwrap();
    assert_eq!(report.export.read_units.to_bits(), 12.5_f64.to_bits());
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
        "/run=20261120-173000-1a2b3c4d/index.html`",
        "| validation:rmse | 0.91 |",
        "1 min 1 s billed",
        "Promoted: better.",
        "could not roll it back: `shop/films/endpoint-errors`.",
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
async fn a_kept_champion_is_named_with_its_endpoint() {
    let store = over().await;
    put(
        &store,
        &keys::champion("default"),
        json!({"run": "20261119-173000-00000000", "stack": "shop", "metric": "m", "value": 1, "model": "m",
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
    let champion = json!({"run": "20261119-173000-00000000", "stack": "shop", "metric": "m", "value": 1, "model": "m", "dataset": "d"});
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
async fn each_end_before_the_verdict_is_reported_with_what_there_is() {
    let raw = "raw/default/run=20261120-173000-1a2b3c4d/";
    let processed = "processed/default/run=20261120-173000-1a2b3c4d/";
    for (outcome, headline, chapters) in [
        (
            Outcome::Exported,
            format!("**100 items are exported, below `{raw}`.**"),
            &["Export", "Data"][..],
        ),
        (
            Outcome::DatasetSealed,
            format!("**The training files are made, below `{processed}`.**"),
            &["Export", "Dataset", "Data"],
        ),
        (
            Outcome::Trained,
            "**The model is trained, and nothing is deployed: it is `s3://lake/model.tar.gz`.**"
                .to_owned(),
            &["Export", "Dataset", "Data", "Model"],
        ),
    ] {
        let store = over().await;
        // What comes later is not read, even where another run of the pipeline serves a model.
        let keys = run_keys();
        let later = [
            (keys.dataset(), outcome == Outcome::Exported),
            (keys.training(), outcome != Outcome::Trained),
            (keys.verdict(), true),
            (keys.deployment(), true),
        ];
        for (key, _) in later.into_iter().filter(|(_, is_later)| *is_later) {
            store.delete(&key).await.unwrap();
        }
        let champion = json!({"run": "20261119-173000-00000000", "stack": "shop", "metric": "m", "value": 1,
            "model": "m", "endpoint": "older", "dataset": "d"});
        put(&store, &keys::champion("default"), champion).await;
        let heard = Heard::default();
        let output = call_of(&store, &heard, &run(), outcome).await.unwrap();
        assert_eq!(output.outcome, outcome);
        let rows = output.rows.map(RowCounts::total);
        assert_eq!(rows, (outcome != Outcome::Exported).then_some(100));
        assert_eq!((output.value, output.endpoint), (None, None));

        let text = for_people(&store).await;
        assert!(text.contains(&headline), "{headline} is not in\n{text}");
        let found = text.lines().filter_map(|line| line.strip_prefix("## "));
        assert_eq!(found.collect::<Vec<_>>(), chapters, "{text}");
        let report: Report = documents::read(&store, &output.report_key, "a report")
            .await
            .unwrap();
        assert_eq!(report.model_age_days(), None);

        assert_eq!(output.latest_key, "latest/default.json");
        let latest: Latest = documents::read(&store, &output.latest_key, "the newest data")
            .await
            .unwrap();
        assert_eq!((&latest.run, latest.outcome), (&run(), outcome));
        assert_eq!(latest.export.items, 100);
        assert_eq!(latest.export.prefix, format!("s3://memory/{raw}"));
        let manifest = format!("s3://memory/{}", keys.export());
        assert_eq!(latest.export.manifest, manifest);
        let channels = latest.dataset.as_ref().map(|dataset| &dataset.channels);
        let folders = ["train", "validation"].map(|channel| {
            let folder = format!("s3://memory/{processed}{channel}/");
            (channel.to_owned(), folder)
        });
        let folders = (outcome != Outcome::Exported).then_some(folders.into());
        assert_eq!(channels, folders.as_ref());
        let artifact = latest.model.as_ref().map(|model| model.artifact.as_str());
        let trained = outcome == Outcome::Trained;
        assert_eq!(artifact, trained.then_some("s3://lake/model.tar.gz"));
        let address = "s3://memory/latest/default.json".to_owned();
        assert_eq!(heard.0.into_inner().unwrap(), [(address, latest)]);
        let left = store.list(&keys::current_runs("default")).await.unwrap();
        assert_eq!(left.len(), 1, "its lease is given back");
    }
}

#[tokio::test]
async fn a_gate_report_that_is_gone_is_left_out() {
    let store = over().await;
    store.delete(&run_keys().quality()).await.unwrap();
    let output = call(&store, Outcome::Deployed).await.unwrap();
    assert_eq!(output.items, 100);
    assert!(!for_people(&store).await.contains("## Data\n"));
}

#[tokio::test]
async fn what_definition_and_source_may_have_wrong_is_said_in_both_reports() {
    let store = over().await;
    let key = run_keys().plan();
    let mut plan: Value = documents::read(&store, &key, "a plan").await.unwrap();
    plan["definition"]["training"] = json!({
        "algorithm": {"name": "xgboost"},
        "hyperparameters": {"num_round": 9, "max_deep": 3},
    });
    let of_source = "the login may change public.films: give Millrace one that may only read";
    plan["source"] = json!({"sql": {
        "columns": [], "chunks": [], "pageRows": 1, "connections": 1,
        "pace": "reads on 1 connection", "warnings": [of_source],
    }});
    put(&store, &key, plan).await;
    call(&store, Outcome::Deployed).await.unwrap();
    let report: Report = documents::read(&store, &run_keys().report(), "a report")
        .await
        .unwrap();
    assert_eq!(report.warnings.len(), 2, "{:?}", report.warnings);
    assert!(
        report.warnings[0].contains("max_deep"),
        "{:?}",
        report.warnings
    );
    assert_eq!(report.warnings[1], of_source);
    let text = for_people(&store).await;
    for warning in &report.warnings {
        assert!(text.contains(&format!("Warning: {warning}")), "{text}");
    }
}

#[tokio::test]
async fn of_a_database_the_snapshots_and_the_certificates_are_reported() {
    let store = over().await;
    let keys = run_keys();
    let base = "20261119-173000-1a2b3c4d";
    put(
        &store,
        &keys.plan(),
        json!({
            "run": run(), "execution": "arn:e", "started": "2026-01-20T17:30:00.123Z",
            "definition": {"source": {"sql": {
                "engine": "postgres", "secret": "s", "table": "orders", "incremental": {},
            }}},
            "keyAttributes": ["id"], "route": "Sql", "reason": "a test", "segments": 4, "tasks": [],
            "source": {"sql": {
                "columns": [], "key": ["id"], "chunks": [], "pageRows": 1, "connections": 1,
                "pace": "at full speed", "authorities": "the bundle of Amazon RDS of 2022-06-06",
                "warnings": ["the login may change orders"],
                "incremental": {"server": "", "table": "", "lastFull": "2026-01-18T17:30:00Z",
                    "changes": {"base": base, "position": 7}},
            }},
            "estimate": {"items": 90, "bytes": 100, "readUnits": 0},
        }),
    )
    .await;
    put(
        &store,
        &keys.export(),
        json!({
            "run": run(), "segments": 4, "parts": [],
            "totals": {"items": 100, "rawBytes": 4321, "pages": 4, "readUnits": 0.0, "checksum": "0"},
            "snapshots": {"count": 4, "first": "2026-01-20T17:30:01Z", "last": "2026-01-20T17:30:09Z",
                "rows": 12, "compared": ["count", "id", "price"], "badTexts": 3, "position": 9},
        }),
    )
    .await;
    call(&store, Outcome::Exported).await.unwrap();
    let text = for_people(&store).await;
    for line in [
        "Warning: the login may change orders",
        "| Consistency | the rows of a chunk that one invocation reads are as of one moment; different chunks are as \
         of different moments |",
        "| Snapshots | 4, 2026-01-20T17:30:01Z to 2026-01-20T17:30:09Z; 12 rows; compared: count, id, price |",
        "| Rows that did not change | 88, from run 20261119-173000-1a2b3c4d |",
        "| Bad text | 3 values have U+FFFD in place of half a surrogate pair |",
        "| Certificates | the bundle of Amazon RDS of 2022-06-06 |",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(
        !text.contains("Read units") && !text.contains("RCU"),
        "{text}"
    );
    let report: Report = documents::read(&store, &keys.report(), "the report")
        .await
        .unwrap();
    let database = report.export.database.unwrap();
    assert_eq!(database.base.unwrap().as_str(), base);
    assert_eq!(database.unchanged, 88);
}
