//! Rolling back an endpoint, and cleaning up old runs.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use contract::RunId;
use definition::Compute;
use lake::records::Champion;
use lake::{MemoryStore, ObjectStore, RunKeys, documents, keys};
use millrace::progress::Progress;
use millrace::rollback::{Request, RollbackError, RolledBack};
use millrace::{clean, rollback};
use sagemaker_ports::memory::EndpointOutcome;
use sagemaker_ports::{ConfigSpec, Endpoints, MemorySageMaker, ModelSpec, Owner, Tags, Update};
use serde_json::json;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

const PIPELINE: &str = "default";

fn run(day: u32) -> RunId {
    RunId::parse(&format!("202611{day:02}-173000-1a2b3c4d")).unwrap()
}

fn name(day: u32) -> String {
    format!("{PIPELINE}-{}", run(day))
}

fn dataset(day: u32) -> serde_json::Value {
    json!({"run": run(day), "rows": {"train": 2, "validation": 0, "rejected": 0}, "channels": ["train"],
        "contentType": "text/csv", "columns": [], "files": [],
        "sample": {"rows": 2, "contentType": "text/csv", "body": "1,2\n3,4\n"}})
}

/// A lake and an account in which runs of these days were deployed, one after the other.
struct World {
    store: MemoryStore,
    sagemaker: MemorySageMaker,
}

impl World {
    async fn deployed(days: &[u32]) -> Self {
        let world = Self {
            store: MemoryStore::new(),
            sagemaker: MemorySageMaker::new(),
        };
        let mut before: Option<u32> = None;
        for day in days {
            world.deploy(*day, before).await;
            before = Some(*day);
        }
        world
    }

    /// A run's model and endpoint configuration.
    async fn create(&self, day: u32) {
        let model = ModelSpec {
            name: name(day),
            image: "image".to_owned(),
            artifact: "s3://lake/model.tar.gz".to_owned(),
            role_arn: "arn".to_owned(),
            environment: std::collections::BTreeMap::new(),
            vpc: None,
            network_isolation: false,
            tags: Tags::new(),
        };
        let config = ConfigSpec {
            name: name(day),
            model: name(day),
            compute: Compute::default(),
            capture: None,
            startup_seconds: None,
            volume_key: None,
            tags: Tags::new(),
        };
        self.sagemaker.create_model(&model).await.unwrap();
        self.sagemaker.create_config(&config).await.unwrap();
    }

    async fn deploy(&self, day: u32, before: Option<u32>) {
        self.create(day).await;
        let sagemaker = &self.sagemaker;
        if before.is_none() {
            sagemaker
                .create_endpoint(PIPELINE, &name(day), &Owner::new("shop", PIPELINE).tags())
                .await
        } else {
            sagemaker
                .update_endpoint(PIPELINE, &name(day), Update::default())
                .await
        }
        .unwrap();
        while self.config().await != name(day) {}
        let keys = RunKeys::new(PIPELINE, &run(day));
        let value = f64::from(day);
        let verdict = json!({"verdict": "Promote", "metric": "m", "value": value, "reason": "r"});
        let previous = before.map(name);
        let deployment = json!({"run": run(day), "endpoint": PIPELINE, "endpointConfig": name(day),
            "model": name(day), "previousEndpointConfig": previous, "smokeRows": 5});
        let champion = json!({"run": run(day), "stack": "shop", "metric": "m", "value": value, "model": name(day),
            "endpointConfig": name(day), "endpoint": PIPELINE, "compute": "serverless",
            "dataset": keys.dataset(), "previousEndpointConfig": previous});
        for (key, document) in [
            (keys.verdict(), verdict),
            (keys.deployment(), deployment),
            (keys::champion(PIPELINE), champion),
            (keys.segment_manifest(0), json!({})),
            (keys.channel_file("train", 0, "csv"), json!({})),
            (keys.dataset(), dataset(day)),
        ] {
            documents::write(&self.store, &key, &document)
                .await
                .unwrap();
        }
    }

    /// A run whose model scored a batch.
    async fn score(&self, day: u32) {
        let model = ModelSpec {
            name: name(day),
            image: "image".to_owned(),
            artifact: "s3://lake/model.tar.gz".to_owned(),
            role_arn: "arn".to_owned(),
            environment: std::collections::BTreeMap::new(),
            vpc: None,
            network_isolation: false,
            tags: Tags::new(),
        };
        self.sagemaker.create_model(&model).await.unwrap();
        let keys = RunKeys::new(PIPELINE, &run(day));
        let transform =
            json!({"job": name(day), "input": "s3://memory/in/", "output": "s3://memory/out"});
        let deployment =
            json!({"run": run(day), "model": name(day), "smokeRows": 0, "transform": transform});
        let champion = json!({"run": run(day), "stack": "shop", "metric": "m", "value": 1.0, "model": name(day),
            "dataset": keys.dataset()});
        let predictions = format!("{}/part-00000.csv.out", keys.predictions());
        for (key, document) in [
            (keys.deployment(), deployment),
            (keys::champion(PIPELINE), champion),
            (keys.segment_manifest(0), json!({})),
            (predictions, json!(1)),
        ] {
            documents::write(&self.store, &key, &document)
                .await
                .unwrap();
        }
    }

    async fn config(&self) -> String {
        let info = self.sagemaker.describe_endpoint(PIPELINE).await.unwrap();
        let info = info.unwrap();
        if info.status == sagemaker_ports::EndpointStatus::InService {
            info.config
        } else {
            String::new()
        }
    }

    async fn roll_back(&self) -> Result<RolledBack, RollbackError> {
        self.roll_back_to(None).await
    }

    async fn roll_back_to(&self, to: Option<RunId>) -> Result<RolledBack, RollbackError> {
        let step = Progress::quiet().step("rollback");
        let request = Request {
            pause: Duration::ZERO,
            settle: Duration::ZERO,
            ..Request::new(PIPELINE.to_owned(), to)
        };
        let (store, sagemaker) = (&self.store, &self.sagemaker);
        rollback::roll_back(store, sagemaker, sagemaker, &request, &step).await
    }

    fn updates(&self) -> usize {
        let log = self.sagemaker.log();
        log.iter()
            .filter(|it| it.starts_with("UpdateEndpoint"))
            .count()
    }

    async fn champion(&self) -> Champion {
        documents::read(&self.store, &keys::champion(PIPELINE), "a champion")
            .await
            .unwrap()
    }
}

// Rolling back.

#[tokio::test]
async fn the_model_before_serves_again_and_is_the_champion_again() {
    let world = World::deployed(&[19, 20, 21]).await;
    let back = world.roll_back().await.unwrap();
    assert_eq!(
        (back.from.clone(), back.smoke_rows),
        (Some(name(21)), Some(2))
    );
    assert_eq!(world.config().await, name(20));
    let champion = world.champion().await;
    assert_eq!(champion, back.champion);
    assert_eq!((champion.run.clone(), &champion.value), (run(20), &20.0));
    assert_eq!(champion.dataset, RunKeys::new(PIPELINE, &run(20)).dataset());
    assert_eq!(champion.previous_endpoint_config, Some(name(19)));
    let text = back.to_string();
    for part in [name(21), name(20), "answered 2 rows".to_owned()] {
        assert!(text.contains(&part), "{text}");
    }
    let printed = serde_json::to_value(rollback::Document::of(&back)).unwrap();
    let expected = json!({
        "run": run(20), "endpoint": PIPELINE, "endpointConfig": name(20), "from": name(21),
        "smokeRows": 2,
    });
    assert_eq!(printed, expected);
}

#[tokio::test]
async fn a_second_rollback_goes_no_further_unless_a_run_is_named() {
    let world = World::deployed(&[19, 20, 21]).await;
    world.roll_back().await.unwrap();
    let (updates, champion) = (world.updates(), world.champion().await);
    let again = world.roll_back().await.unwrap();
    assert_eq!((again.from.clone(), &again.champion), (None, &champion));
    assert_eq!(
        (world.updates(), world.champion().await),
        (updates, champion)
    );
    assert!(again.to_string().contains("already"), "{again}");

    let further = world.roll_back_to(Some(run(19))).await.unwrap();
    assert_eq!(further.champion.run, run(19));
    // And forward again.
    let forward = world.roll_back_to(Some(run(21))).await.unwrap();
    assert_eq!(forward.from, Some(name(19)));
    assert_eq!(
        (world.config().await, world.champion().await.run),
        (name(21), run(21))
    );
}

#[tokio::test]
async fn what_cannot_be_gone_back_to_is_refused_and_nothing_changes() {
    let world = World::deployed(&[21]).await;
    let champion = world.champion().await;
    let error = world.roll_back().await.unwrap_err();
    assert!(matches!(error, RollbackError::NoPrevious { .. }), "{error}");
    // The run does not exist.
    let error = world.roll_back_to(Some(run(20))).await.unwrap_err();
    assert!(matches!(error, RollbackError::Missing { .. }), "{error}");
    // It has a configuration, and was never verified.
    world.deploy(22, Some(21)).await;
    let keys = RunKeys::new(PIPELINE, &run(22));
    world.store.delete(&keys.deployment()).await.unwrap();
    documents::write(&world.store, &keys::champion(PIPELINE), &champion)
        .await
        .unwrap();
    let error = world.roll_back_to(Some(run(22))).await.unwrap_err();
    assert!(
        matches!(error, RollbackError::NeverServed { .. }),
        "{error}"
    );
    assert_eq!(world.champion().await, champion);
    assert_eq!(world.updates(), 1);

    let empty = World::deployed(&[]).await;
    let error = empty.roll_back().await.unwrap_err();
    assert!(matches!(error, RollbackError::NoChampion { .. }), "{error}");
}

#[tokio::test]
async fn an_endpoint_of_another_owner_is_not_touched() {
    for (tags, owner) in [
        (Tags::new(), "it has no tags"),
        (Owner::new("other", PIPELINE).tags(), "of the stack other"),
        (Owner::new("shop", "films").tags(), "the pipeline films"),
    ] {
        let world = World::deployed(&[20, 21]).await;
        let champion = world.champion().await;
        world.sagemaker.delete_endpoint(PIPELINE);
        let sagemaker = &world.sagemaker;
        sagemaker
            .create_endpoint(PIPELINE, &name(21), &tags)
            .await
            .unwrap();
        let error = world.roll_back().await.unwrap_err();
        assert!(matches!(error, RollbackError::Foreign(_)), "{error}");
        assert!(error.to_string().contains(owner), "{error}");
        assert_eq!(world.champion().await, champion);
        assert_eq!(world.updates(), 1, "only the second deployment's");
    }
}

#[tokio::test]
async fn a_model_whose_artifact_was_replaced_is_no_target() {
    let world = World::deployed(&[19, 20, 21]).await;
    let keys = RunKeys::new(PIPELINE, &run(20));
    let key = format!("{}/model.tar.gz", keys.models());
    let trained = bytes::Bytes::from_static(b"trained");
    world.store.put(&key, trained.clone()).await.unwrap();
    let artifact = format!("s3://{}/{key}", world.store.bucket());
    let etag = lake::artifact::etag(&world.store, &artifact).await.unwrap();
    let record = json!({
        "job": "job", "image": "image", "artifact": artifact, "artifactEtag": etag.unwrap(), "metrics": {},
    });
    documents::write(&world.store, &keys.training(), &record)
        .await
        .unwrap();
    let replaced = bytes::Bytes::from_static(b"replaced");
    world.store.put(&key, replaced).await.unwrap();
    let (updates, champion) = (world.updates(), world.champion().await);
    let error = world.roll_back().await.unwrap_err();
    assert!(matches!(error, RollbackError::Artifact(_)), "{error}");
    assert!(error.to_string().contains(&key), "{error}");
    assert_eq!(
        (world.updates(), world.champion().await),
        (updates, champion.clone())
    );
    // An interrupted call may have updated the endpoint already.
    world
        .sagemaker
        .update_endpoint(PIPELINE, &name(20), Update::default())
        .await
        .unwrap();
    let error = world.roll_back().await.unwrap_err();
    assert!(matches!(error, RollbackError::Artifact(_)), "{error}");
    assert_eq!(world.champion().await, champion);
    world.store.put(&key, trained).await.unwrap();
    assert_eq!(world.roll_back().await.unwrap().champion.run, run(20));
}

#[tokio::test]
async fn a_rollback_that_was_interrupted_goes_on() {
    let world = World::deployed(&[20, 21]).await;
    // Asked for, and then the command was killed.
    world
        .sagemaker
        .update_endpoint(PIPELINE, &name(20), Update::default())
        .await
        .unwrap();
    let back = world.roll_back().await.unwrap();
    assert_eq!((back.champion.run, back.from), (run(20), Some(name(21))));
    assert_eq!(world.champion().await.run, run(20));
    assert_eq!(world.updates(), 2);
}

/// What a future comes to, unless it is dropped before, after so many polls.
async fn killed_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[tokio::test]
async fn a_rollback_through_crashes_at_every_point_ends_one_back() {
    for polls in 0.. {
        let world = World::deployed(&[19, 20, 21]).await;
        let finished = killed_after(polls, world.roll_back()).await.is_some();
        world.roll_back().await.unwrap();
        assert_eq!(world.champion().await.run, run(20), "after {polls} polls");
        assert_eq!(world.config().await, name(20), "after {polls} polls");
        if finished {
            assert!(polls > 10, "{polls} polls");
            return;
        }
    }
}

#[tokio::test]
async fn an_unverified_model_is_replaced_by_the_champion() {
    let world = World::deployed(&[19, 20]).await;
    let champion = world.champion().await;
    world.deploy(21, Some(20)).await;
    documents::write(&world.store, &keys::champion(PIPELINE), &champion)
        .await
        .unwrap();
    assert_eq!(world.roll_back().await.unwrap().champion, champion);
    assert_eq!(world.config().await, name(20));
}

#[tokio::test]
async fn a_model_that_does_not_answer_is_not_the_champion() {
    let world = World::deployed(&[20, 21]).await;
    world.sagemaker.script_answer("text/csv", "nan\n1\n");
    let error = world.roll_back().await.unwrap_err();
    assert!(
        matches!(error, RollbackError::DoesNotAnswer { .. }),
        "{error}"
    );
    assert_eq!(world.champion().await.run, run(21));
    // Asked again, it answers.
    assert_eq!(world.roll_back().await.unwrap().champion.run, run(20));
}

#[tokio::test]
async fn an_update_that_sagemaker_rolls_back_is_an_error() {
    let world = World::deployed(&[20, 21]).await;
    world
        .sagemaker
        .script_endpoint(EndpointOutcome::RollsBack(None));
    let error = world.roll_back().await.unwrap_err();
    assert!(
        error.to_string().contains("rolled the update back"),
        "{error}"
    );
    assert_eq!(world.champion().await.run, run(21));
}

// Cleaning up.

#[tokio::test]
async fn old_runs_go_and_what_serves_or_is_needed_stays() {
    let world = World::deployed(&[17, 18, 19, 20, 21]).await;
    let keep_none = clean::plan(&world.store, &world.sagemaker, PIPELINE, 0).await;
    let plans = keep_none.unwrap();
    let old: Vec<RunId> = plans.old.iter().map(|old| old.run.clone()).collect();
    assert_eq!(old, [17, 18, 19].map(run));
    assert_eq!(plans.old[0].resources.len(), 2);
    // A dry run changes nothing.
    assert_eq!(world.sagemaker.configs().len(), 5);
    assert!(clean::summary(&plans, false).contains("would remove run 20261117"));

    clean::remove(&world.store, &world.sagemaker, PIPELINE, &plans)
        .await
        .unwrap();
    assert_eq!(world.sagemaker.configs(), [20, 21].map(name));
    assert_eq!(world.sagemaker.models(), [20, 21].map(name));
    assert_eq!(world.store.list("raw/").await.unwrap().len(), 2);
    assert_eq!(world.store.list("reports/").await.unwrap().len(), 10);
    let again = clean::plan(&world.store, &world.sagemaker, PIPELINE, 0).await;
    assert!(again.unwrap().old.is_empty());
    assert_eq!(world.roll_back().await.unwrap().champion.run, run(20));
}

#[tokio::test]
async fn the_newest_runs_and_those_at_work_stay() {
    let world = World::deployed(&[17, 18, 19, 20, 21]).await;
    let at_work = keys::current_run(PIPELINE, &run(17));
    documents::write(&world.store, &at_work, &json!({}))
        .await
        .unwrap();
    let plans = clean::plan(&world.store, &world.sagemaker, PIPELINE, 3).await;
    let old: Vec<RunId> = plans
        .unwrap()
        .old
        .iter()
        .map(|old| old.run.clone())
        .collect();
    assert_eq!(old, [run(18)]);
}

#[tokio::test]
async fn runs_of_another_stack_with_a_pipeline_of_this_name_stay() {
    let world = World::deployed(&[18, 20, 21]).await;
    // Its lake knows them; this one has no record of them.
    for day in [17, 19, 22] {
        world.create(day).await;
    }
    let plans = clean::plan(&world.store, &world.sagemaker, PIPELINE, 0).await;
    let plans = plans.unwrap();
    let old: Vec<RunId> = plans.old.iter().map(|old| old.run.clone()).collect();
    assert_eq!(old, [run(18)]);
    clean::remove(&world.store, &world.sagemaker, PIPELINE, &plans)
        .await
        .unwrap();
    let mut models = world.sagemaker.models();
    models.sort();
    assert_eq!(models, [17, 19, 20, 21, 22].map(name));
    // Neither do they count among the newest that are kept.
    let world = World::deployed(&[17, 18, 19, 20]).await;
    world.create(21).await;
    let plans = clean::plan(&world.store, &world.sagemaker, PIPELINE, 2).await;
    let old: Vec<RunId> = plans.unwrap().old.into_iter().map(|old| old.run).collect();
    assert_eq!(old, [17, 18].map(run));
    // A run of this lake whose data expired is known by its reports.
    let keys = RunKeys::new(PIPELINE, &run(21));
    documents::write(&world.store, &keys.training(), &json!({}))
        .await
        .unwrap();
    let plans = clean::plan(&world.store, &world.sagemaker, PIPELINE, 0).await;
    let old: Vec<RunId> = plans.unwrap().old.into_iter().map(|old| old.run).collect();
    assert_eq!(old, [17, 18, 21].map(run));
}

// Without an endpoint.

#[tokio::test]
async fn models_that_score_in_one_go_are_not_rolled_back_and_the_champion_stays() {
    let world = World::deployed(&[18]).await;
    // A pipeline that scores in batches: models without configurations, and predictions.
    for day in [19, 20, 21] {
        world.score(day).await;
    }
    let champion = world.champion().await;
    for to in [None, Some(run(18)), Some(run(20))] {
        let error = world.roll_back_to(to).await.unwrap_err();
        assert!(matches!(error, RollbackError::NoEndpoint { .. }), "{error}");
        assert!(
            error.to_string().contains("predictions/default/"),
            "{error}"
        );
    }
    assert_eq!(world.champion().await, champion);

    let plans = clean::plan(&world.store, &world.sagemaker, PIPELINE, 0).await;
    let plans = plans.unwrap();
    // 18 still serves at the endpoint that the pipeline had.
    let old: Vec<RunId> = plans.old.iter().map(|old| old.run.clone()).collect();
    assert_eq!(old, [19, 20].map(run));
    let kept = [(run(18), "it serves"), (run(21), "the champion")];
    assert_eq!(plans.kept, kept);
    clean::remove(&world.store, &world.sagemaker, PIPELINE, &plans)
        .await
        .unwrap();
    let left = world.store.list("predictions/").await.unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].key.contains(run(21).as_str()));
    assert_eq!(world.sagemaker.models(), [18, 21].map(name));
}
