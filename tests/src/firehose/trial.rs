//! One trial: a producer, the stream with the real function before a real bucket, and at the end
//! every event accounted for by its id.

use super::events::{Event, Outcome, event};
use super::stream::{Counts, Faults, Put, Stream};
use aws::s3::S3Store;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fastrand::Rng;
use flate2::read::MultiGzDecoder;
use lake::ObjectStore;
use local_servers::runtime_api::Function;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

/// What a trial was.
#[derive(Debug)]
pub struct Report {
    /// Events that were put.
    pub events: usize,
    /// What happened.
    pub counts: Counts,
}

/// The function as the trials set it: events have an id, and those of the kind `test` are dropped.
pub fn function(program: &Path, pipeline: &str, log: &Path) -> Function {
    let environment = [
        ("EVENTS_PIPELINE", pipeline),
        ("EVENTS_REQUIRED", "event_id"),
        (
            "EVENTS_WHERE",
            r#"[{"path":"kind","op":"notEqual","value":"test"}]"#,
        ),
    ];
    let owned = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Function::new(program, owned, log)
}

/// A record with its events.
struct Sent {
    data: Vec<u8>,
    events: Vec<Event>,
}

fn records(count: usize, rng: &mut Rng) -> Vec<Sent> {
    let mut id = 0;
    let mut one = || {
        let many = if rng.u8(..4) == 0 {
            rng.usize(2..20)
        } else {
            1
        };
        let mut sent = Sent {
            data: Vec::new(),
            events: Vec::new(),
        };
        for _ in 0..many {
            let event = event(id, rng);
            id += 1;
            sent.data.extend_from_slice(&event.bytes);
            sent.data
                .extend_from_slice(["", "\n", "\n", " \r\n"][rng.usize(..4)].as_bytes());
            sent.events.push(event);
        }
        sent
    };
    (0..count).map(|_| one()).collect()
}

/// Runs the trial of a seed. What the function prints is added to a file in `logs`.
///
/// # Errors
/// What is wrong with what was delivered, in words.
pub async fn run(
    seed: u64,
    program: &Path,
    store: &S3Store,
    logs: &Path,
) -> Result<Report, String> {
    let mut rng = Rng::with_seed(seed);
    let rate = |rng: &mut Rng, most: f64| if rng.bool() { rng.f64() * most } else { 0.0 };
    let faults = Faults {
        put: rate(&mut rng, 0.2),
        put_twice: rate(&mut rng, 0.05),
        call: rate(&mut rng, 0.4),
        late: rate(&mut rng, 0.5),
        twice: rate(&mut rng, 0.3),
    };
    let count = if rng.u8(..10) == 0 {
        rng.usize(2000..4000)
    } else {
        rng.usize(1..400)
    };
    let sent = records(count, &mut rng);
    let pipeline = format!("seed-{seed}");
    let function = function(program, &pipeline, &logs.join("transform-records.log"));
    let mut stream = Stream::new(function, store, &pipeline, faults, rng.fork());
    let mut taken = 0;
    for batch in sent.chunks(100) {
        taken += produce(&mut stream, batch, &mut rng).await;
        stream.pass(Duration::from_secs(rng.u64(..90))).await;
    }
    stream.end().await;
    let dropped: Vec<_> = stream.dropped.iter().map(Vec::as_slice).collect();
    let is_once = faults.put_twice == 0.0 && faults.twice == 0.0;
    let end = End {
        delivered: delivered(store, &pipeline).await?,
        quarantined: quarantined(store, &pipeline).await?,
        dropped: dropped.into_iter().map(<[u8]>::to_vec).collect(),
    };
    end.check(&sent, is_once)?;
    if is_once && taken != sent.len() {
        return Err(format!("{taken} of {} records were taken", sent.len()));
    }
    Ok(Report {
        events: sent.iter().map(|it| it.events.len()).sum(),
        counts: stream.counts,
    })
}

/// Puts records as a careful producer does: those that failed again. How many were taken.
async fn produce(stream: &mut Stream<'_>, sent: &[Sent], rng: &mut Rng) -> usize {
    let mut left: Vec<Vec<u8>> = sent.iter().map(|it| it.data.clone()).collect();
    let mut taken = 0;
    while !left.is_empty() {
        let said = stream.put(&left).await;
        let failed = said.iter().map(|put| *put == Put::Failed);
        let mut failed: Vec<bool> = failed.collect();
        taken += failed.iter().filter(|failed| !**failed).count();
        left.retain(|_| failed.remove(0));
        stream.pass(Duration::from_millis(rng.u64(..2_000))).await;
    }
    taken
}

/// Where everything is in the end.
struct End {
    /// Delivered lines, with how often.
    delivered: BTreeMap<String, usize>,
    /// Records as they were put, with how often.
    quarantined: BTreeMap<Vec<u8>, usize>,
    dropped: BTreeSet<Vec<u8>>,
}

impl End {
    /// Every event is delivered as its line, dropped or quarantined, and nothing else is anywhere.
    fn check(&self, sent: &[Sent], is_once: bool) -> Result<(), String> {
        let mut lines = BTreeSet::new();
        for record in sent {
            let refused = record
                .events
                .iter()
                .any(|event| event.outcome == Outcome::Refused);
            let kept: Vec<&String> = record
                .events
                .iter()
                .filter_map(|event| match &event.outcome {
                    Outcome::Kept(line) if !refused => Some(line),
                    _ => None,
                })
                .collect();
            let quarantined = self.quarantined.get(&record.data).copied().unwrap_or(0);
            let dropped = self.dropped.contains(&record.data);
            let text = String::from_utf8_lossy(&record.data);
            let is_dropped = !refused && kept.is_empty();
            if refused && quarantined == 0 {
                return Err(format!("is not in quarantine: {text}"));
            }
            if dropped && !is_dropped {
                return Err(format!("was dropped: {text}"));
            }
            if is_dropped && !dropped && quarantined == 0 {
                return Err(format!("is neither dropped nor in quarantine: {text}"));
            }
            for line in kept {
                let delivered = self.delivered.get(line).copied().unwrap_or(0);
                if delivered + quarantined == 0 || (is_once && delivered + quarantined != 1) {
                    return Err(format!("{delivered} + {quarantined} times: {line}"));
                }
                lines.insert(line.as_str());
            }
        }
        let strange = self
            .delivered
            .keys()
            .find(|line| !lines.contains(line.as_str()));
        if let Some(line) = strange {
            return Err(format!("nobody put {line}"));
        }
        let put: BTreeSet<&[u8]> = sent.iter().map(|it| it.data.as_slice()).collect();
        let strange = self
            .quarantined
            .keys()
            .find(|data| !put.contains(data.as_slice()));
        strange.map_or(Ok(()), |data| {
            Err(format!("nobody put {}", String::from_utf8_lossy(data)))
        })
    }
}

async fn objects(store: &S3Store, prefix: &str) -> Result<Vec<String>, String> {
    let mut texts = Vec::new();
    let listed = store
        .list(prefix)
        .await
        .map_err(|error| error.to_string())?;
    for object in listed {
        let packed = store
            .get(&object.key)
            .await
            .map_err(|error| error.to_string())?;
        let mut text = String::new();
        let read = MultiGzDecoder::new(packed.as_ref()).read_to_string(&mut text);
        read.map_err(|error| format!("{}: {error}", object.key))?;
        texts.push(text);
    }
    Ok(texts)
}

async fn delivered(store: &S3Store, pipeline: &str) -> Result<BTreeMap<String, usize>, String> {
    let mut lines = BTreeMap::new();
    for text in objects(store, &format!("events/{pipeline}/")).await? {
        for line in text.split_inclusive('\n') {
            *lines.entry(line.to_owned()).or_default() += 1;
        }
    }
    Ok(lines)
}

async fn quarantined(store: &S3Store, pipeline: &str) -> Result<BTreeMap<Vec<u8>, usize>, String> {
    let mut records = BTreeMap::new();
    for text in objects(
        store,
        &format!("events-failed/{pipeline}/processing-failed/"),
    )
    .await?
    {
        for line in text.lines() {
            let document: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
            let data = STANDARD.decode(document["rawData"].as_str().unwrap_or("?"));
            let data = data.map_err(|error| format!("rawData: {error}"))?;
            *records.entry(data).or_default() += 1;
        }
    }
    Ok(records)
}
