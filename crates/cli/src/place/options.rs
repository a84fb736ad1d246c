//! The options of a place, as the command line, the environment and `millrace.toml` each may name
//! them.

use clap::Args;
use serde::Deserialize;

/// Where the pipeline is. `millrace.toml` has the same names, with underscores.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The stack [env: `MILLRACE_STACK`; default: millrace]
    #[arg(long, value_name = "NAME", help_heading = "Place")]
    pub stack: Option<String>,
    /// The lake's bucket, without asking CloudFormation for the stack [env: `LAKE_BUCKET`]
    #[arg(
        long,
        value_name = "NAME",
        help_heading = "Place",
        conflicts_with = "stack"
    )]
    pub bucket: Option<String>,
    /// The state machine, without asking CloudFormation [env: `MILLRACE_STATE_MACHINE_ARN`]
    #[arg(
        long,
        value_name = "ARN",
        help_heading = "Place",
        conflicts_with = "stack"
    )]
    pub state_machine_arn: Option<String>,
    /// The pipeline [env: `MILLRACE_PIPELINE`; default: default]
    #[arg(long, value_name = "NAME", help_heading = "Place")]
    pub pipeline: Option<String>,
    /// The profile of the AWS configuration [env: `AWS_PROFILE`]
    #[arg(long, value_name = "NAME", help_heading = "Place")]
    pub profile: Option<String>,
    /// The AWS region [env: `AWS_REGION`]
    #[arg(long, value_name = "NAME", help_heading = "Place")]
    pub region: Option<String>,
}

impl Options {
    /// What environment variables name. Empty ones name nothing. Profile and region have variables
    /// of AWS, which the SDK reads.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name| variable(name).filter(|value| !value.is_empty());
        Self {
            stack: value("MILLRACE_STACK"),
            bucket: value("LAKE_BUCKET"),
            state_machine_arn: value("MILLRACE_STATE_MACHINE_ARN"),
            pipeline: value("MILLRACE_PIPELINE"),
            profile: None,
            region: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_variables_name_nothing() {
        let of = Options::of_environment(|name| match name {
            "MILLRACE_STACK" => Some("nightly".to_owned()),
            "LAKE_BUCKET" => Some(String::new()),
            _ => None,
        });
        let expected = Options {
            stack: Some("nightly".to_owned()),
            ..Options::default()
        };
        assert_eq!(of, expected);
    }
}
