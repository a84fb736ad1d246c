//! The signals that end this program. They are caught rather than left to the system, because a
//! container's first process has no default for them.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Error;

/// SIGTERM, as SageMaker sends it, and SIGINT, as a terminal does.
#[derive(Debug)]
pub struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    /// Catches the signals from here on.
    pub fn install() -> Result<Self, Error> {
        let catch = |kind| {
            signal(kind).map_err(|source| Error::Io {
                action: "catching signals of",
                path: "this process".into(),
                source,
            })
        };
        Ok(Self {
            terminate: catch(SignalKind::terminate())?,
            interrupt: catch(SignalKind::interrupt())?,
        })
    }

    /// Waits for one of them and names it.
    pub async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
