//! The commands that put right what runs and streams left.

use crate::failure::Failure;
use crate::session::{Session, print, print_json};
use aws::autoscaling::AutoScaling;
use aws::sagemaker::SageMaker;
use millrace::arguments::{Clean, Rollback};
use millrace::rollback::{self, Request};
use millrace::{clean, runs};

pub async fn roll_back(arguments: Rollback, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let store = place.lake().await?;
    let to = match &arguments.to {
        Some(name) => Some(runs::found_in_lake(&place, name).await?.run),
        None => None,
    };
    let sagemaker = SageMaker::new(place.config());
    let scaling = AutoScaling::new(place.config());
    let step = session.progress().step("Rollback");
    let request = Request::new(place.pipeline().to_owned(), to);
    let rolled = rollback::roll_back(&store, &sagemaker, &scaling, &request, &step);
    let outcome = Box::pin(rolled).await?;
    let config = outcome.champion.endpoint_config.as_deref();
    step.done(config.unwrap_or_default());
    if arguments.json {
        return print_json(&rollback::Document::of(&outcome));
    }
    print(&format!("{outcome}\n"))
}

pub async fn clean(arguments: Clean, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let store = place.lake().await?;
    let sagemaker = SageMaker::new(place.config());
    let pipeline = place.pipeline();
    let plans = clean::plan(&store, &sagemaker, pipeline, arguments.keep).await?;
    if !arguments.dry_run {
        clean::remove(&store, &sagemaker, pipeline, &plans).await?;
    }
    if arguments.json {
        return print_json(&clean::Document::of(&plans, !arguments.dry_run));
    }
    print(&clean::summary(&plans, !arguments.dry_run))
}
