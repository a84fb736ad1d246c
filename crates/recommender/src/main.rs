//! The command line: runs `train` or `serve`, and turns the result into an exit code and the
//! failure file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use container::{Stop, Tree, one_line, serve};
use recommender::{Error, Model, hyperparameters, train};

/// Recommends items to users, as a SageMaker training and hosting container.
#[derive(Parser)]
#[command(name = "recommender", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Learn from the channels train and, optionally, validation; write the model.
    ///
    /// Reads input/config/*.json and every CSV file below input/data/<channel> (no header, label
    /// first, numbers only). Writes model/, output/data/metrics.json and, on failure, one line
    /// to output/failure. Exits with 0 when the model is there, else with 1. SIGTERM stops it.
    #[command(after_long_help = hyperparameters())]
    Train(At),
    /// Answer GET /ping and POST /invocations for the model in model/.
    ///
    /// Takes and gives text/csv and application/json. SIGTERM finishes open requests and ends it
    /// with exit code 0.
    Serve {
        #[command(flatten)]
        at: At,
        /// Address to listen on; in a container, 0.0.0.0.
        #[arg(long, env = "RECOMMENDER_HOST", default_value = "127.0.0.1")]
        host: String,
        /// Port to listen on; 0 takes a free one and prints it.
        #[arg(long, env = "SAGEMAKER_BIND_TO_PORT", default_value_t = 8080)]
        port: u16,
    },
}

#[derive(Args)]
struct At {
    /// Root of the container's tree.
    #[arg(long, env = "SAGEMAKER_BASE_DIR", default_value = "/opt/ml")]
    prefix: PathBuf,
}

fn hyperparameters() -> String {
    format!(
        "Hyperparameters (input/config/hyperparameters.json, all strings):\n{}",
        hyperparameters::help()
    )
}

#[tokio::main]
async fn main() {
    let done: Result<(), Error> = match Cli::parse().command {
        Command::Train(at) => container::train(Tree::new(at.prefix), train::run).await,
        Command::Serve { at, host, port } => match Stop::install() {
            Ok(mut stop) => serve::<Model>(Tree::new(at.prefix), &host, port, &mut stop).await,
            Err(error) => Err(error),
        }
        .map_err(Error::from),
    };
    let code = match done {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("recommender: {}", one_line(&error));
            1
        }
    };
    // A return would wait for a training thread that cannot be stopped.
    std::process::exit(code)
}
