//! The instances that a run asks for, job by job; each kind of job has a quota of its own.

use definition::{Compute, Definition};

/// Instances of a type that a run asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Demand {
    /// The step that asks for them.
    pub step: &'static str,
    /// The field with the instance type.
    pub path: &'static str,
    /// The quota, as SageMaker names it.
    pub quota: String,
    /// The instances in use at once.
    pub instances: u32,
    /// Where so many come from, in words.
    pub because: String,
}

/// What a run asks for.
pub fn demands(definition: &Definition) -> Vec<Demand> {
    let mut demands = Vec::new();
    let mut add =
        |path: &'static str, instance_type: &str, usage: &str, instances: u32, because: String| {
            demands.push(Demand {
                step: match usage {
                    "endpoint" => "deployment",
                    "transform job" if path.starts_with("batch.") => "scoring",
                    "transform job" => "comparison",
                    _ => "training",
                },
                path,
                quota: format!("{instance_type} for {usage} usage"),
                instances,
                because,
            });
        };
    let Some(training) = &definition.training else {
        return demands;
    };
    let usage = if training.spot.is_some() {
        "spot training job"
    } else {
        "training job"
    };
    let (jobs, because) = match &training.tuning {
        Some(tuning) if tuning.max_parallel_jobs > 1 => {
            let jobs = tuning.max_parallel_jobs;
            (jobs, format!(" for {jobs} jobs at once"))
        }
        _ => (1, String::new()),
    };
    let instances = training.instance_count.saturating_mul(jobs);
    add(
        "training.instanceType",
        &training.instance_type,
        usage,
        instances,
        because,
    );
    let Some(promotion) = &definition.promotion else {
        return demands;
    };
    if let Some(reevaluate) = &promotion.reevaluate {
        add(
            "promotion.reevaluate.instanceType",
            &reevaluate.instance_type,
            "transform job",
            1,
            String::new(),
        );
    }
    if let Some(batch) = &definition.batch {
        let path = "batch.instanceType";
        let because = String::new();
        add(
            path,
            &batch.instance_type,
            "transform job",
            batch.count,
            because,
        );
    } else if let Compute::Instances {
        instance_type,
        count,
    } = &definition.endpoint().compute
    {
        // Source: Amazon SageMaker AI Developer Guide, "Blue/Green Deployments".
        let because = format!(", as an update starts {count} beside the {count} that serve");
        add(
            "endpoint.compute.instances.instanceType",
            instance_type,
            "endpoint",
            count.saturating_mul(2),
            because,
        );
    }
    demands
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn demanded(more: &Value) -> Vec<(&'static str, String, u32)> {
        let mut definition = json!({
            "source": {"dynamodb": {"table": "t"}},
            "dataset": {"label": "y"},
            "training": {"image": "i", "instanceType": "ml.c5.large", "instanceCount": 2},
        });
        for (name, value) in more.as_object().unwrap() {
            definition[name] = value.clone();
        }
        let definition = contract::read::from_value(definition).unwrap();
        let demands = demands(&definition).into_iter();
        demands
            .map(|demand| (demand.path, demand.quota, demand.instances))
            .collect()
    }

    #[test]
    fn each_job_asks_for_instances_of_its_own_quota() {
        let training = (
            "training.instanceType",
            "ml.c5.large for training job usage".to_owned(),
            2,
        );
        assert_eq!(demanded(&json!({})), std::slice::from_ref(&training));
        let promotion = json!({"metric": "m", "goal": "minimize", "reevaluate": {}});
        let compute = json!({"instances": {"instanceType": "ml.m5.large", "count": 3}});
        let all = demanded(&json!({
            "promotion": promotion, "endpoint": {"compute": compute},
        }));
        let reevaluate = (
            "promotion.reevaluate.instanceType",
            "ml.m5.large for transform job usage".to_owned(),
            1,
        );
        let endpoint = (
            "endpoint.compute.instances.instanceType",
            "ml.m5.large for endpoint usage".to_owned(),
            6,
        );
        assert_eq!(all, [training.clone(), reevaluate.clone(), endpoint]);
        let batch = json!({"input": "validation", "instanceType": "ml.m5.xlarge", "count": 4});
        let all = demanded(&json!({"promotion": promotion, "batch": batch}));
        let batch = (
            "batch.instanceType",
            "ml.m5.xlarge for transform job usage".to_owned(),
            4,
        );
        assert_eq!(all, [training, reevaluate, batch]);
        // A serverless endpoint has no instances.
        let plain = json!({"promotion": {"metric": "m", "goal": "minimize"}});
        assert_eq!(demanded(&plain).len(), 1);
    }

    #[test]
    fn a_search_on_spot_instances_asks_for_its_jobs_at_once() {
        let training = json!({
            "image": "i", "spot": {"maxWaitSeconds": 90_000},
            "tuning": {
                "metric": "m", "goal": "minimize", "maxJobs": 12, "maxParallelJobs": 3,
                "ranges": {"eta": {"continuous": {"minimum": 0.1, "maximum": 0.5}}},
            },
        });
        let spot = "ml.m5.large for spot training job usage".to_owned();
        assert_eq!(
            demanded(&json!({"training": training})),
            [("training.instanceType", spot, 3)]
        );
    }
}
