//! The programs that serve an endpoint: one per variant, each with its own port, tree and log.

use crate::app::{App, image_of};
use crate::endpoints::capture::{Capture, CaptureConfig};
use crate::endpoints::configs::Variant;
use crate::faults::Kind;
use crate::processes::log;
use crate::processes::port;
use crate::processes::program::{Program, Running};
use crate::store::archive;
use crate::store::s3_uri::S3Uri;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

// SageMaker's limit for one answer to /ping.
const PING_TIMEOUT: Duration = Duration::from_secs(2);
const PING_PAUSE: Duration = Duration::from_millis(100);
// The pause before a program that has ended by itself is started again.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
// The most characters of a program's last log line in a reason, which may have 1024.
const LAST_LINE_LENGTH: usize = 400;

/// The programs of one deployment.
#[derive(Debug)]
pub struct Fleet {
    members: Vec<Member>,
    /// The data capture, if it is enabled.
    pub capture: Option<Arc<Capture>>,
    folder: PathBuf,
    stop: CancellationToken,
    keepers: TaskTracker,
}

/// One variant's program.
#[derive(Debug)]
pub struct Member {
    pub variant: String,
    weight: f64,
    /// `http://127.0.0.1:<port>`.
    pub url: String,
}

impl Fleet {
    /// Starts the programs of all variants below `folder`, and returns when each answers `/ping`.
    /// `owner` is the name of the endpoint or transform job. The error is its `FailureReason`; no
    /// program runs after an error.
    pub async fn start(
        app: &Arc<App>,
        owner: &str,
        folder: PathBuf,
        variants: &[Variant],
        capture: Option<CaptureConfig>,
    ) -> Result<Self, String> {
        let mut fleet = Self {
            members: Vec::new(),
            capture: capture.map(|config| Arc::new(Capture::new(config))),
            folder,
            stop: CancellationToken::new(),
            keepers: TaskTracker::new(),
        };
        for variant in variants {
            match fleet.start_member(app, owner, variant).await {
                Ok(member) => fleet.members.push(member),
                Err(reason) => {
                    fleet.stop_programs().await;
                    return Err(reason);
                }
            }
        }
        Ok(fleet)
    }

    async fn start_member(
        &self,
        app: &Arc<App>,
        owner: &str,
        variant: &Variant,
    ) -> Result<Member, String> {
        let container = &variant.container;
        let image = image_of(&app.config, &container.image).map_err(|refusal| refusal.message)?;
        let folder = self.folder.join(&variant.name);
        let root = folder.join("opt/ml");
        let model = root.join("model");
        let unwritable = |error| format!("{}: {error}", model.display());
        std::fs::create_dir_all(&model).map_err(unwritable)?;
        if let Some(url) = &container.model_data_url {
            download(app, url, &model).await?;
        }
        let port = port::reserve().map_err(|error| format!("no port is free: {error}"))?;
        let mut environment: Vec<_> = container.environment.clone().into_iter().collect();
        environment.extend(
            [
                ("SAGEMAKER_BASE_DIR", root.display().to_string()),
                ("SAGEMAKER_BIND_TO_PORT", port.to_string()),
                ("SAGEMAKER_REGION", app.config.region.clone()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let log = folder.join("log.txt");
        let program = Program {
            image,
            verb: "serve",
            environment,
            folder: root,
            log,
        };
        let start = || program.start(&app.process_records());
        let mut running = start().map_err(|error| {
            format!(
                "the program {} cannot be started: {error}",
                program.image.words.join(" ")
            )
        })?;
        if app.faults.strikes(owner, &Kind::NoPing {}) {
            running.freeze();
        }
        let url = format!("http://127.0.0.1:{port}");
        let patience = variant
            .startup_seconds
            .map_or(app.config.ping_timeout, Duration::from_secs);
        tokio::select! {
            healthy = ping(app, &url, patience) => if !healthy {
                return Err(unhealthy(variant, &program.log, "no answer in time"));
            },
            status = running.wait() => {
                let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                return Err(unhealthy(variant, &program.log, &format!("the program ended: {how}")));
            }
        }
        self.keepers
            .spawn(keep(app.clone(), program, running, self.stop.clone()));
        Ok(Member {
            variant: variant.name.clone(),
            weight: variant.weight,
            url,
        })
    }

    /// The member for an invocation: the named variant, or a random one by weight.
    pub fn choose(&self, variant: Option<&str>) -> Option<&Member> {
        if let Some(name) = variant {
            return self.members.iter().find(|member| member.variant == name);
        }
        let total: f64 = self.members.iter().map(|member| member.weight).sum();
        let mut at = fastrand::f64() * total;
        let by_weight = self.members.iter().find(|member| {
            at -= member.weight;
            at < 0.0
        });
        by_weight.or(self.members.first())
    }

    /// Ends the programs (SIGTERM, the grace period, SIGKILL), and removes their trees.
    pub async fn stop(&self) {
        self.stop_programs().await;
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %error, "a tree could not be removed");
        }
    }

    async fn stop_programs(&self) {
        self.stop.cancel();
        self.keepers.close();
        self.keepers.wait().await;
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        // A deployment that is dropped half-way leaves no program behind.
        self.stop.cancel();
    }
}

/// Restarts a program that ends, as SageMaker restarts a container, until `stop` is cancelled.
async fn keep(app: Arc<App>, program: Program, mut running: Running, stop: CancellationToken) {
    loop {
        tokio::select! {
            status = running.wait() => {
                tracing::warn!(log = %program.log.display(), ?status, "a serving program ended");
            }
            () = stop.cancelled() => return end(&app, running).await,
            () = app.closing.cancelled() => return end(&app, running).await,
        }
        running = loop {
            tokio::select! {
                () = tokio::time::sleep(RESTART_PAUSE) => {}
                () = stop.cancelled() => return,
                () = app.closing.cancelled() => return,
            }
            match program.start(&app.process_records()) {
                Ok(running) => break running,
                Err(error) => tracing::error!(%error, "a serving program cannot be started again"),
            }
        };
    }
}

async fn end(app: &App, mut running: Running) {
    if let Err(error) = running.stop(app.config.serving_grace, &app.closing).await {
        tracing::error!(%error, "a serving program could not be stopped");
    }
}

async fn download(app: &App, url: &str, folder: &Path) -> Result<(), String> {
    let uri = S3Uri::parse(url).map_err(|refusal| refusal.message)?;
    archive::unpack(&app.bucket(&uri.bucket), &uri.key, folder)
        .await
        .map_err(|error| format!("Failed to download model data from {url}: {error}"))
}

/// Polls `/ping` until it answers 200.
async fn ping(app: &App, url: &str, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    let request = || {
        app.http
            .get(format!("{url}/ping"))
            .timeout(PING_TIMEOUT)
            .send()
    };
    while Instant::now() < deadline {
        if request()
            .await
            .is_ok_and(|answer| answer.status() == reqwest::StatusCode::OK)
        {
            return true;
        }
        tokio::time::sleep(PING_PAUSE).await;
    }
    false
}

fn unhealthy(variant: &Variant, log: &Path, why: &str) -> String {
    // The log is removed with the endpoint's folder, so the reason quotes its last line.
    let last_line: String = log::last_line(log).chars().take(LAST_LINE_LENGTH).collect();
    let last_line = if last_line.is_empty() {
        "its log is empty".to_owned()
    } else {
        format!("its last log line: {last_line}")
    };
    format!(
        "The primary container for production variant {} did not pass the ping health check \
         ({why}; {last_line}). Please check its log {}.",
        variant.name,
        log.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet(weights: &[(&str, f64)]) -> Fleet {
        let member = |(variant, weight): &(&str, f64)| Member {
            variant: (*variant).to_owned(),
            weight: *weight,
            url: String::new(),
        };
        Fleet {
            members: weights.iter().map(member).collect(),
            capture: None,
            folder: PathBuf::new(),
            stop: CancellationToken::new(),
            keepers: TaskTracker::new(),
        }
    }

    #[test]
    fn invocations_follow_the_weights() {
        let fleet = fleet(&[("a", 3.0), ("b", 1.0), ("none", 0.0)]);
        let mut counts = std::collections::HashMap::new();
        for _ in 0..4000 {
            *counts
                .entry(fleet.choose(None).unwrap().variant.as_str())
                .or_insert(0) += 1;
        }
        assert!((2800..3200).contains(&counts["a"]), "{counts:?}");
        assert!(!counts.contains_key("none"));
    }

    #[test]
    fn only_a_named_variant_is_chosen() {
        let fleet = fleet(&[("a", 1.0), ("none", 0.0)]);
        assert_eq!(fleet.choose(Some("none")).unwrap().variant, "none");
        assert!(fleet.choose(Some("other")).is_none());
    }
}
