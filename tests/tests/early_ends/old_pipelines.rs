//! The exports of AWS Data Pipeline's structures, converted: each definition runs, and exports what
//! the old pipeline would have.

use contract::states::Outcome;
use end_to_end::pipeline::{Pipeline, assert_same_items};
use end_to_end::workspace;
use lake::RunKeys;
use millrace::demo;
use millrace::progress::Progress;
use serde_json::{Map, Value, json};

const ITEMS: usize = 300;
const TABLES: [&str; 4] = ["houses", "shop-keys", "shop-users", "events"];
/// The other structures that export a table; the console's runs as a pipeline of its own.
const STRUCTURES: [(&str, &[&str]); 4] = [
    ("02-on-demand", &["houses"]),
    ("03-two-tables", &["shop-keys", "shop-users"]),
    ("04-hive-csv", &["houses"]),
    ("05-hive-copy", &["events", "events-2"]),
];

/// The definitions that `millrace convert` makes of a file, by pipeline.
pub fn converted(file: &str, sets: &[(&str, &str)]) -> Vec<Value> {
    let text = workspace::text(&format!("crates/data-pipeline/tests/pipelines/{file}.json"));
    let input = data_pipeline::Input {
        name: format!("{file}.json"),
        bytes: text.into_bytes(),
    };
    let sets = sets.iter();
    let options = data_pipeline::Options {
        sets: sets
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..data_pipeline::Options::default()
    };
    let made = data_pipeline::convert(&[input], &options).unwrap();
    let mut definitions: Vec<(String, Value)> = made
        .files
        .into_iter()
        .filter(|file| file.path.starts_with("config/"))
        .map(|file| (file.path, serde_json::from_str(&file.text).unwrap()))
        .collect();
    definitions.sort_by(|(one, _), (other, _)| one.len().cmp(&other.len()).then(one.cmp(other)));
    definitions.into_iter().map(|(_, it)| it).collect()
}

fn items() -> Vec<Value> {
    let item = |number: usize| {
        json!({
            "user_id": {"S": format!("u{}", number % 7)},
            "event_id": {"S": format!("e{number:05}")},
            "area": {"N": format!("{number}.5")},
            "town": {"S": "Köln, \"am Rhein\""},
            "price": {"N": (number * 1000).to_string()},
            "country": {"S": if number.is_multiple_of(3) { "DE" } else { "FR" }},
            "timeStamp": {"N": (1_370_303_900 + number).to_string()},
            "kept": {"L": [{"NULL": true}, {"B": "AAEC"}, {"NS": ["1", "2"]}]},
        })
    };
    (0..ITEMS).map(item).collect()
}

/// What the old pipeline read of the items.
fn wanted(items: &[Value], file: &str, pipeline: &str) -> Vec<Value> {
    let number =
        |item: &Value| -> u64 { item["timeStamp"]["N"].as_str().unwrap().parse().unwrap() };
    let items = items.iter();
    match (file, pipeline) {
        // A script's columns, and the key, which identifies an item.
        ("04-hive-csv", _) => {
            let columns = ["user_id", "event_id", "area", "town", "price"];
            let narrow = |item: &Value| {
                let kept = columns.map(|name| (name.to_owned(), item[name].clone()));
                Value::Object(Map::from_iter(kept))
            };
            items.map(narrow).collect()
        }
        // `timestamp` > 1370304000 AND country = 'DE'
        ("05-hive-copy", "events") => {
            let is_read =
                |item: &&Value| item["country"]["S"] == "DE" && number(item) > 1_370_304_000;
            items.filter(is_read).cloned().collect()
        }
        _ => items.cloned().collect(),
    }
}

pub async fn are_exported(pipeline: &Pipeline) {
    let items = items();
    for table in TABLES {
        let step = Progress::quiet().step("table");
        demo::table::fill(pipeline.local.aws_config(), table, items.iter(), &step)
            .await
            .unwrap();
    }
    for (file, pipelines) in STRUCTURES {
        let definitions = converted(file, &[]);
        let names: Vec<_> = definitions.iter().map(|it| &it["pipeline"]).collect();
        assert_eq!(names, pipelines, "{file}");
        for (definition, name) in definitions.iter().zip(pipelines) {
            pipeline.define(name, &definition.to_string()).await;
            let output = pipeline.run_well(&json!({"pipeline": name})).await;
            let wanted = wanted(&items, file, name);
            assert_eq!(
                (output.outcome, output.items),
                (Outcome::Exported, wanted.len() as u64),
                "{file} {name}"
            );
            let keys = RunKeys::new(&output.pipeline, &output.run);
            assert_same_items(&pipeline.raw_items(&keys).await, wanted.iter());
        }
    }
}
