//! SQL Server by `tiberius`.
//!
//! The driver's stream of rows borrows its connection. A task of its own therefore owns both, and
//! hands rows over in batches: it reads ahead by a few of them.

mod cells;
mod error;

use crate::connect::{self, CONNECT, patiently};
use crate::error::subject;
use crate::resolve::Resolve;
use crate::tls;
use cells::Cells;
use contract::ServiceError;
use futures::TryStreamExt;
use sql_source::{Login, TakeRow};
use std::net::SocketAddr;
use std::time::Duration;
use tiberius::{AuthMethod, Client, Config, EncryptionLevel, QueryItem};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

/// How long the server may say nothing while it is asked for rows.
const SILENCE: Duration = sql_source::LONGEST_STATEMENT;
/// Bytes of a packet: the most that the server agrees to.
const PACKET: u32 = 32_767;
/// Bytes of text in a batch of rows, and batches that wait to be taken.
const BATCH_BYTES: usize = 256 * 1024;
const BATCHES: usize = 2;

type Driver = Client<Compat<TcpStream>>;
type Batch = Result<Cells, ServiceError>;
type Table = Vec<Vec<Option<String>>>;

/// What the connection's task is asked for.
enum Request {
    /// All rows of a small result.
    Rows(String, oneshot::Sender<Result<Table, ServiceError>>),
    /// The rows of a query in batches, once it has been answered.
    Open(
        String,
        oneshot::Sender<Result<mpsc::Receiver<Batch>, ServiceError>>,
    ),
}

/// A connection to SQL Server.
#[derive(Debug)]
pub struct SqlServerConnection {
    requests: mpsc::Sender<Request>,
    task: JoinHandle<()>,
    subject: String,
    stream: Option<Stream>,
}

/// Rows that are being taken.
#[derive(Debug)]
struct Stream {
    batches: mpsc::Receiver<Batch>,
    batch: Cells,
    taken: usize,
}

impl Drop for SqlServerConnection {
    fn drop(&mut self) {
        // The server ends the session, and rolls its transaction back.
        self.task.abort();
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
) -> Result<SqlServerConnection, ServiceError> {
    // The driver reads the certificates at each attempt and would name none of their mistakes.
    connect::tls(login)?;
    patiently(login, patience, || try_connect(login, resolver)).await
}

fn config(login: &Login) -> Config {
    let mut config = Config::new();
    config.host(&login.host);
    config.port(login.port);
    config.database(&login.database);
    config.authentication(AuthMethod::sql_server(&login.user, &login.password));
    config.application_name("millrace");
    config.encryption(EncryptionLevel::Required);
    config.trust_cert_ca_bundle(tls::bundle(login.authorities.as_deref()));
    config.lossy_utf16_decoding(login.replaces_bad_text);
    config.packet_size(PACKET);
    config.handshake_timeout(Some(CONNECT));
    config.command_timeout(Some(SILENCE));
    config
}

async fn try_connect(
    login: &Login,
    resolver: &impl Resolve,
) -> Result<SqlServerConnection, ServiceError> {
    let failed =
        |error: std::io::Error| connect::unreachable(login, "Connection", error.to_string(), None);
    let addresses = connect::addresses(login, resolver).await?.into_iter();
    let addresses: Vec<_> = addresses
        .map(|address| SocketAddr::new(address, login.port))
        .collect();
    let socket = TcpStream::connect(addresses.as_slice());
    let socket = match timeout(CONNECT, socket).await {
        Ok(socket) => socket.map_err(failed)?,
        Err(_) => return Err(connect::timed_out(login, CONNECT)),
    };
    let socket = socket
        .set_nodelay(true)
        .map(|()| socket.compat_write())
        .map_err(failed)?;
    // Its future is large.
    let client = Box::pin(Client::connect(config(login), socket)).await;
    let client = client.map_err(|error| error::of_connect(login, error))?;
    let subject = subject(login);
    let (requests, asked) = mpsc::channel(1);
    let task = tokio::spawn(serve(client, asked, subject.clone()));
    Ok(SqlServerConnection {
        requests,
        task,
        subject,
        stream: None,
    })
}

/// Answers requests until their sender is gone, or the connection is.
async fn serve(mut client: Driver, mut requests: mpsc::Receiver<Request>, subject: String) {
    while let Some(request) = requests.recv().await {
        match request {
            Request::Rows(sql, answer) => {
                let rows = rows(&mut client, &subject, &sql).await;
                // The caller may have gone; the next request says so.
                let _ = answer.send(rows);
            }
            Request::Open(sql, answer) => {
                if !stream(&mut client, &subject, &sql, answer).await {
                    return;
                }
            }
        }
    }
}

async fn rows(client: &mut Driver, subject: &str, sql: &str) -> Result<Table, ServiceError> {
    let failed = |error| error::of(subject, sql, error);
    let stream = client.simple_query(sql).await.map_err(failed)?;
    let results = stream.into_results().await.map_err(failed)?;
    let mut cells = Cells::default();
    for row in results.iter().flatten() {
        let pushed = cells.push(row);
        pushed.map_err(|problem| error::unreadable(subject, sql, problem))?;
    }
    let owned = |row: Vec<Option<&str>>| row.into_iter().map(|it| it.map(str::to_owned)).collect();
    Ok((0..cells.len()).map(|at| owned(cells.row(at))).collect())
}

/// Streams a query's rows. Returns whether the connection can be asked again: not if the rows were
/// not taken to their end, which the driver would have to read first.
async fn stream(
    client: &mut Driver,
    subject: &str,
    sql: &str,
    answer: oneshot::Sender<Result<mpsc::Receiver<Batch>, ServiceError>>,
) -> bool {
    let mut items = match client.simple_query(sql).await {
        Ok(items) => items,
        Err(error) => return answer.send(Err(error::of(subject, sql, error))).is_ok(),
    };
    let (batches, taken) = mpsc::channel(BATCHES);
    if answer.send(Ok(taken)).is_err() {
        return false;
    }
    let mut cells = Cells::default();
    loop {
        let row = match items.try_next().await {
            Ok(Some(QueryItem::Row(row))) => row,
            Ok(Some(QueryItem::Metadata(_))) => continue,
            Ok(None) => break,
            Err(error) => {
                let error = error::of(subject, sql, error);
                // As below: who took enough rows has gone.
                let _ = batches.send(Ok(cells)).await;
                let _ = batches.send(Err(error)).await;
                return true;
            }
        };
        if let Err(problem) = cells.push(&row) {
            // The rest of the stream is not read: the caller gives the connection up.
            let error = error::unreadable(subject, sql, problem);
            let _ = batches.send(Err(error)).await;
            return false;
        }
        if cells.bytes() >= BATCH_BYTES
            && batches.send(Ok(std::mem::take(&mut cells))).await.is_err()
        {
            return false;
        }
    }
    // A caller that took all rows it wanted may have gone before this batch, which is often empty. The
    // stream was read to its end all the same.
    let _ = batches.send(Ok(cells)).await;
    true
}

impl SqlServerConnection {
    pub(crate) async fn execute(&mut self, sql: &str) -> Result<(), ServiceError> {
        self.rows(sql).await.map(drop)
    }

    pub(crate) async fn rows(&mut self, sql: &str) -> Result<Table, ServiceError> {
        self.stream = None;
        let (answer, answered) = oneshot::channel();
        self.ask(sql, Request::Rows(sql.to_owned(), answer)).await?;
        let lost = |_| error::lost(&self.subject, sql);
        answered.await.map_err(lost)?
    }

    pub(crate) async fn describe(
        &mut self,
        query: &str,
    ) -> Result<Vec<(String, String)>, ServiceError> {
        let ask = format!(
            "SELECT name, system_type_name + COALESCE(' COLLATE ' + collation_name, ''), \
             CONVERT(varchar(10), error_number), error_message \
             FROM sys.dm_exec_describe_first_result_set(N'{}', NULL, 0) ORDER BY column_ordinal",
            query.replace('\'', "''")
        );
        let mut columns = Vec::new();
        for row in self.rows(&ask).await? {
            let mut cells = row.into_iter();
            let mut next = || cells.next().flatten();
            let (name, of, number, message) = (next(), next(), next(), next());
            if let Some(number) = number {
                let message = message.unwrap_or_default();
                return Err(error::refused(&self.subject, &number, message));
            }
            columns.push((name.unwrap_or_default(), of.unwrap_or_default()));
        }
        Ok(columns)
    }

    pub(crate) async fn open(&mut self, select: &str) -> Result<(), ServiceError> {
        self.stream = None;
        let (answer, answered) = oneshot::channel();
        self.ask(select, Request::Open(select.to_owned(), answer))
            .await?;
        let lost = |_| error::lost(&self.subject, select);
        let batches = answered.await.map_err(lost)??;
        self.stream = Some(Stream {
            batches,
            batch: Cells::default(),
            taken: 0,
        });
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
            if stream.taken == stream.batch.len() {
                match stream.batches.recv().await {
                    Some(Ok(batch)) => {
                        stream.batch = batch;
                        stream.taken = 0;
                    }
                    Some(Err(error)) => {
                        self.stream = None;
                        return Err(error);
                    }
                    None => {
                        self.stream = None;
                        break;
                    }
                }
                continue;
            }
            take(&stream.batch.row(stream.taken));
            stream.taken += 1;
            rows += 1;
        }
        Ok(rows)
    }

    async fn ask(&self, sql: &str, request: Request) -> Result<(), ServiceError> {
        let sent = self.requests.send(request).await;
        sent.map_err(|_| error::lost(&self.subject, sql))
    }
}
