//! Plans and exports a table of a relational database, and reads its raw lines back.

use contract::Invocation;
use contract::states::{Execution, ExportSegmentInput, PlanExportInput, Status};
use definition::SqlSource;
use end_to_end::in_process::NoOther;
use export_sql_range::{ExportSqlRangeError, Settings};
use lake::records::{Plan, SegmentRecord};
use lake::{MemoryStore, RunKeys, documents, part, segment};
use plan_export::{PlanExportError, Sql};
use profile::Profile;
use raw_export::RawExportError;
use sagemaker_ports::memory::MemorySageMaker;
use serde_json::{Value, json};
use sql_source::{Databases, Secrets};
use std::time::{Duration, SystemTime};

pub fn invocation(left: Duration) -> Invocation {
    Invocation {
        attempt: format!("a{:x}", fastrand::u64(..)),
        deadline: SystemTime::now() + left,
    }
}

/// Plans the export of a source.
pub async fn plan(
    store: &MemoryStore,
    databases: &impl Databases,
    secrets: &impl Secrets,
    source: Value,
) -> Result<Plan, PlanExportError> {
    plan_of(
        store,
        databases,
        secrets,
        json!({"source": {"sql": source}}),
    )
    .await
}

/// Plans the export of a definition.
pub async fn plan_of(
    store: &MemoryStore,
    databases: &impl Databases,
    secrets: &impl Secrets,
    definition: Value,
) -> Result<Plan, PlanExportError> {
    let execution = Execution {
        id: "arn:1".to_owned(),
        start_time: "2026-11-20T17:30:00Z".to_owned(),
    };
    plan_run(store, databases, secrets, definition, execution).await
}

/// Plans the export of a definition for an execution.
pub async fn plan_run(
    store: &MemoryStore,
    databases: &impl Databases,
    secrets: &impl Secrets,
    definition: Value,
    execution: Execution,
) -> Result<Plan, PlanExportError> {
    let settings = plan_export::Settings {
        stack: "shop".to_owned(),
        overrides: plan_export::Overrides::default(),
        concurrency: 40,
    };
    let input = PlanExportInput {
        execution,
        input: definition.clone(),
    };
    let source: SqlSource = serde_json::from_value(definition["source"]["sql"].clone()).unwrap();
    let sources = Sql {
        source: &source,
        databases,
        secrets,
        lake: Some(store),
    };
    let alarms = MemorySageMaker::new();
    let functions = source::MemoryFunctions::default();
    let planned = plan_export::handle(
        store, &sources, &NoOther, &alarms, &functions, &settings, input,
    )
    .await?;
    let keys = RunKeys::new(&planned.pipeline, &planned.run);
    Ok(documents::read(store, &keys.plan(), "the plan").await?)
}

/// Calls the function for every task until each is done.
pub async fn export(
    store: &MemoryStore,
    databases: &impl Databases,
    secrets: &impl Secrets,
    plan: &Plan,
    settings: Settings,
    left: Duration,
) -> Result<(), ExportSqlRangeError> {
    for task in &plan.tasks {
        loop {
            let input = ExportSegmentInput {
                pipeline: plan.definition.pipeline.clone(),
                run: plan.run.clone(),
                task: *task,
            };
            let time = invocation(left);
            let handled =
                export_sql_range::handle(store, databases, secrets, settings, input, time).await;
            match handled {
                Ok(output) if output.status == Status::Done => break,
                // The second on a busy machine; the state machine tries it again too.
                Ok(_) | Err(ExportSqlRangeError::Export(RawExportError::NoAnswer { .. })) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// The manifests of a run that is exported.
pub async fn manifests(store: &MemoryStore, plan: &Plan) -> Vec<SegmentRecord<Profile>> {
    let mut all = Vec::new();
    for number in 0..plan.segments {
        let manifest = segment::manifest(store, &plan.keys(), number)
            .await
            .unwrap();
        all.push(manifest.expect("the segment is whole"));
    }
    all
}

/// All items of a run that is exported, in their order.
pub async fn items(store: &MemoryStore, plan: &Plan) -> Vec<Value> {
    let mut items = Vec::new();
    for manifest in manifests(store, plan).await {
        for listed in &manifest.parts {
            part::read_lines(store, listed, |line| {
                let line: Value = serde_json::from_slice(line).unwrap();
                items.push(line["Item"].clone());
            })
            .await
            .unwrap();
        }
    }
    items
}
