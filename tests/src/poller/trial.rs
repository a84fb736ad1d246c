//! One trial: a table that is written to, its stream, the mapping, the real function, the lake; and
//! at the end each record of the stream is in the lake, by its sequence number.

use super::check;
use super::{Counts, Luck, Numbering, Poller, Record, Settings, Source};
use crate::dynamodb::call;
use crate::faults::{EventCounts, Proxy, Schedule, Service};
use aws::s3::S3Store;
use fastrand::Rng;
use local_servers::dynamodb::DynamoDb;
use local_servers::runtime_api::Function;
use local_servers::s3::S3;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::process::Command;

const LAKE: &str = "lake";
const TABLE: &str = "interactions";
/// A trial that is not over by then has lost its way.
const TIME: Duration = Duration::from_mins(5);

/// The programs.
#[derive(Debug, Clone)]
pub struct Programs {
    /// `capture-changes`.
    pub capture_changes: PathBuf,
    /// `millrace`.
    pub millrace: PathBuf,
}

/// What a trial was.
#[derive(Debug)]
pub struct Report {
    /// The stream's records.
    pub records: usize,
    /// What happened.
    pub counts: Counts,
}

/// Runs the trial of a seed. What the functions print is added to files in `logs`.
///
/// # Errors
/// What is wrong with what was captured, in words.
pub async fn run(seed: u64, programs: &Programs, logs: &Path) -> Result<Report, String> {
    tokio::time::timeout(TIME, whole(seed, programs, logs))
        .await
        .map_err(|_| format!("the trial is not over after {TIME:?}"))?
}

fn numbering(rng: &mut Rng) -> Numbering {
    let offset = match rng.u8(..4) {
        0 => 100_000_000_000_000_000_000,
        // The numbers become longer on the way.
        1 => 999_999_999_999_999_999_999_999_990,
        2 => 4_421_584_500_000_000_017_450_439_091,
        _ => 99_999_999_999_999_999_999_999_999_999_999_999_000,
    };
    let width = if rng.bool() { 40 } else { 21 };
    Numbering { offset, width }
}

async fn whole(seed: u64, programs: &Programs, logs: &Path) -> Result<Report, String> {
    let mut rng = Rng::with_seed(seed);
    let table = DynamoDb::start(100).await;
    create(&table).await;
    let bucket = S3::start(&[LAKE]).await;
    let store = S3Store::new(&aws::local(bucket.url()).await, LAKE);
    let rate = rng.f64() * 0.1;
    let schedule = Schedule::new(Service::S3, rate, Duration::ZERO, rng.fork());
    let faults = Arc::new(EventCounts::default());
    let proxy = Proxy::start(bucket.url(), schedule, faults).await;
    let settings = Settings {
        batch_size: rng.usize(1..40),
        parallelization: rng.usize(1..4),
        maximum_age: 79_200,
        bisect: rng.u8(..4) > 0,
    };
    let functions = [0, 1].map(|number| {
        let log = logs.join(format!("function-{number}.log"));
        function(&programs.capture_changes, proxy.url(), &log)
    });
    let mut source = Source::of(table.url(), TABLE, numbering(&mut rng)).await;
    let arn = source.arn().to_owned();
    let mut poller = Poller::new(settings, functions, &arn, rng.fork());
    // During an outage nothing is called, until records are too old.
    let rounds = rng.usize(3..9);
    let outage = (rng.u8(..3) == 0).then(|| rng.usize(..rounds));
    let mut all: Vec<Record> = Vec::new();
    let mut strange = Vec::new();
    for round in 0..rounds {
        write(&table, &mut rng).await;
        let mut records = source.read().await;
        all.extend(records.iter().cloned());
        if let Some(record) = records.first().filter(|_| rng.u8(..5) == 0) {
            let record = of_no_known_shape(record, &mut rng);
            strange.push(record.event.clone());
            records.push(record);
        }
        poller.take(records);
        let steps = if outage == Some(round) {
            60
        } else {
            rng.usize(..20)
        };
        for _ in 0..steps {
            let luck = if outage == Some(round) {
                Luck::Throttled
            } else {
                luck(&mut rng)
            };
            poller.step(&store, luck).await?;
        }
    }
    while poller.step(&store, luck(&mut rng)).await? {}
    let mut counts = poller.counts().clone();
    let before = check::read(&store, &arn).await?;
    compare(&before, &all, &strange, &arn)?;
    if !before.given_up.is_empty() || !before.unreadable.is_empty() {
        replay(programs, bucket.url(), before.given_up.len()).await?;
    }
    let after = check::read(&store, &arn).await?;
    if !after.given_up.is_empty() {
        return Err(format!("{:?} were not replayed", after.given_up));
    }
    compare(&after, &all, &strange, &arn)?;
    let expired = all.iter().filter(|it| !it.event["userIdentity"].is_null());
    *counts.entry("an item expired").or_default() += expired.count() as u64;
    *counts.entry("a record was captured twice").or_default() += after.doubled;
    *counts.entry("a record had no known shape").or_default() += strange.len() as u64;
    Ok(Report {
        records: all.len(),
        counts,
    })
}

/// Each record is captured as it has to be, or was given up; nothing else is there.
fn compare(
    found: &check::Captured,
    all: &[Record],
    strange: &[Value],
    arn: &str,
) -> Result<(), String> {
    let mut expected = BTreeMap::new();
    for record in all {
        expected.insert(record.sequence.as_str(), record);
    }
    for (number, line) in &found.lines {
        let record = expected.get(number.as_str());
        let record = record.ok_or_else(|| format!("{number} is no record of the stream"))?;
        check::line(record, line)?;
    }
    for number in expected.keys() {
        let given_up = found.given_up.contains(&json!(number).to_string());
        if !found.lines.contains_key(*number) && !given_up {
            return Err(format!("{number} is lost"));
        }
    }
    let strange = strange.iter().map(|event| {
        let mut event = event.clone();
        event["eventSourceARN"] = json!(arn);
        event
    });
    for event in strange {
        let number = event["dynamodb"]["SequenceNumber"].to_string();
        if !found.unreadable.contains(&event.to_string()) && !found.given_up.contains(&number) {
            return Err(format!("{event} is lost"));
        }
    }
    Ok(())
}

/// Replays by the program, twice: the second time there is nothing to do.
async fn replay(programs: &Programs, s3: &str, given_up: usize) -> Result<(), String> {
    for turn in 0..2 {
        let mut command = Command::new(&programs.millrace);
        command
            .args(["replay", "--changes", "--json", "--bucket", LAKE])
            .env_clear()
            .envs(local_servers::environment())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL", s3);
        let output = command.output().await.map_err(|error| error.to_string())?;
        let error = String::from_utf8_lossy(&output.stderr);
        let said: Value = serde_json::from_slice(&output.stdout)
            .map_err(|_| format!("replay ends with {}: {error}", output.status))?;
        let replayed = said["replayed"].as_array().map_or(0, Vec::len);
        let stays = said["stays"].as_array().map_or(0, Vec::len);
        // Records of no known shape stay.
        if output.status.success() != (stays == 0) {
            return Err(format!("replay ends with {}: {said}", output.status));
        }
        if (replayed > 0) != (turn == 0 && given_up > 0) {
            return Err(format!("replay does {said} in turn {turn}"));
        }
    }
    Ok(())
}

fn luck(rng: &mut Rng) -> Luck {
    match rng.u8(..12) {
        0 | 1 => Luck::Killed(Duration::from_millis(rng.u64(1..60))),
        2 => Luck::Hurried(Duration::from_millis(rng.u64(1..80))),
        3 => Luck::Twin,
        4 => Luck::Throttled,
        _ => Luck::Good,
    }
}

fn function(program: &Path, s3: &str, log: &Path) -> Function {
    let credentials = local_servers::environment().into_iter();
    let environment = [("LAKE_BUCKET", LAKE), ("AWS_ENDPOINT_URL_S3", s3)];
    let environment = credentials.chain(environment);
    let owned = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Function::new(program, owned, log)
}

async fn create(table: &DynamoDb) {
    let request = json!({
        "TableName": TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "n", "AttributeType": "N"},
        ],
        "KeySchema": [
            {"AttributeName": "id", "KeyType": "HASH"},
            {"AttributeName": "n", "KeyType": "RANGE"},
        ],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    });
    call(table.url(), "CreateTable", &request).await;
    let request = json!({
        "TableName": TABLE,
        "TimeToLiveSpecification": {"Enabled": true, "AttributeName": "until"},
    });
    call(table.url(), "UpdateTimeToLive", &request).await;
}

/// Writes a few items in different ways.
async fn write(table: &DynamoDb, rng: &mut Rng) {
    let url = table.url();
    for _ in 0..rng.usize(3..25) {
        let number = rng.u8(..12);
        let key = json!({"id": {"S": format!("key \"{number}\" \\ {{[é")}, "n": {"N": number.to_string()}});
        match rng.u8(..10) {
            0..5 => {
                let request = json!({"TableName": TABLE, "Item": item(&key, rng)});
                call(url, "PutItem", &request).await;
            }
            5 | 6 => {
                let request = json!({"TableName": TABLE, "Key": key});
                call(url, "DeleteItem", &request).await;
            }
            7 => {
                let request = json!({
                    "TableName": TABLE,
                    "Key": key,
                    "UpdateExpression": "SET v = :v",
                    "ExpressionAttributeValues": {":v": {"N": rng.u32(..).to_string()}},
                });
                call(url, "UpdateItem", &request).await;
            }
            8 => {
                let put = json!({"Put": {"TableName": TABLE, "Item": item(&key, rng)}});
                call(url, "TransactWriteItems", &json!({"TransactItems": [put]})).await;
            }
            _ => {
                let mut item = item(&key, rng);
                item["until"] = json!({"N": "1700000000"});
                let request = json!({"TableName": TABLE, "Item": item});
                call(url, "PutItem", &request).await;
                table.expire();
            }
        }
    }
}

fn item(key: &Value, rng: &mut Rng) -> Value {
    let mut item = key.clone();
    let texts = ["", "}]\"\\", "a\nb\u{2028}", "日本\u{0}"];
    item["text"] = json!({"S": texts[rng.usize(..texts.len())]});
    item["big"] = json!({"N": "-1234567890123456789012345678901234567.8"});
    item["deep"] = json!({"M": {"l": {"L": [{"M": {}}, {"NULL": true}, {"BOOL": rng.bool()}]}}});
    item["set"] = json!({"SS": ["\"", "{"]});
    item["bytes"] = json!({"B": "AAEC/w=="});
    item["v"] = json!({"N": rng.u8(..3).to_string()});
    item
}

/// A record such as DynamoDB is not known to write.
fn of_no_known_shape(like: &Record, rng: &mut Rng) -> Record {
    let mut record = like.clone();
    record.event["eventID"] = json!(format!("{:032x}", rng.u128(..)));
    let change = &mut record.event["dynamodb"];
    match rng.u8(..5) {
        0 => record.event["eventName"] = json!("ARCHIVE"),
        1 => {
            change
                .as_object_mut()
                .expect("a change")
                .shift_remove("Keys");
        }
        2 => change["SequenceNumber"] = json!("x"),
        3 => {
            change["NewImage"] = json!({});
            record.event["eventName"] = json!("MODIFY");
        }
        _ => change["OldImage"] = json!([]),
    }
    record
}
