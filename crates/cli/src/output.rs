//! The documents that commands print with `--json`.

use crate::{
    approval, clean, definitions, deploy, doctor, logs, plan, predict, replay, report, restore,
    rollback,
};
use crate::{runs, upload, validate, verify};
use contract::states::PublishReportOutput;
use schemars::{Schema, schema_for};

/// Each command that prints JSON, with the schema of what it prints. `watch` prints nothing else.
pub fn all() -> Vec<(&'static str, Schema)> {
    vec![
        ("validate", schema_for!(validate::Validation)),
        ("convert", schema_for!(data_pipeline::Report)),
        ("push", schema_for!(definitions::AllPushed)),
        ("pull", schema_for!(definitions::AllPulled)),
        ("diff", schema_for!(definitions::Differences)),
        ("plan", schema_for!(plan::Document)),
        ("start", schema_for!(runs::Started)),
        ("watch", schema_for!(PublishReportOutput)),
        ("stop", schema_for!(runs::Changed)),
        ("redrive", schema_for!(runs::Changed)),
        ("runs", schema_for!(runs::List)),
        ("status", schema_for!(runs::Detail)),
        ("logs", schema_for!(logs::Lines)),
        ("replay", schema_for!(replay::Document)),
        ("report", schema_for!(report::Document)),
        ("verify", schema_for!(verify::Document)),
        ("restore", schema_for!(restore::Document)),
        ("approve", schema_for!(approval::Given)),
        ("reject", schema_for!(approval::Given)),
        ("predict", schema_for!(predict::Predictions)),
        ("rollback", schema_for!(rollback::Document)),
        ("clean", schema_for!(clean::Document)),
        ("upload", schema_for!(upload::Document)),
        ("deploy", schema_for!(deploy::Document)),
        ("doctor", schema_for!(doctor::Diagnosis)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Arguments;
    use clap::CommandFactory;

    /// Commands whose output is no document.
    const OTHERS: [(&str, &str); 7] = [
        ("demo", "a story for people"),
        ("init", "writes a definition"),
        ("local", "runs until Ctrl-C"),
        ("encode", "CSV"),
        ("schemas", "writes files"),
        ("completions", "a script of a shell"),
        ("man", "a page for man"),
    ];

    #[test]
    fn every_command_prints_a_documented_json_or_is_known_to_print_none() {
        let command = Arguments::command();
        let documented: Vec<_> = all().into_iter().map(|(command, _)| command).collect();
        for command in command.get_subcommands() {
            let name = command.get_name();
            let mut options = command.get_arguments();
            let takes_json = options.any(|option| option.get_long() == Some("json"));
            let is_documented = documented.contains(&name);
            let is_other = OTHERS.iter().any(|(other, _)| *other == name);
            assert!(
                is_documented != is_other,
                "{name}: give it --json with a schema in `all`, or say in OTHERS what it prints"
            );
            assert_eq!(takes_json, is_documented && name != "watch", "{name}");
        }
    }
}
