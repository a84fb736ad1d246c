//! Items that are read by their keys, of a DynamoDB on loopback and of one that answers in part.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use aws::dynamodb::Tables;
use contract::{ErrorName, Named};
use local_servers::dynamodb::DynamoDb;
use serde_json::{Value, json};
use source::{AttributeRequest, ReadItems, Version, WriteNewer, Written};

fn request<'r>(keys: &'r [&'r str]) -> AttributeRequest<'r> {
    AttributeRequest {
        table: "signs",
        key: "id",
        is_number: false,
        attribute: "label",
        keys,
    }
}

async fn tables(server: &DynamoDb) -> Tables {
    Tables::new(&aws::local(server.url()).await)
}

#[tokio::test]
async fn an_attribute_is_read_of_more_items_than_a_request_takes() {
    let server = DynamoDb::start(1000).await;
    let item = |number: usize| {
        let label = match number % 5 {
            0 => json!({"S": format!("s-{number}")}),
            1 => json!({"N": number.to_string()}),
            2 => json!({"BOOL": true}),
            3 => json!({"L": []}),
            _ => return json!({"id": {"S": format!("i-{number}")}}),
        };
        json!({"id": {"S": format!("i-{number}")}, "label": label, "other": {"S": "x"}})
    };
    server.fill("signs", "id", (0..250).map(item));
    let keys: Vec<String> = (0..260).map(|number| format!("i-{number}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let found = tables(&server).await.read_attribute(request(&keys)).await;
    let found = found.unwrap().values;
    let value = |number: u32| found.get(&format!("i-{number}")).cloned();
    assert_eq!(value(0), Some(Some("s-0".to_owned())));
    assert_eq!(value(246), Some(Some("246".to_owned())));
    assert_eq!(value(7), Some(Some("true".to_owned())));
    assert_eq!(value(8), Some(None), "a list is no label");
    assert_eq!(value(9), None, "the item has no such attribute");
    assert_eq!(value(255), None, "there is no such item");
    assert_eq!(found.len(), 200);
}

#[tokio::test]
async fn a_number_is_found_by_its_digits_and_nothing_is_asked_for_nothing() {
    let server = DynamoDb::start(1000).await;
    server.create("signs", &[("id", "N")]);
    let nothing = tables(&server).await.read_attribute(request(&[])).await;
    assert_eq!(nothing.unwrap().values.len(), 0);
    let asked = AttributeRequest {
        is_number: true,
        ..request(&["7", "8"])
    };
    let found = tables(&server).await.read_attribute(asked).await.unwrap();
    assert_eq!(found.values.len(), 0);
    let error = tables(&server).await.read_attribute(request(&["7"])).await;
    assert_eq!(error.unwrap_err().name(), ErrorName::ServiceRejected);
}

/// A server that leaves some keys without an answer, so many times.
async fn in_part(unprocessed: usize) -> String {
    use axum::routing::post;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let count = Arc::new(AtomicUsize::new(0));
    let answer = move |body: String| {
        let count = count.clone();
        async move {
            let body: Value = serde_json::from_str(&body).unwrap();
            let mut keys = body["RequestItems"]["signs"]["Keys"]
                .as_array()
                .unwrap()
                .clone();
            let is_left = count.fetch_add(1, Ordering::SeqCst) < unprocessed;
            let first = keys.remove(0);
            let mut items = vec![json!({"id": first["id"], "label": {"S": "stop"}})];
            let mut left = json!({});
            if is_left && !keys.is_empty() {
                left = json!({"signs": {"Keys": keys}});
            } else if is_left {
                left = json!({"signs": {"Keys": [first]}});
                items.clear();
            } else {
                let rest = keys.iter();
                items.extend(rest.map(|key| json!({"id": key["id"], "label": {"S": "stop"}})));
            }
            json!({"Responses": {"signs": items}, "UnprocessedKeys": left}).to_string()
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

#[tokio::test]
async fn keys_without_an_answer_are_asked_again_and_not_for_ever() {
    for (unprocessed, found) in [(2, Ok(5)), (100, Err(ErrorName::Throttled))] {
        let tables = Tables::new(&aws::local(&in_part(unprocessed).await).await);
        let keys = ["a", "b", "c", "d", "e"];
        let read = tables.read_attribute(request(&keys)).await;
        let read = read.map(|read| read.values.len());
        assert_eq!(read.map_err(|error| error.name()), found);
    }
}

#[tokio::test]
async fn only_a_newer_row_replaces_another() {
    let server = DynamoDb::start(1000).await;
    server.create("scores", &[("id", "S")]);
    source::newer::conformance(&tables(&server).await, "scores").await;
}

#[tokio::test]
async fn a_row_of_somebody_else_is_neither_replaced_nor_deleted() {
    let server = DynamoDb::start(1000).await;
    server.fill(
        "scores",
        "id",
        std::iter::once(json!({"id": {"S": "a"}, "mine": {"BOOL": true}})),
    );
    let tables = tables(&server).await;
    let key = json!({"id": {"S": "a"}});
    let version = Version {
        key: &key,
        attribute: "sequence",
        text: "1",
    };
    let row = json!({"id": {"S": "a"}, "sequence": {"S": "1"}});
    let put = tables.put_newer("scores", &row, version).await.unwrap();
    let deleted = tables.delete_older("scores", version).await.unwrap();
    assert_eq!((put, deleted), (Written::Outdated, Written::Outdated));
    let missing = tables
        .put_newer("nowhere", &row, version)
        .await
        .unwrap_err();
    assert_eq!(missing.name(), ErrorName::NotFound);
    let wrong = json!({"id": "a"});
    let refused = tables
        .put_newer("scores", &wrong, version)
        .await
        .unwrap_err();
    assert_eq!(refused.name(), ErrorName::ServiceRejected);
}
