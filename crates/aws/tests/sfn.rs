//! The Step Functions adapter, as far as a person's decision goes: a task's token is sent back to a
//! server that answers by a script.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

#[path = "support/script.rs"]
mod script;

use aws::sfn::StateMachines;
use contract::{ErrorName, ServiceError};
use script::{Answer, Script};
use serde_json::json;

fn refusal(code: &str) -> Answer {
    let body =
        json!({"__type": format!("com.amazonaws.swf.service.v2.model#{code}"), "message": "no"});
    Answer {
        status: 400,
        ..Answer::ok(body.to_string())
    }
}

async fn send_back(answer: Answer) -> (Result<bool, ServiceError>, Script) {
    let script = Script::start(vec![answer]).await;
    let machines = StateMachines::new(&aws::local(&script.url).await);
    (machines.send_back("the-token").await, script)
}

#[tokio::test]
async fn a_task_that_waits_ends_well() {
    let (told, script) = send_back(Answer::ok("{}")).await;
    assert!(told.unwrap());
    let sent = json!({"taskToken": "the-token", "output": "{}"});
    assert_eq!(script.requests(), [sent]);
}

#[tokio::test]
async fn a_token_that_no_task_waits_for_is_no_error() {
    for code in ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"] {
        let (told, script) = send_back(refusal(code)).await;
        assert!(!told.unwrap(), "{code}");
        assert_eq!(script.requests().len(), 1, "{code} is not tried again");
    }
}

#[tokio::test]
async fn a_refusal_is_an_error_of_its_name() {
    for (code, name) in [
        ("AccessDeniedException", ErrorName::AccessDenied),
        ("InvalidOutput", ErrorName::ServiceRejected),
    ] {
        let (told, _) = send_back(refusal(code)).await;
        let error = told.unwrap_err();
        assert_eq!(error.name, name, "{error}");
        let text = error.to_string();
        assert!(
            text.starts_with("Step Functions SendTaskSuccess of a task:"),
            "{text}"
        );
        assert!(!text.contains("the-token"), "a token is a secret: {text}");
    }
}
