//! Runs: found by a name, listed, shown, started, stopped and redriven.

mod detail;
mod error;
mod find;
mod log;
mod name;
mod row;
mod start;

pub use detail::{Children, Detail, StepRow};
pub use error::RunError;
pub(crate) use find::in_lake;
pub use find::{Found, execution, found_in_lake, of_execution};
pub use log::{function, group as log_group};
pub use name::RunName;
pub(crate) use row::rfc3339;
pub use row::{ErrorRow, List, Row, list};
pub use start::{Changed, Input, Setting, Started, execution_name, start};
