//! The EventBridge adapter: the content of the event of new data, and that a refused entry is an
//! error although the call succeeds.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

#[path = "support/script.rs"]
mod script;

use aws::events::EventBus;
use contract::states::Outcome;
use contract::{ErrorName, RunId, ServiceError};
use lake::latest::Announcements;
use lake::records::{Latest, LatestExport};
use script::{Answer, Script};
use serde_json::{Value, json};

const ADDRESS: &str = "s3://lake/latest/nightly.json";

fn latest() -> Latest {
    Latest {
        pipeline: "nightly".to_owned(),
        run: RunId::parse("20261120-173000-1a2b3c4d").unwrap(),
        outcome: Outcome::Exported,
        started: "2026-11-20T17:30:00Z".to_owned(),
        finished: "2026-11-20T17:40:00Z".to_owned(),
        report: "s3://lake/report.json".to_owned(),
        export: LatestExport {
            table: "interactions".to_owned(),
            items: 7,
            raw_bytes: 700,
            prefix: "s3://lake/raw/".to_owned(),
            manifest: "s3://lake/export.json".to_owned(),
        },
        dataset: None,
        model: None,
    }
}

async fn announce(answer: &Value) -> (Result<(), ServiceError>, Script) {
    let script = Script::start(vec![Answer::ok(answer.to_string())]).await;
    let bus = EventBus::new(&aws::local(&script.url).await);
    (bus.announce(&latest(), ADDRESS).await, script)
}

#[tokio::test]
async fn the_event_says_what_is_there_and_where() {
    let answer = json!({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]});
    let (announced, script) = announce(&answer).await;
    announced.unwrap();
    let requests = script.requests();
    let [entry] = requests[0]["Entries"].as_array().unwrap().as_slice() else {
        panic!("{requests:?}");
    };
    assert_eq!(
        (&entry["Source"], &entry["DetailType"]),
        (&json!("millrace"), &json!("Data Ready"))
    );
    let mut detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    let address = detail.as_object_mut().unwrap().remove("latest");
    assert_eq!(address, Some(json!(ADDRESS)));
    assert_eq!(detail, serde_json::to_value(latest()).unwrap());
}

#[tokio::test]
async fn a_refused_entry_is_an_error_of_its_name() {
    for (code, name) in [
        ("InternalFailure", ErrorName::ServiceUnavailable),
        ("ThrottlingException", ErrorName::Throttled),
        ("MalformedDetail", ErrorName::ServiceRejected),
    ] {
        let entry = json!({"ErrorCode": code, "ErrorMessage": "no"});
        let answer = json!({"FailedEntryCount": 1, "Entries": [entry]});
        let (announced, _) = announce(&answer).await;
        let error = announced.unwrap_err();
        assert_eq!(error.name, name, "{error}");
        assert!(error.to_string().contains(ADDRESS), "{error}");
    }
}
