//! The champion: its record in the lake, read again and again, and whether its endpoint serves it
//! alone.

use crate::ScoreChangesError;
use dataset::{Columns, Encoder};
use lake::records::{Champion, DatasetRecord};
use lake::{ObjectStore, documents, keys, vocabulary};
use sagemaker_ports::{EndpointInfo, EndpointStatus, Endpoints};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

const CSV: &str = "text/csv";
const IMAGE: &str = "application/x-image";

/// The model that serves, with what encodes its rows.
#[derive(Debug)]
pub struct Serving {
    /// Its record.
    pub champion: Champion,
    /// Its endpoint.
    pub endpoint: String,
    /// Its endpoint configuration.
    pub config: String,
    /// Encodes items as for its training.
    pub encoder: Encoder,
    /// The classes of its label; empty if the label is a number.
    pub classes: Vec<String>,
}

/// The champion as it was last read.
#[derive(Debug, Default)]
pub struct Cache {
    serving: Mutex<Option<(Arc<Serving>, Instant)>>,
}

impl Cache {
    /// The champion, read again if the last reading is older than `fresh`, and whether it was read.
    /// Its dataset is read again only if it is another champion.
    ///
    /// # Errors
    /// If there is none that can be asked, or the lake cannot be read.
    pub async fn serving(
        &self,
        store: &impl ObjectStore,
        pipeline: &str,
        fresh: Duration,
    ) -> Result<(Arc<Serving>, bool), ScoreChangesError> {
        let mut cached = self.serving.lock().await;
        if let Some((serving, read)) = &*cached
            && read.elapsed() < fresh
        {
            return Ok((serving.clone(), false));
        }
        let now = Instant::now();
        let key = keys::champion(pipeline);
        let champion: Option<Champion> =
            documents::read_if_there(store, &key, "the record of a champion").await?;
        let champion = champion.ok_or_else(|| ScoreChangesError::NoChampion {
            pipeline: pipeline.to_owned(),
        })?;
        let serving = match cached.take() {
            Some((serving, _)) if serving.champion == champion => serving,
            _ => Arc::new(load(store, pipeline, champion).await?),
        };
        *cached = Some((serving.clone(), now));
        Ok((serving, true))
    }
}

async fn load(
    store: &impl ObjectStore,
    pipeline: &str,
    champion: Champion,
) -> Result<Serving, ScoreChangesError> {
    let (Some(endpoint), Some(config)) = (&champion.endpoint, &champion.endpoint_config) else {
        return Err(ScoreChangesError::NoEndpoint {
            pipeline: pipeline.to_owned(),
        });
    };
    let (endpoint, config) = (endpoint.clone(), config.clone());
    let key = champion.dataset.clone();
    let record: DatasetRecord = documents::read(store, &key, "the dataset").await?;
    let sample = record.sample.as_ref().map(|it| it.content_type.as_str());
    let content_type = record.classes.map(|_| IMAGE).or(sample);
    if let Some(other) = content_type.filter(|it| *it != CSV) {
        return Err(ScoreChangesError::NotCsv {
            endpoint,
            content_type: other.to_owned(),
        });
    }
    let vocabularies = vocabulary::read(store, &record.vocabularies).await?;
    let columns: Result<Columns, _> = contract::read::from_value(record.columns);
    let mut columns = columns.map_err(|source| ScoreChangesError::Dataset {
        key: key.clone(),
        source,
    })?;
    columns.set_vocabularies(vocabularies);
    let encoder =
        Encoder::new(&columns).map_err(|source| ScoreChangesError::Columns { key, source })?;
    Ok(Serving {
        endpoint,
        config,
        encoder,
        classes: columns.label_classes,
        champion,
    })
}

/// Whether the champion's model alone has answered at the endpoint since `asking`; what else is
/// the case.
///
/// # Errors
/// If SageMaker cannot be asked.
pub async fn is_settled(
    endpoints: &impl Endpoints,
    serving: &Serving,
    asking: Instant,
) -> Result<Result<(), String>, ScoreChangesError> {
    let found = endpoints.describe_endpoint(&serving.endpoint).await?;
    let Some(found) = found else {
        return Ok(Err("is not there".to_owned()));
    };
    Ok(settled(&found, &serving.config, asking.elapsed()))
}

/// An endpoint that is scaled is `Updating` too, but to no other configuration, and asked as ever.
fn settled(found: &EndpointInfo, config: &str, asked: Duration) -> Result<(), String> {
    use EndpointStatus::{InService, SystemUpdating, Updating};
    let status = found.status.as_str();
    if !matches!(found.status, InService | Updating | SystemUpdating) {
        return Err(format!("is {status}"));
    }
    if found.config != config {
        let serves = &found.config;
        return Err(format!(
            "serves {serves}, and the champion's configuration is {config}: a run is deploying, or \
             somebody else has updated the endpoint"
        ));
    }
    if let Some(pending) = found.pending.as_ref().filter(|it| *it != config) {
        return Err(format!("is {status} to {pending}"));
    }
    // It may have gone to another configuration and back.
    if found.age_seconds < asked.as_secs() {
        return Err("has changed while it was asked".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(status: EndpointStatus, config: &str, pending: Option<&str>) -> EndpointInfo {
        EndpointInfo {
            config: config.to_owned(),
            status,
            failure_reason: None,
            pending: pending.map(str::to_owned),
            age_seconds: 3,
        }
    }

    #[test]
    fn an_endpoint_is_settled_if_no_other_model_can_answer() {
        use EndpointStatus::{Creating, Failed, InService, RollingBack, Updating};
        let short = Duration::from_secs(1);
        for (status, config, pending, holds) in [
            (InService, "new", None, true),
            (InService, "old", None, false),
            // Scaled.
            (Updating, "new", None, true),
            (Updating, "new", Some("new"), true),
            // On its way to the next model, whose answers a canary already gives.
            (Updating, "new", Some("next"), false),
            (Updating, "old", Some("new"), false),
            (RollingBack, "new", None, false),
            (Creating, "new", None, false),
            (Failed, "new", None, false),
        ] {
            let found = found(status, config, pending);
            let is = settled(&found, "new", short);
            assert_eq!(is.is_ok(), holds, "{found:?}: {is:?}");
        }
        let long = Duration::from_secs(10);
        let back = settled(&found(InService, "new", None), "new", long);
        assert!(back.unwrap_err().contains("while it was asked"));
    }
}
