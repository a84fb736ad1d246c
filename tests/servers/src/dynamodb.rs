//! DynamoDB by dynoxide, over HTTP: tables, items and parallel scans, with AWS's checksums.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use dynoxide::actions::scan::ScanRequest;
use dynoxide::{Database, DynoxideError, Item};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// DynamoDB takes requests up to this size.
const REQUEST_BYTES: usize = 16 * 1024 * 1024;

/// What it says when capacity is short.
const SHORT: &str = "the level of configured provisioned throughput was exceeded";

/// A server with its tables; it stops when dropped.
pub struct DynamoDb {
    url: String,
    database: Database,
    writes: Arc<Writes>,
    task: JoinHandle<()>,
}

impl DynamoDb {
    /// Starts with no tables, which live in memory. A page of a scan has at most `page_items`
    /// items, and at most DynamoDB's megabyte.
    ///
    /// # Panics
    /// If the machine has no port left.
    pub async fn start(page_items: usize) -> Self {
        let database = Database::memory().expect("SQLite opens a database in memory");
        Self::serve(database, page_items).await
    }

    /// The same, with tables that live in a file.
    ///
    /// # Panics
    /// If the file cannot be used.
    pub async fn on_file(file: &Path, page_items: usize) -> Self {
        let path = file.to_str().expect("a path of Unicode");
        let database = Database::new(path).expect("SQLite opens the file");
        Self::serve(database, page_items).await
    }

    async fn serve(database: Database, page_items: usize) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let writes = Arc::new(Writes::default());
        let served = Served {
            database: database.clone(),
            page_items,
            writes: writes.clone(),
        };
        let router = Router::new()
            .route("/", post(answer))
            .layer(DefaultBodyLimit::max(REQUEST_BYTES))
            .with_state(served);
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("the port stays");
        });
        Self {
            url: format!("http://{address}"),
            database,
            writes,
            task,
        }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Lets writes be short of capacity: of every three of them, one is refused, and of those of several
    /// items one takes half.
    pub fn throttle_writes(&self, throttles: bool) {
        self.writes.throttled.store(throttles, Ordering::Relaxed);
    }

    /// How many requests wrote items, refused ones included.
    pub fn writes(&self) -> u64 {
        self.writes.count.load(Ordering::Relaxed)
    }

    /// Makes a table with a partition key and a sort key, of these names and types (`S`, `N`, `B`).
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn create(&self, table: &str, key: &[(&str, &str)]) {
        let definitions = key
            .iter()
            .map(|(name, kind)| json!({"AttributeName": name, "AttributeType": kind}));
        let schema = key.iter().zip(["HASH", "RANGE"]);
        let schema =
            schema.map(|((name, _), role)| json!({"AttributeName": name, "KeyType": role}));
        let request = json!({
            "TableName": table,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": definitions.collect::<Vec<_>>(),
            "KeySchema": schema.collect::<Vec<_>>(),
        });
        let request = serde_json::from_value(request).expect("a request to make a table");
        self.database.create_table(request).expect("a new table");
    }

    /// Removes the items whose time to live is over, as DynamoDB does by itself. Returns how many.
    ///
    /// # Panics
    /// If the tables cannot be read.
    pub fn expire(&self) -> usize {
        self.database.sweep_ttl().expect("tables that can be read")
    }

    /// All items of a table.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn items(&self, table: &str) -> Vec<Value> {
        let request = json!({"TableName": table, "Limit": 1_000_000});
        let request = serde_json::from_value(request).expect("a request to scan");
        let answer = self.database.scan(request).expect("a table");
        let answer = serde_json::to_value(answer).expect("an answer is JSON");
        assert!(
            answer.get("LastEvaluatedKey").is_none_or(Value::is_null),
            "more than one page"
        );
        answer["Items"].as_array().cloned().unwrap_or_default()
    }

    /// Lets segments of a table in a file be found without reading the whole table for each page.
    /// To be called once it is filled.
    ///
    /// # Panics
    /// If the file cannot be used.
    pub fn index_segments(file: &Path, table: &str) {
        let connection = rusqlite::Connection::open(file).expect("SQLite opens the file");
        let index =
            format!("CREATE INDEX \"{table}::segments\" ON \"{table}\" (hash_prefix, pk, sk)");
        connection
            .execute(&index, [])
            .expect("a table without this index");
    }

    /// Makes a table with one textual key and puts items into it, each an object from attribute to
    /// typed value.
    ///
    /// # Panics
    /// If an item is no DynamoDB JSON.
    pub fn fill(&self, table: &str, key: &str, items: impl Iterator<Item = Value>) {
        const AT_ONCE: usize = 10_000;
        let request = json!({
            "TableName": table,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{ "AttributeName": key, "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": key, "KeyType": "HASH" }],
        });
        let request = serde_json::from_value(request).expect("a request to make a table");
        self.database.create_table(request).expect("a new table");
        let mut items = items.peekable();
        while items.peek().is_some() {
            let some = items.by_ref().take(AT_ONCE);
            let some = some.map(|item| serde_json::from_value(item).expect("an item"));
            let some: Vec<Item> = some.collect();
            let options = dynoxide::ImportOptions::default();
            let done = self.database.import_items(table, some, options);
            done.expect("items of the table");
        }
    }
}

impl Drop for DynamoDb {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Served {
    database: Database,
    page_items: usize,
    writes: Arc<Writes>,
}

/// Requests that write items.
#[derive(Default)]
struct Writes {
    throttled: AtomicBool,
    count: AtomicU64,
}

async fn answer(
    State(served): State<Served>,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let target = headers.get("x-amz-target");
    let target = target.and_then(|target| target.to_str().ok());
    let operation = target.and_then(|target| target.split_once('.'));
    let operation = operation.map_or("", |(_, operation)| operation).to_owned();
    let carried_out = tokio::task::spawn_blocking(move || served.carry_out(&operation, &body));
    let (status, text) = match carried_out.await.expect("the emulator does not panic") {
        Ok(text) => (StatusCode::OK, text),
        Err(error) => {
            let status = StatusCode::from_u16(error.status_code());
            (status.expect("a status"), error.to_json())
        }
    };
    let checksum = crc32fast::hash(text.as_bytes()).to_string();
    let headers = [
        (
            header::CONTENT_TYPE.as_str(),
            "application/x-amz-json-1.0".to_owned(),
        ),
        ("x-amz-crc32", checksum),
    ];
    (status, headers, text)
}

impl Served {
    fn carry_out(&self, operation: &str, body: &[u8]) -> Result<String, DynoxideError> {
        let database = &self.database;
        match operation {
            "BatchGetItem" => written(&database.batch_get_item(read(body)?)?),
            "BatchWriteItem" => self.batch_write(body),
            "CreateTable" => written(&database.create_table(read(body)?)?),
            "DeleteItem" => written(&database.delete_item(read(body)?)?),
            "DescribeStream" => written(&database.describe_stream(read(body)?)?),
            "DescribeTable" => written(&database.describe_table(read(body)?)?),
            "GetRecords" => written(&database.get_records(read(body)?)?),
            "GetShardIterator" => written(&database.get_shard_iterator(read(body)?)?),
            "PutItem" => self.put(body),
            "Scan" => written(&database.scan(self.scan(read(body)?))?),
            "TransactWriteItems" => written(&database.transact_write_items(read(body)?)?),
            "UpdateItem" => written(&database.update_item(read(body)?)?),
            "UpdateTimeToLive" => written(&database.update_time_to_live(read(body)?)?),
            other => Err(DynoxideError::ValidationException(format!(
                "this server does not know the operation {other:?}"
            ))),
        }
    }

    /// Puts an item, unless capacity is short and it is the second of three.
    fn put(&self, body: &[u8]) -> Result<String, DynoxideError> {
        let turn = self.writes.count.fetch_add(1, Ordering::Relaxed);
        if self.writes.throttled.load(Ordering::Relaxed) && turn % 3 == 1 {
            return Err(DynoxideError::ProvisionedThroughputExceededException(
                SHORT.to_owned(),
            ));
        }
        written(&self.database.put_item(read(body)?)?)
    }

    /// Writes a batch, or less of it when capacity is short.
    fn batch_write(&self, body: &[u8]) -> Result<String, DynoxideError> {
        let turn = self.writes.count.fetch_add(1, Ordering::Relaxed);
        let mut request: Value = read(body)?;
        let mut left = json!({});
        if self.writes.throttled.load(Ordering::Relaxed) {
            if turn % 3 == 1 {
                return Err(DynoxideError::ProvisionedThroughputExceededException(
                    SHORT.to_owned(),
                ));
            }
            if turn % 3 == 2 {
                let tables = request["RequestItems"]
                    .as_object_mut()
                    .into_iter()
                    .flatten();
                for (table, puts) in tables {
                    let puts = puts.as_array_mut().expect("a list of requests");
                    let half = puts.len().div_ceil(2);
                    let rest = puts.split_off(half);
                    if !rest.is_empty() {
                        left[table] = Value::Array(rest);
                    }
                }
            }
        }
        let answer = self.database.batch_write_item(
            serde_json::from_value(request)
                .map_err(|error| DynoxideError::SerializationException(error.to_string()))?,
        )?;
        let mut answer: Value = serde_json::to_value(answer)
            .map_err(|error| DynoxideError::InternalServerError(error.to_string()))?;
        answer["UnprocessedItems"] = left;
        written(&answer)
    }

    fn scan(&self, mut request: ScanRequest) -> ScanRequest {
        let page_items = request.limit.unwrap_or(self.page_items);
        // Without a limit the emulator reads all the rest of the table for each page.
        request.limit = Some(page_items.min(self.page_items));
        // All of the table is one segment: read in the order of its key, it needs no sorting.
        if request.total_segments == Some(1) {
            request.segment = None;
            request.total_segments = None;
        }
        request
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, DynoxideError> {
    serde_json::from_slice(body)
        .map_err(|error| DynoxideError::SerializationException(error.to_string()))
}

fn written(answer: &impl Serialize) -> Result<String, DynoxideError> {
    serde_json::to_string(answer)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}
