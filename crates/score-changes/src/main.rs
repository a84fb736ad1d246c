//! Wires `score-changes` to S3, SageMaker, DynamoDB and the Lambda Runtime API.

// The SDKs' futures are nested deeper than the compiler's default lets it look.
#![recursion_limit = "256"]

use aws::dynamodb::Tables;
use aws::s3::S3Store;
use aws::sagemaker::SageMaker;
use score_changes::{Scorer, Settings, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_shell::Error> {
    lambda_shell::init()?;
    let config = aws::load().await;
    let store = S3Store::new(&config, lambda_shell::env("LAKE_BUCKET")?);
    let sagemaker = SageMaker::new(&config);
    let tables = Tables::new(&config);
    let pipeline = lambda_shell::env("PIPELINE")?;
    let scorer = Scorer::new(Settings::new(pipeline, lambda_shell::env("SCORES_TABLE")?));
    lambda_shell::serve(async |input, invocation| {
        Box::pin(handle(
            &store, &sagemaker, &tables, &scorer, input, invocation,
        ))
        .await
    })
    .await
}
