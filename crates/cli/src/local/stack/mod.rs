//! Deploys the SAM template to local AWS, as CloudFormation and from the same file that is deployed
//! to the real one. It must not know which resources the template has.

mod deploy;
mod package;
mod yaml;

pub use deploy::{Stack, deploy};
pub use package::Source;
