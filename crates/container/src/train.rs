//! `train` as a process: a signal ends it at once, and a failure is written where SageMaker reads
//! it.

use crate::{Claim, Error, Stop, Tree, one_line};
use std::sync::Arc;

/// Trains on a thread of its own, so that a signal ends the program at once; writes
/// `output/failure` if it fails. `run` claims the writing of its model.
pub async fn train<E, F>(tree: Tree, run: F) -> Result<(), E>
where
    E: std::error::Error + From<Error> + Send + 'static,
    F: FnOnce(&Tree, &Claim) -> Result<(), E> + Send + 'static,
{
    let claim = Arc::new(Claim::default());
    let mut stop = Stop::install()?;
    let mut run = {
        let (tree, claim) = (tree.clone(), Arc::clone(&claim));
        tokio::task::spawn_blocking(move || run(&tree, &claim))
    };
    let ended = tokio::select! {
        ended = &mut run => ended,
        signal = stop.wait() => {
            if claim.stop() {
                Ok(Err(Error::Stopped { signal }.into()))
            } else {
                run.await
            }
        }
    };
    let done = ended.unwrap_or_else(|panic| {
        let reason = panic.to_string();
        Err(Error::Bug { reason }.into())
    });
    if let Err(error) = &done {
        tree.write_failure(&one_line(error))?;
    }
    done
}
