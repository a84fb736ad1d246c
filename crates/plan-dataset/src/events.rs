//! What only a run of events has: the record by which later runs take over what it has read, and the
//! end of a run that found nothing new.

use crate::PlanDatasetError;
use crate::index::before;
use lake::records::{EventsPlan, Plan};
use lake::{ObjectStore, documents, events};

/// Records what later runs need not read again, whatever the gates say of it.
pub async fn record(
    store: &impl ObjectStore,
    plan: &Plan,
    of_events: &EventsPlan,
) -> Result<(), PlanDatasetError> {
    let key = events::newest(&plan.definition.pipeline);
    Ok(documents::write(store, &key, &of_events.index(&plan.run)).await?)
}

/// Whether the last run that ended well had all of these objects, and this definition. Days that are
/// read no more are nothing new.
pub async fn is_nothing_new(
    store: &impl ObjectStore,
    plan: &Plan,
    of_events: &EventsPlan,
) -> Result<bool, PlanDatasetError> {
    let Some(before) = before(store, plan).await? else {
        return Ok(false);
    };
    let then = before.events().map(|(_, then)| then);
    let has_more = then.is_none_or(|then| of_events.has_more_than(then));
    Ok(!has_more && before.definition == plan.definition)
}
