//! The sections on the data: its columns, those with trouble first, and the checks of the gate.

use super::{code, plot, text};
use crate::document::{ColumnDocument, DataDocument, GateDocument};
use crate::figures::{count, of, percent};
use maud::{Markup, html};

pub fn section(data: &DataDocument) -> Markup {
    let (trouble, quiet): (Vec<_>, Vec<_>) = data
        .columns
        .iter()
        .partition(|column| !column.trouble.is_empty() && column.role != "not used");
    let is_compared = data.comparison.starts_with("compared with run");
    html! {
        section {
            h2 { "Data" }
            p {
                (of(data.items, "item")) ", " (text(&data.comparison)) ". "
                @if let Some(sampled) = data.sampled {
                    "Means and distributions are of a uniform sample of " (count(sampled)) ". "
                }
            }
            @if is_compared {
                p.quiet { small { span.key {} " this run  " span.key.line {} " the run compared with" } }
            }
            @for (what, paths) in [("New: ", &data.new), ("Gone: ", &data.vanished)] {
                @if !paths.is_empty() {
                    p { (what) @for (at, path) in paths.iter().take(20).enumerate() {
                        @if at > 0 { ", " } (code(path))
                    } @if paths.len() > 20 { " and " (paths.len() - 20) " more" } }
                }
            }
            @if trouble.is_empty() {
                p { "No column stands out." }
            } @else {
                h3 { (of(trouble.len() as u64, "column")) " to look at" }
                div.cards { @for column in &trouble { (card(column)) } }
            }
            @if !quiet.is_empty() {
                details {
                    summary { (of(quiet.len() as u64, "quiet column")) }
                    div.cards { @for column in &quiet { (card(column)) } }
                    @if data.more > 0 { p { (count(data.more)) " more are in profile.json." } }
                }
            }
            @if !data.notes.is_empty() {
                details {
                    summary { (of(data.notes.len() as u64, "note")) " on how columns were chosen" }
                    ul { @for note in &data.notes { li { (text(note)) } } }
                }
            }
        }
    }
}

fn card(column: &ColumnDocument) -> Markup {
    let is_bad = !column.trouble.is_empty() && column.role != "not used";
    html! {
        div.card.bad[is_bad] {
            p { b { (code(&column.path)) } " " small { (column.role) ", " (column.types) } }
            @for trouble in &column.trouble {
                p.bad[is_bad] { small.tone[is_bad] { (text(trouble)) } }
            }
            p.quiet {
                small {
                    "missing in " (percent(column.missing))
                    @if let Some(distinct) = &column.distinct { ", " (distinct) }
                    @if let Some(range) = &column.range { ", " (range) }
                }
            }
            (plot::distribution(&column.distribution))
        }
    }
}

pub fn gate(checks: &[GateDocument]) -> Markup {
    let failed = checks.iter().filter(|check| !check.passed).count();
    let (first, rest) = checks.split_at(failed.max(checks.len().min(8)));
    let item = |check: &GateDocument| {
        let (tone, mark) = if check.passed {
            ("good", "✓")
        } else {
            ("bad", "✗")
        };
        html! {
            li class=(tone) {
                span.mark.tone { (mark) } (text(&check.sentence))
                @if !check.passed { " " small { "(" (code(&check.bound)) ")" } }
            }
        }
    };
    html! {
        @if !checks.is_empty() {
            section {
                h2 { "Quality gate" }
                @if failed == 0 {
                    p { "All " (checks.len()) " checks pass." }
                } @else {
                    p.bad { b.tone { (failed) " of " (checks.len()) " checks fail." } }
                }
                ul.checks { @for check in first { (item(check)) } }
                @if !rest.is_empty() {
                    details {
                        summary { (of(rest.len() as u64, "more check")) ", all passed" }
                        ul.checks { @for check in rest { (item(check)) } }
                    }
                }
            }
        }
    }
}
