//! `convert --pipeline-id`: a pipeline of the account that cannot be read, and options that do not
//! go together.

use crate::refused;
use crate::world::World;
use axum::http::StatusCode;

#[tokio::test]
async fn a_pipeline_that_cannot_be_read_is_named_with_what_to_do() {
    let world = World::new().await;
    for (status, code, exit, advice) in [
        (400, "PipelineNotFoundException", 5, "--region NAME"),
        (400, "PipelineDeletedException", 5, "--region NAME"),
        (400, "AccessDeniedException", 4, "permission"),
        (400, "UnrecognizedClientException", 4, "--profile NAME"),
        (500, "InternalServiceError", 6, "--region"),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        world.account().refusal = Some((status, code));
        let ended = world.run("convert --pipeline-id df-1").await;
        let words = [code, "df-1", "region eu-central-1"];
        refused(&ended, exit, &words, advice);
    }
    let asked = world.account().asked.clone();
    assert!(
        asked
            .iter()
            .all(|(operation, _)| operation == "GetPipelineDefinition"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn options_that_do_not_go_together_are_refused() {
    let world = World::new().await;
    for line in [
        "convert",
        "convert --pipeline-id",
        "convert --pipeline-id x",
        "convert --pipeline-id df-",
        "convert --pipeline-id df-../../x",
        "convert --pipeline-id df-1 nightly.json",
        "convert --pipeline-id df-1 --from file",
        "convert nightly.json --region eu-central-1",
    ] {
        let ended = world.run(line).await;
        assert_eq!(ended.code, 2, "{line}: {ended:?}");
    }
    assert!(world.account().asked.is_empty());
}
