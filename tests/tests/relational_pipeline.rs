//! From a table of a relational database to an answering endpoint on local AWS with the deployed
//! functions: the same rows in PostgreSQL and in the SQL Server for tests become the same training
//! files, by the same definition.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use contract::states::Outcome;
use definition::Engine;
use end_to_end::pipeline::Pipeline;
use lake::RunKeys;
use millrace::demo::Algorithm;
use millrace::demo::data::Interactions;
use millrace::demo::relational::{self, Database};
use millrace::progress::Progress;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ITEMS: usize = 4000;
const SEED: u64 = 42;

/// What a run made of its table.
#[derive(Debug, PartialEq)]
struct Made {
    /// The raw rows by their keys.
    rows: BTreeMap<(String, String), Value>,
    train: Vec<String>,
    validation: Vec<String>,
    columns: Value,
}

#[tokio::test(flavor = "multi_thread")]
async fn both_engines_make_the_same_of_the_same_rows() {
    let pipeline = Pipeline::start_with(relational::PARAMETER).await;
    let interactions = Interactions::generate(SEED, ITEMS);
    let (postgres, sql_server) = tokio::join!(
        run(&pipeline, &interactions, Engine::Postgres, "postgres"),
        run(&pipeline, &interactions, Engine::SqlServer, "sql-server"),
    );
    assert_eq!(postgres.rows, expected(&interactions));
    assert!(
        postgres.train.len() > ITEMS * 4 / 5,
        "{}",
        postgres.train.len()
    );
    assert!(postgres.validation.len() > ITEMS / 20);
    // Not as one, which would print both tables.
    assert_eq!(postgres.columns, sql_server.columns);
    for (one, other) in [
        (&postgres.train, &sql_server.train),
        (&postgres.validation, &sql_server.validation),
    ] {
        let difference = one.iter().zip(other).find(|(one, other)| one != other);
        assert_eq!((one.len(), difference), (other.len(), None));
    }
    assert!(postgres == sql_server, "the rows are not the same");
    pipeline.local.stop().await.unwrap();
}

/// Fills a database, runs a pipeline on it, and asks its endpoint.
async fn run(pipeline: &Pipeline, interactions: &Interactions, engine: Engine, name: &str) -> Made {
    let progress = Progress::quiet();
    let database = Database::fill(engine, &pipeline.local, interactions, &progress);
    let database = database.await.unwrap();
    let mut definition = database.definition(Algorithm::Recommender);
    definition["pipeline"] = name.into();
    definition["endpoint"]["name"] = name.into();
    pipeline.define(name, &definition.to_string()).await;
    let output = pipeline.run_well(&json!({"pipeline": name})).await;
    assert_eq!(
        (output.outcome, output.items),
        (Outcome::Deployed, ITEMS as u64),
        "{name}"
    );
    let keys = RunKeys::new(&output.pipeline, &output.run);
    pipeline
        .assert_recommends(&keys, interactions, &output)
        .await;
    let sorted = async |channel: &str| {
        let mut lines = pipeline.csv(&keys, channel).await;
        lines.sort_unstable();
        lines
    };
    let (record, _) = pipeline.dataset(&keys).await;
    let rows = pipeline.raw_items(&keys).await.into_iter().map(|mut row| {
        // Both are ISO 8601 in UTC.
        let at = row["at"]["S"].as_str().unwrap().replace("+00:00", "Z");
        row["at"] = json!({"S": at});
        (key(&row), row)
    });
    Made {
        rows: rows.collect(),
        train: sorted("train").await,
        validation: sorted("validation").await,
        columns: record.columns,
    }
}

fn key(item: &Value) -> (String, String) {
    let text = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
    (text("user_id"), text("event_id"))
}

/// The interactions as rows: a column for each attribute that the tables have.
fn expected(interactions: &Interactions) -> BTreeMap<(String, String), Value> {
    let row = |item: &Value| {
        let mut row = json!({"device": item["context"]["M"]["device"]});
        let columns = [
            "user_id",
            "event_id",
            "item_id",
            "item_title",
            "genre",
            "event_type",
            "at",
            "favourite",
            "review",
        ];
        for name in columns {
            row[name] = match &item[name] {
                Value::Null => json!({"NULL": true}),
                value => value.clone(),
            };
        }
        // The type has one digit behind the point.
        row["rating"] = match item["rating"]["N"].as_str() {
            None => json!({"NULL": true}),
            Some(rating) => json!({"N": format!("{:.1}", rating.parse::<f64>().unwrap())}),
        };
        (key(item), row)
    };
    interactions.items().map(row).collect()
}
