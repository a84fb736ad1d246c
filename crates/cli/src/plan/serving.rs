//! What comes after training: the comparison with the champion, and what serves the model.

use super::steps::StepRow;
use definition::prices::{MONTH_HOURS, SERVERLESS_GB_SECOND, instance_hour};
use definition::{Compute, Definition};
use schemars::JsonSchema;
use serde::Serialize;

/// Minutes of a transform job or a serverless endpoint's update in the plan. They are assumed:
/// SageMaker starts a machine first, and no record of a run has its time.
const ASSUMED_MINUTES: f64 = 5.0;
/// Seconds that a request to a serverless endpoint takes in the estimate of its price.
const REQUEST_SECONDS: f64 = 0.1;

/// What an endpoint costs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndpointRow {
    /// Its compute, in words.
    pub compute: String,
    /// US dollars of a month without any request; absent if the price is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dollars_per_month: Option<f64>,
    /// US dollars of a million requests of a tenth of a second each; absent for instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dollars_per_million_requests: Option<f64>,
}

/// The comparison of the new model and the champion, if the definition asks for it: a transform job
/// for each.
pub fn comparison(definition: &Definition) -> Option<StepRow> {
    let reevaluate = definition.promotion.as_ref()?.reevaluate.as_ref()?;
    let instance = &reevaluate.instance_type;
    Some(transform("comparison", instance, 2, "two transform jobs"))
}

/// Bringing the model into service, or scoring a batch with it.
pub fn deployment(definition: &Definition) -> Option<StepRow> {
    definition.promotion.as_ref()?;
    if let Some(batch) = &definition.batch {
        let what = "a transform job";
        return Some(transform(
            "scoring",
            &batch.instance_type,
            batch.count,
            what,
        ));
    }
    let endpoint = definition.endpoint();
    Some(match &endpoint.compute {
        Compute::Serverless { .. } => StepRow {
            step: "deployment".to_owned(),
            minutes: Some(ASSUMED_MINUTES),
            dollars: Some(0.0),
            at_most: false,
            basis: format!("a serverless endpoint, {ASSUMED_MINUTES} minutes assumed"),
        },
        Compute::Instances {
            instance_type,
            count,
        } => {
            let minutes = f64::from(endpoint.update_guardrails().update_seconds()) / 60.0;
            let price = instance_hour(instance_type);
            let hours = minutes / 60.0 * f64::from(*count);
            StepRow {
                step: "deployment".to_owned(),
                minutes: Some(minutes),
                dollars: price.map(|price| price * hours),
                at_most: true,
                basis: format!(
                    "{count} more {instance_type}{}, by the update's steps",
                    unknown(price)
                ),
            }
        }
    })
}

/// A step of transform jobs, all at once, with so many instances together.
fn transform(step: &str, instance: &str, instances: u32, what: &str) -> StepRow {
    let price = instance_hour(instance);
    let hours = ASSUMED_MINUTES / 60.0 * f64::from(instances);
    StepRow {
        step: step.to_owned(),
        minutes: Some(ASSUMED_MINUTES),
        dollars: price.map(|price| price * hours),
        at_most: false,
        basis: format!(
            "{what} on {instances} {instance}{}, {ASSUMED_MINUTES} minutes assumed",
            unknown(price)
        ),
    }
}

/// What is said beside an instance type whose price is not listed.
pub const fn unknown(price: Option<f64>) -> &'static str {
    match price {
        Some(_) => "",
        None => ", whose price is not known here",
    }
}

/// The endpoint, if a promoted model serves by one.
pub fn endpoint(definition: &Definition) -> Option<EndpointRow> {
    definition.promotion.as_ref()?;
    if definition.batch.is_some() {
        return None;
    }
    Some(match &definition.endpoint().compute {
        Compute::Serverless { memory_mb, .. } => {
            let gb = f64::from(*memory_mb) / 1024.0;
            let request = gb * REQUEST_SECONDS * SERVERLESS_GB_SECOND;
            EndpointRow {
                compute: format!("serverless, {memory_mb} MB"),
                dollars_per_month: Some(0.0),
                dollars_per_million_requests: Some(request * 1e6),
            }
        }
        Compute::Instances {
            instance_type,
            count,
        } => EndpointRow {
            compute: format!("{count} × {instance_type}"),
            dollars_per_month: instance_hour(instance_type)
                .map(|price| price * MONTH_HOURS * f64::from(*count)),
            dollars_per_million_requests: None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn definition(more: &Value) -> Definition {
        let mut definition = json!({
            "source": {"dynamodb": {"table": "t"}},
            "dataset": {"label": "y"},
            "training": {"image": "i"},
            "promotion": {"metric": "m", "goal": "minimize"},
        });
        for (name, value) in more.as_object().unwrap() {
            definition[name] = value.clone();
        }
        contract::read::from_value(definition).unwrap()
    }

    #[track_caller]
    fn close(value: Option<f64>, expected: f64) {
        let value = value.unwrap();
        assert!(
            (value - expected).abs() < 1e-9,
            "{value} and not {expected}"
        );
    }

    #[test]
    fn an_endpoint_costs_by_the_request_or_by_the_month() {
        let serverless = endpoint(&definition(&json!({}))).unwrap();
        close(serverless.dollars_per_month, 0.0);
        close(serverless.dollars_per_million_requests, 4.0);
        let compute = json!({"instances": {"instanceType": "ml.m5.large", "count": 2}});
        let instances = endpoint(&definition(&json!({"endpoint": {"compute": compute}})));
        close(instances.unwrap().dollars_per_month, 0.115 * 730.0 * 2.0);
        assert!(endpoint(&definition(&json!({"batch": {"input": "validation"}}))).is_none());
    }

    #[test]
    fn every_way_of_serving_is_a_step() {
        let serverless = deployment(&definition(&json!({}))).unwrap();
        assert_eq!(serverless.step, "deployment");
        close(serverless.dollars, 0.0);
        let instances = json!({"compute": {"instances": {"instanceType": "ml.m5.large", "count": 2}},
            "guardrails": {"shift": "allAtOnce", "bakeSeconds": 600}});
        let instances = deployment(&definition(&json!({"endpoint": instances}))).unwrap();
        // 90 minutes to start, and ten to watch.
        close(instances.minutes, 100.0);
        close(instances.dollars, 0.115 * 2.0 * 100.0 / 60.0);
        assert!(instances.at_most);
        let batch = json!({"input": "validation", "count": 3, "instanceType": "ml.m5.xlarge"});
        let scoring = deployment(&definition(&json!({"batch": batch}))).unwrap();
        assert_eq!(scoring.step, "scoring");
        close(scoring.dollars, 0.23 * 3.0 / 12.0);
        let promotion = json!({"metric": "m", "goal": "minimize", "reevaluate": {}});
        let compared = comparison(&definition(&json!({"promotion": promotion}))).unwrap();
        close(compared.dollars, 0.115 * 2.0 / 12.0);
        let other = json!({"metric": "m", "goal": "minimize",
            "reevaluate": {"instanceType": "ml.new.large"}});
        let other = comparison(&definition(&json!({"promotion": other}))).unwrap();
        assert_eq!(other.dollars, None);
        assert!(other.basis.contains("not known here"), "{}", other.basis);
    }
}
