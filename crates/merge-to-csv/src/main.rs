//! Wires `merge-to-csv` to S3 and the Lambda Runtime API.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shell::Error> {
    shell::init();
    let config = aws::load().await;
    let store = aws::s3::S3Store::new(&config, shell::env("LAKE_BUCKET")?);
    shell::serve(async |input, invocation| merge_to_csv::handle(&store, input, invocation).await)
        .await
}
