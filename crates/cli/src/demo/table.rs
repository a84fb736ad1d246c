//! Creates a table and fills it.

use crate::progress::Step;
use aws::SdkConfig;
use aws::dynamodb_load::{BATCH, TableLoader};
use contract::ServiceError;
use serde_json::Value;
use tokio::task::JoinSet;

/// The attribute that is the partition key.
pub const PARTITION_KEY: &str = "user_id";
/// The attribute that is the sort key.
pub const SORT_KEY: &str = "event_id";
const CONCURRENCY: usize = 8;

/// Creates the table and puts the items into it.
///
/// # Errors
/// If the table exists already, or the service fails.
pub async fn fill<'a>(
    config: &SdkConfig,
    table: &str,
    items: impl ExactSizeIterator<Item = &'a Value>,
    step: &Step,
) -> Result<(), ServiceError> {
    let loader = TableLoader::new(config);
    loader.create(table, PARTITION_KEY, SORT_KEY).await?;
    put(&loader, table, items, step).await
}

/// Puts the items into a table.
///
/// # Errors
/// If the service fails.
pub async fn put<'a>(
    loader: &TableLoader,
    table: &str,
    items: impl ExactSizeIterator<Item = &'a Value>,
    step: &Step,
) -> Result<(), ServiceError> {
    let total = items.len() as u64;
    let mut done = 0;
    let mut requests = JoinSet::new();
    let mut items = items.peekable();
    while items.peek().is_some() || !requests.is_empty() {
        if items.peek().is_some() && requests.len() < CONCURRENCY {
            let batch: Vec<Value> = items.by_ref().take(BATCH).cloned().collect();
            let (loader, table) = (loader.clone(), table.to_owned());
            requests.spawn(async move {
                loader.put(&table, &batch).await?;
                Ok::<_, ServiceError>(batch.len() as u64)
            });
        } else if let Some(put) = requests.join_next().await {
            done += put.expect("a task that puts items does not panic")?;
            step.count(done, total, "items");
        }
    }
    Ok(())
}
