//! Wires `plan-export` to S3, DynamoDB, Step Functions and the Lambda Runtime API.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_shell::Error> {
    lambda_shell::init()?;
    let config = aws::load().await;
    let store = aws::s3::S3Store::new(&config, lambda_shell::env("LAKE_BUCKET")?);
    let tables = aws::dynamodb::Tables::new(&config);
    let settings = plan_export::Settings {
        overrides: lambda_shell::env_as("INPUT_MAY_OVERRIDE")?,
        stack: lambda_shell::env("STACK_NAME")?,
        concurrency: lambda_shell::env_as("MAP_CONCURRENCY")?,
    };
    let sources = plan_export::Sources {
        tables: &tables,
        concurrency: settings.concurrency,
    };
    let executions = aws::sfn::StateMachines::new(&config);
    lambda_shell::serve(async |input, invocation| {
        plan_export::handle(&store, &sources, &executions, &settings, input, invocation).await
    })
    .await
}
