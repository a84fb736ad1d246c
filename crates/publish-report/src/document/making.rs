//! How a run was made: its definition, what is other than in the run before, and where to look.

use super::Ended;
use crate::facts::Facts;
use crate::figures::cut;
use contract::RunId;
use definition::{FieldChange, differences};
use lake::RunKeys;
use lake::executions::{console, console_of, region_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Characters of a field's value in the document.
const CHARACTERS: usize = 400;

/// Changes in the document.
const MOST: usize = 100;

/// How a run was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MakingDocument {
    /// The definition with the execution's overrides; absent if the run was not planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Value>,
    /// The run whose definition it is compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<RunId>,
    /// What is other than in that run's.
    pub changes: Vec<ChangeDocument>,
    /// Why the items left the table in this way, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The version of Millrace that wrote this.
    pub version: String,
    /// Where to look.
    pub links: Vec<LinkDocument>,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeDocument {
    /// The field's path.
    pub path: String,
    /// Its value before, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Its value now, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
}

/// A link to the AWS console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LinkDocument {
    /// What it shows.
    pub text: String,
    /// Its address.
    pub url: String,
}

/// How the run was made.
pub fn of(run: &RunKeys, ended: &Ended<'_>, facts: &Facts) -> MakingDocument {
    let json = |plan: &lake::records::Plan| {
        serde_json::to_value(&plan.definition)
            .expect("a definition has text keys and no fallible serialisers")
    };
    let definition = facts.plan.as_ref().map(json);
    let before = facts
        .previous
        .as_ref()
        .map(|plan| (plan.run.clone(), json(plan)));
    let changes = match (&before, &definition) {
        (Some((_, before)), Some(now)) => differences(before, now),
        _ => Vec::new(),
    };
    let plan = facts.plan.as_ref();
    MakingDocument {
        previous: before.map(|(run, _)| run),
        changes: changes.into_iter().take(MOST).map(change).collect(),
        route: plan.map(|plan| format!("{}: {}", plan.route, plan.reason)),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        links: links(run, ended, facts),
        definition,
    }
}

fn change(change: FieldChange) -> ChangeDocument {
    let text = |value: Option<Value>| value.map(|value| cut(&value.to_string(), CHARACTERS));
    ChangeDocument {
        path: cut(&change.path, CHARACTERS),
        before: text(change.before),
        now: text(change.now),
    }
}

fn links(run: &RunKeys, ended: &Ended<'_>, facts: &Facts) -> Vec<LinkDocument> {
    let link = |text: &str, url: String| LinkDocument {
        text: text.to_owned(),
        url,
    };
    let arn = ended.execution;
    let (host, region) = (console_of(arn), region_of(arn));
    let mut all = vec![link("Execution", console(arn))];
    let training = facts.plan.as_ref();
    let training = training.and_then(|plan| plan.definition.training.as_ref());
    let job = match (&facts.training, training) {
        (Some(record), _) => Some(record.job.clone()),
        (None, Some(_))
            if ended
                .view
                .rows
                .iter()
                .any(|row| row.state == "StartTraining") =>
        {
            Some(contract::Names::job(run.pipeline(), run.run(), 1))
        }
        _ => None,
    };
    if let Some(job) = job {
        let page = format!("https://{host}/sagemaker/home?region={region}#/jobs/{job}");
        all.push(link("Training job", page));
        let log = sagemaker_ports::log_link(region, "/aws/sagemaker/TrainingJobs", &job);
        all.push(link("Training log", log));
    }
    let endpoint = facts
        .deployment
        .as_ref()
        .and_then(|it| it.endpoint.as_ref());
    if let Some(endpoint) = endpoint {
        let page = format!("https://{host}/sagemaker/home?region={region}#/endpoints/{endpoint}");
        all.push(link("Endpoint", page));
    }
    all
}
