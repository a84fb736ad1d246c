//! Finds a run by its name: among the executions of the state machine, or in the lake.

use super::{RunError, RunName};
use crate::place::Place;
use aws::s3::S3Store;
use aws::sfn::{ExecutionInfo, Listed, StateMachines};
use contract::{ErrorName, Names, RunId};
use lake::records::Champion;
use lake::{documents, keys};
use serde_json::Value;
use std::time::SystemTime;

/// Most executions that are looked at: the service keeps them for 90 days.
const MOST: usize = 10_000;

/// A run that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its pipeline.
    pub pipeline: String,
    /// Its id.
    pub run: RunId,
    /// The ARN of its execution, if it was found by that.
    pub execution: Option<String>,
}

/// The id of the run that the execution with this ARN and start is.
pub fn of_execution(arn: &str, started: SystemTime) -> RunId {
    let started = jiff::Timestamp::try_from(started).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    RunId::of_execution(arn, &started.to_string()).expect("a timestamp is an RFC 3339 time")
}

/// The pipeline that an execution's input names.
pub(super) fn pipeline_of(info: &ExecutionInfo) -> String {
    let input = info.input.as_deref().unwrap_or("{}");
    let input: Option<Value> = serde_json::from_str(input).ok();
    let named = input.as_ref().and_then(|input| input["pipeline"].as_str());
    named.unwrap_or(Names::DEFAULT_PIPELINE).to_owned()
}

/// Finds a run whose data is needed. An id needs no look-up, so that it works without any
/// permission but to read the lake.
///
/// # Errors
/// If there is no such run, or it cannot be looked up.
pub async fn found_in_lake(place: &Place, name: &RunName) -> Result<Found, RunError> {
    let found = |run| Found {
        pipeline: place.pipeline().to_owned(),
        run,
        execution: None,
    };
    match name {
        RunName::Id(id) => Ok(found(id.clone())),
        RunName::Champion => Ok(found(champion(place).await?)),
        _ if place.has_state_machine() => execution(place, name).await,
        RunName::Latest => {
            let runs = in_lake(&place.lake().await?, place.pipeline(), "").await?;
            let latest = runs.into_iter().next_back();
            latest.map(found).ok_or_else(|| none(place, "run"))
        }
        RunName::Prefix(prefix) => {
            let runs = in_lake(&place.lake().await?, place.pipeline(), prefix).await?;
            only(place, name, prefix, runs).map(found)
        }
        RunName::LatestFailed | RunName::Arn(_) | RunName::Execution(_) => {
            Err(RunError::NeedsStateMachine { name: name.clone() })
        }
    }
}

async fn champion(place: &Place) -> Result<RunId, RunError> {
    let key = keys::champion(place.pipeline());
    let what = "the record of a champion";
    let champion: Option<Champion> =
        documents::read_if_there(&place.lake().await?, &key, what).await?;
    let champion = champion.ok_or_else(|| none(place, "champion"))?;
    Ok(champion.run)
}

/// The runs of the lake whose ids begin with the prefix, oldest first.
pub(crate) async fn in_lake(
    store: &S3Store,
    pipeline: &str,
    prefix: &str,
) -> Result<Vec<RunId>, RunError> {
    let all = format!("raw/{pipeline}/run=");
    let folders = store.folders(&format!("{all}{prefix}")).await?;
    let ids = folders.iter().filter_map(|folder| {
        let id = folder.strip_prefix(&all)?.strip_suffix('/')?;
        RunId::parse(id).ok()
    });
    Ok(ids.collect())
}

fn none(place: &Place, which: &'static str) -> RunError {
    RunError::None {
        pipeline: place.pipeline().to_owned(),
        which,
        place: place.to_string(),
    }
}

fn missing(place: &Place, name: &RunName) -> RunError {
    RunError::Missing {
        name: name.clone(),
        place: place.to_string(),
    }
}

fn only(place: &Place, name: &RunName, prefix: &str, runs: Vec<RunId>) -> Result<RunId, RunError> {
    match <[RunId; 1]>::try_from(runs) {
        Ok([run]) => Ok(run),
        Err(runs) if runs.is_empty() => Err(missing(place, name)),
        Err(runs) => Err(RunError::Ambiguous {
            prefix: prefix.to_owned(),
            runs,
        }),
    }
}

/// Finds the execution of a run.
///
/// # Errors
/// If there is no such run, or it cannot be looked up.
pub async fn execution(place: &Place, name: &RunName) -> Result<Found, RunError> {
    let machines = place.machines();
    if let RunName::Arn(arn) = name {
        let info = described(place, name, arn).await?;
        return Ok(Found {
            pipeline: pipeline_of(&info),
            run: of_execution(arn, info.started),
            execution: Some(arn.clone()),
        });
    }
    let wanted = match name {
        RunName::Champion => Some(champion(place).await?),
        RunName::Id(id) => Some(id.clone()),
        _ => None,
    };
    let arn = place.state_machine().await?;
    let mut pages = Pages::new(&machines, arn);
    let mut matching = Vec::new();
    'pages: while let Some(page) = pages.next().await? {
        for listed in page {
            let run = of_execution(&listed.arn, listed.started);
            let matches = match name {
                RunName::Latest => true,
                RunName::LatestFailed => listed.status.has_failed(),
                RunName::Prefix(prefix) => run.as_str().starts_with(prefix.as_str()),
                RunName::Execution(execution) => listed.name == *execution,
                RunName::Champion | RunName::Id(_) | RunName::Arn(_) => {
                    wanted.as_ref() == Some(&run)
                }
            };
            if !matches {
                continue;
            }
            let pipeline = pipeline_of(&machines.describe(&listed.arn).await?);
            // `latest` is of one pipeline; any other name is unique by itself.
            let is_first = matches!(name, RunName::Latest | RunName::LatestFailed);
            let expected = if is_first {
                Some(place.pipeline())
            } else {
                place.named_pipeline()
            };
            if expected.is_some_and(|expected| expected != pipeline) {
                continue;
            }
            matching.push(Found {
                pipeline,
                run,
                execution: Some(listed.arn),
            });
            if !matches!(name, RunName::Prefix(_)) {
                break 'pages;
            }
        }
    }
    match name {
        RunName::Prefix(prefix) if matching.len() > 1 => Err(RunError::Ambiguous {
            prefix: prefix.clone(),
            runs: matching.into_iter().map(|found| found.run).collect(),
        }),
        _ => matching.into_iter().next().ok_or_else(|| match name {
            RunName::Latest => none(place, "run"),
            RunName::LatestFailed => none(place, "run that failed"),
            _ => missing(place, name),
        }),
    }
}

async fn described(place: &Place, name: &RunName, arn: &str) -> Result<ExecutionInfo, RunError> {
    match place.machines().describe(arn).await {
        Ok(info) => Ok(info),
        Err(error) if error.name == ErrorName::NotFound || error.code == "InvalidArn" => {
            Err(missing(place, name))
        }
        Err(error) => Err(error.into()),
    }
}

/// The executions of a state machine, newest first, page by page.
pub(super) struct Pages<'a> {
    machines: &'a StateMachines,
    arn: &'a str,
    seen: usize,
    token: Option<String>,
    ended: bool,
}

impl<'a> Pages<'a> {
    pub(super) const fn new(machines: &'a StateMachines, arn: &'a str) -> Self {
        Self {
            machines,
            arn,
            seen: 0,
            token: None,
            ended: false,
        }
    }

    /// The next page; `None` after the last, or after [`MOST`] executions.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Listed>>, RunError> {
        if self.ended || self.seen >= MOST {
            return Ok(None);
        }
        let (page, token) = self.machines.list(self.arn, self.token.take()).await?;
        self.seen += page.len();
        self.ended = token.is_none();
        self.token = token;
        Ok(Some(page))
    }
}
