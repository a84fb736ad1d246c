//! Pages of arbitrary items, whole or damaged, as this crate reads them and as the SDK alone does.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

#[path = "../../dynamodb-json/tests/support/mod.rs"]
mod items;
#[path = "support/model.rs"]
mod model;

use aws::dynamodb::Tables;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use items::{Attributes, attributes, json_line};
use model::model;
use proptest::prelude::*;
use serde_json::{Value, json};
use source::{PageBuffer, PageRequest, ScanPages, Throttles};
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// Answers every request with these bytes.
#[derive(Debug, Clone, Default)]
struct Same(Arc<Mutex<Vec<u8>>>);

impl HttpConnector for Same {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let body = SdkBody::from(self.0.lock().unwrap().clone());
        let status = StatusCode::try_from(200).unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, body)))
    }
}

struct Readers {
    runtime: Runtime,
    answer: Same,
    sdk: Client,
    tables: Tables,
}

impl Readers {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let answer = Same::default();
        let connector = SharedHttpConnector::new(answer.clone());
        let config = runtime.block_on(aws::local("http://dynamodb.test"));
        let config = config
            .into_builder()
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .retry_config(RetryConfig::disabled())
            .build();
        Self {
            runtime,
            answer,
            sdk: Client::new(&config),
            tables: Tables::new(&config),
        }
    }

    /// The page's items as this crate reads them, if it takes the answer.
    fn read(&self, buffer: &mut PageBuffer) -> Option<Vec<Value>> {
        let throttles = Throttles::new();
        let request = PageRequest {
            table: "t",
            segment: 0,
            total_segments: 1,
            cursor: None,
            consistent: false,
            selection: None,
            limit: None,
            throttles: &throttles,
        };
        self.runtime
            .block_on(self.tables.page(&request, buffer))
            .ok()?;
        let lines = buffer.lines().unwrap().lines();
        let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap()["Item"].take());
        Some(lines.collect())
    }

    /// As the SDK alone reads them.
    fn oracle(&self) -> Option<Vec<Value>> {
        let answer = self.sdk.scan().table_name("t").send();
        let answer = self.runtime.block_on(answer).ok()?;
        let items = answer.items.unwrap_or_default().into_iter();
        let items = items.map(|item| model(&AttributeValue::M(item))["M"].take());
        Some(items.collect())
    }
}

fn body(items: &[Attributes]) -> Vec<u8> {
    let list: Vec<_> = items
        .iter()
        .map(|item| json_line(item)["Item"].take())
        .collect();
    let answer = json!({
        "Count": list.len(),
        "Items": list,
        "ScannedCount": list.len(),
        "LastEvaluatedKey": { "id": { "S": "x" } },
    });
    answer.to_string().into_bytes()
}

#[test]
fn a_page_is_what_the_sdk_reads_or_it_is_refused() {
    let readers = Readers::new();
    // Kept as a segment keeps it, with all that it has learned.
    let buffer = Mutex::new(PageBuffer::new());
    let damage = (
        any::<prop::sample::Index>(),
        prop::sample::select(b"\"\\{}[]:,.e0-SNMLBtf \n\x01\xc3".as_slice()),
    );
    let pages = (
        prop::collection::vec(attributes(), 0..5),
        prop::option::of(damage),
    );
    proptest!(ProptestConfig::with_cases(400), |((items, damage) in pages)| {
        let mut body = body(&items);
        if let Some((at, byte)) = damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        *readers.answer.0.lock().unwrap() = body;
        let (read, oracle) = (readers.read(&mut buffer.lock().unwrap()), readers.oracle());
        if damage.is_none() {
            prop_assert!(read.is_some() && oracle.is_some());
        }
        if let (Some(read), Some(oracle)) = (read, oracle) {
            prop_assert_eq!(read, oracle);
        }
    });
}
