//! The commands: each reads its options, calls the library, and prints.

mod convert;
mod definitions;
mod deploy;
mod init;
mod lake;
mod local;
mod maintenance;
mod plan;
mod replay;
mod run;
mod upload;

use crate::failure::Failure;
use crate::session::{Session, print, print_json};
use ::lake::records::ApprovalDecision;
use clap::CommandFactory;
use millrace::arguments::{Arguments, Command, Completions, Doctor};
use millrace::doctor;

/// Runs a command to its end.
pub async fn run(command: Command, session: &Session) -> Result<(), Failure> {
    match command {
        Command::Demo(arguments) => Box::pin(local::demo(arguments, session)).await,
        Command::Deploy(arguments) => Box::pin(deploy::deploy(arguments, session)).await,
        Command::Local(arguments) => local::local(arguments, session).await,
        Command::Validate(arguments) => Box::pin(definitions::validate(arguments, session)).await,
        Command::Init(arguments) => Box::pin(init::init(arguments, session)).await,
        Command::Plan(arguments) => Box::pin(plan::plan(arguments, session)).await,
        Command::Convert(arguments) => Box::pin(convert::convert(arguments, session)).await,
        Command::Push(arguments) => definitions::push(arguments, session).await,
        Command::Pull(arguments) => definitions::pull(arguments, session).await,
        Command::Diff(arguments) => definitions::diff(arguments, session).await,
        Command::Start(arguments) => run::start(arguments, session).await,
        Command::Watch(arguments) => run::watch(arguments, session).await,
        Command::Status(arguments) => run::status(arguments, session).await,
        Command::Runs(arguments) => run::list(arguments, session).await,
        Command::Logs(arguments) => run::logs(arguments, session).await,
        Command::Stop(arguments) => run::stop(arguments, session).await,
        Command::Redrive(arguments) => run::redrive(arguments, session).await,
        Command::Verify(arguments) => lake::verify(arguments, session).await,
        Command::Restore(arguments) => Box::pin(lake::restore(arguments, session)).await,
        Command::Report(arguments) => lake::report(arguments, session).await,
        Command::Approve(arguments) => {
            lake::decide(arguments, ApprovalDecision::Approved, session).await
        }
        Command::Reject(arguments) => {
            lake::decide(arguments, ApprovalDecision::Rejected, session).await
        }
        Command::Predict(arguments) => Box::pin(lake::predict(arguments, session)).await,
        Command::Encode(arguments) => lake::encode(arguments, session).await,
        Command::Rollback(arguments) => Box::pin(maintenance::roll_back(arguments, session)).await,
        Command::Clean(arguments) => Box::pin(maintenance::clean(arguments, session)).await,
        Command::Upload(arguments) => Box::pin(upload::upload(arguments, session)).await,
        Command::Replay(arguments) => Box::pin(replay::replay(arguments, session)).await,
        Command::Doctor(arguments) => doctor(arguments).await,
        Command::Schemas(arguments) => local::schemas(&arguments),
        Command::Completions(arguments) => completions(&arguments),
        Command::Man => manual(),
    }
}

async fn doctor(arguments: Doctor) -> Result<(), Failure> {
    let diagnosis = doctor::diagnose(arguments.place).await;
    if arguments.json {
        print_json(&diagnosis)?;
    } else {
        print(&diagnosis.text())?;
    }
    match diagnosis.exit() {
        None => Ok(()),
        Some(exit) => Err(Failure::Ill(exit)),
    }
}

fn completions(arguments: &Completions) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        "millrace",
        &mut text,
    );
    print(&String::from_utf8_lossy(&text))
}

fn manual() -> Result<(), Failure> {
    let mut text = Vec::new();
    let page = clap_mangen::Man::new(Arguments::command());
    page.render(&mut text).map_err(Failure::Output)?;
    print(&String::from_utf8_lossy(&text))
}
