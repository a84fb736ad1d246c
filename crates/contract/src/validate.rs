//! What a definition must satisfy beyond its types, so that a mistake is found before anything is
//! read or paid for. It must not ask any service. What a dataset's paths and shares must satisfy is
//! said where they are understood, in the crate `dataset`.

use crate::Names;
use crate::definition::{Compute, Definition, DynamoDbSource, Mode};

/// A field of the definition that cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field `{path}`: {message}")]
pub struct FieldError {
    /// The field, as `dataset.split.validation`.
    pub path: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Definition {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// Names the first field that cannot be carried out.
    pub fn validate(&self) -> Result<(), FieldError> {
        let fail = |path, message: String| Err(FieldError { path, message });
        if let Err(message) = Names::check_pipeline(&self.pipeline) {
            return fail("pipeline", message);
        }
        self.validate_source()?;
        if self.dataset.shard_bytes == Some(0) {
            return fail("dataset.shardBytes", "must be at least 1".to_owned());
        }
        self.validate_training()?;
        if self.promotion.metric.is_empty() {
            return fail(
                "promotion.metric",
                "name one of training.metrics".to_owned(),
            );
        }
        let declared = self
            .training
            .metrics
            .iter()
            .any(|m| m.name == self.promotion.metric);
        if !declared && !self.training.metrics.is_empty() {
            return fail(
                "promotion.metric",
                format!("{:?} is none of training.metrics", self.promotion.metric),
            );
        }
        self.validate_limits()?;
        self.validate_endpoint()
    }

    fn validate_source(&self) -> Result<(), FieldError> {
        let fail = |path, message: String| Err(FieldError { path, message });
        let source = &self.source.dynamodb;
        let is_name = |name: &str| {
            let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
            (3..=255).contains(&name.len()) && name.bytes().all(allowed)
        };
        if !is_name(&source.table) {
            return fail(
                "source.dynamodb.table",
                format!(
                    "{:?} is no table name (3 to 255 of a-z, A-Z, 0-9, `_`, `.`, `-`)",
                    source.table
                ),
            );
        }
        if let Some(index) = source.index.as_deref().filter(|name| !is_name(name)) {
            return fail(
                "source.dynamodb.index",
                format!("{index:?} is no index name (3 to 255 of a-z, A-Z, 0-9, `_`, `.`, `-`)"),
            );
        }
        if let Some(filter) = &source.filter {
            filter.validate()?;
        }
        if source.mode == Mode::Export
            && let Some(field) = source.needs_scan()
        {
            return fail(
                "source.dynamodb.mode",
                format!(
                    "an export holds whole items of the table itself: leave {field} out, or choose scan"
                ),
            );
        }
        if source
            .segments
            .is_some_and(|n| !(1..=1_000_000).contains(&n))
        {
            return fail(
                "source.dynamodb.segments",
                "must be 1 to 1,000,000".to_owned(),
            );
        }
        if source
            .segments_per_task
            .is_some_and(|n| !(1..=64).contains(&n))
        {
            return fail(
                "source.dynamodb.segmentsPerTask",
                "must be 1 to 64".to_owned(),
            );
        }
        self.validate_read()
    }

    fn validate_read(&self) -> Result<(), FieldError> {
        let fail = |path, message: &str| {
            let message = message.to_owned();
            Err(FieldError { path, message })
        };
        let read = &self.source.dynamodb.read;
        if read.rcu == Some(0) {
            return fail("source.dynamodb.read.rcu", "must be at least 1");
        }
        if read.percent.is_some_and(|n| !(1..=100).contains(&n)) {
            return fail("source.dynamodb.read.percent", "must be 1 to 100");
        }
        let said = [read.rcu.is_some(), read.percent.is_some(), read.unlimited];
        if said.into_iter().filter(|said| *said).count() > 1 {
            return fail(
                "source.dynamodb.read",
                "say only one of `rcu`, `percent` and `unlimited`; an execution's input removes a stored one with null",
            );
        }
        Ok(())
    }

    fn validate_limits(&self) -> Result<(), FieldError> {
        let limits = &self.limits;
        let prices = &limits.prices;
        // A cap or a price below nothing is a slip, and NaN compares with nothing.
        let amounts = [
            ("limits.maxMinutes", limits.max_minutes),
            ("limits.maxCost", limits.max_cost),
            (
                "limits.prices.readRequestUnitsPerMillion",
                prices.read_request_units_per_million,
            ),
            ("limits.prices.lambdaGbSecond", prices.lambda_gb_second),
            (
                "limits.prices.lambdaRequestsPerMillion",
                prices.lambda_requests_per_million,
            ),
            (
                "limits.prices.s3PutsPerThousand",
                prices.s3_puts_per_thousand,
            ),
            (
                "limits.prices.s3GetsPerThousand",
                prices.s3_gets_per_thousand,
            ),
            (
                "limits.prices.stateTransitionsPerThousand",
                prices.state_transitions_per_thousand,
            ),
            ("limits.prices.exportGb", prices.export_gb),
        ];
        for (path, amount) in amounts {
            if amount.is_some_and(|amount| !amount.is_finite() || amount < 0.0) {
                let message = "must be 0 or more".to_owned();
                return Err(FieldError { path, message });
            }
        }
        Ok(())
    }

    fn validate_training(&self) -> Result<(), FieldError> {
        let fail = |path, message: String| Err(FieldError { path, message });
        let training = &self.training;
        if training.image.is_empty() {
            return fail("training.image", "name the container image".to_owned());
        }
        if training.hyperparameters.len() > 100 {
            return fail(
                "training.hyperparameters",
                "SageMaker takes at most 100".to_owned(),
            );
        }
        if training.metrics.len() > 40 {
            return fail("training.metrics", "SageMaker takes at most 40".to_owned());
        }
        for (path, value) in [
            ("training.instanceCount", training.instance_count),
            ("training.volumeGb", training.volume_gb),
            ("training.maxRuntimeSeconds", training.max_runtime_seconds),
        ] {
            if value == 0 {
                return fail(path, "must be at least 1".to_owned());
            }
        }
        Ok(())
    }

    fn validate_endpoint(&self) -> Result<(), FieldError> {
        let fail = |path, message: String| Err(FieldError { path, message });
        if let Some(name) = &self.endpoint.name
            && let Err(message) = Names::check_sagemaker(name)
        {
            return fail("endpoint.name", message);
        }
        if self.endpoint.keep.is_some_and(|keep| keep < 2) {
            return fail(
                "endpoint.keep",
                "must be at least 2: the previous model is what a rollback returns to".to_owned(),
            );
        }
        match &self.endpoint.compute {
            Compute::Serverless {
                memory_mb,
                max_concurrency,
            } => {
                if !(1024..=6144).contains(memory_mb) || memory_mb % 1024 != 0 {
                    return fail(
                        "endpoint.compute.serverless.memoryMb",
                        "must be 1024 to 6144 in steps of 1024".to_owned(),
                    );
                }
                if !(1..=200).contains(max_concurrency) {
                    return fail(
                        "endpoint.compute.serverless.maxConcurrency",
                        "must be 1 to 200".to_owned(),
                    );
                }
            }
            Compute::Instances { count, .. } => {
                if *count == 0 {
                    return fail(
                        "endpoint.compute.instances.count",
                        "must be at least 1".to_owned(),
                    );
                }
            }
        }
        Ok(())
    }

    /// The endpoint's name.
    pub fn endpoint_name(&self) -> &str {
        self.endpoint.name.as_deref().unwrap_or(&self.pipeline)
    }
}

impl DynamoDbSource {
    /// The first field that only a scan can satisfy: a native export has whole items of the table.
    pub fn needs_scan(&self) -> Option<&'static str> {
        if self.index.is_some() {
            Some("index")
        } else if !self.projection.is_empty() {
            Some("projection")
        } else if self.filter.is_some() {
            Some("filter")
        } else if self.consistent_read {
            Some("consistentRead")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn definition(path: &str, value: Value) -> Definition {
        let mut json = json!({
            "source": {"dynamodb": {"table": "interactions", "read": {}}},
            "dataset": {"label": "rating", "columns": [{"path": "user_id"}], "split": {}, "gate": {}},
            "training": {
                "image": "recommender",
                "metrics": [{"name": "validation:rmse", "regex": "rmse=(.*)"}]
            },
            "promotion": {"metric": "validation:rmse", "goal": "minimize"},
            "endpoint": {"compute": {"serverless": {"memoryMb": 1024, "maxConcurrency": 1}}},
            "limits": {"prices": {}},
        });
        if !path.is_empty() {
            let mut place = &mut json;
            for name in path.split('.') {
                place = &mut place[name];
            }
            *place = value;
        }
        crate::read::from_value(json).unwrap()
    }

    #[test]
    fn the_smallest_definition_is_valid() {
        definition("", Value::Null).validate().unwrap();
    }

    #[test]
    fn an_export_holds_whole_items_of_the_table_itself() {
        for (field, value) in [
            ("index", json!("by-rating")),
            ("projection", json!(["rating"])),
            ("filter", json!({"expression": "attribute_exists(rating)"})),
            ("consistentRead", json!(true)),
        ] {
            for (mode, valid) in [("export", false), ("scan", true), ("auto", true)] {
                let source = json!({"table": "interactions", "mode": mode, field: value});
                let checked = definition("source.dynamodb", source).validate();
                assert_eq!(checked.is_ok(), valid, "{mode} with {field}: {checked:?}");
                if let Err(error) = checked {
                    assert_eq!(error.path, "source.dynamodb.mode");
                    assert!(error.message.contains(field), "{error}");
                }
            }
        }
    }

    #[test]
    fn each_mistake_names_its_field() {
        for (path, value) in [
            ("pipeline", json!("No_Good")),
            ("source.dynamodb.table", json!("a b")),
            ("source.dynamodb.index", json!("by user")),
            ("source.dynamodb.segments", json!(0)),
            ("source.dynamodb.segmentsPerTask", json!(65)),
            ("source.dynamodb.read.rcu", json!(0)),
            ("source.dynamodb.read.percent", json!(101)),
            ("source.dynamodb.read", json!({"rcu": 5, "percent": 5})),
            ("source.dynamodb.read", json!({"rcu": 5, "unlimited": true})),
            ("limits.maxCost", json!(-1)),
            ("limits.prices.lambdaGbSecond", json!(-0.1)),
            ("dataset.shardBytes", json!(0)),
            ("training.image", json!("")),
            ("training.volumeGb", json!(0)),
            ("promotion.metric", json!("validation:auc")),
            ("endpoint.name", json!("under_score")),
            ("endpoint.keep", json!(1)),
            ("endpoint.compute.serverless.memoryMb", json!(1500)),
        ] {
            let error = definition(path, value).validate().unwrap_err();
            assert_eq!(error.path, path, "{error}");
        }
    }
}
