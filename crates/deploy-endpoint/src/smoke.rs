//! A real request: rows of the run's own dataset, without their label, must be answered with as many
//! predictions, all of them numbers.

use crate::DeployEndpointError;
use lake::records::DatasetRecord;
use lake::store::ByteStream;
use lake::{ObjectStore, RunKeys, documents};
use sagemaker_ports::{Finding, Invoke};

const ROWS: usize = 5;
const CSV: &str = "text/csv";

/// Asks the endpoint about a few rows.
pub async fn test(
    store: &impl ObjectStore,
    endpoints: &impl Invoke,
    run: &RunKeys,
    endpoint: &str,
) -> Result<Finding, DeployEndpointError> {
    let Question {
        rows,
        content_type,
        body,
    } = question(store, run).await?;
    Ok(sagemaker_ports::ask(endpoints, endpoint, &content_type, body.into_bytes(), rows).await?)
}

/// What the endpoint is asked.
struct Question {
    rows: u32,
    content_type: String,
    body: String,
}

/// The dataset's own sample, in what its algorithm takes; in datasets of before there was one, the
/// first rows of its CSV.
async fn question(
    store: &impl ObjectStore,
    run: &RunKeys,
) -> Result<Question, DeployEndpointError> {
    let key = run.dataset();
    let dataset: DatasetRecord = documents::read(store, &key, "a dataset").await?;
    if let Some(sample) = dataset.sample {
        return Ok(Question {
            rows: sample.rows,
            content_type: sample.content_type,
            body: sample.body,
        });
    }
    let rows = feature_rows(store, key, &dataset).await?;
    Ok(Question {
        content_type: CSV.to_owned(),
        body: format!("{}\n", rows.join("\n")),
        rows: u32::try_from(rows.len()).expect("a few rows"),
    })
}

/// The first rows of the validation data, or of the training data where there is none, as features.
async fn feature_rows(
    store: &impl ObjectStore,
    key: String,
    dataset: &DatasetRecord,
) -> Result<Vec<String>, DeployEndpointError> {
    let mut filled = dataset.files.iter().filter(|file| file.rows > 0);
    let validation = filled.clone().find(|file| file.channel == "validation");
    match validation.or_else(|| filled.next()) {
        Some(file) => first_rows(store, &file.key).await,
        None => Err(DeployEndpointError::NoRows { key }),
    }
}

async fn first_rows(
    store: &impl ObjectStore,
    key: &str,
) -> Result<Vec<String>, DeployEndpointError> {
    let mut stream = store.stream(key).await?;
    let mut text = Vec::new();
    // As many pieces as rows could still lack the last one's end.
    while text.split(|byte| *byte == b'\n').count() <= ROWS {
        match stream.next().await? {
            Some(frame) => text.extend_from_slice(&frame),
            None => break,
        }
    }
    let text = String::from_utf8_lossy(&text);
    let rows = text.lines().take(ROWS);
    rows.map(|row| match row.split_once(',') {
        Some((_label, features)) => Ok(features.to_owned()),
        None => Err(DeployEndpointError::NoFeatures {
            key: key.to_owned(),
        }),
    })
    .collect()
}
