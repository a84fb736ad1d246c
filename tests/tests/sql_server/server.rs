//! A server for each test, and definitions that read from it.

use definition::SqlSource;
use serde_json::{Value, json};
use sql_source::MemorySecrets;
use sqlserver_local::{Cell, Config, Server, Table};

/// The secret's name in every definition.
pub const SECRET: &str = "shop/reader";

/// A server with a database.
pub struct Database {
    pub server: Server,
}

impl Database {
    pub fn new() -> Self {
        Self::of(&Config::default())
    }

    pub fn of(config: &Config) -> Self {
        Self {
            server: Server::start(config).unwrap(),
        }
    }

    /// A database with a table of these columns and this clustered key, and its rows.
    pub fn with(name: &str, columns: &[(&str, &str)], key: &[&str], rows: &[Vec<Cell>]) -> Self {
        let database = Self::new();
        database.add(name, columns, key, rows);
        database
    }

    /// A database with a table of a thousand rows, whose server moves.
    #[allow(clippy::unused_async, reason = "that of PostgreSQL waits")]
    pub async fn moving() -> Self {
        let rows: Vec<_> = (1..=1000).map(|n: i64| vec![n.into(), n.into()]).collect();
        let columns = [("id", "int NOT NULL"), ("price", "decimal(9,2)")];
        Self::with("orders", &columns, &["id"], &rows)
    }

    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// Whether a page of ten rows has been asked for.
    #[allow(clippy::unused_async, reason = "that of PostgreSQL waits")]
    pub async fn is_paging(&self) -> bool {
        let queries = self.server.queries();
        let is_page = |query: &String| query.starts_with("SELECT TOP (10) ");
        queries.iter().any(is_page)
    }

    pub fn add(&self, name: &str, columns: &[(&str, &str)], key: &[&str], rows: &[Vec<Cell>]) {
        let mut table = Table::new("dbo", name);
        for (column, description) in columns {
            table = table.column(column, description).unwrap();
        }
        if !key.is_empty() {
            table = table.primary_key(key);
        }
        self.server.create(table).unwrap();
        self.server.insert(name, rows).unwrap();
    }

    /// The secret of a login.
    pub fn secret(&self, user: &str, password: &str) -> String {
        Self::secret_at(self.port(), user, password)
    }

    /// The same with another port.
    pub fn secret_at(port: u16, user: &str, password: &str) -> String {
        let secret = json!({
            "engine": "sqlserver",
            "host": "localhost",
            "port": port,
            "username": user,
            "password": password,
            "dbname": Config::default().database,
        });
        secret.to_string()
    }

    /// The secret of the login that may read.
    pub fn secrets(&self) -> MemorySecrets {
        let of = Config::default();
        let secret = self.secret(&of.user, &of.password);
        MemorySecrets::new().with(SECRET, &[&secret])
    }

    /// A source with this change.
    pub fn source(&self, change: &Value) -> Value {
        let mut source = json!({
            "engine": "sqlServer",
            "secret": SECRET,
            "certificateAuthorities": self.server.authority(),
        });
        for (field, value) in change.as_object().unwrap() {
            source[field] = value.clone();
        }
        source
    }
}

/// Parses a source.
pub fn parsed(source: Value) -> SqlSource {
    serde_json::from_value(source).unwrap()
}
