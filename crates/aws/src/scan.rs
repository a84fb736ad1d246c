//! A DynamoDB table's pages. The items never become values of the SDK: the answer is read while it
//! arrives, and the SDK gets the same answer without items, so that retries, signatures, errors and
//! the cursor stay its own. It must not know what becomes of the items.

mod body;
mod tap;

use crate::classify::service_error;
use crate::dynamodb::{SERVICE, Tables, incomplete, key_from_json, key_to_json};
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use contract::{ErrorName, ServiceError};
use std::mem;
use table::{PageBuffer, PageEnd, PageRequest, ScanPages};
use tap::Tap;

const OPERATION: &str = "Scan";

impl ScanPages for Tables {
    async fn page(
        &self,
        request: &PageRequest<'_>,
        buffer: &mut PageBuffer,
    ) -> Result<PageEnd, ServiceError> {
        let start = match request.cursor {
            Some(cursor) => Some(key_from_json(cursor).ok_or_else(|| ServiceError {
                name: ErrorName::DatasetInvalid,
                service: SERVICE,
                operation: OPERATION,
                subject: request.table.to_owned(),
                code: "Cursor".to_owned(),
                message: format!("{cursor} is no key of a DynamoDB table"),
                source: None,
            })?),
            None => None,
        };
        let tap = Tap::new(mem::take(buffer));
        let answer = self
            .client
            .scan()
            .table_name(request.table)
            .segment(request.segment.try_into().unwrap_or(i32::MAX))
            .total_segments(request.total_segments.try_into().unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .consistent_read(request.consistent)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .customize()
            .interceptor(tap.clone())
            .send()
            .await;
        let is_whole = tap.give_back(buffer);
        // Only now is it known that the SDK takes this attempt's answer and makes no further one.
        let answer = answer.map_err(|error| {
            buffer.clear();
            let subject = format!("segment {} of {}", request.segment, request.table);
            service_error(SERVICE, OPERATION, subject, error)
        })?;
        if !is_whole {
            buffer.clear();
            let what = "an answer whose items were not read";
            return Err(incomplete(OPERATION, request.table, what));
        }
        let cursor = answer.last_evaluated_key.as_ref().map(key_to_json);
        let read_units = answer
            .consumed_capacity
            .and_then(|consumed| consumed.capacity_units)
            .unwrap_or(0.0);
        Ok(PageEnd { cursor, read_units })
    }
}
