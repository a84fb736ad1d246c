//! Every fault of SageMaker in every step from training to the endpoint, with the step's process
//! killed between any two of its calls: each time the run ends with a verified endpoint, or with a
//! typed error and the champion unchanged; and a redrive continues from there, without paying for
//! training twice.
//!
//! The functions are the deployed ones, driven through the Runtime API, with the real programs of
//! sagemaker-local and an S3 server.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

mod batch;
mod comparison;
mod gate;
mod redrive;
mod rollback;
mod rows;
mod steps;
mod tuning;
mod world;

use contract::RunId;
use end_to_end::packages::Packages;
use futures::StreamExt as _;
use rows::{Expected, Row};
use std::path::PathBuf;
use steps::{Ending, Step};
use world::World;

/// They mostly wait.
const AT_ONCE: usize = 6;

/// One row from beginning to end; what is wrong with how it ended.
async fn trial(row: Row, packages: Packages, record: PathBuf) -> Result<String, String> {
    let mut world = World::start(row.caption, &packages, record).await;
    if row.has_champion {
        let run = world.run(20).await;
        world
            .go_through(&run, false)
            .await
            .map_err(|it| format!("the champion: {it:?}"))?;
    }
    let run = world.run(21).await;
    world.faults(row.faults.clone()).await;
    let ended = world.go_through(&run, true).await;
    let kills = world.kills();
    world.faults(serde_json::json!([])).await;
    let told = match (&row.expected, ended) {
        (Expected::Verified, Ok(())) => "verified".to_owned(),
        (Expected::Error(step, names), Err(Ending { at, name, .. }))
            if at == *step && names.contains(&name.as_str()) =>
        {
            if row.has_champion {
                world.is_champion(20).await?;
            }
            let trained = world.training_jobs().await;
            if row.is_unusable {
                world.delete_endpoint().await;
            }
            if at == Step::Train {
                told_without_another_job(&mut world, &run, &name, row.has_champion).await?;
            }
            // A redrive calls the failed step again, with the same input.
            world.redrives += 1;
            world
                .go_through(&run, false)
                .await
                .map_err(|it| format!("redriven: {it:?}"))?;
            let again = world.training_jobs().await;
            if at == Step::Deploy && again != trained {
                return Err(format!("trained again: {trained} jobs, then {again}"));
            }
            name
        }
        (expected, ended) => return Err(format!("{expected:?} is expected, and it is {ended:?}")),
    };
    world.is_champion(21).await?;
    let paid = world.completed_jobs().await;
    let runs = if row.has_champion { 2 } else { 1 };
    if paid != runs {
        return Err(format!("{paid} jobs completed for {runs} runs"));
    }
    // Called again with the same input, the first step adopts what is there.
    let jobs = world.training_jobs().await;
    world
        .go_through(&run, false)
        .await
        .map_err(|it| format!("again: {it:?}"))?;
    if world.training_jobs().await != jobs {
        return Err("a finished run was trained again".to_owned());
    }
    Ok(format!("{told}, killed {kills} times"))
}

/// The failed job is the run's only one, and stays so however often the state machine tries again.
async fn told_without_another_job(
    world: &mut World,
    run: &RunId,
    name: &str,
    has_champion: bool,
) -> Result<(), String> {
    let again = world.go_through(run, true).await;
    if !again.as_ref().is_err_and(|ending| ending.name == name) {
        return Err(format!("{name} is told no more: {again:?}"));
    }
    let wanted = if has_champion { 2 } else { 1 };
    match world.training_jobs().await {
        jobs if jobs == wanted => Ok(()),
        jobs => Err(format!("{jobs} jobs were begun before a redrive")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_ends_in_the_one_right_place() {
    let only = std::env::var("MILLRACE_MATRIX_ROW").unwrap_or_default();
    let folder = tempfile::tempdir().unwrap();
    let packages = Packages::built().await;
    let record = folder.path().join("calls.jsonl");
    let rows = rows::all()
        .into_iter()
        .filter(|row| row.caption.contains(&only));
    let mut trials = futures::stream::iter(rows.map(async |row| {
        let caption = row.caption;
        // A task of its own: its panic is this row's failure and no other's.
        let outcome = tokio::spawn(trial(row, packages.clone(), record.clone())).await;
        (
            caption,
            outcome.unwrap_or_else(|panic| Err(panic.to_string())),
        )
    }))
    .buffer_unordered(AT_ONCE);
    let mut wrong = Vec::new();
    while let Some((caption, outcome)) = trials.next().await {
        match outcome {
            Ok(how) => println!("ok    {caption}: {how}"),
            Err(why) => {
                println!("WRONG {caption}: {why}");
                wrong.push(caption);
            }
        }
    }
    // All that the functions have asked on the way is what the real service takes.
    world::hold(&record);
    assert!(
        wrong.is_empty(),
        "{wrong:?}; one alone: MILLRACE_MATRIX_ROW='<part of its caption>'"
    );
}
