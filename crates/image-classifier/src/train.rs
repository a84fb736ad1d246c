//! `train`: reads the channels, fits the model, writes metrics and model. It prints the job's log,
//! from which SageMaker reads the metrics.

#![expect(
    clippy::print_stdout,
    reason = "SageMaker reads metrics from standard output"
)]

use crate::metrics::Confusion;
use crate::{Error, Hyperparameters, artifact, channel, fit, job};
use container::job::{TRAIN, VALIDATION};
use container::{Claim, Tree, write_whole};
use serde_json::json;
use std::time::Instant;

/// Trains on the tree's channels and writes `output/data/metrics.json`, then the model.
pub fn run(tree: &Tree, claim: &Claim) -> Result<(), Error> {
    let started = Instant::now();
    let settings = Hyperparameters::read(tree)?;
    println!("settings: {}", json!(settings));
    let job = job::read(tree)?;
    let train = channel::read(tree, TRAIN, job.train, &settings)?;
    println!("channel {TRAIN}: {} images", train.len());
    if let Some(told) = settings.num_training_samples
        && told != train.len()
    {
        let found = train.len();
        return Err(Error::OtherCount { found, told });
    }
    let mut channels = vec![(TRAIN, train)];
    if let Some(input) = job.validation {
        let validation = channel::read(tree, VALIDATION, input, &settings)?;
        println!("channel {VALIDATION}: {} images", validation.len());
        channels.push((VALIDATION, validation));
    } else {
        println!("no validation channel: metrics on held-out images are left out");
    }
    let model = fit::fit(&channels[0].1, &settings, &|line| println!("{line}"))?;
    let mut report = json!({"hyperparameters": settings});
    for (name, images) in &channels {
        let confusion = Confusion::of(&model, images);
        println!("{name}:images={};", images.len());
        let figures = [
            ("accuracy", confusion.accuracy()),
            ("macro_f1", confusion.macro_f1()),
            ("majority_accuracy", confusion.majority_accuracy()),
        ];
        let mut metrics = json!({"images": images.len()});
        for (figure, value) in figures {
            println!("{name}:{figure}={value:.6};");
            metrics[figure] = json!(value);
        }
        metrics["confusion"] = confusion.to_json();
        report[*name] = metrics;
    }
    let report = format!("{report:#}\n");
    write_whole(&tree.output_data(), "metrics.json", report.as_bytes())?;
    // The model is written last: if it exists, the run is complete.
    if !claim.write() {
        return Err(container::Error::Stopped { signal: "a signal" }.into());
    }
    artifact::save(&model, &tree.model())?;
    println!(
        "model of {} classes written after {:.1} s",
        model.classes,
        started.elapsed().as_secs_f64()
    );
    Ok(())
}
