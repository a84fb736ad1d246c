//! A server whose name stands for another address after a failover.

use database::{Drivers, Resolve};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The host of two machines, of which one at a time answers.
const MACHINES: [Ipv4Addr; 2] = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2)];

/// A DNS server's answers, which change.
#[derive(Clone, Default)]
pub struct Dns {
    machine: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
    /// The only name that there is.
    host: String,
}

impl Dns {
    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Resolve for Dns {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        assert_eq!(host, self.host);
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(vec![MACHINES[self.machine.load(Ordering::SeqCst)].into()])
    }
}

/// Two machines on the same port, with the same database behind them.
pub struct Machines {
    pub port: u16,
    pub dns: Dns,
    behind: u16,
    open: Mutex<Option<Machine>>,
    /// Connections that each machine accepted.
    accepted: [Arc<AtomicUsize>; 2],
}

/// A machine that answers. What it passes on ends with it.
struct Machine {
    accepting: JoinHandle<()>,
    passing: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.accepting.abort();
        let mut passing = self.passing.lock().unwrap_or_else(PoisonError::into_inner);
        passing.drain(..).for_each(|one| one.abort());
    }
}

impl Machines {
    /// Two machines in front of a server on 127.0.0.1, the first of which answers to `host`.
    pub async fn start(behind: u16, host: &str) -> Self {
        let first = TcpListener::bind((MACHINES[0], 0)).await.unwrap();
        let port = first.local_addr().unwrap().port();
        let machines = Self {
            port,
            dns: Dns {
                host: host.to_owned(),
                ..Dns::default()
            },
            behind,
            open: Mutex::default(),
            accepted: Default::default(),
        };
        machines.open(first, 0);
        machines
    }

    /// The drivers, which ask this DNS.
    pub fn drivers(&self, patience: Duration) -> Drivers<Dns> {
        Drivers {
            patience,
            resolver: self.dns.clone(),
        }
    }

    /// Connections that each machine has accepted.
    pub fn accepted(&self) -> [usize; 2] {
        [0, 1].map(|machine: usize| self.accepted[machine].load(Ordering::SeqCst))
    }

    /// The machine that answers is gone with its connections. The other one answers after a while,
    /// and then the name stands for it.
    pub async fn fail_over(&self, after: Duration) {
        let other = 1 - self.dns.machine.load(Ordering::SeqCst);
        let gone = self
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(gone);
        // No attempt to connect is made before the other one answers, if it does at once.
        if !after.is_zero() {
            tokio::time::sleep(after).await;
        }
        let listener = TcpListener::bind((MACHINES[other], self.port))
            .await
            .unwrap();
        self.open(listener, other);
        self.dns.machine.store(other, Ordering::SeqCst);
    }

    fn open(&self, listener: TcpListener, machine: usize) {
        let passing: Arc<Mutex<Vec<JoinHandle<()>>>> = Arc::default();
        let (all, behind) = (passing.clone(), self.behind);
        let accepted = self.accepted[machine].clone();
        let accepting = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                accepted.fetch_add(1, Ordering::SeqCst);
                let pass = tokio::spawn(async move {
                    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, behind)).await;
                    if let Ok(mut server) = server {
                        // Either side may end it.
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    }
                });
                all.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(pass);
            }
        });
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        *open = Some(Machine { accepting, passing });
    }
}
