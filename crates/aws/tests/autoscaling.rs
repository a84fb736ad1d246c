//! The Application Auto Scaling adapter: the port's suite on an endpoint that serves locally, and a
//! policy that is somebody else's.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use aws::autoscaling::AutoScaling;
use aws::s3::S3Store;
use aws::sagemaker::SageMaker;
use aws_sdk_applicationautoscaling::Client;
use aws_sdk_applicationautoscaling::types::{
    MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ServiceNamespace,
    TargetTrackingScalingPolicyConfiguration,
};
use bytes::Bytes;
use definition::{Autoscaling, Compute};
use lake::ObjectStore;
use local_servers::s3::S3;
use sagemaker_local::{Config, Handle, Server};
use sagemaker_ports::{ConfigSpec, EndpointStatus, Endpoints, Scaling, Tags, conformance};
use std::time::Duration;

const IMAGE: &str = "000000000000.dkr.ecr.us-east-1.amazonaws.com/recommender:1";
const ENDPOINT: &str = "films";
/// A `.tar.gz` without files.
const NO_FILES: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x63\x60\x18\x05\xa3\x60\x14\x8c\x54\x00\x00\x2e\xaf\xb5\xef\x00\x04\x00\x00";

/// An endpoint of two instances in service: only such a one can be scaled.
async fn serve(s3: &S3, state: &std::path::Path) -> Handle {
    let lake = S3Store::new(&aws::local(s3.url()).await, "lake");
    lake.put("model.tar.gz", Bytes::from_static(NO_FILES))
        .await
        .unwrap();
    let mut config = Config::new(state);
    config.s3_endpoint = Some(s3.url().to_owned());
    let program = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../sagemaker-local/tests/api/program.py"
    );
    let words = vec!["python3".to_owned(), program.to_owned()];
    config.images.add_words(IMAGE, words).unwrap();
    let server = Server::start(config).await.unwrap();

    let sagemaker = SageMaker::new(&aws::local(&server.url()).await);
    let model = conformance::model(ENDPOINT, IMAGE, "s3://lake/model.tar.gz");
    sagemaker.create_model(&model).await.unwrap();
    let config = ConfigSpec {
        name: ENDPOINT.to_owned(),
        model: ENDPOINT.to_owned(),
        compute: Compute::Instances {
            instance_type: "ml.m5.large".to_owned(),
            count: 2,
        },
        capture: None,
        startup_seconds: None,
        volume_key: None,
        tags: Tags::new(),
    };
    sagemaker.create_config(&config).await.unwrap();
    sagemaker
        .create_endpoint(ENDPOINT, ENDPOINT, &Tags::new())
        .await
        .unwrap();
    loop {
        let there = sagemaker
            .describe_endpoint(ENDPOINT)
            .await
            .unwrap()
            .unwrap();
        match there.status {
            EndpointStatus::InService => return server,
            EndpointStatus::Creating => tokio::time::sleep(Duration::from_millis(50)).await,
            other => panic!("{other:?}: {there:?}"),
        }
    }
}

#[tokio::test]
async fn the_adapter_passes_the_suite_against_the_local_server() {
    let state = tempfile::tempdir().unwrap();
    let s3 = S3::start(&["lake"]).await;
    let server = serve(&s3, state.path()).await;
    let scaling = AutoScaling::new(&aws::local(&server.url()).await);
    conformance::scaling(&scaling, ENDPOINT).await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_policy_of_somebody_elses_keeps_its_target() {
    let state = tempfile::tempdir().unwrap();
    let s3 = S3::start(&["lake"]).await;
    let server = serve(&s3, state.path()).await;
    let config = aws::local(&server.url()).await;
    let scaling = AutoScaling::new(&config);
    let ours = Autoscaling {
        min_instances: 1,
        max_instances: 4,
        invocations_per_instance: 600,
        scale_in_cooldown_seconds: 300,
        scale_out_cooldown_seconds: 60,
    };
    scaling.put_scaling(ENDPOINT, &ours).await.unwrap();
    let client = Client::new(&config);
    let metric = PredefinedMetricSpecification::builder()
        .predefined_metric_type(MetricType::SageMakerVariantInvocationsPerInstance)
        .build()
        .unwrap();
    let theirs = TargetTrackingScalingPolicyConfiguration::builder()
        .target_value(70.0)
        .predefined_metric_specification(metric)
        .build()
        .unwrap();
    let put = client.put_scaling_policy().policy_name("theirs");
    let put = put
        .service_namespace(ServiceNamespace::Sagemaker)
        .resource_id("endpoint/films/variant/AllTraffic")
        .scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount)
        .policy_type(PolicyType::TargetTrackingScaling)
        .target_tracking_scaling_policy_configuration(theirs);
    put.send().await.unwrap();

    scaling.remove_scaling(ENDPOINT).await.unwrap();
    assert_eq!(scaling.describe_scaling(ENDPOINT).await.unwrap(), None);
    let left = client
        .describe_scalable_targets()
        .service_namespace(ServiceNamespace::Sagemaker);
    let left = left.send().await.unwrap().scalable_targets.unwrap();
    assert_eq!(
        (left.len(), left[0].max_capacity),
        (1, 4),
        "their policy still needs it"
    );
    server.shutdown().await;
}
