//! JSON logs in the form of Lambda's JSON log format: `timestamp` (RFC 3339), `level`, `message`.

use tracing_subscriber::EnvFilter;

/// Sends `tracing` events to standard output as JSON lines. `MILLRACE_LOG` filters them, such as
/// `info` (the default) or `debug,aws_smithy_runtime=warn`.
pub fn init() {
    let filter = EnvFilter::try_from_env("MILLRACE_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,aws_config=warn"));
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
}
