//! Commands to inspect local AWS while it runs.

use super::Algorithm;
use super::recommend::invocations;
use crate::local::Local;
use lake::store::ObjectStore;

/// Endpoints and commands to inspect local AWS, as lines for a shell.
pub fn hints(local: &Local, endpoint: &str, algorithm: Algorithm) -> String {
    let (kind, body) = match algorithm {
        Algorithm::Recommender => ("application/json", r#"{"user": 1, "n": 5}"#),
        Algorithm::Xgboost => ("text/csv", "1,1,1,1"),
    };
    let table = super::TABLE;
    let scan = format!("aws dynamodb scan --table-name {table} --max-items 1");
    let data = format!("-H 'Content-Type: {kind}' -d '{body}'");
    lines(local, endpoint, &scan, &data)
}

/// The same where the demo was of images.
pub fn hints_of_images(local: &Local, endpoint: &str) -> String {
    let bucket = local.lake().bucket().to_owned();
    let copy = format!("aws s3 cp s3://{bucket}/images/vehicle=07/1/00001.jpg digit.jpg");
    let data = "-H 'Content-Type: image/jpeg' --data-binary @digit.jpg";
    lines(local, endpoint, &copy, data)
}

fn lines(local: &Local, endpoint: &str, look: &str, data: &str) -> String {
    let (url, sagemaker) = (local.url(), local.sagemaker_url());
    let bucket = local.lake().bucket().to_owned();
    let invocations = invocations(&sagemaker, endpoint);
    let logs = local.folder().display();
    format!(
        "Local AWS runs until Ctrl-C; logs and state are in {logs}

  # any credentials will do
  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1
  export AWS_ENDPOINT_URL={url}
  export AWS_ENDPOINT_URL_SAGEMAKER={sagemaker} AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME={sagemaker}
  export AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING={sagemaker}

  aws s3 ls --recursive s3://{bucket}/
  cargo run -- start --watch
  cargo run -- verify latest
  {look}
  aws sagemaker describe-endpoint --endpoint-name {endpoint}
  curl -s {invocations} {data}
"
    )
}
