//! The model artifact that a training job left, told apart from whatever replaces it later.
//!
//! A training image may write below the prefix of another run. So the artifact's `ETag` is recorded
//! when training completes, and compared before the model is judged, deployed or rolled back to, and
//! whenever a champion stays.

use crate::documents::{self, DocumentError};
use crate::keys::RunKeys;
use crate::records::TrainingRecord;
use crate::store::{ObjectStore, StoreError};
use contract::{ErrorName, Named};

/// The artifact is no longer the one that the training job left.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the artifact {artifact} is not the one that the training job {job} left: its ETag was {recorded} \
     and is {found} now; find out what replaced it, then delete the object's later versions, or start a new run"
)]
pub struct ArtifactReplaced {
    /// `s3://…/model.tar.gz`.
    pub artifact: String,
    /// The training job.
    pub job: String,
    /// The `ETag` when training completed.
    pub recorded: String,
    /// The `ETag` now, or that there is no such object.
    pub found: String,
}

impl Named for ArtifactReplaced {
    fn name(&self) -> ErrorName {
        ErrorName::Conflict
    }
}

/// The artifact's `ETag`; `None` if it lies in another bucket, is absent, or the store has no `ETags`.
///
/// # Errors
/// If the store fails.
pub async fn etag(store: &impl ObjectStore, artifact: &str) -> Result<Option<String>, StoreError> {
    let path = artifact
        .strip_prefix("s3://")
        .and_then(|it| it.split_once('/'));
    let Some((_, key)) = path.filter(|(bucket, _)| *bucket == store.bucket()) else {
        return Ok(None);
    };
    let listed = store.list(key).await?;
    let found = listed.into_iter().find(|object| object.key == key);
    Ok(found.and_then(|object| object.etag))
}

/// Whether the artifact is still the one that was recorded. A record without an `ETag` passes.
///
/// # Errors
/// If the store fails; within, if the artifact was replaced.
pub async fn check(
    store: &impl ObjectStore,
    training: &TrainingRecord,
) -> Result<Result<(), ArtifactReplaced>, StoreError> {
    let Some(recorded) = &training.artifact_etag else {
        return Ok(Ok(()));
    };
    let found = etag(store, &training.artifact).await?;
    if found.as_ref() == Some(recorded) {
        return Ok(Ok(()));
    }
    Ok(Err(ArtifactReplaced {
        artifact: training.artifact.clone(),
        job: training.job.clone(),
        recorded: recorded.clone(),
        found: found.unwrap_or_else(|| "absent".to_owned()),
    }))
}

/// Checks the artifact of an earlier run. A run without a record of its training passes.
///
/// # Errors
/// If the store fails; within, if the artifact was replaced.
pub async fn check_run(
    store: &impl ObjectStore,
    run: &RunKeys,
) -> Result<Result<(), ArtifactReplaced>, DocumentError> {
    let what = "the record of a training job";
    let training: Option<TrainingRecord> =
        documents::read_if_there(store, &run.training(), what).await?;
    match training {
        Some(training) => Ok(check(store, &training).await?),
        None => Ok(Ok(())),
    }
}
