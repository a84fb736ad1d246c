//! The notice of a failed run: what a person on call must know, and what to do.

use crate::PublishReportError;
use crate::document::RunDocument;
use crate::figures::{duration, minute};
use contract::chain;
use lake::executions::{console_of, region_of};
use lake::notices::Notice;
use std::fmt::Write;

/// The notice of a run that did not succeed; `page` is the address of its page, or `problem` why it
/// has none.
pub fn of_failure(
    stack: &str,
    run: &RunDocument,
    page: Option<&str>,
    problem: Option<&PublishReportError>,
) -> Notice {
    let summary = run.summary.strip_prefix("The run ").unwrap_or(&run.summary);
    let subject = format!(
        "{stack}: {} {}",
        run.pipeline,
        summary.trim_end_matches('.')
    );
    let mut body = String::new();
    write_body(&mut body, run, page, problem).expect("writing to a String does not fail");
    Notice::new(&subject, body)
}

fn write_body(
    body: &mut String,
    run: &RunDocument,
    page: Option<&str>,
    problem: Option<&PublishReportError>,
) -> std::fmt::Result {
    writeln!(
        body,
        "Pipeline {}, run {}\n{}\n",
        run.pipeline, run.run, run.summary
    )?;
    if let Some(failure) = &run.failure {
        if let Some(happened) = &failure.happened {
            writeln!(body, "What happened: {happened}")?;
        }
        if !failure.cause.is_empty() {
            writeln!(body, "Cause: {}", failure.cause)?;
        }
        let (started, ended) = (minute(&run.started), minute(&run.finished));
        let took = duration(run.seconds as f64);
        writeln!(
            body,
            "Since: {ended}; it started at {started} and ran for {took}"
        )?;
        writeln!(body, "In service: {}\n", run.serving)?;
        let action = failure.action.as_deref();
        let action = action.unwrap_or("read the cause; the runbook has no row for this name");
        writeln!(body, "What to do: {action}")?;
        writeln!(
            body,
            "To continue in the step that failed: {}\n",
            failure.redrive
        )?;
    }
    if let Some(page) = page {
        writeln!(body, "Its page: {page}")?;
    }
    if let Some(problem) = problem {
        writeln!(body, "Its page could not be written: {}", chain(problem))?;
    }
    writeln!(body, "Its execution: {}", run.console())
}

/// The address of an object in the AWS console, from which a browser opens it.
pub fn link(bucket: &str, arn: &str, key: &str) -> String {
    let (host, region) = (console_of(arn), region_of(arn));
    format!("https://{host}/s3/object/{bucket}?region={region}&prefix={key}")
}
