//! The report for people: as Markdown, and as text for a terminal.

use crate::report::{Line, Outcome, Part, PipelineReport, Report};
use crate::text::short;
use std::fmt::Write as _;

/// The longest value of a line.
const VALUE: usize = 60;

/// The report as a Markdown page.
pub(crate) fn page(report: &Report) -> String {
    let mut page = "# Conversion from AWS Data Pipeline\n".to_owned();
    for pipeline in &report.pipelines {
        let title = match &pipeline.name {
            Some(name) => format!("{}, {name}", pipeline.file),
            None => pipeline.file.clone(),
        };
        // Writing to memory cannot fail.
        let _ = write!(page, "\n## {}\n\n", escaped(&title));
        if pipeline.exports.is_empty() {
            page.push_str(
                "No activity of this pipeline exports a table in a way that Millrace does.\n",
            );
        } else {
            page.push_str("| Pipeline | Table | Definition | Runs |\n|---|---|---|---|\n");
            for export in &pipeline.exports {
                let _ = writeln!(
                    page,
                    "| `{}` | {} | `{}` | {} |",
                    export.pipeline,
                    escaped(&export.table),
                    export.definition,
                    escaped(&export.runs)
                );
            }
        }
        if !pipeline.notes.is_empty() {
            page.push('\n');
        }
        for note in &pipeline.notes {
            let _ = writeln!(page, "- {}", escaped(note));
        }
        page.push_str("\n| Outcome | Field | Value | Now | Why |\n|---|---|---|---|---|\n");
        for line in &pipeline.fields {
            let to = line.to.join(", ");
            let cells = [
                line.outcome.words(),
                &place(line),
                &short(&line.value, VALUE),
                &to,
                &line.why,
            ];
            let cells: Vec<_> = cells.iter().map(|cell| escaped(cell)).collect();
            let _ = writeln!(page, "| {} |", cells.join(" | "));
        }
    }
    let _ = write!(page, "\n## In numbers\n\n{}\n", counts(report));
    if !report.next.is_empty() {
        page.push_str("\n## Next\n\n```sh\n");
        for command in &report.next {
            let _ = writeln!(page, "{command}");
        }
        page.push_str("```\n");
    }
    page
}

/// Text of a pipeline as plain text in Markdown.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '!' | '#' | '~' | '$' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

fn place(line: &Line) -> String {
    match (&line.part, &line.object) {
        (Part::Pipeline, _) => format!("pipeline {}", line.field),
        (Part::Value, _) => format!("value {}", line.field),
        (Part::Parameter, Some(id)) => format!("parameter {id}.{}", line.field),
        (_, object) => {
            let id = object.as_deref().unwrap_or_default();
            match &line.kind {
                Some(kind) => format!("{kind} {id}.{}", line.field),
                None => format!("{id}.{}", line.field),
            }
        }
    }
}

fn counts(report: &Report) -> String {
    let all = Outcome::ALL.into_iter().filter_map(|outcome| {
        let count = report.counts.of(outcome);
        (count > 0).then(|| format!("{} {count}", outcome.words()))
    });
    all.collect::<Vec<_>>().join(" · ")
}

impl Report {
    /// The report as text: what was made, the numbers, every field that is not simply taken or
    /// derived, and the commands that are left. Fields with the same answer share a line.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for pipeline in &self.pipelines {
            head(&mut text, pipeline);
        }
        let _ = writeln!(text, "  {}", counts(self));
        for pipeline in &self.pipelines {
            for outcome in [
                Outcome::Approximated,
                Outcome::NoCounterpart,
                Outcome::Unknown,
            ] {
                grouped(&mut text, pipeline, outcome);
            }
            for note in &pipeline.notes {
                let _ = writeln!(text, "  note  {note}");
            }
        }
        if !self.next.is_empty() {
            text.push_str("Next:\n");
            for command in &self.next {
                let _ = writeln!(text, "  {command}");
            }
        }
        text
    }
}

fn head(text: &mut String, pipeline: &PipelineReport) {
    let (objects, fields) = (pipeline.objects, pipeline.fields.len());
    let tables = pipeline.exports.len();
    let s = |count: usize| if count == 1 { "" } else { "s" };
    let name = pipeline
        .name
        .as_ref()
        .map(|name| format!(" {name}"))
        .unwrap_or_default();
    let _ = writeln!(
        text,
        "{}{name}: {objects} object{}, {fields} field{}, {tables} export{}",
        pipeline.file,
        s(objects),
        s(fields),
        s(tables)
    );
    for export in &pipeline.exports {
        let _ = writeln!(
            text,
            "  {}  {}  {}, {}",
            export.pipeline, export.table, export.definition, export.runs
        );
    }
}

/// The lines of an outcome, those of one reason together.
fn grouped(text: &mut String, pipeline: &PipelineReport, outcome: Outcome) {
    let mut reasons: Vec<(&str, Vec<&Line>)> = Vec::new();
    for line in pipeline
        .fields
        .iter()
        .filter(|line| line.outcome == outcome)
    {
        match reasons.iter_mut().find(|(why, _)| *why == line.why) {
            Some((_, lines)) => lines.push(line),
            None => reasons.push((&line.why, vec![line])),
        }
    }
    for (why, lines) in reasons {
        let first = lines[0];
        let more = match lines.len() - 1 {
            0 => String::new(),
            1 => " and one more field".to_owned(),
            count => format!(" and {count} more fields"),
        };
        let (sign, value) = (outcome.sign(), short(&first.value, VALUE));
        let _ = writeln!(text, "  {sign} {}  {value}{more}", place(first));
        let _ = writeln!(text, "      {why}");
    }
}
