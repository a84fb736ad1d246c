//! `millrace`, the command: reads the command line, runs one command until its end or a signal, and
//! says in one line what went wrong.

mod arguments;
mod way_back;

use arguments::{Approval, Arguments, Command, Demo, Encode, Form, OfRun, Run, Schemas};
use clap::Parser;
use dataset::ItemForm;
use lake::records::ApprovalDecision;
use millrace::approval::{self, ApprovalError};
use millrace::clean::CleanError;
use millrace::demo::{self, Algorithm, DemoError, Wishes};
use millrace::encode::{self, EncodeError};
use millrace::execution::{self, ExecutionError};
use millrace::local::{Local, LocalError, Options, workspace_root};
use millrace::progress::Progress;
use millrace::report::{self, ReportError};
use millrace::rollback::RollbackError;
use millrace::schemas::{self, SchemasError};
use millrace::signals;
use millrace::verify::{self, VerifyError};
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::process::ExitCode;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error(transparent)]
    Local(#[from] LocalError),
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    #[error(transparent)]
    Schemas(#[from] SchemasError),
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error(transparent)]
    Rollback(#[from] RollbackError),
    #[error(transparent)]
    Clean(#[from] CleanError),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error(transparent)]
    Approval(#[from] ApprovalError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error("cannot listen to signals")]
    Signals(#[source] std::io::Error),
    #[error("cannot write to standard output")]
    Output(#[source] std::io::Error),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    let code = runtime.block_on(async {
        tokio::select! {
            // Whoever is asked to end lets go of what is at work, which ends what that started.
            signal = signals::asked_to_end() => match signal {
                Ok(signal) => ExitCode::from(signal.exit_code()),
                Err(error) => fail(&Failure::Signals(error)),
            },
            outcome = carry_out(arguments.command) => match outcome {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => fail(&failure),
            },
        }
    });
    drop(runtime);
    code
}

async fn carry_out(command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo(wishes) => Box::pin(run_demo(wishes)).await,
        Command::Local(wishes) => keep_local(wishes).await,
        Command::Run(wishes) => run(wishes).await,
        Command::Verify(wishes) => read_again(wishes).await,
        Command::Rollback(wishes) => Box::pin(way_back::roll_back(wishes)).await,
        Command::Clean(wishes) => Box::pin(way_back::clean_up(wishes)).await,
        Command::Report(wishes) => show_report(wishes).await,
        Command::Approve(wishes) => decide(wishes, ApprovalDecision::Approved).await,
        Command::Reject(wishes) => decide(wishes, ApprovalDecision::Rejected).await,
        Command::Encode(wishes) => encode_items(wishes).await,
        Command::Schemas(wishes) => keep_schemas(&wishes),
    }
}

async fn run_demo(demo: Demo) -> Result<(), Failure> {
    let algorithm = demo.local.algorithm;
    let wishes = Wishes {
        algorithm,
        items: demo.items,
        seed: demo.seed,
        user: demo.user,
    };
    wishes.check()?;
    let progress = Progress::to_stderr();
    let local = Local::start(&options(demo.local, progress.clone())).await?;
    let summary = demo::run(&local, &wishes, &progress).await?;
    print(&format!("\n{summary}"))?;
    if demo.keep {
        print(&format!(
            "\n{}",
            demo::look_around(
                &local,
                summary.output.endpoint.as_deref().unwrap_or_default(),
                algorithm
            )
        ))?;
        std::future::pending::<()>().await;
    }
    local.stop().await?;
    Ok(())
}

fn options(wishes: arguments::Local, progress: Progress) -> Options {
    let mut options = Options::new(progress);
    options.workspace = wishes.place.workspace;
    options.build = !wishes.no_build;
    options.xgboost = wishes.algorithm == Algorithm::Xgboost;
    options
}

async fn keep_local(wishes: arguments::Local) -> Result<(), Failure> {
    let algorithm = wishes.algorithm;
    let local = Local::start(&options(wishes, Progress::to_stderr())).await?;
    let endpoint = demo::definition_of(algorithm).endpoint.name;
    let endpoint = endpoint
        .as_deref()
        .unwrap_or(contract::Names::DEFAULT_PIPELINE);
    print(&format!(
        "\n{}",
        demo::look_around(&local, endpoint, algorithm)
    ))?;
    std::future::pending().await
}

async fn run(run: Run) -> Result<(), Failure> {
    let progress = Progress::to_stderr();
    let machines = aws::sfn::StateMachines::new(&aws::load().await);
    let execution = execution::start(&machines, &run.state_machine_arn, &run.input).await?;
    let step = progress.step(execution.name());
    let finished = execution.watch(step.inner()).await?;
    step.done_after(finished.took, "SUCCEEDED");
    print(&format!("{:#}\n", finished.output))
}

async fn read_again(wishes: OfRun) -> Result<(), Failure> {
    let OfRun {
        run,
        pipeline,
        bucket,
    } = wishes;
    let store = aws::s3::S3Store::new(&aws::load().await, bucket.clone());
    let progress = Progress::to_stderr();
    let verification = verify::read_again(&store, &pipeline, &run, &progress).await?;
    print(&verify::summary(&verification, &bucket, &pipeline, &run))?;
    if verification.is_sound() {
        return Ok(());
    }
    let count = verification.findings.len();
    Err(VerifyError::NotSound {
        pipeline,
        run,
        count,
    }
    .into())
}

async fn show_report(wishes: OfRun) -> Result<(), Failure> {
    let OfRun {
        run,
        pipeline,
        bucket,
    } = wishes;
    let store = aws::s3::S3Store::new(&aws::load().await, bucket);
    print(&report::of_run(&store, &pipeline, &run).await?)
}

async fn decide(wishes: Approval, decision: ApprovalDecision) -> Result<(), Failure> {
    let Approval { of, reason, by } = wishes;
    let config = aws::load().await;
    let store = aws::s3::S3Store::new(&config, of.bucket);
    let machines = aws::sfn::StateMachines::new(&config);
    let wish = approval::Wish {
        pipeline: &of.pipeline,
        run: &of.run,
        decision,
        by,
        reason,
    };
    print(&approval::decide(&store, &machines, wish).await?)
}

async fn encode_items(wishes: Encode) -> Result<(), Failure> {
    let columns = match (wishes.dataset, wishes.run, wishes.bucket) {
        (None, Some(run), Some(bucket)) => {
            let store = aws::s3::S3Store::new(&aws::load().await, bucket);
            encode::columns_of_run(&store, &wishes.pipeline, &run).await?
        }
        (file, ..) => encode::columns_of_file(&file.unwrap_or_default())?,
    };
    let form = match wishes.form {
        Form::Either => ItemForm::Either,
        Form::Dynamodb => ItemForm::DynamoDb,
        Form::Plain => ItemForm::Plain,
    };
    let output = BufWriter::new(std::io::stdout().lock());
    match wishes.items {
        None => encode::encode(&columns, form, std::io::stdin().lock(), output)?,
        Some(path) => match File::open(&path) {
            Ok(file) => encode::encode(&columns, form, BufReader::new(file), output)?,
            Err(source) => return Err(EncodeError::File { path, source }.into()),
        },
    }
    Ok(())
}

fn keep_schemas(wishes: &Schemas) -> Result<(), Failure> {
    let root = workspace_root(wishes.place.workspace.as_deref())?;
    let folder = root.join("statemachine/schema");
    if wishes.check {
        return Ok(schemas::check(&folder)?);
    }
    for file in schemas::write(&folder)? {
        print(&format!("{file}\n"))?;
    }
    Ok(())
}

fn print(text: &str) -> Result<(), Failure> {
    let mut output = std::io::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .map_err(Failure::Output)
}

/// One line, with every cause.
fn fail(error: &dyn Error) -> ExitCode {
    let line = contract::chain(error);
    // Nobody is left to tell that standard error is closed.
    let _ = writeln!(std::io::stderr(), "error: {line}");
    ExitCode::FAILURE
}
