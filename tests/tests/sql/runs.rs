//! Runs of one pipeline, one after the other, each of which may read only what changed since the one
//! before.

use crate::export::{export, invocation, items, plan_run};
use contract::states::{Execution, Outcome, RunInput};
use database::Drivers;
use export_sql_range::Settings;
use jiff::Timestamp;
use lake::records::{ExportRecord, Latest, LatestExport, Plan};
use lake::{MemoryStore, documents, latest};
use plan_export::PlanExportError;
use serde_json::{Value, json};
use sql_source::MemorySecrets;
use std::collections::BTreeMap;
use std::time::Duration;

const LONG: Duration = Duration::from_mins(10);

/// A pipeline that exports a table.
pub struct Runs {
    pub store: MemoryStore,
    pub secrets: MemorySecrets,
    pub source: Value,
    pub settings: Settings,
    /// When the first run starts.
    pub first: Timestamp,
    count: i64,
}

impl Runs {
    pub fn new(secrets: MemorySecrets, source: Value) -> Self {
        Self {
            store: MemoryStore::new(),
            secrets,
            source,
            settings: Settings::default(),
            first: Timestamp::now(),
            count: 0,
        }
    }

    /// Plans the next run, which starts a second after the one before.
    pub async fn plan(&mut self) -> Result<Plan, PlanExportError> {
        self.count += 1;
        let start = self.first + jiff::SignedDuration::from_secs(self.count);
        let execution = Execution {
            id: format!("arn:{}", self.count),
            start_time: start.to_string(),
        };
        let definition = json!({"source": {"sql": self.source}});
        let drivers = Drivers::AT_ONCE;
        plan_run(&self.store, &drivers, &self.secrets, definition, execution).await
    }

    /// Exports what was planned, in one call for each task.
    pub async fn export(&self, plan: &Plan) {
        let drivers = Drivers::AT_ONCE;
        let exported = export(
            &self.store,
            &drivers,
            &self.secrets,
            plan,
            self.settings,
            LONG,
        );
        Box::pin(exported).await.unwrap();
    }

    /// Ends a run whose export is whole: its data is the pipeline's newest.
    pub async fn end(&self, plan: &Plan) -> ExportRecord {
        let input = RunInput {
            pipeline: plan.definition.pipeline.clone(),
            run: plan.run.clone(),
        };
        plan_dataset::handle(&self.store, 1, input, invocation(LONG))
            .await
            .unwrap();
        let newest = Latest {
            pipeline: plan.definition.pipeline.clone(),
            run: plan.run.clone(),
            outcome: Outcome::Exported,
            started: plan.started.clone(),
            finished: plan.started.clone(),
            report: String::new(),
            export: LatestExport {
                table: String::new(),
                items: 0,
                raw_bytes: 0,
                prefix: String::new(),
                manifest: String::new(),
            },
            dataset: None,
            model: None,
        };
        latest::advance(&self.store, &newest).await.unwrap();
        let key = plan.keys().export();
        documents::read(&self.store, &key, "the export")
            .await
            .unwrap()
    }

    /// A whole run. Returns its plan and its items.
    pub async fn run(&mut self) -> (Plan, Vec<Value>) {
        let plan = Box::pin(self.plan()).await.unwrap();
        self.export(&plan).await;
        self.end(&plan).await;
        let items = items(&self.store, &plan).await;
        (plan, items)
    }
}

/// How often each item occurs, by its text with its attributes in the order of their names.
pub fn counted(items: impl IntoIterator<Item = Value>) -> BTreeMap<String, u32> {
    let mut all = BTreeMap::new();
    for item in items {
        let attributes: BTreeMap<String, Value> = serde_json::from_value(item).unwrap();
        *all.entry(json!(attributes).to_string()).or_default() += 1;
    }
    all
}

/// The run from which a plan takes what did not change.
pub fn base(plan: &Plan) -> Option<String> {
    let changes = plan.sql().unwrap().1.changes();
    changes.map(|changes| changes.base.to_string())
}
