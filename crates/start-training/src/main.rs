//! The Lambda function `start-training`.

// The SDKs' futures are nested deeper than the compiler's default lets it look.
#![recursion_limit = "256"]

use aws::s3::S3Store;
use aws::sagemaker::SageMaker;
use aws::sfn::StateMachines;
use aws::training_log::TrainingLogGroup;
use start_training::{Settings, answer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_shell::Error> {
    lambda_shell::init()?;
    let config = aws::load().await;
    let store = S3Store::new(&config, lambda_shell::env("LAKE_BUCKET")?);
    let jobs = SageMaker::new(&config);
    let logs = TrainingLogGroup::new(&config);
    let executions = StateMachines::new(&config);
    let settings = Settings {
        role_arn: lambda_shell::env("TRAINING_ROLE_ARN")?,
        lake_key: lambda_shell::env("LAKE_KEY_ARN")?,
        stack: lambda_shell::env("STACK_NAME")?,
        region: lambda_shell::env("AWS_REGION")?,
    };
    lambda_shell::serve(async |input, invocation| {
        let answered = answer(
            &store,
            &jobs,
            &logs,
            &executions,
            &settings,
            input,
            invocation,
        );
        answered.await
    })
    .await
}
