//! Which sections of the definition an execution's input may override. Otherwise a person who may
//! only start runs could choose the image that runs with the pipeline's role, or the role.

use crate::PlanExportError;
use serde_json::Value;
use std::collections::BTreeSet;
use std::str::FromStr;

/// The sections of a definition. `pipeline` is not one of them: it chooses the definition.
const SECTIONS: [&str; 12] = [
    "source",
    "ready",
    "gate",
    "dataset",
    "training",
    "promotion",
    "endpoint",
    "batch",
    "late",
    "stale",
    "notify",
    "limits",
];

/// The sections that may be overridden; by default all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    // `None` allows every section.
    allowed: Option<BTreeSet<String>>,
}

/// A list of sections that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{section:?} is not a section of a definition: use `all`, `none`, or some of {}, separated by commas",
    SECTIONS.join(", ")
)]
pub struct OverridesError {
    /// The text in place of a section.
    pub section: String,
}

impl FromStr for Overrides {
    type Err = OverridesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = match text.trim() {
            "all" => return Ok(Self::default()),
            "none" => BTreeSet::new(),
            list => list.split(',').map(|it| it.trim().to_owned()).collect(),
        };
        match allowed.iter().find(|it| !SECTIONS.contains(&it.as_str())) {
            Some(section) => Err(OverridesError {
                section: section.clone(),
            }),
            None => Ok(Self {
                allowed: Some(allowed),
            }),
        }
    }
}

impl Overrides {
    /// Refuses an input that overrides another section, by the section's name.
    ///
    /// # Errors
    /// Names the sections that are refused, and those that are allowed.
    pub fn check(&self, input: &Value) -> Result<(), PlanExportError> {
        let Some(allowed) = &self.allowed else {
            return Ok(());
        };
        let given = input.as_object().into_iter().flatten();
        let given = given.map(|(name, _)| name.as_str());
        // An unknown section is refused where the definition is read, which suggests the closest
        // name.
        let refused: Vec<&str> = given
            .filter(|name| SECTIONS.contains(name) && !allowed.contains(*name))
            .collect();
        if refused.is_empty() {
            return Ok(());
        }
        let list = |names: Vec<&str>| match names.as_slice() {
            [] => "no section".to_owned(),
            names => names.join(", "),
        };
        Err(PlanExportError::MayNotOverride {
            sections: list(refused),
            allowed: list(allowed.iter().map(String::as_str).collect()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Named;
    use serde_json::json;

    fn check(allowed: &str, input: &Value) -> Result<(), String> {
        let overrides: Overrides = allowed.parse().expect("a list of sections");
        overrides.check(input).map_err(|error| {
            assert_eq!(error.name(), contract::ErrorName::InvalidDefinition);
            error.to_string()
        })
    }

    #[test]
    fn the_input_overrides_what_the_stack_allows() {
        let input = json!({"pipeline": "films", "limits": {"maxReadUnits": null}});
        for allowed in ["all", "limits", "dataset, limits"] {
            assert_eq!(check(allowed, &input), Ok(()), "{allowed}");
        }
        assert_eq!(check("none", &json!({"pipeline": "films"})), Ok(()));
    }

    #[test]
    fn any_other_section_is_refused_by_name() {
        let image = json!({"training": {"image": "evil"}, "dataset": {}, "endpoint": null});
        assert_eq!(
            check("dataset,limits", &image),
            Err(
                "the execution's input may not override training, endpoint: this stack allows \
                 dataset, limits (parameter InputMayOverride); change the stored definition instead"
                    .to_owned()
            )
        );
        let removed = check("none", &json!({"batch": null})).expect_err("it removes a section");
        assert!(
            removed.contains("override batch: this stack allows no section"),
            "{removed}"
        );
    }

    #[test]
    fn a_list_that_names_no_section_is_refused() {
        for text in ["", "dataset,", "dataset,trainings", "ALL", "pipeline"] {
            assert!(text.parse::<Overrides>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn every_section_of_a_definition_is_known() {
        let schema = include_str!("../../../statemachine/schema/definition.schema.json");
        let schema: Value = serde_json::from_str(schema).expect("a schema is JSON");
        let fields = schema["properties"].as_object().into_iter().flatten();
        let mut fields: Vec<&str> = fields.map(|(name, _)| name.as_str()).collect();
        fields.retain(|name| !["$schema", "pipeline"].contains(name));
        let (mut known, mut fields) = (SECTIONS.to_vec(), fields);
        known.sort_unstable();
        fields.sort_unstable();
        assert_eq!(known, fields);
    }
}
