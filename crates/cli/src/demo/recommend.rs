//! Requests recommendations from the endpoint, which knows users and items by the codes of the
//! dataset.

use super::DemoError;
use dataset::Columns;
use lake::keys::RunKeys;
use lake::records::DatasetRecord;
use lake::store::ObjectStore;
use lake::{documents, vocabulary};
use reqwest::{Client, RequestBuilder, Response};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

pub(super) const USER: &str = "user_id";
pub(super) const ITEM: &str = "item_id";
const TIMEOUT: Duration = Duration::from_mins(1);

/// An item that the endpoint recommends.
#[derive(Debug, Clone, PartialEq)]
pub struct Recommendation {
    /// The item's id in the table.
    pub item: String,
    /// The label that the model predicts.
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
    let mut columns: Columns = contract::read::from_value(record.columns)?;
    columns.set_vocabularies(vocabulary::read(store, &record.vocabularies).await?);
    Ok(columns)
}

/// The items that the endpoint recommends to the user, best first.
///
/// # Errors
/// If the dataset does not hold the user, or the endpoint gives no valid answer.
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
    let asked =
        |client: Client, url: String| client.post(url).json(&json!({"user": code, "n": count}));
    let answer = ask(sagemaker_url, endpoint, asked).await?;
    let answer: Answer = answer.json().await.map_err(|source| DemoError::Endpoint {
        endpoint: endpoint.to_owned(),
        source,
    })?;
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

/// Sends one request to the endpoint, and returns its answer if the status is a success.
pub(super) async fn ask(
    sagemaker_url: &str,
    endpoint: &str,
    request: impl FnOnce(Client, String) -> RequestBuilder,
) -> Result<Response, DemoError> {
    let unanswered = |source| DemoError::Endpoint {
        endpoint: endpoint.to_owned(),
        source,
    };
    // Loopback is not reached through a proxy.
    let client = Client::builder().no_proxy().timeout(TIMEOUT).build();
    let url = invocations(sagemaker_url, endpoint);
    let answer = request(client.map_err(unanswered)?, url).send().await;
    answer
        .and_then(Response::error_for_status)
        .map_err(unanswered)
}

/// The URL of an endpoint of local SageMaker.
pub fn invocations(sagemaker_url: &str, endpoint: &str) -> String {
    format!("{sagemaker_url}/endpoints/{endpoint}/invocations")
}
