//! The logs of training jobs, as CloudWatch Logs shows them.
//!
//! Source: the CloudWatch Logs API reference, `FilterLogEvents`.

use crate::app::App;
use crate::protocol::members::text;
use crate::protocol::refusal::Refusal;
use crate::training::job::TrainingJob;
use serde_json::{Value, json};

const GROUP: &str = "/aws/sagemaker/TrainingJobs";
/// What follows a job's name in the name of its only stream.
const STREAM: &str = "/algo-1-0";
/// Lines of a page; the service's are longer.
const PAGE: usize = 100;

/// `FilterLogEvents`, by the beginning of one job's stream.
pub async fn filter(app: &App, request: &Value) -> Result<Value, Refusal> {
    let group = text(request, "logGroupName")?;
    if group != GROUP {
        let message = "The specified log group does not exist.";
        return Err(Refusal::new("ResourceNotFoundException", message));
    }
    let prefix = text(request, "logStreamNamePrefix")?;
    let from = match request["nextToken"].as_str() {
        None => 0,
        Some(token) => token.parse().map_err(|_| {
            Refusal::new(
                "InvalidParameterException",
                "The specified nextToken is invalid.",
            )
        })?,
    };
    let job = prefix.split('/').next().unwrap_or_default();
    let known = app.table::<TrainingJob>().get(job);
    let Some(known) = known.filter(|_| format!("{job}{STREAM}").starts_with(prefix)) else {
        return Ok(json!({"events": []}));
    };
    let log = match tokio::fs::read(app.job_folder(job).join("log.txt")).await {
        Ok(log) => log,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(Refusal::internal(format!("the log of {job}: {error}"))),
    };
    let log = String::from_utf8_lossy(&log);
    // Whole milliseconds since 1970: any other number is none of the service's.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a moment of this century"
    )]
    let at = (known.created * 1000.0).round() as u64;
    let lines = log.lines().enumerate().skip(from).take(PAGE);
    let event = |(number, line): (usize, &str)| {
        json!({
            "logStreamName": format!("{job}{STREAM}"), "eventId": number.to_string(),
            "timestamp": at, "ingestionTime": at, "message": line,
        })
    };
    let mut answer = json!({"events": lines.map(event).collect::<Vec<_>>()});
    if log.lines().nth(from + PAGE).is_some() {
        answer["nextToken"] = json!((from + PAGE).to_string());
    }
    Ok(answer)
}
