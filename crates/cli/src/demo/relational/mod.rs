//! The demo's table in a relational database, with a login that may only read.

mod postgres;
mod sql_server;

use super::data::Interactions;
use super::{Algorithm, TABLE, definition};
use crate::local::{Local, LocalError, PostgresServer, SqlServer};
use crate::progress::Progress;
use ::definition::Engine;
use aws::secrets::SecretsManager;
use serde_json::{Value, json};

/// The parameter that lets the stack's functions read the secrets of the demo's logins.
pub const PARAMETER: (&str, &str) = (
    "SourceSecretArn",
    "arn:aws:secretsmanager:us-east-1:000000000000:secret:millrace-demo-*",
);
/// The columns, each with the path of its value in an item.
const COLUMNS: [(&str, &[&str]); 11] = [
    ("user_id", &["user_id"]),
    ("event_id", &["event_id"]),
    ("item_id", &["item_id"]),
    ("item_title", &["item_title"]),
    ("genre", &["genre"]),
    ("event_type", &["event_type"]),
    ("at", &["at"]),
    ("rating", &["rating"]),
    ("device", &["context", "M", "device"]),
    ("favourite", &["favourite"]),
    ("review", &["review"]),
];

/// A database that holds the demo's table. Dropping it ends its server.
#[derive(Debug)]
pub struct Database {
    server: Server,
}

#[derive(Debug)]
enum Server {
    Postgres(PostgresServer),
    SqlServer(SqlServer),
}

impl Database {
    /// Starts a server, fills a table with the interactions, and stores the login's secret.
    ///
    /// # Errors
    /// If the server does not start, or the secret cannot be stored.
    pub async fn fill(
        engine: Engine,
        local: &Local,
        interactions: &Interactions,
        progress: &Progress,
    ) -> Result<Self, LocalError> {
        let server = match engine {
            Engine::Postgres => {
                Server::Postgres(postgres::fill(local, interactions, progress).await?)
            }
            Engine::SqlServer => {
                Server::SqlServer(sql_server::fill(local, interactions, progress).await?)
            }
        };
        let database = Self { server };
        let secrets = SecretsManager::new(local.aws_config());
        let secret = match &database.server {
            Server::Postgres(server) => postgres::secret(server),
            Server::SqlServer(server) => server.secret(),
        };
        secrets.create(database.secret_name(), &secret).await?;
        Ok(database)
    }

    const fn engine(&self) -> Engine {
        match self.server {
            Server::Postgres(_) => Engine::Postgres,
            Server::SqlServer(_) => Engine::SqlServer,
        }
    }

    /// The name of the login's secret.
    const fn secret_name(&self) -> &'static str {
        match self.engine() {
            Engine::Postgres => "millrace-demo-postgres",
            Engine::SqlServer => "millrace-demo-sql-server",
        }
    }

    /// The demo's definition with the table as its source.
    ///
    /// # Panics
    /// If the demo's definition is not JSON.
    pub fn definition(&self, algorithm: Algorithm) -> Value {
        let mut definition: Value = serde_json::from_str(definition::text(algorithm))
            .expect("the demo's definitions are tested");
        let authority = match &self.server {
            Server::Postgres(server) => &server.authority,
            Server::SqlServer(server) => &server.authority,
        };
        definition["source"] = json!({"sql": {
            "engine": self.engine(),
            "secret": self.secret_name(),
            "table": TABLE,
            "chunks": 4,
            "certificateAuthorities": authority,
        }});
        for column in definition["dataset"]["columns"]
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            if column["path"] == "context.device" {
                column["path"] = json!("device");
            }
        }
        definition
    }
}

/// The values of an item's columns, in their order: `Value::Null` where the item has none.
fn cells(item: &Value) -> impl Iterator<Item = &Value> {
    COLUMNS.iter().map(move |(_, path)| {
        let value = path.iter().try_fold(item, |at, name| at.get(name));
        value
            .and_then(|value| value.as_object()?.values().next())
            .unwrap_or(&Value::Null)
    })
}
