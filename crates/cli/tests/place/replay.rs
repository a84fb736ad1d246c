//! `replay`: what a delivery stream's function refused, into the lake, once.

use crate::output::documented;
use crate::refused;
use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use local_servers::s3::S3;
use serde_json::json;

const FAILED: &str = "lake/events-failed/default/processing-failed/2026/11/29/07";

fn failed(event: &str) -> String {
    let record = json!({
        "attemptsMade": 1, "errorCode": "Lambda.ProcessingFailedStatus",
        "errorMessage": "ProcessingFailed status set for record", "rawData": STANDARD.encode(event),
    });
    format!("{record}\n")
}

#[tokio::test]
async fn refused_events_are_replayed_and_what_stays_is_named() {
    let world = World::new().await;
    let s3 = S3::start(&["lake"]).await;
    let put = |path: &str, text: &str| {
        let path = s3.folder().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let definition = |source: serde_json::Value| json!({ "source": source }).to_string();
    let events = json!({"events": {"id": ["event_id"], "required": ["event_id"]}});
    put("lake/config/default.json", &definition(events));
    let right = failed("{\"event_id\": \"e-1\"}{\"event_id\": \"e-2\"}");
    put(&format!("{FAILED}/a"), &(right + &failed("{}")));
    put(&format!("{FAILED}/b"), &failed("{\"event_id\": \"e-3\"}"));

    let dry = world
        .run_at(&s3, "replay --events --dry-run --json -q")
        .await;
    let document = documented("replay", &dry.output);
    assert_eq!((dry.code, &document["dryRun"]), (1, &json!(true)));
    assert!(!s3.folder().join("lake/events").exists());

    let first = world.run_at(&s3, "replay --events -q").await;
    assert_eq!(first.code, 1, "{first:?}");
    let says = "2 records replayed from 2 objects; 3 lines written; 1 left\n  left: line 2 of ";
    assert!(first.output.contains(says), "{first:?}");
    assert!(
        first.error.contains("1 record is not replayed"),
        "{first:?}"
    );
    let written = || {
        let folder = s3.folder().join("lake/events/default/replayed");
        std::fs::read_dir(folder).unwrap().count()
    };
    assert_eq!(written(), 2);

    // A record that is no loss is removed by hand, and then nothing stays.
    put(&format!("{FAILED}/a"), &failed("{\"event_id\": \"e-1\"}"));
    let second = world.run_at(&s3, "replay --events --json -q").await;
    let document = documented("replay", &second.output);
    assert_eq!(second.code, 0, "{second:?}");
    assert_eq!(document["alreadyReplayed"], 1, "{document}");
    assert_eq!((&document["lines"], written()), (&json!(0), 2));

    put(
        "lake/config/default.json",
        &definition(json!({"dynamodb": {"table": "films"}})),
    );
    let ended = world.run_at(&s3, "replay --events").await;
    refused(&ended, 2, &["source is dynamodb"], "--pipeline NAME");
}
