//! What a run would take and cost, before anything happens: the export's plan by the function's own
//! library, the other steps by earlier runs or by their bounds. Reads a sample of the table, and
//! writes nothing.

mod error;
mod prices;
mod steps;
mod text;

pub use error::PlanError;
pub use steps::{EndpointRow, StepRow};

use crate::definitions::{Change, changes};
use crate::place::{MAP_CONCURRENCY, Place};
use crate::runs;
use aws::dynamodb::Tables;
use contract::RunId;
use contract::states::Route;
use definition::Definition;
use lake::records::{ItemSample, Plan, TrainingRecord};
use lake::{RunKeys, documents};
use plan_export::{BASIS, Sources};
use raw_export::{PlanSource, Planned};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// Earlier runs that are looked at.
const EARLIER: usize = 5;

/// What a run would take and cost.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document {
    /// The pipeline.
    pub pipeline: String,
    /// The table.
    pub table: String,
    /// Its items, by the service's last count.
    pub items: u64,
    /// Its bytes, by the same count.
    pub bytes: u64,
    /// How the items leave the table.
    pub route: Route,
    /// Why, in one sentence.
    pub reason: String,
    /// Read units of the export; 0 for a native export.
    pub read_units: u64,
    /// Items that were read to check the definition; absent if it makes no dataset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampled_items: Option<u64>,
    /// Read units that they took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampled_read_units: Option<f64>,
    /// The steps, in order.
    pub steps: Vec<StepRow>,
    /// Minutes of all steps; absent if one is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// US dollars of all steps; absent if one is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dollars: Option<f64>,
    /// The endpoint; absent if none serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndpointRow>,
    /// The limits of the export that the definition sets.
    pub limits: Vec<LimitRow>,
    /// Whose prices these are, and of when.
    pub prices: String,
    /// What the definition may have wrong, a sentence each.
    pub warnings: Vec<String>,
    /// The newest run, and what its definition differs in; absent if there is no run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<LastRun>,
}

/// A limit of the export.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LimitRow {
    /// The field, such as `limits.maxCost`.
    pub field: String,
    /// The limit.
    pub limit: f64,
    /// What is planned; absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned: Option<f64>,
}

/// The newest run, compared with the definition.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LastRun {
    /// Its id.
    pub run: RunId,
    /// The fields that differ, with their defaults filled in.
    pub changes: Vec<FieldChange>,
}

/// A field that differs from the newest run's definition.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldChange {
    /// The field's path.
    pub path: String,
    /// Its value in the run; absent if the run's definition does not have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<Value>,
    /// Its value now; absent if the definition does not have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is: Option<Value>,
}

/// Plans a run of a definition.
///
/// # Errors
/// If a run would be refused, or the table or the lake cannot be read.
pub async fn plan(place: &Place, mut definition: Definition) -> Result<Document, PlanError> {
    let store = place.lake().await?;
    definition.name_resources(place.stack().unwrap_or(crate::place::DEFAULT_STACK));
    let tables = Tables::new(place.config());
    let sources = Sources {
        tables: &tables,
        concurrency: MAP_CONCURRENCY,
    };
    let mut earlier = runs::in_lake(&store, &definition.pipeline, "").await?;
    earlier.reverse();
    earlier.truncate(EARLIER);
    let (mut last_run, mut trained) = (None, Vec::new());
    for (index, run) in earlier.iter().enumerate() {
        let keys = RunKeys::new(&definition.pipeline, run);
        let plan: Option<Plan> =
            documents::read_if_there(&store, &keys.plan(), "the plan of a run").await?;
        let Some(plan) = plan else { continue };
        if instances(&plan.definition) == instances(&definition) {
            let record: Option<TrainingRecord> =
                documents::read_if_there(&store, &keys.training(), "the record of a training")
                    .await?;
            trained.extend(record);
        }
        if index == 0 {
            last_run = Some(compare(&definition, run, &plan));
        }
    }
    let planned = sources.plan(&definition).await?;
    Ok(document(&definition, &planned, &trained, last_run))
}

/// The type and number of the instances that train.
fn instances(definition: &Definition) -> Option<(&str, u32)> {
    let training = definition.training.as_ref()?;
    Some((&training.instance_type, training.instance_count))
}

fn compare(definition: &Definition, run: &RunId, plan: &Plan) -> LastRun {
    let json = |definition: &Definition| {
        serde_json::to_value(definition).expect("a definition is written as JSON")
    };
    LastRun {
        run: run.clone(),
        changes: changes(&json(&plan.definition), &json(definition))
            .into_iter()
            .map(|Change { path, lake, file }| FieldChange {
                path,
                was: lake,
                is: file,
            })
            .collect(),
    }
}

fn document(
    definition: &Definition,
    planned: &Planned,
    trained: &[TrainingRecord],
    last_run: Option<LastRun>,
) -> Document {
    let estimate = &planned.estimate;
    let steps = [
        Some(steps::export(planned)),
        steps::dataset(definition, estimate, MAP_CONCURRENCY),
        steps::training(definition, trained),
    ];
    let steps: Vec<_> = steps.into_iter().flatten().collect();
    let ItemSample { items, read_units } = planned.sample.unwrap_or(ItemSample {
        items: 0,
        read_units: 0.0,
    });
    let is_sampled = planned.sample.is_some();
    let limits = &definition.limits;
    let rows = [
        (
            "limits.maxReadUnits",
            limits.max_read_units.map(|units| units as f64),
            Some(estimate.read_units as f64),
        ),
        ("limits.maxMinutes", limits.max_minutes, estimate.minutes),
        (
            "limits.maxCost",
            limits.max_cost,
            estimate.cost.map(|cost| cost.total),
        ),
    ];
    let rows = rows.into_iter().filter_map(|(field, limit, planned)| {
        limit.map(|limit| LimitRow {
            field: field.to_owned(),
            limit,
            planned,
        })
    });
    let own = if limits.prices.are_defaults() {
        ""
    } else {
        ", with those of `limits.prices`"
    };
    Document {
        pipeline: definition.pipeline.clone(),
        table: definition.source.name().to_owned(),
        items: estimate.items,
        bytes: estimate.bytes,
        route: planned.route,
        reason: planned.reason.clone(),
        read_units: estimate.read_units,
        sampled_items: is_sampled.then_some(items),
        sampled_read_units: is_sampled.then_some(read_units),
        minutes: steps.iter().map(|step| step.minutes).sum(),
        dollars: steps.iter().map(|step| step.dollars).sum(),
        steps,
        endpoint: steps::endpoint(definition),
        limits: rows.collect(),
        prices: format!("{BASIS}{own}, {}", prices::BASIS),
        warnings: definition.warnings(),
        last_run,
    }
}
