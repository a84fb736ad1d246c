//! A planned run, as a person reads it.

use super::{Document, EndpointRow, LastRun, LimitRow, steps};
use crate::progress::count;
use crate::text::Table;
use serde_json::Value;
use std::fmt::Write as _;

/// Dollars, with as many digits as say something.
fn dollars(dollars: f64) -> String {
    if dollars == 0.0 || dollars >= 0.1 {
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
        let _ = writeln!(text, "prices: {}", self.prices);
        for LimitRow {
            field,
            limit,
            planned,
        } in &self.limits
        {
            let planned = planned.map_or("not known".to_owned(), |it| format!("{it}"));
            let _ = writeln!(text, "{field}: {limit}; the export: {planned}");
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
