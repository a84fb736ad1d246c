//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use contract::{Names, RunId};
use millrace::demo::Algorithm;
use std::path::PathBuf;

/// Millrace turns a DynamoDB table into a dataset, a model and a serving endpoint.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole pipeline on this machine with invented data, and show the model's
    /// recommendations.
    ///
    /// Needs Rust and Python 3.10 or newer, but no AWS account. Installs its Python tools below
    /// target/local, builds the Lambda functions, starts local AWS on free ports of 127.0.0.1,
    /// deploys infra/template.yaml to it, fills a table, and starts the state machine with {}.
    /// Stops everything it started when it ends, also after Ctrl-C or a failure.
    Demo(Demo),
    /// Start local AWS, deploy the stack, and keep both running until Ctrl-C.
    Local(Local),
    /// Show everything that is wrong with definitions, each fault at its place in the file.
    ///
    /// Reads JSON with comments and trailing commas. Checks field names, types, choices, ranges and
    /// the rules between fields, exactly as the pipeline does before a run. Needs no AWS account.
    /// The exit code is 1 if a definition is not valid.
    #[command(after_help = "Example: millrace validate default.json")]
    Validate(Validate),
    /// Start an execution of the state machine and show its progress.
    ///
    /// Credentials, region and endpoints come from the environment (`AWS_PROFILE`, `AWS_REGION`,
    /// `AWS_ENDPOINT_URL`, ...) and the AWS configuration files.
    Run(Run),
    /// Verify that a run's data still is what the run committed.
    ///
    /// Reads every part of the export and every file of the dataset, and compares items, bytes and
    /// an order-independent checksum with the records of each part, each segment and the run. The
    /// exit code is 1 if anything differs.
    Verify(OfRun),
    /// Show how a run ended, and the quality report of its data.
    ///
    /// Prints the end (such as Exported or Deployed) and where the
    /// results are, the verdicts of the quality gate, the drift since the data it is compared with,
    /// and the attributes. The quality report exists as soon as the export is checked, also if the
    /// gate ended the run.
    Report(OfRun),
    /// Approve a model that awaits approval, so that it is deployed.
    ///
    /// Writes the decision into the lake, once, and wakes the state machine.
    Approve(Approval),
    /// Reject a model that awaits approval, so that the current one keeps serving.
    Reject(Approval),
    /// Encode items as request rows for the endpoint of a run.
    ///
    /// Reads one item per line, as DynamoDB JSON or plain JSON. Encodes it with the run's
    /// dataset.json, exactly as for training, and prints it as CSV without the label. The exit code
    /// is 1 at the first line that cannot be encoded.
    Encode(Encode),
    /// Roll a pipeline's endpoint back to the model that served before, and wait until it answers.
    ///
    /// Rolls the champion's record back as well. A second call continues an interrupted one and
    /// never rolls back twice. --to names any other run whose model has served and was not cleaned
    /// up.
    Rollback(Rollback),
    /// Remove the models, endpoint configurations and data of old runs, or list them.
    ///
    /// Keeps the newest runs, the newest good data, runs that are not over, the models that serve,
    /// the target of a rollback, and all reports.
    Clean(Clean),
    /// Write the JSON Schemas and the reference pages of docs/, which are made from them.
    Schemas(Schemas),
}

#[derive(Debug, Args)]
pub struct Place {
    /// Millrace's workspace [default: the one this program was built from]
    #[arg(long, value_name = "FOLDER")]
    pub workspace: Option<PathBuf>,
}

/// Options of local AWS.
#[derive(Debug, Args)]
pub struct Local {
    /// Use the programs of an earlier build, even if they are out of date.
    #[arg(long, env = "MILLRACE_NO_BUILD")]
    pub no_build: bool,
    /// The training algorithm; xgboost installs `xgboost-cpu` below target/local.
    #[arg(long, value_enum, default_value_t)]
    pub algorithm: Algorithm,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Number of interactions in the table.
    #[arg(long, default_value_t = 20_000)]
    pub items: usize,
    /// Seed of the invented interactions; the same seed gives the same table.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// The user to recommend films to, such as u-00007 [default: an active user]
    #[arg(long)]
    pub user: Option<String>,
    /// Keep local AWS running until Ctrl-C, and print commands to inspect it.
    #[arg(long)]
    pub keep: bool,
    #[command(flatten)]
    pub local: Local,
}

#[derive(Debug, Args)]
pub struct Validate {
    /// Files with one definition each.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print the faults as a JSON list: file, line, column, path and message of each.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Run {
    /// ARN of the state machine.
    #[arg(long, value_name = "ARN", env = "MILLRACE_STATE_MACHINE_ARN")]
    pub state_machine_arn: String,
    /// The execution's input: {}, {"pipeline": "..."}, or any part of the definition.
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = json)]
    pub input: serde_json::Value,
}

#[derive(Debug, Args)]
pub struct OfRun {
    /// The run, such as 20261120-173000-1a2b3c4d: the name after run= in the lake's keys.
    #[arg(long, value_name = "ID", value_parser = run_id)]
    pub run: RunId,
    /// The pipeline of the run.
    #[arg(long, default_value = Names::DEFAULT_PIPELINE)]
    pub pipeline: String,
    /// The lake's bucket.
    #[arg(long, env = "LAKE_BUCKET")]
    pub bucket: String,
}

/// An answer to a request for approval.
#[derive(Debug, Args)]
pub struct Approval {
    #[command(flatten)]
    pub of: OfRun,
    /// The reason, quoted in the verdict.
    #[arg(long)]
    pub reason: Option<String>,
    /// Your name, quoted in the verdict.
    #[arg(long, env = "USER")]
    pub by: Option<String>,
}

#[derive(Debug, Args)]
pub struct Encode {
    /// The run whose dataset.json encodes the items.
    #[arg(long, value_name = "ID", value_parser = run_id, required_unless_present = "dataset")]
    pub run: Option<RunId>,
    /// The pipeline of the run.
    #[arg(long, default_value = Names::DEFAULT_PIPELINE)]
    pub pipeline: String,
    /// The lake's bucket.
    #[arg(long, env = "LAKE_BUCKET", required_unless_present = "dataset")]
    pub bucket: Option<String>,
    /// A local dataset.json, instead of a run's.
    #[arg(long, value_name = "FILE", conflicts_with = "run")]
    pub dataset: Option<PathBuf>,
    /// The format of the items.
    #[arg(long, value_enum, default_value_t)]
    pub form: Form,
    /// File with one item per line [default: standard input]
    pub items: Option<PathBuf>,
}

/// The format of items.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum Form {
    /// Choose per item: DynamoDB JSON if it looks like that, otherwise plain JSON.
    #[default]
    Either,
    /// {"user": {"S": "u1"}}, or as {"Item": ...}.
    Dynamodb,
    /// {"user": "u1"}.
    Plain,
}

#[derive(Debug, Args)]
pub struct OfPipeline {
    /// The pipeline.
    #[arg(long, default_value = Names::DEFAULT_PIPELINE)]
    pub pipeline: String,
    /// The lake's bucket.
    #[arg(long, env = "LAKE_BUCKET")]
    pub bucket: String,
}

#[derive(Debug, Args)]
pub struct Rollback {
    #[command(flatten)]
    pub of: OfPipeline,
    /// The run whose model should serve [default: the one that served before]
    #[arg(long, value_name = "RUN", value_parser = run_id)]
    pub to: Option<RunId>,
}

#[derive(Debug, Args)]
#[group(skip)]
pub struct Clean {
    #[command(flatten)]
    pub of: OfPipeline,
    /// Number of newest runs to keep, whatever their outcome.
    #[arg(long, value_name = "RUNS", default_value_t = 5)]
    pub keep: usize,
    /// List what would be removed and what is kept, and change nothing.
    #[arg(long, required_unless_present = "yes")]
    pub dry_run: bool,
    /// Remove the old runs.
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct Schemas {
    /// Write nothing; fail if a file is out of date.
    #[arg(long)]
    pub check: bool,
    #[command(flatten)]
    pub place: Place,
}

fn run_id(text: &str) -> Result<RunId, String> {
    RunId::parse(text)
}

fn json(text: &str) -> Result<serde_json::Value, String> {
    match serde_json::from_str(text) {
        Ok(value @ serde_json::Value::Object(_)) => Ok(value),
        Ok(_) => Err("this is not a JSON object".to_owned()),
        Err(error) => Err(format!("this is not JSON: {error}")),
    }
}

#[cfg(test)]
mod tests {
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
}
