//! Reads one attribute of many items by their keys.

use crate::classify::service_error;
use crate::dynamodb::{SERVICE, Tables};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity};
use contract::{ErrorName, ServiceError};
use futures::{StreamExt, TryStreamExt, stream};
use source::{AttributeRequest, Attributes, ReadItems};
use std::collections::HashMap;
use std::time::Duration;

/// Keys of a request, at most. Source: DynamoDB API reference, `BatchGetItem`.
const KEYS: usize = 100;
/// Requests at once.
const AT_ONCE: usize = 4;
/// Requests for the same keys, of which the service answers as many as it can, and the first pause
/// between them.
const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

impl ReadItems for Tables {
    async fn read_attribute(
        &self,
        request: AttributeRequest<'_>,
    ) -> Result<Attributes, ServiceError> {
        let batches = request.keys.chunks(KEYS);
        // Owned: a closure over borrowed keys is not general enough for a future that is sent.
        let owned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        let batches: Vec<Vec<String>> = batches.map(owned).collect();
        let batches = stream::iter(batches).map(|keys| self.batch(request, keys));
        let batches = batches.buffer_unordered(AT_ONCE);
        batches
            .try_fold(Attributes::default(), async |mut all, one| {
                all.values.extend(one.values);
                all.read_units += one.read_units;
                Ok(all)
            })
            .await
    }
}

impl Tables {
    async fn batch(
        &self,
        request: AttributeRequest<'_>,
        keys: Vec<String>,
    ) -> Result<Attributes, ServiceError> {
        let table = request.table;
        let failed = |error| service_error(SERVICE, "BatchGetItem", table, error);
        let mut asked = KeysAndAttributes::builder()
            .projection_expression("#key, #attribute")
            .expression_attribute_names("#key", request.key)
            .expression_attribute_names("#attribute", request.attribute);
        for key in keys {
            let value = if request.is_number {
                AttributeValue::N(key)
            } else {
                AttributeValue::S(key)
            };
            asked = asked.keys(HashMap::from([(request.key.to_owned(), value)]));
        }
        let asked = asked.build().map_err(|error| ServiceError {
            name: ErrorName::Bug,
            service: SERVICE,
            operation: "BatchGetItem",
            subject: table.to_owned(),
            code: "BuildError".to_owned(),
            message: error.to_string(),
            source: None,
        })?;
        let mut found = Attributes::default();
        let mut asked = Some(HashMap::from([(table.to_owned(), asked)]));
        let mut pause = FIRST_PAUSE;
        for _ in 0..ATTEMPTS {
            let Some(items) = asked.take() else { break };
            let answer = self.client.batch_get_item().set_request_items(Some(items));
            let answer = answer.return_consumed_capacity(ReturnConsumedCapacity::Total);
            let answer = answer.send().await.map_err(failed)?;
            let consumed = answer.consumed_capacity.into_iter().flatten();
            found.read_units += consumed.filter_map(|one| one.capacity_units).sum::<f64>();
            for item in answer
                .responses
                .into_iter()
                .flatten()
                .flat_map(|(_, it)| it)
            {
                if let (Some(key), Some(value)) = (
                    item.get(request.key).and_then(plain),
                    item.get(request.attribute),
                ) {
                    found.values.insert(key, plain(value));
                }
            }
            // What did not fit into an answer, or beyond the table's throughput.
            asked = answer.unprocessed_keys.filter(|rest| !rest.is_empty());
            if asked.is_some() {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        }
        match asked {
            None => Ok(found),
            Some(_) => Err(ServiceError {
                name: ErrorName::Throttled,
                service: SERVICE,
                operation: "BatchGetItem",
                subject: table.to_owned(),
                code: "UnprocessedKeys".to_owned(),
                message: format!("{ATTEMPTS} requests left keys without an answer"),
                source: None,
            }),
        }
    }
}

/// A text, a number or a boolean as text.
fn plain(value: &AttributeValue) -> Option<String> {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => Some(text.clone()),
        AttributeValue::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}
