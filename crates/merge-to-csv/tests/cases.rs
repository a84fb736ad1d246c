//! The cases of `tests/cases`, from profiling their items to the sealed dataset, over a lake in
//! memory. Each case's README says what must hold.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as the tests do"
)]

mod support;

use contract::states::RowCounts;
use contract::{ErrorName, MAX_MESSAGE, Named, chain};
use dataset::{Columns, Quality};
use definition::Encoding;
use lake::records::DatasetRecord;
use lake::{MemoryStore, ObjectStore, documents, keys};
use merge_to_csv::MergeToCsvError;
use serde_json::{Value, json};
use std::path::PathBuf;
use support::{export_case, input, invocation, keys as run_keys};

/// The outcome of a case.
struct Outcome {
    store: MemoryStore,
    rows: Result<RowCounts, (ErrorName, String)>,
}

impl Outcome {
    fn refused(&self, name: ErrorName, says: &[&str]) {
        let (found, message) = self.rows.as_ref().expect_err("a refusal");
        assert_eq!(*found, name, "{message}");
        for says in says {
            assert!(message.contains(says), "{says:?} is not in: {message}");
        }
        assert!(message.len() <= MAX_MESSAGE, "{} bytes", message.len());
    }

    fn sealed(&self) -> RowCounts {
        *self
            .rows
            .as_ref()
            .unwrap_or_else(|(_, message)| panic!("{message}"))
    }

    async fn dataset(&self) -> (DatasetRecord, Columns) {
        self.sealed();
        let dataset: DatasetRecord =
            documents::read(&self.store, &run_keys().dataset(), "the dataset")
                .await
                .unwrap();
        let columns = serde_json::from_value(dataset.columns.clone()).unwrap();
        (dataset, columns)
    }

    async fn notes(&self) -> String {
        let quality: Quality = documents::read(&self.store, &run_keys().quality(), "the quality")
            .await
            .unwrap();
        quality.notes.join("\n")
    }

    async fn rows_of(&self, channel: &str) -> Vec<String> {
        let mut rows = Vec::new();
        for object in self.store.list(&run_keys().channel(channel)).await.unwrap() {
            let text = self.store.get(&object.key).await.unwrap();
            let text = std::str::from_utf8(&text).unwrap();
            rows.extend(text.lines().map(str::to_owned));
        }
        rows
    }
}

fn folder(case: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/cases")
        .join(case)
}

fn items(case: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder(case).join("items.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn definition(case: &str, name: &str) -> Value {
    let text = std::fs::read_to_string(folder(case).join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

async fn run(case: &str, name: &str) -> Outcome {
    run_on(MemoryStore::new(), definition(case, name), &items(case)).await
}

async fn run_on(store: MemoryStore, definition: Value, items: &[Value]) -> Outcome {
    export_case(&store, definition, items).await;
    let rows = seal(&store).await;
    Outcome { store, rows }
}

fn name_and_message<E: Named>(error: &E) -> (ErrorName, String) {
    (error.name(), chain(error))
}

async fn seal(store: &MemoryStore) -> Result<RowCounts, (ErrorName, String)> {
    let planned = plan_dataset::handle(store, 40, input(), invocation()).await;
    let planned = planned.map_err(|error| name_and_message(&error))?;
    for shard in 0..planned.shards {
        let merged = support::try_merge(store, shard).await;
        merged.map_err(|error: MergeToCsvError| name_and_message(&error))?;
    }
    let sealed = seal_dataset::handle(store, input(), invocation()).await;
    Ok(sealed.map_err(|error| name_and_message(&error))?.rows)
}

#[tokio::test]
async fn a_path_that_no_item_has_is_refused_with_the_closest_one() {
    for (name, field, closest) in [
        ("exclude", "dataset.exclude[0]", "`customerId`"),
        ("where", "dataset.where[0].path", "`status`"),
        (
            "deduplicate-by",
            "dataset.deduplicate.by[0]",
            "`customerId`",
        ),
        ("deduplicate-latest", "dataset.deduplicate.latest", "`at`"),
        ("split-by", "dataset.split.by[0]", "`customerId`"),
    ] {
        let outcome = run("path-typos", name).await;
        let there = format!("there are {closest}");
        outcome.refused(
            ErrorName::AttributeMissing,
            &[field, "none of 80 items", &there],
        );
    }
    // A rare attribute may be declared as optional.
    let mut rare = definition("path-typos", "where");
    rare["dataset"]["mayBeAbsent"] = json!(["sttatus"]);
    run_on(MemoryStore::new(), rare, &items("path-typos"))
        .await
        .sealed();
}

#[tokio::test]
async fn the_rows_that_are_left_are_bounded_and_not_the_items() {
    let open = json!([{"path": "status", "op": "notEqual", "value": "open"}]);
    let latest = json!({"by": ["customerId"], "latest": "at"});
    // 80 items: half of them are open, and there are 20 customers.
    for (part, value, left) in [("where", open, 40), ("deduplicate", latest, 20)] {
        for (least, sealed) in [(left, true), (left + 1, false)] {
            let mut definition = definition("path-typos", "where");
            definition["dataset"] = json!({
                "label": "y", part: value, "gate": {"minimumRows": least},
                "columns": [{"path": "a"}],
            });
            let outcome = run_on(MemoryStore::new(), definition, &items("path-typos")).await;
            if sealed {
                outcome.sealed();
                continue;
            }
            let says = format!(
                "the number of remaining rows is {left}, and `dataset.gate.minimumRows` is {least}"
            );
            outcome.refused(ErrorName::QualityGateFailed, &[&says]);
        }
    }
}

#[tokio::test]
async fn numbers_that_are_written_as_text_are_numbers() {
    for name in ["inferred", "from-text"] {
        let outcome = run("numbers-as-text", name).await;
        let (_, columns) = outcome.dataset().await;
        let price = columns.column("price").unwrap();
        assert_eq!((price.encoding, price.from_text), (Encoding::Number, true));
        let at = columns
            .columns
            .iter()
            .position(|column| column.path == "price")
            .unwrap();
        let rows = outcome.rows_of("train").await;
        let prices = rows
            .iter()
            .map(|row| row.split(',').nth(at + 1).unwrap().to_owned());
        let prices: Vec<String> = prices.collect();
        assert!(prices.contains(&"11.1".to_owned()), "{prices:?}");
        let notes = outcome.notes().await;
        assert!(
            notes.contains("texts of `price` count as the numbers"),
            "{notes}"
        );
    }
    let outcome = run("numbers-as-text", "declared").await;
    outcome.refused(
        ErrorName::InvalidDefinition,
        &["`price`", "\"fromText\": true"],
    );
}

#[tokio::test]
async fn the_last_date_of_the_calendar_is_a_date() {
    let outcome = run("iso-sentinel", "timestamp").await;
    assert_eq!(outcome.sealed().rejected, 0);
    let rows = outcome.rows_of("train").await;
    assert!(
        rows.iter().any(|row| row.ends_with(",2914635,9999")),
        "{rows:?}"
    );
}

#[tokio::test]
async fn a_declared_path_is_found_at_any_depth() {
    let outcome = run("depth-nine", "declared").await;
    let (_, columns) = outcome.dataset().await;
    assert_eq!(columns.columns.len(), 1);
}

#[tokio::test]
async fn a_table_of_key_and_label_alone_is_refused() {
    let outcome = run("unique-key-as-feature", "inferred").await;
    outcome.refused(ErrorName::QualityGateFailed, &["`id` is a key attribute"]);
}

#[tokio::test]
async fn an_attribute_that_no_training_row_has_is_no_column() {
    let outcome = run("new-attribute-time-split", "time").await;
    let (_, columns) = outcome.dataset().await;
    assert!(columns.column("a").is_some() && columns.column("zip").is_none());
    assert!(outcome.notes().await.contains("`zip` is left out"));
    // Declared it is refused, before training.
    let mut declared = definition("new-attribute-time-split", "time");
    declared["dataset"]["columns"] = json!([{"path": "a"}, {"path": "zip"}]);
    let items = items("new-attribute-time-split");
    let outcome = run_on(MemoryStore::new(), declared, &items).await;
    outcome.refused(
        ErrorName::QualityGateFailed,
        &["`zip` has no value in any of 90 training rows"],
    );
}

#[tokio::test]
async fn the_sample_has_no_blank_lines() {
    let outcome = run("single-feature-missing", "single").await;
    let (dataset, _) = outcome.dataset().await;
    let sample = dataset.sample.unwrap();
    let lines: Vec<&str> = sample.body.lines().collect();
    assert_eq!(lines.len(), sample.rows as usize);
    assert!(lines.iter().all(|line| !line.is_empty()), "{lines:?}");
}

#[tokio::test]
async fn what_is_clamped_is_a_number_that_xgboost_reads() {
    let outcome = run("clamp-xgboost", "clamp").await;
    let mut rows = outcome.rows_of("train").await;
    rows.extend(outcome.rows_of("validation").await);
    let greatest = rows.iter().filter(|row| row.contains("e38"));
    let greatest: Vec<_> = greatest.map(|row| row.split(',').nth(1).unwrap()).collect();
    assert!(!greatest.is_empty());
    let is_read = |cell: &&str| cell.trim_start_matches('-') == "3.402823e38";
    assert!(greatest.iter().all(is_read), "{greatest:?}");
}

#[tokio::test]
async fn a_new_attribute_does_not_move_the_columns_of_the_model_that_serves() {
    let case = "new-attribute-shifts-endpoint";
    for name in ["definition", "allowed"] {
        let before = run(case, name).await;
        let (dataset, _) = before.dataset().await;
        let champion_keys = support::champion_keys();
        let profile = before.store.get(&run_keys().profile()).await.unwrap();
        let store = MemoryStore::new();
        store.put(&champion_keys.profile(), profile).await.unwrap();
        let mut record = serde_json::to_value(&dataset).unwrap();
        record["run"] = json!(champion_keys.run());
        documents::write(&store, &champion_keys.dataset(), &record)
            .await
            .unwrap();
        let champion = json!({"run": champion_keys.run(), "stack": "shop", "metric": "m", "value": 1, "model": "m",
            "endpointConfig": "c", "endpoint": "e", "dataset": "d"});
        documents::write(&store, &keys::champion("default"), &champion)
            .await
            .unwrap();
        let mut items = items(case);
        for (at, item) in items.iter_mut().enumerate() {
            item["a0"] = json!({ "N": (at % 7).to_string() });
        }
        let after = run_on(store, definition(case, name), &items).await;
        if name == "definition" {
            let says = ["`a0`", "dataset.gate.drift.allowNewColumns"];
            after.refused(ErrorName::QualityGateFailed, &says);
        } else {
            let (_, columns) = after.dataset().await;
            let paths: Vec<_> = columns
                .columns
                .iter()
                .map(|column| column.path.as_str())
                .collect();
            assert_eq!(paths, ["a", "b", "a0"]);
        }
    }
}

#[tokio::test]
async fn validation_rows_of_one_class_are_refused_for_a_metric_that_needs_two() {
    let outcome = run("one-class-validation", "auc").await;
    let says = [
        "channel `validation`",
        "the metric `validation:auc` needs two",
    ];
    outcome.refused(ErrorName::QualityGateFailed, &says);
}

#[tokio::test]
async fn rows_that_are_asked_for_and_are_not_there_are_refused_before_training() {
    let case = "one-class-validation";
    for (split, metric, channel, asked) in [
        (
            json!({"validation": 1e-9}),
            "validation:auc",
            "validation",
            "the metric `validation:auc` is of them",
        ),
        (
            json!({"validation": 1e-9}),
            "train:auc",
            "validation",
            "`dataset.split.validation` is 0.000000001",
        ),
        (
            json!({"validation": 0.5, "test": 1e-9}),
            "train:auc",
            "test",
            "`dataset.split.test` is 0.000000001",
        ),
    ] {
        let mut definition = definition(case, "auc");
        definition["dataset"]["split"] = split;
        definition["promotion"]["metric"] = json!(metric);
        let outcome = run_on(MemoryStore::new(), definition, &items(case)).await;
        let says = format!("none for the channel `{channel}`, although {asked}");
        outcome.refused(ErrorName::QualityGateFailed, &[&says]);
    }
}

#[tokio::test]
async fn labels_that_the_objective_does_not_take_are_refused() {
    for (name, says) in [
        (
            "softmax-1-to-8",
            "the labels are 1 to 8, and `multi:softmax` with `num_class` 8 takes whole numbers from 0 to 7",
        ),
        (
            "num-class-7",
            "the labels are 0 to 7, and `multi:softmax` with `num_class` 7",
        ),
        (
            "logistic-1-2",
            "the labels are 1 to 2, and `binary:logistic` takes numbers from 0 to 1",
        ),
    ] {
        let outcome = run("labels-out-of-range", name).await;
        outcome.refused(ErrorName::InvalidDefinition, &[says]);
    }
}

#[tokio::test]
async fn the_classes_of_text_labels_are_numbered_from_0() {
    let outcome = run("softprob", "softprob").await;
    let rows = outcome.rows_of("train").await;
    assert_eq!(rows.len() as u64, outcome.sealed().train);
    let labels: Vec<&str> = rows
        .iter()
        .map(|row| row.split(',').next().unwrap())
        .collect();
    for label in &labels {
        assert!(["0", "1", "2"].contains(label), "{labels:?}");
    }
    // `x` is the class.
    assert!(rows.contains(&"2,2".to_owned()), "{rows:?}");
}

#[tokio::test]
async fn a_condition_that_no_item_satisfies_is_named() {
    let outcome = run("all-filtered-message", "where-value").await;
    let says = ["80 by `dataset.where` (`status` equal \"Done\")"];
    outcome.refused(ErrorName::QualityGateFailed, &says);
    assert!(!outcome.rows.unwrap_err().1.contains("rejected"));
}

#[tokio::test]
async fn a_gate_that_many_attributes_break_has_a_short_message() {
    let items: Vec<Value> = (0..30)
        .map(|at| {
            let names = (0..500)
                .map(|number| format!("attribute_{}_{:04}", "x".repeat(60), at % 3 * 500 + number));
            let mut item: serde_json::Map<_, _> = names
                .map(|name| (name, json!({"N": at.to_string()})))
                .collect();
            item.insert("id".to_owned(), json!({ "S": format!("k{at}") }));
            item.insert("y".to_owned(), json!({ "N": (at % 5).to_string() }));
            Value::Object(item)
        })
        .collect();
    let definition = definition("error-of-hundreds-of-kb", "gate");
    let outcome = run_on(MemoryStore::new(), definition, &items).await;
    outcome.refused(
        ErrorName::QualityGateFailed,
        &["fails 1500 checks", "and 1495 more"],
    );
}

#[tokio::test]
async fn every_case_has_a_readme_and_a_test() {
    let this = include_str!("cases.rs");
    for entry in std::fs::read_dir(folder(".")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            let name = entry.file_name().into_string().unwrap();
            assert!(
                entry.path().join("README.md").is_file(),
                "{name} has no README.md"
            );
            assert!(this.contains(&format!("\"{name}\"")), "{name} has no test");
        }
    }
    let readme = std::fs::read_to_string(folder("README.md")).unwrap();
    let rows = readme.lines().filter(|line| line.ends_with("` |"));
    let named: Vec<&str> = rows.filter_map(|row| row.rsplit('`').nth(1)).collect();
    let elsewhere = [
        include_str!("../../judge-model/tests/champion_endpoint.rs"),
        include_str!("../../deploy-endpoint/tests/deployment/owners.rs"),
        include_str!("../../deploy-endpoint/tests/deployment/failing.rs"),
        include_str!("../../cli/tests/rollback.rs"),
        include_str!("../../../tests/tests/xgboost_image.rs"),
        include_str!("../../../tests/tests/session.rs"),
    ];
    assert_eq!(named.len(), elsewhere.len(), "{named:?}");
    for name in named {
        let function = format!("async fn {name}(");
        let is_there = elsewhere.iter().any(|text| text.contains(&function));
        assert!(is_there, "there is no test {name}");
    }
}
