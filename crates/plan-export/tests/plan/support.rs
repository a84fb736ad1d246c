//! A table, executions and a lake to plan on.

use contract::states::{Execution, PlanExportInput, PlanExportOutput};
use contract::{ErrorName, Named, ServiceError};
use lake::lease::Executions;
use lake::records::{DynamoDbPlan, Plan};
use lake::{MemoryStore, ObjectStore};
use plan_export::{Overrides, PlanExportError, Settings, Sources, handle};
use sagemaker_ports::MemorySageMaker;
use serde_json::{Value, json};
use source::{
    DescribeRecovery, DescribeTable, IndexInfo, MemoryCapture, MemoryFunctions, PageBuffer,
    PageEnd, PageRequest, PointInTimeRecovery, ReadCapacity, Recoverable, ScanPages, TableInfo,
};
use std::sync::Mutex;

pub struct Tables {
    pub bytes: u64,
    /// Items by the service's count.
    pub items: u64,
    /// The lines that each segment holds.
    pub lines: Vec<String>,
    /// Segment and total segments of each page that was read.
    pub read: Mutex<Vec<(u32, u32)>>,
    /// The projection of each page that was read.
    pub projections: Mutex<Vec<Option<String>>>,
    /// Whether pages are throttled.
    pub busy: bool,
    pub empty: bool,
    pub capacity: ReadCapacity,
    pub recovery: Recovery,
    pub recoverable: Recoverable,
    pub id: &'static str,
    pub capture: MemoryCapture,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            bytes: 0,
            items: 1000,
            lines: Vec::new(),
            read: Mutex::default(),
            projections: Mutex::default(),
            busy: false,
            empty: false,
            capacity: ReadCapacity::Unknown,
            recovery: Recovery::Denied,
            recoverable: Recoverable::default(),
            id: "id-1",
            capture: MemoryCapture::default(),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum Recovery {
    On,
    Off,
    Denied,
    Throttled,
}

impl DescribeRecovery for Tables {
    async fn recovery(&self, table: &str) -> Result<PointInTimeRecovery, ServiceError> {
        let name = match self.recovery {
            Recovery::On => return Ok(PointInTimeRecovery::On(self.recoverable)),
            Recovery::Off => return Ok(PointInTimeRecovery::Off),
            Recovery::Denied => ErrorName::AccessDenied,
            Recovery::Throttled => ErrorName::Throttled,
        };
        Err(ServiceError {
            name,
            service: "DynamoDB",
            operation: "DescribeContinuousBackups",
            subject: table.to_owned(),
            code: name.to_string(),
            message: "not you".to_owned(),
            source: None,
        })
    }
}

impl DescribeTable for Tables {
    async fn describe(&self, table: &str) -> Result<Option<TableInfo>, ServiceError> {
        Ok((table == "interactions").then(|| TableInfo {
            arn: Some("arn:interactions".to_owned()),
            id: Some(self.id.to_owned()),
            key_attributes: vec!["user_id".to_owned(), "event_id".to_owned()],
            has_number_key: false,
            items: self.items,
            bytes: self.bytes,
            capacity: self.capacity,
            indexes: vec![
                IndexInfo {
                    name: "by-rating".to_owned(),
                    global: true,
                    key_attributes: vec!["rating".to_owned(), "user_id".to_owned()],
                    projects: Some(vec!["context".to_owned()]),
                    items: 10,
                    bytes: 8192,
                    capacity: ReadCapacity::Provisioned { units: 40 },
                },
                IndexInfo {
                    name: "by-time".to_owned(),
                    global: false,
                    key_attributes: vec!["user_id".to_owned(), "at.time".to_owned()],
                    projects: None,
                    items: 20,
                    bytes: 8192,
                    capacity: self.capacity,
                },
            ],
        }))
    }

    async fn holds_an_item(&self, _: &str, index: Option<&str>) -> Result<bool, ServiceError> {
        Ok(!self.empty && index != Some("by-time"))
    }
}

impl ScanPages for Tables {
    async fn page(
        &self,
        request: &PageRequest<'_>,
        buffer: &mut PageBuffer,
    ) -> Result<PageEnd, ServiceError> {
        buffer.clear();
        let segment = (request.segment, request.total_segments);
        self.read.lock().unwrap().push(segment);
        let projection = request.selection.unwrap().projection_expression.clone();
        self.projections.lock().unwrap().push(projection);
        if self.busy {
            return Err(ServiceError {
                name: ErrorName::Throttled,
                service: "DynamoDB",
                operation: "Scan",
                subject: request.table.to_owned(),
                code: "ThrottlingException".to_owned(),
                message: "later".to_owned(),
                source: None,
            });
        }
        let cursor = request.cursor.and_then(Value::as_u64);
        let from = usize::try_from(cursor.unwrap_or(0)).unwrap();
        let limit = usize::try_from(request.limit.unwrap()).unwrap();
        let to = self.lines.len().min(from + limit);
        for line in &self.lines[from..to] {
            buffer.push_with(|out| out.extend_from_slice(line.as_bytes()));
        }
        Ok(PageEnd {
            cursor: (to < self.lines.len()).then(|| json!(to)),
            scanned: (to - from) as u64,
            read_units: 0.5,
        })
    }
}

pub struct Running;

impl Executions for Running {
    async fn is_running(&self, arn: &str) -> Result<bool, ServiceError> {
        Ok(arn == "arn:running")
    }
}

pub fn definition() -> Value {
    json!({
        "source": {"dynamodb": {"table": "interactions"}},
        "dataset": {"label": "rating"},
        "training": {"image": "recommender", "metrics": [{"name": "rmse", "regex": "rmse=(.*)"}]},
        "promotion": {"metric": "rmse", "goal": "minimize"},
    })
}

pub async fn lake_with(definition: &Value) -> MemoryStore {
    let store = MemoryStore::new();
    store
        .put("config/default.json", definition.to_string().into())
        .await
        .unwrap();
    store
}

pub async fn plan_on(
    store: &MemoryStore,
    tables: &Tables,
    arn: &str,
    input: Value,
) -> Result<PlanExportOutput, PlanExportError> {
    plan_with(store, tables, &MemorySageMaker::new(), arn, input).await
}

/// Plans in an account that has these alarms.
pub async fn plan_with(
    store: &MemoryStore,
    tables: &Tables,
    alarms: &MemorySageMaker,
    arn: &str,
    input: Value,
) -> Result<PlanExportOutput, PlanExportError> {
    let execution = Execution {
        id: arn.to_owned(),
        start_time: "2026-11-20T17:30:00Z".to_owned(),
    };
    let functions = MemoryFunctions::default();
    plan_of(store, tables, alarms, &functions, execution, input).await
}

/// Plans an execution, in an account that has these alarms and functions.
pub async fn plan_of(
    store: &MemoryStore,
    tables: &Tables,
    alarms: &MemorySageMaker,
    functions: &MemoryFunctions,
    execution: Execution,
    input: Value,
) -> Result<PlanExportOutput, PlanExportError> {
    let input = PlanExportInput { execution, input };
    let settings = Settings {
        overrides: Overrides::default(),
        stack: "shop".to_owned(),
        concurrency: 40,
    };
    let sources = Sources {
        tables,
        databases: &database::Drivers::AT_ONCE,
        secrets: &sql_source::MemorySecrets::new(),
        lake: Some(store),
        captures: &tables.capture,
        concurrency: settings.concurrency,
    };
    handle(
        store, &sources, &Running, alarms, functions, &settings, input,
    )
    .await
}

pub async fn plan(definition: &Value, input: Value) -> Result<PlanExportOutput, PlanExportError> {
    let tables = Tables {
        bytes: 10 << 30,
        ..Tables::default()
    };
    plan_on(&lake_with(definition).await, &tables, "arn:1", input).await
}

pub async fn refused(definition: &Value, input: Value) -> (ErrorName, String) {
    let error = plan(definition, input).await.unwrap_err();
    let source = std::error::Error::source(&error)
        .map(ToString::to_string)
        .unwrap_or_default();
    (error.name(), format!("{error}: {source}"))
}

pub async fn plan_in(store: &MemoryStore, output: &PlanExportOutput) -> Plan {
    let key = output.tasks_key.replace("tasks.json", "plan.json");
    serde_json::from_slice(&store.get(&key).await.unwrap()).unwrap()
}

/// The part of a plan that is specific to DynamoDB.
pub fn of_table(plan: &Plan) -> &DynamoDbPlan {
    plan.dynamodb().unwrap().1
}
