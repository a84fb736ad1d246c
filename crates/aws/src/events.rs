//! EventBridge: announces new data on the account's default event bus, for [`lake::latest`].

use crate::classify::{name_of, service_error};
use aws_config::SdkConfig;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use contract::ServiceError;
use lake::latest::Announcements;
use lake::records::Latest;

const SERVICE: &str = "EventBridge";
const OPERATION: &str = "PutEvents";

/// The `source` of the events.
pub const SOURCE: &str = "millrace";

/// The `detail-type` of the event that new data is there.
pub const DATA_READY: &str = "Data Ready";

/// The account's default event bus. Cheap to clone: clones share the client's connections.
#[derive(Debug, Clone)]
pub struct EventBus {
    client: Client,
}

impl EventBus {
    /// The bus where `config` says that EventBridge is.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
        }
    }
}

impl Announcements for EventBus {
    async fn announce(&self, latest: &Latest, address: &str) -> Result<(), ServiceError> {
        let mut detail = serde_json::to_value(latest)
            .expect("records have text keys and no fallible serialisers");
        detail["latest"] = address.into();
        let entry = PutEventsRequestEntry::builder()
            .source(SOURCE)
            .detail_type(DATA_READY)
            .detail(detail.to_string())
            .build();
        let answer = self.client.put_events().entries(entry).send().await;
        let answer =
            answer.map_err(|error| service_error(SERVICE, OPERATION, address.to_owned(), error))?;
        // The call succeeds although an entry is refused.
        let refused = answer.entries().iter().find_map(|entry| {
            let code = entry.error_code()?.to_owned();
            let message = entry.error_message().unwrap_or_default().to_owned();
            Some((code, message))
        });
        match refused {
            None => Ok(()),
            Some((code, message)) => Err(ServiceError {
                name: name_of(Some(&code), &message, 400),
                service: SERVICE,
                operation: OPERATION,
                subject: address.to_owned(),
                code,
                message,
                source: None,
            }),
        }
    }
}
