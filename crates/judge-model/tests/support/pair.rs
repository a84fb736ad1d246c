//! Two runs over one table: the champion's, whose model serves, and a newer one, whose model is
//! compared with it. The label is twice `x`; what a model adds to that is its error.

use super::{BEFORE, World, run_keys};
use contract::RunId;
use contract::states::{Decision, JudgeModelOutput};
use judge_model::JudgeModelError;
use lake::part::PartWriter;
use lake::records::{Part, SampleRecord, VerdictRecord};
use lake::{MemoryStore, ObjectStore, RunKeys, documents};
use sagemaker_ports::{Endpoints, ModelSpec, Tags};
use serde_json::{Value, json};
use std::fmt::Write as _;

pub const ITEMS: usize = 400;
pub const OWN: &str = "default-20261120-173000-1a2b3c4d";
pub const THEIRS: &str = "default-20261119-173000-00000000";
pub const CHALLENGERS_JOB: &str = "default-20261120-173000-1a2b3c4d-challenger";
pub const CHAMPIONS_JOB: &str = "default-20261120-173000-1a2b3c4d-champion";

pub fn before() -> RunKeys {
    RunKeys::new("default", &RunId::parse(BEFORE).unwrap())
}

/// The columns of both runs, which differ.
pub fn columns(challenger: bool) -> Value {
    let number = |path: &str| json!({"path": path, "encoding": "number"});
    let features = if challenger {
        json!([number("x"), number("later")])
    } else {
        json!([number("older"), {"path": "kind", "encoding": "ordinal", "vocabulary": ["a", "b"]}, number("x")])
    };
    json!({
        "label": "y", "columns": features, "inferred": false,
        "split": {"by": ["user"], "validation": 0.25, "seed": 7},
    })
}

/// An item of the table; one in ten has no `older`.
pub fn item(number: usize) -> String {
    let mut item = format!(
        r#"{{"Item":{{"user":{{"S":"u{number}"}},"x":{{"N":"{number}"}},"y":{{"N":"{}"}},"later":{{"N":"1"}},"kind":{{"S":"b"}}"#,
        2 * number
    );
    if !number.is_multiple_of(10) {
        write!(item, r#","older":{{"N":"{}"}}"#, number + 1).unwrap();
    }
    item + "}}"
}

async fn part(store: &MemoryStore, number: u32, items: std::ops::Range<usize>) -> Part {
    let mut writer = PartWriter::new(store, run_keys().part(number, 0, "a")).unwrap();
    for line in items.map(item) {
        let whole = format!("{line}\n");
        let text = std::iter::once(line.as_bytes());
        writer
            .append(whole.as_bytes(), text, |_, _| ())
            .await
            .unwrap();
    }
    writer.finish().await.unwrap().unwrap()
}

/// What each model adds to the truth.
#[derive(Debug, Clone, Copy)]
pub struct Errors {
    pub challenger: f64,
    pub champion: f64,
}

impl World {
    /// The pair, with these own values of the metric, and these changes to the champion's columns.
    pub async fn pair(own: f64, champions: f64, promotion: Value, theirs: Value) -> Self {
        let mut more = json!({"reevaluate": {}});
        for (field, value) in promotion.as_object().unwrap() {
            more[field] = value.clone();
        }
        let world = Self::with(Some(own), more).await;
        let store = &world.store;
        world.crown(BEFORE, champions).await;
        let champion = json!({
            "run": BEFORE, "stack": "shop", "metric": "validation:rmse", "value": champions, "model": THEIRS,
            "endpointConfig": THEIRS, "endpoint": "e", "dataset": before().dataset(),
        });
        documents::write(store, &lake::keys::champion("default"), &champion)
            .await
            .unwrap();
        let parts = [
            part(store, 0, 0..ITEMS / 4).await,
            part(store, 1, ITEMS / 4..ITEMS / 2).await,
            part(store, 2, ITEMS / 2..ITEMS).await,
        ];
        let plan = json!({
            "columns": columns(true), "keyAttributes": ["user"],
            "shards": [parts[..1], parts[1..]],
            "exported": {"items": ITEMS, "rawBytes": 1, "pages": 1, "readUnits": 1.0,
                "checksum": "0000000000000000"},
        });
        documents::write(store, &run_keys().dataset_plan(), &plan)
            .await
            .unwrap();
        let mut their_columns = columns(false);
        for (field, value) in theirs.as_object().unwrap() {
            their_columns[field] = value.clone();
        }
        let dataset = json!({
            "run": BEFORE, "rows": {"train": 1, "validation": 1, "rejected": 0},
            "channels": ["train"], "contentType": "text/csv", "columns": their_columns, "files": [],
        });
        documents::write(store, &before().dataset(), &dataset)
            .await
            .unwrap();
        world
            .sagemaker
            .create_model(&Self::their_model())
            .await
            .unwrap();
        world
    }

    pub fn their_model() -> ModelSpec {
        ModelSpec {
            name: THEIRS.to_owned(),
            image: "recommender:0".to_owned(),
            artifact: "s3://old".to_owned(),
            role_arn: "arn:aws:iam::1:role/training".to_owned(),
            environment: std::collections::BTreeMap::new(),
            vpc: None,
            network_isolation: false,
            tags: Tags::new(),
        }
    }

    pub async fn text(&self, key: &str) -> String {
        let bytes = self.store.get(key).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    /// The rows that one of the two predicts.
    pub async fn predicted_rows(&self, role: &str) -> Vec<Vec<String>> {
        let text = self.text(&run_keys().judged_rows_file(role)).await;
        let cells = |line: &str| line.split(',').map(str::to_owned).collect();
        text.lines().map(cells).collect()
    }

    pub async fn sample(&self) -> SampleRecord {
        let key = run_keys().judged_sample();
        documents::read(&self.store, &key, "a sample")
            .await
            .unwrap()
    }

    pub async fn verdict(&self) -> VerdictRecord {
        documents::read(&self.store, &run_keys().verdict(), "a verdict")
            .await
            .unwrap()
    }

    /// Writes the predictions of the existing jobs, which the fake service does not do.
    pub async fn predict(&self, errors: Errors) {
        for (role, error, x) in [
            ("challenger", errors.challenger, 0),
            ("champion", errors.champion, 2),
        ] {
            for attempt in 1..3 {
                let suffix = if attempt == 1 {
                    String::new()
                } else {
                    format!("-{attempt}")
                };
                let Some(job) = self.sagemaker.transform(&format!("{OWN}-{role}{suffix}")) else {
                    continue;
                };
                let input = format!("s3://memory/{}", run_keys().judged_rows(role));
                assert_eq!(job.input, input);
                let predicted: String = self
                    .predicted_rows(role)
                    .await
                    .iter()
                    .map(|cells| 2.0 * cells[x].parse::<f64>().unwrap() + error)
                    .fold(String::new(), |text, number| text + &format!("{number}\n"));
                let output = job.output.strip_prefix("s3://memory/").unwrap();
                let key = format!("{output}/rows.csv.out");
                self.store.put(&key, predicted.into()).await.unwrap();
            }
        }
    }

    /// Calls until the verdict, as the state machine does.
    pub async fn judged(&self, errors: Errors) -> Result<JudgeModelOutput, JudgeModelError> {
        for _ in 0..20 {
            let output = self.call().await?;
            if output.verdict != Decision::Compare {
                return Ok(output);
            }
            assert!(output.wait_seconds > 0);
            self.predict(errors).await;
        }
        panic!("no end");
    }

    pub fn count(&self, what: &str) -> usize {
        self.sagemaker.log().iter().filter(|it| *it == what).count()
    }
}
