//! Two real models on the same rows, with the functions killed between any two of their calls: the
//! judge's figures match the served models' answers, and they decide.

use crate::steps::Step;
use crate::world::{self, World, name};
use contract::RunId;
use end_to_end::packages::Packages;
use lake::part::PartWriter;
use lake::records::VerdictRecord;
use lake::{ObjectStore as _, RunKeys, documents};
use serde_json::{Value, json};

const ITEMS: u32 = 300;

/// What the label is of `x`: no model has it quite.
fn label(x: u32) -> f64 {
    f64::from(x) + f64::from(x % 7)
}

/// A run whose model answers so many times `x`, which stands at this place of its columns.
async fn run(world: &World, day: u32, number: f64, place: usize) -> RunId {
    let told = json!({"hyperparameters": {"number": number, "column": place}});
    let run = world.run_with(day, &told).await;
    let keys = RunKeys::new("default", &run);
    let store = &world.store;
    let mut plan: Value = documents::read(store, &keys.plan(), "a plan")
        .await
        .unwrap();
    plan["definition"]["promotion"] = json!({
        "metric": "validation:rmse", "goal": "minimize", "reevaluate": {"rows": 50},
        "modelPackageGroup": "default",
    });
    documents::write(store, &keys.plan(), &plan).await.unwrap();

    let mut writer = PartWriter::new(store, keys.part(0, 0, "a")).unwrap();
    for x in 0..ITEMS {
        let label = label(x);
        let line = format!(
            r#"{{"Item":{{"user":{{"S":"u{x}"}},"x":{{"N":"{x}"}},"rating":{{"N":"{label}"}},"other":{{"N":"9"}}}}}}"#
        );
        let whole = format!("{line}\n");
        let text = std::iter::once(line.as_bytes());
        writer
            .append(whole.as_bytes(), text, |_, _| ())
            .await
            .unwrap();
    }
    let part = writer.finish().await.unwrap().unwrap();
    let mut features = vec![json!({"path": "other", "encoding": "number"})];
    features.insert(place, json!({"path": "x", "encoding": "number"}));
    let columns = json!({
        "label": "rating", "columns": features, "inferred": false,
        "split": {"by": ["user"], "validation": 0.5, "seed": 3},
    });
    let shards = json!({
        "columns": columns, "keyAttributes": ["user"], "shards": [[part]],
        "exported": {"items": ITEMS, "rawBytes": 1, "pages": 1, "readUnits": 1.0,
            "checksum": "0000000000000000"},
    });
    documents::write(store, &keys.dataset_plan(), &shards)
        .await
        .unwrap();
    let mut dataset: Value = documents::read(store, &keys.dataset(), "it").await.unwrap();
    dataset["columns"] = columns;
    documents::write(store, &keys.dataset(), &dataset)
        .await
        .unwrap();
    run
}

/// The rows as this one of the two was asked about them, and their labels.
async fn asked(world: &World, run: &RunId, role: &str) -> (String, Vec<f64>) {
    let keys = RunKeys::new("default", run);
    let text = async |key: String| {
        let bytes = world.store.get(&key).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    let labels = text(keys.judged_labels()).await;
    let label = |line: &str| line.split(',').next().unwrap().parse().unwrap();
    let labels = labels.lines().map(label).collect();
    (text(keys.judged_rows_file(role)).await, labels)
}

/// The root of the mean squared error of what the endpoint answers now.
async fn served(world: &World, run: &RunId, role: &str) -> f64 {
    let (rows, labels) = asked(world, run, role).await;
    let answered = world.predicted(rows).await;
    assert_eq!((answered.len(), labels.len()), (50, 50));
    let squares = answered
        .iter()
        .zip(&labels)
        .map(|(it, label)| (it - label).powi(2));
    (squares.sum::<f64>() / 50.0).sqrt()
}

async fn verdict(world: &World, run: &RunId) -> VerdictRecord {
    let key = RunKeys::new("default", run).verdict();
    documents::read(&world.store, &key, "a verdict")
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_rows_decide_and_the_served_models_answer_as_the_judge_says() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("calls.jsonl");
    let packages = Packages::built().await;
    let mut world = World::start("a comparison", &packages, record.clone()).await;
    let first = run(&world, 20, 0.5, 1).await;
    world.go_through(&first, false).await.unwrap();
    assert_eq!(verdict(&world, &first).await.reevaluation, None);

    // By its own metric, which here is its number, it is worse.
    let better = run(&world, 21, 1.0, 0).await;
    world.train_and_judge(&better).await.unwrap();
    let promoted = verdict(&world, &better).await;
    let figures = promoted.reevaluation.unwrap();
    assert_eq!((promoted.value, promoted.champion), (1.0, Some(0.5)));
    let champions = served(&world, &better, "champion").await;
    assert!(
        (figures.champion - champions).abs() < 1e-9,
        "{figures:?} {champions}"
    );
    assert!(world.kills() > 10, "only {} kills", world.kills());
    world.go_through(&better, true).await.unwrap();
    world.is_champion(21).await.unwrap();
    let own = served(&world, &better, "challenger").await;
    assert!((figures.value - own).abs() < 1e-9, "{figures:?} {own}");
    assert!(own < champions);

    // By its own metric it would have been better.
    let worse = run(&world, 22, 0.75, 1).await;
    world.train_and_judge(&worse).await.unwrap();
    let kept = verdict(&world, &worse).await;
    assert!(kept.value < kept.champion.unwrap());
    let figures = kept.reevaluation.unwrap();
    assert!(figures.value > figures.champion, "{figures:?}");
    assert!(
        kept.reason.contains("not more than the required"),
        "{}",
        kept.reason
    );
    let (models, _) = world.kept().await;
    assert!(!models.contains(&name(22)), "{models:?}");
    world.is_champion(21).await.unwrap();
    world::hold(&record);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_is_told_and_a_redrive_asks_that_model_alone_again() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("calls.jsonl");
    let packages = Packages::built().await;
    let mut world = World::start("no ping", &packages, record.clone()).await;
    let first = run(&world, 20, 0.5, 1).await;
    world.go_through(&first, false).await.unwrap();
    let second = run(&world, 21, 1.0, 0).await;
    let champions = format!("{}-champion", name(21));
    world
        .faults(json!([{"fault": "no-ping", "name": champions}]))
        .await;
    // A retry reports the same, and starts no other job.
    for _ in 0..2 {
        let failed = world.go_through(&second, true).await.unwrap_err();
        assert_eq!(
            (failed.at, failed.name.as_str()),
            (Step::Judge, "TransformFailed"),
            "{failed:?}"
        );
        assert_eq!(world.transform_jobs().await, 2);
        world.is_champion(20).await.unwrap();
    }
    world.faults(json!([])).await;
    world.redrives += 1;
    let trained = world.training_jobs().await;
    world.go_through(&second, true).await.unwrap();
    assert_eq!(
        world.transform_jobs().await,
        3,
        "its own model was asked once"
    );
    assert_eq!(
        world.training_jobs().await,
        trained,
        "training is not paid twice"
    );
    assert!(verdict(&world, &second).await.reevaluation.is_some());
    world.is_champion(21).await.unwrap();
    world::hold(&record);
}
