//! What the command line says.

use clap::{Args, Parser, Subcommand, ValueEnum};
use contract::{Names, RunId};
use millrace::demo::Algorithm;
use std::path::PathBuf;

/// Millrace: a DynamoDB table becomes a dataset, the dataset a model, the model a serving endpoint.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole pipeline on this machine, on invented data, and show what the model recommends.
    ///
    /// Needs Rust, Python 3.10 or newer, and no AWS account. Installs what else it needs below
    /// target/local, builds the Lambda functions, starts local AWS on free ports of 127.0.0.1,
    /// deploys infra/template.yaml to it, fills a table, and starts the state machine with {}.
    /// Everything it started is gone when it ends, also after Ctrl-C or a failure.
    Demo(Demo),
    /// Start local AWS with the stack deployed, and keep it until Ctrl-C.
    Local(Local),
    /// Start an execution of the state machine, wherever the environment says that AWS is, and watch
    /// it.
    Run(Run),
    /// Read all data of a run again, and say whether it still is what was committed.
    ///
    /// Every part of the export and every file of the dataset is read and held against its record:
    /// items, bytes and an order-independent checksum, for each part, segment and the run. Ends with 1
    /// if anything differs.
    Verify(OfRun),
    /// Show what is said of a run's data: the quality gate's verdicts, the drift since the run whose model
    /// serves, the attributes. It is there as soon as the dataset is planned, also if the gate ended the run.
    Report(OfRun),
    /// Approve a run's model, which awaits that: it is deployed.
    ///
    /// The decision is written into the lake, once, and the state machine goes on.
    Approve(Approval),
    /// Reject a run's model that awaits approval: what serves serves on.
    Reject(Approval),
    /// Print the feature rows with which the endpoint of a run is asked, one for each item.
    ///
    /// The items are read line by line, as DynamoDB JSON or plain JSON. They are encoded by the run's
    /// dataset.json, exactly as training's rows were, and written as CSV without the label. Ends with 1
    /// at the first line that is no row.
    Encode(Encode),
    /// Bring a pipeline's endpoint back to the model that served before, and wait until it answers.
    ///
    /// The champion's record goes back with it. Called again it goes on where it was interrupted, and never
    /// goes back twice; --to goes to any run's model that has served and was not cleaned up.
    Rollback(Rollback),
    /// Remove the models, endpoint configurations and data of old runs, or list them.
    ///
    /// The newest runs stay, and whatever serves, is at work, or is what a rollback returns to. Reports stay.
    Clean(Clean),
    /// Write the JSON Schemas of the states' inputs and outputs into statemachine/schema.
    Schemas(Schemas),
}

#[derive(Debug, Args)]
pub struct Place {
    /// Millrace's workspace [default: the one that this program was built from]
    #[arg(long, value_name = "FOLDER")]
    pub workspace: Option<PathBuf>,
}

/// How local AWS is started.
#[derive(Debug, Args)]
pub struct Local {
    /// Use the binaries of an earlier build, stale or not.
    #[arg(long, env = "MILLRACE_NO_BUILD")]
    pub no_build: bool,
    /// What learns; xgboost installs `xgboost-cpu` below target/local.
    #[arg(long, value_enum, default_value_t)]
    pub algorithm: Algorithm,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Interactions in the table.
    #[arg(long, default_value_t = 20_000)]
    pub items: usize,
    /// Seed of the invented interactions; the same seed gives the same table.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Whom to recommend to, such as u-00007 [default: an active user]
    #[arg(long)]
    pub user: Option<String>,
    /// Keep local AWS running until Ctrl-C, and print how to look around.
    #[arg(long)]
    pub keep: bool,
    #[command(flatten)]
    pub local: Local,
}

#[derive(Debug, Args)]
pub struct Run {
    /// The state machine.
    #[arg(long, value_name = "ARN", env = "MILLRACE_STATE_MACHINE_ARN")]
    pub state_machine_arn: String,
    /// The execution's input: {}, {"pipeline": "..."}, or any part of the definition.
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = json)]
    pub input: serde_json::Value,
}

#[derive(Debug, Args)]
pub struct OfRun {
    /// The run, such as 20261120-173000-1a2b3c4d: the folder run=... in the lake.
    #[arg(long, value_name = "ID", value_parser = run_id)]
    pub run: RunId,
    /// Its pipeline.
    #[arg(long, default_value = Names::DEFAULT_PIPELINE)]
    pub pipeline: String,
    /// The lake's bucket.
    #[arg(long, env = "LAKE_BUCKET")]
    pub bucket: String,
}

/// A person's decision.
#[derive(Debug, Args)]
pub struct Approval {
    #[command(flatten)]
    pub of: OfRun,
    /// Why; the verdict quotes it.
    #[arg(long)]
    pub reason: Option<String>,
    /// Who decides; the verdict quotes it.
    #[arg(long, env = "USER")]
    pub by: Option<String>,
}

#[derive(Debug, Args)]
pub struct Encode {
    /// The run whose dataset says how.
    #[arg(long, value_name = "ID", value_parser = run_id, required_unless_present = "dataset")]
    pub run: Option<RunId>,
    /// Its pipeline.
    #[arg(long, default_value = Names::DEFAULT_PIPELINE)]
    pub pipeline: String,
    /// The lake's bucket.
    #[arg(long, env = "LAKE_BUCKET", required_unless_present = "dataset")]
    pub bucket: Option<String>,
    /// A dataset.json on this machine, instead of a run's.
    #[arg(long, value_name = "FILE", conflicts_with = "run")]
    pub dataset: Option<PathBuf>,
    /// How the items are written.
    #[arg(long, value_enum, default_value_t)]
    pub form: Form,
    /// The items, one in a line [default: standard input]
    pub items: Option<PathBuf>,
}

/// How items are written.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum Form {
    /// DynamoDB JSON if anything looks like it, plain JSON otherwise.
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
    /// The run whose model shall serve [default: the one before]
    #[arg(long, value_name = "RUN", value_parser = run_id)]
    pub to: Option<RunId>,
}

#[derive(Debug, Args)]
#[group(skip)]
pub struct Clean {
    #[command(flatten)]
    pub of: OfPipeline,
    /// Newest runs to keep, whatever became of them.
    #[arg(long, value_name = "RUNS", default_value_t = 5)]
    pub keep: usize,
    /// List what can go and what stays, and change nothing.
    #[arg(long, required_unless_present = "yes")]
    pub dry_run: bool,
    /// Remove it.
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct Schemas {
    /// Write nothing; fail if a file is not as it would be written.
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
        Ok(_) => Err("it is no JSON object".to_owned()),
        Err(error) => Err(format!("it is no JSON: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn input_is_a_json_object() {
        assert!(json(r#"{"pipeline": "p"}"#).is_ok());
        assert!(json("[]").is_err() && json("{").is_err());
    }
}
