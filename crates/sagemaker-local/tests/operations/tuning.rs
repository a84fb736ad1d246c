//! Tuning jobs.

use crate::bench::{Bench, definition};
use serde_json::{Value, json};

fn request(name: &str, jobs: u32, fixed: Value) -> Value {
    let mut definition = definition();
    definition["StaticHyperParameters"] = fixed;
    json!({
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "rmse"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": jobs, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"ContinuousParameterRanges": [
                {"Name": "divisor", "MinValue": "1", "MaxValue": "9"},
            ]},
        },
        "TrainingJobDefinition": definition,
    })
}

async fn ended(bench: &Bench, name: &str) -> Value {
    let request = json!({"HyperParameterTuningJobName": name});
    let is_over = |job: &Value| {
        let status = job["HyperParameterTuningJobStatus"].as_str().unwrap();
        !["InProgress", "Stopping"].contains(&status)
    };
    bench
        .until("DescribeHyperParameterTuningJob", &request, is_over)
        .await
}

#[tokio::test]
async fn a_tuning_job_trains_and_reports_the_best_job() {
    let bench = Bench::start().await;
    let create = request("tune", 3, json!({"name": "tuned"}));
    bench
        .call("CreateHyperParameterTuningJob", create.clone())
        .await;
    let job = ended(&bench, "tune").await;
    assert_eq!(job["HyperParameterTuningJobStatus"], "Completed", "{job}");
    assert_eq!(job["TrainingJobStatusCounters"]["Completed"], 3);
    assert_eq!(job["ObjectiveStatusCounters"]["Succeeded"], 3);
    let list =
        json!({"HyperParameterTuningJobName": "tune", "SortBy": "FinalObjectiveMetricValue"});
    let list = bench
        .call("ListTrainingJobsForHyperParameterTuningJob", list)
        .await;
    let list = list["TrainingJobSummaries"].as_array().unwrap();
    let values: Vec<_> = list
        .iter()
        .map(|it| {
            let metric = &it["FinalHyperParameterTuningJobObjectiveMetric"];
            metric["Value"].as_f64().unwrap()
        })
        .collect();
    assert!(values.len() == 3 && values.is_sorted(), "{values:?}");
    let best = &job["BestTrainingJob"];
    assert_eq!(best["TrainingJobName"], list[0]["TrainingJobName"]);
    // Its training jobs are ordinary ones with the tried values.
    let child = json!({"TrainingJobName": best["TrainingJobName"]});
    let child = bench.call("DescribeTrainingJob", child).await;
    assert_eq!(child["TuningJobArn"], job["HyperParameterTuningJobArn"]);
    let given = &child["HyperParameters"];
    assert_eq!(given["divisor"], best["TunedHyperParameters"]["divisor"]);
    assert_eq!(given["_tuning_objective_metric"], "rmse");
    let again = bench.ask("CreateHyperParameterTuningJob", &create).await;
    assert_eq!(again.unwrap_err().0, "ResourceInUse");
}

#[tokio::test]
async fn a_tuning_job_without_a_success_fails() {
    let bench = Bench::start().await;
    let create = request("tune", 1, json!({"mode": "fail"}));
    bench.call("CreateHyperParameterTuningJob", create).await;
    let job = ended(&bench, "tune").await;
    assert_eq!(job["HyperParameterTuningJobStatus"], "Failed", "{job}");
    assert_eq!(job["TrainingJobStatusCounters"]["NonRetryableError"], 1);
    assert!(job["FailureReason"].as_str().unwrap().contains("rmse"));
}

#[tokio::test]
async fn stopping_a_tuning_job_stops_its_training_jobs() {
    let bench = Bench::start().await;
    let create = request("tune", 9, json!({"mode": "hang"}));
    bench.call("CreateHyperParameterTuningJob", create).await;
    let name = json!({"HyperParameterTuningJobName": "tune"});
    let is_full = |job: &Value| job["TrainingJobStatusCounters"]["InProgress"] == 2;
    bench
        .until("DescribeHyperParameterTuningJob", &name, is_full)
        .await;
    bench.call("StopHyperParameterTuningJob", name).await;
    let job = ended(&bench, "tune").await;
    assert_eq!(job["HyperParameterTuningJobStatus"], "Stopped");
    assert_eq!(job["TrainingJobStatusCounters"]["Stopped"], 2);
}

#[tokio::test]
async fn an_invalid_training_definition_is_refused_at_once() {
    let bench = Bench::start().await;
    let mut create = request("tune", 1, json!({}));
    create["TrainingJobDefinition"]["RoleArn"] = json!("nobody");
    let refused = bench.ask("CreateHyperParameterTuningJob", &create).await;
    let (code, message) = refused.unwrap_err();
    assert_eq!(code, "ValidationException");
    assert!(message.contains("roleArn"), "{message}");
}
