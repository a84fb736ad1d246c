//! What a command leaves for its end: the place for an error, and a last word for a signal.

use crate::failure::Failure;
use millrace::arguments::General;
use millrace::place::{Options, Place};
use millrace::progress::Progress;
use serde::Serialize;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One run of the program.
#[derive(Debug, Default)]
pub struct Session {
    general: General,
    place: Mutex<Option<String>>,
    farewell: Mutex<Option<String>>,
}

fn locked(text: &Mutex<Option<String>>) -> MutexGuard<'_, Option<String>> {
    text.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// With these options.
    pub fn new(general: General) -> Self {
        Self {
            general,
            ..Self::default()
        }
    }

    /// Shows progress on standard error, unless the person wants none.
    pub fn progress(&self) -> Progress {
        if self.general.quiet {
            return Progress::quiet();
        }
        let is_terminal = std::io::stderr().is_terminal();
        Progress::to_stderr(is_terminal && self.general.color.is_on(is_terminal))
    }

    /// Whether standard output has colours.
    pub fn is_coloured(&self) -> bool {
        self.general.color.is_on(std::io::stdout().is_terminal())
    }

    /// A hint for a person, on standard error.
    pub fn say(&self, line: &str) {
        if !self.general.quiet {
            // A closed standard error leaves no place to report to.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    /// Checks that standard input may be read: a person may have to be asked for it.
    pub fn may_read_input(&self) -> Result<(), Failure> {
        if self.general.no_input && std::io::stdin().is_terminal() {
            return Err(Failure::NoInput);
        }
        Ok(())
    }

    /// Finds the place, and keeps its name for an error.
    pub async fn find(&self, options: Options) -> Result<Place, Failure> {
        let place = Place::find(options).await?;
        *locked(&self.place) = Some(place.to_string());
        Ok(place)
    }

    /// The place, once it was found.
    pub fn place(&self) -> Option<String> {
        locked(&self.place).clone()
    }

    /// Keeps a line to print if a signal ends the command.
    pub fn on_signal(&self, line: String) {
        *locked(&self.farewell) = Some(line);
    }

    /// Prints the line for a signal.
    pub fn farewell(&self) {
        if let Some(line) = locked(&self.farewell).take() {
            self.say(&format!("\n{line}"));
        }
    }
}

/// Does work that may wait for a person or a pipe, such as reading standard input, on a thread of
/// its own: a signal ends the command meanwhile. The thread ends with the process.
pub async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // Nobody waits for the result after a signal.
        let _ = done.send(work());
    });
    result.await.expect("the thread sends its result or panics")
}

/// Writes text to standard output.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut output = std::io::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .map_err(Failure::Output)
}

/// Writes text for a person to standard error, also with --quiet: what is wrong, or a question.
pub fn complain(text: &str) {
    // A closed standard error leaves no place to report to.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Writes a document to standard output as indented JSON.
pub fn print_json(document: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(document);
    let text = text.expect("the documents have text keys and no fallible serialisers");
    print(&format!("{text}\n"))
}
