//! The page of a pipeline: its runs as a table, newest first.

use super::{document, plot, text, tone};
use crate::figures::{count, dollars, duration, minute, short};
use crate::runs::Past;
use maud::{Markup, html};

/// The page of a pipeline's runs, which are given oldest first.
pub fn runs_page(pipeline: &str, runs: &[Past]) -> String {
    let metric = runs
        .iter()
        .rev()
        .find_map(|run| run.model.as_ref()?.metric.as_deref());
    let metric = metric.unwrap_or("metric");
    let body = html! {
        h1 { "Runs of " (pipeline) }
        div.sparks {
            (line("Items", &series(runs, |run| Some(run.rows.as_ref()?.items as f64))))
            (line("Seconds", &series(runs, |run| Some(run.seconds as f64))))
            (line(metric, &series(runs, |run| value(run, metric))))
            (line("US dollars", &series(runs, |run| run.dollars)))
        }
        table.stack {
            thead { tr {
                th { "Started" } th { "Ended as" } th.n { "Took" } th.n { "Items" }
                th.n { (text(metric)) } th.n { "Cost" }
            } }
            tbody { @for run in runs.iter().rev() { (row(run, metric)) } }
        }
        p.quiet { small { "The newest " (runs.len()) " runs that have ended, times in UTC." } }
    };
    document(&format!("{pipeline}: runs"), &body)
}

fn value(run: &Past, metric: &str) -> Option<f64> {
    let model = run.model.as_ref()?;
    model
        .value
        .filter(|_| model.metric.as_deref() == Some(metric))
}

fn series(runs: &[Past], of: impl Fn(&Past) -> Option<f64>) -> Vec<f64> {
    runs.iter().filter_map(of).collect()
}

fn line(name: &str, values: &[f64]) -> Markup {
    html! {
        @if let (Some(last), true) = (values.last(), values.len() > 1) {
            div { div { small { (text(name)) } } (plot::spark(values)) " " (short(*last)) }
        }
    }
}

fn row(run: &Past, metric: &str) -> Markup {
    let end = match (&run.outcome, &run.failure) {
        (Some(outcome), _) => outcome.to_string(),
        (None, Some(failure)) => match &failure.step {
            Some(step) => format!("{} in {step}", failure.error),
            None => failure.error.clone(),
        },
        (None, None) => String::new(),
    };
    html! {
        tr {
            td { a href=(format!("run={}/index.html", run.run)) { (minute(&run.started).trim_end_matches(" UTC")) } }
            td class=(tone(run.outcome)) { span.tone { (text(&end)) } }
            td.n data-name="Took" { (duration(run.seconds as f64)) }
            td.n data-name="Items" { @if let Some(rows) = &run.rows { (count(rows.items)) } }
            td.n data-name=(metric) { @if let Some(value) = value(run, metric) { (short(value)) } }
            td.n data-name="Cost" { @if let Some(amount) = run.dollars { (dollars(amount)) } }
        }
    }
}
