//! Follows a stack until nothing changes any more.

use super::DeployError;
use crate::progress::Step;
use aws::cloudformation::{StackEvent, StackInfo, Stacks};
use std::collections::BTreeSet;
use std::time::Duration;

const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Most reasons that an error names: the first ones are the causes of the others.
const MOST_REASONS: usize = 5;

/// Waits until the stack is not changing, and shows how far it is of `total` resources. `None` if
/// it is gone.
///
/// # Errors
/// If the service refuses or fails.
pub async fn follow(
    stacks: &Stacks,
    stack: &str,
    total: Option<usize>,
    step: &Step,
) -> Result<Option<StackInfo>, DeployError> {
    loop {
        let Some(info) = stacks.describe(stack).await? else {
            return Ok(None);
        };
        if !info.is_changing() {
            return Ok(Some(info));
        }
        let events = stacks.newest_events(stack).await?;
        let of_resources = || events.iter().filter(|event| event.resource != stack);
        let done: BTreeSet<_> = of_resources()
            .filter(|event| event.status.ends_with("_COMPLETE"))
            .map(|event| &event.resource)
            .collect();
        let newest = of_resources().next().map_or("", |event| &event.resource);
        match total.and_then(|total| u64::try_from(total).ok()) {
            Some(total) => step.count((done.len() as u64).min(total), total, newest),
            None => step.say(&format!("{} resources, {newest}", done.len())),
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Why the newest change of the stack failed: `: RESOURCE: REASON; …`, the oldest first; empty if
/// no resource has a reason.
///
/// # Errors
/// If the service refuses or fails.
pub async fn reasons(stacks: &Stacks, stack: &str) -> Result<String, DeployError> {
    let events = stacks.newest_events(stack).await?;
    Ok(causes(&events))
}

fn causes(events: &[StackEvent]) -> String {
    let failures = events.iter().rev().filter(|event| event.is_failure());
    let reasons = failures.filter_map(|event| {
        let reason = event.reason.as_ref()?;
        // Of resources that were stopped because another one failed.
        let is_own = !reason.ends_with("cancelled");
        is_own.then(|| format!("{}: {reason}", event.resource))
    });
    let reasons: Vec<_> = reasons.take(MOST_REASONS).collect();
    if reasons.is_empty() {
        String::new()
    } else {
        format!(": {}", reasons.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_come_first_and_what_they_stopped_is_left_out() {
        let event = |resource: &str, status: &str, reason: Option<&str>| StackEvent {
            resource: resource.to_owned(),
            status: status.to_owned(),
            reason: reason.map(str::to_owned),
        };
        // Newest first, as the service lists them.
        let events = [
            event("s", "ROLLBACK_COMPLETE", None),
            event(
                "Topic",
                "CREATE_FAILED",
                Some("Resource creation cancelled"),
            ),
            event("Machine", "CREATE_FAILED", Some("no such role")),
            event("Role", "CREATE_FAILED", Some("not authorized")),
            event("Role", "CREATE_IN_PROGRESS", None),
        ];
        assert_eq!(
            causes(&events),
            ": Role: not authorized; Machine: no such role"
        );
        assert_eq!(causes(&events[..2]), "");
    }
}
