//! A lake that holds what a run committed, as far as it came, and twenty runs before it.

use crate::execution::STEPS;
use contract::RunId;
use dataset::{Quality, judge, judge_left, judge_rejected};
use definition::Definition;
use lake::{MemoryStore, RunKeys, documents, keys};
use profile::{Drift, Profile, Statistics};
use publish_report::RunDocument;
use serde_json::{Value, json};

pub const CHAMPION: &str = "20261118-173000-00000000";

pub fn run() -> RunId {
    RunId::of_execution(crate::execution::ARN, "2026-11-20T17:30:00.123Z").unwrap()
}

pub fn run_keys() -> RunKeys {
    RunKeys::new("default", &run())
}

pub async fn put(store: &MemoryStore, key: &str, document: Value) {
    documents::write(store, key, &document).await.unwrap();
}

/// The rows of a table, and how it is described.
pub struct Table {
    pub items: Vec<Value>,
    pub before: Vec<Value>,
    pub label: &'static str,
}

/// Ratings of films; those of now are from other devices, and dearer, than those before.
pub fn films() -> Table {
    let item = |at: u64, shift: u64| {
        let spread = (at * 7919 + shift * 31) % 1000;
        let device = if at % 10 < 3 + shift * 4 {
            "tv"
        } else {
            "phone"
        };
        let mut item = json!({
            "user_id": {"S": format!("u-{:05}", spread * 17 % 700)},
            "item_id": {"S": format!("m-{}", spread % 90)},
            "rating": {"N": (1 + (at * 13 + spread) % 9).to_string()},
            "price": {"N": format!("{:.2}", 3.0 + (spread as f64).sqrt() * (0.3 + shift as f64 * 0.2))},
            "at": {"N": (1_790_000_000 + at * 60 + shift * 5_000_000).to_string()},
            "device": {"S": device},
            "hour": {"N": ((at * at + at) % 24).to_string()},
        });
        if at % 40 < 1 + shift * 8 {
            item["price"] = json!({"NULL": true});
        }
        item
    };
    Table {
        items: (0..2000).map(|at| item(at, 1)).collect(),
        before: (0..1900).map(|at| item(at, 0)).collect(),
        label: "rating",
    }
}

/// A table that means harm: markup, text from right to left, values of 4 KB, 200 columns.
pub fn hostile() -> Table {
    let item = |at: u64| {
        let mut item = json!({
            "rating": {"N": (at % 5).to_string()},
            "<script>document.title='x'</script>": {"S": format!("</style><img src=http://x.test/{}>", at % 3)},
            "\u{202e}שלום עולם": {"S": "مرحبا بالعالم \u{202e} abc".repeat(1 + usize::from(at.is_multiple_of(2)))},
            "long": {"S": "w".repeat(4096)},
            "n".repeat(300).as_str(): {"N": format!("{}", (at as f64).exp())},
        });
        for column in 0..200 {
            let value = if column % 2 == 0 {
                json!({"N": ((at * 31 + column) % 100).to_string()})
            } else {
                json!({"S": format!("v{}", (at + column) % 7)})
            };
            item[format!("column_{column:03}")] = value;
        }
        item
    };
    let items: Vec<Value> = (0..300).map(item).collect();
    let mut before = items.clone();
    for (at, item) in before.iter_mut().enumerate() {
        item["column_000"] = json!({"N": (at * 1_000_000).to_string()});
        item["</bdi><script>alert(1)</script>"] = json!({"S": "gone"});
    }
    Table {
        items,
        before,
        label: "rating",
    }
}

fn profile(items: &[Value]) -> Profile {
    let mut profile = Profile::new();
    for (at, item) in items.iter().enumerate() {
        let item = item.to_string();
        profile.observe(&dynamodb_json::parse_item(item.as_bytes()).unwrap());
        profile.sample(at as u64, format!("{{\"Item\":{item}}}").as_bytes());
    }
    profile
}

fn definition(table: &Table) -> Definition {
    let gate = json!({
        "minimumRows": 100, "maximumMissing": 0.5, "maximumRejected": 0.1,
        "drift": {"maximumPsi": 5.0, "maximumRowDrop": 0.5, "maximumMissingRise": 0.5},
    });
    contract::read::from_value(json!({
        "source": {"dynamodb": {"table": "interactions"}},
        "dataset": {"label": table.label, "gate": gate},
        "training": {"image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/recommender:1", "maxRuntimeSeconds": 3600},
        "promotion": {"metric": "validation:rmse", "goal": "minimize", "threshold": 0.66},
        "endpoint": {"name": "films", "compute": {"instances": {"instanceType": "ml.m5.large", "count": 2}}},
    }))
    .unwrap()
}

/// The champion that served before the run.
async fn champion_before(store: &MemoryStore) {
    let champion = RunKeys::new("default", &RunId::parse(CHAMPION).unwrap());
    put(store, &keys::champion("default"), json!({"run": CHAMPION, "stack": "shop",
        "metric": "validation:rmse", "value": 0.64, "model": "m", "endpointConfig": "default-before",
        "endpoint": "films", "dataset": "d"}))
    .await;
    put(
        store,
        &champion.training(),
        json!({"job": "before", "image": "i", "artifact": "a",
        "metrics": {"validation:rmse": 0.64, "train:rmse": 0.61}}),
    )
    .await;
}

/// The records of a run of this table that ended in a step, or well where `rating` of the model is
/// given as its value.
pub async fn lake(table: &Table, entered: usize, value: f64, deployed: bool) -> MemoryStore {
    let store = MemoryStore::new();
    let keys = run_keys();
    let reached = |step: &str| {
        STEPS[..entered.saturating_sub(1)]
            .iter()
            .any(|it| it.0 == step)
    };
    past(&store).await;
    champion_before(&store).await;
    if entered <= 1 {
        return store;
    }
    let definition = definition(table);
    let items = table.items.len() as u64 * 10;
    put(&store, &keys.plan(), json!({
        "run": run(), "execution": crate::execution::ARN, "started": "2026-11-20T17:30:00.123Z",
        "definition": definition, "keyAttributes": ["user_id"], "route": "Scan",
        "reason": "the table has no point-in-time recovery", "segments": 40, "tasks": [],
        "estimate": {"items": items + 200, "bytes": 8_800_000_u64, "readUnits": 489, "minutes": 5.5,
            "cost": {"total": 0.064, "reads": 0.03, "lambda": 0.014, "requests": 0.02}},
    }))
    .await;
    if !reached("ExportSegments") {
        return store;
    }
    describe(&store, table, &definition, entered).await;
    if !reached("PlanDataset") {
        return store;
    }
    put(
        &store,
        &keys.export(),
        json!({"run": run(), "segments": 40, "parts": [],
        "totals": {"items": items, "rawBytes": 9_321_000_u64, "pages": 44, "readUnits": 471.5,
            "throttles": 3, "checksum": "0"}}),
    )
    .await;
    if !reached("SealDataset") {
        return store;
    }
    let (train, validation, rejected) = (items * 8 / 10, items / 10, items / 50);
    let duplicates = items - train - validation - rejected;
    let file = |channel: &str, rows: u64, at: u64| {
        json!({"channel": channel,
        "key": keys.channel_file(channel, u32::try_from(at).unwrap(), "csv"), "rows": rows / 5, "bytes": rows * 9})
    };
    let files =
        (0..5).flat_map(|at| [file("train", train, at), file("validation", validation, at)]);
    let example = table.items[0]
        .as_object()
        .unwrap()
        .keys()
        .next_back()
        .unwrap();
    put(&store, &keys.dataset(), json!({
        "run": run(), "channels": ["train", "validation"], "contentType": "text/csv",
        "rows": {"train": train, "validation": validation, "rejected": rejected, "duplicates": duplicates},
        "columns": {"label": table.label, "columns": [], "leftOut": []}, "files": files.collect::<Vec<_>>(),
        "sample": {"rows": 3, "contentType": "text/csv", "body": "1,2,0.5\n4,1,0.25\n7,,0.125"},
        "rejected": [{"example": format!("{example}: no number: \"n/a\""), "items": rejected - 1},
            {"example": "rating: missing", "items": 1}],
    }))
    .await;
    if !reached("StartTraining") {
        return store;
    }
    put(&store, &keys.training(), json!({"job": "default-20261120-173000-1a2b3c4d",
        "image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/recommender:1",
        "artifact": format!("s3://lake/{}/output/model.tar.gz", keys.models()),
        "metrics": {"validation:rmse": value, "train:rmse": value - 0.03, "validation:ndcg": 0.251_234},
        "curves": {"validation:rmse": curve(value), "train:rmse": curve(value - 0.03),
            "validation:ndcg": [0.2, 0.251_234]},
        "billableSeconds": 312}))
    .await;
    if !reached("JudgeModel") {
        return store;
    }
    let (verdict, words) = if deployed {
        ("Promote", "better")
    } else {
        ("Keep", "not better")
    };
    put(
        &store,
        &keys.verdict(),
        json!({"verdict": verdict, "metric": "validation:rmse", "value": value,
        "champion": 0.64, "championRun": CHAMPION,
        "reason": format!("validation:rmse {value} is {words} than the champion's 0.64")}),
    )
    .await;
    if deployed && reached("DeployEndpoint") {
        put(&store, &keys.deployment(), json!({"run": run(), "endpoint": "films",
            "endpointConfig": "default-20261120-173000-1a2b3c4d", "model": "default-20261120-173000-1a2b3c4d",
            "previousEndpointConfig": "default-before", "smokeRows": 3}))
        .await;
    }
    store
}

/// The values of a metric that ends with this one.
fn curve(last: f64) -> Vec<f64> {
    let epochs = (0..40).rev();
    epochs
        .map(|left| last + 0.4 * (f64::from(left) / 40.0).powi(3))
        .collect()
}

/// The statistics, the gate and the drift.
async fn describe(store: &MemoryStore, table: &Table, definition: &Definition, entered: usize) {
    let keys = run_keys();
    let champion = RunId::parse(CHAMPION).unwrap();
    let before: Statistics = profile(&table.before).statistics();
    let theirs = RunKeys::new("default", &champion);
    documents::write(store, &theirs.profile(), &before)
        .await
        .unwrap();
    let now = profile(&table.items);
    let statistics = now.statistics();
    let drift = Drift::since(champion, &before, &now, &statistics);
    let dataset = definition.dataset.as_ref().unwrap();
    let columns: Vec<String> = statistics
        .attributes
        .keys()
        .filter(|it| *it != table.label)
        .cloned()
        .collect();
    let mut gate = judge(dataset, None, &statistics, Some((&drift, &columns)));
    if STEPS[entered - 1].0 == "PlanDataset" {
        for it in &mut gate {
            it.passed &= it.bound != "minimumRows";
        }
    }
    if entered > 5 {
        let rows = contract::states::RowCounts {
            train: 16_000,
            validation: 2_000,
            rejected: 400,
            ..Default::default()
        };
        gate.extend([
            judge_rejected(&dataset.gate, rows, Some("price: no number: \"n/a\"")),
            judge_left(&dataset.gate, rows),
        ]);
    }
    let quality = Quality {
        label: Some(table.label.to_owned()),
        columns,
        notes: vec!["`at` is left out: it is a time, and no `timeParts` are named".to_owned()],
        gate,
        comparison: format!("compared with run {CHAMPION}, whose model serves"),
        drift: Some(drift),
    };
    documents::write(store, &keys.profile(), &statistics)
        .await
        .unwrap();
    documents::write(store, &keys.quality(), &quality)
        .await
        .unwrap();
}

/// Runs before, each with its page's content.
async fn past(store: &MemoryStore) {
    for at in 0..20_u32 {
        let run = RunId::parse(&format!("202611{:02}-030000-0000000{}", at + 1, at % 10)).unwrap();
        let failed = at % 7 == 3;
        let value = 0.72 - f64::from(at) * 0.004 + f64::from(at * at % 5) * 0.003;
        let mut document = json!({
            "pipeline": "default", "run": run, "execution": "arn:e", "status": if failed { "FAILED" } else { "SUCCEEDED" },
            "summary": "", "serving": "", "started": format!("2026-11-{:02}T03:00:00Z", at + 1),
            "finished": format!("2026-11-{:02}T03:20:00Z", at + 1), "seconds": 1100 + at * 13 % 90, "dollars": 0.08 + f64::from(at) * 0.001,
            "steps": [], "gate": [], "making": {"changes": [], "version": "0.1.0", "links": []},
        });
        if failed {
            document["failure"] = json!({"step": "StartTraining", "error": "CapacityUnavailable", "cause": "", "redrive": ""});
        } else {
            document["outcome"] = json!(if at % 3 == 0 {
                "Deployed"
            } else {
                "KeptChampion"
            });
            document["rows"] = json!({"table": "interactions", "items": 19_000 + at * 50, "rawBytes": 1, "segments": 4,
                "throttles": 0, "addsUp": true, "channels": []});
            document["model"] = json!({"job": "j", "image": "i", "artifact": "a", "metric": "validation:rmse", "value": value,
                "billableSeconds": 300, "history": [], "metrics": []});
        }
        // It is what a page's content is.
        let document: RunDocument = serde_json::from_value(document).unwrap();
        let key = RunKeys::new("default", &run).page_data();
        documents::write(store, &key, &document).await.unwrap();
    }
}
