//! Deploys the SAM template to local AWS through CloudFormation, from the file that is deployed to
//! AWS.

mod deploy;
mod package;

pub use deploy::{Stack, deploy};
pub use package::{Source, without_unsupported};
