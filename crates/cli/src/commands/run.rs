//! The commands that start, watch and stop runs.

use crate::failure::Failure;
use crate::session::{Session, print, print_json};
use aws::sagemaker::SageMaker;
use contract::{ExecutionStatus, RunId};
use millrace::arguments::{Logs, OfRun, Redrive, Runs, Start, Stop, Watch};
use millrace::execution::{Execution, HistoryOnly, Resources};
use millrace::logs;
use millrace::place::{Place, PlaceError};
use millrace::runs::{self, Changed, Detail, Found, Input, RunError, RunName};

pub async fn start(arguments: Start, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let input = Input {
        overrides: match arguments.input {
            serde_json::Value::Object(overrides) => overrides,
            _ => serde_json::Map::new(),
        },
        settings: arguments.set,
    };
    let started = runs::start(&place, &input).await?;
    if arguments.json {
        print_json(&started)?;
    } else {
        print(&format!("{}\n", started.run))?;
    }
    if arguments.watch {
        return follow(&place, &started.run, &started.execution, session)
            .await
            .map(drop);
    }
    session.say(&format!(
        "started; follow it with: millrace watch {}{}",
        started.run,
        elsewhere(&place)
    ));
    Ok(())
}

/// The options that name this place again.
fn elsewhere(place: &Place) -> String {
    match place.stack() {
        Some(stack) if stack != millrace::place::DEFAULT_STACK => format!(" --stack {stack}"),
        _ => String::new(),
    }
}

/// Shows a run's steps until it ends; returns its output.
async fn follow(
    place: &Place,
    run: &RunId,
    arn: &str,
    session: &Session,
) -> Result<serde_json::Value, Failure> {
    session.on_signal(format!(
        "the run continues; come back with: millrace watch {run}{}",
        elsewhere(place)
    ));
    let execution = Execution::existing(&place.machines(), arn);
    let step = session.progress().step(run.as_str());
    let finished = match place.lake().await {
        Ok(store) => {
            let jobs = SageMaker::new(place.config());
            let mut resources = Resources::new(store, jobs);
            execution.watch(step.inner(), &mut resources).await?
        }
        // Only the state machine is known, and so no more than the history says.
        Err(PlaceError::NoBucket { .. }) => execution.watch(step.inner(), &mut HistoryOnly).await?,
        Err(error) => return Err(error.into()),
    };
    step.done_after(finished.took, "SUCCEEDED");
    Ok(finished.output)
}

pub async fn watch(arguments: Watch, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let found = runs::execution(&place, &arguments.run).await?;
    let output = follow(&place, &found.run, arn(&found), session).await?;
    print_json(&output)
}

fn arn(found: &Found) -> &str {
    found.execution.as_deref().unwrap_or_default()
}

pub async fn status(arguments: OfRun, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let found = runs::execution(&place, &arguments.run).await?;
    let detail = Detail::read(&place, &found).await?;
    if arguments.json {
        print_json(&detail)
    } else {
        print(&detail.text())
    }
}

pub async fn logs(arguments: Logs, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let found = runs::execution(&place, &arguments.run).await?;
    if arguments.follow {
        return follow_logs(&place, &found, arguments.step.as_deref(), session).await;
    }
    let detail = Detail::read(&place, &found).await?;
    let lines = logs::read(&place, &detail, arguments.step.as_deref()).await?;
    if arguments.json {
        print_json(&lines)
    } else {
        print(&lines.text())
    }
}

/// Prints the lines of a run as they come.
async fn follow_logs(
    place: &Place,
    found: &Found,
    step: Option<&str>,
    session: &Session,
) -> Result<(), Failure> {
    let mut follower = logs::Follower::new(place, found, step);
    let mut is_said = false;
    loop {
        let news = follower.news().await?;
        print(&news.text)?;
        if let (true, false, Some(step)) = (news.is_early, is_said, step) {
            let steps = news.detail.steps.iter();
            let steps: Vec<_> = steps.map(|step| step.state.as_str()).collect();
            let steps = steps.join(", ");
            session.say(&format!(
                "waits for a step `{step}`; so far there are {steps}"
            ));
            is_said = true;
        }
        let Some(pause) = news.pause() else {
            let run = &news.detail.run;
            session.say(&format!("the run ended: {}", run.end()));
            return Ok(());
        };
        let named = step.map(|step| format!(" --step {step}"));
        session.on_signal(format!(
            "the run continues; come back with: millrace logs {} --follow{}{}",
            found.run,
            named.unwrap_or_default(),
            elsewhere(place)
        ));
        tokio::time::sleep(pause).await;
    }
}

pub async fn list(arguments: Runs, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let list = runs::list(&place, arguments.number).await?;
    if arguments.json {
        print_json(&list)
    } else {
        print(&list.text(&place.to_string()))
    }
}

pub async fn stop(arguments: Stop, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let (found, status) = with_status(&place, &arguments.run).await?;
    if !status.is_running() {
        let status = status.as_str();
        return Err(RunError::NotRunning {
            run: found.run,
            status,
        }
        .into());
    }
    let machines = place.machines();
    machines
        .stop(arn(&found), &arguments.cause)
        .await
        .map_err(RunError::from)?;
    if arguments.json {
        return print_json(&changed(found, status));
    }
    print(&format!(
        "stopped {}: the stack stops its training, tuning and transform jobs; millrace redrive {0} \
         continues the run\n",
        found.run
    ))
}

/// A run and its execution's status.
async fn with_status(place: &Place, run: &RunName) -> Result<(Found, ExecutionStatus), RunError> {
    let found = runs::execution(place, run).await?;
    let info = place.machines().describe(arn(&found)).await?;
    Ok((found, info.status))
}

fn changed(found: Found, was: ExecutionStatus) -> Changed {
    Changed {
        run: found.run,
        pipeline: found.pipeline,
        execution: found.execution.unwrap_or_default(),
        was: was.as_str().to_owned(),
    }
}

pub async fn redrive(arguments: Redrive, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let (found, status) = with_status(&place, &arguments.run).await?;
    if !status.has_failed() {
        let status = status.as_str();
        return Err(RunError::NotRedrivable {
            run: found.run,
            status,
        }
        .into());
    }
    let machines = place.machines();
    machines
        .redrive(arn(&found))
        .await
        .map_err(RunError::from)?;
    if arguments.json {
        print_json(&changed(found.clone(), status))?;
    } else {
        print(&format!("redriven {}\n", found.run))?;
    }
    if arguments.watch {
        follow(&place, &found.run, arn(&found), session).await?;
    }
    Ok(())
}
