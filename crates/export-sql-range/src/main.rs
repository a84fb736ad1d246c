//! Wires `export-sql-range` to S3, Secrets Manager, the database and the Lambda Runtime API.

use std::time::Duration;

/// A failover of RDS takes one to two minutes.
const PATIENCE: Duration = Duration::from_mins(2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_shell::Error> {
    lambda_shell::init()?;
    let config = aws::load().await;
    let store = aws::s3::S3Store::new(&config, lambda_shell::env("LAKE_BUCKET")?);
    let secrets = aws::secrets::SecretsManager::new(&config);
    let databases = database::Drivers::patient(PATIENCE);
    let settings = export_sql_range::Settings::default();
    lambda_shell::serve(async |input, invocation| {
        export_sql_range::handle(&store, &databases, &secrets, settings, input, invocation).await
    })
    .await
}
