//! The Lambda function `deploy-endpoint`.

// The SDKs' futures are nested deeper than the compiler's default lets it look.
#![recursion_limit = "256"]

use aws::autoscaling::AutoScaling;
use aws::cloudwatch::CloudWatch;
use aws::s3::S3Store;
use aws::sagemaker::SageMaker;
use deploy_endpoint::{Settings, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_shell::Error> {
    lambda_shell::init()?;
    let config = aws::load().await;
    let store = S3Store::new(&config, lambda_shell::env("LAKE_BUCKET")?);
    let sagemaker = SageMaker::new(&config);
    let scaling = AutoScaling::new(&config);
    let alarms = CloudWatch::new(&config);
    let settings = Settings {
        role_arn: lambda_shell::env("SERVING_ROLE_ARN")?,
        lake_key: lambda_shell::env("LAKE_KEY_ARN")?,
        stack: lambda_shell::env("STACK_NAME")?,
        settle: Settings::SETTLE,
        topic: lambda_shell::env("NOTICES_TOPIC_ARN")?,
        region: lambda_shell::env("AWS_REGION")?,
    };
    lambda_shell::serve(async |input, invocation| {
        Box::pin(handle(
            &store, &sagemaker, &scaling, &alarms, &settings, input, invocation,
        ))
        .await
    })
    .await
}
