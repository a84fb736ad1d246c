//! Secrets in memory, for tests.

use crate::Secrets;
use contract::{ErrorName, ServiceError};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Secrets by their names. Each has the texts that it answers one after the other, the last one
/// again and again: a secret that is rotated.
#[derive(Debug, Default)]
pub struct MemorySecrets {
    texts: Mutex<BTreeMap<String, Vec<String>>>,
}

impl MemorySecrets {
    /// No secrets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a secret with the texts that it answers in turn.
    #[must_use]
    pub fn with(self, name: &str, texts: &[&str]) -> Self {
        let all = texts.iter().rev().map(ToString::to_string).collect();
        let mut secrets = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.insert(name.to_owned(), all);
        drop(secrets);
        self
    }
}

impl Secrets for MemorySecrets {
    async fn secret(&self, id: &str) -> Result<String, ServiceError> {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let next = texts.get_mut(id).and_then(|texts| match texts.as_slice() {
            [last] => Some(last.clone()),
            _ => texts.pop(),
        });
        next.ok_or_else(|| ServiceError {
            name: ErrorName::NotFound,
            service: "Secrets Manager",
            operation: "GetSecretValue",
            subject: id.to_owned(),
            code: "ResourceNotFoundException".to_owned(),
            message: "Secrets Manager can't find the specified secret.".to_owned(),
            source: None,
        })
    }
}
