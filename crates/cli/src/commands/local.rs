//! The commands that need no AWS account.

use crate::failure::Failure;
use crate::session::{Session, print};
use millrace::arguments::{Demo, Local, Schemas};
use millrace::demo::{self, Algorithm, Settings};
use millrace::local::{self, Options, workspace_root};
use millrace::progress::Progress;
use millrace::schemas;

pub async fn demo(demo: Demo, session: &Session) -> Result<(), Failure> {
    if demo.images {
        return Box::pin(demo_of_images(demo, session)).await;
    }
    let algorithm = demo.local.algorithm;
    let settings = Settings {
        algorithm,
        items: demo.items,
        seed: demo.seed,
        user: demo.user,
        source: demo.source,
        incremental: demo.incremental,
    };
    settings.check()?;
    let progress = session.progress();
    let mut options = options(demo.local, progress.clone());
    if let Some((name, value)) = settings.source.parameter() {
        options.parameters.insert(name.to_owned(), value.to_owned());
    }
    let (local, summary) = if settings.incremental {
        let local = demo::incremental::start(&options).await?;
        let ended = demo::incremental::run(&local, &settings, &progress).await?;
        print(&format!("\n{ended}"))?;
        (local, ended.second)
    } else {
        let local = local::Local::start(&options).await?;
        let summary = demo::run(&local, &settings, &progress).await?;
        print(&format!("\n{summary}"))?;
        (local, summary)
    };
    if demo.keep {
        let endpoint = summary.output.endpoint.as_deref().unwrap_or_default();
        print(&format!("\n{}", demo::hints(&local, endpoint, algorithm)))?;
        std::future::pending::<()>().await;
    }
    local.stop().await?;
    Ok(())
}

async fn demo_of_images(demo: Demo, session: &Session) -> Result<(), Failure> {
    let progress = session.progress();
    let local = local::Local::start(&options(demo.local, progress.clone())).await?;
    let summary = Box::pin(demo::images::run(&local, &progress)).await?;
    print(&format!("\n{summary}"))?;
    if demo.keep {
        let endpoint = summary.output.endpoint.as_deref().unwrap_or_default();
        print(&format!("\n{}", demo::hints_of_images(&local, endpoint)))?;
        std::future::pending::<()>().await;
    }
    local.stop().await?;
    Ok(())
}

fn options(arguments: Local, progress: Progress) -> Options {
    let mut options = Options::new(progress);
    options.workspace = arguments.workspace.workspace;
    options.build = !arguments.no_build;
    options.xgboost = arguments.algorithm == Algorithm::Xgboost;
    options
}

pub async fn local(arguments: Local, session: &Session) -> Result<(), Failure> {
    let algorithm = arguments.algorithm;
    let local = local::Local::start(&options(arguments, session.progress())).await?;
    let definition = demo::definition_of(algorithm);
    let endpoint = definition.endpoint().name.as_deref().unwrap_or_default();
    print(&format!("\n{}", demo::hints(&local, endpoint, algorithm)))?;
    std::future::pending().await
}

pub fn schemas(arguments: &Schemas) -> Result<(), Failure> {
    let root = workspace_root(arguments.workspace.workspace.as_deref())?;
    if arguments.check {
        return Ok(schemas::check(&root)?);
    }
    for file in schemas::write(&root)? {
        print(&format!("{file}\n"))?;
    }
    Ok(())
}
