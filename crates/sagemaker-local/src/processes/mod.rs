//! Programs of this machine: process groups, logs, ports, a private `/opt/ml`.

mod group;
pub mod log;
pub mod opt_ml;
pub mod orphans;
pub mod port;
pub mod program;

pub use group::ProcessGroup;
