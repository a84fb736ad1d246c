//! The parts that a definition may leave out from its end: what needs what, and how a step of a run
//! gets the part that it carries out.

use crate::{Dataset, Definition, Endpoint, Faults, Promotion, Training};
use contract::{ErrorName, Named, Names};
use std::sync::LazyLock;

/// A step was called that the run's definition does not ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the run's definition has no `{part}`, which this step needs")]
pub struct PartMissing {
    /// The part.
    pub part: &'static str,
}

impl Named for PartMissing {
    fn name(&self) -> ErrorName {
        ErrorName::InvalidRequest
    }
}

impl Definition {
    /// How items become rows.
    ///
    /// # Errors
    /// If the definition ends with the export.
    pub fn dataset(&self) -> Result<&Dataset, PartMissing> {
        self.dataset.as_ref().ok_or(PartMissing { part: "dataset" })
    }

    /// How a model is trained.
    ///
    /// # Errors
    /// If the definition ends before the training.
    pub fn training(&self) -> Result<&Training, PartMissing> {
        let part = "training";
        self.training.as_ref().ok_or(PartMissing { part })
    }

    /// When a model may replace the one now serving.
    ///
    /// # Errors
    /// If the definition ends before that is decided.
    pub fn promotion(&self) -> Result<&Promotion, PartMissing> {
        let part = "promotion";
        self.promotion.as_ref().ok_or(PartMissing { part })
    }

    /// Where a promoted model serves: as the definition says, or by default.
    pub fn endpoint(&self) -> &Endpoint {
        static BY_DEFAULT: LazyLock<Endpoint> = LazyLock::new(Endpoint::default);
        self.endpoint.as_ref().unwrap_or(&BY_DEFAULT)
    }

    /// Names the endpoint and the model package group of the pipeline by its stack, where the
    /// definition leaves them unnamed.
    pub fn name_resources(&mut self, stack: &str) {
        let Some(promotion) = &mut self.promotion else {
            return;
        };
        let name = || Names::shared(stack, &self.pipeline);
        if promotion.register {
            promotion.model_package_group.get_or_insert_with(name);
        }
        if self.batch.is_none() {
            let endpoint = self.endpoint.get_or_insert_default();
            endpoint.name.get_or_insert_with(name);
        }
    }

    /// The endpoint's name. A plan has it, whether or not the definition gives one.
    ///
    /// # Errors
    /// If the definition is not a plan's, or has no endpoint.
    pub fn endpoint_name(&self) -> Result<&str, PartMissing> {
        let part = "endpoint.name";
        self.endpoint().name.as_deref().ok_or(PartMissing { part })
    }

    /// Refuses a part whose predecessor is left out: a part that is given is never skipped.
    pub(crate) fn check_parts(&self, faults: &mut Faults) {
        let Self {
            dataset,
            training,
            promotion,
            endpoint,
            batch,
            ..
        } = self;
        let deploys = "`promotion`, which decides whether a model may serve";
        for (path, is_there, needed, has_needed, end) in [
            (
                "training",
                training.is_some(),
                "`dataset`, whose files it reads",
                dataset.is_some(),
                "Exported",
            ),
            (
                "promotion",
                promotion.is_some(),
                "`training`, whose model it judges",
                training.is_some(),
                "DatasetSealed",
            ),
            (
                "endpoint",
                endpoint.is_some(),
                deploys,
                promotion.is_some(),
                "Trained",
            ),
            (
                "batch",
                batch.is_some(),
                deploys,
                promotion.is_some(),
                "Trained",
            ),
        ] {
            if is_there && !has_needed {
                let message = format!(
                    "needs {needed}: add that, or leave out `{path}`, and the run ends as `{end}`"
                );
                faults.add(path, message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const PARTS: [&str; 3] = ["dataset", "training", "promotion"];

    fn with(parts: &[&str]) -> Definition {
        let all = json!({
            "dataset": {"label": "rating"},
            "training": {
                "algorithm": {"name": "xgboost"}, "hyperparameters": {"num_round": 10},
            },
            "promotion": {"metric": "validation:rmse", "goal": "minimize"},
            "endpoint": {},
            "batch": {"input": "validation"},
        });
        let mut json = json!({"source": {"dynamodb": {"table": "interactions"}}});
        for part in parts {
            json[part] = all[part].clone();
        }
        contract::read::from_value(json).unwrap()
    }

    #[test]
    fn a_definition_may_end_after_each_of_its_parts() {
        for parts in [&PARTS[..0], &PARTS[..1], &PARTS[..2], &PARTS[..3]] {
            let definition = with(parts);
            definition.validate().unwrap();
            let found = [
                definition.dataset().err(),
                definition.training().err(),
                definition.promotion().err(),
            ];
            for (part, missing) in PARTS.iter().zip(found) {
                let expected = (!parts.contains(part)).then_some(PartMissing { part });
                assert_eq!(missing, expected, "{parts:?}");
            }
            let json = serde_json::to_value(&definition).unwrap();
            let again: Definition = contract::read::from_value(json.clone()).unwrap();
            assert_eq!(again, definition);
            for part in PARTS {
                assert_eq!(json[part] != Value::Null, parts.contains(&part), "{json}");
            }
        }
    }

    #[test]
    fn a_part_whose_predecessor_is_left_out_is_refused_by_name() {
        for (parts, path, needed, end) in [
            (&["training"][..], "training", "`dataset`", "`Exported`"),
            (
                &["dataset", "promotion"],
                "promotion",
                "`training`",
                "`DatasetSealed`",
            ),
            (&["promotion"], "promotion", "`training`", "`DatasetSealed`"),
            (
                &["dataset", "training", "endpoint"],
                "endpoint",
                "`promotion`",
                "`Trained`",
            ),
            (
                &["dataset", "training", "batch"],
                "batch",
                "`promotion`",
                "`Trained`",
            ),
            (&["endpoint"], "endpoint", "`promotion`", "`Trained`"),
        ] {
            let error = with(parts).validate().unwrap_err().first();
            assert_eq!(error.path, path, "{parts:?}");
            assert!(error.message.contains(needed), "{error}");
            assert!(error.message.contains(end), "{error}");
        }
    }

    #[test]
    fn an_endpoint_that_is_not_described_is_the_default_one() {
        let definition = with(&PARTS);
        assert_eq!(definition.endpoint(), &Endpoint::default());
        assert!(definition.endpoint_name().is_err());
    }

    #[test]
    fn an_unnamed_endpoint_and_group_are_named_by_stack_and_pipeline() {
        let mut named = with(&PARTS);
        named.name_resources("shop");
        assert_eq!(named.endpoint_name().unwrap(), "shop-default");
        let group = |definition: &Definition| {
            let promotion = definition.promotion().unwrap();
            promotion.model_package_group.clone()
        };
        assert_eq!(group(&named).as_deref(), Some("shop-default"));
        // A name that is given stays.
        named.name_resources("other");
        assert_eq!(named.endpoint_name().unwrap(), "shop-default");
        assert_eq!(group(&named).as_deref(), Some("shop-default"));
        named.validate().unwrap();

        let mut unregistered = with(&PARTS);
        if let Some(promotion) = &mut unregistered.promotion {
            promotion.register = false;
        }
        unregistered.name_resources("shop");
        assert_eq!(group(&unregistered), None);

        let mut trained = with(&["dataset", "training"]);
        trained.name_resources("shop");
        assert_eq!(trained.endpoint, None);
    }
}
