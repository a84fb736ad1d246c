//! Wires `compact-changes` to S3 and the Lambda Runtime API.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_shell::Error> {
    lambda_shell::init()?;
    let config = aws::load().await;
    let store = aws::s3::S3Store::new(&config, lambda_shell::env("LAKE_BUCKET")?);
    let concurrency = lambda_shell::env_as("MAP_CONCURRENCY")?;
    lambda_shell::serve(async |input, invocation| {
        compact_changes::handle(&store, concurrency, input, invocation).await
    })
    .await
}
