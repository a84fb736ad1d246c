//! Managed spot training: interruptions, checkpoints, the wait for an instance.

use crate::bench::{Bench, job};
use lake::store::ObjectStore;
use serde_json::{Value, json};

fn spot(name: &str, wait: u32) -> Value {
    let mut spot = job(name, json!({"mode": "checkpoint", "name": name}));
    spot["EnableManagedSpotTraining"] = json!(true);
    spot["StoppingCondition"] = json!({"MaxRuntimeInSeconds": wait, "MaxWaitTimeInSeconds": wait});
    spot["CheckpointConfig"] = json!({"S3Uri": "s3://lake/checkpoints/it"});
    spot
}

#[tokio::test]
async fn an_interrupted_job_continues_from_its_checkpoints() {
    let bench = Bench::start().await;
    bench
        .faults(json!([{"fault": "interrupt", "afterSeconds": 5}]))
        .await;
    bench.call("CreateTrainingJob", spot("job", 600)).await;
    let job = bench.ended("job").await;
    assert_eq!(job["TrainingJobStatus"], "Completed", "{job}");
    let steps = job["SecondaryStatusTransitions"].as_array().unwrap();
    let interruptions = steps.iter().filter(|step| step["Status"] == "Interrupted");
    assert!(interruptions.count() >= 2, "{steps:?}");
    // The program counts its starts in a checkpoint, and ends by itself at the third.
    let starts = bench.store.get("checkpoints/it/starts").await.unwrap();
    let starts: u32 = std::str::from_utf8(&starts).unwrap().parse().unwrap();
    assert!(starts >= 3, "{starts}");
}

#[tokio::test]
async fn a_job_without_an_instance_stops_after_its_wait_time() {
    let bench = Bench::start().await;
    bench.faults(json!([{"fault": "capacity"}])).await;
    bench.call("CreateTrainingJob", spot("job", 1)).await;
    let ended = bench.ended("job").await;
    assert_eq!(ended["TrainingJobStatus"], "Stopped", "{ended}");
    assert_eq!(ended["SecondaryStatus"], "MaxWaitTimeExceeded");
    assert_eq!(ended["BillableTimeInSeconds"], 0);
    bench
        .call("CreateTrainingJob", job("other", json!({})))
        .await;
    let job = bench.ended("other").await;
    assert_eq!(job["TrainingJobStatus"], "Failed");
    assert!(
        job["FailureReason"]
            .as_str()
            .unwrap()
            .starts_with("CapacityError: ")
    );
}

#[tokio::test]
async fn spot_jobs_and_only_they_need_a_wait_time() {
    let bench = Bench::start().await;
    let mut shorter = spot("job", 600);
    shorter["StoppingCondition"]["MaxWaitTimeInSeconds"] = json!(59);
    let mut on_demand = spot("job", 600);
    on_demand["EnableManagedSpotTraining"] = json!(false);
    for request in [shorter, on_demand] {
        let (code, message) = bench.ask("CreateTrainingJob", &request).await.unwrap_err();
        assert_eq!(code, "ValidationException");
        assert!(
            message.starts_with("Invalid MaxWaitTimeInSeconds"),
            "{message}"
        );
    }
}
