//! A native export by moto, the one local server that writes its files, through the real steps and
//! adapters: the dataset matches the table, and the dataset of a scan.
//!
//! moto does not write the manifests, so this test does. Before that, the export claims to be
//! complete without manifests, which must be refused.

#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use aws::SdkConfig;
use aws::dynamodb::Tables;
use aws::s3::S3Store;
use contract::states::{
    Execution, ExportSegmentInput, ExportTask, MergeToCsvInput, PlanExportInput, PlanExportOutput,
    RequestExportOutput, Route, RowCounts, RunInput, Status,
};
use contract::{ErrorName, Invocation, Named, ServiceError};
use end_to_end::interpreter::{BUCKET, Interpreter};
use end_to_end::pipeline::{assert_same_items, raw_items};
use end_to_end::{dynamodb, native, python};
use lake::lease::Executions;
use lake::native::NativeExport;
use lake::{ObjectStore, RunKeys, documents};
use millrace::demo::data::Interactions;
use millrace::demo::{self, TABLE};
use millrace::progress::Progress;
use request_export::RequestExportError;
use sagemaker_ports::MemorySageMaker;
use serde_json::{Value, json};
use source::{ExportRequest, ExportState, NativeExport as _};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

const ITEMS: usize = 700;
const LAKE_KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/lake";

struct NoOther;

impl Executions for NoOther {
    async fn is_running(&self, _: &str) -> Result<bool, ServiceError> {
        Ok(false)
    }
}

/// moto with a filled table.
struct Moto {
    server: Interpreter,
    config: SdkConfig,
    lake: S3Store,
    tables: Tables,
    interactions: Interactions,
}

fn invocation() -> Invocation {
    Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now() + Duration::from_mins(10),
    }
}

impl Moto {
    async fn start() -> Self {
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
            tables: Tables::new(&config),
            config,
            interactions,
            server,
        }
    }

    /// Plans a run of the demo's definition whose source has these fields too.
    async fn plan(&self, source: Value) -> Result<PlanExportOutput, plan_export::PlanExportError> {
        let mut definition = serde_json::to_value(demo::definition()).unwrap();
        let fields = definition["source"]["dynamodb"].as_object_mut().unwrap();
        fields.extend(source.as_object().unwrap().clone());
        let pipeline = format!("pipeline-{}", fastrand::u32(..));
        definition["pipeline"] = json!(pipeline);
        let input = PlanExportInput {
            execution: Execution {
                id: format!("arn:{pipeline}"),
                start_time: "2026-11-20T17:30:00Z".to_owned(),
            },
            input: definition,
        };
        let settings = plan_export::Settings {
            stack: "shop".to_owned(),
            overrides: plan_export::Overrides::default(),
            concurrency: 40,
        };
        plan_export::handle(
            &self.lake,
            &plan_export::Sources {
                tables: &self.tables,
                databases: &database::Drivers::AT_ONCE,
                secrets: &sql_source::MemorySecrets::new(),
                lake: Some(&self.lake),
                concurrency: settings.concurrency,
            },
            &NoOther,
            &MemorySageMaker::new(),
            &source::MemoryFunctions::default(),
            &settings,
            input,
        )
        .await
    }

    async fn look(&self, run: &RunInput) -> Result<RequestExportOutput, RequestExportError> {
        request_export::handle(
            &self.lake,
            &self.tables,
            &request_export::Settings {
                lake_key: LAKE_KEY.to_owned(),
                concurrency: 40,
            },
            run.clone(),
            invocation(),
        )
        .await
    }

    /// Looks until the export is whatever it will be.
    async fn wait(&self, run: &RunInput) -> Result<RequestExportOutput, RequestExportError> {
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

    async fn exports(&self) -> Vec<String> {
        native::exports(self.server.url(), TABLE).await
    }

    /// Writes what DynamoDB writes beside the files.
    async fn write_manifests(&self, keys: &RunKeys) {
        let prefix = keys.native(1);
        let arn = &self.exports().await[0];
        let files = self.lake.list(&prefix).await.unwrap();
        assert_eq!(files.len(), 1, "moto writes one file");
        let files = [(files[0].key.clone(), ITEMS)];
        native::write_manifests(&self.lake, &prefix, arn, &files).await;
    }

    async fn export_segments(
        &self,
        run: &RunInput,
        tasks_key: &str,
    ) -> Result<u64, export_segment::ExportSegmentError> {
        let tasks: Vec<ExportTask> = documents::read(&self.lake, tasks_key, "tasks")
            .await
            .unwrap();
        let mut items = 0;
        for task in tasks {
            let input = ExportSegmentInput {
                pipeline: run.pipeline.clone(),
                run: run.run.clone(),
                task,
            };
            let settings = export_segment::Settings::default();
            let output =
                export_segment::handle(&self.lake, &self.tables, settings, input, invocation())
                    .await?;
            assert_eq!(output.status, Status::Done);
            items += output.items;
        }
        Ok(items)
    }

    /// Makes the dataset of the exported items; its rows, sorted.
    async fn dataset(&self, run: &RunInput) -> (RowCounts, Vec<String>) {
        let planned = plan_dataset::handle(&self.lake, 40, run.clone(), invocation())
            .await
            .unwrap();
        for shard in 0..planned.shards {
            let input = MergeToCsvInput {
                pipeline: run.pipeline.clone(),
                run: run.run.clone(),
                shard,
            };
            merge_to_csv::handle(&self.lake, input, invocation())
                .await
                .unwrap();
        }
        let sealed = seal_dataset::handle(&self.lake, run.clone(), invocation())
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

fn of(planned: &PlanExportOutput) -> (RunInput, RunKeys) {
    let run = RunInput {
        pipeline: planned.pipeline.clone(),
        run: planned.run.clone(),
    };
    let keys = RunKeys::new(&run.pipeline, &run.run);
    (run, keys)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exported_table_becomes_the_same_dataset_as_a_scanned_one() {
    let moto = Moto::start().await;
    let error = moto.plan(json!({"mode": "export"})).await.unwrap_err();
    assert_eq!(
        error.name(),
        ErrorName::InvalidDefinition,
        "recovery is off"
    );
    dynamodb::turn_recovery_on(moto.server.url(), TABLE).await;

    let planned = moto.plan(json!({"mode": "export"})).await.unwrap();
    assert_eq!(planned.route, Route::Export);
    let (run, keys) = of(&planned);
    moto.look(&run).await.unwrap();
    // As if the call had been killed before it could record its request.
    moto.lake.delete(&keys.native_request()).await.unwrap();
    let error = moto.wait(&run).await.unwrap_err();
    assert_eq!(moto.exports().await.len(), 1, "one export was asked for");
    assert_eq!(error.name(), ErrorName::DatasetInvalid);
    assert!(
        error.to_string().contains("there is no manifest"),
        "{error}"
    );

    moto.write_manifests(&keys).await;
    let done = moto.look(&run).await.unwrap();
    assert_eq!(
        (done.status, done.segments, done.tasks),
        (Status::Done, 1, 1)
    );
    assert_eq!(
        moto.export_segments(&run, &done.tasks_key).await.unwrap(),
        ITEMS as u64
    );
    assert_same_items(
        &raw_items(&moto.lake, &keys).await,
        moto.interactions.items(),
    );
    let (exported_rows, exported) = Box::pin(moto.dataset(&run)).await;
    assert_eq!(exported_rows.total(), ITEMS as u64);

    let planned = moto.plan(json!({"mode": "auto"})).await.unwrap();
    assert_eq!(planned.route, Route::Scan, "{}", planned.reason);
    let (run, keys) = of(&planned);
    moto.export_segments(&run, &planned.tasks_key)
        .await
        .unwrap();
    assert_same_items(
        &raw_items(&moto.lake, &keys).await,
        moto.interactions.items(),
    );
    let (scanned_rows, scanned) = Box::pin(moto.dataset(&run)).await;
    assert_eq!((exported_rows, exported), (scanned_rows, scanned));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_refused_and_a_failed_export_is_told() {
    let moto = Moto::start().await;
    dynamodb::turn_recovery_on(moto.server.url(), TABLE).await;
    let planned = moto.plan(json!({"mode": "export"})).await.unwrap();
    let (run, keys) = of(&planned);
    moto.wait(&run).await.unwrap_err();
    moto.write_manifests(&keys).await;
    let done = moto.look(&run).await.unwrap();
    let export: NativeExport = documents::read(&moto.lake, &keys.native_export(), "export")
        .await
        .unwrap();
    let file = &export.files[0].key;
    let whole = moto.lake.get(file).await.unwrap();
    let mut damaged = whole.to_vec();
    damaged[whole.len() / 2] ^= 1;
    moto.lake.put(file, damaged.into()).await.unwrap();
    let error = moto
        .export_segments(&run, &done.tasks_key)
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::DatasetInvalid);
    assert!(error.to_string().contains("MD5"), "{error}");
    // Restored, it is taken.
    moto.lake.put(file, whole).await.unwrap();
    moto.export_segments(&run, &done.tasks_key).await.unwrap();

    let table = json!({ "TableName": TABLE });
    let table = dynamodb::call(moto.server.url(), "DescribeTable", &table).await;
    let request = ExportRequest {
        table_arn: table["Table"]["TableArn"].as_str().unwrap().to_owned(),
        token: "token".to_owned(),
        bucket: "there-is-no-such-bucket".to_owned(),
        prefix: "raw".to_owned(),
        key: LAKE_KEY.to_owned(),
        time: 1_795_195_800,
    };
    let tables = Tables::new(&moto.config);
    let mut asked = tables.request_export(&request).await.unwrap();
    while asked.state == ExportState::InProgress {
        asked = tables.describe_export(&asked.arn).await.unwrap();
    }
    let found = tables.find_export(&request).await.unwrap();
    assert_eq!(found.as_ref(), Some(&asked));
    let ExportState::Failed { code, message } = asked.state else {
        panic!("{asked:?}");
    };
    assert_eq!(code, "S3NoSuchBucket");
    assert!(!message.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_and_a_filter_leave_out_what_they_should() {
    let moto = Moto::start().await;
    let source = json!({
        "projection": ["rating", "context.device", "item_id", "favourite"],
        "filter": {
            "expression": "#r >= :least AND attribute_exists(context)",
            "names": {"#r": "rating"},
            "values": {":least": {"N": "4"}},
        },
        "segments": 2,
    });
    let planned = moto.plan(source).await.unwrap();
    assert_eq!(planned.route, Route::Scan);
    let (run, keys) = of(&planned);
    moto.export_segments(&run, &planned.tasks_key)
        .await
        .unwrap();
    let wanted: Vec<Value> = moto
        .interactions
        .rows
        .iter()
        .filter(|row| row.rating.is_some_and(|rating| rating >= 4.0))
        .filter(|row| row.item().get("context").is_some())
        .map(|row| {
            let item = row.item();
            let kept = ["rating", "item_id", "favourite", "user_id", "event_id"];
            let mut left: serde_json::Map<String, Value> = kept
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), item.get(*name)?.clone())))
                .collect();
            if let Some(device) = item["context"]["M"].get("device") {
                left.insert("context".to_owned(), json!({"M": {"device": device}}));
            }
            Value::Object(left)
        })
        .collect();
    assert!(
        wanted.len() > 50 && wanted.len() < ITEMS,
        "{}",
        wanted.len()
    );
    assert_same_items(&raw_items(&moto.lake, &keys).await, wanted.iter());
}
