//! The port to functions that others have deployed.

use contract::ServiceError;
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;

/// What became of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum FunctionAnswer {
    /// The function returned this.
    Returned(Value),
    /// The function ended with an error: its message.
    Failed(String),
}

/// Calls functions.
pub trait CallFunction: Send + Sync {
    /// Calls the function with this ARN, and waits for its answer. It may be called several times
    /// until one answer arrives.
    fn call(
        &self,
        arn: &str,
        payload: &Value,
    ) -> impl Future<Output = Result<FunctionAnswer, ServiceError>> + Send;
}

/// Functions in memory, by ARN. Others are not there.
#[derive(Debug, Clone, Default)]
pub struct MemoryFunctions {
    /// What each answers.
    pub answers: BTreeMap<String, FunctionAnswer>,
}

impl CallFunction for MemoryFunctions {
    async fn call(&self, arn: &str, _: &Value) -> Result<FunctionAnswer, ServiceError> {
        let answer = self.answers.get(arn).cloned();
        answer.ok_or_else(|| ServiceError {
            name: contract::ErrorName::NotFound,
            service: "Lambda",
            operation: "Invoke",
            subject: arn.to_owned(),
            code: "ResourceNotFoundException".to_owned(),
            message: format!("Function not found: {arn}"),
            source: None,
        })
    }
}
