//! Deploys a run's model: model, configuration, endpoint, a real request, the record; or model,
//! transform job, predictions, the record.

mod batch;
mod champion;
mod cleanup;
mod desired;
mod error;
mod guardrails;
mod image_sample;
mod predictions;
mod progress;
mod promoted;
mod scorer;
mod server;
mod settings;
mod smoke;
mod smoke_images;
mod transition;

pub use error::DeployEndpointError;
pub use settings::Settings;

use contract::Invocation;
use contract::states::{DeployEndpointOutput, JobInput};
use lake::records::DeploymentRecord;
use lake::{PagedStore, RunKeys, documents};
use progress::Progress;
use promoted::Promoted;
use sagemaker_ports::{Alarms, Endpoints, Invoke, Scaling, Transforms};
use scorer::Scorer;
use server::Server;

/// Polls the run's endpoint, or its transform job if the pipeline scores a batch. The first call
/// creates or updates; the call that finds the endpoint in service verifies and records it.
///
/// # Errors
/// If the endpoint cannot serve the run's model or does not answer a real request; if the transform
/// job fails, or its output is not one prediction for each row.
pub async fn handle<S: Endpoints + Invoke + Transforms>(
    store: &impl PagedStore,
    sagemaker: &S,
    scaling: &impl Scaling,
    alarms: &impl Alarms,
    settings: &Settings,
    input: JobInput,
    _invocation: Invocation,
) -> Result<DeployEndpointOutput, DeployEndpointError> {
    let run = RunKeys::new(&input.pipeline, &input.run);
    let deployed: Option<DeploymentRecord> =
        documents::read_if_there(store, &run.deployment(), "the record of a deployment").await?;
    if let Some(deployed) = deployed {
        return Ok(Progress::done(&deployed).into_output(&run));
    }
    let promoted = Promoted::read(store, &run).await?;
    let progress = if let Some(batch) = &promoted.plan.definition.batch {
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
            alarms,
            settings,
            run: &run,
        };
        server.step(&promoted).await?
    };
    Ok(progress.into_output(&run))
}
