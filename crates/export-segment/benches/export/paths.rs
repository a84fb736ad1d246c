//! The ways from a table to something of use that are compared, each on one thread.

use crate::Workload;
use crate::discard::Discard;
use crate::discard_store::DiscardStore;
use crate::server::table;
use aws::dynamodb::Tables;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use clap::ValueEnum;
use contract::states::{ExportSegmentInput, ExportTask};
use contract::{Invocation, RunId, ServiceError};
use dynamodb_json::{Lines, ScanBody};
use export_segment::{Settings, handle};
use lake::records::Plan;
use lake::{documents, sample};
use profile::Profile;
use serde_json::json;
use source::{PageBuffer, PageEnd, PageRequest, ScanPages, Throttles};
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, SystemTime};

/// A way from a table to something of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Path {
    /// The SDK, its answers' bodies discarded as they arrive.
    Floor,
    /// The parser alone, on pages in memory, in frames of 16 KiB.
    Parser,
    /// Pages through the SDK into checked lines.
    Pages,
    /// The same, and their profile.
    Profile,
    /// The same, profiled item by item and not path by path.
    ProfileByItem,
    /// The whole step, its parts not compressed.
    Stored,
    /// The whole step, its pages read without guesses.
    Plain,
    /// The whole step, as it runs.
    Parts,
    /// The SDK's paginator, and the csv crate.
    Paginator,
}

impl Path {
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Floor => "floor: SDK, bodies discarded",
            Self::Parser => "parser alone, in memory",
            Self::Pages => "pages checked",
            Self::Profile => "pages checked and profiled",
            Self::ProfileByItem => "the same, profiled item by item",
            Self::Stored => "raw parts with profile, not compressed",
            Self::Plain => "raw parts with profile, zstd, no guesses",
            Self::Parts => "raw parts with profile, zstd",
            Self::Paginator => "SDK paginator and csv crate",
        }
    }
}

/// How much is to be read.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Segments that are scanned side by side.
    pub segments: u32,
    /// Pages of each.
    pub pages: u64,
    /// What the server waits before a page.
    pub latency: Duration,
}

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Goes the path and returns the items that came out at its end. `endpoint` is the page server's.
pub async fn go(path: Path, workload: &Workload, endpoint: &str, extent: Extent) -> Outcome<u64> {
    match path {
        Path::Floor => floor(endpoint, extent).await,
        Path::Parser => parser(workload, extent),
        Path::Pages => pages(endpoint, extent, |_| ()).await,
        Path::Profile => {
            let mut profile = Profile::new();
            pages(endpoint, extent, |lines| profile.observe_lines(lines)).await
        }
        Path::ProfileByItem => {
            let mut profile = Profile::new();
            let observe = |lines: &Lines| {
                for line in lines.lines() {
                    let item = dynamodb_json::parse_line(line.as_bytes());
                    profile.observe(&item.expect("`Lines` were checked"));
                }
            };
            pages(endpoint, extent, observe).await
        }
        Path::Stored => parts(&tables(endpoint).await, extent, None).await,
        Path::Plain => {
            let tables = PlainTables(tables(endpoint).await);
            parts(&tables, extent, Some(lake::part::LEVEL)).await
        }
        Path::Parts => parts(&tables(endpoint).await, extent, Some(lake::part::LEVEL)).await,
        Path::Paginator => paginator(endpoint, extent).await,
    }
}

async fn tables(endpoint: &str) -> Tables {
    Tables::new(&aws::local(endpoint).await)
}

/// Tables whose pages are read without guesses.
struct PlainTables(Tables);

impl ScanPages for PlainTables {
    async fn page(
        &self,
        request: &PageRequest<'_>,
        buffer: &mut PageBuffer,
    ) -> Result<PageEnd, ServiceError> {
        buffer.lines_mut().speculate(false);
        self.0.page(request, buffer).await
    }
}

async fn floor(endpoint: &str, extent: Extent) -> Outcome<u64> {
    let client = Client::new(&aws::local(endpoint).await);
    for page in 0..extent.pages {
        let request = client
            .scan()
            .table_name(table(extent.pages, extent.latency))
            .segment(0)
            .total_segments(1)
            .exclusive_start_key("page", AttributeValue::N(page.to_string()));
        request.customize().interceptor(Discard).send().await?;
    }
    Ok(0)
}

fn parser(workload: &Workload, extent: Extent) -> Outcome<u64> {
    const FRAME: usize = 16 * 1024;
    let mut items = 0;
    let mut lines = Lines::new();
    let pages: Vec<_> = workload.pages().collect();
    crate::measure::begin();
    for number in 0..extent.pages {
        let page = &pages[usize::try_from(number)? % pages.len()];
        lines.clear();
        let mut body = ScanBody::new();
        for frame in page.head.chunks(FRAME) {
            body.push(frame, &mut lines)?;
        }
        body.push(page.tail(None).as_bytes(), &mut lines)?;
        black_box(body.finish(&mut lines)?);
        items += lines.len() as u64;
    }
    Ok(items)
}

async fn pages(endpoint: &str, extent: Extent, mut then: impl FnMut(&Lines)) -> Outcome<u64> {
    let tables = tables(endpoint).await;
    let table = table(extent.pages, extent.latency);
    let mut buffer = PageBuffer::new();
    let throttles = Throttles::new();
    let mut cursor = None;
    let mut items = 0;
    loop {
        let request = PageRequest {
            table: &table,
            segment: 0,
            total_segments: 1,
            cursor: cursor.as_ref(),
            consistent: false,
            selection: None,
            limit: None,
            throttles: &throttles,
        };
        let end = tables.page(&request, &mut buffer).await?;
        let lines = buffer.lines()?;
        items += lines.len() as u64;
        then(lines);
        if end.cursor.is_none() {
            return Ok(items);
        }
        cursor = end.cursor;
    }
}

async fn parts(
    tables: &impl ScanPages,
    extent: Extent,
    compression_level: Option<i32>,
) -> Outcome<u64> {
    let store = DiscardStore::default();
    let task = ExportTask {
        index: 0,
        first_segment: 0,
        segment_count: extent.segments,
    };
    let run = RunId::parse("20261120-173000-1a2b3c4d")?;
    let definition = json!({
        "source": {"dynamodb": {"table": table(extent.pages, extent.latency)}},
        "dataset": {"label": "rating"},
        "training": {"image": "i"},
        "promotion": {"metric": "m", "goal": "minimize"},
    });
    let plan = Plan {
        key_attributes: vec!["user_id".to_owned()],
        segments: extent.segments,
        tasks: vec![task],
        ..sample::plan(definition)
    };
    let keys = plan.keys();
    documents::write(&store, &keys.plan(), &plan).await?;
    let input = ExportSegmentInput {
        pipeline: "default".to_owned(),
        run,
        task,
    };
    let invocation = Invocation {
        attempt: "bench".to_owned(),
        deadline: SystemTime::now() + Duration::from_hours(1),
    };
    let settings = Settings {
        compression_level,
        ..Settings::default()
    };
    let output = handle(&store, tables, settings, input, invocation).await?;
    Ok(output.items)
}

async fn paginator(endpoint: &str, extent: Extent) -> Outcome<u64> {
    const COLUMNS: [&str; 9] = [
        "rating",
        "user_id",
        "item_id",
        "event_type",
        "ts",
        "price",
        "session",
        "device",
        "comment",
    ];
    let client = Client::new(&aws::local(endpoint).await);
    let request = client
        .scan()
        .table_name(table(extent.pages, extent.latency))
        .segment(0)
        .total_segments(1);
    let mut answers = request.into_paginator().send();
    let mut items = 0;
    let mut writer = csv::Writer::from_writer(Vec::new());
    while let Some(answer) = answers.next().await {
        for item in answer?.items() {
            let cells = COLUMNS.iter().map(|column| match item.get(*column) {
                Some(AttributeValue::S(text) | AttributeValue::N(text)) => text.as_str(),
                _ => "",
            });
            writer.write_record(cells)?;
            items += 1;
        }
        // What is written is passed on page by page, as it would be to S3.
        let written = writer.into_inner()?;
        black_box(&written);
        writer = csv::Writer::from_writer(Vec::new());
    }
    Ok(items)
}
