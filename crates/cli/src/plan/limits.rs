//! The limits of a run's steps, each with what is planned: those that the definition sets, those of
//! a function and an execution, and the account's quotas.

use super::steps::{Raw, StepRow};
use crate::demand::{Demand, demands};
use aws::SdkConfig;
use aws::quotas::{Quota, ServiceQuotas};
use contract::chain;
use contract::states::Estimate;
use definition::{Dataset, Definition};
use lake::records::SourcePlan;
use raw_export::Planned;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A limit of a step.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LimitRow {
    /// The step, as `steps` has it, or `approval`.
    pub step: String,
    /// The field that sets it, such as `limits.maxCost`, or what else does, in words.
    pub field: String,
    /// The limit.
    pub limit: f64,
    /// The unit of both, such as `minutes`.
    pub unit: String,
    /// Whether it is a minimum, and not a maximum.
    pub at_least: bool,
    /// What is planned; absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned: Option<f64>,
    /// Whether what is planned is beyond it, so that a run would fail.
    pub exceeded: bool,
}

impl LimitRow {
    fn most(step: &str, field: &str, unit: &str, limit: f64, planned: Option<f64>) -> Self {
        Self {
            step: step.to_owned(),
            field: field.to_owned(),
            limit,
            unit: unit.to_owned(),
            at_least: false,
            planned,
            exceeded: planned.is_some_and(|planned| planned > limit),
        }
    }

    fn least(step: &str, field: &str, unit: &str, limit: f64, planned: Option<f64>) -> Self {
        Self {
            at_least: true,
            exceeded: planned.is_some_and(|planned| planned < limit),
            ..Self::most(step, field, unit, limit, planned)
        }
    }
}

/// The limits that the definition sets, and those of a function and an execution.
pub fn of_definition(
    definition: &Definition,
    estimate: &Estimate,
    steps: &[StepRow],
) -> Vec<LimitRow> {
    let mut rows = of_export(definition, estimate);
    let is_counted = estimate.bytes > 0;
    let items = is_counted.then_some(estimate.items as f64);
    if let Some(gate) = &definition.gate {
        let least = gate.minimum_items as f64;
        rows.push(LimitRow::least(
            "export",
            "gate.minimumItems",
            "items",
            least,
            items,
        ));
        if let Some(most) = gate.maximum_items {
            let field = "gate.maximumItems";
            rows.push(LimitRow::most("export", field, "items", most as f64, items));
        }
    }
    if let Some(dataset) = &definition.dataset {
        rows.extend(of_dataset(dataset, estimate));
    }
    if let Some(training) = &definition.training {
        let minutes = steps.iter().find(|step| step.step == "training");
        // A bound is the limit itself.
        let minutes = minutes.filter(|step| !step.at_most);
        let most = f64::from(training.max_runtime_seconds) / 60.0;
        let planned = minutes.and_then(|step| step.minutes);
        let field = "training.maxRuntimeSeconds";
        rows.push(LimitRow::most("training", field, "minutes", most, planned));
    }
    let approval = definition.promotion.as_ref().and_then(|it| it.approval);
    if let Some(approval) = approval {
        let most = f64::from(approval.within_hours) * 60.0;
        let field = "promotion.approval.withinHours";
        rows.push(LimitRow::most("approval", field, "minutes", most, None));
    }
    rows
}

fn of_export(definition: &Definition, estimate: &Estimate) -> Vec<LimitRow> {
    let limits = &definition.limits;
    let row = |field, unit, limit: Option<f64>, planned| {
        limit.map(|limit| LimitRow::most("export", field, unit, limit, planned))
    };
    let is_known = estimate.minutes.is_some();
    let left = definition.longest_run().left_seconds() as f64 / 60.0;
    [
        row(
            "limits.maxReadUnits",
            "read units",
            limits.max_read_units.map(|units| units as f64),
            is_known.then_some(estimate.read_units as f64),
        ),
        row(
            "limits.maxMinutes",
            "minutes",
            limits.max_minutes,
            estimate.minutes,
        ),
        row(
            "limits.maxCost",
            "dollars",
            limits.max_cost,
            estimate.cost.map(|cost| cost.total),
        ),
        row(
            "what an execution of two days leaves",
            "minutes",
            Some(left),
            estimate.minutes,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The limits of what lies below the prefix of images.
pub fn of_images(definition: &Definition, planned: &Planned) -> Vec<LimitRow> {
    let Some(SourcePlan::Images(images)) = &planned.source else {
        return Vec::new();
    };
    let limits = definition.limits.of_images(images.objects, images.bytes);
    limits
        .map(|limit| {
            let (most, count) = (limit.most as f64, limit.count as f64);
            LimitRow::most("export", limit.field, limit.unit, most, Some(count))
        })
        .collect()
}

fn of_dataset(dataset: &Dataset, estimate: &Estimate) -> Vec<LimitRow> {
    let is_counted = estimate.bytes > 0;
    let items = estimate.items as f64;
    let raw = Raw::of(dataset, estimate);
    // Items without a label make no row, so that there are as many at most.
    let least = dataset.gate.minimum_rows as f64;
    let planned = is_counted.then_some(items);
    let field = "dataset.gate.minimumRows";
    let mut rows = vec![LimitRow::least("dataset", field, "rows", least, planned)];
    let most = Dataset::LARGEST_SHARD as f64;
    let shard = is_counted.then_some(raw.bytes / raw.shards);
    let field = "raw lines that one function converts";
    rows.push(LimitRow::most("dataset", field, "bytes", most, shard));
    let is_intended = dataset
        .shard_bytes
        .is_some_and(|given| given as f64 >= raw.bytes);
    if dataset.deduplicate.is_some() && !is_intended {
        let most = Dataset::MOST_DEDUPLICATED as f64;
        let planned = is_counted.then_some(items);
        let field = "items that one function de-duplicates";
        rows.push(LimitRow::most("dataset", field, "items", most, planned));
    }
    rows
}

/// The account's quotas of the instances that a run asks for; or why they are not known.
pub async fn of_account(
    config: &SdkConfig,
    definition: &Definition,
) -> Result<Vec<LimitRow>, String> {
    let demands = demands(definition);
    if demands.is_empty() {
        return Ok(Vec::new());
    }
    let names: BTreeSet<_> = demands.iter().map(|demand| demand.quota.clone()).collect();
    match ServiceQuotas::new(config).named("sagemaker", &names).await {
        Ok(quotas) => Ok(compared(&demands, &quotas)),
        Err(error) => Err(format!(
            "the account's quotas are not known: {}",
            chain(&error)
        )),
    }
}

fn compared(demands: &[Demand], quotas: &BTreeMap<String, Quota>) -> Vec<LimitRow> {
    let row = |demand: &Demand| {
        let quota = quotas.get(&demand.quota)?;
        let planned = Some(f64::from(demand.instances));
        let field = format!("quota {}", demand.quota);
        Some(LimitRow::most(
            demand.step,
            &field,
            "instances",
            quota.value,
            planned,
        ))
    };
    demands.iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn definition(more: &Value) -> Definition {
        let mut definition = json!({
            "source": {"dynamodb": {"table": "t"}},
            "dataset": {"label": "y"},
            "training": {"image": "i", "maxRuntimeSeconds": 1800},
            "promotion": {"metric": "m", "goal": "minimize"},
        });
        for (name, value) in more.as_object().unwrap() {
            definition[name] = value.clone();
        }
        contract::read::from_value(definition).unwrap()
    }

    fn estimate(items: u64, bytes: u64) -> Estimate {
        Estimate {
            items,
            bytes,
            read_units: 500,
            minutes: Some(3.0),
            cost: None,
        }
    }

    fn training(minutes: f64, at_most: bool) -> [StepRow; 1] {
        [StepRow {
            step: "training".to_owned(),
            minutes: Some(minutes),
            dollars: None,
            at_most,
            basis: String::new(),
        }]
    }

    #[track_caller]
    fn exceeded(more: &Value, estimate: &Estimate, steps: &[StepRow]) -> Vec<String> {
        let rows = of_definition(&definition(more), estimate, steps).into_iter();
        rows.filter(|row| row.exceeded)
            .map(|row| row.field)
            .collect()
    }

    #[test]
    fn each_limit_is_held_from_one_above_it() {
        let none: [&str; 0] = [];
        let rule = json!({"label": "y", "deduplicate": {"by": ["k"]}});
        let bounded = json!({"label": "y", "gate": {"minimumRows": 100}});
        let gate = json!({"gate": {"minimumItems": 100, "maximumItems": 200}});
        for (more, items, bytes, field) in [
            (json!({"dataset": bounded}), 100, 1, None),
            (
                json!({"dataset": bounded}),
                99,
                1,
                Some("dataset.gate.minimumRows"),
            ),
            // Nothing is known of a table that is not counted yet.
            (json!({"dataset": bounded}), 0, 0, None),
            (gate.clone(), 200, 1, None),
            (gate.clone(), 99, 1, Some("gate.minimumItems")),
            (gate, 201, 1, Some("gate.maximumItems")),
            (json!({"dataset": rule}), 10_000_000, 16 << 30, None),
            (
                json!({"dataset": rule}),
                10_000_001,
                16 << 30,
                Some("items that one function de-duplicates"),
            ),
            (
                json!({"dataset": rule}),
                1,
                (16 << 30) + 1,
                Some("raw lines that one function converts"),
            ),
        ] {
            let found = exceeded(&more, &estimate(items, bytes), &[]);
            let expected: Vec<_> = field.into_iter().collect();
            assert_eq!(found, expected, "{more} of {items} items, {bytes} bytes");
        }
        let intended = json!({"label": "y", "deduplicate": {"by": ["k"]}, "shardBytes": 8});
        let more = json!({"dataset": intended});
        assert_eq!(exceeded(&more, &estimate(20_000_000, 4), &[]), none);
    }

    #[test]
    fn training_is_held_by_what_earlier_jobs_took() {
        let none: [&str; 0] = [];
        let more = json!({});
        let one = estimate(1, 1);
        assert_eq!(exceeded(&more, &one, &training(30.0, false)), none);
        assert_eq!(
            exceeded(&more, &one, &training(30.1, false)),
            ["training.maxRuntimeSeconds"]
        );
        // The bound of a job that nobody has run yet is no plan.
        assert_eq!(exceeded(&more, &one, &training(99.0, true)), none);
    }

    #[test]
    fn limits_of_the_export_and_of_a_person_are_listed() {
        let more = json!({
            "limits": {"maxReadUnits": 499, "maxMinutes": 3, "maxCost": 1},
            "promotion": {"metric": "m", "goal": "minimize", "approval": {"withinHours": 12}},
        });
        let rows = of_definition(&definition(&more), &estimate(1, 1), &[]);
        let limits: Vec<_> = rows
            .iter()
            .map(|row| (&*row.step, &*row.field, row.limit, row.exceeded))
            .collect();
        for expected in [
            ("export", "limits.maxReadUnits", 499.0, true),
            ("export", "limits.maxMinutes", 3.0, false),
            ("export", "limits.maxCost", 1.0, false),
            ("approval", "promotion.approval.withinHours", 720.0, false),
        ] {
            assert!(limits.contains(&expected), "{expected:?}: {limits:?}");
        }
        let left = limits.iter().find(|row| row.1.contains("two days"));
        // Two days, less half an hour of training, half a day of a person, and four hours.
        assert!(left.is_some_and(|row| row.2 < 1900.0), "{limits:?}");
    }

    #[test]
    fn a_quota_is_a_limit_of_its_step() {
        let quota = |value| Quota {
            code: "L-1".to_owned(),
            value,
        };
        let quotas = |value| {
            let name = "ml.m5.large for training job usage".to_owned();
            BTreeMap::from([(name, quota(value))])
        };
        let demands = demands(&definition(&json!({})));
        let rows = compared(&demands, &quotas(1.0));
        assert_eq!((rows.len(), rows[0].exceeded), (1, false));
        let rows = compared(&demands, &quotas(0.0));
        assert_eq!((&*rows[0].step, rows[0].exceeded), ("training", true));
        assert_eq!(rows[0].field, "quota ml.m5.large for training job usage");
    }
}
