//! Wires the commands that change resources of SageMaker.

use crate::arguments::{Clean, Rollback};
use crate::{Failure, print};
use aws::autoscaling::AutoScaling;
use aws::s3::S3Store;
use aws::sagemaker::SageMaker;
use millrace::clean;
use millrace::progress::Progress;
use millrace::rollback::{self, Request};

pub async fn roll_back(arguments: Rollback) -> Result<(), Failure> {
    let config = aws::load().await;
    let (store, sagemaker) = (
        S3Store::new(&config, arguments.of.bucket),
        SageMaker::new(&config),
    );
    let scaling = AutoScaling::new(&config);
    let step = Progress::to_stderr().step("Rollback");
    let request = Request::new(arguments.of.pipeline, arguments.to);
    let outcome = rollback::roll_back(&store, &sagemaker, &scaling, &request, &step).await?;
    let config = outcome.champion.endpoint_config.as_deref();
    step.done(config.unwrap_or_default());
    print(&format!("{outcome}\n"))
}

pub async fn clean(arguments: Clean) -> Result<(), Failure> {
    let config = aws::load().await;
    let (store, sagemaker) = (
        S3Store::new(&config, arguments.of.bucket),
        SageMaker::new(&config),
    );
    let pipeline = arguments.of.pipeline;
    let plans = clean::plan(&store, &sagemaker, &pipeline, arguments.keep).await?;
    if !arguments.dry_run {
        clean::remove(&store, &sagemaker, &pipeline, &plans).await?;
    }
    print(&clean::summary(&plans, !arguments.dry_run))
}
