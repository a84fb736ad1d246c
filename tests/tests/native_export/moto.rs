//! moto, the one local server that writes the files of exports, with a filled table, and the real
//! steps and adapters on it.

use aws::SdkConfig;
use aws::dynamodb::Tables;
use aws::s3::S3Store;
use contract::states::{
    Execution, ExportSegmentInput, ExportTask, MergeToCsvInput, PlanExportInput, PlanExportOutput,
    RequestExportOutput, RowCounts, RunInput, Status,
};
use contract::{Invocation, ServiceError};
use end_to_end::in_process::NoOther;
use end_to_end::interpreter::{BUCKET, Interpreter};
use end_to_end::permitted::Lakes;
use end_to_end::{native, python};
use lake::{ObjectStore, RunKeys, documents};
use millrace::demo::data::Interactions;
use millrace::demo::{self, TABLE};
use millrace::progress::Progress;
use request_export::RequestExportError;
use sagemaker_ports::MemorySageMaker;
use serde_json::{Value, json};
use source::{
    DescribeRecovery, DescribeTable, ExportDescription, ExportRequest, ExportState, NativeExport,
    PageBuffer, PageEnd, PageRequest, PointInTimeRecovery, Recoverable, ScanPages, TableInfo,
};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

pub const ITEMS: usize = 700;
pub const LAKE_KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/lake";

/// moto's tables, whose past can be read from long ago, and until when a test says: moto counts from
/// when recovery was turned on.
pub struct Recovered(pub Tables, pub Mutex<Recoverable>);

impl DescribeRecovery for Recovered {
    async fn recovery(&self, table: &str) -> Result<PointInTimeRecovery, ServiceError> {
        Ok(match self.0.recovery(table).await? {
            PointInTimeRecovery::On(_) => PointInTimeRecovery::On(*self.1.lock().unwrap()),
            PointInTimeRecovery::Off => PointInTimeRecovery::Off,
        })
    }
}

impl DescribeTable for Recovered {
    async fn describe(&self, table: &str) -> Result<Option<TableInfo>, ServiceError> {
        self.0.describe(table).await
    }

    async fn holds_an_item(&self, table: &str, index: Option<&str>) -> Result<bool, ServiceError> {
        self.0.holds_an_item(table, index).await
    }
}

impl ScanPages for Recovered {
    async fn page(
        &self,
        request: &PageRequest<'_>,
        buffer: &mut PageBuffer,
    ) -> Result<PageEnd, ServiceError> {
        self.0.page(request, buffer).await
    }
}

impl NativeExport for Recovered {
    async fn request_export(
        &self,
        request: &ExportRequest,
    ) -> Result<ExportDescription, ServiceError> {
        self.0.request_export(request).await
    }

    async fn find_export(
        &self,
        request: &ExportRequest,
    ) -> Result<Option<ExportDescription>, ServiceError> {
        self.0.find_export(request).await
    }

    async fn describe_export(&self, arn: &str) -> Result<ExportDescription, ServiceError> {
        let mut export = self.0.describe_export(arn).await?;
        // moto counts the items of the whole table, also for an export of changes.
        if let ExportState::Completed { items, .. } = &mut export.state {
            *items = None;
        }
        Ok(export)
    }
}

/// moto with a filled table.
pub struct Moto {
    pub server: Interpreter,
    pub config: SdkConfig,
    pub lake: S3Store,
    /// The lake as each function sees it.
    pub lakes: Lakes,
    pub tables: Recovered,
    pub interactions: Interactions,
}

pub fn invocation() -> Invocation {
    Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now() + Duration::from_mins(10),
    }
}

impl Moto {
    pub async fn start() -> Self {
        let program = python::program("moto_server");
        let server = Interpreter::start(&program, BTreeMap::new()).await;
        let config = aws::local(server.url()).await;
        let interactions = Interactions::generate(11, ITEMS);
        let step = Progress::quiet().step("table");
        demo::table::fill(&config, TABLE, interactions.items(), &step)
            .await
            .unwrap();
        Self {
            lake: S3Store::new(&config, BUCKET),
            lakes: Lakes::new(server.url(), BUCKET),
            tables: Recovered(Tables::new(&config), Mutex::default()),
            config,
            interactions,
            server,
        }
    }

    /// Plans a run of the demo's definition whose source has these fields too.
    pub async fn plan(
        &self,
        source: Value,
    ) -> Result<PlanExportOutput, plan_export::PlanExportError> {
        let mut definition = serde_json::to_value(demo::definition()).unwrap();
        let fields = definition["source"]["dynamodb"].as_object_mut().unwrap();
        fields.extend(source.as_object().unwrap().clone());
        let pipeline = format!("pipeline-{}", fastrand::u32(..));
        definition["pipeline"] = json!(pipeline);
        self.plan_run(definition, "2026-11-20T17:30:00Z").await
    }

    /// Plans a run of this definition that starts at this time.
    pub async fn plan_run(
        &self,
        definition: Value,
        start: &str,
    ) -> Result<PlanExportOutput, plan_export::PlanExportError> {
        let input = PlanExportInput {
            execution: Execution {
                id: format!("arn:{start}"),
                start_time: start.to_owned(),
            },
            input: definition,
        };
        let settings = plan_export::Settings {
            stack: "shop".to_owned(),
            overrides: plan_export::Overrides::default(),
            concurrency: 40,
        };
        let lake = self.lakes.of("plan-export").await;
        let sources = plan_export::Sources {
            tables: &self.tables,
            databases: &database::Drivers::AT_ONCE,
            secrets: &sql_source::MemorySecrets::new(),
            lake: Some(&lake.store),
            captures: &source::MemoryCapture::default(),
            concurrency: settings.concurrency,
        };
        let (alarms, functions) = (MemorySageMaker::new(), source::MemoryFunctions::default());
        let store = &lake.store;
        let planned = plan_export::handle(
            store, &sources, &NoOther, &alarms, &functions, &settings, input,
        );
        Box::pin(planned).await
    }

    pub async fn look(&self, run: &RunInput) -> Result<RequestExportOutput, RequestExportError> {
        let lake = self.lakes.of("request-export").await;
        let settings = request_export::Settings {
            lake_key: LAKE_KEY.to_owned(),
            concurrency: 40,
        };
        let (run, tables) = (run.clone(), &self.tables);
        let polled = request_export::handle(&lake.store, tables, &settings, run, invocation());
        Box::pin(polled).await
    }

    /// Looks until the export is whatever it will be.
    pub async fn wait(&self, run: &RunInput) -> Result<RequestExportOutput, RequestExportError> {
        loop {
            let answer = self.look(run).await;
            match answer {
                Ok(output) if output.status == Status::InProgress => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                other => return other,
            }
        }
    }

    /// Checks that no function has asked for what its role may not do.
    pub fn assert_permitted(&self) {
        assert_eq!(self.lakes.refused(), Vec::<String>::new());
    }

    pub async fn exports(&self) -> Vec<String> {
        native::exports(self.server.url(), TABLE).await
    }

    /// Writes what DynamoDB writes beside the files.
    pub async fn write_manifests(&self, keys: &RunKeys) {
        let prefix = keys.native(1);
        let arn = &self.exports().await[0];
        let files = self.lake.list(&prefix).await.unwrap();
        assert_eq!(files.len(), 1, "moto writes one file");
        let files = [(files[0].key.clone(), ITEMS)];
        native::write_manifests(&self.lake, &prefix, arn, &files).await;
    }

    pub async fn export_segments(
        &self,
        run: &RunInput,
        tasks_key: &str,
    ) -> Result<u64, export_segment::ExportSegmentError> {
        let tasks: Vec<ExportTask> = documents::read(&self.lake, tasks_key, "tasks")
            .await
            .unwrap();
        let mut items = 0;
        let lake = self.lakes.of("export-segment").await;
        for task in tasks {
            let input = ExportSegmentInput {
                pipeline: run.pipeline.clone(),
                run: run.run.clone(),
                task,
            };
            let settings = export_segment::Settings::default();
            let (lake, tables) = (&lake.store, &self.tables);
            let exported = export_segment::handle(lake, tables, settings, input, invocation());
            let output = Box::pin(exported).await?;
            assert_eq!(output.status, Status::Done);
            items += output.items;
        }
        Ok(items)
    }

    /// Makes the dataset of the exported items; its rows, sorted.
    pub async fn dataset(&self, run: &RunInput) -> (RowCounts, Vec<String>) {
        let lake = self.lakes.of("plan-dataset").await;
        let planned = plan_dataset::handle(&lake.store, 40, run.clone(), invocation())
            .await
            .unwrap();
        let lake = self.lakes.of("merge-to-csv").await;
        for shard in 0..planned.shards {
            let input = MergeToCsvInput {
                pipeline: run.pipeline.clone(),
                run: run.run.clone(),
                shard,
            };
            merge_to_csv::handle(&lake.store, input, invocation())
                .await
                .unwrap();
        }
        let lake = self.lakes.of("seal-dataset").await;
        let sealed = seal_dataset::handle(&lake.store, run.clone(), invocation())
            .await
            .unwrap();
        let keys = RunKeys::new(&run.pipeline, &run.run);
        let mut rows = Vec::new();
        for channel in ["train", "validation"] {
            for object in self.lake.list(&keys.channel(channel)).await.unwrap() {
                let text = self.lake.get(&object.key).await.unwrap();
                let text = std::str::from_utf8(&text).unwrap();
                rows.extend(text.lines().map(|row| format!("{channel}: {row}")));
            }
        }
        rows.sort_unstable();
        (sealed.rows, rows)
    }
}

pub fn of(planned: &PlanExportOutput) -> (RunInput, RunKeys) {
    let run = RunInput {
        pipeline: planned.pipeline.clone(),
        run: planned.run.clone(),
    };
    let keys = RunKeys::new(&run.pipeline, &run.run);
    (run, keys)
}
