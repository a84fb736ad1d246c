//! The Data Pipeline adapter: what is asked for, and refusals.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

#[path = "support/script.rs"]
mod script;

use aws::data_pipeline::DataPipelines;
use contract::ErrorName;
use script::{Answer, Script};
use serde_json::json;

#[tokio::test]
async fn the_active_definition_is_asked_for() {
    let definition = json!({"pipelineObjects": [{"id": "Default", "fields": []}]});
    let script = Script::start(vec![Answer::ok(definition.to_string())]).await;
    let pipelines = DataPipelines::new(&aws::local(&script.url).await);
    let found = pipelines.active_definition("df-1").await.unwrap();
    assert_eq!(found, definition);
    let asked = json!({"pipelineId": "df-1", "version": "active"});
    assert_eq!(script.requests(), [asked]);
}

#[tokio::test]
async fn a_refusal_is_named() {
    for (status, code, name) in [
        (400, "PipelineNotFoundException", ErrorName::NotFound),
        (400, "PipelineDeletedException", ErrorName::NotFound),
        (400, "AccessDeniedException", ErrorName::AccessDenied),
        (400, "InvalidRequestException", ErrorName::ServiceRejected),
        (500, "InternalServiceError", ErrorName::ServiceUnavailable),
    ] {
        let refused = Answer {
            status,
            body: json!({"__type": code, "message": "as the script has it"})
                .to_string()
                .into(),
            ..Answer::default()
        };
        let script = Script::start(vec![refused]).await;
        let pipelines = DataPipelines::new(&aws::local(&script.url).await);
        let error = pipelines.active_definition("df-1").await.unwrap_err();
        assert_eq!((error.name, error.code.as_str()), (name, code));
        assert!(
            error.to_string().contains("as the script has it"),
            "{error}"
        );
    }
}
