//! The Step Functions adapter, as a person uses it: tokens of tasks, and executions that are started,
//! listed and redriven, with a server that answers by a script.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

#[path = "support/script.rs"]
mod script;

use aws::sfn::{ExecutionStatus, StateMachines};
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

#[tokio::test]
async fn executions_are_listed_page_by_page() {
    let item = |name: &str, status: &str, stop: bool| {
        let mut item = json!({
            "executionArn": format!("arn:aws:states:eu-central-1:1:execution:m:{name}"),
            "stateMachineArn": "arn:m", "name": name, "status": status, "startDate": 1_800_000_000.5,
        });
        if stop {
            item["stopDate"] = json!(1_800_000_060);
        }
        item
    };
    let first = json!({"executions": [item("b", "RUNNING", false)], "nextToken": "more"});
    let second = json!({"executions": [item("a", "ABORTED", true)]});
    let answers = [first, second].map(|page| Answer::ok(page.to_string()));
    let script = Script::start(answers.to_vec()).await;
    let machines = StateMachines::new(&aws::local(&script.url).await);
    let (page, token) = machines.list("arn:m", None).await.unwrap();
    assert_eq!(page[0].name, "b");
    assert_eq!(
        (page[0].status, page[0].stopped),
        (ExecutionStatus::Running, None)
    );
    let (page, end) = machines.list("arn:m", token).await.unwrap();
    let took = page[0]
        .stopped
        .unwrap()
        .duration_since(page[0].started)
        .unwrap();
    assert_eq!(page[0].status, ExecutionStatus::Aborted);
    assert_eq!((took.as_millis(), end), (59_500, None));
    assert_eq!(script.requests()[1]["nextToken"], "more");
}

#[tokio::test]
async fn an_execution_is_started_and_redriven() {
    let arn = "arn:aws:states:eu-central-1:1:execution:m:p-1";
    let started = json!({"executionArn": arn, "startDate": 1_800_000_000.25});
    let answers = vec![
        Answer::ok(started.to_string()),
        Answer::ok(json!({"redriveDate": 1_800_000_001}).to_string()),
        refusal("ExecutionNotRedrivable"),
    ];
    let script = Script::start(answers).await;
    let machines = StateMachines::new(&aws::local(&script.url).await);
    let started = machines
        .start("arn:m:live", Some("p-1"), "{}")
        .await
        .unwrap();
    assert_eq!(started.arn, arn);
    let since = started.at.duration_since(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(since.as_millis(), 1_800_000_000_250);
    machines.redrive(arn).await.unwrap();
    let error = machines.redrive(arn).await.unwrap_err();
    assert_eq!(
        (error.name, error.code.as_str()),
        (ErrorName::Conflict, "ExecutionNotRedrivable")
    );
    let requests = script.requests();
    assert_eq!(
        requests[0],
        json!({"stateMachineArn": "arn:m:live", "name": "p-1", "input": "{}"})
    );
    assert_eq!(requests[1]["executionArn"], arn);
}
