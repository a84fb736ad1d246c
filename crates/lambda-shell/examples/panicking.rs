//! A function with a defect: it divides by what it is given. What becomes of a panic is seen by driving it.

use contract::{Invocation, ServiceError};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    divisor: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_shell::Error> {
    lambda_shell::init()?;
    lambda_shell::serve(async |input: Input, _: Invocation| {
        Ok::<_, ServiceError>(42 / input.divisor)
    })
    .await
}
