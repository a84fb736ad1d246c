//! The signals that ask to end. It must not know what is to be ended.

use tokio::signal::unix::{SignalKind, signal};

/// A signal that asks to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndSignal {
    /// Ctrl-C.
    Interrupt,
    /// As `kill` sends it.
    Terminate,
    /// The terminal is gone.
    HangUp,
}

impl EndSignal {
    /// The exit code that a shell would give the signal.
    pub const fn exit_code(self) -> u8 {
        128 + match self {
            Self::HangUp => 1,
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }
}

/// Waits for a signal that asks to end. From the first call on such signals no longer end the
/// process by themselves.
pub async fn asked_to_end() -> std::io::Result<EndSignal> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(tokio::select! {
        _ = interrupt.recv() => EndSignal::Interrupt,
        _ = terminate.recv() => EndSignal::Terminate,
        _ = hang_up.recv() => EndSignal::HangUp,
    })
}
