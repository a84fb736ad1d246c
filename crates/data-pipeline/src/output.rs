//! The files of a conversion, and the commands that are left.

use crate::ConvertError;
use crate::convert::Options;
use crate::export::{Export, definition_file, schedule_file};
use crate::markdown;
use crate::pipeline::Pipeline;
use crate::report::Report;
use crate::secrets::Secrets;
use crate::text::attribute_path;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// Its path below the folder of the output.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// What a conversion makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    /// The files, the report's among them.
    pub files: Vec<OutputFile>,
    /// The report.
    pub report: Report,
}

pub(crate) fn write(
    pipelines: &[Pipeline],
    exports: &[&Export],
    options: &Options,
    mut report: Report,
    secrets: &Secrets,
) -> Result<Conversion, ConvertError> {
    let mut files = Vec::new();
    for export in exports {
        files.push(OutputFile {
            path: definition_file(&export.name),
            text: definition(export, options.label.as_deref())?,
        });
    }
    for export in exports {
        if let Some(expression) = &export.timing.expression {
            files.push(OutputFile {
                path: schedule_file(&export.name),
                text: pretty(&json!(schedule_parameters(export, expression, options))),
            });
        }
    }
    let parameters = stack_parameters(exports);
    let is_wide = |text: &&String| text.starts_with("TableName=") && text.contains('*');
    if let (Some(name), Some(first)) = (
        parameters.iter().find(is_wide),
        report.pipelines.first_mut(),
    ) {
        first.notes.push(format!(
            "{name} lets the functions read every table whose name matches: narrow it, or deploy a \
             stack for each table."
        ));
    }
    if !exports.is_empty() {
        files.push(OutputFile {
            path: "stack.json".to_owned(),
            text: pretty(&json!(parameters)),
        });
    }
    report.next = commands(pipelines, exports, options, &parameters)
        .iter()
        .map(|command| secrets.mask(&crate::text::visible(command)))
        .collect();
    files.push(OutputFile {
        path: "conversion.json".to_owned(),
        text: pretty(&json!(report)),
    });
    files.push(OutputFile {
        path: "conversion.md".to_owned(),
        text: markdown::page(&report),
    });
    Ok(Conversion { files, report })
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// The definition's text, which passes the checks of definitions.
fn definition(export: &Export, label: Option<&str>) -> Result<String, ConvertError> {
    let mut value = json!({ "pipeline": export.name, "source": export.source });
    if let Some(label) = label {
        let mut dataset = json!({ "label": label, "format": "csvWithHeader" });
        let columns: Vec<_> = export
            .columns
            .iter()
            .filter(|column| column.as_str() != label)
            .map(|column| json!({ "path": attribute_path(column) }))
            .collect();
        if !columns.is_empty() {
            dataset["columns"] = json!(columns);
        }
        value["dataset"] = dataset;
    }
    if !export.ready.is_empty() {
        value["ready"] = json!({ "when": export.ready });
        if let Some(minutes) = export.ready_minutes {
            value["ready"]["withinMinutes"] = json!(minutes);
        }
    }
    let notices = &export.notices;
    if let Some(minutes) = notices.late_minutes {
        value["late"] = json!({ "afterMinutes": minutes });
    }
    if notices.success {
        value["notify"]["on"] = json!(["success", "late", "stale", "approval"]);
    }
    for (kind, subject) in &notices.subjects {
        value["notify"]["subjects"][*kind] = json!(subject);
    }
    if let Some(minutes) = export.max_minutes {
        value["limits"] = json!({ "maxMinutes": minutes });
    }
    match definition::read(&value, |_, _| ()) {
        Ok(_) => Ok(pretty(&value)),
        Err(faults) => Err(ConvertError::Definition {
            place: crate::text::visible(&export.activity),
            faults,
        }),
    }
}

/// `Name=value` of a schedule's parameters.
fn schedule_parameters(export: &Export, expression: &str, options: &Options) -> Vec<String> {
    let timing = &export.timing;
    let mut all = vec![
        "MillraceStack=millrace".to_owned(),
        format!("Pipeline={}", export.name),
        format!("Schedule={expression}"),
        format!("ScheduleTimezone={}", options.clock.timezone),
        // At the time of the old schedule; the template's default is a window.
        "ScheduleWindowMinutes=0".to_owned(),
    ];
    for (name, time) in [
        ("ScheduleStart", &timing.start),
        ("ScheduleEnd", &timing.end),
    ] {
        all.extend(time.as_ref().map(|time| format!("{name}={time}")));
    }
    all.push(format!("MaxDaysWithoutRun={}", timing.days_without_run));
    // A first run by hand comes before the schedule.
    all.push("ScheduleState=DISABLED".to_owned());
    all
}

/// `Name=value` of the stack's parameters.
fn stack_parameters(exports: &[&Export]) -> Vec<String> {
    let tables: BTreeSet<_> = exports
        .iter()
        .filter(|export| export.secret.is_none())
        .map(|export| export.table.as_str())
        .collect();
    let mut all = Vec::new();
    all.extend(table_name(&tables).map(|name| format!("TableName={name}")));
    let join = |part: fn(&Export) -> &BTreeSet<String>| {
        let all: BTreeSet<_> = exports.iter().flat_map(|export| part(export)).collect();
        let all: Vec<_> = all.into_iter().map(String::as_str).collect();
        all.join(",")
    };
    for (name, value) in [
        ("SubnetIds", join(|export| &export.subnets)),
        ("SecurityGroupIds", join(|export| &export.security_groups)),
        ("ReadyBucketArns", join(|export| &export.ready_buckets)),
    ] {
        if !value.is_empty() {
            all.push(format!("{name}={value}"));
        }
    }
    all
}

/// A name that covers all tables, with `*` for what differs at their ends.
fn table_name(tables: &BTreeSet<&str>) -> Option<String> {
    let first = tables.first()?;
    if tables.len() == 1 {
        return Some((*first).to_owned());
    }
    let mut prefix = *first;
    while !tables.iter().all(|table| table.starts_with(prefix)) {
        let mut letters = prefix.chars();
        letters.next_back();
        prefix = letters.as_str();
    }
    // The parameter takes names of three characters and more.
    Some(format!(
        "{prefix}{}",
        "*".repeat(3_usize.saturating_sub(prefix.len()).max(1))
    ))
}

fn commands(
    pipelines: &[Pipeline],
    exports: &[&Export],
    options: &Options,
    parameters: &[String],
) -> Vec<String> {
    let mut all = Vec::new();
    if exports.is_empty() {
        return all;
    }
    let path = |file: String| {
        let folder = options.folder.trim_end_matches('/');
        quoted(&match folder {
            "" | "." => file,
            folder => format!("{folder}/{file}"),
        })
    };
    let secrets: BTreeSet<_> = exports
        .iter()
        .filter_map(|export| export.secret.as_deref())
        .collect();
    for secret in secrets {
        all.push(format!(
            "aws secretsmanager create-secret --name {} --secret-string file:///dev/stdin",
            quoted(secret)
        ));
    }
    let mut deploy = vec!["sam deploy".to_owned()];
    let regions: BTreeSet<_> = exports
        .iter()
        .filter_map(|export| export.region.as_ref())
        .collect();
    // Of several regions, each has a stack of its own.
    if let (1, Some(region)) = (regions.len(), regions.first()) {
        deploy.extend(["--region".to_owned(), quoted(region)]);
    }
    let tags: Vec<_> = pipelines.iter().flat_map(tags).collect();
    if !tags.is_empty() {
        deploy.push("--tags".to_owned());
        deploy.extend(tags.iter().map(|tag| quoted(tag)));
    }
    deploy.push("--parameter-overrides".to_owned());
    deploy.extend(parameters.iter().map(|parameter| quoted(parameter)));
    if exports.iter().any(|export| export.secret.is_some()) {
        deploy.push("SourceSecretArn=ARN_OF_THE_SECRET".to_owned());
    }
    all.push(deploy.join(" "));
    let files: Vec<_> = exports
        .iter()
        .map(|export| path(definition_file(&export.name)))
        .collect();
    all.push(format!("millrace validate {}", files.join(" ")));
    all.push(format!("millrace push {}", files.join(" ")));
    for export in exports {
        all.push(format!("millrace start --pipeline {} --watch", export.name));
    }
    for export in exports
        .iter()
        .filter(|export| export.timing.expression.is_some())
    {
        all.push(format!(
            "aws cloudformation deploy --template-file infra/schedule.yaml --stack-name \
             millrace-{} --parameter-overrides file://{}",
            export.name,
            path(schedule_file(&export.name)),
        ));
    }
    all
}

fn tags(pipeline: &Pipeline) -> Vec<String> {
    let is_tags = |key: &str| matches!(key, "PipelineTags" | "pipelineTags" | "tags");
    let tags = pipeline
        .properties
        .iter()
        .filter(|field| is_tags(&field.key));
    tags.flat_map(|field| field.texts().map(str::to_owned))
        .collect()
}

/// A word of a command.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_covers_all_tables() {
        for (tables, name) in [
            (&["films"][..], "films"),
            (&["films-a", "films-b"], "films-*"),
            (&["a", "ab"], "a**"),
            (&["keys", "users"], "***"),
        ] {
            let tables = tables.iter().copied().collect();
            assert_eq!(table_name(&tables).as_deref(), Some(name));
        }
    }

    #[test]
    fn words_of_commands_are_quoted() {
        for (word, text) in [
            ("a-b/c=d", "a-b/c=d"),
            ("a b", "'a b'"),
            ("a'; rm", "'a'\\''; rm'"),
            ("*", "'*'"),
        ] {
            assert_eq!(quoted(word), text);
        }
    }
}
