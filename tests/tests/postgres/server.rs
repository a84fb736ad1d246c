//! One server for all tests of this process, with a database for each of them.

use database::Drivers;
use definition::Engine;
use millrace::local::PostgresServer;
use millrace::progress::Progress;
use serde_json::{Value, json};
use sql_source::{Connection, Databases, Login, MemorySecrets};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{Mutex, oneshot};

/// The secret's name in every definition.
pub const SECRET: &str = "shop/reader";

pub struct Server {
    pub postgres: PostgresServer,
    _end: oneshot::Sender<()>,
}

/// It ends with the last test that uses it: what a static owns is never dropped.
static SERVER: Mutex<Weak<Server>> = Mutex::const_new(Weak::new());

/// The server, which is started first if it does not run yet.
pub async fn server() -> Arc<Server> {
    let mut running = SERVER.lock().await;
    if let Some(server) = running.upgrade() {
        return server;
    }
    let (started, start) = oneshot::channel();
    let (end, ended) = oneshot::channel::<()>();
    // A test's own runtime ends with the test.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let postgres = PostgresServer::start(None, folder.path(), &Progress::quiet()).await;
            let postgres = postgres.unwrap();
            assert!(started.send(postgres).is_ok(), "somebody waits for it");
            let _ = ended.await;
        });
    });
    let server = Arc::new(Server {
        postgres: start.await.expect("the server starts"),
        _end: end,
    });
    *running = Arc::downgrade(&server);
    server
}

/// A new database.
pub struct Database {
    pub server: Arc<Server>,
    pub name: String,
}

impl Database {
    /// An empty database, in which `sql` is run.
    pub async fn with(name: &str, sql: &str) -> Self {
        let server = server().await;
        let mut all = connect(&server.login("postgres")).await;
        all.execute(&format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        let database = Self {
            server,
            name: name.to_owned(),
        };
        database.run(sql).await;
        database
    }

    /// A database of its own with a table of a thousand rows, whose server moves.
    pub async fn moving() -> Self {
        let name = format!("moved_{:x}", fastrand::u32(..));
        let table = "CREATE TABLE orders (id int PRIMARY KEY, price numeric(9,2)); \
                     INSERT INTO orders SELECT g, g FROM generate_series(1, 1000) g; ANALYZE orders";
        Self::with(&name, table).await
    }

    pub fn port(&self) -> u16 {
        self.server.postgres.port
    }

    /// Whether a page of ten rows has been asked for.
    pub async fn is_paging(&self) -> bool {
        let ask = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND query LIKE 'COPY (SELECT%LIMIT 10)%'";
        self.rows(ask).await != [[Some("0".to_owned())]]
    }

    /// Runs statements as the owner.
    pub async fn run(&self, sql: &str) {
        let mut connection = connect(&self.server.login(&self.name)).await;
        connection.execute(sql).await.unwrap();
    }

    /// Rows as the owner.
    pub async fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let mut connection = connect(&self.server.login(&self.name)).await;
        connection.rows(sql).await.unwrap()
    }

    /// The same, where the server may end the session meanwhile.
    pub async fn try_rows(
        &self,
        sql: &str,
    ) -> Result<Vec<Vec<Option<String>>>, contract::ServiceError> {
        let drivers = Drivers::AT_ONCE;
        let mut connection = drivers.connect(&self.server.login(&self.name)).await?;
        connection.rows(sql).await
    }

    /// A login with the right password.
    pub fn secrets(&self) -> MemorySecrets {
        self.secrets_of("postgres", &self.server.postgres.password)
    }

    pub fn secrets_of(&self, user: &str, password: &str) -> MemorySecrets {
        let secret = self.server.postgres.secret(user, password, &self.name);
        MemorySecrets::new().with(SECRET, &[&secret])
    }

    /// A source with this change.
    pub fn source(&self, change: &Value) -> Value {
        let mut source = json!({
            "engine": "postgres",
            "secret": SECRET,
            "certificateAuthorities": self.server.postgres.authority,
        });
        for (field, value) in change.as_object().unwrap() {
            source[field] = value.clone();
        }
        source
    }
}

impl Server {
    pub fn login(&self, database: &str) -> Login {
        Login {
            engine: Engine::Postgres,
            host: "127.0.0.1".to_owned(),
            port: self.postgres.port,
            database: database.to_owned(),
            user: "postgres".to_owned(),
            password: self.postgres.password.clone(),
            replaces_bad_text: false,
            authorities: Some(self.postgres.authority.clone()),
        }
    }
}

pub async fn connect(login: &Login) -> database::DatabaseConnection {
    let drivers = Drivers::patient(Duration::from_secs(20));
    drivers.connect(login).await.unwrap()
}
