//! One connection: what the client sends, and what it is answered.

use crate::error::SqlError;
use crate::evaluator::ast::Statement;
use crate::evaluator::compile::{self, Context, Query};
use crate::evaluator::{functions, parser};
use crate::faults::{Effect, Occasion, Raw};
use crate::protocol::login::{self, Login};
use crate::protocol::packets::{self, Kind};
use crate::protocol::prelogin::{self, Encryption};
use crate::protocol::requests::{self, Call, Parameter, Transaction};
use crate::protocol::response::Response;
use crate::protocol::tls::{Stream, Tls};
use crate::protocol::tokens::{self, Change, Done, Status};
use crate::state::State;
use crate::store::collation::Collation;
use crate::store::encoding;
use crate::store::moments::{DAY, DAYS_TO_1900};
use rusqlite::{Connection, params_from_iter};
use std::io;
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

/// The first byte of a TLS handshake, with which a connection of TDS 8 begins.
const TLS_HANDSHAKE: u8 = 0x16;
/// TDS 7.3, 7.4 and 8.0, as a client writes them.
const VERSIONS: [u32; 4] = [0x730A_0003, 0x730B_0003, NEWEST, 0x0800_0000];
/// What a client gets that asks for a later version than the server knows.
const NEWEST: u32 = 0x7400_0004;
const SNAPSHOT: u8 = 5;

fn refused(problem: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem.into())
}

/// Serves a connection to its end.
pub fn serve(state: &State, tls: &Tls, socket: TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let effect = state.faults.strike(Occasion::Connection);
    let mut first = [0];
    if socket.peek(&mut first)? == 0 {
        return Ok(());
    }
    let raw = Raw::new(socket, effect);
    let mut stream = if first[0] == TLS_HANDSHAKE {
        let mut stream = Stream::Encrypted(Box::new(tls.strict(raw)?));
        hello(&mut stream)?;
        stream
    } else {
        let mut plain = Stream::Plain(raw);
        let encryption = hello(&mut plain)?;
        let Stream::Plain(raw) = plain else {
            return Err(refused("a plain connection became another"));
        };
        if encryption == Encryption::NotSupported {
            // The client was answered that it must encrypt; it has nothing more to say.
            return Ok(());
        }
        Stream::Encrypted(Box::new(tls.inside(raw)?))
    };
    let Some(message) = packets::read_message(&mut stream)? else {
        return Ok(());
    };
    if message.kind != Kind::Login {
        return Err(refused(format!("{:?} where a login belongs", message.kind)));
    }
    let login = login::read(&message.body)?;
    let Some(mut session) = log_in(state, stream, login)? else {
        return Ok(());
    };
    while let Some(message) = packets::read_message(&mut session.stream)? {
        session.answer(message.kind, &message.body)?;
    }
    Ok(())
}

/// Answers a PRELOGIN.
fn hello(stream: &mut Stream) -> io::Result<Encryption> {
    let message = packets::read_message(stream)?;
    let Some(message) = message.filter(|it| it.kind == Kind::PreLogin) else {
        return Err(refused("no PRELOGIN"));
    };
    let wanted = prelogin::read(&message.body)?;
    // Every connection is encrypted as a whole: RDS can be told to ask for that, and Millrace does.
    let answer = match wanted {
        Encryption::On => Encryption::On,
        _ => Encryption::Required,
    };
    let body = prelogin::answer(answer);
    packets::write_message(stream, Kind::Answer, &body, packets::DEFAULT_SIZE)?;
    Ok(wanted)
}

fn log_in(state: &State, mut stream: Stream, login: Login) -> io::Result<Option<Session<'_>>> {
    let asked = usize::try_from(login.packet_size).unwrap_or(0);
    let packet_size = match asked {
        0 => packets::DEFAULT_SIZE,
        asked => asked.clamp(*packets::SIZES.start(), *packets::SIZES.end()),
    };
    let effect = state.faults.strike(Occasion::Login);
    let database = state.catalogue().database().to_owned();
    let error = if let Some(Effect::Error { number, .. }) = effect {
        Some(SqlError::known(number))
    } else if !state.is_login(&login.user, &login.password) {
        Some(SqlError::of_class(
            18_456,
            14,
            format!("Login failed for user '{}'.", login.user),
        ))
    } else if !["", &database].contains(&login.database.as_str()) {
        Some(SqlError::of_class(
            4060,
            11,
            format!(
                "Cannot open database \"{}\" requested by the login. The login failed.",
                login.database
            ),
        ))
    } else if !VERSIONS.contains(&login.version) && login.version < NEWEST {
        return Err(refused(format!("TDS version {:#x}", login.version)));
    } else {
        None
    };
    // The login's answer still has the first packet size.
    let mut response = Response::new(&mut stream, packets::DEFAULT_SIZE, effect);
    if let Some(error) = error {
        response.token(&tokens::error(&error))?;
        let failed = Status {
            is_error: true,
            ..Status::default()
        };
        response.token(&tokens::done(Done::Statement, failed))?;
        response.end()?;
        return Ok(None);
    }
    let version = match login.version {
        known if VERSIONS.contains(&known) => known,
        _ => NEWEST,
    };
    response.token(&tokens::change(Change::Database(&database)))?;
    let changed = format!("Changed database context to '{database}'.");
    response.token(&tokens::info(5701, &changed))?;
    response.token(&tokens::change(Change::Collation(Collation::default())))?;
    response.token(&tokens::login_ack(version))?;
    let size = Change::PacketSize(packet_size, packets::DEFAULT_SIZE);
    response.token(&tokens::change(size))?;
    if login.has_extensions {
        response.token(&tokens::no_features())?;
    }
    response.token(&tokens::done(Done::Statement, Status::default()))?;
    response.end()?;
    let connection = state.reader().map_err(io::Error::other)?;
    Ok(Some(Session {
        state,
        stream,
        packet_size,
        user: login.user,
        connection,
        is_snapshot: false,
        transaction: None,
        transactions: 0,
    }))
}

/// A connection that is logged in.
struct Session<'a> {
    state: &'a State,
    stream: Stream,
    packet_size: usize,
    user: String,
    connection: Connection,
    is_snapshot: bool,
    /// The open transaction, and whether it reads one snapshot.
    transaction: Option<(u64, bool)>,
    transactions: u64,
}

/// Where a statement stands: whether in a batch or in a call.
#[derive(Clone, Copy)]
struct Place {
    done: Done,
    has_more: bool,
}

/// Why a statement has no result.
enum Failure {
    Sql(SqlError),
    Connection(io::Error),
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Connection(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(functions::error_of(&error))
    }
}

impl Session<'_> {
    fn answer(&mut self, kind: Kind, body: &[u8]) -> io::Result<()> {
        match kind {
            Kind::Batch => {
                let text = requests::batch(body)?;
                self.run(&text, &[], Done::Statement)
            }
            Kind::Rpc => match requests::call(body)? {
                Call::ExecuteSql { text, parameters } => {
                    self.run(&text, &parameters, Done::InProcedure)
                }
                Call::Other(name) => {
                    let message = format!("Could not find stored procedure '{name}'.");
                    self.refuse(&SqlError::new(2812, message), Done::Procedure)
                }
            },
            Kind::Transaction => self.transaction(requests::transaction(body)?),
            Kind::Attention => {
                let stopped = Status {
                    is_attention: true,
                    ..Status::default()
                };
                let mut response = Response::new(&mut self.stream, self.packet_size, None);
                response.token(&tokens::done(Done::Statement, stopped))?;
                response.end()
            }
            other => Err(refused(format!("a request of {other:?}"))),
        }
    }

    fn refuse(&mut self, error: &SqlError, done: Done) -> io::Result<()> {
        let mut response = Response::new(&mut self.stream, self.packet_size, None);
        response.token(&tokens::error(error))?;
        let failed = Status {
            is_error: true,
            ..Status::default()
        };
        response.token(&tokens::done(done, failed))?;
        response.end()
    }

    fn transaction(&mut self, request: Transaction) -> io::Result<()> {
        let statement = match request {
            Transaction::Begin(level) => {
                if level != 0 {
                    self.is_snapshot = level == SNAPSHOT;
                }
                Statement::Begin
            }
            Transaction::Commit => Statement::Commit {
                only_if_open: false,
            },
            Transaction::Rollback => Statement::Rollback {
                only_if_open: false,
            },
            Transaction::Other(number) => {
                return Err(refused(format!("transaction request {number}")));
            }
        };
        self.statements(&[statement], &[], Done::Statement, None)
    }

    fn run(&mut self, text: &str, parameters: &[Parameter], done: Done) -> io::Result<()> {
        self.state.log(text);
        let effect = self.state.faults.strike(Occasion::Query(text));
        match parser::batch(text) {
            Ok(statements) => self.statements(&statements, parameters, done, effect),
            Err(error) => {
                let done = match done {
                    Done::InProcedure => Done::Procedure,
                    done => done,
                };
                self.refuse(&error, done)
            }
        }
    }

    fn statements(
        &mut self,
        statements: &[Statement],
        parameters: &[Parameter],
        done: Done,
        effect: Option<Effect>,
    ) -> io::Result<()> {
        // The answer borrows the stream while the session's other parts are used.
        let Self {
            state,
            stream,
            packet_size,
            user,
            connection,
            is_snapshot,
            transaction,
            transactions,
        } = self;
        let mut response = Response::new(stream, *packet_size, effect);
        let mut work = Work {
            state,
            user,
            connection,
            is_snapshot,
            transaction,
            transactions,
            effect,
        };
        let is_call = done == Done::InProcedure;
        let mut failed = false;
        for (i, statement) in statements.iter().enumerate() {
            let place = Place {
                done,
                has_more: is_call || i + 1 < statements.len(),
            };
            match work.statement(statement, parameters, place, &mut response) {
                Ok(()) => {}
                Err(Failure::Connection(error)) => return Err(error),
                Err(Failure::Sql(error)) => {
                    response.token(&tokens::error(&error))?;
                    if error.number == 1205 || error.number == 3952 {
                        work.roll_back(&mut response)?;
                    }
                    let status = Status {
                        is_error: true,
                        has_more: is_call,
                        ..Status::default()
                    };
                    response.token(&tokens::done(done, status))?;
                    if error.class >= 20 {
                        // The server closes a connection behind such an error.
                        response.end()?;
                        stream.socket().shutdown(std::net::Shutdown::Both)?;
                        return Err(io::ErrorKind::ConnectionAborted.into());
                    }
                    failed = true;
                    break;
                }
            }
        }
        if is_call {
            response.token(&tokens::return_status(i32::from(failed)))?;
            let status = Status {
                is_error: failed,
                ..Status::default()
            };
            response.token(&tokens::done(Done::Procedure, status))?;
        } else if statements.is_empty() {
            response.token(&tokens::done(done, Status::default()))?;
        }
        response.end()
    }
}

/// The parts of a session that a statement uses.
struct Work<'a> {
    state: &'a State,
    user: &'a str,
    connection: &'a Connection,
    is_snapshot: &'a mut bool,
    transaction: &'a mut Option<(u64, bool)>,
    transactions: &'a mut u64,
    effect: Option<Effect>,
}

impl Work<'_> {
    fn statement(
        &mut self,
        statement: &Statement,
        parameters: &[Parameter],
        place: Place,
        response: &mut Response<'_>,
    ) -> Result<(), Failure> {
        match statement {
            Statement::Select(select) => {
                let query = {
                    let catalogue = self.state.catalogue();
                    let permissions = self.state.permissions();
                    let context = Context {
                        catalogue: &catalogue,
                        permissions: &permissions,
                        parameters,
                        user: self.user,
                        transactions: u8::from(self.transaction.is_some()),
                        min_active_rowversion: self.state.min_active_rowversion(),
                        now: now(),
                    };
                    compile::compile(&context, select)?
                };
                return self.select(&query, place, response);
            }
            Statement::Isolation { is_snapshot } => *self.is_snapshot = *is_snapshot,
            Statement::Set => {}
            Statement::Use(name) => {
                let database = self.state.catalogue().database().to_owned();
                if !name.eq_ignore_ascii_case(&database) {
                    let message = format!("Database '{name}' does not exist.");
                    return Err(SqlError::new(911, message).into());
                }
                response.token(&tokens::change(Change::Database(&database)))?;
            }
            Statement::Begin => self.begin(response)?,
            Statement::Commit { only_if_open } => {
                self.end(*only_if_open, 3902, "COMMIT", Change::Committed, response)?;
            }
            Statement::Rollback { only_if_open } => {
                self.end(
                    *only_if_open,
                    3903,
                    "ROLLBACK",
                    Change::RolledBack,
                    response,
                )?;
            }
        }
        let status = Status {
            has_more: place.has_more,
            ..Status::default()
        };
        Ok(response.token(&tokens::done(place.done, status))?)
    }

    fn begin(&mut self, response: &mut Response<'_>) -> Result<(), Failure> {
        if self.transaction.is_some() {
            let message = "sqlserver-local has no transaction inside a transaction";
            return Err(SqlError::new(50_000, message).into());
        }
        *self.transactions += 1;
        let number = *self.transactions;
        // SQLite takes its snapshot at the first read, as SQL Server does.
        if *self.is_snapshot {
            self.connection.execute_batch("BEGIN")?;
        }
        *self.transaction = Some((number, *self.is_snapshot));
        let began = Change::Began(number.to_le_bytes());
        Ok(response.token(&tokens::change(began))?)
    }

    fn end(
        &mut self,
        only_if_open: bool,
        number: u32,
        name: &str,
        change: fn([u8; 8]) -> Change<'static>,
        response: &mut Response<'_>,
    ) -> Result<(), Failure> {
        let Some((descriptor, is_snapshot)) = self.transaction.take() else {
            if only_if_open {
                return Ok(());
            }
            let message =
                format!("The {name} TRANSACTION request has no corresponding BEGIN TRANSACTION.");
            return Err(SqlError::new(number, message).into());
        };
        if is_snapshot {
            self.connection.execute_batch("ROLLBACK")?;
        }
        let ended = change(descriptor.to_le_bytes());
        Ok(response.token(&tokens::change(ended))?)
    }

    /// Ends the transaction that an error has doomed.
    fn roll_back(&mut self, response: &mut Response<'_>) -> io::Result<()> {
        match self.end(true, 3903, "ROLLBACK", Change::RolledBack, response) {
            Ok(()) => Ok(()),
            Err(Failure::Connection(error)) => Err(error),
            Err(Failure::Sql(error)) => Err(io::Error::other(error.message)),
        }
    }

    fn select(
        &mut self,
        query: &Query,
        place: Place,
        response: &mut Response<'_>,
    ) -> Result<(), Failure> {
        let is_snapshot = matches!(self.transaction, Some((_, true)));
        if query.reads_tables && is_snapshot && !self.state.allows_snapshots {
            let database = self.state.catalogue().database().to_owned();
            return Err(SqlError::new(
                3952,
                format!(
                    "Snapshot isolation transaction failed accessing database '{database}' because snapshot \
                     isolation is not allowed in this database. Use ALTER DATABASE to allow snapshot isolation."
                ),
            )
            .into());
        }
        let mut statement = self.connection.prepare_cached(&query.sql)?;
        // A constant that was converted is bound anew: SQLite does not count those behind the last one
        // that is used.
        let bindings = query.bindings.iter().take(statement.parameter_count());
        let mut rows = statement.query(params_from_iter(bindings))?;
        let mut is_described = false;
        let mut count = 0;
        let mut values = Vec::with_capacity(query.columns.len());
        loop {
            // A first row that fails comes before the description of the columns.
            let row = rows.next()?;
            if !is_described {
                is_described = true;
                response.token(&tokens::columns(&query.columns))?;
            }
            if let Some(Effect::Error { number, after_rows }) = self.effect
                && after_rows == count
            {
                self.effect = None;
                return Err(SqlError::known(number).into());
            }
            let Some(row) = row else { break };
            values.clear();
            for (i, column) in query.columns.iter().enumerate() {
                values.push(encoding::decode(row.get_ref(i)?, column.shape.of));
            }
            response.token(&tokens::row(&query.columns, &values))?;
            count += 1;
        }
        let status = Status {
            has_more: place.has_more,
            rows: Some(count),
            ..Status::default()
        };
        Ok(response.token(&tokens::done(place.done, status))?)
    }
}

/// The time as a `datetime2`: 100 ns since year 1.
fn now() -> i64 {
    const DAYS_1900_TO_1970: i64 = 25_567;
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.map_or(0, |since| since.as_nanos() / 100);
    (DAYS_TO_1900 + DAYS_1900_TO_1970) * DAY + i64::try_from(since).unwrap_or(0)
}
