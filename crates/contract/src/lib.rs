//! What crosses a state boundary: the pipeline definition, each state's input and output, and the
//! error names. It must not do I/O and must not know any service's SDK.

pub mod definition;
mod error;
mod invocation;
mod names;
pub mod read;
mod schemas;
pub mod states;
mod validate;
mod validate_filter;

pub use definition::Definition;
pub use error::{ErrorName, Named, ServiceError, chain, one_line};
pub use invocation::Invocation;
pub use names::{Names, RunId};
pub use schemas::schemas;
pub use validate::FieldError;
