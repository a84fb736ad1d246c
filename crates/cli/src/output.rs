//! The documents that commands print with `--json`.

use crate::{clean, definitions, doctor, logs, predict, report, runs, validate, verify};
use schemars::{Schema, schema_for};

/// Each command that takes `--json`, with the schema of what it prints.
pub fn all() -> Vec<(&'static str, Schema)> {
    vec![
        ("validate", schema_for!(validate::Validation)),
        ("diff", schema_for!(definitions::Differences)),
        ("start", schema_for!(runs::Started)),
        ("runs", schema_for!(runs::List)),
        ("status", schema_for!(runs::Detail)),
        ("logs", schema_for!(logs::Lines)),
        ("report", schema_for!(report::Document)),
        ("verify", schema_for!(verify::Document)),
        ("clean", schema_for!(clean::Document)),
        ("predict", schema_for!(predict::Predictions)),
        ("doctor", schema_for!(doctor::Diagnosis)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Arguments;
    use clap::CommandFactory;
    use std::collections::BTreeSet;

    #[test]
    fn every_command_with_json_has_a_schema() {
        let command = Arguments::command();
        let takes_json = command.get_subcommands().filter(|command| {
            let mut options = command.get_arguments();
            options.any(|option| option.get_long() == Some("json"))
        });
        let names = takes_json.map(clap::Command::get_name);
        let commands: BTreeSet<_> = names.collect();
        let documented = all().into_iter().map(|(command, _)| command).collect();
        assert_eq!(commands, documented);
    }
}
