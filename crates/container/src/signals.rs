//! The signals that end this program. It has to catch them, because the first process of a
//! container has no default action for them.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Error;

/// SIGTERM, which SageMaker sends, and SIGINT, which a terminal sends.
#[derive(Debug)]
pub struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    /// Catches the signals from now on.
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

    /// Waits for a signal, and returns its name.
    pub async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
