//! The HTML report on a run's data: one self-contained page. Its text comes from the table, so all
//! of it is escaped.

use crate::gate::GateVerdict;
use crate::gate::quality::Quality;
use contract::RunId;
use dynamodb_json::Kind;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use profile::{AttributeDrift, Drift};
use profile::{AttributeStatistics, Statistics};

const STYLE: &str = "
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 76em; padding: 0 1em; color: #222 }
table { border-collapse: collapse; width: 100%; margin: 0.5em 0 2em }
th, td { text-align: left; padding: 0.25em 0.7em; border-bottom: 1px solid #ddd; vertical-align: top }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
code { overflow-wrap: anywhere } small { color: #777 } .bad { color: #b00020; font-weight: 600 }
.v { display: flex; gap: 0.5em } .v i { background: #9db7d5; height: 0.9em; margin-top: 0.25em }
svg rect { fill: #5b84b1 }
";

/// Attributes on the page; the JSON documents have all.
const MOST_ATTRIBUTES: usize = 200;

/// Values of an attribute on the page.
const MOST_VALUES: usize = 4;

/// From this value on, a population stability index is commonly called another distribution.
const DRIFTED: f64 = 0.25;

/// The HTML report on a run's data.
pub fn quality_page(
    pipeline: &str,
    run: &RunId,
    statistics: &Statistics,
    quality: &Quality,
) -> String {
    let heading = format!("{pipeline}: the data of run {run}");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (heading) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (heading) }
                p {
                    (statistics.items) " items. "
                    @if !statistics.is_exact() {
                        "Values, means and histograms are of a uniform sample of " (statistics.sampled) "."
                    }
                }
                (gate(quality))
                (notes(quality))
                (drift(quality))
                (attributes(statistics, quality))
            }
        }
    };
    page.into_string()
}

fn gate(quality: &Quality) -> Markup {
    let failed = quality
        .gate
        .iter()
        .filter(|verdict| !verdict.passed)
        .count();
    html! {
        h2 { "Quality gate" }
        p {
            @if failed == 0 { "All " (quality.gate.len()) " bounds hold." }
            @else { span.bad { (failed) " of " (quality.gate.len()) " bounds are broken." } }
        }
        table {
            tr { th { "Bound" } th { "Column" } th { "Limit" } th { "Value" } th { } }
            @for verdict in &quality.gate { (gate_row(verdict)) }
        }
    }
}

fn gate_row(verdict: &GateVerdict) -> Markup {
    html! {
        tr title=(verdict.measure) {
            td { code { (verdict.bound) } }
            td { @if let Some(column) = &verdict.column { code { (column) } } }
            td.n { (verdict.limit_text()) }
            td.n { (verdict.value_text()) }
            td { @if verdict.passed { "passed" } @else { span.bad { "failed" } } }
        }
    }
}

/// Decisions of the inference that a user may want to change.
fn notes(quality: &Quality) -> Markup {
    html! {
        @if !quality.notes.is_empty() {
            h2 { "Notes" }
            ul { @for note in quality.notes.iter().take(MOST_ATTRIBUTES) { li { (note) } } }
        }
    }
}

fn drift(quality: &Quality) -> Markup {
    html! {
        h2 { "Drift" }
        p { (quality.comparison) "." }
        @if let Some(drift) = &quality.drift {
            p { (drift.items.before) " items before, " (drift.items.now) " now." }
            @for (paths, what) in [(&drift.new, "New: "), (&drift.vanished, "Vanished: ")] {
                @if !paths.is_empty() {
                    p { (what) @for path in paths.iter().take(MOST_ATTRIBUTES) { code { (path) } " " } }
                }
            }
            (drift_table(drift))
        }
    }
}

fn drift_table(drift: &Drift) -> Markup {
    let mut moved: Vec<_> = drift.attributes.iter().collect();
    moved.sort_by(|left, right| {
        let psi = |drift: &AttributeDrift| drift.psi.unwrap_or(-1.0);
        psi(right.1)
            .total_cmp(&psi(left.1))
            .then(left.0.cmp(right.0))
    });
    html! {
        table {
            tr {
                th { "Attribute" } th { "PSI" } th { "Missing" } th { "Mean" }
                th { "New values" } th { "Vanished values" } th { "Types" }
            }
            @for (path, drift) in moved.into_iter().take(MOST_ATTRIBUTES) {
                tr {
                    td { code { (path) } }
                    td.n {
                        @if let Some(psi) = drift.psi {
                            span.bad[psi > DRIFTED] { (format!("{psi:.3}")) }
                        }
                    }
                    td.n { (percent(drift.missing.before)) " → " (percent(drift.missing.now)) }
                    td.n {
                        @if let Some(mean) = drift.mean { (short(mean.before)) " → " (short(mean.now)) }
                    }
                    td.n { @if let Some(share) = drift.new_values { (percent(share)) } }
                    td.n { @if let Some(share) = drift.vanished_values { (percent(share)) } }
                    td {
                        @if let Some(types) = &drift.types {
                            span.bad { (types.before.join("+")) " → " (types.now.join("+")) }
                        }
                    }
                }
            }
        }
    }
}

fn attributes(statistics: &Statistics, quality: &Quality) -> Markup {
    let role = |path: &str| match path {
        _ if quality.label.as_deref() == Some(path) => 0,
        _ if quality.columns.iter().any(|column| column == path) => 1,
        _ => 2,
    };
    let mut all: Vec<_> = statistics.attributes.iter().collect();
    all.sort_by_key(|(path, _)| role(path));
    let rest = all.len().saturating_sub(MOST_ATTRIBUTES);
    html! {
        h2 { "Attributes" }
        table {
            tr {
                th { "Attribute" } th { "Types" } th { "Missing" } th { "Distinct" } th { "Range" }
                th { "Distribution" }
            }
            @for (path, attribute) in all.into_iter().take(MOST_ATTRIBUTES) {
                tr {
                    td {
                        code { (path) } " "
                        small { (["label", "column", ""][role(path)]) }
                    }
                    td { (types(attribute)) }
                    td.n { (percent(attribute.missing)) }
                    td.n {
                        @if let Some(distinct) = attribute.distinct {
                            @if !distinct.exact { "≈ " } (distinct.count)
                        }
                    }
                    td { (range(attribute)) }
                    td { (distribution(attribute)) }
                }
            }
        }
        @if rest > 0 { p { (rest) " more attributes are in profile.json." } }
    }
}

fn types(attribute: &AttributeStatistics) -> Markup {
    let kinds = Kind::ALL
        .into_iter()
        .filter(|kind| attribute.types.of(*kind) > 0);
    html! {
        @for kind in kinds { (kind.as_str()) " " small { (attribute.types.of(kind)) } " " }
    }
}

fn range(attribute: &AttributeStatistics) -> Markup {
    html! {
        @if let Some(numbers) = &attribute.numbers {
            (short(numbers.minimum)) " to " (short(numbers.maximum))
            @if !numbers.histogram.is_empty() { " " small { "mean " (short(numbers.mean)) } }
        }
        @if let Some(texts) = &attribute.texts {
            " " small { "texts up to " (texts.max_length) " characters" }
        }
    }
}

/// A histogram for numbers of many values, otherwise the most frequent values.
fn distribution(attribute: &AttributeStatistics) -> Markup {
    let bars = attribute.numbers.as_ref().map(|numbers| &numbers.histogram);
    if let Some(bars) = bars.filter(|_| attribute.seen > MOST_VALUES as u64 * 2) {
        return histogram(bars);
    }
    html! {
        @for known in attribute.frequent.iter().take(MOST_VALUES) {
            div.v {
                i style=(format!("width:{:.1}em", known.share * 8.0)) { }
                span { code { (known.value) } " " small { (percent(known.share)) } }
            }
        }
    }
}

fn histogram(bars: &[f64]) -> Markup {
    const HEIGHT: f64 = 28.0;
    let highest = bars.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    html! {
        svg width=(bars.len() * 10) height=(HEIGHT) role="img" {
            @for (at, bar) in bars.iter().enumerate() {
                @let height = bar / highest * HEIGHT;
                rect x=(at * 10) width="9" y=(format!("{:.1}", HEIGHT - height)) height=(format!("{height:.1}")) { }
            }
        }
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A number in few digits.
fn short(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 || (1e-3..1e7).contains(&size) {
        let text = format!("{number:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{number:.3e}")
    }
}
