//! Local AWS: installs its tools, builds the programs, starts the servers on free ports of
//! 127.0.0.1 and deploys the stack. Dropping [`Local`] ends all of it.

mod build;
mod digits;
mod error;
mod logged_command;
mod ministack;
mod postgres;
mod postgres_tls;
mod python;
mod readiness;
mod run_folder;
mod sql_server;
mod stack;
mod tools;
mod workspace;

pub use error::LocalError;
pub use postgres::PostgresServer;
pub use postgres_tls::TlsFront;
pub use sql_server::SqlServer;
pub use stack::without_unsupported;
pub use workspace::workspace_root;

use crate::progress::{Progress, Step};
use aws::SdkConfig;
use aws::s3::S3Store;
use aws::sfn::StateMachines;
use ministack::{Ministack, Settings};
use run_folder::RunFolder;
use stack::Stack;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::OnceCell;
use tools::Prepared;

/// The training image of local pipelines.
pub const IMAGE: &str = "millrace/recommender:local";
/// The training image of local pipelines on images.
pub const IMAGE_CLASSIFIER: &str = "millrace/image-classifier:local";
const XGBOOST_IMAGES: &str = "crates/sagemaker-local/xgboost/images.json";
/// The name of the local stack.
pub const STACK: &str = "millrace";
const PACKAGES: &str = "millrace-packages";
const LAKE: &str = "LakeBucket";
const STATE_MACHINE: &str = "StateMachineArn";
const ALIAS: &str = "StateMachineAliasArn";
// This machine's processor, and the only account of local AWS.
const LOCAL_PARAMETERS: [(&str, &str); 2] = [
    (
        "Architecture",
        if cfg!(target_arch = "aarch64") {
            "arm64"
        } else {
            "x86_64"
        },
    ),
    ("LakeAdministrators", "arn:aws:iam::000000000000:root"),
];
const WAIT_SCALE: f64 = 0.1;
const LONGEST_WAIT: Duration = Duration::from_secs(2);
// A port may be taken between being found free and being listened on.
const ATTEMPTS: u32 = 3;

/// Options of local AWS.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Millrace's workspace; by default the one this program was built from.
    pub workspace: Option<PathBuf>,
    /// Whether to build first. Otherwise the programs of an earlier build are used, even if they
    /// are out of date.
    pub build: bool,
    /// Where progress is shown.
    pub progress: Progress,
    /// Factor on the seconds of Wait states and of pauses between retries.
    pub wait_scale: f64,
    /// Whether to install the program of the built-in XGBoost image.
    pub xgboost: bool,
    /// Parameters of the stack, besides those of every local stack.
    pub parameters: BTreeMap<String, String>,
    /// Container images besides Millrace's own, with the words of the commands that stand for them.
    pub images: BTreeMap<String, Vec<String>>,
}

impl Options {
    /// The options of the demo: waits are a tenth as long.
    pub const fn new(progress: Progress) -> Self {
        Self {
            workspace: None,
            build: true,
            progress,
            wait_scale: WAIT_SCALE,
            xgboost: false,
            parameters: BTreeMap::new(),
            images: BTreeMap::new(),
        }
    }
}

/// Local AWS with the stack deployed. Dropping it ends all its processes.
#[derive(Debug)]
pub struct Local {
    prepared: Prepared,
    builds: bool,
    parameters: BTreeMap<String, String>,
    // Dropped before ministack: its programs call it.
    sagemaker: sagemaker_local::Handle,
    ministack: Ministack,
    stack: Option<Stack>,
    config: SdkConfig,
    folder: RunFolder,
}

// Tests of one process build once.
static PREPARED: OnceCell<Prepared> = OnceCell::const_new();

async fn prepared(options: &Options) -> Result<Prepared, LocalError> {
    let root = options.workspace.as_deref();
    let prepare = || tools::prepare(root, options.build, &options.progress);
    Ok(PREPARED.get_or_try_init(prepare).await?.clone())
}

/// The functions' packages by the names of their binaries, built first unless `options.build` is
/// false.
///
/// # Errors
/// If a tool is missing on the machine or a program cannot be built.
pub async fn packages(options: &Options) -> Result<BTreeMap<String, PathBuf>, LocalError> {
    let prepared = prepared(options).await?;
    let binaries = prepared.source.binaries()?.into_iter();
    let packages = binaries.map(|name| {
        let package = build::package(&prepared.workspace, &name);
        (name, package)
    });
    Ok(packages.collect())
}

impl Local {
    /// Starts it.
    ///
    /// # Errors
    /// If a tool is missing on the machine, or a program cannot be built or does not start.
    pub async fn start(options: &Options) -> Result<Self, LocalError> {
        let mut local = Self::start_without_stack(options).await?;
        local.deploy_showing(&options.progress).await?;
        Ok(local)
    }

    /// Starts it, and deploys the stack with what `prepare` has returned: the value of a parameter,
    /// such as the ARN of what has to be there before.
    ///
    /// # Errors
    /// As [`Local::start`], or if `prepare` fails.
    pub async fn start_after<E: From<LocalError>>(
        options: &Options,
        parameter: &str,
        prepare: impl AsyncFnOnce(&SdkConfig) -> Result<String, E>,
    ) -> Result<Self, E> {
        let mut local = Self::start_without_stack(options).await?;
        let value = prepare(local.aws_config()).await?;
        local.parameters.insert(parameter.to_owned(), value);
        local.deploy_showing(&options.progress).await?;
        Ok(local)
    }

    async fn start_without_stack(options: &Options) -> Result<Self, LocalError> {
        let prepared = prepared(options).await?;

        let xgboost = if options.xgboost {
            Some(tools::install_xgboost(&prepared.workspace, &options.progress).await?)
        } else {
            None
        };
        let step = options.progress.step("Local AWS");
        let local = Self::start_servers(prepared, options, xgboost.as_deref()).await?;
        let at = format!("{}, SageMaker {}", local.url(), local.sagemaker_url());
        step.done(&at);
        Ok(local)
    }

    async fn start_servers(
        prepared: Prepared,
        options: &Options,
        xgboost: Option<&Path>,
    ) -> Result<Self, LocalError> {
        let folder = RunFolder::new(&prepared.workspace.local().join("runs"))?;
        for _ in 0..ATTEMPTS {
            let port = sagemaker_local::port::reserve().map_err(LocalError::Port)?;
            let sagemaker =
                start_sagemaker(&prepared, &options.images, xgboost, folder.path(), port).await?;
            let settings = Settings {
                port,
                sagemaker_url: &sagemaker.url(),
                wait_scale: options.wait_scale,
                folder: folder.path(),
            };
            if let Some(ministack) = Ministack::start(&prepared.tools, &settings).await? {
                return Ok(Self {
                    config: aws::local(&ministack::url(port)).await,
                    prepared,
                    builds: options.build,
                    parameters: options.parameters.clone(),
                    sagemaker,
                    ministack,
                    stack: None,
                    folder,
                });
            }
            sagemaker.shutdown().await;
        }
        let log = ministack::log(folder.path());
        Err(LocalError::NotReady {
            last_line: sagemaker_local::log::last_line(&log),
            log,
        })
    }

    /// Deploys the stack again, after a change of the template or the packages.
    ///
    /// # Errors
    /// If the template cannot be deployed.
    pub async fn deploy(&mut self) -> Result<(), LocalError> {
        self.deploy_showing(&Progress::quiet()).await
    }

    /// Gives the stack a parameter, from the next [`Local::deploy`] on.
    pub fn set_parameter(&mut self, name: &str, value: &str) {
        self.parameters.insert(name.to_owned(), value.to_owned());
    }

    async fn deploy_showing(&mut self, progress: &Progress) -> Result<(), LocalError> {
        let step = progress.step(format!("Stack {STACK}"));
        aws::s3_bucket::create(&self.config, PACKAGES).await?;
        let store = S3Store::new(&self.config, PACKAGES);
        // The template may have changed since the start.
        let source = self.prepared.source.read_again()?;
        let workspace = &self.prepared.workspace;
        let package_of = |binary: &str| build::package(workspace, binary);
        // Another process that builds would replace the packages while they are read.
        let lock = tools::lock(workspace, |text| step.say(text)).await?;
        let template = source.upload(&store, package_of).await?;
        drop(lock);
        let mut parameters = self.parameters.clone();
        for (name, value) in LOCAL_PARAMETERS {
            if source.has_parameter(name) {
                parameters
                    .entry(name.to_owned())
                    .or_insert(value.to_owned());
            }
        }
        let url = self.url();
        let config = &self.config;
        let stack =
            stack::deploy(config, &store, &url, STACK, &template, &parameters, &step).await?;
        stack.output(LAKE)?;
        let machines = StateMachines::new(config);
        machines
            .point_alias(stack.output(STATE_MACHINE)?, stack.output(ALIAS)?)
            .await?;
        self.stack = Some(stack);
        let functions = self.ministack.check_functions().await?;
        step.done(&format!("{functions} functions and the state machine"));
        Ok(())
    }

    fn output(&self, output: &'static str) -> &str {
        let stack = self.stack.as_ref().expect("start() deploys the stack");
        stack
            .output(output)
            .expect("a stack without its outputs is refused when it is deployed")
    }

    /// Millrace's workspace.
    pub fn workspace(&self) -> &Path {
        self.prepared.workspace.root()
    }

    /// The SDK configuration of every service but SageMaker.
    pub const fn aws_config(&self) -> &SdkConfig {
        &self.config
    }

    /// The lake's bucket.
    pub fn lake(&self) -> S3Store {
        S3Store::new(&self.config, self.output(LAKE))
    }

    /// The state machine.
    pub fn state_machine_arn(&self) -> &str {
        self.output(STATE_MACHINE)
    }

    /// The alias of the latest version of the state machine, which schedules and people start.
    pub fn alias_arn(&self) -> &str {
        self.output(ALIAS)
    }

    /// The URL of every service but SageMaker.
    pub fn url(&self) -> String {
        ministack::url(self.ministack.port())
    }

    /// The URL of SageMaker and its runtime.
    pub fn sagemaker_url(&self) -> String {
        self.sagemaker.url()
    }

    /// The port of ministack, which its functions get as `GATEWAY_PORT`.
    pub const fn ministack_port(&self) -> u16 {
        self.ministack.port()
    }

    /// The process id of ministack, and so of the process group of its functions.
    pub fn ministack_id(&self) -> i32 {
        self.ministack.id()
    }

    /// The path of a program of the workspace, built first unless local AWS was started without.
    async fn program(&self, name: &str, step: &Step) -> Result<PathBuf, LocalError> {
        tools::program(&self.prepared.workspace, name, self.builds, step).await
    }

    /// The folder of logs and state. Only [`Local::stop`] removes it; otherwise the next start
    /// does.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends all processes, and removes their folder.
    ///
    /// # Errors
    /// If the folder cannot be removed. The processes have ended in any case.
    pub async fn stop(self) -> Result<(), LocalError> {
        self.sagemaker.shutdown().await;
        drop(self.ministack);
        self.folder.remove()
    }
}

async fn start_sagemaker(
    prepared: &Prepared,
    images: &BTreeMap<String, Vec<String>>,
    xgboost: Option<&Path>,
    folder: &Path,
    ministack_port: u16,
) -> Result<sagemaker_local::Handle, LocalError> {
    let mut config = sagemaker_local::Config::new(run_folder::sagemaker(folder));
    config.s3_endpoint = Some(ministack::url(ministack_port));
    // In production a canary is watched for minutes.
    config.longest_wait = LONGEST_WAIT;
    let programs = &prepared.containers;
    for (image, program) in [IMAGE, IMAGE_CLASSIFIER].into_iter().zip(programs) {
        let program = program.to_string_lossy().into_owned();
        config.images.add_words(image, vec![program])?;
    }
    for (image, words) in images {
        config.images.add_words(image, words.clone())?;
    }
    if let Some(python) = xgboost {
        let mapping = prepared.workspace.root().join(XGBOOST_IMAGES);
        config.images.add_python_file(&mapping, python)?;
    }
    Ok(sagemaker_local::Server::start(config).await?)
}
