//! The batches: a megabyte of events of some 330 bytes each, as a shop has them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

/// An invocation, and the bytes of its events.
pub struct Batch {
    pub invocation: String,
    pub bytes: usize,
}

const BATCHES: u64 = 16;
const BYTES: usize = 1_000_000;

pub fn all() -> Vec<Batch> {
    (0..BATCHES).map(batch).collect()
}

/// Writes each batch as a file.
pub fn write(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (number, batch) in all().iter().enumerate() {
        std::fs::write(folder.join(format!("{number:02}.json")), &batch.invocation)?;
    }
    Ok(())
}

fn batch(seed: u64) -> Batch {
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut bytes, mut records) = (0, Vec::new());
    while bytes < BYTES {
        let event = event(&mut random);
        bytes += event.len();
        records.push(json!({
            "recordId": format!("{:056}", 49_546_986_683_135_544_286_507_457_936_u128 + records.len() as u128),
            "approximateArrivalTimestamp": 1_780_000_000_000_u64 + random.u64(..60_000),
            "data": STANDARD.encode(event),
        }));
    }
    let invocation = json!({
        "invocationId": "invocationIdExample",
        "deliveryStreamArn": "arn:aws:firehose:eu-central-1:123456789012:deliverystream/millrace-events",
        "region": "eu-central-1",
        "records": records,
    });
    Batch {
        invocation: invocation.to_string(),
        bytes,
    }
}

fn event(random: &mut fastrand::Rng) -> String {
    let mut id = String::new();
    for part in [8, 4, 4, 4, 12] {
        if !id.is_empty() {
            id.push('-');
        }
        for _ in 0..part {
            write!(id, "{:x}", random.u8(..16)).expect("text takes everything");
        }
    }
    let kind = ["view", "cart", "buy", "search"][random.usize(..4)];
    let device = ["mobile", "desktop", "tablet"][random.usize(..3)];
    format!(
        "{{\"event_id\":\"{id}\",\"kind\":\"{kind}\",\"user_id\":\"u-{:07}\",\"item_id\":\"i-{:06}\",\
         \"at\":\"2026-11-{:02}T{:02}:{:02}:{:02}.{:03}Z\",\"price\":{}.{:02},\"quantity\":{},\
         \"device\":\"{device}\",\"country\":\"DE\",\"position\":{{\"page\":{},\"slot\":{}}},\
         \"tags\":[\"sale\",\"new\"],\"referrer\":\"https://shop.example.com/c/{:05}\",\
         \"member\":{},\"coupon\":null}}",
        random.u32(..10_000_000),
        random.u32(..1_000_000),
        random.u8(1..31),
        random.u8(..24),
        random.u8(..60),
        random.u8(..60),
        random.u16(..1000),
        random.u16(1..1000),
        random.u8(..100),
        random.u8(1..9),
        random.u8(1..30),
        random.u8(..60),
        random.u32(..100_000),
        random.bool(),
    )
}

#[derive(Deserialize)]
struct Asked<'b> {
    #[serde(borrow)]
    records: Vec<Record<'b>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'b> {
    #[serde(borrow)]
    record_id: Cow<'b, str>,
    #[serde(borrow)]
    data: Cow<'b, str>,
}

#[derive(Serialize)]
struct Answer {
    records: Vec<Answered>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    record_id: String,
    result: &'static str,
    data: String,
}

/// What no transformation can do without. It answers with the events as they came, so it encodes half
/// of what raw lines are.
pub fn floor(invocation: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let asked: Asked<'_> = serde_json::from_str(invocation)?;
    let mut data = Vec::new();
    let mut records = Vec::new();
    for record in asked.records {
        data.clear();
        STANDARD.decode_vec(record.data.as_bytes(), &mut data)?;
        records.push(Answered {
            record_id: record.record_id.into_owned(),
            result: "Ok",
            data: STANDARD.encode(&data),
        });
    }
    Ok(serde_json::to_vec(&Answer { records })?)
}
