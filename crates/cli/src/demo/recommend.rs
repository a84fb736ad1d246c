//! Asks the endpoint for recommendations, in the codes that the dataset gave users and items. It
//! must not know how the model makes them.

use super::DemoError;
use dataset::Columns;
use lake::documents;
use lake::keys::RunKeys;
use lake::records::DatasetRecord;
use lake::store::ObjectStore;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

const USER: &str = "user_id";
const ITEM: &str = "item_id";
const PATIENCE: Duration = Duration::from_mins(1);

/// An item that the endpoint recommends.
#[derive(Debug, Clone, PartialEq)]
pub struct Recommendation {
    /// The item's id, as in the table.
    pub item: String,
    /// The label that the model expects.
    pub score: f64,
}

#[derive(Debug, Deserialize)]
struct Answer {
    items: Vec<Scored>,
}

#[derive(Debug, Deserialize)]
struct Scored {
    item: u32,
    score: f64,
}

/// The dataset's columns, with the codes of users and items.
///
/// # Errors
/// If the lake does not hold the run's dataset.
pub async fn columns(store: &impl ObjectStore, keys: &RunKeys) -> Result<Columns, DemoError> {
    let record: DatasetRecord =
        documents::read(store, &keys.dataset(), "the dataset of the run").await?;
    Ok(contract::read::from_value(record.columns)?)
}

/// The items that the endpoint recommends to the user, best first.
///
/// # Errors
/// If training never saw the user, or the endpoint does not answer as it must.
pub async fn recommend(
    sagemaker_url: &str,
    endpoint: &str,
    columns: &Columns,
    user: &str,
    count: usize,
) -> Result<Vec<Recommendation>, DemoError> {
    let code = columns
        .code(USER, user)
        .ok_or_else(|| DemoError::UnknownUser {
            user: user.to_owned(),
        })?;
    let url = invocations(sagemaker_url, endpoint);
    let unanswered = |source| DemoError::Endpoint {
        endpoint: endpoint.to_owned(),
        source,
    };
    // A proxy of the environment is not for loopback.
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .map_err(unanswered)?;
    let request = client.post(&url).json(&json!({"user": code, "n": count}));
    let answer = request
        .send()
        .await
        .and_then(reqwest::Response::error_for_status);
    let answer: Answer = answer
        .map_err(unanswered)?
        .json()
        .await
        .map_err(unanswered)?;
    answer
        .items
        .into_iter()
        .map(|scored| {
            let item = columns.decode_ordinal(ITEM, scored.item);
            let item = item.ok_or(DemoError::UnknownItem { code: scored.item })?;
            Ok(Recommendation {
                item: item.to_owned(),
                score: scored.score,
            })
        })
        .collect()
}

/// Where an endpoint of local SageMaker takes requests.
pub fn invocations(sagemaker_url: &str, endpoint: &str) -> String {
    format!("{sagemaker_url}/endpoints/{endpoint}/invocations")
}
