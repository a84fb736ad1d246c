//! The command `sqlserver-local`: starts the server and ends it with Ctrl-C or SIGTERM.

use clap::Parser;
use sqlserver_local::{Config, Error, Fault, Server, TableFile};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// A SQL Server for tests on 127.0.0.1: TDS over TLS, and the T-SQL that Millrace generates.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 1433, env = "SQLSERVER_LOCAL_PORT")]
    port: u16,
    /// The database
    #[arg(long, default_value = "shop")]
    database: String,
    /// The login
    #[arg(long, default_value = "reader")]
    user: String,
    /// Its password
    #[arg(long, env = "SQLSERVER_LOCAL_PASSWORD", hide_env_values = true)]
    password: String,
    /// JSON file with a table and its rows (repeatable)
    #[arg(long = "table", value_name = "FILE")]
    tables: Vec<PathBuf>,
    /// JSON file with a list of faults
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// File to write the certificate of the server's authority to, in PEM
    #[arg(long, value_name = "FILE")]
    authority: PathBuf,
    /// Refuse SNAPSHOT transactions
    #[arg(long)]
    no_snapshots: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut line = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                line = format!("{line}: {error}");
                cause = error.source();
            }
            eprintln!("sqlserver-local: {line}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    // Before the server starts, so that no signal is missed.
    let mut terminate = signal(SignalKind::terminate())?;
    let config = Config {
        port: arguments.port,
        database: arguments.database,
        user: arguments.user,
        password: arguments.password,
        allows_snapshots: !arguments.no_snapshots,
        ..Config::default()
    };
    let server = Server::start(&config)?;
    for path in &arguments.tables {
        let file: TableFile = read(path)?;
        server.create(file.define()?)?;
        server.insert(&file.table, &file.rows)?;
    }
    if let Some(path) = &arguments.faults {
        server.set_faults(read::<Vec<Fault>>(path)?);
    }
    std::fs::write(&arguments.authority, server.authority())?;
    eprintln!("sqlserver-local: 127.0.0.1,{}", server.port());
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let name = || path.display().to_string();
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| Error::Read {
        path: name(),
        source,
    })?;
    serde_json::from_str(&text).map_err(|source| Error::Form {
        path: name(),
        source,
    })
}
