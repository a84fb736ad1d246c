//! PostgreSQL by `tokio-postgres`. Rows come by COPY in its text format: it is the server's fastest
//! way out, and has every value in the digits and characters that the server itself writes.

mod copy;
mod error;

use crate::connect::{self, CONNECT, patiently};
use crate::error::subject;
use crate::resolve::Resolve;
use contract::ServiceError;
use copy::CopyText;
use futures::StreamExt;
use sql_source::{Login, TakeRow};
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::{ChannelBinding, SslMode, TargetSessionAttrs};
use tokio_postgres::{Client, Config, CopyOutStream, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The time after which a server that acknowledges nothing is gone.
const GONE: Duration = Duration::from_mins(1);

/// A connection to PostgreSQL.
pub struct PostgresConnection {
    client: Client,
    /// Reads and writes the socket.
    io: JoinHandle<()>,
    subject: String,
    stream: Option<Pin<Box<CopyOutStream>>>,
    copy: CopyText,
}

impl std::fmt::Debug for PostgresConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PostgresConnection")
            .field(&self.subject)
            .finish()
    }
}

impl Drop for PostgresConnection {
    fn drop(&mut self) {
        // The server ends the session, and whatever it was doing.
        self.io.abort();
    }
}

/// Connects by TLS and logs in. A server that refuses connections is asked again for a while.
///
/// # Errors
/// As [`Databases::connect`](sql_source::Databases::connect) says.
pub async fn connect(
    login: &Login,
    patience: Duration,
    resolver: &impl Resolve,
) -> Result<PostgresConnection, ServiceError> {
    let tls = MakeRustlsConnect::new(connect::tls(login)?);
    patiently(login, patience, || {
        try_connect(login, tls.clone(), resolver)
    })
    .await
}

async fn try_connect(
    login: &Login,
    tls: MakeRustlsConnect,
    resolver: &impl Resolve,
) -> Result<PostgresConnection, ServiceError> {
    let config = config(login, connect::addresses(login, resolver).await?);
    let connected = match timeout(CONNECT * 2, config.connect(tls)).await {
        Err(_) => return Err(connect::timed_out(login, CONNECT * 2)),
        Ok(Err(error)) => return Err(error::of_connect(login, error)),
        Ok(Ok(connected)) => connected,
    };
    let (client, connection) = connected;
    let io = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(%error, "the connection ended");
        }
    });
    Ok(PostgresConnection {
        client,
        io,
        subject: subject(login),
        stream: None,
        copy: CopyText::default(),
    })
}

/// How to connect to the first of these addresses that answers.
fn config(login: &Login, addresses: Vec<IpAddr>) -> Config {
    let mut config = Config::new();
    for address in addresses {
        // The certificate must name the host, whatever its address.
        config.host(&login.host).hostaddr(address);
    }
    config
        .port(login.port)
        .dbname(&login.database)
        .user(&login.user)
        .password(&login.password)
        .application_name("millrace")
        .ssl_mode(SslMode::Require)
        .channel_binding(ChannelBinding::Prefer)
        .target_session_attrs(TargetSessionAttrs::Any)
        .connect_timeout(CONNECT)
        // A machine that is gone says nothing: after a minute the connection counts as lost, whether
        // it was silent or did not acknowledge what it was sent.
        .keepalives_idle(Duration::from_secs(30))
        .keepalives_interval(Duration::from_secs(10))
        .keepalives_retries(3)
        .tcp_user_timeout(GONE);
    config
}

impl PostgresConnection {
    pub(crate) async fn execute(&mut self, sql: &str) -> Result<(), ServiceError> {
        self.stream = None;
        let done = self.client.batch_execute(sql).await;
        done.map_err(|error| error::of(&self.subject, sql, error))
    }

    pub(crate) async fn rows(
        &mut self,
        sql: &str,
    ) -> Result<Vec<Vec<Option<String>>>, ServiceError> {
        self.stream = None;
        let messages = self.client.simple_query(sql).await;
        let messages = messages.map_err(|error| error::of(&self.subject, sql, error))?;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                let cell = |at| row.get(at).map(str::to_owned);
                Some((0..row.len()).map(cell).collect())
            }
            _ => None,
        });
        Ok(rows.collect())
    }

    pub(crate) async fn describe(
        &mut self,
        query: &str,
    ) -> Result<Vec<(String, String)>, ServiceError> {
        self.stream = None;
        let statement = self.client.prepare(query).await;
        let statement = statement.map_err(|error| error::of(&self.subject, query, error))?;
        let columns = statement.columns();
        if columns.is_empty() {
            return Ok(Vec::new());
        }
        let types = columns.iter();
        let types = types.map(|column| format!("format_type({}, NULL)", column.type_().oid()));
        let ask = format!("SELECT {}", types.collect::<Vec<_>>().join(", "));
        let types = self.rows(&ask).await?.into_iter().flatten();
        let names = columns.iter().map(|column| column.name().to_owned());
        Ok(names.zip(types.map(Option::unwrap_or_default)).collect())
    }

    pub(crate) async fn open(&mut self, select: &str) -> Result<(), ServiceError> {
        self.stream = None;
        self.copy.clear();
        let copy = format!("COPY ({select}) TO STDOUT");
        let stream = self.client.copy_out(&copy).await;
        let stream = stream.map_err(|error| error::of(&self.subject, select, error))?;
        self.stream = Some(Box::pin(stream));
        Ok(())
    }

    pub(crate) async fn fetch(
        &mut self,
        most: u32,
        take: &mut TakeRow<'_>,
    ) -> Result<u32, ServiceError> {
        let Some(stream) = &mut self.stream else {
            return Ok(0);
        };
        let mut rows = 0;
        while rows < most {
            match stream.next().await {
                Some(Ok(bytes)) => {
                    let read = self.copy.take(&bytes, take);
                    rows += read.map_err(|message| error::unreadable(&self.subject, message))?;
                }
                Some(Err(error)) => {
                    self.stream = None;
                    return Err(error::of(&self.subject, "COPY", error));
                }
                None => {
                    self.stream = None;
                    break;
                }
            }
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use definition::Engine;

    #[test]
    fn a_machine_that_is_gone_is_given_up_after_a_minute() {
        let login = Login {
            engine: Engine::Postgres,
            host: "db.example".to_owned(),
            port: 5432,
            database: "shop".to_owned(),
            user: "reader".to_owned(),
            password: "p".to_owned(),
            replaces_bad_text: false,
            authorities: None,
        };
        let config = config(&login, vec![IpAddr::from([10, 0, 0, 1])]);
        assert_eq!(config.get_tcp_user_timeout(), Some(&GONE));
        let silent = config.get_keepalives_idle()
            + config.get_keepalives_interval().unwrap() * config.get_keepalives_retries().unwrap();
        assert_eq!(silent, GONE);
    }
}
