//! Plots as SVG and HTML whose colours are the page's, so that they follow light, dark and print.

use crate::document::{CurveDocument, Distribution, Histogram, PointDocument, ValueShare};
use crate::figures::{percent, short};
use maud::{Markup, html};
use std::fmt::Write;

/// The bars of this run, and the outline of the run before, on one scale. Areas are shares, so bars
/// of different width compare.
pub fn histogram(now: &Histogram, before: Option<&Histogram>) -> Markup {
    const WIDTH: f64 = 240.0;
    const HEIGHT: f64 = 60.0;
    let from = before.map_or(now.from, |before| before.from.min(now.from));
    let to = before.map_or(now.to, |before| before.to.max(now.to));
    // Halved, so that the widest range is a number too.
    let width = (to / 2.0 - from / 2.0).max(f64::MIN_POSITIVE);
    let place = |value: f64| (value / 2.0 - from / 2.0) / width * WIDTH;
    let bars = |it: &Histogram| -> Vec<(f64, f64, f64)> {
        let (left, right) = (place(it.from), place(it.to));
        // A single value is a bar of its own width.
        let step = ((right - left) / it.shares.len() as f64).max(1.0);
        let bars = it.shares.iter().enumerate();
        bars.map(|(at, share)| (left + at as f64 * step, step, share / step))
            .collect()
    };
    let (now_bars, before_bars) = (bars(now), before.map(bars).unwrap_or_default());
    let heights = now_bars.iter().chain(&before_bars).map(|bar| bar.2);
    let highest = heights.fold(f64::MIN_POSITIVE, f64::max);
    let y = |density: f64| HEIGHT - density / highest * HEIGHT;
    let mut outline = String::new();
    if let (Some(first), Some(last)) = (before_bars.first(), before_bars.last()) {
        outline = format!("{:.1},{HEIGHT} ", first.0);
        for (left, step, density) in &before_bars {
            let (left, right, y) = (left, left + step, y(*density));
            let _ = write!(outline, "{left:.1},{y:.1} {right:.1},{y:.1} ");
        }
        let _ = write!(outline, "{:.1},{HEIGHT}", last.0 + last.1);
    }
    html! {
        svg.hist viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="none" role="img"
            aria-label="distribution" {
            @for (left, step, density) in &now_bars {
                rect x=(format!("{left:.1}")) width=(format!("{:.1}", (step - 1.0).max(0.5)))
                    y=(format!("{:.1}", y(*density))) height=(format!("{:.1}", HEIGHT - y(*density))) {}
            }
            @if !outline.is_empty() { polyline points=(outline) {} }
        }
        div.ends { small { (short(from)) } small { (short(to)) } }
    }
}

/// The most frequent values, with a mark where each was before.
pub fn values(values: &[ValueShare]) -> Markup {
    let highest = values
        .iter()
        .map(|it| it.share.max(it.before.unwrap_or_default()));
    let highest = highest.fold(f64::MIN_POSITIVE, f64::max);
    let width = |share: f64| share / highest * 100.0;
    html! {
        @for it in values {
            div.value {
                code title=(it.value) { bdi { (it.value) } }
                div.i {
                    b style=(format!("width:{:.1}%", width(it.share))) {}
                    @if let Some(before) = it.before { u style=(format!("left:{:.1}%", width(before))) {} }
                }
                span.n { (percent(it.share)) }
            }
        }
    }
}

/// Whatever is known of a column's values.
pub fn distribution(distribution: &Distribution) -> Markup {
    match distribution {
        Distribution::None => html! {},
        Distribution::Histogram { now, before } => histogram(now, before.as_ref()),
        Distribution::Values(all) => values(all),
    }
}

/// The metric over the runs: a dot for each, full where its model was deployed, and a dashed line at
/// the threshold.
pub fn metric(points: &[PointDocument], threshold: Option<f64>) -> Markup {
    let values = points.iter().map(|point| point.value).chain(threshold);
    let (least, greatest) = values.fold((f64::MAX, f64::MIN), |(least, greatest), value| {
        (least.min(value), greatest.max(value))
    });
    let span = (greatest - least).max(f64::MIN_POSITIVE);
    // One value alone is in the middle.
    let y = |value: f64| {
        if greatest > least {
            92.0 - (value - least) / span * 84.0
        } else {
            50.0
        }
    };
    let newest = points.len().saturating_sub(1);
    let x = |at: usize| {
        if newest == 0 {
            50.0
        } else {
            2.0 + at as f64 / newest as f64 * 96.0
        }
    };
    let line: Vec<String> = points
        .iter()
        .enumerate()
        .map(|(at, point)| format!("{:.2},{:.2}", x(at), y(point.value)))
        .collect();
    html! {
        div.ends { small { (short(greatest)) } }
        div.chart {
            svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="the metric over the runs" {
                @if let Some(threshold) = threshold {
                    @let y = format!("{:.2}", y(threshold));
                    line x1="0" x2="100" y1=(y) y2=(y) {}
                }
                polyline points=(line.join(" ")) {}
            }
            @for (at, point) in points.iter().enumerate() {
                div.dot.full[point.deployed].last[at == newest]
                    style=(format!("left:{:.2}%;top:{:.2}%", x(at), y(point.value)))
                    title=(format!("{}: {}", point.run, short(point.value))) {}
            }
        }
        div.ends { small { (short(least)) } }
    }
}

/// Metrics over a training on one scale, a line each, with their first and last values below.
pub fn curves(curves: &[CurveDocument]) -> Markup {
    let values = curves.iter().flat_map(|curve| &curve.values);
    let (least, greatest) = values.fold((f64::MAX, f64::MIN), |(least, greatest), value| {
        (least.min(*value), greatest.max(*value))
    });
    // Halved, so that the widest range is a number too.
    let span = (greatest / 2.0 - least / 2.0).max(f64::MIN_POSITIVE);
    let y = |value: f64| 96.0 - (value / 2.0 - least / 2.0) / span * 92.0;
    let points = |values: &[f64]| {
        let newest = values.len().saturating_sub(1).max(1) as f64;
        let points = values.iter().enumerate();
        let points =
            points.map(|(at, value)| format!("{:.2},{:.2}", at as f64 / newest * 100.0, y(*value)));
        points.collect::<Vec<_>>().join(" ")
    };
    html! {
        div.ends { small { (short(greatest)) } }
        div.chart.curves {
            svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="metrics over the training" {
                @for (at, curve) in curves.iter().enumerate() {
                    polyline class=(format!("curve{at}")) points=(points(&curve.values)) {}
                }
            }
        }
        div.ends { small { (short(least)) } small { "from the first value in the job's log to the last" } }
        ul.legend {
            @for (at, curve) in curves.iter().enumerate() {
                li {
                    i class=(format!("curve{at}")) {}
                    code { bdi { (curve.metric) } } " "
                    @if let (Some(first), Some(last)) = (curve.values.first(), curve.values.last()) {
                        span.n { (short(*first)) " → " (short(*last)) }
                    }
                }
            }
        }
    }
}

/// A line without axes.
pub fn spark(values: &[f64]) -> Markup {
    let (least, greatest) = values
        .iter()
        .fold((f64::MAX, f64::MIN), |(least, greatest), value| {
            (least.min(*value), greatest.max(*value))
        });
    let newest = values.len().saturating_sub(1).max(1);
    let y = |value: f64| {
        if greatest > least {
            18.0 - (value - least) / (greatest - least) * 16.0
        } else {
            10.0
        }
    };
    let points = values.iter().enumerate();
    let points = points
        .map(|(at, value)| format!("{:.1},{:.1}", at as f64 / newest as f64 * 100.0, y(*value)));
    let points: Vec<String> = points.collect();
    html! {
        svg.spark viewBox="0 0 100 20" preserveAspectRatio="none" role="img" aria-label="over the runs" {
            polyline points=(points.join(" ")) {}
        }
    }
}
