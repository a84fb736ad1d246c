//! The summary of the demo of images.

use super::ImageRun;
use crate::demo::{DemoError, outcome_in_words};
use crate::progress::{count, duration};
use contract::states::{Outcome, PublishReportOutput};
use lake::documents;
use lake::keys::RunKeys;
use lake::records::{
    DatasetRecord, DeploymentRecord, Listing, Rejection, TrainingRecord, VerdictRecord,
};
use lake::store::ObjectStore;
use std::fmt::{self, Display, Formatter};
use std::time::{Duration, SystemTime};

/// What the demo of images came to.
#[derive(Debug, Clone)]
pub struct ImageSummary {
    /// The first run's output.
    pub output: PublishReportOutput,
    /// What the first run listed.
    pub listing: Listing,
    /// Why images were rejected, and how many.
    pub rejected: Vec<Rejection>,
    /// The training job with its metrics.
    pub training: TrainingRecord,
    /// The decision on the model.
    pub verdict: VerdictRecord,
    /// The deployment.
    pub deployment: DeploymentRecord,
    /// Each state with its duration.
    pub states: Vec<(String, Duration)>,
    /// What the endpoint says of images that it has not seen.
    pub classified: Vec<Classified>,
    /// The second run, on the same images, and the third, on a hundred more.
    pub again: [Again; 2],
}

/// An image that the endpoint classified.
#[derive(Debug, Clone, PartialEq)]
pub struct Classified {
    /// Its key.
    pub key: String,
    /// Which digit it shows.
    pub label: u8,
    /// Which digit the endpoint sees.
    pub class: u8,
    /// The probability that it gives.
    pub probability: f64,
}

/// A later run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    /// How it ended.
    pub outcome: Outcome,
    /// The images of its index.
    pub images: u64,
    /// Images that it read to index them.
    pub read: u64,
    /// Ranges of keys that it took over from an earlier run.
    pub adopted: u32,
}

impl ImageSummary {
    pub(super) async fn gather(
        store: &impl ObjectStore,
        keys: &RunKeys,
        run: ImageRun,
        classified: Vec<Classified>,
        again: [Again; 2],
    ) -> Result<Self, DemoError> {
        let dataset: DatasetRecord =
            documents::read(store, &keys.dataset(), "the dataset of the run").await?;
        let now = SystemTime::now();
        let states = run.finished.view.rows.iter();
        Ok(Self {
            states: states
                .map(|row| (row.state.clone(), row.took(now)))
                .collect(),
            output: run.output,
            listing: run.listing,
            rejected: dataset.rejected,
            training: documents::read(store, &keys.training(), "the training job's record").await?,
            verdict: documents::read(store, &keys.verdict(), "the verdict").await?,
            deployment: documents::read(store, &keys.deployment(), "the deployment").await?,
            classified,
            again,
        })
    }

    /// The share of validation images that the training job classified right.
    pub fn accuracy(&self) -> Option<f64> {
        self.training.metrics.get("validation:accuracy").copied()
    }
}

impl Display for ImageSummary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let rows = self.output.rows.unwrap_or_default();
        let (pipeline, run) = (&self.output.pipeline, &self.output.run);
        writeln!(f, "Run {run} of pipeline {pipeline}")?;
        writeln!(
            f,
            "  indexed              {} images, of which {} were read",
            count(self.output.items),
            count(self.listing.read)
        )?;
        let reasons = self.rejected.iter().map(|rejection| {
            let reason = rejection.example.split(": ").next().unwrap_or_default();
            format!("{reason} {}", count(rejection.items))
        });
        writeln!(
            f,
            "  quarantined          {}: {}",
            count(rows.rejected),
            reasons.collect::<Vec<_>>().join(", ")
        )?;
        writeln!(
            f,
            "  records              {} images to train on, {} to validate on, {} copies left out",
            count(rows.train),
            count(rows.validation),
            count(rows.duplicates)
        )?;
        if let Some(accuracy) = self.accuracy() {
            writeln!(f, "  validation:accuracy  {accuracy:.4}")?;
        }
        let verdict = &self.verdict;
        writeln!(
            f,
            "  verdict              {:?}: {}",
            verdict.verdict, verdict.reason
        )?;
        let endpoint = self.output.endpoint.as_deref().unwrap_or("none");
        writeln!(
            f,
            "  endpoint             {endpoint}: InService on {}, {} images answered",
            self.deployment.model, self.deployment.smoke_rows
        )?;
        let states: Vec<_> = self
            .states
            .iter()
            .map(|(state, took)| format!("{state} {}", duration(*took)))
            .collect();
        writeln!(f, "  took                 {}", states.join(", "))?;
        writeln!(f, "\nThe endpoint sees")?;
        for one in &self.classified {
            let right = if one.class == one.label {
                ""
            } else {
                ", wrongly"
            };
            let percent = one.probability * 100.0;
            writeln!(f, "  a {} ({percent:.1} %{right})  {}", one.class, one.key)?;
        }
        writeln!(f, "\nRun again")?;
        for (what, run) in ["the same images", "a hundred more"].iter().zip(self.again) {
            writeln!(
                f,
                "  {what:<20} {}: {} images indexed, {} read, {} ranges of keys taken over",
                outcome_in_words(run.outcome),
                count(run.images),
                count(run.read),
                run.adopted
            )?;
        }
        Ok(())
    }
}
