//! Every end of a deployment, called again and again, and through crashes at every point.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

mod alarms;
mod artifacts;
mod batch;
mod batch_crashes;
mod cleanup;
mod crashes;
mod definition;
mod deploying;
mod failing;
mod images;
mod names;
mod owners;
mod rollbacks;
mod scaling;
mod support;
