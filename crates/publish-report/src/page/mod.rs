//! The page of a run: one HTML file that needs no other, made from its document alone. Its text comes
//! from the table, so all of it is escaped, and none of it is run: the page has no script, and its
//! policy forbids one, and any request.

mod data;
mod model;
mod plot;
mod runs;

pub use runs::runs_page;

use crate::document::{FailureDocument, MoneyDocument, RowsDocument, RunDocument, StepDocument};
use crate::figures::{bytes, count, dollars, duration, minute, of, percent};
use contract::states::Outcome;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");

/// Nothing but what is in the page itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// The page of a run.
pub fn run_page(run: &RunDocument) -> String {
    let title = format!("{}: run {}", run.pipeline, run.run);
    let body = html! {
        (head(run))
        @if let Some(failure) = &run.failure { (failed(failure)) }
        @for warning in &run.warnings { p { b { "Warning: " } (text(warning)) } }
        (steps(&run.steps))
        @if let Some(money) = &run.money { (cost(money)) }
        @if let Some(rows) = &run.rows { (flow(rows)) }
        @if let Some(it) = &run.model { (model::section(it)) }
        @if let Some(it) = &run.data { (data::section(it)) }
        (data::gate(&run.gate))
        @if let Some(it) = &run.endpoint { (model::endpoint(it)) }
        (model::making(&run.making))
        p.quiet {
            small {
                a href="../index.html" { "All runs of " (run.pipeline) } ". Millrace " (run.making.version)
                ". The same for programs: run.json."
            }
        }
    };
    document(&title, &body)
}

/// A whole page.
fn document(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    };
    page.into_string()
}

/// Text of a table or a service: its direction does not reach beyond it. What stands in a pair of
/// backticks is code.
fn text(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    // Without its pair, a backtick is a value's own.
    if parts.len().is_multiple_of(2) {
        return html! { bdi { (text) } };
    }
    html! {
        bdi { @for (at, part) in parts.iter().enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        } }
    }
}

/// The same, as code.
fn code(text: &str) -> Markup {
    html! { code { bdi { (text) } } }
}

/// The colour of a run's end.
const fn tone(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        None => "bad",
        Some(Outcome::KeptChampion) => "kept",
        Some(_) => "good",
    }
}

fn head(run: &RunDocument) -> Markup {
    html! {
        header class=(tone(run.outcome)) {
            p.quiet { "Pipeline " b { (run.pipeline) } ", run " code { (run.run) } }
            h1.tone { (text(&run.summary)) }
            ul.facts {
                li { (minute(&run.started)) }
                li { "took " (duration(run.seconds as f64)) }
                @if let Some(total) = run.dollars { li { "cost " (dollars(total)) } }
                @if let Some(rows) = &run.rows { li { (of(rows.items, "item")) } }
                @if let Some(outcome) = run.outcome { li { (outcome) } }
            }
            p { (text(&run.serving)) }
        }
    }
}

fn failed(failure: &FailureDocument) -> Markup {
    html! {
        section.failure {
            dl {
                @if let Some(step) = &failure.step { dt { "Failed in" } dd { (step) } }
                dt { "Error" }
                dd { b { (text(&failure.error)) } @if let Some(happened) = &failure.happened { ": " (happened) } }
                @if !failure.cause.is_empty() { dt { "Cause" } dd { (text(&failure.cause)) } }
                @if let Some(action) = &failure.action { dt { "What to do" } dd { b { (action) } } }
            }
            p.quiet { "When the cause is gone, continue in the step that failed:" }
            pre { (failure.redrive) }
        }
    }
}

/// The steps, each as a bar from its beginning to its end.
fn steps(steps: &[StepDocument]) -> Markup {
    let end = steps.iter().map(|step| step.at + step.seconds);
    let whole = end.fold(0.001, f64::max);
    html! {
        @if !steps.is_empty() {
            section {
                h2 { "Steps" }
                @for step in steps {
                    div.step {
                        span { (step.state) }
                        div.track {
                            div.bar.failed[step.failed] style=(format!(
                                "left:{:.2}%;width:{:.2}%",
                                step.at / whole * 100.0,
                                step.seconds / whole * 100.0,
                            )) {}
                        }
                        span.note { (duration(step.seconds)) }
                        @let more = notes(step);
                        @if !more.is_empty() { small.more { (more) } }
                    }
                }
            }
        }
    }
}

fn notes(step: &StepDocument) -> String {
    let mut notes = Vec::new();
    if let Some(children) = step.children {
        let failed = match children.failed {
            0 => String::new(),
            failed => format!(", {} failed", count(failed)),
        };
        notes.push(format!(
            "{} of {} children{failed}",
            count(children.done),
            count(children.total)
        ));
    }
    if step.calls > 1 {
        notes.push(format!("{} calls", step.calls));
    }
    if step.retries > 0 {
        notes.push(of(step.retries.into(), "retry").replace("retrys", "retries"));
    }
    if step.failed {
        notes.push("failed".to_owned());
    }
    notes.join(", ")
}

fn cost(money: &MoneyDocument) -> Markup {
    let amount = |amount: Option<f64>| amount.map(dollars).unwrap_or_default();
    let sum = |of: fn(&crate::document::MoneyLine) -> Option<f64>| {
        let known: Vec<f64> = money.lines.iter().filter_map(of).collect();
        (!known.is_empty()).then(|| known.iter().sum())
    };
    html! {
        section {
            h2 { "Money" }
            table.stack.money {
                thead { tr { th { } th.n { "Estimated" } th.n { "Measured" } th { "By" } } }
                tbody {
                    @for line in &money.lines {
                        tr {
                            td { (line.what) @if !line.reached { " (not begun)" } }
                            td.n data-name="Estimated" { (amount(line.estimated)) }
                            td.n data-name="Measured" { (amount(line.actual)) }
                            td { small { (line.basis) } }
                        }
                    }
                    tr.sum {
                        td { "Together" }
                        td.n data-name="Estimated" { (amount(sum(|line| line.estimated))) }
                        td.n data-name="Measured, else estimated" { (amount(money.total)) }
                        td { small { "list prices; what is not measured counts as estimated, what was not begun as nothing" } }
                    }
                }
            }
            @if let Some(endpoint) = &money.endpoint {
                p {
                    "The endpoint"
                    @match money.endpoint_per_day {
                        Some(day) if day > 0.0 => { " costs " b { (dollars(day)) } " a day: " (endpoint) "." }
                        _ => { " is " (endpoint) "." }
                    }
                }
            }
        }
    }
}

/// The items from the table to the files. What leaves and what stays add up to the items.
fn flow(rows: &RowsDocument) -> Markup {
    let share = |part: u64| part as f64 / rows.items.max(1) as f64;
    let line = |name: &str, number: u64, out: bool| {
        let sign = if out && number > 0 { "−" } else { "" };
        html! {
            span { (name) }
            span.n { (sign) (count(number)) }
            @if number > 0 {
                div.fill.out[out] style=(format!("width:{:.2}%", share(number) * 100.0)) {}
            } @else {
                div {}
            }
        }
    };
    html! {
        section {
            h2 { "Rows" }
            div.flow {
                b { "Items exported" } b.n { (count(rows.items)) } div.fill style="width:100%" {}
                @if let Some(counts) = rows.counts {
                    (line("left out by conditions", counts.filtered, true))
                    (line("duplicates", counts.duplicates, true))
                    @if counts.unsampled > 0 { (line("not in the sample", counts.unsampled, true)) }
                    (line("rejected", counts.rejected, true))
                    div.rule {}
                    @let left = counts.train + counts.validation + counts.test;
                    b { "Rows" } b.n { (count(left)) }
                    div.fill style=(format!("width:{:.2}%", share(left) * 100.0)) {}
                    (line("to train on", counts.train, false))
                    (line("to validate on", counts.validation, false))
                    @if counts.test > 0 { (line("to test on", counts.test, false)) }
                }
            }
            @if let Some(counts) = rows.counts {
                @if rows.adds_up {
                    p.quiet { (sums(counts, rows.items)) }
                } @else {
                    p.bad.tone { "These add up to " (count(counts.total())) ", not to the items exported." }
                }
            }
            @if !rows.rejected.is_empty() {
                h3 { "Why items were rejected" }
                ul { @for it in &rows.rejected { li { (of(it.items, "item")) ": " (text(&it.example)) } } }
            }
            @if !rows.channels.is_empty() {
                div.scroll { table {
                    tr { th { "Channel" } th.n { "Rows" } th.n { "Files" } th.n { "Size" } }
                    @for channel in &rows.channels {
                        tr {
                            td { (channel.channel) } td.n { (count(channel.rows)) }
                            td.n { (count(channel.files)) } td.n { (bytes(channel.bytes)) }
                        }
                    }
                } }
            }
            p.quiet {
                small {
                    "From " (text(&rows.table)) ", " (bytes(rows.raw_bytes)) " of lines in "
                    (of(rows.segments.into(), "segment"))
                    @if let Some(estimated) = rows.estimated_items { ", " (count(estimated)) " items expected" }
                    @if let Some(unlisted) = rows.unlisted {
                        ", " (of(unlisted, "object")) " of older keys taken over without being listed"
                    }
                    @if rows.throttles > 0 { ", " (count(rows.throttles)) " attempts throttled" }
                    "."
                }
            }
        }
    }
}

fn sums(counts: contract::states::RowCounts, items: u64) -> String {
    let parts = [
        counts.filtered,
        counts.duplicates,
        counts.unsampled,
        counts.rejected,
        counts.train,
        counts.validation,
        counts.test,
    ];
    let parts: Vec<String> = parts.into_iter().filter(|it| *it > 0).map(count).collect();
    let rejected = counts.rejected as f64 / items.max(1) as f64;
    format!(
        "{} = {}. {} of the items are rejected.",
        parts.join(" + "),
        count(items),
        percent(rejected)
    )
}
