//! What all operations share: the configuration, S3, faults, and the parts that each topic adds.

use crate::config::Config;
use crate::error::Error;
use crate::faults::Faults;
use crate::images::Image;
use crate::processes::orphans;
use crate::protocol::recorder::Recorder;
use crate::protocol::refusal::Refusal;
use crate::store::table::{Record, Table};
use aws::s3::S3Store;
use axum::http::Extensions;
use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// The faults that are set.
    pub faults: Faults,
    /// Writes calls to the file of `--record`.
    pub recorder: Recorder,
    /// The client for requests to serving programs.
    pub http: reqwest::Client,
    /// Cancelled when the server ends.
    pub closing: CancellationToken,
    /// All tasks that run beside the requests.
    pub tasks: TaskTracker,
    /// Tables and other parts, one of each type, so that this file need not name their types.
    parts: Extensions,
    s3: S3Store,
    stops: Mutex<HashMap<String, CancellationToken>>,
    /// Held for as long as the server runs, so that two cannot share a state directory.
    _lock: File,
}

impl App {
    /// Locks the state directory and ends the programs that an earlier server left running.
    pub async fn open(mut config: Config) -> Result<Self, Error> {
        // Programs get paths below it and start in another folder.
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
        let faults = Faults::default();
        if let Some(path) = &config.faults {
            faults.set(Faults::read(path)?);
        }
        Ok(Self {
            faults,
            recorder: Recorder::open(config.record.as_deref())?,
            http: reqwest::Client::builder()
                .timeout(INVOCATION_TIMEOUT)
                .no_proxy()
                .build()
                .map_err(Error::Client)?,
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
            parts: Extensions::new(),
            s3: S3Store::new(&sdk, ""),
            stops: Mutex::default(),
            config,
            _lock: lock,
        })
    }

    /// Adds a part. There is one of each type.
    pub fn add<T: Send + Sync + 'static>(&mut self, part: T) {
        self.parts.insert(Arc::new(part));
    }

    /// The part of this type.
    pub fn part<T: Send + Sync + 'static>(&self) -> &T {
        let part = self.parts.get::<Arc<T>>();
        part.expect("the server adds every part before it answers")
    }

    /// Reads the table of these records from the state directory, and adds it.
    pub fn open_table<T: Record>(&mut self) -> Result<(), Error> {
        let folder = self.config.state_dir.join("records").join(T::FOLDER);
        self.add(Table::<T>::open(folder)?);
        Ok(())
    }

    /// The table of these records.
    pub fn table<T: Record>(&self) -> &Table<T> {
        self.part()
    }

    /// The record as Describe shows it: as it is, or as it was when a `stale` fault is set.
    pub fn seen<T: Record>(&self, name: &str) -> Option<T> {
        let lag = self.faults.lag(name);
        if lag > 0.0 {
            self.table::<T>().get_old(name, lag)
        } else {
            self.table::<T>().get(name)
        }
    }

    /// `arn:aws:sagemaker:<region>:000000000000:<kind>/<name>`.
    pub fn arn(&self, kind: &str, name: &str) -> String {
        format!("{}{kind}/{name}", self.arn_prefix())
    }

    /// The beginning of every ARN of SageMaker on this server.
    pub fn arn_prefix(&self) -> String {
        format!("arn:aws:sagemaker:{}:{ACCOUNT}:", self.config.region)
    }

    /// A bucket of S3.
    pub fn bucket(&self, bucket: &str) -> S3Store {
        self.s3.with_bucket(bucket)
    }

    /// The folder of the records of running processes.
    pub fn process_records(&self) -> PathBuf {
        orphans::records(&self.config.state_dir)
    }

    /// The folder of a training job's tree and log.
    pub fn job_folder(&self, name: &str) -> PathBuf {
        self.config.state_dir.join("training").join(name)
    }

    /// The folder of an endpoint's trees and logs.
    pub fn endpoint_folder(&self, name: &str) -> PathBuf {
        self.config.state_dir.join("endpoints").join(name)
    }

    /// Tokens that stop running jobs, by the last part of the job's ARN: `training-job/<name>`.
    pub fn stops(&self) -> MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.stops.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The program mapped to `image`, or the refusal of a request that names it.
pub fn image_of(config: &Config, image: &str) -> Result<Image, Refusal> {
    config.images.find(image).cloned().ok_or_else(|| {
        Refusal::validation(format!(
            "no program is mapped to the image {image}: start sagemaker-local with --image \
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
