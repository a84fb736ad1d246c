//! JSON logs in the form of Lambda's JSON log format: `timestamp` (RFC 3339), `level`, `message`.

use crate::serve::parsed;
use tracing_subscriber::EnvFilter;

/// Says which events are logged.
const FILTER: &str = "MILLRACE_LOG";

/// Sends `tracing` events to standard output as JSON lines. `MILLRACE_LOG` filters them, such as
/// `info` (the default) or `debug,aws_smithy_runtime=warn`.
///
/// # Errors
/// If `MILLRACE_LOG` cannot be read as a filter: the function then does not start.
pub fn init() -> Result<(), crate::Error> {
    let filter = std::env::var(FILTER).unwrap_or_else(|_| "info,aws_config=warn".to_owned());
    let filter: EnvFilter = parsed(FILTER, &filter)?;
    // The runtime may call a handler's init again after a snapshot; a second subscriber is refused,
    // and the first one stays.
    let _already_there = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(std::io::stdout)
        .try_init();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_is_named() {
        for good in ["info", "debug,aws_smithy_runtime=warn"] {
            assert!(parsed::<EnvFilter>(FILTER, good).is_ok(), "{good}");
        }
        let error = parsed::<EnvFilter>(FILTER, "info,aws=loud").unwrap_err();
        assert!(
            error.contains("MILLRACE_LOG is \"info,aws=loud\""),
            "{error}"
        );
    }
}
