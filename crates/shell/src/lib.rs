//! Serves a handler on the Lambda Runtime API: typed errors, JSON logs, metrics
