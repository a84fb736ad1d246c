//! A DynamoDB table's pages. The items never become values of the SDK: the answer is parsed while
//! it arrives, and the SDK gets the same answer without items, so that retries, signatures, errors
//! and the cursor stay the SDK's.

mod body;
mod tap;

use crate::attribute::attribute;
use crate::classify::service_error;
use crate::dynamodb::{SERVICE, Tables, incomplete, key_from_json, key_to_json};
use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use contract::{ErrorName, ServiceError};
use source::{PageBuffer, PageEnd, PageRequest, ScanPages, Selection};
use std::collections::HashMap;
use std::mem;
use tap::{Given, Tap};

const OPERATION: &str = "Scan";

impl ScanPages for Tables {
    async fn page(
        &self,
        request: &PageRequest<'_>,
        buffer: &mut PageBuffer,
    ) -> Result<PageEnd, ServiceError> {
        let start = match request.cursor {
            Some(cursor) => Some(key_from_json(cursor).ok_or_else(|| {
                let message = format!("{cursor} is no key of a DynamoDB table");
                unusable(ErrorName::DatasetInvalid, request.table, "Cursor", message)
            })?),
            None => None,
        };
        let client = &self.client;
        let scan = match request.selection {
            Some(selection) => {
                select(client.scan(), request.table, selection).map_err(|error| *error)?
            }
            None => client.scan(),
        };
        let tap = Tap::new(mem::take(buffer), request.throttles.clone());
        let answer = scan
            .table_name(request.table)
            .segment(request.segment.try_into().unwrap_or(i32::MAX))
            .total_segments(request.total_segments.try_into().unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .consistent_read(request.consistent)
            .set_limit(
                request
                    .limit
                    .map(|limit| limit.try_into().unwrap_or(i32::MAX)),
            )
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .customize()
            .interceptor(tap.clone())
            .send()
            .await;
        let Given { is_whole, answers } = tap.give_back(buffer);
        // Only now it is known that the SDK accepts this attempt's answer and makes no further one.
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
        Ok(PageEnd {
            cursor,
            scanned: u64::try_from(answer.scanned_count).unwrap_or(0),
            // The table also charged for answers that did not arrive completely.
            read_units: read_units * f64::from(answers),
        })
    }
}

fn select(
    scan: ScanFluentBuilder,
    table: &str,
    selection: &Selection,
) -> Result<ScanFluentBuilder, Box<ServiceError>> {
    let mut values = HashMap::with_capacity(selection.values.len());
    for (name, value) in &selection.values {
        let value = attribute(value).ok_or_else(|| {
            let message = format!("{name} is {value}, which is no DynamoDB JSON");
            unusable(ErrorName::InvalidDefinition, table, "Filter", message)
        })?;
        values.insert(name.clone(), value);
    }
    let names = selection.names.clone().into_iter().collect();
    // The service refuses empty maps.
    let names = Some(names).filter(|names: &HashMap<_, _>| !names.is_empty());
    Ok(scan
        .set_index_name(selection.index.clone())
        .set_projection_expression(selection.projection_expression.clone())
        .set_filter_expression(selection.filter_expression.clone())
        .set_expression_attribute_names(names)
        .set_expression_attribute_values(Some(values).filter(|values| !values.is_empty())))
}

fn unusable(name: ErrorName, table: &str, code: &str, message: String) -> ServiceError {
    ServiceError {
        name,
        service: SERVICE,
        operation: OPERATION,
        subject: table.to_owned(),
        code: code.to_owned(),
        message,
        source: None,
    }
}
