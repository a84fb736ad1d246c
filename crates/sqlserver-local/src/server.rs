//! The server: listens, and serves each connection in a thread of its own.

use crate::Error;
use crate::certificates::{CertificateKind, Certificates};
use crate::evaluator::compile::Permissions;
use crate::faults::Fault;
use crate::protocol::tls::Tls;
use crate::session;
use crate::state::State;
use crate::store::table::Table;
use crate::store::value::Cell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// How the server is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The database's name.
    pub database: String,
    /// The login's name.
    pub user: String,
    /// Its password.
    pub password: String,
    /// Whether transactions may be SNAPSHOT.
    pub allows_snapshots: bool,
    /// The certificate that the server shows.
    pub certificate: CertificateKind,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 0,
            database: "shop".to_owned(),
            user: "reader".to_owned(),
            password: "a password for tests".to_owned(),
            allows_snapshots: true,
            certificate: CertificateKind::default(),
        }
    }
}

/// A running server. It ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    state: Arc<State>,
    port: u16,
    authority: String,
    is_ending: Arc<AtomicBool>,
    sockets: Arc<Mutex<Vec<TcpStream>>>,
    listener: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server.
    pub fn start(config: &Config) -> Result<Self, Error> {
        let certificates = Certificates::make(&config.certificate)?;
        let tls = Tls::new(&certificates.chain, &certificates.key)?;
        let logins = BTreeMap::from([(config.user.clone(), config.password.clone())]);
        let state = State::new(&config.database, config.allows_snapshots, logins)?;
        let state = Arc::new(state);
        let refused = |source| Error::Listen {
            port: config.port,
            source,
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)).map_err(refused)?;
        let port = listener.local_addr().map_err(refused)?.port();
        let is_ending = Arc::new(AtomicBool::new(false));
        let sockets = Arc::new(Mutex::new(Vec::new()));
        let accepting = Accepting {
            state: Arc::clone(&state),
            tls,
            is_ending: Arc::clone(&is_ending),
            sockets: Arc::clone(&sockets),
        };
        let listener = std::thread::spawn(move || accepting.run(&listener));
        Ok(Self {
            state,
            port,
            authority: certificates.authority,
            is_ending,
            sockets,
            listener: Some(listener),
        })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of the authority that a client must trust, in PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Adds a table.
    pub fn create(&self, table: Table) -> Result<(), Error> {
        self.state.create(table)
    }

    /// Adds rows to a table, with a cell for each of its columns but a `rowversion`, and makes its
    /// statistics anew. All are added at once, or none.
    pub fn insert(&self, table: &str, rows: &[Vec<Cell>]) -> Result<(), Error> {
        self.state.insert(table, rows)
    }

    /// Removes a table.
    pub fn drop_table(&self, table: &str) -> Result<(), Error> {
        self.state.drop_table(table)
    }

    /// Removes all rows of a table.
    pub fn truncate(&self, table: &str) -> Result<(), Error> {
        self.state.truncate(table)
    }

    /// Replaces the faults that are still to strike.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.state.faults.set(faults);
    }

    /// How many faults are still to strike.
    pub fn faults_left(&self) -> usize {
        self.state.faults.left()
    }

    /// Replaces a login's password, or adds a login.
    pub fn set_password(&self, user: &str, password: &str) {
        self.state.set_password(user, password);
    }

    /// Replaces what logins may not do.
    pub fn set_permissions(&self, permissions: Permissions) {
        self.state.set_permissions(permissions);
    }

    /// From now on `MIN_ACTIVE_ROWVERSION()` stays as if a transaction were open, or no longer.
    pub fn hold_row_versions(&self, is_held: bool) {
        self.state.hold_versions(is_held);
    }

    /// Every text that was to be run, in the order of their arrival.
    pub fn queries(&self) -> Vec<String> {
        self.state.queries()
    }

    /// Cuts every connection.
    pub fn cut_all(&self) {
        let mut sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        for socket in sockets.drain(..) {
            // One that its client has closed is gone already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_ending.store(true, Ordering::SeqCst);
        self.cut_all();
        // The listener waits for a connection: this is its last one.
        let woken = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let (Ok(_), Some(listener)) = (woken, self.listener.take()) {
            // A panic of the listener was printed where it happened.
            let _ = listener.join();
        }
    }
}

struct Accepting {
    state: Arc<State>,
    tls: Tls,
    is_ending: Arc<AtomicBool>,
    sockets: Arc<Mutex<Vec<TcpStream>>>,
}

impl Accepting {
    fn run(&self, listener: &TcpListener) {
        for socket in listener.incoming() {
            if self.is_ending.load(Ordering::SeqCst) {
                return;
            }
            let socket = match socket {
                Ok(socket) => socket,
                Err(error) => {
                    eprintln!("sqlserver-local: accepting a connection: {error}");
                    continue;
                }
            };
            if let Ok(copy) = socket.try_clone() {
                let mut sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
                sockets.push(copy);
            }
            let state = Arc::clone(&self.state);
            let tls = self.tls.clone();
            std::thread::spawn(move || {
                // A client that goes away, or a fault that cuts it off, ends its thread.
                if let Err(error) = session::serve(&state, &tls, socket)
                    && error.kind() == std::io::ErrorKind::InvalidData
                {
                    eprintln!("sqlserver-local: {error}");
                }
            });
        }
    }
}
