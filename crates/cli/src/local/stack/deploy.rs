//! Creates or updates a stack and waits for the result.

use crate::local::LocalError;
use crate::progress::Step;
use aws::SdkConfig;
use aws::cloudformation::{Change, MAX_TEMPLATE_BODY, StackInfo, Stacks, Template};
use bytes::Bytes;
use lake::store::ObjectStore;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// A stack that matches its template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    name: String,
    outputs: BTreeMap<String, String>,
}

impl Stack {
    /// An output of the stack.
    pub fn output(&self, output: &'static str) -> Result<&str, LocalError> {
        let found = self.outputs.get(output).map(String::as_str);
        found.ok_or_else(|| LocalError::NoOutput {
            stack: self.name.clone(),
            output,
        })
    }
}

/// Creates or updates the stack and waits for the result. A long template is uploaded to `store`,
/// whose URL is `store_url`.
pub async fn deploy(
    config: &SdkConfig,
    store: &impl ObjectStore,
    store_url: &str,
    stack: &str,
    template: &Value,
    parameters: &BTreeMap<String, String>,
    step: &Step,
) -> Result<Stack, LocalError> {
    let stacks = Stacks::new(config);
    let text = template.to_string();
    let template = if text.len() <= MAX_TEMPLATE_BODY {
        Template::Body(text)
    } else {
        let key = format!("{stack}.template.json");
        store.put(&key, Bytes::from(text)).await?;
        Template::Url(format!("{store_url}/{}/{key}", store.bucket()))
    };
    let change = stacks.begin(stack, &template, parameters).await?;
    let ready = wait(&stacks, stack, change, step).await?;
    Ok(Stack {
        name: stack.to_owned(),
        outputs: ready.outputs,
    })
}

async fn wait(
    stacks: &Stacks,
    stack: &str,
    change: Change,
    step: &Step,
) -> Result<StackInfo, LocalError> {
    loop {
        let info = stacks.describe(stack).await?.unwrap_or_else(|| StackInfo {
            status: "DELETED".to_owned(),
            outputs: BTreeMap::new(),
            parameters: BTreeMap::new(),
        });
        if !info.is_changing() {
            // Without a change the status is that of the previous change.
            if info.is_ready() || change == Change::None {
                return Ok(info);
            }
            return Err(LocalError::Stack {
                stack: stack.to_owned(),
                status: info.status,
                reasons: reasons(stacks, stack).await?,
            });
        }
        let events = stacks.events(stack).await?;
        let done: BTreeSet<_> = events
            .iter()
            .filter(|event| event.status.ends_with("_COMPLETE"))
            .map(|event| &event.resource)
            .collect();
        step.say(&format!("{} resources", done.len()));
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Why a stack failed, from its resources' events. The oldest failure is the cause of the later
/// ones.
async fn reasons(stacks: &Stacks, stack: &str) -> Result<String, LocalError> {
    let events = stacks.events(stack).await?;
    let failures: Vec<_> = events
        .iter()
        .rev()
        .filter(|event| event.is_failure())
        .filter_map(|event| Some(format!("{}: {}", event.resource, event.reason.as_ref()?)))
        .collect();
    let failures = failures.join("; ");
    Ok(if failures.is_empty() {
        "no resource reports a reason".to_owned()
    } else {
        failures
    })
}
