//! The definitions of a folder and of the lake: pushed, pulled and compared.
//!
//! Pulling and pushing record the version of the lake's definition ([`Known`]). A push replaces only
//! the version that the folder knows, so that of two people who change a definition the second one
//! sees the first one's change before it is lost.

mod changes;
mod error;
mod known;
mod local;
mod moved;
mod sync;

pub(crate) use changes::changes;
pub use changes::{Change, Difference, Differences};
pub use error::DefinitionsError;
pub use known::Known;
pub use local::{Local, read_valid};
pub use moved::{AllPulled, AllPushed, OnePulled, OnePushed};
pub use sync::{Pulled, Pushed, compare, pull, push};
