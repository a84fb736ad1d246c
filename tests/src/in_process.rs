//! What functions need beside their lake when a test calls them in its own process.

use contract::{Invocation, ServiceError};
use lake::latest::Announcements;
use lake::lease::Executions;
use lake::records::Latest;
use std::time::{Duration, SystemTime};

/// No execution runs but this one.
pub struct NoOther;

impl Executions for NoOther {
    async fn is_running(&self, _: &str) -> Result<bool, ServiceError> {
        Ok(false)
    }
}

/// Nobody is notified of new data.
pub struct Silent;

impl Announcements for Silent {
    async fn announce(&self, _: &Latest, _: &str) -> Result<(), ServiceError> {
        Ok(())
    }
}

/// An invocation that has an hour.
pub fn invocation() -> Invocation {
    Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now() + Duration::from_hours(1),
    }
}
