//! `millrace`: parses the command line, runs one command until it ends or a signal arrives, and
//! prints an error as one line.

mod arguments;
mod maintenance;

use arguments::{Approval, Arguments, Command, Demo, Encode, Form, OfRun, Run, Schemas, Validate};
use clap::Parser;
use dataset::ItemForm;
use lake::records::ApprovalDecision;
use millrace::approval::{self, ApprovalError};
use millrace::clean::CleanError;
use millrace::demo::{self, Algorithm, DemoError, Settings};
use millrace::encode::{self, EncodeError};
use millrace::execution::{self, ExecutionError};
use millrace::local::{Local, LocalError, Options, workspace_root};
use millrace::progress::Progress;
use millrace::report::{self, ReportError};
use millrace::rollback::RollbackError;
use millrace::schemas::{self, SchemasError};
use millrace::signals;
use millrace::validate::{self, Document, ValidateError};
use millrace::verify::{self, VerifyError};
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter, IsTerminal, Write};
use std::process::ExitCode;

/// Why a command failed.
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
    #[error(transparent)]
    Validate(#[from] ValidateError),
    #[error("cannot wait for signals")]
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
            // Dropping the command ends the processes that it started.
            signal = signals::wait_for_signal() => match signal {
                Ok(signal) => ExitCode::from(signal.exit_code()),
                Err(error) => fail(&Failure::Signals(error)),
            },
            outcome = run(arguments.command) => match outcome {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => fail(&failure),
            },
        }
    });
    drop(runtime);
    code
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Validate(arguments) => validate_files(&arguments),
        Command::Demo(arguments) => Box::pin(run_demo(arguments)).await,
        Command::Local(arguments) => run_local(arguments).await,
        Command::Run(arguments) => run_execution(arguments).await,
        Command::Verify(arguments) => verify_run(arguments).await,
        Command::Rollback(arguments) => Box::pin(maintenance::roll_back(arguments)).await,
        Command::Clean(arguments) => Box::pin(maintenance::clean(arguments)).await,
        Command::Report(arguments) => show_report(arguments).await,
        Command::Approve(arguments) => answer(arguments, ApprovalDecision::Approved).await,
        Command::Reject(arguments) => answer(arguments, ApprovalDecision::Rejected).await,
        Command::Encode(arguments) => encode_items(arguments).await,
        Command::Schemas(arguments) => write_schemas(&arguments),
    }
}

async fn run_demo(demo: Demo) -> Result<(), Failure> {
    let algorithm = demo.local.algorithm;
    let settings = Settings {
        algorithm,
        items: demo.items,
        seed: demo.seed,
        user: demo.user,
    };
    settings.check()?;
    let progress = Progress::to_stderr();
    let local = Local::start(&options(demo.local, progress.clone())).await?;
    let summary = demo::run(&local, &settings, &progress).await?;
    print(&format!("\n{summary}"))?;
    if demo.keep {
        print(&format!(
            "\n{}",
            demo::hints(
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

fn options(arguments: arguments::Local, progress: Progress) -> Options {
    let mut options = Options::new(progress);
    options.workspace = arguments.place.workspace;
    options.build = !arguments.no_build;
    options.xgboost = arguments.algorithm == Algorithm::Xgboost;
    options
}

async fn run_local(arguments: arguments::Local) -> Result<(), Failure> {
    let algorithm = arguments.algorithm;
    let local = Local::start(&options(arguments, Progress::to_stderr())).await?;
    let definition = demo::definition_of(algorithm);
    let endpoint = definition.endpoint().name.as_deref().unwrap_or_default();
    print(&format!("\n{}", demo::hints(&local, endpoint, algorithm)))?;
    std::future::pending().await
}

fn validate_files(arguments: &Validate) -> Result<(), Failure> {
    let mut checked = Vec::new();
    for path in &arguments.files {
        let document = Document::read(path).map_err(ValidateError::from)?;
        checked.push(validate::check(document));
    }
    if arguments.json {
        print(&validate::as_json(&checked))?;
    } else {
        let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        for file in &checked {
            print(&validate::as_text(file, coloured))?;
        }
    }
    Ok(validate::all_valid(&checked)?)
}

async fn run_execution(run: Run) -> Result<(), Failure> {
    let progress = Progress::to_stderr();
    let machines = aws::sfn::StateMachines::new(&aws::load().await);
    let execution = execution::start(&machines, &run.state_machine_arn, &run.input).await?;
    let step = progress.step(execution.name());
    let finished = execution.watch(step.inner()).await?;
    step.done_after(finished.took, "SUCCEEDED");
    print(&format!("{:#}\n", finished.output))
}

async fn verify_run(arguments: OfRun) -> Result<(), Failure> {
    let OfRun {
        run,
        pipeline,
        bucket,
    } = arguments;
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

async fn show_report(arguments: OfRun) -> Result<(), Failure> {
    let OfRun {
        run,
        pipeline,
        bucket,
    } = arguments;
    let store = aws::s3::S3Store::new(&aws::load().await, bucket);
    print(&report::of_run(&store, &pipeline, &run).await?)
}

async fn answer(arguments: Approval, decision: ApprovalDecision) -> Result<(), Failure> {
    let Approval { of, reason, by } = arguments;
    let config = aws::load().await;
    let store = aws::s3::S3Store::new(&config, of.bucket);
    let machines = aws::sfn::StateMachines::new(&config);
    let answer = approval::Answer {
        pipeline: &of.pipeline,
        run: &of.run,
        decision,
        by,
        reason,
    };
    print(&approval::decide(&store, &machines, answer).await?)
}

async fn encode_items(arguments: Encode) -> Result<(), Failure> {
    let columns = match (arguments.dataset, arguments.run, arguments.bucket) {
        (None, Some(run), Some(bucket)) => {
            let store = aws::s3::S3Store::new(&aws::load().await, bucket);
            encode::columns_of_run(&store, &arguments.pipeline, &run).await?
        }
        (file, ..) => encode::columns_of_file(&file.unwrap_or_default())?,
    };
    let form = match arguments.form {
        Form::Either => ItemForm::Either,
        Form::Dynamodb => ItemForm::DynamoDb,
        Form::Plain => ItemForm::Plain,
    };
    let output = BufWriter::new(std::io::stdout().lock());
    match arguments.items {
        None => encode::encode(&columns, form, std::io::stdin().lock(), output)?,
        Some(path) => match File::open(&path) {
            Ok(file) => encode::encode(&columns, form, BufReader::new(file), output)?,
            Err(source) => return Err(EncodeError::File { path, source }.into()),
        },
    }
    Ok(())
}

fn write_schemas(arguments: &Schemas) -> Result<(), Failure> {
    let root = workspace_root(arguments.place.workspace.as_deref())?;
    if arguments.check {
        return Ok(schemas::check(&root)?);
    }
    for file in schemas::write(&root)? {
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

/// Prints the error and all its causes as one line.
fn fail(error: &dyn Error) -> ExitCode {
    let line = contract::chain(error);
    // A closed standard error leaves no place to report to.
    let _ = writeln!(std::io::stderr(), "error: {line}");
    ExitCode::FAILURE
}
