//! Which notices a definition asks for, and that each is sent once.

use crate::PublishReportError;
use definition::{Late, Notify, Stale};
use lake::notices::{Notice, SendNotices};
use lake::records::Plan;
use lake::store::get_if_there;
use lake::{ObjectStore, RunKeys, documents, keys};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The parts of a definition that say which notices are sent, and when.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    /// When a run is late.
    pub late: Option<Late>,
    /// When the data is stale.
    pub stale: Option<Stale>,
    /// Which notices are sent.
    pub notify: Notify,
}

/// What the plan of a run says; before there is one, what the stored definition does.
///
/// # Errors
/// If the lake cannot be read.
pub async fn watched(
    store: &impl ObjectStore,
    pipeline: &str,
    run: Option<&RunKeys>,
) -> Result<Watched, PublishReportError> {
    if let Some(run) = run {
        let plan: Option<Plan> =
            documents::read_if_there(store, &run.plan(), "the run's plan").await?;
        if let Some(plan) = plan {
            let definition = plan.definition;
            return Ok(Watched {
                late: definition.late,
                stale: definition.stale,
                notify: definition.notify.unwrap_or_default(),
            });
        }
    }
    let stored = get_if_there(store, &keys::definition(pipeline)).await?;
    // What is wrong with it is the next run's failure, which sends a notice.
    let stored: Value = stored
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    Ok(Watched {
        late: part(&stored, "late"),
        stale: part(&stored, "stale"),
        notify: part(&stored, "notify").unwrap_or_default(),
    })
}

fn part<T: DeserializeOwned>(definition: &Value, name: &str) -> Option<T> {
    contract::read::from_value(definition[name].clone()).ok()
}

/// One message to people, of which a record is kept.
pub struct OneNotice<'a, S, N> {
    /// The lake.
    pub store: &'a S,
    /// The topic.
    pub notices: &'a N,
    /// Key of the record.
    pub key: String,
    /// The run that it is about.
    pub about: String,
}

/// The record of a notice that was sent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Record {
    run: String,
    subject: String,
    at: String,
}

impl<S: ObjectStore, N: SendNotices> OneNotice<'_, S, N> {
    /// Whether it was sent before, for this run.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub async fn was_sent(&self) -> Result<bool, PublishReportError> {
        let record: Option<Record> =
            documents::read_if_there(self.store, &self.key, "the record of a notice").await?;
        Ok(record.is_some_and(|record| record.run == self.about))
    }

    /// Sends it. A message that is sent and not recorded is sent again.
    ///
    /// # Errors
    /// If it cannot be sent or recorded.
    pub async fn send(&self, notice: &Notice) -> Result<(), PublishReportError> {
        self.notices.send(notice).await.map_err(Box::new)?;
        let record = Record {
            run: self.about.clone(),
            subject: notice.subject.clone(),
            at: jiff::Timestamp::now().to_string(),
        };
        documents::write(self.store, &self.key, &record).await?;
        Ok(())
    }
}
