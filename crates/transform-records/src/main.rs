//! Wires `transform-records` to the Lambda Runtime API.

use std::cell::RefCell;
use transform_records::{Conditions, Required};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_shell::Error> {
    lambda_shell::init()?;
    let pipeline = lambda_shell::env("EVENTS_PIPELINE")?;
    let Required(required) = lambda_shell::env_as("EVENTS_REQUIRED")?;
    let Conditions(conditions) = lambda_shell::env_as("EVENTS_WHERE")?;
    let transform = events::Transform::new(&required, &conditions);
    let transform = RefCell::new(transform.map_err(|error| contract::chain(&error))?);
    lambda_shell::serve_events(async |invocation, _| {
        let mut transform = transform.borrow_mut();
        transform_records::handle(&mut transform, &pipeline, invocation.as_bytes())
    })
    .await
}
