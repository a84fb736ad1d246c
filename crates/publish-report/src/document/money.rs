//! What a run cost: the estimate beside what was measured.

use crate::facts::Facts;
use crate::figures::{count, duration};
use definition::prices::{MONTH_HOURS, SERVERLESS_GB_SECOND, instance_hour};
use definition::{Compute, Definition};
use lake::records::Plan;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run cost, in US dollars.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MoneyDocument {
    /// What was paid for.
    pub lines: Vec<MoneyLine>,
    /// The sum: of each line what was measured, else the estimate. Absent if nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
    /// What the endpoint costs, whether a run is on or not, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The endpoint's cost of a day without any request, where its price is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_per_day: Option<f64>,
}

/// One thing that was paid for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MoneyLine {
    /// What.
    pub what: String,
    /// What it was estimated to cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated: Option<f64>,
    /// What it cost by what was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<f64>,
    /// Whether the run came so far: else it is not in the sum.
    pub reached: bool,
    /// What the figures come from, in words.
    pub basis: String,
}

/// What the run of this plan cost.
pub fn of(plan: &Plan, facts: &Facts, has_trained: bool) -> MoneyDocument {
    let mut lines = export(plan, facts);
    lines.extend(training(&plan.definition, facts, has_trained));
    // What a run did not come to costs nothing.
    let known = lines.iter().filter(|line| line.reached);
    let known = known.filter_map(|line| line.actual.or(line.estimated));
    let known: Vec<f64> = known.collect();
    let (endpoint, endpoint_per_day) = endpoint(&plan.definition).unzip();
    MoneyDocument {
        total: (!known.is_empty()).then(|| known.iter().sum()),
        lines,
        endpoint,
        endpoint_per_day: endpoint_per_day.flatten(),
    }
}

fn export(plan: &Plan, facts: &Facts) -> Vec<MoneyLine> {
    let Some(cost) = plan.estimate.cost else {
        return Vec::new();
    };
    let units = plan.estimate.read_units;
    let read = facts.export.as_ref().map(|export| export.totals.read_units);
    let actual = read
        .filter(|_| units > 0)
        .map(|read| cost.reads * read / units as f64);
    let basis = match read {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "read units are counted"
        )]
        Some(read) => format!(
            "{} read units, {} estimated",
            count(read.round() as u64),
            count(units)
        ),
        None => format!("{} read units estimated", count(units)),
    };
    let line = |what: &str, estimated, actual, basis: &str| MoneyLine {
        what: what.to_owned(),
        estimated: Some(estimated),
        actual,
        reached: true,
        basis: basis.to_owned(),
    };
    vec![
        line("Reads of the table", cost.reads, actual, &basis),
        line("Lambda", cost.lambda, None, "by the size of the table"),
        line(
            "Requests",
            cost.requests,
            None,
            "S3, Lambda, Step Functions",
        ),
    ]
}

/// Training: estimated by the last run's job, or else by its bound.
fn training(definition: &Definition, facts: &Facts, reached: bool) -> Option<MoneyLine> {
    let training = definition.training.as_ref()?;
    let instance = &training.instance_type;
    let instances = f64::from(training.instance_count);
    let price = instance_hour(instance);
    let cost = |seconds: u64| price.map(|price| price * seconds as f64 / 3600.0 * instances);
    let mut past = facts.past.iter().rev();
    let billed = past.find_map(|past| past.model.as_ref()?.billable_seconds);
    let bound = u64::from(training.max_runtime_seconds);
    let (estimated, why) = match billed {
        Some(seconds) => (cost(seconds), "estimated by the run before"),
        None => (cost(bound), "estimated by its time limit"),
    };
    let record = facts.training.as_ref();
    let measured = record.and_then(|record| record.billable_seconds);
    // What a search's other jobs took is not recorded.
    let measured = measured.filter(|_| training.tuning.is_none());
    let unknown = if price.is_none() {
        ", whose price is not known here"
    } else {
        ""
    };
    let took = measured.map_or_else(String::new, |seconds| {
        format!(", {} billed", duration(seconds as f64))
    });
    let count = training.instance_count;
    Some(MoneyLine {
        what: "Training".to_owned(),
        estimated,
        actual: measured.and_then(cost),
        reached,
        basis: format!("{count} × {instance}{unknown}{took}; {why}"),
    })
}

/// The endpoint in words, and its cost of a day, if the definition deploys to one.
fn endpoint(definition: &Definition) -> Option<(String, Option<f64>)> {
    const REQUEST_SECONDS: f64 = 0.1;
    definition.promotion.as_ref()?;
    if definition.batch.is_some() {
        return None;
    }
    Some(match &definition.endpoint().compute {
        Compute::Serverless { memory_mb, .. } => {
            let gb = f64::from(*memory_mb) / 1024.0;
            let million = gb * REQUEST_SECONDS * SERVERLESS_GB_SECOND * 1e6;
            let text = format!(
                "serverless, {memory_mb} MB: nothing without requests, about ${million:.2} for a \
                 million of a tenth of a second each"
            );
            (text, Some(0.0))
        }
        Compute::Instances {
            instance_type,
            count,
        } => {
            let hours = MONTH_HOURS * 12.0 / 365.0;
            let price = instance_hour(instance_type);
            let day = price.map(|price| price * hours * f64::from(*count));
            (format!("{count} × {instance_type}"), day)
        }
    })
}
