//! The longest time that a definition lets a run take, against the time that the state machine gives
//! an execution. A run that outlives its execution has been paid for and leaves nothing.

use crate::{Definition, FieldError};
use std::fmt;

/// Seconds that the state machine gives an execution: two days. A test compares it with the state machine.
pub const EXECUTION_SECONDS: u64 = 172_800;

/// Seconds of these that are kept for what no field bounds: the steps themselves, their retries while a
/// service is short of something, and the start of an endpoint.
pub const RESERVED_SECONDS: u64 = 4 * 3600;

/// The longest time that a definition lets a run take before and after its export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LongestRun {
    /// Seconds by the field that sets them, in the order of the run.
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    path: &'static str,
    seconds: u64,
    /// How the seconds come about, if they are not the field's own value.
    note: Option<String>,
}

impl Definition {
    /// The longest time that the definition lets a run take before and after its export.
    pub fn longest_run(&self) -> LongestRun {
        let mut parts = Vec::new();
        if let Some(ready) = &self.ready {
            parts.push(Part {
                path: "ready.withinMinutes",
                seconds: u64::from(ready.within_minutes) * 60,
                note: None,
            });
        }
        let Some(training) = &self.training else {
            return LongestRun { parts };
        };
        let mut add = |path, seconds, note| {
            parts.push(Part {
                path,
                seconds,
                note,
            });
        };
        add(
            "training.capacityWaitMinutes",
            u64::from(training.capacity_wait_minutes) * 60,
            None,
        );
        let (path, job_seconds) = match &training.spot {
            Some(spot) => ("training.spot.maxWaitSeconds", spot.max_wait_seconds),
            None => ("training.maxRuntimeSeconds", training.max_runtime_seconds),
        };
        let job_seconds = u64::from(job_seconds);
        match &training.tuning {
            None => add(path, job_seconds, None),
            Some(tuning) => {
                let jobs = tuning.jobs();
                let at_once = tuning.max_parallel_jobs.max(1);
                let turns = jobs.div_ceil(u64::from(at_once));
                let note = format!("{jobs} jobs of training.tuning, {at_once} at once");
                add(path, job_seconds.saturating_mul(turns), Some(note));
            }
        }
        let Some(promotion) = &self.promotion else {
            return LongestRun { parts };
        };
        if let Some(approval) = promotion.approval {
            let seconds = u64::from(approval.within_hours) * 3600;
            add("promotion.approval.withinHours", seconds, None);
        }
        let endpoint = self.endpoint();
        if self.batch.is_none() && !endpoint.compute.is_serverless() {
            let seconds = u64::from(endpoint.update_guardrails().update_seconds());
            let note = "an update's steps, and the start of its instances".to_owned();
            add("endpoint.guardrails.bakeSeconds", seconds, Some(note));
        }
        LongestRun { parts }
    }
}

impl LongestRun {
    /// Seconds in all.
    pub fn seconds(&self) -> u64 {
        let seconds = self.parts.iter().map(|part| part.seconds);
        seconds.fold(0, u64::saturating_add)
    }

    /// Seconds of an execution that it leaves to the export.
    pub fn left_seconds(&self) -> u64 {
        EXECUTION_SECONDS.saturating_sub(self.seconds().saturating_add(RESERVED_SECONDS))
    }

    /// Refuses a run that could outlive its execution.
    ///
    /// # Errors
    /// Names the field that takes the most, and in its message all of them with their sum.
    pub fn check(&self) -> Result<(), FieldError> {
        let most = EXECUTION_SECONDS - RESERVED_SECONDS;
        if self.seconds() <= most {
            return Ok(());
        }
        let largest = self.parts.iter().max_by_key(|part| part.seconds);
        Err(FieldError::new(
            largest.map_or("training.maxRuntimeSeconds", |part| part.path),
            format!(
                "the run could take {self}, and an execution has {most} s for these ({EXECUTION_SECONDS} s \
                 less {RESERVED_SECONDS} s for its other steps): lower one of them"
            ),
        ))
    }
}

impl fmt::Display for LongestRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.parts.is_empty() {
            return write!(
                f,
                "0 s, since nothing is awaited and no job follows the export"
            );
        }
        let mut separator = "";
        for part in &self.parts {
            write!(f, "{separator}{} s by {}", part.seconds, part.path)?;
            if let Some(note) = &part.note {
                write!(f, " ({note})")?;
            }
            separator = " + ";
        }
        write!(f, " = {} s", self.seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn definition(training: &Value, more: &Value) -> Definition {
        let mut json = json!({
            "source": {"dynamodb": {"table": "interactions"}},
            "dataset": {"label": "rating"},
            "training": {"image": "recommender", "metrics": [{"name": "validation:rmse", "regex": "rmse=(.*)"}]},
            "promotion": {"metric": "validation:rmse", "goal": "minimize"},
        });
        for (section, fields) in [("training", training)].into_iter().chain(
            more.as_object()
                .unwrap()
                .iter()
                .map(|(section, fields)| (section.as_str(), fields)),
        ) {
            for (name, value) in fields.as_object().unwrap() {
                json[section][name] = value.clone();
            }
        }
        contract::read::from_value(json).unwrap()
    }

    fn tuning(jobs: u32, at_once: u32) -> Value {
        json!({"maxJobs": jobs, "maxParallelJobs": at_once,
            "ranges": {"factors": {"integer": {"minimum": 2, "maximum": 64}}}})
    }

    #[test]
    fn every_field_that_lets_a_run_wait_is_part_of_the_sum() {
        let instances = json!({"instances": {"instanceType": "ml.m5.large", "count": 4}});
        for (training, more, seconds) in [
            // An hour of training, and one of waiting for machines.
            (json!({}), json!({}), 7200),
            (json!({"capacityWaitMinutes": 0}), json!({}), 3600),
            (
                json!({"spot": {"maxWaitSeconds": 9000}}),
                json!({}),
                3600 + 9000,
            ),
            (
                json!({}),
                json!({"ready": {"when": [{"items": {"atLeast": 1}}], "withinMinutes": 30}}),
                7200 + 30 * 60,
            ),
            // Nine jobs, two at once, are five turns.
            (json!({"tuning": tuning(9, 2)}), json!({}), 3600 + 5 * 3600),
            (
                json!({"tuning": tuning(9, 2), "spot": {"maxWaitSeconds": 4000}}),
                json!({}),
                3600 + 5 * 4000,
            ),
            (
                json!({}),
                json!({"promotion": {"approval": {"withinHours": 30}}}),
                7200 + 30 * 3600,
            ),
            // A canary is two steps.
            (
                json!({}),
                json!({"endpoint": {"compute": instances,
                    "guardrails": {"shift": {"canary": {"percent": 25}}, "bakeSeconds": 600}}}),
                7200 + 2 * 600 + 5400,
            ),
        ] {
            let definition = definition(&training, &more);
            assert_eq!(definition.longest_run().seconds(), seconds, "{training}");
            definition.validate().unwrap();
        }
    }

    #[test]
    fn a_run_that_could_outlive_its_execution_names_the_fields_and_the_sum() {
        let approval = json!({"promotion": {"approval": {"withinHours": 36}}});
        for (training, more, path, words) in [
            (
                json!({"maxRuntimeSeconds": 172_800}),
                json!({}),
                "training.maxRuntimeSeconds",
                "3600 s by training.capacityWaitMinutes + 172800 s by training.maxRuntimeSeconds = 176400 s, \
                 and an execution has 158400 s for these",
            ),
            (
                json!({"capacityWaitMinutes": 2880}),
                json!({}),
                "training.capacityWaitMinutes",
                "172800 s by training.capacityWaitMinutes",
            ),
            (
                json!({"spot": {"maxWaitSeconds": 160_000}}),
                json!({}),
                "training.spot.maxWaitSeconds",
                "160000 s by training.spot.maxWaitSeconds",
            ),
            (
                json!({"tuning": tuning(750, 10)}),
                json!({}),
                "training.maxRuntimeSeconds",
                "270000 s by training.maxRuntimeSeconds (750 jobs of training.tuning, 10 at once)",
            ),
            (
                json!({"maxRuntimeSeconds": 30_000}),
                approval,
                "promotion.approval.withinHours",
                "129600 s by promotion.approval.withinHours = 163200 s",
            ),
        ] {
            let error = definition(&training, &more).validate().unwrap_err().first();
            assert_eq!(error.path, path, "{error}");
            assert!(error.message.contains(words), "{error}");
        }
        // What just fits.
        let fits = json!({"maxRuntimeSeconds": 158_400, "capacityWaitMinutes": 0});
        let fits = definition(&fits, &json!({}));
        fits.validate().unwrap();
        assert_eq!(fits.longest_run().left_seconds(), 0);
    }
}
