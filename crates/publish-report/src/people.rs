//! The Markdown report: the same facts, derived from the report alone.

use crate::newest::exported_to;
use crate::{DataReport, DatabaseReport, Report};
use contract::states::{Outcome, RowCounts, Verdict};
use lake::RunKeys;
use lake::records::{DeploymentRecord, TrainingRecord, VerdictRecord};
use std::fmt::Write;

/// The report as Markdown.
pub fn for_people(report: &Report) -> String {
    let mut text = String::new();
    write_all(&mut text, report).expect("writing to a String does not fail");
    text
}

fn write_all(text: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(text, "# {}: run {}\n", report.pipeline, report.run)?;
    writeln!(text, "**{}**\n", headline(report))?;
    writeln!(
        text,
        "{} to {} ({}).\nExecution: `{}`\n",
        report.started,
        report.finished,
        duration(report.seconds),
        report.execution
    )?;
    for warning in &report.warnings {
        writeln!(text, "Warning: {warning}\n")?;
    }
    export(text, report)?;
    if let Some(rows) = &report.rows {
        dataset(text, report, rows)?;
    }
    if let Some(found) = &report.data {
        data(text, found)?;
    }
    if let Some(training) = &report.training {
        model(text, training)?;
    }
    if let Some(found) = &report.verdict {
        verdict(text, found)?;
        serving(text, report)?;
    }
    Ok(())
}

pub fn headline(report: &Report) -> String {
    let prefix =
        |channel: &str| format!("processed/{}/run={}/{channel}", report.pipeline, report.run);
    match (report.outcome, &report.training) {
        (Outcome::Exported, _) => {
            let keys = RunKeys::new(&report.pipeline, &report.run);
            let folder = exported_to(&keys, report);
            format!(
                "{} items are exported, below `{folder}`.",
                report.export.items
            )
        }
        (Outcome::NothingNew, _) if report.export.route.merges() => format!(
            "Too little is new to train: {}. The definition is that of the last run that ended well.",
            report.export.reason
        ),
        (Outcome::NothingNew, _) => format!(
            "Nothing is new: the {} items are those of the last run that ended well, and so is the definition.",
            report.export.items
        ),
        (Outcome::DatasetSealed, _) => {
            format!("The training files are made, below `{}`.", prefix(""))
        }
        (Outcome::Trained, Some(training)) => format!(
            "The model is trained, and nothing is deployed: it is `{}`.",
            training.artifact
        ),
        _ => judged(report),
    }
}

/// What became of a model that was judged.
fn judged(report: &Report) -> String {
    let endpoint = report.endpoint.as_deref();
    match (report.outcome, endpoint, &report.predictions) {
        (Outcome::Deployed, Some(endpoint), _) => {
            format!("The model of this run serves at the endpoint {endpoint}.")
        }
        (Outcome::Deployed, None, Some(predictions)) => {
            format!("The model of this run has scored: its predictions are below {predictions}/.")
        }
        (_, Some(endpoint), _) => {
            format!("The model of this run is not better: the champion still serves at {endpoint}.")
        }
        (_, None, Some(predictions)) => format!(
            "The model of this run is not better, and scored nothing: the champion's predictions are below \
             {predictions}/."
        ),
        (_, None, None) => {
            "The model of this run may not serve, and none served before.".to_owned()
        }
    }
}

fn export(text: &mut String, report: &Report) -> std::fmt::Result {
    let export = &report.export;
    writeln!(text, "## Export\n\n| | |\n|---|---|")?;
    writeln!(text, "| Table | {} |", cell(&export.table))?;
    writeln!(
        text,
        "| Items | {} (estimated {}) |",
        export.items, export.estimated_items
    )?;
    if !export.reason.is_empty() {
        let why = cell(&export.reason);
        writeln!(text, "| Route | {}: {why} |", export.route)?;
    }
    writeln!(text, "| Segments | {} |", export.segments)?;
    writeln!(text, "| Raw bytes | {} |", export.raw_bytes)?;
    match &export.database {
        Some(found) => database(text, found)?,
        // A relational database counts none.
        None => writeln!(
            text,
            "| Read units | {:.1} (estimated {}) |",
            export.read_units, export.estimated_read_units
        )?,
    }
    if let Some(sample) = &export.sample {
        writeln!(
            text,
            "| Sample before the export | {} items, {:.1} read units |",
            sample.items, sample.read_units
        )?;
    }
    if let Some(decision) = &export.read_decision {
        writeln!(text, "| Read budget | {} |", cell(decision))?;
    }
    if let Some(rate) = export.read_rate.filter(|_| export.database.is_none()) {
        writeln!(text, "| Read rate | {rate:.1} RCU/s |")?;
    }
    writeln!(text, "| Throttled attempts | {} |", export.throttles)?;
    if let Some(cost) = &export.estimated_cost {
        writeln!(
            text,
            "| Estimated cost | {:.4} dollars: reads {:.4}, Lambda {:.4}, requests {:.4} |",
            cost.total, cost.reads, cost.lambda, cost.requests
        )?;
    }
    writeln!(text)
}

fn database(text: &mut String, found: &DatabaseReport) -> std::fmt::Result {
    writeln!(text, "| Consistency | {} |", cell(&found.consistency))?;
    if let Some(all) = &found.snapshots {
        let compared = if all.compared.is_empty() {
            "nothing was compared".to_owned()
        } else {
            format!("compared: {}", cell(&all.compared.join(", ")))
        };
        let when = if all.first == all.last {
            format!("of {}", all.first)
        } else {
            format!("{} to {}", all.first, all.last)
        };
        writeln!(
            text,
            "| Snapshots | {}, {when}; {} rows; {compared} |",
            all.count, all.rows
        )?;
    }
    let bad_texts = found.snapshots.as_ref().map_or(0, |all| all.bad_texts);
    if bad_texts > 0 {
        writeln!(
            text,
            "| Bad text | {bad_texts} values have U+FFFD in place of half a surrogate pair |"
        )?;
    }
    if let Some(base) = &found.base {
        writeln!(
            text,
            "| Rows that did not change | {}, from run {base} |",
            found.unchanged
        )?;
    }
    writeln!(text, "| Certificates | {} |", cell(&found.authorities))
}

fn dataset(text: &mut String, report: &Report, rows: &RowCounts) -> std::fmt::Result {
    writeln!(text, "## Dataset\n")?;
    writeln!(
        text,
        "| Items | Rows to train | Rows to validate | Rejected |"
    )?;
    writeln!(text, "|---:|---:|---:|---:|")?;
    writeln!(
        text,
        "| {} | {} | {} | {} |\n",
        report.export.items, rows.train, rows.validation, rows.rejected
    )?;
    if let Some(label) = &report.label {
        writeln!(text, "Label: {}\n", cell(label))?;
    }
    if !report.columns.is_empty() {
        writeln!(text, "| Column | Encoding | Vocabulary |\n|---|---|---:|")?;
        for column in &report.columns {
            let size = column.vocabulary.map(|size| size.to_string());
            writeln!(
                text,
                "| {} | {} | {} |",
                cell(&column.path),
                cell(&column.encoding),
                size.unwrap_or_default()
            )?;
        }
        writeln!(text)?;
    }
    if !report.left_out.is_empty() {
        writeln!(text, "| Left out | Why |\n|---|---|")?;
        for entry in &report.left_out {
            writeln!(text, "| {} | {} |", cell(&entry.path), cell(&entry.reason))?;
        }
        writeln!(text)?;
    }
    Ok(())
}

fn data(text: &mut String, found: &DataReport) -> std::fmt::Result {
    writeln!(
        text,
        "## Data\n\n| Bound | Column | Limit | Value | |\n|---|---|---:|---:|---|"
    )?;
    for verdict in &found.gate {
        writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            cell(&verdict.bound),
            cell(verdict.column.as_deref().unwrap_or_default()),
            verdict.limit_text(),
            verdict.value_text(),
            if verdict.passed { "passed" } else { "failed" }
        )?;
    }
    writeln!(text, "\nDrift: {}.\n", found.comparison)?;
    for change in &found.changes {
        writeln!(text, "- {}", cell(change))?;
    }
    writeln!(text, "\nAttributes and histograms: `{}`\n", found.page_key)
}

fn model(text: &mut String, training: &TrainingRecord) -> std::fmt::Result {
    writeln!(text, "## Model\n")?;
    write!(
        text,
        "Trained by `{}` with `{}`",
        training.job, training.image
    )?;
    if let Some(seconds) = training.billable_seconds {
        write!(text, ", {} billed", duration(seconds))?;
    }
    writeln!(text, ".\nArtifact: `{}`\n", training.artifact)?;
    if let Some(tuning) = &training.tuning {
        let found = tuning.hyperparameters.iter();
        let found: Vec<String> = found
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        writeln!(
            text,
            "Found best by `{}`, a search by {} in which {} jobs completed, {} failed and {} were \
             stopped, with {}.\n",
            tuning.job,
            tuning.metric,
            tuning.completed,
            tuning.failed,
            tuning.stopped,
            found.join(", ")
        )?;
    }
    writeln!(text, "| Metric | Value |\n|---|---:|")?;
    for (name, value) in &training.metrics {
        writeln!(text, "| {} | {value} |", cell(name))?;
    }
    writeln!(text)
}

fn verdict(text: &mut String, found: &VerdictRecord) -> std::fmt::Result {
    let verdict = match found.verdict {
        Verdict::Promote => "Promoted",
        Verdict::Keep => "Not promoted",
    };
    writeln!(text, "{verdict}: {}.\n", found.reason)?;
    if let Some(figures) = &found.reevaluation {
        let own = found.champion;
        writeln!(
            text,
            "| {} | This model | The champion |\n|---|---:|---:|\n| on the same {} rows | {} | {} |\n\
             | on its own validation data | {} | {} |\n",
            cell(&found.metric),
            figures.rows.rows,
            figures.value,
            figures.champion,
            found.value,
            own.map_or_else(|| "–".to_owned(), |own| own.to_string()),
        )?;
    }
    Ok(())
}

fn serving(text: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(text, "## Endpoint\n")?;
    match (&report.deployment, &report.endpoint, &report.serving_run) {
        (
            Some(DeploymentRecord {
                transform: Some(transform),
                ..
            }),
            ..,
        ) => {
            let rows = transform.rows.map(|rows| format!("{rows} rows of "));
            writeln!(
                text,
                "None: the transform job `{}` scored {}`{}`. The predictions are below `{}/`, a line for each row, in \
                 a file `….out` for each file.",
                transform.job,
                rows.unwrap_or_default(),
                transform.input,
                transform.output
            )
        }
        (Some(deployment), ..) => {
            let name = |name: &Option<String>| name.clone().unwrap_or_default();
            writeln!(
                text,
                "`{}` is in service on the configuration `{}` and answered {} rows of the dataset.",
                name(&deployment.endpoint),
                name(&deployment.endpoint_config),
                deployment.smoke_rows
            )?;
            if !deployment.alarms_left_out.is_empty() {
                writeln!(
                    text,
                    "In ALARM before the update, so that they could not roll it back: `{}`.",
                    deployment.alarms_left_out.join("`, `")
                )?;
            }
            match &deployment.previous_endpoint_config {
                Some(previous) => writeln!(text, "To go back: UpdateEndpoint to `{previous}`."),
                None => writeln!(text, "It is the endpoint's first configuration."),
            }
        }
        (None, Some(endpoint), Some(run)) => {
            writeln!(text, "`{endpoint}` serves the model of run {run}.")
        }
        _ => writeln!(text, "None."),
    }
}

/// Text that stays within a table's cell.
fn cell(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace('\\', "\\\\").replace('|', "\\|")
}

fn duration(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest} s"),
        (0, _) => format!("{minutes} min {rest} s"),
        _ => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::{cell, duration};

    #[test]
    fn durations_are_said_as_people_say_them() {
        assert_eq!(
            [0, 59, 60, 3599, 3600, 90_061].map(duration),
            [
                "0 s",
                "59 s",
                "1 min 0 s",
                "59 min 59 s",
                "1 h 0 min",
                "25 h 1 min"
            ]
        );
    }

    #[test]
    fn names_from_the_table_do_not_break_the_report() {
        assert_eq!(cell("a|b\nc \\ d"), "a\\|b c \\\\ d");
    }
}
