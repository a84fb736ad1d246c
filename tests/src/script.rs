//! Functions that answer by a script: each call's payload is parsed as the contract's input, and
//! the answer is made of the contract's output. Before they answer they fail with an error or two
//! of each of their state's retriers; a step that can take several calls takes two.

use crate::asl;
use contract::states::{
    AfterExport, AfterRequest, CompactChangesOutput, Decision, DeployEndpointOutput, Estimate,
    Execution, ExportSegmentInput, ExportSegmentOutput, ExportTask, JobInput, JudgeModelInput,
    JudgeModelOutput, MergeToCsvInput, MergeToCsvOutput, Outcome, PlanDatasetOutput,
    PlanExportInput, PlanExportOutput, PublishReportInput, PublishReportOutput,
    RequestExportOutput, Route, RowCounts, RowsOf, RunInput, SealDatasetOutput,
    StartTrainingOutput, Status, Then,
};
use contract::{ErrorName, Names, RunId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// Where the tasks lie that the script's plan names.
pub const TASKS_KEY: &str = "raw/tasks.json";
/// Where the shards lie that the script's dataset plan names.
pub const SHARDS_KEY: &str = "processed/shards.json";
const SHARDS: u32 = 2;

/// The tasks of the script's plan.
pub fn tasks() -> Value {
    let task = |index| ExportTask {
        index,
        first_segment: index * 2,
        segment_count: 2,
    };
    json!([task(0), task(1), task(2)])
}

/// The shards of the script's dataset plan.
pub fn shards() -> Value {
    (0..SHARDS).collect()
}

/// What a function answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Its output.
    Output(Value),
    /// An error of this name, and why.
    Error(String, String),
}

/// What the functions answer to one execution's calls.
#[derive(Debug)]
pub struct Script {
    /// The errors of each function before its first output.
    errors: BTreeMap<String, Vec<String>>,
    /// How the run ends.
    outcome: Outcome,
    route: Route,
    /// Whether a person has to approve.
    approval: bool,
    /// A function that ends by this error, and is never called again.
    refusal: Option<(String, ErrorName)>,
    seen: Mutex<Seen>,
}

/// What has happened so far.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    /// How often each function was called with each payload.
    pub calls: BTreeMap<(String, String), usize>,
    /// The names of the errors that were answered.
    pub errors: BTreeSet<String>,
    /// The tokens that were handed out, in their order.
    pub tokens: Vec<String>,
    /// Whether a person has approved.
    approved: bool,
    run: Option<RunId>,
}

impl Seen {
    /// How many calls of a function there were for each different payload.
    pub fn calls_of(&self, verb: &str) -> Vec<usize> {
        let calls = self.calls.iter().filter(|((name, _), _)| name == verb);
        calls.map(|(_, count)| *count).collect()
    }
}

impl Script {
    /// A script for this state machine that exports by this route and ends so.
    pub fn new(machine: &Value, route: Route, outcome: Outcome) -> Self {
        Self {
            errors: errors(machine),
            outcome,
            route,
            approval: false,
            refusal: None,
            seen: Mutex::default(),
        }
    }

    /// The same, but a function ends by an error.
    #[must_use]
    pub fn refused_by(mut self, verb: &str, name: ErrorName) -> Self {
        self.refusal = Some((verb.to_owned(), name));
        self
    }

    /// The same, but a person has to approve the model first.
    #[must_use]
    pub fn approved_by_a_person(mut self) -> Self {
        self.approval = true;
        self
    }

    /// Lets a person approve.
    pub fn approve(&self) {
        self.lock().approved = true;
    }

    /// How many errors a function answers before its first output.
    pub fn errors_of(&self, verb: &str) -> usize {
        self.errors.get(verb).map_or(0, Vec::len)
    }

    /// What has happened so far.
    pub fn seen(&self) -> Seen {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a call.
    pub fn answer(&self, verb: &str, payload: &Value) -> Answer {
        let mut seen = self.lock();
        let calls = seen
            .calls
            .entry((verb.to_owned(), payload.to_string()))
            .or_default();
        let nth = *calls;
        *calls += 1;
        if let Some((refused, name)) = &self.refusal
            && refused == verb
        {
            return Answer::Error(name.to_string(), "as the script has it".to_owned());
        }
        if let Some(token) = payload["taskToken"].as_str() {
            seen.tokens.push(token.to_owned());
            return Answer::Output(Value::Null);
        }
        let errors = self.errors.get(verb).map_or(&[][..], Vec::as_slice);
        if let Some(name) = errors.get(nth) {
            seen.errors.insert(name.clone());
            return Answer::Error(name.clone(), "as the script has it".to_owned());
        }
        let status = if nth == errors.len() {
            Status::InProgress
        } else {
            Status::Done
        };
        // Once the models are still being compared.
        let decision = match status {
            Status::InProgress => Decision::Compare,
            Status::Done => self.decision(&seen),
        };
        let output = match verb {
            "judge-model" => judged(payload.clone(), seen.run.as_ref(), decision),
            _ => self.output(verb, payload.clone(), status, &mut seen.run),
        };
        match output {
            Ok(output) => Answer::Output(output),
            Err(problem) => Answer::Error(ErrorName::InvalidRequest.to_string(), problem),
        }
    }

    /// What follows the last step of a run that ends so.
    fn then(&self, end: Outcome) -> Then {
        if self.outcome == end {
            Then::End
        } else {
            Then::Continue
        }
    }

    /// Where the decision stands.
    fn decision(&self, seen: &Seen) -> Decision {
        match (self.approval && !seen.approved, seen.tokens.is_empty()) {
            (false, _) if self.outcome == Outcome::Deployed => Decision::Promote,
            (false, _) => Decision::Keep,
            (true, true) => Decision::AskApproval,
            (true, false) => Decision::AwaitApproval,
        }
    }

    fn output(
        &self,
        verb: &str,
        payload: Value,
        status: Status,
        planned: &mut Option<RunId>,
    ) -> Result<Value, String> {
        let rows = RowCounts {
            train: 90,
            validation: 10,
            ..RowCounts::default()
        };
        match verb {
            "plan-export" => {
                let input: PlanExportInput = read(payload)?;
                let Execution { id, start_time } = input.execution;
                let run = RunId::of_execution(&id, &start_time)?;
                let name = input.input["pipeline"].as_str();
                *planned = Some(run.clone());
                write(&PlanExportOutput {
                    status,
                    wait_seconds: 1,
                    pipeline: name.unwrap_or(Names::DEFAULT_PIPELINE).to_owned(),
                    run,
                    route: self.route,
                    reason: "as the script has it".to_owned(),
                    segments: 6,
                    tasks: 3,
                    tasks_key: TASKS_KEY.to_owned(),
                    concurrency: 40,
                    warnings: Vec::new(),
                    estimate: Estimate {
                        items: 100,
                        bytes: 40_000,
                        read_units: 5,
                        minutes: None,
                        cost: None,
                    },
                })
            }
            "export-segment" | "export-sql-range" | "index-images" => {
                let ExportSegmentInput {
                    pipeline,
                    run,
                    task,
                } = read(payload)?;
                is_planned(planned.as_ref(), &run)?;
                write(&ExportSegmentOutput {
                    status,
                    pipeline,
                    run,
                    task,
                    segments_done: if status == Status::Done { 2 } else { 1 },
                    items: 33,
                })
            }
            "merge-to-csv" | "pack-images" => {
                let MergeToCsvInput {
                    pipeline,
                    run,
                    shard,
                } = read(payload)?;
                is_planned(planned.as_ref(), &run)?;
                write(&MergeToCsvOutput {
                    status,
                    pipeline,
                    run,
                    shard,
                    rows,
                })
            }
            "publish-report" => {
                let PublishReportInput {
                    pipeline,
                    run,
                    outcome,
                } = read(payload)?;
                is_planned(planned.as_ref(), &run)?;
                if outcome != self.outcome {
                    return Err(format!("{outcome:?} was not decided"));
                }
                write(&PublishReportOutput {
                    endpoint: Some(pipeline.clone()),
                    pipeline,
                    run,
                    outcome,
                    items: 100,
                    rows: Some(rows),
                    value: Some(0.9),
                    predictions: None,
                    report_key: "reports/report.json".to_owned(),
                    latest_key: "latest/default.json".to_owned(),
                })
            }
            "start-training" | "deploy-endpoint" => {
                // How often it was redriven: moto cannot, and says nothing.
                let JobInput { pipeline, run, .. } = read(payload)?;
                is_planned(planned.as_ref(), &run)?;
                self.output_of_run(verb, pipeline, run, status, rows)
            }
            _ => {
                let RunInput { pipeline, run } = read(payload)?;
                is_planned(planned.as_ref(), &run)?;
                self.output_of_run(verb, pipeline, run, status, rows)
            }
        }
    }
}

impl Script {
    /// Of the functions that take no more than the run.
    fn output_of_run(
        &self,
        verb: &str,
        pipeline: String,
        run: RunId,
        status: Status,
        rows: RowCounts,
    ) -> Result<Value, String> {
        match verb {
            "request-export" => write(&RequestExportOutput {
                status,
                pipeline,
                run,
                route: self.route,
                then: if self.route.merges() {
                    AfterRequest::Compact
                } else {
                    AfterRequest::Adopt
                },
                phase: "IN_PROGRESS".to_owned(),
                wait_seconds: 1,
                segments: 6,
                tasks: 3,
                tasks_key: TASKS_KEY.to_owned(),
                concurrency: 40,
            }),
            "compact-changes" => write(&CompactChangesOutput {
                status,
                pipeline,
                run,
                route: self.route,
                changes: 7,
                tasks_key: TASKS_KEY.to_owned(),
                concurrency: 40,
            }),
            "plan-dataset" => write(&PlanDatasetOutput {
                pipeline,
                run,
                items: 100,
                then: match self.outcome {
                    Outcome::Exported => AfterExport::End,
                    Outcome::NothingNew => AfterExport::NothingNew,
                    _ => AfterExport::Continue,
                },
                columns: 3,
                shards: SHARDS,
                rows_of: match self.route {
                    Route::Images => RowsOf::Images,
                    _ => RowsOf::Attributes,
                },
                shards_key: SHARDS_KEY.to_owned(),
                concurrency: 40,
            }),
            "seal-dataset" => write(&SealDatasetOutput {
                pipeline,
                run,
                rows,
                then: self.then(Outcome::DatasetSealed),
            }),
            "start-training" => write(&StartTrainingOutput {
                status,
                training_job: Names::run_resource(&pipeline, &run),
                pipeline,
                run,
                phase: "Training".to_owned(),
                then: self.then(Outcome::Trained),
                wait_seconds: 1,
            }),
            "deploy-endpoint" => write(&DeployEndpointOutput {
                status,
                endpoint: pipeline.clone(),
                pipeline,
                run,
                phase: "Creating".to_owned(),
                wait_seconds: 1,
            }),
            _ => Err(format!("there is no function {verb:?}")),
        }
    }
}

fn judged(payload: Value, planned: Option<&RunId>, verdict: Decision) -> Result<Value, String> {
    let JudgeModelInput { pipeline, run, .. } = read(payload)?;
    is_planned(planned, &run)?;
    write(&JudgeModelOutput {
        pipeline,
        run,
        verdict,
        metric: "validation:rmse".to_owned(),
        value: 0.9,
        champion: Some(1.0),
        reason: "as the script has it".to_owned(),
        subject: "a model awaits approval".to_owned(),
        wait_seconds: 1,
    })
}

/// For each function one or two errors of each of its state's retriers, those first that no other
/// function answers: together they answer all, and no retrier's attempts are used up.
fn errors(machine: &Value) -> BTreeMap<String, Vec<String>> {
    let states = asl::states(machine);
    let mut all = BTreeMap::new();
    let mut answered = BTreeSet::new();
    for state in &states {
        let Some(verb) = asl::verb(state.json).filter(|_| !asl::is_callback(state.json)) else {
            continue;
        };
        let mut errors = Vec::new();
        for retrier in state.json["Retry"].as_array().into_iter().flatten() {
            let names = error_names(retrier);
            let fresh = names.iter().filter(|name| !answered.contains(*name));
            let mut chosen: Vec<_> = fresh.take(2).cloned().collect();
            if chosen.is_empty() {
                chosen.extend(names.first().cloned());
            }
            answered.extend(chosen.iter().cloned());
            errors.extend(chosen);
        }
        all.insert(verb, errors);
    }
    all
}

/// The errors that a retrier waits for and a function can answer: those of the interpreter itself,
/// `States.Timeout` and its kind, come from no function.
pub fn error_names(retrier: &Value) -> Vec<String> {
    let names = retrier["ErrorEquals"].as_array().into_iter().flatten();
    let names = names.filter_map(Value::as_str);
    let answered = names.filter(|name| !name.starts_with("States."));
    answered.map(str::to_owned).collect()
}

fn read<T: DeserializeOwned>(payload: Value) -> Result<T, String> {
    contract::read::from_value(payload).map_err(|error| error.to_string())
}

fn write(output: &impl Serialize) -> Result<Value, String> {
    serde_json::to_value(output).map_err(|error| error.to_string())
}

fn is_planned(planned: Option<&RunId>, run: &RunId) -> Result<(), String> {
    if planned == Some(run) {
        Ok(())
    } else {
        Err(format!("run {run} was not planned"))
    }
}
