//! The steps of a run up to the index, in this process.

use crate::bucket::Bucket;
use contract::Invocation;
use contract::states::{
    AfterExport, Execution, ExportSegmentInput, ExportTask, MergeToCsvInput, Outcome,
    PlanDatasetOutput, PlanExportInput, PlanExportOutput, PublishReportInput, RunInput, Status,
};
use end_to_end::in_process::{NoOther, Silent, invocation};
use index_images::{IndexImagesError, Settings};
use lake::executions::NoHistory;
use lake::records::{DatasetRecord, Listing, Plan, SegmentRecord};
use lake::{RunKeys, documents, part, segment};
use plan_dataset::PlanDatasetError;
use plan_export::{Images, PlanExportError};
use profile::Profile;
use sagemaker_ports::MemorySageMaker;
use serde_json::{Value, json};
use source::memory::MemoryTable;
use std::collections::BTreeMap;

/// A definition of images by class, with these fields of the source changed.
pub fn definition(change: &Value) -> Value {
    let mut source = json!({
        "keys": "images/{class}/trip={trip}/{name}.{ext}",
        "labels": {"key": "class"},
    });
    for (field, value) in change.as_object().unwrap() {
        source[field] = value.clone();
    }
    json!({"source": {"images": source}})
}

/// What a run did.
pub struct Run {
    pub planned: contract::states::Estimate,
    pub plan: Plan,
    pub items: u64,
    /// Each line's attributes, as text.
    pub rows: Vec<BTreeMap<String, String>>,
    pub listing: Listing,
    /// Ranges that are an earlier run's.
    pub adopted: usize,
    pub then: AfterExport,
    input: RunInput,
}

impl Run {
    /// Lets the run end well.
    pub async fn ended(&self, bucket: &Bucket) {
        let outcome = match self.then {
            AfterExport::NothingNew => Outcome::NothingNew,
            _ => Outcome::Exported,
        };
        let input = PublishReportInput {
            pipeline: self.input.pipeline.clone(),
            run: self.input.run.clone(),
            outcome,
        };
        publish_report::handle(bucket, &Silent, &NoHistory, input, invocation())
            .await
            .unwrap();
    }
}

impl Run {
    /// Packs the dataset's shards, and seals it.
    pub async fn packed(&self, bucket: &Bucket) -> DatasetRecord {
        let RunInput { pipeline, run } = self.input.clone();
        let keys = RunKeys::new(&pipeline, &run);
        let shards: Vec<u32> = documents::read(bucket, &keys.shards(), "shards")
            .await
            .unwrap();
        for shard in shards {
            let (pipeline, run) = (pipeline.clone(), run.clone());
            let input = MergeToCsvInput {
                pipeline,
                run,
                shard,
            };
            let once = pack_images::handle(bucket, input.clone(), invocation()).await;
            let again = pack_images::handle(bucket, input, invocation()).await;
            assert_eq!(once.unwrap(), again.unwrap());
        }
        seal_dataset::handle(bucket, self.input.clone(), invocation())
            .await
            .unwrap();
        documents::read(bucket, &keys.dataset(), "the dataset")
            .await
            .unwrap()
    }
}

/// The table with the labels that the bucket's test has, by the key `id`.
fn table(bucket: &Bucket) -> MemoryTable {
    let items = bucket.items().items.into_iter();
    let line = |id| format!("{{\"Item\":{{\"id\":{{\"S\":\"{id}\"}}}}}}\n").into_bytes();
    MemoryTable::new("signs", items.map(|(id, _)| line(id)).collect(), 100)
}

/// Plans a run.
pub async fn plan(
    bucket: &Bucket,
    definition: &Value,
    name: &str,
) -> Result<PlanExportOutput, PlanExportError> {
    // A later run has a greater name; one with another pipeline begins from nothing.
    let (second, pipeline) = name.split_once('-').unwrap_or((name, "default"));
    let mut input = definition.clone();
    input["pipeline"] = json!(pipeline);
    let source = serde_json::from_value(definition["source"]["images"].clone()).unwrap();
    let images = Images {
        source: &source,
        tables: &table(bucket),
        lake: bucket,
        concurrency: 40,
    };
    let settings = plan_export::Settings {
        stack: "fleet".to_owned(),
        overrides: plan_export::Overrides::default(),
        concurrency: 40,
    };
    let input = PlanExportInput {
        execution: Execution {
            id: format!("arn:{name}"),
            start_time: format!("2026-11-20T17:30:0{second}Z"),
        },
        input,
    };
    let alarms = MemorySageMaker::new();
    plan_export::handle(
        bucket,
        &images,
        &NoOther,
        &alarms,
        &source::MemoryFunctions::default(),
        &settings,
        input,
    )
    .await
}

/// Why a run cannot be planned.
pub async fn refused(bucket: &Bucket, definition: &Value) -> PlanExportError {
    plan(bucket, definition, "1").await.unwrap_err()
}

/// Plans and indexes.
pub async fn try_index(
    bucket: &Bucket,
    definition: &Value,
    name: &str,
) -> Result<PlanExportOutput, IndexImagesError> {
    let planned = plan(bucket, definition, name).await.unwrap();
    index(bucket, &planned).await?;
    Ok(planned)
}

/// Indexes the ranges of a plan.
pub async fn index(bucket: &Bucket, planned: &PlanExportOutput) -> Result<(), IndexImagesError> {
    let tasks: Vec<ExportTask> = documents::read(bucket, &planned.tasks_key, "tasks").await?;
    for task in tasks {
        let input = ExportSegmentInput {
            pipeline: planned.pipeline.clone(),
            run: planned.run.clone(),
            task,
        };
        let items = bucket.items();
        let settings = Settings::default();
        let output = index_images::handle(bucket, &items, settings, input, invocation()).await?;
        assert_eq!(output.status, Status::Done);
    }
    Ok(())
}

/// Checks the index and plans the dataset.
pub async fn plan_dataset(
    bucket: &Bucket,
    planned: &PlanExportOutput,
) -> Result<PlanDatasetOutput, PlanDatasetError> {
    plan_dataset_within(bucket, planned, invocation()).await
}

/// The same, in the time of this invocation.
pub async fn plan_dataset_within(
    bucket: &Bucket,
    planned: &PlanExportOutput,
    invocation: Invocation,
) -> Result<PlanDatasetOutput, PlanDatasetError> {
    let input = RunInput {
        pipeline: planned.pipeline.clone(),
        run: planned.run.clone(),
    };
    plan_dataset::handle(bucket, 40, input, invocation).await
}

/// Runs up to the index, and checks that what is committed agrees with itself.
pub async fn run(bucket: &Bucket, definition: &Value, name: &str) -> Run {
    let planned = try_index(bucket, definition, name).await.unwrap();
    collect(bucket, planned).await
}

/// What an index has committed, which agrees with itself.
pub async fn collect(bucket: &Bucket, planned: PlanExportOutput) -> Run {
    let keys = RunKeys::new(&planned.pipeline, &planned.run);
    let plan: Plan = documents::read(bucket, &keys.plan(), "the run's plan")
        .await
        .unwrap();
    let (mut rows, mut listing, mut adopted) = (Vec::new(), Listing::default(), 0);
    for number in 0..plan.segments {
        let record: Option<SegmentRecord<Profile>> =
            segment::manifest(bucket, &keys, number).await.unwrap();
        let record = record.expect("the range is whole");
        for listed in &record.parts {
            part::read_lines(bucket, listed, |line| rows.push(row(line)))
                .await
                .unwrap();
        }
        listing += record.listing.expect("every range was listed");
        adopted += usize::from(record.adopted.is_some());
    }
    assert_eq!(rows.len() as u64 + listing.not_included, listing.objects);
    let keys: Vec<_> = rows.iter().map(|row| &row["key"]).collect();
    assert!(keys.is_sorted(), "the ranges are in order");
    let exported = plan_dataset(bucket, &planned).await.unwrap();
    let input = RunInput {
        pipeline: planned.pipeline,
        run: planned.run,
    };
    Run {
        planned: planned.estimate,
        plan,
        items: exported.items,
        rows,
        listing,
        adopted,
        then: exported.then,
        input,
    }
}

fn row(line: &[u8]) -> BTreeMap<String, String> {
    let line: Value = serde_json::from_slice(line).unwrap();
    let item = line["Item"].as_object().unwrap().iter();
    let text = |value: &Value| value.as_object().unwrap().values().next().unwrap().clone();
    item.map(|(name, value)| (name.clone(), text(value).as_str().unwrap().to_owned()))
        .collect()
}
