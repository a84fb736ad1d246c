//! The reference page of the commands, made of what `--help` prints.

use crate::arguments::{Arguments, General};
use crate::exit::Exit;
use clap::{Arg, Args as _, Command, CommandFactory as _};
use std::fmt::Write as _;

const WIDTH: usize = 98;

const INTRODUCTION: &str = "\
# Commands

`millrace COMMAND`, or `cargo run -- COMMAND` from the repository's root. `cargo run -- schemas`
writes this page from what `--help` prints.

## The place

Commands on AWS find a pipeline by the name of its stack, and read the lake's bucket and the state
machine from the stack's outputs. The first of these that names a stack, a bucket or a state machine
decides:

1. the options `--stack`, `--bucket`, `--state-machine-arn`;
2. the variables `MILLRACE_STACK`, `LAKE_BUCKET`, `MILLRACE_STATE_MACHINE_ARN`;
3. the file `millrace.toml` in the current folder or the nearest folder above it;
4. the stack `millrace`.

`--bucket` needs no permission on CloudFormation; a command that needs the state machine refuses it.
`millrace.toml` may have these fields, all optional:

```toml
stack = \"millrace\"
pipeline = \"default\"
region = \"eu-central-1\"
profile = \"production\"
```

Credentials come from the AWS configuration, as for other tools. `--profile` and `--region` outrank
`AWS_PROFILE` and `AWS_REGION`, which outrank the file.

A program refuses a stack of another version: before 1.0 the minor versions must be equal.

## The names of a run

| Name | Means |
|---|---|
| `20261120-173000-1a2b3c4d` | the run with this id |
| `20261120-17` | the only run whose id begins so; at least the year |
| `latest` | the run of the pipeline that started last |
| `latest-failed` | the last run of the pipeline that failed, timed out or was stopped |
| `champion` | the run whose model is the champion |
| `default-20261120-173000-042` | the run of the execution with this name |
| `arn:aws:states:…:execution:…` | the run of this execution |

With an id, commands that only read the lake ask no other service.

## Output and exit codes

Data goes to standard output, progress and errors to standard error. An error says what happened,
where, and what to try. [JSON output](json.md) has the fields of `--json`.

| Exit code | Means |
|---|---|
| 0 | done |
";

/// The page on every command.
pub fn page() -> String {
    let mut text = INTRODUCTION.to_owned();
    for exit in Exit::ALL {
        // Writing to memory cannot fail.
        let _ = writeln!(text, "| {} | {} |", exit.code(), exit.meaning());
    }
    text.push_str("| 128 + n | ended by signal n: 130 by Ctrl-C, 143 by SIGTERM |\n");
    let _ = write!(
        text,
        "\nEvery command has these options:\n\n```text\n{}\n```\n",
        general()
    );
    let mut all = Arguments::command();
    // Gives each command its own name in the line of its usage.
    all.build();
    let names: Vec<_> = all
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .filter(|name| name != "help")
        .collect();
    for name in names {
        let Some(command) = all.find_subcommand(&name) else {
            continue;
        };
        let help = long_help(command.clone().mut_args(without_general));
        let _ = write!(text, "\n## `{name}`\n\n```text\n{help}\n```\n");
    }
    text
}

/// The options that every command has, in a form that the page has once.
fn general() -> String {
    long_help(
        Command::new("millrace")
            .args(General::augment_args(Command::new("")).get_arguments())
            .disable_help_flag(true)
            .help_template("{options}"),
    )
}

/// Hides an option of every command, which the page has in one place.
fn without_general(argument: Arg) -> Arg {
    let is_general = argument.is_global_set();
    argument.hide(is_general)
}

fn long_help(command: Command) -> String {
    let help = command.term_width(WIDTH).render_long_help().to_string();
    let lines: Vec<_> = help.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_command_in_lines_of_100_columns() {
        let page = page();
        let all = Arguments::command();
        for command in all.get_subcommands() {
            let heading = format!("\n## `{}`\n", command.get_name());
            assert!(page.contains(&heading), "{heading}");
            let usage = format!("Usage: millrace {}", command.get_name());
            assert!(page.contains(&usage), "{usage}");
        }
        for line in page.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}
