//! Waits for a database server that was started.

use super::LocalError;
use sagemaker_local::ProcessGroup;
use std::path::Path;
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_mins(1);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Waits until a server is ready. Fails with the last line of its log if it ends before, or takes
/// too long.
pub async fn wait_until_ready(
    group: &mut ProcessGroup,
    log: &Path,
    is_ready: impl AsyncFn() -> bool,
) -> Result<(), LocalError> {
    let begun = Instant::now();
    while begun.elapsed() < TIMEOUT && group.is_running() {
        if is_ready().await {
            return Ok(());
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Err(LocalError::NotReady {
        last_line: sagemaker_local::log::last_line(log),
        log: log.to_owned(),
    })
}
