//! Waits for what `ready` names: looks at the conditions, and says how long to wait for those that
//! are not true yet.

use crate::PlanExportError;
use contract::{ErrorName, Named, RunId, one_line, wait_seconds};
use definition::{Awaited, Definition, Precondition, Ready, awaited};
use lake::{PagedStore, StoreError};
use serde_json::{Value, json};
use source::{CallFunction, FunctionAnswer};
use std::time::{Duration, SystemTime};

/// Objects of a listing: the one after the empty object of a folder is seen too.
const LISTED: u32 = 2;
/// Characters of a function's answer or reason that a message shows.
const SHOWN: usize = 200;

/// A condition that is not true yet.
#[derive(Debug)]
pub(crate) struct Unmet {
    place: String,
    condition: String,
    /// How it is.
    reason: String,
}

impl Unmet {
    /// What the run waits for, in one sentence.
    pub(crate) fn sentence(&self) -> String {
        let Self {
            condition, reason, ..
        } = self;
        format!("waits until {condition}; {reason}")
    }
}

/// The first condition that is not true, apart from the number of items, which the plan knows.
pub(crate) async fn unmet(
    store: &impl PagedStore,
    functions: &impl CallFunction,
    definition: &Definition,
    run: &RunId,
) -> Result<Option<Unmet>, PlanExportError> {
    let conditions = definition.ready.iter().flat_map(|ready| &ready.when);
    let payload = json!({"pipeline": definition.pipeline, "run": run});
    for (at, condition) in conditions.enumerate() {
        let place = format!("ready.when[{at}]");
        let reason = match condition {
            Precondition::S3(address) => {
                // Read definitions have valid addresses.
                match awaited(address) {
                    Some(objects) => missing(store, objects, &place).await?,
                    None => Some("it is no address".to_owned()),
                }
            }
            Precondition::Lambda(arn) => not_ready(functions, arn, &payload, &place).await?,
            Precondition::Items(_) => None,
        };
        if let Some(reason) = reason {
            let condition = condition.to_string();
            return Ok(Some(Unmet {
                place,
                condition,
                reason,
            }));
        }
    }
    Ok(None)
}

/// Why no awaited object is there.
async fn missing(
    store: &impl PagedStore,
    objects: Awaited<'_>,
    place: &str,
) -> Result<Option<String>, PlanExportError> {
    let Awaited { bucket, key, .. } = objects;
    let other = (bucket != store.bucket()).then(|| store.other(bucket));
    let listed = match &other {
        Some(other) => other.list_page(key, None, LISTED).await,
        None => store.list_page(key, None, LISTED).await,
    };
    let page = match listed {
        Ok(page) => page,
        Err(StoreError::Service(source)) => {
            return Err(PlanExportError::ReadyBucket {
                place: place.to_owned(),
                bucket: bucket.to_owned(),
                source,
            });
        }
        Err(error @ StoreError::NotFound { .. }) => {
            return Err(lake::DocumentError::from(error).into());
        }
    };
    let is_there = page.objects.iter().any(|object| objects.is(&object.key));
    Ok((!is_there).then(|| "no such object is there".to_owned()))
}

/// Why a function does not say that the run may begin.
async fn not_ready(
    functions: &impl CallFunction,
    arn: &str,
    payload: &Value,
    place: &str,
) -> Result<Option<String>, PlanExportError> {
    let answer = match functions.call(arn, payload).await {
        Ok(answer) => answer,
        Err(error) => {
            return Err(PlanExportError::ReadyFunction {
                place: place.to_owned(),
                source: Box::new(error),
            });
        }
    };
    let answer = match answer {
        FunctionAnswer::Returned(answer) => answer,
        // It may be well at the next call.
        FunctionAnswer::Failed(message) => {
            return Ok(Some(format!("it failed: {}", short(&message))));
        }
    };
    let reason = answer["reason"].as_str().unwrap_or("it gives no reason");
    match answer["ready"] {
        Value::Bool(true) => Ok(None),
        Value::Bool(false) => Ok(Some(format!("it answers: {}", short(reason)))),
        _ => Err(PlanExportError::ReadyAnswer {
            place: place.to_owned(),
            answer: short(&answer.to_string()),
        }),
    }
}

fn short(text: &str) -> String {
    let text = one_line(text);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The number of items as a condition, with the number that a plan counts or the reason that there
/// is none.
pub(crate) fn too_few(
    definition: &Definition,
    items: Result<u64, &PlanExportError>,
) -> Option<Unmet> {
    let (at, least) = definition.ready.as_ref()?.items()?;
    let reason = match items {
        Ok(items) => {
            // A plan is made of a source with an item at least, whatever its last count was.
            let items = items.max(1);
            if items >= least {
                return None;
            }
            format!("it has {items}")
        }
        // A mistake of the definition, under the same name.
        Err(PlanExportError::IndexMissing { .. }) => return None,
        Err(error) => match error.name() {
            ErrorName::TableMissing
            | ErrorName::TableEmpty
            | ErrorName::ImagesMissing
            | ErrorName::FilesMissing
            | ErrorName::FilesIncomplete
            | ErrorName::SourceObjectMissing => contract::chain(error),
            _ => return None,
        },
    };
    Some(Unmet {
        place: format!("ready.when[{at}]"),
        condition: definition.ready.as_ref()?.when[at].to_string(),
        reason,
    })
}

/// Seconds to wait before the conditions of a run that began at `started` are looked at again.
///
/// # Errors
/// If their time is over.
pub(crate) fn wait(
    ready: &Ready,
    started: SystemTime,
    unmet: &Unmet,
) -> Result<u32, PlanExportError> {
    let age = SystemTime::now()
        .duration_since(started)
        .unwrap_or(Duration::ZERO)
        .as_secs();
    let left = (u64::from(ready.within_minutes) * 60).saturating_sub(age);
    if left == 0 {
        return Err(PlanExportError::NotReady {
            place: unmet.place.clone(),
            minutes: ready.within_minutes,
            condition: unmet.condition.clone(),
            reason: unmet.reason.clone(),
        });
    }
    let left = u32::try_from(left).unwrap_or(u32::MAX);
    Ok(wait_seconds(age).min(left))
}
