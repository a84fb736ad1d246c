//! The commands that move definitions between files and the lake.

use crate::failure::Failure;
use crate::session::{Session, print, print_json};
use lake::{ObjectStore, keys};
use millrace::arguments::{Diff, Pull, Push};
use millrace::definitions::{self, DefinitionsError, Local, Pulled, Pushed};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

pub async fn push(arguments: Push, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let store = place.lake().await?;
    let bucket = store.bucket().to_owned();
    let mut lines = String::new();
    let done = |file: &Local, pushed: Pushed| {
        let what = match pushed {
            Pushed::Created => "created",
            Pushed::Replaced => "replaced",
            Pushed::Unchanged => "unchanged",
        };
        let key = keys::definition(&file.pipeline);
        // Writing to memory cannot fail.
        let _ = writeln!(lines, "{what} s3://{bucket}/{key}");
    };
    let outcome = definitions::push(&store, &arguments.files, arguments.replace, done).await;
    print(&lines)?;
    ended(lines.lines().count(), outcome)
}

pub async fn pull(arguments: Pull, session: &Session) -> Result<(), Failure> {
    let Pull {
        pipelines,
        to,
        replace,
        place,
    } = arguments;
    let place = session.find(place).await?;
    let store = place.lake().await?;
    let mut lines = String::new();
    let done = |path: &Path, pulled: Pulled| {
        let what = match pulled {
            Pulled::Created => "created",
            Pulled::Replaced => "replaced",
            Pulled::Unchanged => "unchanged",
        };
        // Writing to memory cannot fail.
        let _ = writeln!(lines, "{what} {}", path.display());
    };
    let outcome = definitions::pull(&store, &pipelines, &to, replace, done).await;
    print(&lines)?;
    ended(lines.lines().count(), outcome)
}

/// Shows the faults of definitions. The first one that cannot be moved ends the command.
fn ended(done: usize, outcome: Result<(), DefinitionsError>) -> Result<(), Failure> {
    if let Some(faults) = outcome.as_ref().err().and_then(DefinitionsError::faults) {
        // A closed standard error leaves no place to report to.
        let _ = std::io::stderr().write_all(faults.as_bytes());
    }
    match outcome {
        Err(source) if done > 0 => Err(Failure::Partly { done, source }),
        outcome => Ok(outcome?),
    }
}

pub async fn diff(arguments: Diff, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let differences = definitions::compare(&place.lake().await?, &arguments.files).await?;
    if arguments.json {
        print_json(&differences)?;
    } else {
        print(&differences.text())?;
    }
    match differences.count() {
        0 => Ok(()),
        count => Err(DefinitionsError::Differ {
            count,
            all: differences.definitions.len(),
        }
        .into()),
    }
}
