//! The Lambda function `publish-report`.

// The SDKs' futures are nested deeper than the compiler's default lets it look.
#![recursion_limit = "256"]

use aws::events::EventBus;
use aws::s3::S3Store;
use aws::sfn::StateMachines;
use aws::sns::Topic;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_shell::Error> {
    lambda_shell::init()?;
    let config = aws::load().await;
    let store = S3Store::new(&config, lambda_shell::env("LAKE_BUCKET")?);
    let bus = EventBus::new(&config);
    let machines = StateMachines::new(&config);
    let topic = Topic::new(&config, lambda_shell::env("NOTICES_TOPIC_ARN")?);
    let stack = lambda_shell::env("STACK_NAME")?;
    lambda_shell::serve(async |input, invocation| {
        publish_report::answer(&store, &bus, &machines, &topic, &stack, input, invocation).await
    })
    .await
}
