//! A run's model: its metric over the last runs, and beside the champion's.

use crate::facts::Facts;
use contract::RunId;
use contract::states::{Outcome, Verdict};
use definition::Goal;
use lake::RunKeys;
use lake::records::TrainingRecord;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Runs whose metric is shown, this one included.
const SHOWN: usize = 20;
/// Curves that a plot can hold.
const CURVES: usize = 3;

/// A run's model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelDocument {
    /// The training job.
    pub job: String,
    /// The image that trained.
    pub image: String,
    /// `s3://…/model.tar.gz`.
    pub artifact: String,
    /// Seconds of training that are billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billable_seconds: Option<u64>,
    /// The search that found it, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// The metric that decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Which direction of it is better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<Goal>,
    /// Its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Its value for the champion that the model was compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub champion: Option<f64>,
    /// The champion's run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub champion_run: Option<RunId>,
    /// The value that a model must reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Whether it may serve; absent if that was not decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Why, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The values of metrics over the training, the metric that decides first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curves: Vec<CurveDocument>,
    /// The metric of the last runs, oldest first; the last one is this run's.
    pub history: Vec<PointDocument>,
    /// All final metrics, beside the champion's.
    pub metrics: Vec<MetricDocument>,
}

/// The metric of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PointDocument {
    /// The run.
    pub run: RunId,
    /// Its value.
    pub value: f64,
    /// Whether its model was deployed.
    pub deployed: bool,
}

/// The values of a metric over the training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CurveDocument {
    /// Its name.
    pub metric: String,
    /// Its values, oldest first: two or more, and at most 200, at even distances.
    pub values: Vec<f64>,
}

/// A final metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricDocument {
    /// Its name.
    pub name: String,
    /// Its value; absent if only the champion has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The champion's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub champion: Option<f64>,
}

/// The model that a job trained.
pub fn of(run: &RunKeys, training: &TrainingRecord, facts: &Facts) -> ModelDocument {
    let plan = facts.plan.as_ref();
    let promotion = plan.and_then(|plan| plan.definition.promotion.as_ref());
    let verdict = facts.verdict.as_ref();
    let metric = promotion.map(|promotion| promotion.metric.clone());
    let value = metric
        .as_ref()
        .and_then(|it| training.metrics.get(it))
        .copied();
    let value = verdict.map(|verdict| verdict.value).or(value);
    let tuning = training.tuning.as_ref();
    ModelDocument {
        job: training.job.clone(),
        image: training.image.clone(),
        artifact: training.artifact.clone(),
        billable_seconds: training.billable_seconds,
        search: tuning.map(|tuning| {
            let found = tuning.hyperparameters.iter();
            let found: Vec<_> = found
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            format!(
                "Found best of {} jobs by {}, with {}.",
                tuning.completed,
                tuning.metric,
                found.join(", ")
            )
        }),
        curves: curves(training, metric.as_deref()),
        history: history(run, metric.as_deref(), value, facts),
        goal: promotion.map(|promotion| promotion.goal),
        threshold: promotion.and_then(|promotion| promotion.threshold),
        metric,
        value,
        champion: verdict.and_then(|verdict| verdict.champion),
        champion_run: verdict.and_then(|verdict| verdict.champion_run.clone()),
        verdict: verdict.map(|verdict| verdict.verdict),
        reason: verdict.map(|verdict| verdict.reason.clone()),
        metrics: metrics(training, facts.champion_training.as_ref()),
    }
}

fn history(
    run: &RunKeys,
    metric: Option<&str>,
    value: Option<f64>,
    facts: &Facts,
) -> Vec<PointDocument> {
    let (Some(metric), Some(value)) = (metric, value) else {
        return Vec::new();
    };
    let past = facts.past.iter().filter_map(|past| {
        let model = past.model.as_ref()?;
        let is_same = model.metric.as_deref() == Some(metric);
        Some(PointDocument {
            run: past.run.clone(),
            value: model.value.filter(|_| is_same)?,
            deployed: past.outcome == Some(Outcome::Deployed),
        })
    });
    let mut points: Vec<_> = past.collect();
    points.push(PointDocument {
        run: run.run().clone(),
        value,
        deployed: facts.deployment.is_some(),
    });
    let older = points.len().saturating_sub(SHOWN);
    points.split_off(older)
}

/// The curve of the metric that decides, and those of the same measure on other rows; without such a
/// metric, all.
fn curves(training: &TrainingRecord, metric: Option<&str>) -> Vec<CurveDocument> {
    let measure = |name: &str| name.rsplit(':').next().map(str::to_owned);
    let is_shown = |name: &str| metric.is_none_or(|metric| measure(metric) == measure(name));
    let shown = training.curves.iter().filter(|(name, _)| is_shown(name));
    let curve = |(name, values): (&String, &Vec<f64>)| CurveDocument {
        metric: name.clone(),
        values: values.clone(),
    };
    let mut curves: Vec<_> = shown.map(curve).collect();
    curves.sort_by_key(|curve| Some(curve.metric.as_str()) != metric);
    curves.truncate(CURVES);
    curves
}

fn metrics(own: &TrainingRecord, champion: Option<&TrainingRecord>) -> Vec<MetricDocument> {
    let mut all: BTreeMap<&str, MetricDocument> = BTreeMap::new();
    let champion = champion.into_iter().flat_map(|record| &record.metrics);
    let named = |name: &str| MetricDocument {
        name: name.to_owned(),
        value: None,
        champion: None,
    };
    for (name, value) in &own.metrics {
        all.entry(name).or_insert_with(|| named(name)).value = Some(*value);
    }
    for (name, value) in champion {
        all.entry(name).or_insert_with(|| named(name)).champion = Some(*value);
    }
    all.into_values().collect()
}
