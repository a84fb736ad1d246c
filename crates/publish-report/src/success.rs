//! The notice of a run that ended well, if its definition asks for it.

use crate::figures::{duration, minute};
use crate::once::{OneNotice, Watched, watched};
use crate::{PublishReportError, RunDocument, notice};
use definition::NoticeKind;
use lake::notices::{Notice, SendNotices};
use lake::{ObjectStore, RunKeys, documents};
use std::fmt::Write;

/// Sends the notice of a run that ended well, once, if the run's definition asks for it. Whether it did.
///
/// # Errors
/// If the lake cannot be read, or the notice cannot be sent.
pub async fn send_notice(
    store: &impl ObjectStore,
    notices: &impl SendNotices,
    stack: &str,
    run: &RunKeys,
) -> Result<bool, PublishReportError> {
    let Watched { notify, .. } = watched(store, run.pipeline(), Some(run)).await?;
    if !notify.asks_for(NoticeKind::Success) {
        return Ok(false);
    }
    let once = OneNotice {
        store,
        notices,
        key: run.notice_of("success"),
        about: run.run().to_string(),
    };
    if once.was_sent().await? {
        return Ok(false);
    }
    let document: RunDocument =
        documents::read(store, &run.page_data(), "the content of the run's page").await?;
    let summary = document.summary.trim_end_matches('.');
    let short = summary.strip_prefix("The run ").unwrap_or(summary);
    let subject = notify.subject(NoticeKind::Success).map_or_else(
        || format!("{stack}: {} {short}", document.pipeline),
        str::to_owned,
    );
    let page = notice::link(store.bucket(), &document.execution, &run.page());
    once.send(&Notice::new(&subject, body(&document, &page)))
        .await?;
    Ok(true)
}

fn body(run: &RunDocument, page: &str) -> String {
    let mut body = format!(
        "Pipeline {}, run {}\n{}\n\nSince: {}; it started at {} and ran for {}\nIn service: {}\n",
        run.pipeline,
        run.run,
        run.summary,
        minute(&run.finished),
        minute(&run.started),
        duration(run.seconds as f64),
        run.serving,
    );
    for warning in &run.warnings {
        writeln!(body, "Warning: {warning}").expect("writing to a String works");
    }
    write!(
        body,
        "\nWhat to do: nothing\n\nIts page: {page}\nIts execution: {}\n",
        run.console()
    )
    .expect("writing to a String works");
    body
}
