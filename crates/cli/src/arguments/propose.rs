//! Options of the commands that come before a run: `init` and `plan`.

use crate::init::Algorithm;
use crate::place;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Options of `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The table: of DynamoDB, or with --engine of a relational database, such as public.orders.
    #[arg(value_name = "TABLE", value_parser = table)]
    pub table: String,
    /// The path of the attribute to predict [default: the one with a label's name]
    #[arg(long, value_name = "PATH")]
    pub label: Option<String>,
    /// What to train.
    #[arg(long, value_enum, default_value_t)]
    pub algorithm: Algorithm,
    /// The recommender's image in your registry.
    #[arg(long, value_name = "URI", required_if_eq("algorithm", "recommender"))]
    pub image: Option<String>,
    /// Number of items to read.
    #[arg(
        long,
        value_name = "ITEMS",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u64).range(1..=100_000)
    )]
    pub sample: u64,
    /// The table's database.
    #[command(flatten)]
    pub database: Database,
    /// The file to write; by default `<pipeline>.json`.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite the file.
    #[arg(long)]
    pub force: bool,
    /// Where the pipeline is.
    #[command(flatten)]
    pub place: place::Options,
}

/// The database of a relational table.
#[derive(Debug, Args)]
pub struct Database {
    /// The engine of the relational database that has the table.
    #[arg(
        long,
        value_enum,
        requires = "secret",
        help_heading = "Relational database"
    )]
    pub engine: Option<Engine>,
    /// The Secrets Manager secret with its login, by name or ARN.
    #[arg(
        long,
        value_name = "NAME",
        requires = "engine",
        help_heading = "Relational database"
    )]
    pub secret: Option<String>,
    /// Its host, if the secret names none.
    #[arg(
        long,
        value_name = "NAME",
        requires = "engine",
        help_heading = "Relational database"
    )]
    pub host: Option<String>,
    /// Its database, if the secret names none.
    #[arg(
        long,
        value_name = "NAME",
        requires = "engine",
        help_heading = "Relational database"
    )]
    pub database: Option<String>,
    /// A file of certificate authorities in PEM to trust beside those of Amazon RDS.
    #[arg(
        long,
        value_name = "FILE",
        requires = "engine",
        help_heading = "Relational database"
    )]
    pub certificate_authorities: Option<PathBuf>,
}

/// The engine of a relational database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// PostgreSQL, and Aurora PostgreSQL.
    Postgres,
    /// Microsoft SQL Server.
    SqlServer,
}

/// A URL of a database would leave its password in the shell's history.
fn table(text: &str) -> Result<String, String> {
    if text.contains("://") {
        return Err(
            "this is a URL: name the table, and its database by --engine and --secret, so that \
             no password stands in a command"
                .to_owned(),
        );
    }
    Ok(text.to_owned())
}

/// Options of `plan`.
#[derive(Debug, Args)]
pub struct Plan {
    /// The definition [default: the pipeline's in the lake]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the pipeline is.
    #[command(flatten)]
    pub place: place::Options,
}
