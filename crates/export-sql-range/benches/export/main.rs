//! What the export of a relational table costs. `run.py` beside it starts the servers and compares
//! this program with others that read the same table; each part is a process of its own, so that
//! only the client's CPU time and memory are counted.

#[path = "../../../export-segment/benches/export/discard_store.rs"]
mod discard_store;
mod orders;
#[path = "../../../cli/src/local/postgres_tls.rs"]
mod postgres_tls;
mod read;

use clap::{Parser, Subcommand};
use read::Path;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::json;
use sqlserver_local::{Config, Server};
use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;

#[derive(Parser)]
#[command(about = "The parts of a benchmark that benches/run.py runs: start with that")]
struct Options {
    #[command(subcommand)]
    role: Option<Role>,
    /// Given by cargo.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Serve a table of orders as SQL Server does, until it is killed
    Serve {
        #[arg(long)]
        rows: u32,
        /// Folder for `secret.json` and `authority.pem`
        #[arg(long)]
        folder: PathBuf,
    },
    /// TLS in front of a PostgreSQL server, until it is killed
    Front {
        /// The server's port
        #[arg(long)]
        behind: u16,
        /// Folder for `authority.pem`
        #[arg(long)]
        folder: PathBuf,
    },
    /// Read the table of orders
    Read {
        path: Path,
        /// Folder with `secret.json` and `authority.pem`
        #[arg(long)]
        folder: PathBuf,
    },
}

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let Some(role) = Options::parse().role else {
        let run = "python3 crates/export-sql-range/benches/run.py";
        return Ok(say(&format!("run it by {run}"))?);
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match role {
        Role::Serve { rows, folder } => {
            let of = Config::default();
            let server = Server::start(&of)?;
            orders::fill(&server, rows)?;
            let secret = json!({
                "engine": "sqlserver",
                "host": "127.0.0.1",
                "port": server.port(),
                "username": of.user,
                "password": of.password,
                "dbname": of.database,
            });
            std::fs::write(folder.join("secret.json"), secret.to_string())?;
            std::fs::write(folder.join("authority.pem"), server.authority())?;
            say(&server.port().to_string())?;
            runtime.block_on(std::future::pending::<()>());
            Ok(())
        }
        Role::Front { behind, folder } => {
            let (tls, authority) = certificate()?;
            std::fs::write(folder.join("authority.pem"), authority)?;
            runtime.block_on(async {
                let front = postgres_tls::TlsFront::start(tls, behind).await?;
                say(&front.port().to_string())?;
                std::future::pending().await
            })
        }
        Role::Read { path, folder } => {
            let rows = runtime.block_on(read::read(path, &folder))?;
            // The step's own metrics may stand before it.
            Ok(say(&rows.to_string())?)
        }
    }
}

/// A certificate of 127.0.0.1 that is its own authority, in PEM.
fn certificate() -> Outcome<(ServerConfig, String)> {
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names)?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let tls = ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    Ok((tls, made.cert.pem()))
}

fn say(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}
