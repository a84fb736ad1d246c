//! Checks the pipelines every few minutes: sends notices of runs that have not ended in time, and of
//! data that has become stale. It needs no help of the run that it looks at.

use crate::figures::{duration, minute};
use crate::once::{OneNotice, Watched, watched};
use crate::{PublishReportError, notice};
use contract::checked::{CheckOutput, CheckRequest};
use contract::{Names, RunId};
use definition::NoticeKind;
use jiff::Timestamp;
use lake::executions::{
    DescribeExecution, ListRunning, ReadHistory, RunningExecution, console, view_of,
};
use lake::notices::{Notice, SendNotices};
use lake::records::Latest;
use lake::{ObjectStore, RunKeys, documents, keys};
use std::fmt::Write;
use std::time::SystemTime;

/// Sends a notice of each run that is late, and of each pipeline whose data is stale, once.
///
/// # Errors
/// If the executions cannot be listed or described, the lake cannot be read, or a notice cannot be
/// sent. The rest is looked at all the same, and the first error is returned.
pub async fn check(
    store: &impl ObjectStore,
    executions: &(impl DescribeExecution + ReadHistory + ListRunning),
    notices: &impl SendNotices,
    stack: &str,
    request: CheckRequest,
) -> Result<CheckOutput, PublishReportError> {
    let machine = &request.state_machine;
    let definitions = store.list(keys::DEFINITIONS).await?;
    let running = executions.running(machine).await.map_err(Box::new)?;
    let mut output = CheckOutput {
        running: u32::try_from(running.len()).unwrap_or(u32::MAX),
        late: 0,
        stale: 0,
    };
    let mut first_error = None;
    for execution in &running {
        match Box::pin(late(store, executions, notices, stack, execution)).await {
            Ok(is_sent) => output.late += u32::from(is_sent),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    for object in definitions {
        let Some(pipeline) = keys::pipeline_of_definition(&object.key) else {
            continue;
        };
        match Box::pin(stale(store, notices, (stack, machine), pipeline)).await {
            Ok(is_sent) => output.stale += u32::from(is_sent),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    match first_error {
        Some(error) => Err(error),
        None => Ok(output),
    }
}

/// Sends a notice of a run that is late, unless one was sent. Whether it did.
async fn late(
    store: &impl ObjectStore,
    executions: &(impl DescribeExecution + ReadHistory),
    notices: &impl SendNotices,
    stack: &str,
    execution: &RunningExecution,
) -> Result<bool, PublishReportError> {
    let arn = &execution.arn;
    let described = executions.execution(arn).await.map_err(Box::new)?;
    let run = RunId::of_execution(arn, &described.start_time).map_err(|message| {
        PublishReportError::StartTime {
            execution: arn.clone(),
            message,
        }
    })?;
    let input = serde_json::from_str(&described.input).unwrap_or_default();
    // A run of no pipeline fails by itself, in its first step.
    let Ok(pipeline) = Names::pipeline_of(&input) else {
        return Ok(false);
    };
    let run = RunKeys::new(pipeline, &run);
    let Watched { late, notify, .. } = watched(store, pipeline, Some(&run)).await?;
    let Some(late) = late.filter(|_| notify.asks_for(NoticeKind::Late)) else {
        return Ok(false);
    };
    let age = seconds_since(execution.started);
    if age < u64::from(late.after_minutes) * 60 {
        return Ok(false);
    }
    let once = OneNotice {
        store,
        notices,
        key: run.notice_of("late"),
        about: run.run().to_string(),
    };
    if once.was_sent().await? {
        return Ok(false);
    }
    let view = view_of(executions, arn).await.map_err(Box::new)?;
    let mut body = String::new();
    let took = duration(age as f64);
    let since = Timestamp::try_from(execution.started).map_or_else(
        |_| described.start_time.clone(),
        |started| started.to_string(),
    );
    let mut write = |line: String| writeln!(body, "{line}").expect("writing to a String works");
    write(format!("Pipeline {pipeline}, run {}", run.run()));
    write(format!(
        "The run has not ended {} minutes after its start or last redrive (late.afterMinutes). It goes on.\n",
        late.after_minutes
    ));
    if let Some(row) = view.current() {
        let took = duration(row.took(SystemTime::now()).as_secs_f64());
        write(format!("In the step: {}, for {took}", row.state));
        if let Some(reason) = row.output.as_deref().and_then(waits_for) {
            write(format!("It {reason}"));
        }
    }
    write(format!(
        "Since: {}; it has run for {took}\n",
        minute(&since)
    ));
    let region = lake::executions::region_of(arn);
    write(format!(
        "What to do: millrace watch {arn} --region {region} shows its progress; if it does not get \
         on, stop it (millrace stop) and read its log (millrace logs); if it only takes long, raise \
         late.afterMinutes\n"
    ));
    write(format!("Its execution: {}", console(arn)));
    let subject = notify.subject(NoticeKind::Late).map_or_else(
        || format!("{stack}: {pipeline} is late: it has run for {took}"),
        str::to_owned,
    );
    once.send(&Notice::new(&subject, body)).await?;
    Ok(true)
}

/// What the first step waits for, by its output.
fn waits_for(output: &str) -> Option<String> {
    let output: serde_json::Value = serde_json::from_str(output).ok()?;
    // PlanExport's output is the payload of its function.
    let reason = output["reason"].as_str()?;
    reason.starts_with("waits ").then(|| reason.to_owned())
}

/// Sends a notice of a pipeline whose newest good data is stale, unless one was sent. Whether it did.
async fn stale(
    store: &impl ObjectStore,
    notices: &impl SendNotices,
    (stack, machine): (&str, &str),
    pipeline: &str,
) -> Result<bool, PublishReportError> {
    let Watched { stale, notify, .. } = watched(store, pipeline, None).await?;
    let Some(stale) = stale.filter(|_| notify.asks_for(NoticeKind::Stale)) else {
        return Ok(false);
    };
    let latest: Option<Latest> =
        documents::read_if_there(store, &keys::latest(pipeline), "the newest data").await?;
    // A pipeline without a good run has no data that could be stale; its failures send notices.
    let Some(latest) = latest else {
        return Ok(false);
    };
    let finished: Timestamp =
        latest
            .finished
            .parse()
            .map_err(|source| PublishReportError::Started {
                started: latest.finished.clone(),
                source,
            })?;
    let age = seconds_since(SystemTime::from(finished));
    if age < u64::from(stale.after_hours) * 3600 {
        return Ok(false);
    }
    let once = OneNotice {
        store,
        notices,
        key: keys::notice_of_pipeline(pipeline, "stale"),
        about: latest.run.to_string(),
    };
    if once.was_sent().await? {
        return Ok(false);
    }
    let age = duration(age as f64);
    let page = notice::link(store.bucket(), machine, &keys::runs_page(pipeline));
    let body = format!(
        "Pipeline {pipeline}\nIts newest good data is older than {} hours (stale.afterHours).\n\n\
         Newest: run {}, which ended as {}\nSince: {}, {age} ago\n\n\
         What to do: millrace runs --pipeline {pipeline} shows the runs since; if there are none, \
         look at the schedule and at the stack's queue Undelivered; start one by millrace start \
         --pipeline {pipeline}\n\nIts runs: {page}\n",
        stale.after_hours,
        latest.run,
        latest.outcome,
        minute(&latest.finished),
    );
    let subject = notify.subject(NoticeKind::Stale).map_or_else(
        || format!("{stack}: {pipeline} is stale: no good run for {age}"),
        str::to_owned,
    );
    once.send(&Notice::new(&subject, body)).await?;
    Ok(true)
}

fn seconds_since(time: SystemTime) -> u64 {
    let since = SystemTime::now().duration_since(time);
    since.unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_step_that_waits_says_for_what() {
        let waits =
            r#"{"status":"IN_PROGRESS","reason":"waits until s3://b/k exists; it is not there"}"#;
        let expected = "waits until s3://b/k exists; it is not there";
        assert_eq!(waits_for(waits).as_deref(), Some(expected));
        for other in [
            r#"{"reason":"the table is small"}"#,
            r#"{"reason":5}"#,
            "{}",
            "text",
        ] {
            assert_eq!(waits_for(other), None, "{other}");
        }
    }

    #[test]
    fn a_time_to_come_is_no_age() {
        let hour = std::time::Duration::from_hours(1);
        assert_eq!(seconds_since(SystemTime::now() + hour), 0);
        assert!(seconds_since(SystemTime::now() - hour) >= 3600);
    }
}
