//! A kind of source for tests. Its module and the enum are all that it touches.

use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToySource {
    pub name: String,
}

impl ToySource {
    pub fn validate(&self, faults: &mut Faults) {
        if self.name.is_empty() {
            faults.add("source.toy.name", "must not be empty");
        }
    }
}
