//! Signals that ask the process to end.

use tokio::signal::unix::{SignalKind, signal};

/// A signal that asks the process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndSignal {
    /// Ctrl-C.
    Interrupt,
    /// The default of `kill`.
    Terminate,
    /// The terminal was closed.
    HangUp,
}

impl EndSignal {
    /// The exit code by which shells report the signal.
    pub const fn exit_code(self) -> u8 {
        128 + match self {
            Self::HangUp => 1,
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }
}

/// Waits for a signal that asks the process to end. From the first call on, such signals no longer
/// end the process by themselves.
pub async fn wait_for_signal() -> std::io::Result<EndSignal> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(tokio::select! {
        _ = interrupt.recv() => EndSignal::Interrupt,
        _ = terminate.recv() => EndSignal::Terminate,
        _ = hang_up.recv() => EndSignal::HangUp,
    })
}
