//! A kind of source for tests. Its module and the enum are all that it touches.

use crate::FieldError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToySource {
    pub name: String,
}

impl ToySource {
    pub fn validate(&self) -> Result<(), FieldError> {
        if self.name.is_empty() {
            return Err(FieldError {
                path: "source.toy.name",
                message: "must not be empty".to_owned(),
            });
        }
        Ok(())
    }
}
