//! Models, endpoint configurations, endpoints and invocations.

use crate::bench::{Bench, IMAGE, is_alive, until, variant};
use aws_sdk_sagemaker::error::ProvideErrorMetadata;
use aws_sdk_sagemaker::types::{ContainerDefinition, EndpointStatus};
use sagemaker_local::{Config, Error, Server};

async fn create(bench: &Bench, endpoint: &str, config: &str) {
    let create = bench.sagemaker.create_endpoint().endpoint_name(endpoint);
    create.endpoint_config_name(config).send().await.unwrap();
}

async fn update(bench: &Bench, endpoint: &str, config: &str) {
    let update = bench.sagemaker.update_endpoint().endpoint_name(endpoint);
    update.endpoint_config_name(config).send().await.unwrap();
}

// ---- serving ----

#[tokio::test]
async fn an_endpoint_serves_the_trained_model() {
    let bench = Bench::start().await;
    bench.servable("first", "").await;
    create(&bench, "recommendations", "first").await;
    let endpoint = bench.describe_endpoint("recommendations").await;
    assert_eq!(endpoint.endpoint_status(), Some(&EndpointStatus::Creating));
    let endpoint = bench.settled("recommendations").await;
    assert_eq!(
        endpoint.endpoint_status(),
        Some(&EndpointStatus::InService),
        "{endpoint:?}"
    );
    assert_eq!(endpoint.endpoint_config_name(), Some("first"));
    let [serving] = endpoint.production_variants() else {
        panic!("{endpoint:?}")
    };
    assert_eq!(serving.variant_name(), Some("AllTraffic"));
    assert_eq!(serving.current_instance_count(), Some(1));
    assert_eq!(serving.deployed_images()[0].specified_image(), Some(IMAGE));
    let answer = bench.invoke("recommendations", "7,9").await;
    assert_eq!(answer["model"], "first");
    assert_eq!(answer["body"], "7,9");
    assert_eq!(answer["content_type"], "text/csv");
    assert_eq!(answer["accept"], "application/json");
}

#[tokio::test]
async fn a_failed_invocation_quotes_the_program() {
    let bench = Bench::start().await;
    bench.servable("first", "").await;
    create(&bench, "e", "first").await;
    bench.settled("e").await;
    let invoke = |endpoint: &str, body: &'static [u8]| {
        let invoke = bench.runtime.invoke_endpoint().endpoint_name(endpoint);
        invoke.body(body.to_vec().into()).send()
    };
    let error = invoke("e", b"fail").await.unwrap_err().into_service_error();
    assert!(error.is_model_error(), "{error:?}");
    let aws_sdk_sagemakerruntime::operation::invoke_endpoint::InvokeEndpointError::ModelError(
        error,
    ) = error
    else {
        panic!("no model error")
    };
    assert_eq!(error.original_status_code(), Some(500));
    assert_eq!(error.original_message(), Some("no such user"));
    let error = invoke("absent", b"")
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(error.meta().code(), Some("ValidationError"));
    assert!(
        error
            .meta()
            .message()
            .unwrap()
            .contains("Endpoint absent of account")
    );
}

#[tokio::test]
async fn a_serving_program_that_dies_is_started_again() {
    let bench = Bench::start().await;
    bench.servable("first", "").await;
    create(&bench, "e", "first").await;
    bench.settled("e").await;
    let before = bench.invoke("e", "").await["pid"].as_i64().unwrap();
    let invoke = bench.runtime.invoke_endpoint().endpoint_name("e");
    let error = invoke
        .body(b"die".to_vec().into())
        .send()
        .await
        .unwrap_err();
    assert!(error.into_service_error().is_model_error());
    let after = until("the program's return", || async {
        let invoke = bench
            .runtime
            .invoke_endpoint()
            .endpoint_name("e")
            .body(Vec::new().into());
        let answer = invoke.send().await.ok()?;
        let answer: serde_json::Value = serde_json::from_slice(answer.body()?.as_ref()).ok()?;
        answer["pid"].as_i64()
    })
    .await;
    assert_ne!(before, after);
}

// ---- updates ----

#[tokio::test]
async fn an_update_switches_without_a_gap_and_ends_the_old_program() {
    let bench = Bench::start().await;
    bench.servable("first", "").await;
    bench.servable("second", "").await;
    create(&bench, "e", "first").await;
    bench.settled("e").await;
    let old = bench.invoke("e", "").await["pid"].as_i64().unwrap();
    update(&bench, "e", "second").await;
    let endpoint = bench.describe_endpoint("e").await;
    assert_eq!(endpoint.endpoint_status(), Some(&EndpointStatus::Updating));
    assert_eq!(endpoint.endpoint_config_name(), Some("first"));
    let pending = endpoint.pending_deployment_summary().unwrap();
    assert_eq!(pending.endpoint_config_name(), Some("second"));
    // The old program answers until the new one is healthy.
    until("the second model's answer", || async {
        let model = bench.invoke("e", "").await["model"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(["first", "second"].contains(&model.as_str()));
        (model == "second").then_some(())
    })
    .await;
    let endpoint = bench.settled("e").await;
    assert_eq!(endpoint.endpoint_config_name(), Some("second"));
    assert!(endpoint.pending_deployment_summary().is_none());
    until("the old program's end", || async {
        (!is_alive(old)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_update_that_fails_ends_in_service_on_the_old_configuration() {
    let bench = Bench::start().await;
    bench.servable("first", "").await;
    bench.servable("broken", "die").await;
    create(&bench, "e", "first").await;
    bench.settled("e").await;
    update(&bench, "e", "broken").await;
    let endpoint = bench.settled("e").await;
    assert_eq!(endpoint.endpoint_status(), Some(&EndpointStatus::InService));
    assert_eq!(endpoint.endpoint_config_name(), Some("first"));
    let reason = endpoint.failure_reason().unwrap();
    assert!(
        reason.contains("AllTraffic did not pass the ping health check"),
        "{reason}"
    );
    assert!(
        reason.contains(
            "(the program ended: exit status: 3; its last log line: the model is broken)"
        ),
        "{reason}"
    );
    assert_eq!(bench.invoke("e", "").await["model"], "first");
}

#[tokio::test]
async fn an_endpoint_that_never_answers_fails() {
    let bench = Bench::start().await;
    bench.servable("mute", "mute").await;
    create(&bench, "e", "mute").await;
    let endpoint = bench.settled("e").await;
    assert_eq!(endpoint.endpoint_status(), Some(&EndpointStatus::Failed));
    assert!(
        endpoint
            .failure_reason()
            .unwrap()
            .contains("(no answer in time; its log is empty)")
    );
    let update = bench
        .sagemaker
        .update_endpoint()
        .endpoint_name("e")
        .endpoint_config_name("mute");
    let error = update.send().await.unwrap_err().into_service_error();
    assert!(
        error
            .message()
            .unwrap()
            .contains("Cannot update failed endpoint"),
        "{error:?}"
    );
    bench
        .sagemaker
        .delete_endpoint()
        .endpoint_name("e")
        .send()
        .await
        .unwrap();
}

// ---- deletion and restarts ----

#[tokio::test]
async fn a_deleted_endpoint_no_longer_exists_and_its_program_has_ended() {
    let bench = Bench::start().await;
    bench.servable("first", "").await;
    create(&bench, "e", "first").await;
    bench.settled("e").await;
    let pid = bench.invoke("e", "").await["pid"].as_i64().unwrap();
    bench
        .sagemaker
        .delete_endpoint()
        .endpoint_name("e")
        .send()
        .await
        .unwrap();
    let error = until("the endpoint's end", || async {
        let describe = bench.sagemaker.describe_endpoint().endpoint_name("e");
        describe.send().await.err()
    })
    .await;
    let error = error.into_service_error();
    assert_eq!(error.code(), Some("ValidationException"));
    let arn = "arn:aws:sagemaker:us-east-1:000000000000:endpoint/e";
    assert_eq!(
        error.message(),
        Some(format!("Could not find endpoint \"{arn}\".").as_str())
    );
    assert!(!is_alive(pid));
    let list = bench.sagemaker.list_endpoints().send().await.unwrap();
    assert!(list.endpoints().is_empty());
}

#[tokio::test]
async fn an_endpoint_serves_again_after_a_restart() {
    let bench = Bench::start().await;
    bench.servable("first", "").await;
    create(&bench, "e", "first").await;
    bench.settled("e").await;
    let old = bench.invoke("e", "").await["pid"].as_i64().unwrap();
    let bench = bench.restart().await;
    assert!(!is_alive(old));
    let endpoint = bench.settled("e").await;
    assert_eq!(endpoint.endpoint_status(), Some(&EndpointStatus::InService));
    assert_eq!(bench.invoke("e", "").await["model"], "first");
    let models = bench.sagemaker.list_models().send().await.unwrap();
    assert_eq!(models.models()[0].model_name(), Some("first"));
    let new = bench.invoke("e", "").await["pid"].as_i64().unwrap();
    bench.server.shutdown().await;
    assert!(!is_alive(new));
}

#[tokio::test]
async fn two_servers_do_not_share_a_state_directory() {
    let bench = Bench::start().await;
    let error = Server::start(Config::new(bench.state.path()))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::InUse { .. }), "{error}");
}

// ---- refusals ----

fn arn(kind: &str, name: &str) -> String {
    format!("\"arn:aws:sagemaker:us-east-1:000000000000:{kind}/{name}\".")
}

fn said(message: Option<&str>) -> String {
    message.unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_name_that_exists_is_refused() {
    let bench = Bench::start().await;
    // The endpoint stays Creating until the end of the test.
    bench.servable("first", "mute").await;
    create(&bench, "e", "first").await;
    let sagemaker = &bench.sagemaker;

    let container = ContainerDefinition::builder().image(IMAGE).build();
    let model = sagemaker
        .create_model()
        .model_name("first")
        .primary_container(container);
    let error = model.send().await.unwrap_err().into_service_error();
    let there = format!(
        "Cannot create already existing model {}",
        arn("model", "first")
    );
    assert_eq!(
        (error.code(), said(error.message())),
        (Some("ValidationException"), there)
    );

    let config = sagemaker
        .create_endpoint_config()
        .endpoint_config_name("first");
    let error = config
        .production_variants(variant("first"))
        .send()
        .await
        .unwrap_err();
    let message = said(error.into_service_error().message());
    assert!(message.starts_with("Cannot create already existing endpoint configuration"));

    let endpoint = sagemaker
        .create_endpoint()
        .endpoint_name("e")
        .endpoint_config_name("first");
    let message = said(
        endpoint
            .send()
            .await
            .unwrap_err()
            .into_service_error()
            .message(),
    );
    assert_eq!(
        message,
        format!(
            "Cannot create already existing endpoint {}",
            arn("endpoint", "e")
        )
    );

    let delete = sagemaker.delete_endpoint().endpoint_name("e").send().await;
    let message = said(delete.unwrap_err().into_service_error().message());
    assert_eq!(
        message,
        format!(
            "Cannot update in-progress endpoint {}",
            arn("endpoint", "e")
        )
    );
}

#[tokio::test]
async fn a_missing_name_is_reported() {
    let bench = Bench::start().await;
    let sagemaker = &bench.sagemaker;
    let config = sagemaker
        .create_endpoint_config()
        .endpoint_config_name("other");
    let error = config
        .production_variants(variant("absent"))
        .send()
        .await
        .unwrap_err();
    let message = said(error.into_service_error().message());
    assert_eq!(
        message,
        format!("Could not find model {}", arn("model", "absent"))
    );

    let endpoint = sagemaker
        .create_endpoint()
        .endpoint_name("f")
        .endpoint_config_name("absent");
    let message = said(
        endpoint
            .send()
            .await
            .unwrap_err()
            .into_service_error()
            .message(),
    );
    let config = arn("endpoint-config", "absent");
    assert_eq!(
        message,
        format!("Could not find endpoint configuration {config}")
    );

    let lost = ContainerDefinition::builder()
        .image(IMAGE)
        .model_data_url("s3://lake/lost")
        .build();
    let model = sagemaker
        .create_model()
        .model_name("lost")
        .primary_container(lost);
    let message = said(
        model
            .send()
            .await
            .unwrap_err()
            .into_service_error()
            .message(),
    );
    assert_eq!(message, "Could not find model data at s3://lake/lost.");
}
