//! The Lambda function `publish-report`.

// The SDKs' futures are nested deeper than the compiler's default lets it look.
#![recursion_limit = "256"]

use aws::events::EventBus;
use aws::s3::S3Store;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_shell::Error> {
    lambda_shell::init()?;
    let config = aws::load().await;
    let store = S3Store::new(&config, lambda_shell::env("LAKE_BUCKET")?);
    let bus = EventBus::new(&config);
    lambda_shell::serve(async |input, invocation| {
        publish_report::handle(&store, &bus, input, invocation).await
    })
    .await
}
