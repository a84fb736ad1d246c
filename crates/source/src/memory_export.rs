//! Exports in memory, for tests of code that uses the port: idempotent by token, found by their
//! prefix, ended as scripted. They write no files; the tests do.

use crate::{
    DescribeRecovery, ExportDescription, ExportRequest, ExportState, NativeExport,
    PointInTimeRecovery, Recoverable,
};
use contract::{ErrorName, ServiceError};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The exports of one table.
#[derive(Debug, Default)]
pub struct MemoryExports {
    // A std mutex: it is never held across an await.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    exports: Vec<(ExportRequest, ExportState)>,
    recovery_off: bool,
    recoverable: Recoverable,
    tokens_expired: bool,
}

impl MemoryExports {
    /// No exports, of a table with point-in-time recovery.
    pub fn new() -> Self {
        Self::default()
    }

    /// Turns point-in-time recovery off.
    pub fn turn_recovery_off(&self) {
        self.lock().recovery_off = true;
    }

    /// Says that so much of the table's past can be read.
    pub fn set_recoverable(&self, recoverable: Recoverable) {
        self.lock().recoverable = recoverable;
    }

    /// Forgets the tokens, as the service does after eight hours.
    pub fn expire_tokens(&self) {
        self.lock().tokens_expired = true;
    }

    /// The requests that became exports.
    pub fn requests(&self) -> Vec<ExportRequest> {
        let state = self.lock();
        state.exports.iter().map(|(r, _)| r.clone()).collect()
    }

    /// The ARN of the export with this number, from 0.
    pub fn arn(number: usize) -> String {
        format!("arn:aws:dynamodb:us-east-1:123456789012:table/t/export/{number:014}-00000000")
    }

    /// Lets the last export stand so.
    ///
    /// # Panics
    /// If there is none.
    pub fn end(&self, state: ExportState) {
        let last = self.lock().exports.len().checked_sub(1);
        self.end_one(last.expect("an export was asked for"), state);
    }

    /// Lets the export with this number, from 0, stand so.
    ///
    /// # Panics
    /// If there is none.
    pub fn end_one(&self, number: usize, state: ExportState) {
        self.lock().exports[number].1 = state;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn description(&self, number: usize) -> ExportDescription {
        ExportDescription {
            arn: MemoryExports::arn(number),
            state: self.exports[number].1.clone(),
        }
    }
}

impl DescribeRecovery for MemoryExports {
    async fn recovery(&self, _: &str) -> Result<PointInTimeRecovery, ServiceError> {
        Ok(if self.lock().recovery_off {
            PointInTimeRecovery::Off
        } else {
            PointInTimeRecovery::On(self.lock().recoverable)
        })
    }
}

impl NativeExport for MemoryExports {
    async fn request_export(
        &self,
        request: &ExportRequest,
    ) -> Result<ExportDescription, ServiceError> {
        let mut state = self.lock();
        if state.recovery_off {
            let code = "PointInTimeRecoveryUnavailableException";
            return Err(refusal(ErrorName::ServiceRejected, code, request));
        }
        let known = (!state.tokens_expired)
            .then(|| {
                let mut exports = state.exports.iter();
                exports.position(|(known, _)| known.token == request.token)
            })
            .flatten();
        if let Some(number) = known {
            if state.exports[number].0 != *request {
                let code = "ExportConflictException";
                return Err(refusal(ErrorName::Conflict, code, request));
            }
            return Ok(state.description(number));
        }
        state
            .exports
            .push((request.clone(), ExportState::InProgress));
        Ok(state.description(state.exports.len() - 1))
    }

    async fn find_export(
        &self,
        request: &ExportRequest,
    ) -> Result<Option<ExportDescription>, ServiceError> {
        let state = self.lock();
        let found = state
            .exports
            .iter()
            .position(|(known, _)| known.prefix == request.prefix);
        Ok(found.map(|number| state.description(number)))
    }

    async fn describe_export(&self, arn: &str) -> Result<ExportDescription, ServiceError> {
        let state = self.lock();
        let number = (0..state.exports.len()).find(|number| Self::arn(*number) == arn);
        number
            .map(|number| state.description(number))
            .ok_or_else(|| ServiceError {
                name: ErrorName::NotFound,
                service: "DynamoDB",
                operation: "DescribeExport",
                subject: arn.to_owned(),
                code: "ExportNotFoundException".to_owned(),
                message: "there is no such export".to_owned(),
                source: None,
            })
    }
}

fn refusal(name: ErrorName, code: &str, request: &ExportRequest) -> ServiceError {
    ServiceError {
        name,
        service: "DynamoDB",
        operation: "ExportTableToPointInTime",
        subject: request.table_arn.clone(),
        code: code.to_owned(),
        message: "refused".to_owned(),
        source: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ExportKind;

    #[tokio::test]
    async fn a_token_stands_for_one_export() {
        let exports = MemoryExports::new();
        let request = ExportRequest {
            table_arn: "arn:t".to_owned(),
            token: "a".to_owned(),
            bucket: "lake".to_owned(),
            prefix: "raw/a".to_owned(),
            key: "key/lake".to_owned(),
            kind: ExportKind::Whole(7),
        };
        assert_eq!(exports.find_export(&request).await.unwrap(), None);
        let first = exports.request_export(&request).await.unwrap();
        assert_eq!(exports.request_export(&request).await.unwrap(), first);
        assert_eq!(
            exports.describe_export(&first.arn).await.unwrap().state,
            ExportState::InProgress
        );
        let other = ExportRequest {
            kind: ExportKind::Whole(8),
            ..request.clone()
        };
        let error = exports.request_export(&other).await.unwrap_err();
        assert_eq!(error.name, ErrorName::Conflict);
        exports.expire_tokens();
        assert_eq!(exports.find_export(&request).await.unwrap(), Some(first));
        exports.request_export(&request).await.unwrap();
        assert_eq!(exports.requests().len(), 2, "hours later it is another one");
    }
}
