//! The command `sagemaker-local`: starts the server and ends it with Ctrl-C or SIGTERM.

use clap::Parser;
use sagemaker_local::{Config, Error, Images, Server};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// The SageMaker API on 127.0.0.1: trains and serves with programs of this machine, without Docker.
///
/// A program runs in place of each container image. Its last argument is `train` or `serve`, as for
/// the container. `SAGEMAKER_BASE_DIR` names the folder to use instead of /opt/ml, and
/// `SAGEMAKER_BIND_TO_PORT` the port on 127.0.0.1 on which to serve. `AWS_ENDPOINT_URL_S3` or
/// `AWS_ENDPOINT_URL` name the S3 server. Credentials come from the environment.
///
/// Point the SDKs here with `AWS_ENDPOINT_URL_SAGEMAKER` and `AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME`.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 5600, env = "SAGEMAKER_LOCAL_PORT")]
    port: u16,
    /// Folder for records, containers' trees and logs
    #[arg(
        long,
        default_value = ".sagemaker-local",
        env = "SAGEMAKER_LOCAL_STATE_DIR"
    )]
    state_dir: PathBuf,
    /// Program to run in place of an image (repeatable), such as
    /// recommender:local=target/release/recommender
    #[arg(long = "image", value_name = "IMAGE=COMMAND")]
    images: Vec<String>,
    /// JSON file with such mappings: an object from image to command, which is a string or a list
    /// of words
    #[arg(long = "images", value_name = "FILE")]
    image_file: Option<PathBuf>,
    /// Region that ARNs name
    #[arg(long, default_value = "us-east-1", env = "AWS_REGION")]
    region: String,
    /// Seconds from SIGTERM to SIGKILL for a training program
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    training_grace: u64,
    /// Seconds from SIGTERM to SIGKILL for a serving program
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    serving_grace: u64,
    /// Seconds in which a serving program must answer /ping with 200
    #[arg(long, default_value_t = 240, value_name = "SECONDS")]
    ping_timeout: u64,
    /// JSON file with a list of faults, in the form of `PUT /faults`
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Append every call of the control plane to this file, one JSON line per call
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Upper bound in seconds for each wait of a deployment: canary, linear step, end of the old
    /// programs
    #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
    longest_wait: u64,
}

impl Arguments {
    fn into_config(self) -> Result<Config, Error> {
        let mut images = Images::default();
        if let Some(file) = &self.image_file {
            images.add_file(file)?;
        }
        for mapping in &self.images {
            images.add_mapping(mapping)?;
        }
        let mut config = Config::new(self.state_dir);
        config.port = self.port;
        config.images = images;
        config.region = self.region;
        config.training_grace = Duration::from_secs(self.training_grace);
        config.serving_grace = Duration::from_secs(self.serving_grace);
        config.ping_timeout = Duration::from_secs(self.ping_timeout);
        config.faults = self.faults;
        config.record = self.record;
        config.longest_wait = Duration::from_secs(self.longest_wait);
        Ok(config)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("sagemaker_local=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut line = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                line = format!("{line}: {error}");
                cause = error.source();
            }
            eprintln!("sagemaker-local: {line}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    // Before the server starts, so that no signal is missed.
    let mut terminate = signal(SignalKind::terminate())?;
    let server = Server::start(arguments.into_config()?).await?;
    eprintln!("AWS_ENDPOINT_URL_SAGEMAKER={}", server.url());
    eprintln!("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME={}", server.url());
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    server.shutdown().await;
    Ok(())
}
