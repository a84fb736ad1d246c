//! `millrace`: parses the command line, runs one command until it ends or a signal arrives, and
//! prints an error in a few lines.

mod commands;
mod failure;
mod session;

use clap::Parser;
use failure::Failure;
use millrace::arguments::Arguments;
use millrace::exit::{self, Explain};
use millrace::signals::EndSignals;
use session::Session;
use std::io::Write;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(filter(arguments.general.verbose))
        .with_writer(std::io::stderr)
        .init();
    let session = Session::new(arguments.general);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Failure::Runtime(error), &session),
    };
    let code = runtime.block_on(async {
        // Before the command begins, which may print a line before it waits for anything.
        let mut signals = match EndSignals::catch() {
            Ok(signals) => signals,
            Err(error) => return fail(&Failure::Signals(error), &session),
        };
        tokio::select! {
            // Dropping the command ends the processes that it started.
            signal = signals.next() => {
                session.farewell();
                ExitCode::from(signal.exit_code())
            }
            outcome = commands::run(arguments.command, &session) => match outcome {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => fail(&failure, &session),
            },
        }
    });
    drop(runtime);
    code
}

/// `RUST_LOG` decides, if it is set.
fn filter(is_verbose: bool) -> EnvFilter {
    if is_verbose && std::env::var_os("RUST_LOG").is_none() {
        // Connections and bytes say nothing that a person looks for.
        EnvFilter::new("debug,hyper=info,hyper_util=info,rustls=info,h2=info")
    } else {
        EnvFilter::from_default_env()
    }
}

/// Prints the error with its causes, its place, and what to do.
fn fail(failure: &Failure, session: &Session) -> ExitCode {
    // A reader that closes standard output early, such as `head`, has all that it wants.
    if failure.is_closed_output() {
        return ExitCode::SUCCESS;
    }
    let text = exit::text(failure, session.place().as_deref());
    // A closed standard error leaves no place to report to.
    let _ = std::io::stderr().write_all(text.as_bytes());
    ExitCode::from(failure.kind().exit().code())
}
