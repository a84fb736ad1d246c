//! The Lambda adapter: what functions return, their errors, and refusals.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

#[path = "support/script.rs"]
mod script;

use aws::functions::Functions;
use contract::{ErrorName, ServiceError};
use script::{Answer, Script};
use serde_json::json;
use source::{CallFunction, FunctionAnswer};

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:closed:live";

async fn call(answer: Answer) -> (Result<FunctionAnswer, ServiceError>, Script) {
    let script = Script::start(vec![answer]).await;
    let functions = Functions::new(&aws::local(&script.url).await);
    let answer = functions.call(ARN, &json!({"pipeline": "shop"})).await;
    (answer, script)
}

#[tokio::test]
async fn a_function_gets_the_payload_and_its_answer_is_returned() {
    let (answer, script) = call(Answer::ok(r#"{"ready": true}"#)).await;
    assert_eq!(
        answer.unwrap(),
        FunctionAnswer::Returned(json!({"ready": true}))
    );
    assert_eq!(script.requests(), [json!({"pipeline": "shop"})]);
    assert_eq!(
        script.paths(),
        [
            "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Aclosed%3Alive/invocations"
        ]
    );
}

#[tokio::test]
async fn a_functions_error_is_not_the_services() {
    let body = r#"{"errorMessage": "no connection", "errorType": "OSError"}"#;
    let failed = Answer::ok(body).header("X-Amz-Function-Error", &"Unhandled");
    let (answer, _) = call(failed).await;
    let message = "no connection".to_owned();
    assert_eq!(answer.unwrap(), FunctionAnswer::Failed(message));
}

#[tokio::test]
async fn a_refusal_is_named_by_its_header() {
    for (status, code, name) in [
        (403, "AccessDeniedException", ErrorName::AccessDenied),
        (
            404,
            "ResourceNotFoundException:http://x/",
            ErrorName::NotFound,
        ),
    ] {
        let refused = Answer {
            status,
            body: br#"{"Message": "not you"}"#.to_vec(),
            ..Answer::default()
        };
        let (answer, _) = call(refused.header("x-amzn-ErrorType", &code)).await;
        let error = answer.unwrap_err();
        assert_eq!(error.name, name, "{error}");
        assert!(error.to_string().contains("not you"), "{error}");
        assert!(error.to_string().contains(ARN), "{error}");
    }
}
