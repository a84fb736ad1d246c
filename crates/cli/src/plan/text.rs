//! A planned run, as a person reads it.

use super::{Document, EndpointRow, LastRun, LimitRow, LogsRow, StorageRow, steps};
use crate::progress::count;
use crate::text::Table;
use serde_json::Value;
use std::fmt::Write as _;

/// Dollars, with as many digits as say something.
pub(super) fn dollars(dollars: f64) -> String {
    if dollars > 0.0 && dollars < 0.000_1 {
        "below $0.0001".to_owned()
    } else if dollars == 0.0 || dollars >= 0.1 {
        format!("${dollars:.2}")
    } else {
        format!("${dollars:.4}")
    }
}

fn minutes(minutes: f64) -> String {
    if minutes < 1.0 {
        format!("{:.0} s", (minutes * 60.0).ceil())
    } else if minutes < 10.0 {
        format!("{minutes:.1} min")
    } else {
        format!("{minutes:.0} min")
    }
}

impl Document {
    /// What a person reads.
    pub fn text(&self) -> String {
        let mut text = format!(
            "pipeline {}: table {}, {} items, {}, by {}\n  {}\n",
            self.pipeline,
            self.table,
            count(self.items),
            steps::size(self.bytes),
            self.route,
            self.reason
        );
        if let Some(minutes) = self.waits_minutes {
            let conditions = self.waits_for.join(", and ");
            // Writing to memory cannot fail.
            let _ = writeln!(text, "waits until {conditions}; {minutes} min at most");
        }
        let mut table = Table::new(&["STEP", "TAKES", "COSTS", "BY"]);
        let cells = |minutes_: Option<f64>, dollars_: Option<f64>, at_most: bool| {
            let most = if at_most { "at most " } else { "" };
            let say = |text: Option<String>| {
                text.map_or("not known".to_owned(), |text| format!("{most}{text}"))
            };
            [say(minutes_.map(minutes)), say(dollars_.map(dollars))]
        };
        for step in &self.steps {
            let [takes, costs] = cells(step.minutes, step.dollars, step.at_most);
            table.row([step.step.clone(), takes, costs, step.basis.clone()]);
        }
        let at_most = self.steps.iter().any(|step| step.at_most);
        let [takes, costs] = cells(self.minutes, self.dollars, at_most);
        table.row(["a run".to_owned(), takes, costs, String::new()]);
        // Writing to memory cannot fail.
        let _ = write!(text, "{table}");
        if let Some(endpoint) = &self.endpoint {
            let _ = writeln!(text, "endpoint: {}", endpoint.text());
        }
        let _ = writeln!(text, "storage: {}", self.storage.text());
        if let Some(images) = &self.images {
            let _ = write!(text, "{}", images.text());
        }
        let _ = writeln!(text, "logs: {}", self.logs.text());
        let _ = writeln!(text, "prices: {}", self.prices);
        let mut table = Table::new(&["LIMIT OF", "BY", "LIMIT", "PLANNED"]);
        for row in &self.limits {
            table.row(row.cells());
        }
        let _ = write!(text, "{table}");
        for assumed in &self.assumed {
            let _ = writeln!(text, "assumed: {assumed}");
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "warning: {warning}");
        }
        if let Some(last) = &self.last_run {
            text.push_str(&last.text());
        }
        text
    }
}

impl EndpointRow {
    fn text(&self) -> String {
        let month = match self.dollars_per_month {
            Some(month) => format!("{} a month", dollars(month)),
            None => "a month's price is not known here".to_owned(),
        };
        let requests = self.dollars_per_million_requests.map(|price| {
            let price = dollars(price);
            format!(", {price} for a million requests of 0.1 s")
        });
        format!("{}, {month}{}", self.compute, requests.unwrap_or_default())
    }
}

impl StorageRow {
    fn text(&self) -> String {
        let kept = match self.kept_days {
            Some(days) => format!("exports are kept for {days} days"),
            None => "exports are kept for ever".to_owned(),
        };
        match (self.bytes, self.dollars_per_month) {
            (Some(bytes), Some(month)) => {
                let (bytes, month) = (bytes_of(bytes), dollars(month));
                format!("{bytes} a run, {month} a month for each run; {kept}")
            }
            _ => format!("not known; {kept}"),
        }
    }
}

impl LogsRow {
    fn text(&self) -> String {
        format!(
            "{} of about {:.0} calls, {} a run; kept for {} days",
            bytes_of(self.bytes),
            self.calls,
            dollars(self.dollars),
            self.kept_days
        )
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of bytes are positive, and shown rounded"
)]
fn bytes_of(bytes: f64) -> String {
    steps::size(bytes as u64)
}

/// A number in its unit.
fn amount(value: f64, unit: &str) -> String {
    match unit {
        "dollars" => dollars(value),
        "minutes" => minutes(value),
        "bytes" => bytes_of(value),
        _ => {
            let number = grouped(value);
            let unit = if number == "1" {
                unit.trim_end_matches('s')
            } else {
                unit
            };
            format!("{number} {unit}")
        }
    }
}

fn grouped(value: f64) -> String {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts are positive and whole"
    )]
    count(value.round() as u64)
}

impl LimitRow {
    fn cells(&self) -> [String; 4] {
        let bound = if self.at_least { "at least" } else { "at most" };
        let planned = self.planned.map(|planned| amount(planned, &self.unit));
        let planned = planned.unwrap_or_else(|| "not known".to_owned());
        let mark = if self.exceeded { ", beyond it" } else { "" };
        [
            self.step.clone(),
            self.field.clone(),
            format!("{bound} {}", amount(self.limit, &self.unit)),
            format!("{planned}{mark}"),
        ]
    }
}

impl LastRun {
    fn text(&self) -> String {
        if self.changes.is_empty() {
            return format!("the definition is that of the last run, {}\n", self.run);
        }
        let mut text = format!("differs from the last run, {}:\n", self.run);
        for change in &self.changes {
            let mut line = |mark: char, value: &Option<Value>| {
                if let Some(value) = value {
                    // Writing to memory cannot fail.
                    let _ = writeln!(text, "  {mark} {}: {value}", change.path);
                }
            };
            line('-', &change.was);
            line('+', &change.is);
        }
        text
    }
}
