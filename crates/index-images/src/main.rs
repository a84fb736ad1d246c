//! Wires `index-images` to S3, DynamoDB and the Lambda Runtime API.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_shell::Error> {
    lambda_shell::init()?;
    let config = aws::load().await;
    let store = aws::s3::S3Store::new(&config, lambda_shell::env("LAKE_BUCKET")?);
    let tables = aws::dynamodb::Tables::new(&config);
    let settings = index_images::Settings::default();
    lambda_shell::serve(async |input, invocation| {
        index_images::handle(&store, &tables, settings, input, invocation).await
    })
    .await
}
