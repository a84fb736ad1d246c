//! Wires `capture-changes` to S3 and the Lambda Runtime API.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_shell::Error> {
    lambda_shell::init()?;
    let config = aws::load().await;
    let store = aws::s3::S3Store::new(&config, lambda_shell::env("LAKE_BUCKET")?);
    lambda_shell::serve_events(async |event, invocation| {
        capture_changes::handle(&store, &event, invocation).await
    })
    .await
}
