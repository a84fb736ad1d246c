//! The smoke test: a real request with rows of the run's own dataset, without their labels, must be
//! answered with as many predictions, all of them numbers.

use crate::{DeployEndpointError, smoke_images};
use lake::records::{DatasetRecord, Plan};
use lake::store::ByteStream;
use lake::{ObjectStore, PagedStore, RunKeys, documents};
use sagemaker_ports::{Finding, Invoke};

const ROWS: usize = 5;
const CSV: &str = "text/csv";

/// Sends the endpoint a few rows, or images one by one.
pub async fn test(
    store: &impl PagedStore,
    endpoints: &impl Invoke,
    run: &RunKeys,
    endpoint: &str,
) -> Result<Finding, DeployEndpointError> {
    let key = run.dataset();
    let dataset: DatasetRecord = documents::read(store, &key, "a dataset").await?;
    if let Some(classes) = dataset.classes {
        let plan: Plan = documents::read(store, &run.plan(), "the run's plan").await?;
        let format = &plan.definition.dataset()?.format;
        let of_images = (run, &dataset, format);
        return smoke_images::test(store, endpoints, of_images, endpoint, classes).await;
    }
    let Request {
        rows,
        content_type,
        body,
    } = request(store, key, dataset).await?;
    Ok(sagemaker_ports::ask(endpoints, endpoint, &content_type, body.into_bytes(), rows).await?)
}

/// The request to the endpoint.
struct Request {
    rows: u32,
    content_type: String,
    body: String,
}

/// The dataset's own sample, in the algorithm's format; otherwise the first rows of its CSV.
async fn request(
    store: &impl ObjectStore,
    key: String,
    dataset: DatasetRecord,
) -> Result<Request, DeployEndpointError> {
    if let Some(sample) = dataset.sample {
        return Ok(Request {
            rows: sample.rows,
            content_type: sample.content_type,
            body: sample.body,
        });
    }
    let rows = feature_rows(store, key, &dataset).await?;
    Ok(Request {
        content_type: CSV.to_owned(),
        body: format!("{}\n", rows.join("\n")),
        rows: u32::try_from(rows.len()).expect("a few rows"),
    })
}

/// Features of the first rows of the validation data, or of the training data if there is none.
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
    // The last row's end may be in a later piece, so read one piece more than rows.
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
