//! The command line.

mod convert;
mod deploy;
mod general;
mod lake;
mod local;
mod propose;
mod replay;
mod run;
mod upload;

pub use convert::{Convert, PipelineForm};
pub use deploy::Deploy;
pub use general::{Color, General};
pub use lake::{
    Approval, Clean, Diff, Encode, Form, OfRun, Predict, Pull, Push, Restore, Rollback,
};
pub use local::{Completions, Demo, Doctor, Local, Schemas, Validate, Workspace};
pub use propose::{Database, Engine, Init, Plan};
pub use replay::Replay;
pub use run::{Logs, Redrive, Runs, Start, Stop, Watch};
pub use upload::Upload;

use crate::exit;
use clap::{Parser, Subcommand};

/// Millrace turns a DynamoDB table into a dataset, a model and a serving endpoint.
///
/// Commands on AWS find the pipeline by the stack's name: --stack, `MILLRACE_STACK`, `stack` in
/// millrace.toml, or else `millrace`. Data goes to standard output, progress to standard error.
#[derive(Debug, Parser)]
#[command(
    name = "millrace",
    version,
    about,
    max_term_width = 100,
    after_help = exit::table(),
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub general: General,
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole pipeline on this machine with invented data, and show the model's
    /// recommendations.
    ///
    /// Needs Rust and Python 3.10 or newer, but no AWS account. Installs its Python tools below
    /// target/local, builds the Lambda functions, starts local AWS on free ports of 127.0.0.1,
    /// deploys infra/template.yaml to it, fills a table, and starts the state machine with {}.
    /// Stops everything it started when it ends, also after Ctrl-C or a failure.
    #[command(after_help = "Example:\n  millrace demo --algorithm xgboost --keep")]
    Demo(Demo),
    /// Start local AWS, deploy the stack, and keep both running until Ctrl-C.
    #[command(after_help = "Example:\n  millrace local")]
    Local(Local),
    /// Create the stack from the files of a release, or update it.
    ///
    /// Uploads the functions to a bucket of the account, lets CloudFormation compare the template
    /// with the stack, shows what would change, and asks before it deploys. What is removed or
    /// replaced, permissions and storage are listed by name. A new stack needs answers to three
    /// questions, which --parameter may give: who may read the lake, the table, and the address for
    /// notices. An update keeps every parameter that is not given.
    ///
    /// Ctrl-C ends the command only: the deployment continues, and the same command follows it.
    #[command(
        after_help = "Examples:\n  millrace deploy\n  millrace deploy --dry-run\n  millrace deploy --yes --parameter TableName=interactions --parameter AlarmEmail=you@example.com"
    )]
    Deploy(Deploy),
    /// Propose a definition for a table, from a sample of its items.
    ///
    /// Reads about --sample items from random segments, and writes JSON with a comment for each
    /// guess: label, columns, split, bounds, and SageMaker's built-in XGBoost, which needs no image.
    /// Identifiers, constants and free text are left out, each with the reason. Asks for the label
    /// if its name does not say it; without a terminal the exit code is then 2, and the candidates
    /// are listed. Never overwrites a file without --force. With --engine and --secret the table is
    /// one of a relational database that this machine can reach.
    #[command(
        after_help = "Examples:\n  millrace init interactions\n  millrace init customers --label churned -o churn.json\n  millrace init public.orders --engine postgres --secret shop/reader"
    )]
    Init(Init),
    /// Show what a run would take and cost, step by step, and what differs from the last run.
    ///
    /// Plans the export by the code of the function that plans it, which reads a sample of the
    /// table, and writes nothing. A file needs no stack: what is not deployed yet is assumed, and
    /// said. The exit code is 1 if the run would be refused, or a later step would be beyond a limit
    /// or a quota.
    #[command(after_help = "Examples:\n  millrace plan default.json\n  millrace plan --json")]
    Plan(Plan),
    /// Show everything that is wrong with definitions, each fault at its place in the file.
    ///
    /// Reads JSON with comments and trailing commas. Checks field names, types, choices, ranges and
    /// the rules between fields, exactly as the pipeline does before a run.
    ///
    /// With credentials it also reads the account: the table or index, a sample of some 1,000 items
    /// for the label and the columns, the lake, the algorithm, and the owners of the endpoint and
    /// the model package group. What cannot be checked is said on standard error. Without
    /// credentials, or with --offline, no AWS account is needed.
    ///
    /// The exit code is 1 if a definition is not valid, and 3 if a permission is missing to check
    /// it.
    #[command(
        after_help = "Examples:\n  millrace validate default.json\n  millrace validate --offline --json default.json"
    )]
    Validate(Validate),
    /// Convert definitions of AWS Data Pipeline.
    ///
    /// Exports of DynamoDB tables, and copies of PostgreSQL and SQL Server to S3, become
    /// definitions, with the parameters of their schedules and of the stack. Every field of the
    /// input has a line in the report, conversion.md and conversion.json, with what became of it
    /// and why. Nothing of a pipeline is executed, no service is asked, and secrets are written
    /// nowhere. Never overwrites a file without --force.
    ///
    /// Reads what `aws datapipeline get-pipeline-definition` prints, what SDKs return, and
    /// CloudFormation templates in JSON and YAML. With your own credentials:
    /// aws datapipeline get-pipeline-definition --pipeline-id df-… --version active | millrace
    /// convert -
    ///
    /// The exit code is 3 if a field has no counterpart or is unknown; the files are written then,
    /// unless --strict is given.
    #[command(
        after_help = "Examples:\n  millrace convert nightly.json --out new\n  millrace convert nightly.json --set myDDBTableName=houses --timezone Europe/Berlin\n  millrace convert template.yaml --resource NightlyExport --json"
    )]
    Convert(Convert),
    /// Put definitions into the lake.
    ///
    /// Checks every file first, and writes nothing if one is invalid. Replaces a definition only if
    /// nobody has changed it since this folder pulled or pushed it; the exit code is 1 otherwise. A
    /// run that has started keeps the definition that it started with.
    #[command(after_help = "Example:\n  millrace push default.json nightly.json")]
    Push(Push),
    /// Write the lake's definitions to files, `<pipeline>.json` each.
    #[command(after_help = "Examples:\n  millrace pull\n  millrace pull nightly --to definitions")]
    Pull(Pull),
    /// Compare files with the lake's definitions, field by field.
    ///
    /// The exit code is 1 if they differ.
    #[command(after_help = "Example:\n  millrace diff default.json")]
    Diff(Diff),
    /// Start a run.
    ///
    /// Prints the run's id at once. The execution is named after the pipeline and the time. With
    /// --watch the exit code is 1 if the run fails.
    #[command(
        after_help = "Examples:\n  millrace start --watch\n  millrace start --pipeline nightly --set dataset.split.validation=0.2"
    )]
    Start(Start),
    /// Show a run's steps until it ends.
    ///
    /// Prints the run's output. The exit code is 1 if the run fails. Ctrl-C ends the command only:
    /// the run continues.
    #[command(after_help = "Examples:\n  millrace watch\n  millrace watch 20261120-1730")]
    Watch(Watch),
    /// Show a run's steps as they are now.
    #[command(after_help = "Examples:\n  millrace status\n  millrace status latest-failed --json")]
    Status(OfRun),
    /// List the newest runs, of all pipelines or of --pipeline.
    #[command(
        after_help = "Examples:\n  millrace runs -n 5\n  millrace runs --pipeline nightly --json"
    )]
    Runs(Runs),
    /// Show the log lines of a run's functions.
    ///
    /// Of the step that failed, or of all steps, in the order of time. Lines that Lambda wrote about
    /// an invocation that it ended, such as after a timeout, are shown too. With --follow, Ctrl-C
    /// ends the command only: the run continues.
    #[command(
        after_help = "Examples:\n  millrace logs latest-failed\n  millrace logs --follow\n  millrace logs 20261120-1730 --step MergeShards"
    )]
    Logs(Logs),
    /// Stop a run.
    ///
    /// What it has committed stays in the lake, and `redrive` continues it. The stack stops the
    /// training, tuning and transform jobs that it has started, and a redrive begins new ones.
    #[command(
        after_help = "Example:\n  millrace stop 20261120-173000-1a2b3c4d --cause 'wrong label'"
    )]
    Stop(Stop),
    /// Continue a run that failed or was stopped, with the step that did not succeed.
    ///
    /// Possible for 14 days after its end. The run keeps its definition: start another run after a
    /// change of it.
    #[command(after_help = "Example:\n  millrace redrive --watch")]
    Redrive(Redrive),
    /// Verify that a run's data still is what the run committed.
    ///
    /// Reads every part of the export and every file of the dataset, and compares items, bytes and
    /// an order-independent checksum with the records of each part, each segment and the run. The
    /// exit code is 1 if anything differs.
    #[command(after_help = "Example:\n  millrace verify champion")]
    Verify(OfRun),
    /// Restore a run's items into a table.
    ///
    /// Puts every item of the run into a table that exists and is empty, at --wcu write units per
    /// second, and then reads the table back and compares it with the run. Progress is kept in a
    /// file: the same command continues after an interruption and repeats at most some hundred
    /// puts, which change nothing. Uses your own credentials and no function of the stack.
    #[command(
        after_help = "Examples:\n  millrace restore latest --table orders-copy --dry-run\n  millrace restore 20261120-1730 --table orders-copy --wcu 1000"
    )]
    Restore(Restore),
    /// Replay what did not get into the lake, and was kept.
    ///
    /// With --changes: batches of a table's stream that Lambda gave up, which lie below aws/lambda/
    /// of the lake, and records whose shape was not known. Their changes become captured changes.
    /// With --events: the events that the delivery stream's function refused, turned into lines by
    /// the same code, with the definition's `source.events.required`, and written where the next run
    /// reads them.
    ///
    /// A record beside each object says what was replayed, so that a second call finds nothing to
    /// do. What cannot be replayed stays, with its reason, and the exit code is 1.
    #[command(
        after_help = "Examples:\n  millrace replay --changes --dry-run\n  millrace replay --events --pipeline clicks"
    )]
    Replay(Replay),
    /// Show how a run ended, and the quality report of its data.
    ///
    /// Prints the end (such as Exported or Deployed) and where the
    /// results are, the verdicts of the quality gate, the drift since the data it is compared with,
    /// and the attributes. The quality report exists as soon as the export is checked, also if the
    /// gate ended the run.
    #[command(after_help = "Example:\n  millrace report latest")]
    Report(OfRun),
    /// Approve a model that awaits approval, so that it is deployed.
    ///
    /// Writes the decision into the lake, once, and wakes the state machine.
    #[command(after_help = "Example:\n  millrace approve 20261120-173000-1a2b3c4d")]
    Approve(Approval),
    /// Reject a model that awaits approval, so that the current one keeps serving.
    #[command(
        after_help = "Example:\n  millrace reject 20261120-173000-1a2b3c4d --reason 'the rmse of new users'"
    )]
    Reject(Approval),
    /// Predict items by the endpoint of the champion.
    ///
    /// Encodes items exactly as for training, asks the endpoint, and shows the label's class or
    /// number. Items are arguments, the item or row of the table with --key, or lines of standard
    /// input.
    #[command(
        after_help = "Examples:\n  millrace predict '{\"user_id\": \"u-00007\", \"item_id\": \"m-1\"}'\n  millrace predict --key user_id=u-00007 --key event_id=e-1"
    )]
    Predict(Predict),
    /// Encode items as request rows for the endpoint of a run.
    ///
    /// Reads one item per line, as DynamoDB JSON or plain JSON. Encodes it with the run's
    /// dataset.json, exactly as for training, and prints it as CSV without the label. The exit code
    /// is 1 at the first line that cannot be encoded.
    #[command(after_help = "Example:\n  millrace encode --run champion items.jsonl")]
    Encode(Encode),
    /// Roll a pipeline's endpoint back to the model that served before, and wait until it answers.
    ///
    /// Rolls the champion's record back as well. A second call continues an interrupted one and
    /// never rolls back twice. --to names any other run whose model has served and was not cleaned
    /// up.
    #[command(after_help = "Example:\n  millrace rollback --pipeline nightly")]
    Rollback(Rollback),
    /// Remove the models, endpoint configurations and data of old runs, or list them.
    ///
    /// Keeps the newest runs, the newest good data, runs that are not over, the models that serve,
    /// the target of a rollback, and all reports.
    #[command(after_help = "Example:\n  millrace clean --keep 10 --dry-run")]
    Clean(Clean),
    /// Upload a folder of images to the lake, below images/.
    ///
    /// A file whose path fits `keys` of the definition keeps its path. For others the key is made of
    /// --part, of `date`, the day of the picture by EXIF, and of `name`, its time and the digest of
    /// the file. An object is created and never replaced: a file that the lake has already is left
    /// out, and another one with the same key is refused and named. S3 verifies each image by
    /// SHA-256. Files that are no whole image are named, and not uploaded.
    ///
    /// Uploaded images stay if the command ends early, and the same command continues. An identity
    /// of `LakeUploaders` needs --bucket, and --definition or --keys. The exit code is 3 if a file
    /// was refused.
    #[command(
        after_help = "Examples:\n  millrace upload photos --dry-run\n  millrace upload /media/card --part vehicle=v-7 --keys 'images/date={date}/vehicle={vehicle}/{name}.{ext}'"
    )]
    Upload(Upload),
    /// Check settings, credentials, clock, stack and permissions.
    ///
    /// Reads only. The exit code is that of the first check that failed.
    #[command(after_help = "Example:\n  millrace doctor --stack millrace")]
    Doctor(Doctor),
    /// Write the JSON Schemas and the reference pages of docs/, which are made from them.
    #[command(after_help = "Example:\n  millrace schemas --check")]
    Schemas(Schemas),
    /// Print a script that completes commands and options in a shell.
    #[command(
        after_help = "Example:\n  millrace completions bash > ~/.local/share/bash-completion/completions/millrace"
    )]
    Completions(Completions),
    /// Print the manual page of the program, in the format of man.
    #[command(after_help = "Example:\n  millrace man > ~/.local/share/man/man1/millrace.1")]
    Man,
}

fn json(text: &str) -> Result<serde_json::Value, String> {
    match serde_json::from_str(text) {
        Ok(value @ serde_json::Value::Object(_)) => Ok(value),
        Ok(_) => Err("this is not a JSON object".to_owned()),
        Err(error) => Err(format!("this is not JSON: {error}")),
    }
}

#[cfg(test)]
mod tests;
