//! `train`: reads the channels, fits the model, writes metrics and model. It prints the job's log,
//! from which SageMaker reads the metrics.

#![expect(
    clippy::print_stdout,
    reason = "SageMaker reads metrics from standard output"
)]

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use serde_json::json;

use crate::channel::Channel;
use crate::job::{TRAIN, VALIDATION};
use crate::{Error, Hyperparameters, Tree, artifact, channel, fit, job, metrics};

const TRAINING: u8 = 0;
const WRITING: u8 = 1;
const STOPPED: u8 = 2;

/// Decides between a signal to stop and the writing of the model: the first to claim wins.
#[derive(Debug, Default)]
pub struct Claim(AtomicU8);

impl Claim {
    /// Claims the stop, so that no model is written. `false` if the model is already being
    /// written; the run then ends by itself soon.
    pub fn stop(&self) -> bool {
        self.take(STOPPED)
    }

    fn write(&self) -> bool {
        self.take(WRITING)
    }

    fn take(&self, by: u8) -> bool {
        self.0
            .compare_exchange(TRAINING, by, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }
}

/// Trains on the tree's channels and writes `output/data/metrics.json`, then the model.
pub fn run(tree: &Tree, claim: &Claim) -> Result<(), Error> {
    let started = Instant::now();
    let settings = Hyperparameters::read(&tree.config("hyperparameters.json"))?;
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
    crate::tree::write_whole(&tree.output_data(), "metrics.json", report.as_bytes())?;
    // The model is written last: if it exists, the run is complete.
    if !claim.write() {
        return Err(Error::Stopped { signal: "a signal" });
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
    fn only_the_first_claim_succeeds() {
        let claim = Claim::default();
        assert!(claim.stop() && !claim.write());
        let claim = Claim::default();
        assert!(claim.write() && !claim.stop());
    }

    #[test]
    fn a_stopped_run_writes_no_model() {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::new(root.path());
        std::fs::create_dir_all(tree.channel(TRAIN)).unwrap();
        std::fs::write(tree.channel(TRAIN).join("a"), "3,1,1\n").unwrap();
        let claim = Claim::default();
        claim.stop();
        assert!(matches!(run(&tree, &claim), Err(Error::Stopped { .. })));
        assert!(!tree.model().exists());
    }
}
