//! Compares the run's model and the champion on the same rows, from the raw items to the verdict.

#![allow(clippy::unwrap_used)] // A test that cannot continue has failed.

mod support;

use contract::states::{Decision, Verdict};
use contract::{ErrorName, Named};
use dataset::{Columns, Encoder, RowOutcome, Side};
use lake::memory::poll_at_most;
use lake::records::JudgedRows;
use lake::{ObjectStore, documents};
use sagemaker_ports::memory::{Fault, TransformOutcome};
use sagemaker_ports::{Endpoints, TransformStatus};
use serde_json::{Value, json};
use support::pair::{
    CHALLENGERS_JOB, CHAMPIONS_JOB, Errors, ITEMS, OWN, THEIRS, before, columns, item,
};
use support::{World, run_keys};

const BETTER: Errors = Errors {
    challenger: 0.25,
    champion: 0.5,
};
const WORSE: Errors = Errors {
    challenger: 0.5,
    champion: 0.25,
};

/// On which side of the split an item is.
fn side(columns: Value, item: &str) -> RowOutcome {
    let columns: Columns = serde_json::from_value(columns).unwrap();
    let mut encoder = Encoder::new(&columns).unwrap();
    let item = dynamodb_json::parse_line(item.as_bytes()).unwrap();
    let values = encoder.values(&item);
    encoder.encode(&values, &mut dataset::CsvRows::new())
}

fn validates(number: usize) -> bool {
    side(columns(true), &item(number)) == RowOutcome::Row(Side::Validation)
}

#[tokio::test]
async fn both_models_predict_the_same_rows_each_in_its_own_columns() {
    let world = World::pair(0.1, 0.9, json!({}), json!({})).await;
    let output = world.judged(BETTER).await.unwrap();
    assert_eq!(output.verdict, Decision::Promote);
    assert_eq!((output.value, output.champion), (0.1, Some(0.9)));

    let expected: Vec<usize> = (0..ITEMS).filter(|number| validates(*number)).collect();
    let (challenger, champion) = (
        world.predicted_rows("challenger").await,
        world.predicted_rows("champion").await,
    );
    let mut numbers: Vec<usize> = challenger
        .iter()
        .map(|row| row[0].parse().unwrap())
        .collect();
    for (row, number) in challenger.iter().zip(&numbers) {
        assert_eq!(*row, [number.to_string(), "1".to_owned()]);
    }
    for (row, number) in champion.iter().zip(&numbers) {
        let older = if number.is_multiple_of(10) {
            String::new()
        } else {
            (number + 1).to_string()
        };
        assert_eq!(*row, [older, "2".to_owned(), number.to_string()]);
    }
    let labels = world.text(&run_keys().judged_labels()).await;
    let expected_labels: Vec<String> = numbers.iter().map(|it| format!("{},1", 2 * it)).collect();
    assert_eq!(labels.lines().collect::<Vec<_>>(), expected_labels);
    numbers.sort_unstable();
    assert_eq!(numbers, expected);

    let verdict = world.verdict().await;
    let figures = verdict.reevaluation.unwrap();
    assert_eq!((figures.value, figures.champion), (0.25, 0.5));
    assert_eq!(figures.rows.rows, expected.len() as u64);
    assert_eq!(verdict.champion_run.as_ref(), Some(before().run()));
    for part in [
        format!("on the same {} rows", expected.len()),
        "by their own validation data 0.1 and 0.9".to_owned(),
        "validation:rmse 0.25 against 0.5 of the champion".to_owned(),
    ] {
        assert!(verdict.reason.contains(&part), "{part}: {}", verdict.reason);
    }
    for (job, model) in [(CHALLENGERS_JOB, OWN), (CHAMPIONS_JOB, THEIRS)] {
        let job = world.sagemaker.transform(job).unwrap();
        assert_eq!((job.model.as_str(), job.max_payload_mb), (model, Some(6)));
        let instances = (job.instance_type.as_str(), job.instance_count);
        assert_eq!(instances, ("ml.m5.large", 1));
        assert_eq!(job.tags["millrace:pipeline"], "default");
        let key = job.output_key.as_deref();
        assert_eq!(key, Some("arn:aws:kms:eu-central-1:1:key/lake"));
    }
    // The model stays, for the endpoint, and is the one that is deployed.
    let model = world.sagemaker.describe_model(OWN).await.unwrap().unwrap();
    assert_eq!(
        (model.image.as_str(), model.artifact.as_str()),
        ("recommender:1", "s3://a")
    );
    assert_eq!(world.call().await.unwrap(), output);
}

#[tokio::test]
async fn the_same_rows_decide_and_not_the_models_own_values() {
    let world = World::pair(0.1, 0.9, json!({}), json!({})).await;
    let output = world.judged(WORSE).await.unwrap();
    assert_eq!((output.verdict, output.value), (Decision::Keep, 0.1));
    let figures = world.verdict().await.reevaluation.unwrap();
    assert_eq!((figures.value, figures.champion), (0.5, 0.25));
    assert_eq!(world.sagemaker.models(), [THEIRS], "nobody needs the other");
    let other = World::pair(0.9, 0.1, json!({}), json!({})).await;
    let output = other.judged(BETTER).await.unwrap();
    assert_eq!(output.verdict, Decision::Promote);
}

#[tokio::test]
async fn threshold_and_gain_bind_the_figures_of_the_same_rows() {
    for (promotion, errors, verdict) in [
        (json!({"threshold": 0.2}), BETTER, Decision::Keep),
        (json!({"threshold": 0.25}), BETTER, Decision::Promote),
        (json!({"minimumGain": 0.25}), BETTER, Decision::Keep),
        (json!({"minimumGain": 0.2}), BETTER, Decision::Promote),
        (json!({"minimumGain": -0.5}), WORSE, Decision::Promote),
    ] {
        let world = World::pair(0.1, 0.9, promotion.clone(), json!({})).await;
        let output = world.judged(errors).await.unwrap();
        assert_eq!(output.verdict, verdict, "{promotion}: {}", output.reason);
    }
}

#[tokio::test]
async fn no_job_is_started_where_its_result_cannot_matter() {
    let hopeless = World::pair(0.5, 0.9, json!({"threshold": 0.4}), json!({})).await;
    assert_eq!(hopeless.call().await.unwrap().verdict, Decision::Keep);
    let first = World::pair(0.5, 0.9, json!({}), json!({})).await;
    first
        .store
        .delete(&lake::keys::champion("default"))
        .await
        .unwrap();
    assert_eq!(first.call().await.unwrap().verdict, Decision::Promote);
    for world in [hopeless, first] {
        assert_eq!(
            (
                world.count(&format!("CreateModel {OWN}")),
                world.sagemaker.transform(CHALLENGERS_JOB)
            ),
            (0, None)
        );
        assert_eq!(world.verdict().await.reevaluation, None);
    }
}

#[tokio::test]
async fn a_row_that_the_champion_rejects_is_left_out_for_both() {
    let number = |path: &str| json!({"path": path, "encoding": "number"});
    let strict = json!({"columns": [
        {"path": "older", "encoding": "number", "missing": "reject"}, number("later"), number("x"),
    ]});
    let world = World::pair(0.1, 0.9, json!({}), strict).await;
    world.judged(BETTER).await.unwrap();
    let (all, unfit): (Vec<usize>, Vec<usize>) = (0..ITEMS)
        .filter(|it| validates(*it))
        .partition(|it| !it.is_multiple_of(10));
    let (rows, unfit) = (all.len() as u64, unfit.len() as u64);
    assert!(unfit > 0);
    let expected = JudgedRows {
        rows,
        unfit,
        trained: 0,
    };
    assert_eq!(world.verdict().await.reevaluation.unwrap().rows, expected);
    assert_eq!(world.predicted_rows("challenger").await.len(), all.len());
    assert_eq!(world.predicted_rows("champion").await.len(), all.len());
}

#[tokio::test]
async fn a_row_without_a_feature_is_no_row() {
    let only = json!({"columns": [{"path": "older", "encoding": "number"}]});
    let world = World::pair(0.1, 0.9, json!({}), only).await;
    world.call().await.unwrap();
    let tenth = (0..ITEMS)
        .filter(|it| validates(*it) && it.is_multiple_of(10))
        .count() as u64;
    assert_eq!(world.sample().await.rows.unfit, tenth);
    let text = world.text(&run_keys().judged_rows_file("champion")).await;
    assert!(text.lines().all(|line| !line.is_empty()));
}

#[tokio::test]
async fn rows_that_the_champion_was_trained_on_are_left_out() {
    let split = json!({"split": {"by": ["user"], "validation": 0.25, "seed": 8}});
    let mut changed = split.clone();
    // Whichever of several items became the row, none of them is new to it.
    changed["deduplicate"] = json!({"by": ["kind"], "key": ["user"]});
    let world = World::pair(0.1, 0.9, json!({}), changed).await;
    world.judged(BETTER).await.unwrap();
    let mut theirs = columns(false);
    theirs["split"] = split["split"].clone();
    let trained =
        |number: usize| side(theirs.clone(), &item(number)) == RowOutcome::Row(Side::Train);
    let validating = (0..ITEMS).filter(|number| validates(*number));
    let (known, new): (Vec<usize>, Vec<usize>) = validating.partition(|it| trained(*it));
    assert!(known.len() > new.len() && !new.is_empty());
    let rows = world.verdict().await.reevaluation.unwrap().rows;
    assert_eq!(
        (rows.trained, rows.rows),
        (known.len() as u64, new.len() as u64)
    );
    let asked = world.predicted_rows("challenger").await;
    let mut asked: Vec<usize> = asked.iter().map(|row| row[0].parse().unwrap()).collect();
    asked.sort_unstable();
    assert_eq!(asked, new);
    assert!(
        world
            .verdict()
            .await
            .reason
            .contains(&format!("{} that it was trained on", known.len()))
    );
}

#[tokio::test]
async fn the_configured_number_of_rows_comes_from_several_parts() {
    let world = World::pair(0.1, 0.9, json!({"reevaluate": {"rows": 12}}), json!({})).await;
    world.judged(BETTER).await.unwrap();
    let asked = world.predicted_rows("challenger").await;
    let numbers: Vec<usize> = asked.iter().map(|row| row[0].parse().unwrap()).collect();
    assert_eq!(numbers.len(), 12);
    for part in [0..ITEMS / 4, ITEMS / 4..ITEMS / 2, ITEMS / 2..ITEMS] {
        assert_eq!(numbers.iter().filter(|it| part.contains(it)).count(), 4);
    }
}

#[tokio::test]
async fn an_impossible_comparison_keeps_the_champion_and_says_why() {
    let case = async |theirs: Value| World::pair(0.1, 0.9, json!({}), theirs).await;
    let gone = case(json!({})).await;
    gone.store.delete(&before().dataset()).await.unwrap();
    let unreadable = case(json!({"columns": [{"path": "x", "encoding": "of the future"}]})).await;
    let other_format = case(json!({})).await;
    let mut dataset: Value = documents::read(&other_format.store, &before().dataset(), "a dataset")
        .await
        .unwrap();
    dataset["contentType"] = json!("application/x-recordio-protobuf");
    documents::write(&other_format.store, &before().dataset(), &dataset)
        .await
        .unwrap();
    let no_model = case(json!({})).await;
    no_model.sagemaker.delete_model(THEIRS).await.unwrap();
    let everything = json!({"split": {"by": ["user"], "validation": 0.0, "seed": 7}});
    let auc = World::pair(0.1, 0.9, json!({"metric": "validation:auc"}), json!({})).await;
    let mut training: Value = documents::read(&auc.store, &run_keys().training(), "it")
        .await
        .unwrap();
    training["metrics"]["validation:auc"] = json!(0.7);
    documents::write(&auc.store, &run_keys().training(), &training)
        .await
        .unwrap();
    for (world, words) in [
        (gone, "dataset.json is gone"),
        (
            case(json!({"label": "z"})).await,
            "predicts `z`, and this model `y`",
        ),
        (
            case(json!({"labelClasses": ["a", "b"]})).await,
            "the classes of `y`",
        ),
        (unreadable, "cannot read the columns"),
        (other_format, "does not take lines of CSV"),
        (no_model, "is gone, and so is the record"),
        (
            case(everything).await,
            "no row of this run's validation data",
        ),
        (auc, "auc is of labels 0 and 1"),
    ] {
        let output = world.call().await.unwrap();
        assert_eq!(output.verdict, Decision::Keep, "{words}");
        for part in [
            words,
            "it cannot be compared",
            r#"{"promotion": {"reevaluate": null}}"#,
        ] {
            assert!(output.reason.contains(part), "{part}: {}", output.reason);
        }
        assert!(!output.reason.contains('\n'));
        assert_eq!(world.sagemaker.transform(CHAMPIONS_JOB), None, "{words}");
        assert!(
            !world.sagemaker.models().contains(&OWN.to_owned()),
            "{words}"
        );
    }
}

#[tokio::test]
async fn a_champions_model_that_was_removed_is_recreated() {
    let world = World::pair(0.1, 0.9, json!({}), json!({})).await;
    let store = &world.store;
    let mut plan: Value = documents::read(store, &run_keys().plan(), "it")
        .await
        .unwrap();
    plan["run"] = json!(before().run());
    documents::write(store, &before().plan(), &plan)
        .await
        .unwrap();
    let training = json!({
        "job": "job", "image": "recommender:0", "artifact": "s3://old", "metrics": {},
    });
    documents::write(store, &before().training(), &training)
        .await
        .unwrap();
    world.sagemaker.delete_model(THEIRS).await.unwrap();
    let output = world.judged(BETTER).await.unwrap();
    assert_eq!(output.verdict, Decision::Promote);
    let again = world.sagemaker.describe_model(THEIRS).await.unwrap();
    assert_eq!(again, Some(World::their_model()));
}

#[tokio::test]
async fn a_failed_job_is_reported_and_a_redrive_repeats_only_that_job() {
    let no_machines = "CapacityError: Unable to provision requested ML compute capacity";
    for (status, reason, name, words) in [
        (
            TransformStatus::Failed,
            "AlgorithmError: x",
            ErrorName::TransformFailed,
            "failed: AlgorithmError: x",
        ),
        (
            TransformStatus::Stopped,
            "",
            ErrorName::TransformFailed,
            "stopped by hand",
        ),
        (
            TransformStatus::Failed,
            no_machines,
            ErrorName::CapacityUnavailable,
            "instanceType",
        ),
    ] {
        let world = World::pair(0.1, 0.9, json!({}), json!({})).await;
        world
            .sagemaker
            .script_transform(TransformOutcome::Completes);
        let ends = TransformOutcome::Ends(status, reason.to_owned());
        world.sagemaker.script_transform(ends);
        let error = world.judged(BETTER).await.unwrap_err();
        assert_eq!(error.name(), name);
        let text = error.to_string();
        assert!(
            text.contains(words) && text.contains(CHAMPIONS_JOB),
            "{text}"
        );
        let created = |job: &str| world.count(&format!("CreateTransformJob {job}"));
        // Missing capacity costs nothing: a retry creates the next job.
        if name != ErrorName::CapacityUnavailable {
            // Any other call reports the same, wherever the call before it was killed, and starts
            // no job.
            let again = world.judged(BETTER).await.unwrap_err();
            assert_eq!((again.name(), again.to_string()), (name, text));
            assert_eq!(created(&format!("{CHAMPIONS_JOB}-2")), 0);
            world.redrive();
        }
        let output = world.judged(BETTER).await.unwrap();
        assert_eq!(output.verdict, Decision::Promote);
        assert_eq!(created(CHALLENGERS_JOB), 1, "it is not created again");
        assert_eq!(created(CHAMPIONS_JOB), 1);
        assert_eq!(created(&format!("{CHAMPIONS_JOB}-2")), 1);
    }
}

#[tokio::test]
async fn a_job_or_model_of_another_owner_is_a_conflict() {
    let world = World::pair(0.1, 0.9, json!({}), json!({})).await;
    let mut other = World::their_model();
    other.name = OWN.to_owned();
    world.sagemaker.create_model(&other).await.unwrap();
    let error = world.call().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::Conflict);
    assert!(error.to_string().contains("artifact is"), "{error}");
}

#[tokio::test]
async fn unusable_predictions_are_an_error_and_no_verdict() {
    for (predicted, words) in [
        ("1\n2\n", "rows were answered with 2 lines"),
        ("nan\n", "row 1: a prediction is NaN"),
        ("one\n", "\"one\" is no number"),
        ("1,2\n", "2 predictions instead of one"),
    ] {
        let world = World::pair(0.1, 0.9, json!({}), json!({})).await;
        world.call().await.unwrap();
        world.call().await.unwrap();
        world.predict(BETTER).await;
        let output = run_keys().judged_predictions("champion", 1);
        let key = format!("{output}/rows.csv.out");
        world.store.put(&key, predicted.into()).await.unwrap();
        let error = world.call().await.unwrap_err();
        assert_eq!(error.name(), ErrorName::TransformFailed);
        assert!(error.to_string().contains(words), "{error}");
        assert!(world.store.get(&run_keys().verdict()).await.is_err());
        world.store.delete(&key).await.unwrap();
        let error = world.call().await.unwrap_err();
        assert!(error.to_string().contains("not one object"), "{error}");
    }
}

#[tokio::test]
async fn the_comparison_is_with_the_champion_that_it_began_with() {
    let world = World::pair(0.1, 0.9, json!({}), json!({})).await;
    world.call().await.unwrap();
    world.crown("20261119-180000-00000000", 0.05).await;
    let output = world.judged(BETTER).await.unwrap();
    assert_eq!(output.champion, Some(0.9));
    assert_eq!(
        world.verdict().await.champion_run.as_ref(),
        Some(before().run())
    );
}

#[tokio::test]
async fn a_person_is_asked_after_the_comparison() {
    let approval = json!({"approval": {"withinHours": 2}});
    let world = World::pair(0.1, 0.9, approval.clone(), json!({})).await;
    let asked = world.judged(BETTER).await.unwrap();
    assert_eq!(asked.verdict, Decision::AskApproval);
    assert!(asked.reason.contains("on the same"), "{}", asked.reason);
    let kept = World::pair(0.1, 0.9, approval, json!({})).await;
    assert_eq!(kept.judged(WORSE).await.unwrap().verdict, Decision::Keep);
}

/// Everything that a comparison leaves behind, except its predictions.
async fn left(world: &World) -> (Verdict, String, Vec<String>, Vec<String>) {
    let verdict = world.verdict().await;
    let jobs = world.sagemaker.log();
    let mut jobs: Vec<_> = jobs
        .into_iter()
        .filter(|it| it.contains("TransformJob"))
        .collect();
    jobs.sort();
    (
        verdict.verdict,
        verdict.reason,
        world.sagemaker.models(),
        jobs,
    )
}

#[tokio::test]
async fn a_call_that_dies_anywhere_ends_in_the_same_place() {
    for errors in [BETTER, WORSE] {
        let whole = World::pair(0.1, 0.9, json!({}), json!({})).await;
        whole.judged(errors).await.unwrap();
        let whole = left(&whole).await;
        let mut polls = 0;
        loop {
            let world = World::pair(0.1, 0.9, json!({}), json!({})).await;
            let mut died = false;
            // Each poll dies once, and is then repeated.
            for _ in 0..4 {
                died |= poll_at_most(polls, world.call()).is_none();
                let output = world.call().await.unwrap();
                world.predict(errors).await;
                if output.verdict != Decision::Compare {
                    break;
                }
            }
            world.judged(errors).await.unwrap();
            assert_eq!(left(&world).await, whole, "after {polls} polls");
            if !died {
                break;
            }
            polls += 1;
        }
        assert!(polls > 20, "only {polls} polls");
    }
}

#[tokio::test]
async fn a_failed_service_call_is_repeated_by_the_next_call() {
    for errors in [BETTER, WORSE] {
        let whole = World::pair(0.1, 0.9, json!({}), json!({})).await;
        whole.judged(errors).await.unwrap();
        let whole = left(&whole).await;
        for fault in [Fault::RequestLost, Fault::AnswerLost] {
            let mut number = 0;
            loop {
                let world = World::pair(0.1, 0.9, json!({}), json!({})).await;
                world.sagemaker.fail_call(number, fault);
                let outcome = loop {
                    match world.judged(errors).await {
                        Err(error) if error.name() == ErrorName::ServiceUnavailable => {}
                        other => break other,
                    }
                };
                outcome.unwrap();
                assert_eq!(left(&world).await, whole, "{fault:?} {number}");
                if !world.sagemaker.has_failed() {
                    break;
                }
                number += 1;
            }
            assert!(number > 10, "only {number} calls");
        }
    }
}
