//! Wires `plan-export` to S3, DynamoDB, relational databases, Secrets Manager, Step Functions,
//! CloudWatch, Lambda and the Lambda Runtime API.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_shell::Error> {
    lambda_shell::init()?;
    let config = aws::load().await;
    let store = aws::s3::S3Store::new(&config, lambda_shell::env("LAKE_BUCKET")?);
    let tables = aws::dynamodb::Tables::new(&config);
    let captures = aws::capture::Captures::new(&config, lambda_shell::env("CAPTURE_MAPPING")?);
    let settings = plan_export::Settings {
        overrides: lambda_shell::env_as("INPUT_MAY_OVERRIDE")?,
        stack: lambda_shell::env("STACK_NAME")?,
        concurrency: lambda_shell::env_as("MAP_CONCURRENCY")?,
    };
    let secrets = aws::secrets::SecretsManager::new(&config);
    // A database that fails over is back after a minute or two: the state asks again.
    let databases = database::Drivers::patient(std::time::Duration::from_secs(20));
    let sources = plan_export::Sources {
        tables: &tables,
        databases: &databases,
        secrets: &secrets,
        lake: Some(&store),
        captures: &captures,
        concurrency: settings.concurrency,
    };
    let executions = aws::sfn::StateMachines::new(&config);
    let alarms = aws::cloudwatch::CloudWatch::new(&config);
    let functions = aws::functions::Functions::new(&config);
    lambda_shell::serve(async |input, _invocation| {
        let planned = plan_export::handle(
            &store,
            &sources,
            &executions,
            &alarms,
            &functions,
            &settings,
            input,
        );
        Box::pin(planned).await
    })
    .await
}
