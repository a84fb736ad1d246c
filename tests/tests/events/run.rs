//! Events as a delivery stream writes them, and the steps of a run of them, in this process.

use aws::s3::S3Store;
use contract::states::{
    AfterExport, Execution, ExportSegmentInput, ExportTask, MergeToCsvInput, Outcome,
    PlanDatasetOutput, PlanExportInput, PlanExportOutput, PublishReportInput, RowCounts, RunInput,
    Status,
};
use end_to_end::in_process::{NoOther, Silent, invocation};
use export_segment::{ExportSegmentError, Settings};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use lake::executions::NoHistory;
use lake::records::{EventsPlan, Plan, SegmentRecord};
use lake::{ConditionalStore, ObjectStore, PagedStore, RunKeys, documents, part, segment};
use plan_export::{Events, PlanExportError};
use profile::Profile;
use sagemaker_ports::MemorySageMaker;
use serde_json::{Value, json};
use source::memory::MemoryTable;
use std::collections::BTreeMap;
use std::io::Write;

pub const PIPELINE: &str = "films";

/// The line of an event.
pub fn line(number: u32) -> String {
    format!(
        "{{\"Item\":{{\"event_id\":{{\"S\":\"e-{number}\"}},\"at\":{{\"S\":\"2026-11-20T10:00:00Z\"}},\
         \"user\":{{\"S\":\"u-{}\"}},\"rating\":{{\"N\":\"{}\"}}}}}}\n",
        number % 7,
        number % 5
    )
}

/// An object as Firehose writes it.
pub fn object(numbers: impl IntoIterator<Item = u32>) -> Vec<u8> {
    let text: String = numbers.into_iter().map(line).collect();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// The key of an object that was delivered so many hours ago.
pub fn key(hours_ago: i64, name: &str) -> String {
    let hour = Timestamp::now() - SignedDuration::from_hours(hours_ago);
    let hour = hour.to_zoned(TimeZone::UTC).strftime("%Y/%m/%d/%H");
    format!("events/{PIPELINE}/{hour}/{name}.gz")
}

/// A definition of events, with these parts changed.
pub fn definition(change: &Value) -> Value {
    let mut definition = json!({
        "pipeline": PIPELINE,
        "source": {"events": {"days": 30, "id": ["event_id"], "at": "at"}},
    });
    for (part, value) in change.as_object().unwrap() {
        definition[part] = value.clone();
    }
    definition
}

/// Plans the run with this number.
pub async fn plan<S: PagedStore>(
    lake: &S,
    definition: &Value,
    number: u32,
) -> Result<PlanExportOutput, PlanExportError> {
    let source = serde_json::from_value(definition["source"]["events"].clone()).unwrap();
    let events = Events {
        source: &source,
        lake,
        concurrency: 40,
    };
    let settings = plan_export::Settings {
        stack: "shop".to_owned(),
        overrides: plan_export::Overrides::default(),
        concurrency: 40,
    };
    let input = PlanExportInput {
        execution: Execution {
            id: format!("arn:{number}"),
            start_time: format!("2026-11-20T17:{:02}:{:02}Z", number / 60, number % 60),
        },
        input: definition.clone(),
    };
    let (alarms, functions) = (MemorySageMaker::new(), source::MemoryFunctions::default());
    let planned = plan_export::handle(
        lake, &events, &NoOther, &alarms, &functions, &settings, input,
    );
    Box::pin(planned).await
}

/// The inputs of a run's tasks.
pub async fn tasks(lake: &impl ObjectStore, planned: &PlanExportOutput) -> Vec<ExportSegmentInput> {
    let tasks: Vec<ExportTask> = documents::read(lake, &planned.tasks_key, "tasks")
        .await
        .unwrap();
    let input = |task| ExportSegmentInput {
        pipeline: planned.pipeline.clone(),
        run: planned.run.clone(),
        task,
    };
    tasks.into_iter().map(input).collect()
}

/// Reads the events of a run; the items of its tasks.
pub async fn export(
    lake: &impl PagedStore,
    inputs: Vec<ExportSegmentInput>,
) -> Result<u64, ExportSegmentError> {
    let table = MemoryTable::new("none", Vec::new(), 1);
    let mut items = 0;
    for input in inputs {
        let settings = Settings::default();
        let output = export_segment::handle(lake, &table, settings, input, invocation());
        let output = Box::pin(output).await?;
        assert_eq!(output.status, Status::Done);
        items += output.items;
    }
    Ok(items)
}

pub fn of(planned: &PlanExportOutput) -> (RunInput, RunKeys) {
    let run = RunInput {
        pipeline: planned.pipeline.clone(),
        run: planned.run.clone(),
    };
    let keys = RunKeys::new(&run.pipeline, &run.run);
    (run, keys)
}

/// The frozen list of a run.
pub async fn frozen(lake: &impl ObjectStore, keys: &RunKeys) -> (Plan, EventsPlan) {
    let plan: Plan = documents::read(lake, &keys.plan(), "plan").await.unwrap();
    let events = plan.events().unwrap().1.clone();
    (plan, events)
}

/// How often each event is in the raw lines of a run, by its id, and how many segments are an earlier
/// run's.
pub async fn raw(lake: &impl ObjectStore, keys: &RunKeys) -> (BTreeMap<String, u32>, usize) {
    let (plan, _) = frozen(lake, keys).await;
    let (mut ids, mut adopted) = (BTreeMap::new(), 0);
    for number in 0..plan.segments {
        let record: Option<SegmentRecord<Profile>> =
            segment::manifest(lake, keys, number).await.unwrap();
        let record = record.expect("the segment is whole");
        adopted += usize::from(record.adopted.is_some());
        let before: u32 = ids.values().sum();
        for listed in &record.parts {
            part::read_lines(lake, listed, |line| {
                let line: Value = serde_json::from_slice(line).unwrap();
                let id = line["Item"]["event_id"]["S"].as_str().unwrap();
                *ids.entry(id.to_owned()).or_default() += 1;
            })
            .await
            .unwrap();
        }
        let after: u32 = ids.values().sum();
        assert_eq!(record.totals.items, u64::from(after - before));
        assert_eq!(record.profile.items(), record.totals.items);
    }
    (ids, adopted)
}

/// Plans the dataset.
pub async fn plan_dataset(lake: &impl ObjectStore, run: &RunInput) -> PlanDatasetOutput {
    let planned = plan_dataset::handle(lake, 40, run.clone(), invocation());
    Box::pin(planned).await.unwrap()
}

/// Makes the rows of a planned dataset.
pub async fn merge(lake: &S3Store, run: &RunInput, shards: u32) {
    for shard in 0..shards {
        let input = MergeToCsvInput {
            pipeline: run.pipeline.clone(),
            run: run.run.clone(),
            shard,
        };
        let merged = merge_to_csv::handle(lake, input, invocation());
        Box::pin(merged).await.unwrap();
    }
}

/// Seals a dataset.
pub async fn seal(lake: &S3Store, run: &RunInput) -> RowCounts {
    let sealed = seal_dataset::handle(lake, run.clone(), invocation());
    Box::pin(sealed).await.unwrap().rows
}

/// Lets a run end well.
pub async fn end(lake: &impl ConditionalStore, run: &RunInput, then: AfterExport) {
    let outcome = match then {
        AfterExport::NothingNew => Outcome::NothingNew,
        AfterExport::End => Outcome::Exported,
        _ => Outcome::DatasetSealed,
    };
    let input = PublishReportInput {
        pipeline: run.pipeline.clone(),
        run: run.run.clone(),
        outcome,
    };
    publish_report::handle(lake, &Silent, &NoHistory, input, invocation())
        .await
        .unwrap();
}
