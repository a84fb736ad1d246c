//! Lambda's event source mapping of a DynamoDB stream, for tests: it reads the stream of a local
//! table, hands it over in batches of shards, and tries again what failed.
//!
//! Local servers get the failures wrong: they lose records behind a failed one, ignore the limits, or
//! hand over the same batch for ever. This one follows AWS Lambda Developer Guide, "Using AWS Lambda
//! with Amazon DynamoDB" and "Retain discarded records for a DynamoDB event source in Lambda".

mod check;
mod lane;
mod stream;
mod trial;

pub use check::{Captured, read as captured};
pub use stream::{Numbering, Record, Source};
pub use trial::{Programs, Report, run};

use crate::poller::lane::{Lane, Shards};
use fastrand::Rng;
use jiff::Timestamp;
use lake::ObjectStore;
use local_servers::runtime_api::{Function, InvocationError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// What happened, and how often.
pub type Counts = BTreeMap<&'static str, u64>;

/// How a mapping is set.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Records of a batch, at most.
    pub batch_size: usize,
    /// Lanes of a shard whose batches are handed over independently.
    pub parallelization: usize,
    /// Seconds after which a record is given up.
    pub maximum_age: u64,
    /// Whether a batch that failed is split in two.
    pub bisect: bool,
}

/// The mapping's id, which the keys of its destination hold.
pub const MAPPING: &str = "4f6fa8d5-25c1-4d6e-9d1c-0a5f6f6a2d11";

/// The mapping, with the function that it calls. Its seconds are its own: they pass when it tries
/// again.
pub struct Poller {
    settings: Settings,
    /// The second one is for a batch that is handed over twice.
    functions: [Function; 2],
    arn: String,
    shards: Shards,
    now: u64,
    rng: Rng,
    counts: Counts,
}

impl Poller {
    /// A mapping of a stream that calls a function.
    pub fn new(settings: Settings, functions: [Function; 2], arn: &str, mut rng: Rng) -> Self {
        Self {
            settings,
            functions,
            arn: arn.to_owned(),
            shards: Shards::new(settings.parallelization, rng.usize(1..4)),
            now: 0,
            rng,
            counts: Counts::new(),
        }
    }

    /// What happened so far.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    fn note(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Takes new records of the stream into its shards, one of which may split.
    pub fn take(&mut self, records: Vec<Record>) {
        if self.rng.u8(..4) == 0 && self.shards.split(&mut self.rng) {
            self.note("a shard split");
        }
        for mut record in records {
            record.at = self.now;
            self.shards.push(record);
        }
    }

    /// Hands over one batch, if any lane has records that may be. `luck` says what goes wrong.
    ///
    /// # Errors
    /// If the function answers what it must not.
    pub async fn step(&mut self, store: &impl ObjectStore, luck: Luck) -> Result<bool, String> {
        let Some(place) = self.shards.ready(&mut self.rng) else {
            return Ok(false);
        };
        self.give_up(store, place).await;
        let lane = self.shards.lane(place);
        let Some(batch) = lane.batch(self.settings.batch_size) else {
            return Ok(true);
        };
        let (count, waits) = (batch.len(), lane.len());
        let event = self.event(&batch);
        match self.hand_over(&event, luck).await {
            Ok(answer) if answer == json!({}) => self.shards.lane(place).done(count),
            Ok(answer) => return Err(format!("the function answers {answer}")),
            Err(failure) => {
                self.now += 60 + self.rng.u64(..600);
                self.fail(place, count, waits, &failure)?;
            }
        }
        Ok(true)
    }

    /// What becomes of a batch that failed: it is split, or cut anew with what has come since.
    fn fail(
        &mut self,
        place: lane::Place,
        count: usize,
        waits: usize,
        failure: &InvocationError,
    ) -> Result<(), String> {
        // Lambda retries any of them; these would never end.
        if ["InvalidRequest", "InvalidDefinition", "Bug"].contains(&failure.name.as_str()) {
            return Err(format!("{failure:?}"));
        }
        let next = if self.settings.bisect && failure.name != THROTTLED && count > 1 {
            self.note("a batch was split");
            count.div_ceil(2)
        } else {
            let most = self.settings.batch_size.min(waits);
            let next = self.rng.usize(1..=most.max(1));
            if next > count {
                self.note("a batch came back larger");
            }
            next
        };
        self.shards.lane(place).next(next);
        Ok(())
    }

    /// Gives up the records of a lane that are too old, as one batch.
    async fn give_up(&mut self, store: &impl ObjectStore, place: lane::Place) {
        let (now, oldest) = (self.now, self.settings.maximum_age);
        let lane: &mut Lane = self.shards.lane(place);
        let given_up = lane.older_than(now, oldest, self.settings.batch_size);
        if given_up.is_empty() {
            return;
        }
        let event = self.event(&given_up);
        let (first, last) = (given_up.first(), given_up.last());
        let number = |record: Option<&Record>| record.map(|record| record.sequence.clone());
        let shard = self.shards.id(place);
        let moment = Timestamp::now();
        let id: u64 = self.rng.u64(..);
        let key = format!(
            "aws/lambda/{MAPPING}/{shard}/{}-{id:016x}",
            moment.strftime("%Y/%m/%d/%Y-%m-%dT%H.%M.%S")
        );
        let object = json!({
            "requestContext": {
                "requestId": format!("{id:016x}"),
                "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:capture-changes",
                "condition": "RecordAgeExceeded",
                "approximateInvokeCount": 1,
            },
            "version": "1.0",
            "timestamp": moment.to_string(),
            "DDBStreamBatchInfo": {
                "shardId": shard,
                "startSequenceNumber": number(first),
                "endSequenceNumber": number(last),
                "batchSize": given_up.len(),
                "streamArn": self.arn,
            },
            // Text with JSON in it.
            "payload": event.to_string(),
        });
        let put = store.put(&key, object.to_string().into()).await;
        put.expect("the destination takes it");
        self.note("a batch was given up");
    }

    fn event(&self, batch: &[Record]) -> Value {
        let records = batch.iter().map(|record| {
            let mut event = record.event.clone();
            event["eventSourceARN"] = json!(self.arn);
            event
        });
        json!({ "Records": records.collect::<Vec<_>>() })
    }

    async fn hand_over(&mut self, event: &Value, luck: Luck) -> Result<Value, InvocationError> {
        let failure = |name: &str| InvocationError {
            name: name.to_owned(),
            message: "by the trial".to_owned(),
        };
        if luck == Luck::Throttled {
            self.note("a call was throttled");
            self.now += 3_600;
            return Err(failure(THROTTLED));
        }
        let [one, two] = &mut self.functions;
        let enough = Duration::from_mins(2);
        match luck {
            Luck::Twin => {
                let both = tokio::join!(
                    one.invoke(event.clone(), enough),
                    two.invoke(event.clone(), enough)
                );
                self.note("a batch was handed over twice at once");
                // The answer of one is lost, so that the batch comes again.
                if self.rng.bool() {
                    both.0
                } else {
                    Err(failure("Runtime.Unknown"))
                }
            }
            Luck::Killed(after) => {
                tokio::select! {
                    outcome = one.invoke(event.clone(), enough) => return outcome,
                    () = tokio::time::sleep(after) => {}
                }
                one.kill().await;
                self.note("a call was killed");
                Err(failure("Runtime.ExitError"))
            }
            Luck::Hurried(time) => {
                let outcome = one.invoke(event.clone(), time).await;
                if outcome.is_err() {
                    self.note("a call ran out of time");
                }
                outcome
            }
            Luck::Good | Luck::Throttled => {
                let outcome = one.invoke(event.clone(), enough).await;
                if outcome.is_err() {
                    self.note("a call failed by itself");
                }
                outcome
            }
        }
    }
}

/// The name of an answer that the function does not give: it was not called.
const THROTTLED: &str = "TooManyRequestsException";

/// What an invocation meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Luck {
    /// Nothing but what its services do.
    Good,
    /// Lambda does not call the function.
    Throttled,
    /// Its process is killed after this time.
    Killed(Duration),
    /// It has this time alone.
    Hurried(Duration),
    /// Another call with the same batch runs at the same time.
    Twin,
}
