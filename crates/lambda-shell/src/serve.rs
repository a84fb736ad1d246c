//! The loop: poll, parse the input, call the handler, answer.

use crate::Failure;
use contract::{ErrorName, Invocation, Named, RunId};
use futures::FutureExt;
use lambda_runtime::{Context, LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::str::FromStr;
use std::time::{Duration, Instant, UNIX_EPOCH};
use tracing::Instrument;

/// Time before the function's end in which an answer is still sent. A handler that is not done by then is
/// dropped, whatever it waits for: so every wait of every function races the deadline, in this one place.
pub const RESERVE: Duration = Duration::from_secs(5);

/// Reads a setting that the function cannot do without.
///
/// # Errors
/// If it is not set: the function then does not start, and names the missing variable.
pub fn env(name: &str) -> Result<String, crate::Error> {
    std::env::var(name).map_err(|_| {
        format!("the environment variable {name} is not set: set it on the function").into()
    })
}

/// Reads a setting that is not text, such as a number.
///
/// # Errors
/// If it is not set or cannot be read: the function then does not start, and names the variable and
/// its value.
pub fn env_as<T>(name: &str) -> Result<T, crate::Error>
where
    T: FromStr,
    T::Err: Display,
{
    Ok(parsed(name, &env(name)?)?)
}

/// A variable's value, read as something else than text.
pub(crate) fn parsed<T>(name: &str, value: &str) -> Result<T, String>
where
    T: FromStr,
    T::Err: Display,
{
    value.parse().map_err(|error: T::Err| {
        format!("the environment variable {name} is {value:?}: {error}; correct it on the function")
    })
}

/// Answers invocations with `handler` until the process is stopped.
///
/// The input is parsed here, not by the runtime, so that an invalid field fails as `InvalidRequest`
/// with its path. A panic fails as `Bug`.
///
/// # Errors
/// If the Runtime API cannot be reached.
pub async fn serve<I, O, E>(
    handler: impl AsyncFn(I, Invocation) -> Result<O, E>,
) -> Result<(), crate::Error>
where
    I: DeserializeOwned,
    O: Serialize,
    E: Named,
{
    let handler = &handler;
    // Boxed: the runtime's layers nest so deeply that the layout of a `main` that holds them inline
    // cannot be computed.
    Box::pin(lambda_runtime::run(service_fn(
        async |event: LambdaEvent<Value>| {
            let invocation = invocation(&event.context);
            let span = tracing::info_span!(
                "invocation",
                request_id = %event.context.request_id,
                pipeline = text(&event.payload, "pipeline"),
                run = run_of(&event.payload),
            );
            answer(handler, event.payload, invocation)
                .instrument(span)
                .await
        },
    )))
    .await
}

/// Answers the events of an AWS service with `handler` until the process is stopped. It gets an event
/// as it came, as valid JSON, and reads it by itself. A panic fails as `Bug`.
///
/// # Errors
/// If the Runtime API cannot be reached.
pub async fn serve_events<O, E>(
    handler: impl AsyncFn(Box<str>, Invocation) -> Result<O, E>,
) -> Result<(), crate::Error>
where
    O: Serialize,
    E: Named,
{
    let handler = &handler;
    // Boxed as in `serve`.
    Box::pin(lambda_runtime::run(service_fn(
        async |event: LambdaEvent<Box<RawValue>>| {
            let invocation = invocation(&event.context);
            let span = tracing::info_span!("invocation", request_id = %event.context.request_id);
            let answer = async {
                let (begun, limit) = (Instant::now(), limit(&invocation));
                let event: Box<str> = event.payload.into();
                let outcome = within(limit, handler(event, invocation)).await;
                log(begun, &outcome);
                outcome
            };
            answer.instrument(span).await
        },
    )))
    .await
}

async fn answer<I, O, E>(
    handler: &impl AsyncFn(I, Invocation) -> Result<O, E>,
    payload: Value,
    invocation: Invocation,
) -> Result<O, Failure>
where
    I: DeserializeOwned,
    O: Serialize,
    E: Named,
{
    let (begun, limit) = (Instant::now(), limit(&invocation));
    let outcome = match contract::read::from_value(payload) {
        Ok(input) => within(limit, handler(input, invocation)).await,
        Err(error) => Err(Failure {
            name: ErrorName::InvalidRequest,
            message: error.to_string(),
        }),
    };
    log(begun, &outcome);
    outcome
}

/// The time that a handler has.
fn limit(invocation: &Invocation) -> Duration {
    let left = invocation.remaining();
    left.saturating_sub(RESERVE.min(left / 10))
}

/// What a handler's work comes to, within its time.
async fn within<O, E: Named>(
    limit: Duration,
    work: impl Future<Output = Result<O, E>>,
) -> Result<O, Failure> {
    let work = AssertUnwindSafe(work).catch_unwind();
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(outcome)) => outcome.map_err(|error| Failure::of(&error)),
        Ok(Err(payload)) => Err(Failure::of_panic(payload.as_ref())),
        Err(_) => Err(Failure {
            name: ErrorName::ServiceUnavailable,
            message: format!(
                "the step was not done after {} s, shortly before the function's end: a service does not answer, or \
                 there is more to do than its time allows; what was committed stays",
                limit.as_secs()
            ),
        }),
    }
}

fn log<O>(begun: Instant, outcome: &Result<O, Failure>) {
    let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    match outcome {
        Ok(_) => tracing::info!(millis, "answered"),
        Err(failure) => {
            tracing::error!(millis, error = %failure.name, "{}", failure.message);
        }
    }
}

fn invocation(context: &Context) -> Invocation {
    // Step Functions may deliver a request twice under one request id; the random suffix
    // distinguishes the two attempts.
    let head: String = context
        .request_id
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(8)
        .collect();
    Invocation {
        attempt: format!("{head}{:08x}", fastrand::u32(..)),
        deadline: UNIX_EPOCH + Duration::from_millis(context.deadline),
    }
}

/// The run that a payload is of: the one that it names, or the one that its execution is.
fn run_of(payload: &Value) -> String {
    let named = text(payload, "run");
    let execution = payload.get("execution").unwrap_or(&Value::Null);
    if !named.is_empty() {
        return named.to_owned();
    }
    let run = RunId::of_execution(text(execution, "id"), text(execution, "startTime"));
    // Whether the input is as it should be, the handler says.
    run.map_or_else(|_| String::new(), |run| run.to_string())
}

fn text<'a>(payload: &'a Value, field: &str) -> &'a str {
    payload.get(field).and_then(Value::as_str).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::SystemTime;

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        divisor: u32,
    }

    async fn call(payload: Value) -> Result<u32, Failure> {
        let handler = async |input: Input, _: Invocation| {
            if input.divisor == 7 {
                return Err(contract::ServiceError {
                    name: ErrorName::Throttled,
                    service: "Arithmetic",
                    operation: "Divide",
                    subject: "42".to_owned(),
                    code: "Slow".to_owned(),
                    message: "slow down".to_owned(),
                    source: None,
                });
            }
            Ok(42 / input.divisor)
        };
        let invocation = Invocation {
            attempt: "a".to_owned(),
            deadline: SystemTime::now(),
        };
        answer(&handler, payload, invocation).await
    }

    #[test]
    fn a_variable_that_cannot_be_read_is_named_with_its_value() {
        assert_eq!(parsed("MAP_CONCURRENCY", "40"), Ok(40_u32));
        for value in ["forty", "", "-1", "1.5"] {
            let error = parsed::<u32>("MAP_CONCURRENCY", value).unwrap_err();
            let begin = format!("the environment variable MAP_CONCURRENCY is {value:?}: ");
            assert!(error.starts_with(&begin), "{error}");
            assert!(error.ends_with("correct it on the function"), "{error}");
        }
    }

    #[test]
    fn the_first_function_of_a_run_logs_its_id_too() {
        let execution = json!({"id": "arn:e", "startTime": "2026-11-20T17:30:00Z"});
        let run = run_of(&json!({"execution": execution, "input": {}}));
        let expected = RunId::of_execution("arn:e", "2026-11-20T17:30:00Z").unwrap();
        assert_eq!(run, expected.as_str());
        let run = run_of(&json!({"execution": execution, "run": "20261120-173000-1a2b3c4d"}));
        assert_eq!(run, "20261120-173000-1a2b3c4d");
        assert_eq!(run_of(&json!([1])), "");
    }

    #[tokio::test]
    async fn answers_and_errors_keep_their_names() {
        assert_eq!(call(json!({"divisor": 6})).await, Ok(7));
        assert_eq!(
            call(json!({"divisor": 7})).await.unwrap_err().name,
            ErrorName::Throttled
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_would_outlast_the_function_is_given_up_before_its_end() {
        let waits = async |_: Value, _: Invocation| {
            std::future::pending::<()>().await;
            Ok::<u32, contract::ServiceError>(0)
        };
        let invocation = Invocation {
            attempt: "a".to_owned(),
            deadline: SystemTime::now() + Duration::from_mins(15),
        };
        let begun = tokio::time::Instant::now();
        let failure = answer(&waits, json!({}), invocation).await.unwrap_err();
        assert_eq!(failure.name, ErrorName::ServiceUnavailable);
        assert!(
            failure.message.contains("after 894 s"),
            "{}",
            failure.message
        );
        let left = Duration::from_mins(15).saturating_sub(begun.elapsed());
        assert!(left > Duration::from_secs(4), "{left:?}");
    }

    #[tokio::test]
    async fn a_wrong_input_names_its_field() {
        let failure = call(json!({"divisor": "six"})).await.unwrap_err();
        assert_eq!(failure.name, ErrorName::InvalidRequest);
        assert!(
            failure.message.starts_with("field `divisor`"),
            "{}",
            failure.message
        );
        let failure = call(json!({"divisor": 6, "spare": 1})).await.unwrap_err();
        assert!(failure.message.contains("spare"), "{}", failure.message);
    }

    #[tokio::test]
    async fn a_panic_is_reported_as_a_bug() {
        let failure = call(json!({"divisor": 0})).await.unwrap_err();
        assert_eq!(failure.name, ErrorName::Bug);
        assert!(
            failure.message.contains("divide by zero"),
            "{}",
            failure.message
        );
    }
}
