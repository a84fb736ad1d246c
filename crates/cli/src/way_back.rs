//! The wiring of the commands that change what is at SageMaker.

use crate::arguments::{Clean, Rollback};
use crate::{Failure, print};
use aws::autoscaling::AutoScaling;
use aws::s3::S3Store;
use aws::sagemaker::SageMaker;
use millrace::clean;
use millrace::progress::Progress;
use millrace::rollback::{self, Wish};

pub async fn roll_back(wishes: Rollback) -> Result<(), Failure> {
    let config = aws::load().await;
    let (store, sagemaker) = (
        S3Store::new(&config, wishes.of.bucket),
        SageMaker::new(&config),
    );
    let scaling = AutoScaling::new(&config);
    let step = Progress::to_stderr().step("Rollback");
    let wish = Wish::new(wishes.of.pipeline, wishes.to);
    let outcome = rollback::roll_back(&store, &sagemaker, &scaling, &wish, &step).await?;
    let config = outcome.champion.endpoint_config.as_deref();
    step.done(config.unwrap_or_default());
    print(&format!("{outcome}\n"))
}

pub async fn clean_up(wishes: Clean) -> Result<(), Failure> {
    let config = aws::load().await;
    let (store, sagemaker) = (
        S3Store::new(&config, wishes.of.bucket),
        SageMaker::new(&config),
    );
    let pipeline = wishes.of.pipeline;
    let plans = clean::plan(&store, &sagemaker, &pipeline, wishes.keep).await?;
    if !wishes.dry_run {
        clean::carry_out(&store, &sagemaker, &pipeline, &plans).await?;
    }
    print(&clean::summary(&plans, !wishes.dry_run))
}
