//! The earlier runs of a pipeline: what their definitions differ in, and how long they trained.

use super::PlanError;
use crate::definitions::{Change, changes};
use crate::runs;
use aws::s3::S3Store;
use contract::RunId;
use definition::Definition;
use lake::records::{Plan, TrainingRecord};
use lake::{RunKeys, documents};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// Earlier runs that are looked at.
const MOST: usize = 5;

/// The newest run, compared with the definition.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LastRun {
    /// Its id.
    pub run: RunId,
    /// The fields that differ, with their defaults filled in.
    pub changes: Vec<FieldChange>,
}

/// A field that differs from the newest run's definition.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldChange {
    /// The field's path.
    pub path: String,
    /// Its value in the run; absent if the run's definition does not have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<Value>,
    /// Its value now; absent if the definition does not have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is: Option<Value>,
}

/// What is known of earlier runs.
#[derive(Debug, Default)]
pub struct Earlier {
    /// The newest one; none if there is no run.
    pub last_run: Option<LastRun>,
    /// The trainings on the same instances, newest first.
    pub trained: Vec<TrainingRecord>,
}

impl Earlier {
    /// Reads the newest runs of the definition's pipeline.
    ///
    /// # Errors
    /// If the lake cannot be read.
    pub async fn read(store: &S3Store, definition: &Definition) -> Result<Self, PlanError> {
        let mut runs = runs::in_lake(store, &definition.pipeline, "").await?;
        runs.reverse();
        runs.truncate(MOST);
        let mut earlier = Self::default();
        for run in &runs {
            let keys = RunKeys::new(&definition.pipeline, run);
            let plan: Option<Plan> =
                documents::read_if_there(store, &keys.plan(), "the plan of a run").await?;
            let Some(plan) = plan else { continue };
            if instances(&plan.definition) == instances(definition) {
                let record: Option<TrainingRecord> =
                    documents::read_if_there(store, &keys.training(), "the record of a training")
                        .await?;
                earlier.trained.extend(record);
            }
            if earlier.last_run.is_none() {
                earlier.last_run = Some(compare(definition, run, &plan));
            }
        }
        Ok(earlier)
    }
}

/// The type and number of the instances that train.
fn instances(definition: &Definition) -> Option<(&str, u32)> {
    let training = definition.training.as_ref()?;
    Some((&training.instance_type, training.instance_count))
}

fn compare(definition: &Definition, run: &RunId, plan: &Plan) -> LastRun {
    let json = |definition: &Definition| {
        serde_json::to_value(definition).expect("a definition is written as JSON")
    };
    LastRun {
        run: run.clone(),
        changes: changes(&json(&plan.definition), &json(definition))
            .into_iter()
            .map(|Change { path, lake, file }| FieldChange {
                path,
                was: lake,
                is: file,
            })
            .collect(),
    }
}
