//! ministack, the server of local AWS: one process that implements every service but SageMaker and
//! runs the Lambda functions as processes of its own group.

use super::LocalError;
use super::python::Tools;
use sagemaker_local::ProcessGroup;
use sagemaker_local::orphans;
use serde::Deserialize;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;

// When idle it ends at once. Otherwise it would wait for executions, which keep retrying the
// functions that the same signal ended.
const GRACE: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_mins(1);
const POLL_INTERVAL: Duration = Duration::from_millis(50);
// Functions inherit the server's environment: it gets only what programs need.
const KEPT: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "RUST_LOG"];

/// A running server.
#[derive(Debug)]
pub struct Ministack {
    group: ProcessGroup,
    port: u16,
}

/// Settings of a server.
#[derive(Debug)]
pub struct Settings<'a> {
    /// The port on 127.0.0.1.
    pub port: u16,
    /// The URL of SageMaker.
    pub sagemaker_url: &'a str,
    /// What the seconds of Wait states and of pauses between retries are multiplied by.
    pub wait_scale: f64,
    /// Its own folder, for logs and unpacked code.
    pub folder: &'a Path,
}

/// The URL of a server on this port. With the name `localhost`, SDKs would address buckets by host
/// names that may not resolve.
pub fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

impl Ministack {
    /// Starts the server and waits until it answers. `None` if it ended at once, because the port
    /// was taken in the meantime.
    pub async fn start(tools: &Tools, settings: &Settings<'_>) -> Result<Option<Self>, LocalError> {
        let log = log(settings.folder);
        let temporary = settings.folder.join("tmp");
        std::fs::create_dir_all(&temporary).map_err(LocalError::file("make", &temporary))?;
        let output = File::create(&log).map_err(LocalError::file("write", &log))?;
        let errors = output
            .try_clone()
            .map_err(LocalError::file("write", &log))?;
        let url = url(settings.port);
        let program = tools.program("ministack");
        let mut command = Command::new(&program);
        command.env_clear();
        for name in KEPT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", settings.port.to_string())
            .env("AWS_ENDPOINT_URL", &url)
            .env("AWS_ENDPOINT_URL_SAGEMAKER", settings.sagemaker_url)
            .env("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", settings.sagemaker_url)
            // The logs of training jobs are SageMaker's; no function reads another log.
            .env("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", settings.sagemaker_url)
            // An endpoint on instances may be scaled; sagemaker-local has that service too.
            .env(
                "AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING",
                settings.sagemaker_url,
            )
            // Unless disabled, these listen on fixed ports, the first one on every interface.
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            .env("LAMBDA_ACCOUNT_CONCURRENCY", "0")
            .env("SFN_WAIT_SCALE", settings.wait_scale.to_string())
            .env("LOG_LEVEL", "WARNING")
            .env("TMPDIR", &temporary)
            .env("PYTHONUNBUFFERED", "1")
            .current_dir(settings.folder)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors);
        let mut group =
            ProcessGroup::start(&mut command, GRACE).map_err(LocalError::file("run", program))?;
        let records = orphans::records(settings.folder);
        group
            .record(&records)
            .map_err(LocalError::file("write", records))?;
        let mut server = Self {
            group,
            port: settings.port,
        };
        if server.wait_until_ready().await? {
            return Ok(Some(server));
        }
        if server.group.is_running() {
            return Err(LocalError::NotReady {
                last_line: sagemaker_local::log::last_line(&log),
                log,
            });
        }
        Ok(None)
    }

    /// The port it listens on.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its process id, which is the id of its group.
    pub fn id(&self) -> i32 {
        self.group.id()
    }

    async fn wait_until_ready(&mut self) -> Result<bool, LocalError> {
        #[derive(Deserialize)]
        struct Ready {
            status: String,
        }
        let address = format!("{}/_ministack/ready", url(self.port));
        let begun = Instant::now();
        while begun.elapsed() < TIMEOUT && self.group.is_running() {
            if let Ok(answer) = client()?.get(&address).send().await
                && let Ok(ready) = answer.json::<Ready>().await
                && ready.status == "completed"
            {
                // Another program may have the port and answer: then ours has ended.
                tokio::time::sleep(POLL_INTERVAL).await;
                return Ok(self.group.is_running());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(false)
    }

    /// Fails if a function has no code: the server would answer its calls with a made-up success.
    pub async fn check_functions(&self) -> Result<usize, LocalError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Functions {
            functions: Vec<Function>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Function {
            function_name: String,
            code_size: u64,
        }
        let address = format!("{}/2015-03-31/functions/", url(self.port));
        let unreachable = |source| LocalError::Unreachable {
            url: address.clone(),
            source,
        };
        let answer = client()?.get(&address).send().await.map_err(unreachable)?;
        let listed: Functions = answer.json().await.map_err(unreachable)?;
        match listed
            .functions
            .iter()
            .find(|function| function.code_size == 0)
        {
            Some(empty) => Err(LocalError::NoCode {
                function: empty.function_name.clone(),
            }),
            None => Ok(listed.functions.len()),
        }
    }
}

/// The log of a server with this folder.
pub fn log(folder: &Path) -> PathBuf {
    folder.join("ministack.log")
}

fn client() -> Result<reqwest::Client, LocalError> {
    // Loopback is not reached through a proxy.
    let built = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .build();
    built.map_err(|source| LocalError::Unreachable {
        url: "127.0.0.1".to_owned(),
        source,
    })
}
