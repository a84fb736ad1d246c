//! What all operations share: records, S3, what runs. It must not know the protocol.

use crate::config::Config;
use crate::endpoint_configs::EndpointConfig;
use crate::endpoints::Endpoint;
use crate::error::Error;
use crate::faults::Faults;
use crate::images::Image;
use crate::model_groups::ModelPackageGroup;
use crate::model_packages::ModelPackage;
use crate::models::Model;
use crate::orphans;
use crate::protocol::Refusal;
use crate::recorder::Recorder;
use crate::scaling::{Policy, Target};
use crate::state::Table;
use crate::tags::Tag;
use crate::traffic::Traffic;
use crate::training::TrainingJob;
use crate::transform::TransformJob;
use crate::tuning::TuningJob;
use aws::s3::S3Store;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const ACCOUNT: &str = "000000000000";
// SageMaker's own limit for an invocation.
const INVOCATION_TIMEOUT: Duration = Duration::from_mins(1);

/// The server's state.
#[derive(Debug)]
pub struct App {
    pub config: Config,
    pub jobs: Table<TrainingJob>,
    pub tuning_jobs: Table<TuningJob>,
    pub transform_jobs: Table<TransformJob>,
    pub models: Table<Model>,
    pub model_groups: Table<ModelPackageGroup>,
    pub model_packages: Table<ModelPackage>,
    pub endpoint_configs: Table<EndpointConfig>,
    pub endpoints: Table<Endpoint>,
    pub scalable_targets: Table<Target>,
    pub scaling_policies: Table<Policy>,
    pub tags: Table<Vec<Tag>>,
    /// What is to go wrong.
    pub faults: Faults,
    /// Keeps what is asked and answered.
    pub recorder: Recorder,
    /// Reaches the serving programs.
    pub http: reqwest::Client,
    /// Ends when the server does.
    pub closing: CancellationToken,
    /// All that runs beside the requests.
    pub tasks: TaskTracker,
    s3: S3Store,
    stops: Mutex<HashMap<String, CancellationToken>>,
    fleets: Mutex<HashMap<String, Traffic>>,
    /// Held for as long as the server runs, so that two cannot share a state directory.
    _lock: File,
}

impl App {
    /// Opens the state directory and ends what an earlier server left running.
    pub async fn open(mut config: Config) -> Result<Self, Error> {
        // Programs are told paths below it, and start elsewhere.
        let absolute = std::path::absolute(&config.state_dir);
        config.state_dir = absolute.map_err(|source| failed("find", &config.state_dir, source))?;
        let folder = config.state_dir.clone();
        std::fs::create_dir_all(&folder).map_err(|source| failed("make", &folder, source))?;
        let lock_path = folder.join("lock");
        let lock = File::create(&lock_path).map_err(|e| failed("make", &lock_path, e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse { path: folder }),
            Err(TryLockError::Error(source)) => return Err(failed("lock", &lock_path, source)),
        }
        let processes = orphans::records(&folder);
        orphans::end(&processes).map_err(|source| failed("clear", &processes, source))?;
        let sdk = match &config.s3_endpoint {
            Some(endpoint) => aws::local(endpoint).await,
            None => aws::load().await,
        };
        let records = folder.join("records");
        let faults = Faults::default();
        if let Some(path) = &config.faults {
            faults.set(Faults::read(path)?);
        }
        Ok(Self {
            jobs: Table::open(records.join("training-jobs"))?,
            tuning_jobs: Table::open(records.join("tuning-jobs"))?,
            transform_jobs: Table::open(records.join("transform-jobs"))?,
            models: Table::open(records.join("models"))?,
            model_groups: Table::open(records.join("model-package-groups"))?,
            model_packages: Table::open(records.join("model-packages"))?,
            endpoint_configs: Table::open(records.join("endpoint-configs"))?,
            endpoints: Table::open(records.join("endpoints"))?,
            scalable_targets: Table::open(records.join("scalable-targets"))?,
            scaling_policies: Table::open(records.join("scaling-policies"))?,
            tags: Table::open(records.join("tags"))?,
            faults,
            recorder: Recorder::open(config.record.as_deref())?,
            http: reqwest::Client::builder()
                .timeout(INVOCATION_TIMEOUT)
                .no_proxy()
                .build()
                .map_err(Error::Client)?,
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
            s3: S3Store::new(&sdk, ""),
            stops: Mutex::default(),
            fleets: Mutex::default(),
            config,
            _lock: lock,
        })
    }

    /// `arn:aws:sagemaker:<region>:000000000000:<kind>/<name>`.
    pub fn arn(&self, kind: &str, name: &str) -> String {
        format!(
            "arn:aws:sagemaker:{}:{ACCOUNT}:{kind}/{name}",
            self.config.region
        )
    }

    /// The record as whoever describes it sees it, which a fault may make lag behind.
    pub fn seen<T: Clone + Serialize + DeserializeOwned>(
        &self,
        table: &Table<T>,
        name: &str,
    ) -> Option<T> {
        let lag = self.faults.lag(name);
        if lag > 0.0 {
            table.get_late(name, lag)
        } else {
            table.get(name)
        }
    }

    /// A bucket.
    pub fn bucket(&self, bucket: &str) -> S3Store {
        self.s3.with_bucket(bucket)
    }

    /// Where the processes that run are recorded.
    pub fn process_records(&self) -> PathBuf {
        orphans::records(&self.config.state_dir)
    }

    /// Where a training job's tree and log are.
    pub fn job_folder(&self, name: &str) -> PathBuf {
        self.config.state_dir.join("training").join(name)
    }

    /// Where an endpoint's trees and logs are.
    pub fn endpoint_folder(&self, name: &str) -> PathBuf {
        self.config.state_dir.join("endpoints").join(name)
    }

    /// The programs behind each endpoint.
    pub fn fleets(&self) -> MutexGuard<'_, HashMap<String, Traffic>> {
        self.fleets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How to stop each job that runs, by its ARN's last part, such as `training-job/<name>`.
    pub fn stops(&self) -> MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.stops.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The program that stands for `image`, or what to say to whoever asked.
pub fn image_of(config: &Config, image: &str) -> Result<Image, Refusal> {
    config.images.find(image).cloned().ok_or_else(|| {
        Refusal::validation(format!(
            "no program stands for the image {image}: start sagemaker-local with --image \
             {image}=COMMAND (known images: {})",
            config.images.known()
        ))
    })
}

fn failed(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::State {
        action,
        path: path.to_owned(),
        source,
    }
}
