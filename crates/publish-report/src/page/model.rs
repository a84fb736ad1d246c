//! The sections on the model, on what serves it, and on how it was made.

use super::{code, plot, text};
use crate::document::{EndpointDocument, MakingDocument, ModelDocument};
use crate::figures::{duration, of, short};
use contract::states::Verdict;
use definition::Goal;
use maud::{Markup, html};

pub fn section(model: &ModelDocument) -> Markup {
    let verdict = model.verdict.map(|verdict| match verdict {
        Verdict::Promote => ("good", "Promoted"),
        Verdict::Keep => ("kept", "Not promoted"),
    });
    html! {
        section {
            h2 { "Model" }
            @if let (Some((tone, words)), Some(reason)) = (verdict, &model.reason) {
                p { span class=(tone) { b.tone { (words) } } ": " (text(reason)) "." }
            }
            @if let (Some(metric), Some(value)) = (&model.metric, model.value) {
                p {
                    (code(metric)) " is " b { (short(value)) }
                    @if let Some(champion) = model.champion { ", the champion's is " (short(champion)) }
                    @if let Some(threshold) = model.threshold { ", the threshold " (short(threshold)) }
                    @match model.goal {
                        Some(Goal::Minimize) => { "; smaller is better." }
                        Some(Goal::Maximize) => { "; larger is better." }
                        None => { "." }
                    }
                }
            }
            @if !model.curves.is_empty() {
                h3 { "The training" }
                (plot::curves(&model.curves))
            }
            @if model.history.len() > 1 {
                h3 { "The last " (model.history.len()) " runs" }
                (plot::metric(&model.history, model.threshold))
                p.quiet {
                    small {
                        "A full dot was deployed; the last one is this run."
                        @if model.threshold.is_some() { " The dashed line is the threshold." }
                    }
                }
            }
            @if !model.metrics.is_empty() {
                @let has_champion = model.metrics.iter().any(|metric| metric.champion.is_some());
                div.scroll { table {
                    tr { th { "Metric" } th.n { "This model" } @if has_champion { th.n { "The champion" } } }
                    @for metric in &model.metrics {
                        tr {
                            td { (code(&metric.name)) }
                            td.n { @if let Some(value) = metric.value { (short(value)) } }
                            @if has_champion {
                                td.n { @if let Some(value) = metric.champion { (short(value)) } }
                            }
                        }
                    }
                } }
            }
            @if let Some(search) = &model.search { p { (text(search)) } }
            dl {
                dt { "Job" } dd { (code(&model.job)) @if let Some(seconds) = model.billable_seconds {
                    ", " (duration(seconds as f64)) " billed"
                } }
                dt { "Image" } dd { (code(&model.image)) }
                dt { "Artifact" } dd { (code(&model.artifact)) }
                @if let Some(run) = &model.champion_run { dt { "Champion" } dd { "run " code { (run) } } }
            }
        }
    }
}

pub fn endpoint(endpoint: &EndpointDocument) -> Markup {
    html! {
        section {
            h2 { @if endpoint.predictions.is_some() { "Predictions" } @else { "Endpoint" } }
            dl {
                @if let Some(name) = &endpoint.name { dt { "Endpoint" } dd { (code(name)) } }
                @if let Some(it) = &endpoint.configuration { dt { "Configuration" } dd { (code(it)) } }
                dt { "Model" } dd { (code(&endpoint.model)) }
                @if let Some(it) = &endpoint.predictions { dt { "Predictions" } dd { (code(it)) } }
                @if endpoint.name.is_some() {
                    dt { "Before" }
                    dd { @match &endpoint.previous {
                        Some(previous) => { (code(previous)) ": " code { "millrace rollback" } " returns to it" }
                        None => { "nothing: it is the endpoint's first configuration" }
                    } }
                }
            }
            @if !endpoint.alarms_left_out.is_empty() {
                p { "On before the update, so that they could not roll it back: " (text(&endpoint.alarms_left_out.join(", "))) "." }
            }
            @if endpoint.smoke_rows > 0 {
                p { "It was asked about " (of(endpoint.smoke_rows.into(), "row")) " of the dataset, and answered." }
                @if !endpoint.requests.is_empty() {
                    details {
                        summary { "The rows" }
                        pre { @for row in &endpoint.requests { bdi { (row) } "\n" } }
                    }
                }
            }
        }
    }
}

pub fn making(making: &MakingDocument) -> Markup {
    html! {
        section {
            h2 { "How it was made" }
            p { @for (at, link) in making.links.iter().enumerate() {
                @if at > 0 { " · " } a href=(link.url) rel="noreferrer" { (link.text) }
            } }
            @if let Some(route) = &making.route { p { (text(route)) "." } }
            @if let Some(previous) = &making.previous {
                @if making.changes.is_empty() {
                    p { "The definition is that of run " code { (previous) } "." }
                } @else {
                    p { "Other than in the definition of run " code { (previous) } ":" }
                    table.stack {
                        thead { tr { th { "Field" } th { "Before" } th { "Now" } } }
                        tbody { @for change in &making.changes {
                            tr {
                                td { (code(&change.path)) }
                                td data-name="Before" { @if let Some(it) = &change.before { (code(it)) } }
                                td data-name="Now" { @if let Some(it) = &change.now { (code(it)) } }
                            }
                        } }
                    }
                }
            }
            @if let Some(definition) = &making.definition {
                details {
                    summary { "The definition" }
                    pre { bdi { (format!("{definition:#}")) } }
                }
            }
        }
    }
}
