//! A running delivery stream: a function's process before it, a bucket behind it, and a clock of its
//! own.

use super::answer::{self, Record, Transformed};
use aws::s3::S3Store;
use fastrand::Rng;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use lake::ObjectStore;
use local_servers::runtime_api::Function;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

/// Bytes and milliseconds after which a batch is handed to the function, as the template sets them.
const BATCH_BYTES: usize = 1_000_000;
const BATCH_AGE: u64 = 60_000;
/// Milliseconds after which an object is written, as the template sets them.
const OBJECT_AGE: u64 = 300_000;
/// Calls of the function for a batch: the first, and three retries.
const CALLS: u32 = 4;
/// Longest that the function may take.
const TIME: Duration = Duration::from_mins(1);

/// How often something goes wrong, each between 0 and 1.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// A record of a put is refused, though the put succeeds.
    pub put: f64,
    /// A record is taken, though the answer says that it was not: the producer puts it again.
    pub put_twice: f64,
    /// A call of the function is throttled, killed, or its answer is lost.
    pub call: f64,
    /// An object cannot be written for hours.
    pub late: f64,
    /// An object is written twice, since the first answer was lost.
    pub twice: f64,
}

/// What a put says of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is the stream's now.
    Taken,
    /// It has an `ErrorCode` and counts in `FailedPutCount`.
    Failed,
}

/// Lines or documents that wait to be an object.
struct Waiting {
    /// Before the hour of its oldest record.
    prefix: String,
    arrival: u64,
    /// When it is written.
    due: u64,
    /// Whether it takes no more: it could not be written when it was due.
    closed: bool,
    bytes: Vec<u8>,
}

/// What happened, by its name.
pub type Counts = BTreeMap<&'static str, u64>;

/// A delivery stream of a pipeline.
pub struct Stream<'s> {
    function: Function,
    store: &'s S3Store,
    pipeline: String,
    faults: Faults,
    rng: Rng,
    /// Milliseconds since 1970.
    now: u64,
    taken: u128,
    batch: Vec<Record>,
    objects: Vec<Waiting>,
    /// Records that the function dropped, as they were put.
    pub dropped: Vec<Vec<u8>>,
    /// What happened.
    pub counts: Counts,
}

impl<'s> Stream<'s> {
    /// A stream that begins to work now.
    pub fn new(
        function: Function,
        store: &'s S3Store,
        pipeline: &str,
        faults: Faults,
        rng: Rng,
    ) -> Self {
        Self {
            function,
            store,
            pipeline: pipeline.to_owned(),
            faults,
            rng,
            now: 1_796_000_000_000,
            taken: 49_546_986_683_135_544_286_507_457_936_321_625,
            batch: Vec::new(),
            objects: Vec::new(),
            dropped: Vec::new(),
            counts: Counts::new(),
        }
    }

    fn happens(&mut self, rate: f64, what: &'static str) -> bool {
        let happens = self.rng.f64() < rate;
        if happens {
            self.count(what);
        }
        happens
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// `PutRecordBatch`: what it says of each record.
    ///
    /// # Panics
    /// If it is more than a put may have, which the service refuses as a whole.
    pub async fn put(&mut self, records: &[Vec<u8>]) -> Vec<Put> {
        assert!(records.len() <= 500, "more than 500 records");
        let bytes: usize = records.iter().map(Vec::len).sum();
        assert!(bytes <= 4 << 20, "more than 4 MB");
        let mut said = Vec::new();
        for data in records {
            assert!(data.len() <= 1_024_000, "a record of more than 1,000 KB");
            if self.happens(self.faults.put, "records refused at a put") {
                said.push(Put::Failed);
                continue;
            }
            self.taken += 1;
            let waiting: usize = self.batch.iter().map(|record| record.data.len()).sum();
            if waiting + data.len() > BATCH_BYTES && !self.batch.is_empty() {
                self.transform().await;
            }
            self.batch.push(Record {
                id: format!("{}000000", self.taken),
                arrival: self.now,
                data: data.clone(),
            });
            let twice = self.happens(self.faults.put_twice, "records taken and refused");
            said.push(if twice { Put::Failed } else { Put::Taken });
        }
        said
    }

    /// Lets time pass.
    pub async fn pass(&mut self, time: Duration) {
        self.now += u64::try_from(time.as_millis()).expect("a short time");
        let oldest = self.batch.first().map(|record| record.arrival);
        if oldest.is_some_and(|arrival| self.now - arrival >= BATCH_AGE) {
            self.transform().await;
        }
        self.deliver().await;
    }

    /// Lets so much time pass that nothing waits any more.
    pub async fn end(&mut self) {
        self.pass(Duration::from_mins(2)).await;
        while !self.objects.is_empty() {
            self.pass(Duration::from_mins(30)).await;
        }
        self.function.kill().await;
    }

    /// Hands the batch to the function, until it answers or was called often enough.
    async fn transform(&mut self) {
        let records = std::mem::take(&mut self.batch);
        self.count("batches");
        let (mut code, mut calls) = ("", 0);
        while calls < CALLS {
            calls += 1;
            match self.call(&records).await {
                Ok(transformed) => {
                    for (record, transformed) in records.iter().zip(transformed) {
                        self.take(record, transformed, calls);
                    }
                    return;
                }
                Err(failed) => code = failed,
            }
        }
        self.count("batches given up");
        for record in &records {
            self.take(record, Transformed::Failed(code), calls);
        }
    }

    async fn call(&mut self, records: &[Record]) -> Result<Vec<Transformed>, &'static str> {
        if self.happens(self.faults.call, "calls throttled") {
            return Err("Lambda.InvokeLimitExceeded");
        }
        let invocation = answer::invocation(records);
        assert!(invocation.to_string().len() <= answer::MOST, "it was sent");
        // Too short a time now and then: its process is killed in whatever it is at.
        let time = if self.happens(self.faults.call, "calls killed") {
            Duration::from_micros(self.rng.u64(..3_000))
        } else {
            TIME
        };
        let answered = self.function.invoke(invocation, time).await;
        let answered = answered.map_err(|error| match error.name.as_str() {
            "Sandbox.Timedout" if time < TIME => "Lambda.FunctionTimedOut",
            name => panic!("{name}: {}", error.message),
        })?;
        if self.happens(self.faults.call, "answers lost") {
            return Err("Lambda.FunctionTimedOut");
        }
        answer::read(records, &answered)
    }

    /// Adds the outcome of a record to the object that it belongs to.
    fn take(&mut self, record: &Record, transformed: Transformed, calls: u32) {
        match transformed {
            Transformed::Ok(bytes) => {
                let prefix = format!("events/{}/", self.pipeline);
                self.wait(prefix, record.arrival, &bytes);
            }
            Transformed::Dropped => self.dropped.push(record.data.clone()),
            Transformed::Failed(code) => {
                self.count(code);
                let mut document = answer::document(record, code, calls, self.now)
                    .to_string()
                    .into_bytes();
                document.push(b'\n');
                let prefix = format!("events-failed/{}/processing-failed/", self.pipeline);
                self.wait(prefix, record.arrival, &document);
            }
        }
    }

    fn wait(&mut self, prefix: String, arrival: u64, bytes: &[u8]) {
        let open = |it: &&mut Waiting| it.prefix == prefix && !it.closed;
        match self.objects.iter_mut().find(open) {
            Some(object) => object.bytes.extend_from_slice(bytes),
            None => self.objects.push(Waiting {
                prefix,
                arrival,
                due: self.now + OBJECT_AGE,
                closed: false,
                bytes: bytes.to_vec(),
            }),
        }
    }

    /// Writes the objects that are due: by the hour in which their oldest record arrived.
    async fn deliver(&mut self) {
        let now = self.now;
        let due: Vec<_> = self.objects.extract_if(.., |it| it.due <= now).collect();
        for mut object in due {
            if !object.closed && self.happens(self.faults.late, "objects late") {
                object.closed = true;
                object.due += self.rng.u64(1..24 * 3_600_000);
                self.objects.push(object);
                continue;
            }
            let twice = self.happens(self.faults.twice, "objects written twice");
            for _ in 0..=u8::from(twice) {
                let hour = moment(object.arrival, "%Y/%m/%d/%H");
                let name = moment(object.arrival, "%Y-%m-%d-%H-%M-%S");
                let key = format!(
                    "{}{hour}/millrace-events-1-{name}-{:032x}.gz",
                    object.prefix,
                    self.rng.u128(..)
                );
                let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
                packed
                    .write_all(&object.bytes)
                    .expect("memory takes everything");
                let packed = packed.finish().expect("memory takes everything");
                let put = self.store.put(&key, packed.into()).await;
                put.expect("the bucket takes everything");
                self.count("objects");
            }
        }
    }
}

fn moment(millis: u64, format: &str) -> String {
    let millis = i64::try_from(millis).expect("a time of this age");
    let moment = Timestamp::from_millisecond(millis).expect("a time of this age");
    moment.strftime(format).to_string()
}
