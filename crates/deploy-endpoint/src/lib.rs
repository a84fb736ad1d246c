//! Brings a run's model into service: model, configuration, endpoint, a real request, the record; or
//! model, transform job, predictions, the record.
//!
//! It must not know how the model was trained nor why it was promoted.

mod batch;
mod champion;
mod cleanup;
mod error;
mod look;
mod predictions;
mod promoted;
mod scorer;
mod server;
mod settings;
mod smoke;
mod transition;
mod wanted;

pub use error::DeployEndpointError;
pub use settings::Settings;

use contract::Invocation;
use contract::states::{DeployEndpointOutput, JobInput};
use lake::records::DeploymentRecord;
use lake::{ObjectStore, RunKeys, documents};
use look::Look;
use promoted::Promoted;
use sagemaker_ports::{Endpoints, Invoke, Scaling, Transforms};
use scorer::Scorer;
use server::Server;

/// One look at the run's endpoint, which is created or updated by the first, and verified and
/// recorded by the one that finds it in service; where the pipeline scores in one go, at its transform job.
///
/// # Errors
/// If the endpoint cannot be brought to serve the run's model, or does not answer a real request; if the
/// transform job fails, or leaves other predictions than one for each row.
pub async fn handle<S: Endpoints + Invoke + Transforms>(
    store: &impl ObjectStore,
    sagemaker: &S,
    scaling: &impl Scaling,
    settings: &Settings,
    input: JobInput,
    _invocation: Invocation,
) -> Result<DeployEndpointOutput, DeployEndpointError> {
    let run = RunKeys::new(&input.pipeline, &input.run);
    let done: Option<DeploymentRecord> =
        documents::read_if_there(store, &run.deployment(), "the record of a deployment").await?;
    if let Some(done) = done {
        return Ok(Look::done(&done).of(&run));
    }
    let promoted = Promoted::read(store, &run).await?;
    let look = if let Some(batch) = &promoted.plan.definition.batch {
        let scorer = Scorer {
            store,
            sagemaker,
            settings,
            run: &run,
            redrives: input.execution.redrive_count,
            batch,
        };
        scorer.step(&promoted).await?
    } else {
        let server = Server {
            store,
            sagemaker,
            scaling,
            settings,
            run: &run,
        };
        server.step(&promoted).await?
    };
    Ok(look.of(&run))
}
