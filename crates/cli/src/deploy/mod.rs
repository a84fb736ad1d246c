//! `millrace deploy`: creates or updates a stack from the files of a release, by a change set that a
//! person sees first.

mod differences;
mod error;
mod follow;
mod release;
mod settings;

pub use differences::Difference;
pub use error::DeployError;
pub use release::Release;
pub use settings::{Question, Settings};

use crate::place::DEFAULT_STACK;
use crate::progress::{Progress, Step};
use aws::cloudformation::{
    ChangeSet, NewChangeSet, ParameterValue, ResourceDifference, StackInfo, Stacks, Template,
};
use aws::s3::S3Store;
use aws::{SdkConfig, s3_bucket};
use bytes::Bytes;
use contract::ServiceError;
use futures::{StreamExt, TryStreamExt, stream};
use lake::ObjectStore;
use release::ReleaseFile;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The output that says that a stack is one of Millrace.
const VERSION_OUTPUT: &str = "MillraceVersion";
const REVIEW: &str = "REVIEW_IN_PROGRESS";
const POLL_INTERVAL: Duration = Duration::from_millis(500);
const UPLOADS_AT_ONCE: usize = 4;

/// How a deployment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The stack is new.
    Created,
    /// The stack was changed.
    Updated,
    /// The stack is as the release says, and was before.
    Unchanged,
    /// Nothing was changed: with `--dry-run`.
    Planned,
}

/// What a deployment did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document {
    /// The stack.
    pub stack: String,
    /// Its region.
    pub region: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The resources that are changed, or would be.
    pub differences: Vec<Difference>,
    /// The outputs of the stack by name; empty before it is created.
    pub outputs: BTreeMap<String, String>,
}

impl Document {
    /// The outputs, a line each.
    pub fn text(&self) -> String {
        let width = self
            .outputs
            .keys()
            .map(String::len)
            .max()
            .unwrap_or_default();
        let mut text = String::new();
        for (name, value) in &self.outputs {
            // Writing to memory cannot fail.
            let _ = writeln!(text, "{name:width$}  {value}");
        }
        text
    }

    /// The command that comes next.
    pub fn next(&self) -> String {
        let stack = match self.stack.as_str() {
            DEFAULT_STACK => String::new(),
            other => format!(" --stack {other}"),
        };
        match self.outcome {
            Outcome::Created => format!("next: millrace init TABLE, and millrace push{stack}"),
            Outcome::Updated | Outcome::Unchanged => format!("next: millrace doctor{stack}"),
            Outcome::Planned => "next: the same command without --dry-run".to_owned(),
        }
    }
}

/// A stack, and the release that is deployed to it.
#[derive(Debug, Clone, Copy)]
pub struct Deployment<'a> {
    /// The SDK configuration.
    pub config: &'a SdkConfig,
    /// The account's stacks.
    pub stacks: &'a Stacks,
    /// The stack's name.
    pub stack: &'a str,
    /// The release.
    pub release: &'a Release,
}

/// A change set that waits to be executed.
#[derive(Debug)]
pub struct Prepared {
    name: String,
    is_new: bool,
    differences: Vec<ResourceDifference>,
}

impl Prepared {
    /// What it would change, as lines.
    pub fn text(&self) -> String {
        differences::text(&self.differences, self.is_new)
    }

    /// What it would change.
    pub fn differences(&self) -> Vec<Difference> {
        self.differences.iter().map(Difference::from).collect()
    }
}

/// Compares the version of a release with the program's.
///
/// # Errors
/// If they differ.
pub fn check_version(release: &Release) -> Result<(), DeployError> {
    match release.version() {
        Some(VERSION) => Ok(()),
        other => Err(DeployError::OtherVersion {
            release: other.unwrap_or("none").to_owned(),
            program: VERSION,
        }),
    }
}

/// The name of the bucket for the files of releases, unless another one is named.
pub fn files_bucket(account: &str, region: &str) -> String {
    format!("millrace-files-{account}-{region}")
}

/// The stack that an update would begin from; `None` if it is to be created. Waits for a change that
/// is in progress.
///
/// # Errors
/// If the stack is none of Millrace, can neither be created nor updated, or the service fails.
pub async fn current(
    stacks: &Stacks,
    stack: &str,
    progress: &Progress,
) -> Result<Option<StackInfo>, DeployError> {
    let Some(mut info) = stacks.describe(stack).await? else {
        return Ok(None);
    };
    if info.status == REVIEW {
        return Ok(None);
    }
    if info.is_changing() {
        let step = progress.step(format!("Stack {stack}, which is changing already"));
        let Some(settled) = follow::follow(stacks, stack, None, &step).await? else {
            step.done("is gone");
            return Ok(None);
        };
        step.done(&settled.status);
        info = settled;
    }
    if !info.status.starts_with("UPDATE_ROLLBACK_COMPLETE") && !info.is_ready() {
        return Err(DeployError::Stuck {
            stack: stack.to_owned(),
            status: info.status,
            reasons: follow::reasons(stacks, stack).await?,
        });
    }
    if !info.outputs.contains_key(VERSION_OUTPUT) {
        let stack = stack.to_owned();
        return Err(DeployError::OtherStack { stack });
    }
    Ok(Some(info))
}

impl Deployment<'_> {
    /// Uploads the release's files to the account's bucket, which is created if it is missing, by
    /// keys that their content decides. Returns where the template is that names the uploads.
    ///
    /// # Errors
    /// If a file is not as its checksum says, or S3 refuses or fails.
    pub async fn upload(
        &self,
        bucket: &str,
        account: &str,
        progress: &Progress,
    ) -> Result<Template, DeployError> {
        let step = progress.step("Files of the release");
        let ensured = s3_bucket::ensure(self.config, bucket, account).await;
        ensured.map_err(|error| DeployError::Bucket {
            bucket: bucket.to_owned(),
            source: Box::new(error),
        })?;
        let store = S3Store::new(self.config, bucket);
        let references = self.release.references()?;
        let total = references.len() as u64;
        let uploads = references.into_iter().map(|(resource, property, name)| {
            let store = &store;
            async move {
                let file = self.release.file(name)?;
                let key = put(store, file).await?;
                Ok::<_, DeployError>((resource, property, key))
            }
        });
        let mut uploads = stream::iter(uploads).buffer_unordered(UPLOADS_AT_ONCE);
        let mut template = self.release.template().clone();
        let mut done = 0;
        while let Some((resource, property, key)) = uploads.try_next().await? {
            template["Resources"][resource]["Properties"][property] =
                json!({"Bucket": bucket, "Key": key});
            done += 1;
            step.count(done, total, resource);
        }
        let url = put_template(self.config, &store, template.to_string()).await?;
        step.done(&format!("{done} in s3://{bucket}"));
        Ok(Template::Url(url))
    }

    /// Asks CloudFormation what the template would change; `None` if nothing.
    ///
    /// # Errors
    /// If CloudFormation refuses the template or a parameter, or fails.
    pub async fn prepare(
        &self,
        template: &Template,
        parameters: &[(String, ParameterValue)],
        is_new: bool,
        progress: &Progress,
    ) -> Result<Option<Prepared>, DeployError> {
        let (stacks, stack) = (self.stacks, self.stack);
        let step = progress.step("Changes");
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let name = format!("millrace-{}", now.as_millis());
        let new = NewChangeSet {
            stack,
            name: &name,
            is_new,
            template,
            parameters,
        };
        stacks.begin_change_set(&new).await?;
        loop {
            match stacks.change_set(stack, &name).await? {
                ChangeSet::Pending => tokio::time::sleep(POLL_INTERVAL).await,
                ChangeSet::Empty => {
                    stacks.remove_change_set(stack, &name).await?;
                    step.done("none");
                    return Ok(None);
                }
                ChangeSet::Failed(reason) => {
                    stacks.remove_change_set(stack, &name).await?;
                    let stack = stack.to_owned();
                    return Err(DeployError::ChangeSet { stack, reason });
                }
                ChangeSet::Ready(differences) => {
                    step.done(&format!("of {} resources", differences.len()));
                    return Ok(Some(Prepared {
                        name,
                        is_new,
                        differences,
                    }));
                }
            }
        }
    }

    /// Removes the change set. An empty stack that is new stays, without any resource.
    ///
    /// # Errors
    /// If the service refuses or fails.
    pub async fn discard(&self, prepared: &Prepared) -> Result<(), ServiceError> {
        self.stacks
            .remove_change_set(self.stack, &prepared.name)
            .await
    }

    /// Changes the stack, and waits for the end. Returns its outputs.
    ///
    /// # Errors
    /// If a resource cannot be created or changed, with CloudFormation's reasons.
    pub async fn execute(
        &self,
        prepared: &Prepared,
        progress: &Progress,
    ) -> Result<BTreeMap<String, String>, DeployError> {
        let (stacks, stack) = (self.stacks, self.stack);
        let step: Step = progress.step(format!("Stack {stack}"));
        stacks.execute_change_set(stack, &prepared.name).await?;
        let total = Some(prepared.differences.len());
        let ended = follow::follow(stacks, stack, total, &step).await?;
        match ended {
            Some(info) if info.is_ready() => {
                step.done(&format!("{} resources", prepared.differences.len()));
                Ok(info.outputs)
            }
            other => Err(DeployError::Failed {
                stack: stack.to_owned(),
                status: other.map_or("gone".to_owned(), |info| info.status),
                reasons: follow::reasons(stacks, stack).await?,
            }),
        }
    }
}

/// Uploads a file, unless it is there: its key says what is in it.
async fn put(store: &S3Store, file: ReleaseFile) -> Result<String, DeployError> {
    let key = format!("{}/{}", file.sha256, file.name);
    let upload = |source| DeployError::Upload {
        file: file.name.clone(),
        source,
    };
    let there = store.list(&key).await.map_err(upload)?;
    if !there.iter().any(|object| object.key == key) {
        let put = store.put_if_absent(&key, file.content.clone()).await;
        put.map_err(upload)?;
    }
    Ok(key)
}

/// Uploads the template; returns its URL.
async fn put_template(
    config: &SdkConfig,
    store: &S3Store,
    template: String,
) -> Result<String, DeployError> {
    let file = ReleaseFile::new("template.json", Bytes::from(template));
    let key = put(store, file).await?;
    Ok(s3_bucket::object_url(config, store.bucket(), &key))
}
