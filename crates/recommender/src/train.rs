//! `train`: reads the channels, fits the model, writes metrics and model. It prints the job's log,
//! from which SageMaker reads the metrics.

#![expect(
    clippy::print_stdout,
    reason = "SageMaker reads metrics from standard output"
)]

use std::time::Instant;

use container::job::{TRAIN, VALIDATION};
use container::{Claim, Tree, write_whole};
use serde_json::json;

use crate::channel::Channel;
use crate::{Error, Hyperparameters, artifact, channel, fit, job, metrics};

/// Trains on the tree's channels and writes `output/data/metrics.json`, then the model.
pub fn run(tree: &Tree, claim: &Claim) -> Result<(), Error> {
    let started = Instant::now();
    let settings = Hyperparameters::read(tree)?;
    println!(
        "settings: {}",
        serde_json::to_string(&settings).expect("plain numbers are JSON")
    );
    let has_validation = job::has_validation(tree)?;
    let train = channel::read(tree, TRAIN, settings.layout, settings.unseen_index)?;
    println!("{}", summary(TRAIN, &train));
    // Held-out rows with the reserved index stay: the metrics include unseen users and items.
    let validation = if has_validation {
        let validation = channel::read(tree, VALIDATION, settings.layout, None)?;
        println!("{}", summary(VALIDATION, &validation));
        Some(validation)
    } else {
        println!("no validation channel: metrics on held-out rows are left out");
        None
    };

    let fit = fit::fit(&train.interactions, &settings, &|line| println!("{line}"))?;
    let metrics = metrics::evaluate(
        &fit.model,
        &train.interactions,
        validation.as_ref().map(|v| &v.interactions),
    );
    metrics.lines().for_each(|line| println!("{line}"));

    let report = json!({
        "metrics": metrics.to_json(),
        "hyperparameters": settings,
        "regularization": fit.regularization,
        "iterations": fit.iterations,
        "users": fit.model.user_ids.len(),
        "items": fit.model.item_ids.len(),
        "train": counts(&train),
        "validation": validation.as_ref().map(counts),
    });
    let report = format!("{report:#}\n");
    write_whole(&tree.output_data(), "metrics.json", report.as_bytes())?;
    // The model is written last: if it exists, the run is complete.
    if !claim.write() {
        return Err(container::Error::Stopped { signal: "a signal" }.into());
    }
    artifact::save(&fit.model, &tree.model())?;
    println!(
        "model of {} users and {} items written after {:.1} s",
        fit.model.user_ids.len(),
        fit.model.item_ids.len(),
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

fn summary(name: &str, channel: &Channel) -> String {
    format!(
        "channel {name}: {} rows in {} files; left out: {} without a label, {} with the reserved index",
        channel.rows, channel.files, channel.unlabelled, channel.reserved
    )
}

fn counts(channel: &Channel) -> serde_json::Value {
    json!({
        "files": channel.files,
        "rows": channel.rows,
        "unlabelled": channel.unlabelled,
        "reserved": channel.reserved,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_run_writes_no_model() {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::new(root.path());
        std::fs::create_dir_all(tree.channel(TRAIN)).unwrap();
        std::fs::write(tree.channel(TRAIN).join("a"), "3,1,1\n").unwrap();
        let claim = Claim::default();
        claim.stop();
        let run = run(&tree, &claim);
        let is_stopped = matches!(run, Err(Error::Container(container::Error::Stopped { .. })));
        assert!(is_stopped, "{run:?}");
        assert!(!tree.model().exists());
    }
}
