use super::*;
use clap::CommandFactory;

#[test]
fn the_command_line_is_valid() {
    Arguments::command().debug_assert();
}

#[test]
fn input_is_a_json_object() {
    assert!(json(r#"{"pipeline": "p"}"#).is_ok());
    assert!(json("[]").is_err() && json("{").is_err());
}

/// The lines of a command's help that are examples of it.
fn examples(command: &clap::Command) -> Vec<String> {
    let help = command.get_after_help().map(ToString::to_string);
    let help = help.unwrap_or_default();
    let lines = help.lines().skip_while(|line| !line.starts_with("Example"));
    let lines = lines.skip(1).take_while(|line| line.starts_with("  "));
    lines.map(|line| line.trim().to_owned()).collect()
}

#[test]
fn every_command_has_an_example_that_it_accepts() {
    let all = Arguments::command();
    assert!(all.get_subcommands().count() > 15);
    for command in all.get_subcommands() {
        let name = command.get_name();
        let examples = examples(command);
        assert!(!examples.is_empty(), "{name} --help has no example");
        for example in examples {
            let words = shlex::split(&example).unwrap();
            assert_eq!(words[..2], ["millrace", name], "{example}");
            let words = words.iter().take_while(|word| *word != ">");
            if let Err(error) = Arguments::try_parse_from(words) {
                panic!("{example}: {error}");
            }
        }
    }
}

#[test]
fn help_states_every_exit_code() {
    let help = Arguments::command().render_long_help().to_string();
    for exit in exit::Exit::ALL {
        let line = format!("{}  {}", exit.code(), exit.meaning());
        assert!(help.contains(&line), "{line} is not in\n{help}");
    }
}

#[test]
fn nothing_that_a_person_reads_names_a_feature_of_cargo() {
    let mut all = Arguments::command();
    for command in all.get_subcommands_mut() {
        let help = command.render_long_help().to_string();
        assert!(!help.contains("feature"), "{help}");
    }
}

#[test]
fn the_readme_lists_every_command() {
    let lines = include_str!("../../README.md").lines();
    let rows: Vec<&str> = lines.filter(|line| line.starts_with("| `")).collect();
    for command in Arguments::command().get_subcommands() {
        let name = format!("`{}`", command.get_name());
        let is_listed = rows.iter().any(|row| {
            let cell = row.split('|').nth(1).unwrap_or_default();
            cell.contains(&name)
        });
        assert!(is_listed, "{name} has no row in crates/cli/README.md");
    }
}
