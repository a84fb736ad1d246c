//! Tuning jobs in memory.

use super::jobs::{Job, JobOutcome, not_running};
use super::{MemorySageMaker, State, refusal};
use crate::{BestJob, JobCounts, TrainingSpec, TuningInfo, TuningJobs, TuningSpec, TuningStatus};
use contract::{ErrorName, ServiceError};
use definition::{Goal, TuningRange};
use std::collections::BTreeMap;

/// Descriptions of a tuning job in progress.
const LOOKS: usize = 3;
/// How much older it is at each description.
const SECONDS_PER_POLL: u64 = 60;

/// How a tuning job ends.
#[derive(Debug, Clone, PartialEq)]
pub enum TuningOutcome {
    /// With a training job for each of these.
    Ends(Vec<JobOutcome>),
    /// In failure, for this reason, after training jobs that ended so.
    Fails(String, Vec<JobOutcome>),
    /// Stopped by hand.
    Stops,
}

impl Default for TuningOutcome {
    fn default() -> Self {
        Self::Ends(vec![JobOutcome::default(); 2])
    }
}

#[derive(Debug)]
pub(super) struct Tuning {
    pub(super) spec: TuningSpec,
    outcome: TuningOutcome,
    polls: usize,
}

impl Tuning {
    pub(super) fn new(spec: &TuningSpec, outcome: TuningOutcome) -> Self {
        Self {
            spec: spec.clone(),
            outcome,
            polls: 0,
        }
    }

    fn children(&self) -> &[JobOutcome] {
        match &self.outcome {
            TuningOutcome::Ends(jobs) | TuningOutcome::Fails(_, jobs) => jobs,
            TuningOutcome::Stops => &[],
        }
    }

    /// The place and the metric's value of the best training job.
    fn best(&self) -> Option<usize> {
        let value = |(place, outcome): (usize, &JobOutcome)| match outcome {
            JobOutcome::Completes(metrics) => Some((place, *metrics.get(&self.spec.metric)?)),
            _ => None,
        };
        let values = self.children().iter().enumerate().filter_map(value);
        let best = values.min_by(|one, other| match self.spec.goal {
            Goal::Minimize => one.1.total_cmp(&other.1),
            Goal::Maximize => other.1.total_cmp(&one.1),
        });
        best.map(|(place, _)| place)
    }

    fn child_name(&self, place: usize) -> String {
        format!("{}-{:03}-1a2b3c4d", self.spec.name, place + 1)
    }

    /// What the training job at `place` tries.
    fn tuned(&self, place: usize) -> BTreeMap<String, String> {
        let value = |range: &TuningRange| match range {
            TuningRange::Integer { minimum, .. } => minimum.to_string(),
            TuningRange::Continuous { minimum, .. } => minimum.to_string(),
            TuningRange::Categorical(values) => values[place % values.len()].to_string(),
        };
        let ranges = self.spec.ranges.iter();
        ranges
            .map(|(name, range)| (name.clone(), value(range)))
            .collect()
    }

    /// The training job at `place`, at its end.
    fn child(&self, place: usize) -> Option<Job> {
        let mut spec = self.spec.training.clone();
        spec.name = self.child_name(place);
        spec.hyperparameters.extend(self.tuned(place));
        let outcome = self.children().get(place)?;
        Some(Job::ended(spec, outcome.clone()))
    }

    /// What is there now; the next poll finds more.
    fn poll(&mut self) -> TuningInfo {
        let polls = self.polls;
        self.polls += 1;
        let mut spec = self.spec.clone();
        spec.training.tags.clear();
        let mut info = TuningInfo {
            spec,
            status: TuningStatus::InProgress,
            failure_reason: None,
            jobs: JobCounts {
                in_progress: 1,
                ..JobCounts::default()
            },
            best: None,
            age_seconds: polls as u64 * SECONDS_PER_POLL,
        };
        if polls < LOOKS {
            return info;
        }
        for outcome in self.children() {
            match outcome {
                JobOutcome::Completes(_) => info.jobs.completed += 1,
                JobOutcome::Fails(_) => info.jobs.failed += 1,
                JobOutcome::Stops(_) => info.jobs.stopped += 1,
            }
        }
        info.jobs.in_progress = 0;
        info.best = self.best().map(|place| BestJob {
            name: self.child_name(place),
            tuned: self.tuned(place),
        });
        info.status = match &self.outcome {
            TuningOutcome::Ends(_) => TuningStatus::Completed,
            TuningOutcome::Fails(..) => TuningStatus::Failed,
            TuningOutcome::Stops if polls == LOOKS => TuningStatus::Stopping,
            TuningOutcome::Stops => TuningStatus::Stopped,
        };
        if let TuningOutcome::Fails(reason, _) = &self.outcome {
            info.failure_reason = Some(reason.clone());
        }
        info
    }
}

impl State {
    fn start_tuning(&mut self, spec: &TuningSpec) {
        let outcome = self.next_tunings.pop_front().unwrap_or_default();
        let tuning = Tuning::new(spec, outcome);
        for place in 0..tuning.children().len() {
            if let Some(job) = tuning.child(place) {
                self.jobs.insert(job.spec.name.clone(), job);
            }
        }
        self.tunings.insert(spec.name.clone(), tuning);
    }
}

impl MemorySageMaker {
    /// How the next tuning job to be created, and not yet scripted, ends. Without a script it has
    /// two training jobs that end as [`JobOutcome::default`].
    pub fn script_tuning(&self, outcome: TuningOutcome) {
        self.state().next_tunings.push_back(outcome);
    }

    /// Puts a tuning job there that somebody else created.
    pub fn plant_tuning(&self, spec: &TuningSpec) {
        self.state().start_tuning(spec);
    }

    /// The specification a tuning job was created with.
    pub fn tuning(&self, name: &str) -> Option<TuningSpec> {
        self.state().tunings.get(name).map(|job| job.spec.clone())
    }
}

impl TuningJobs for MemorySageMaker {
    async fn describe_tuning(&self, name: &str) -> Result<Option<TuningInfo>, ServiceError> {
        self.call("DescribeHyperParameterTuningJob", |state| {
            Ok(state.tunings.get_mut(name).map(Tuning::poll))
        })
        .await
    }

    async fn create_tuning(&self, spec: &TuningSpec) -> Result<(), ServiceError> {
        const OPERATION: &str = "CreateHyperParameterTuningJob";
        self.call(OPERATION, |state| {
            if state.tunings.contains_key(&spec.name) {
                let message = "Hyperparameter tuning job names must be unique";
                let name = ErrorName::Conflict;
                return Err(refusal(OPERATION, &spec.name, name, "ResourceInUse", message).into());
            }
            state.start_tuning(spec);
            state.took_effect(OPERATION, &spec.name);
            Ok(())
        })
        .await
    }

    async fn stop_tuning(&self, name: &str) -> Result<(), ServiceError> {
        const OPERATION: &str = "StopHyperParameterTuningJob";
        self.call(OPERATION, |state| {
            let tuning = state.tunings.get_mut(name);
            let tuning = tuning.filter(|tuning| tuning.polls < LOOKS);
            let tuning = tuning.ok_or_else(|| Box::new(not_running(OPERATION, name)))?;
            tuning.outcome = TuningOutcome::Stops;
            tuning.polls = LOOKS;
            state.took_effect(OPERATION, name);
            Ok(())
        })
        .await
    }

    async fn tuning_failures(&self, name: &str) -> Result<Vec<String>, ServiceError> {
        self.call("ListTrainingJobsForHyperParameterTuningJob", |state| {
            let tuning = state.tunings.get(name);
            let children = tuning.map(Tuning::children).unwrap_or_default();
            let mut reasons = Vec::new();
            for outcome in children {
                if let JobOutcome::Fails(reason) = outcome
                    && !reasons.contains(reason)
                {
                    reasons.push(reason.clone());
                }
            }
            Ok(reasons)
        })
        .await
    }
}

impl Job {
    /// A job that has come to its end.
    fn ended(spec: TrainingSpec, outcome: JobOutcome) -> Self {
        Self {
            spec,
            outcome,
            polls: super::jobs::STAGES.len() + 1,
        }
    }
}
