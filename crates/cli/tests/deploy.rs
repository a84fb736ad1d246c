//! What `deploy` makes of the state that a stack is in, on a CloudFormation that answers one status
//! after the other.

#![allow(clippy::unwrap_used)] // A test that cannot continue has failed.

use aws::cloudformation::Stacks;
use axum::Router;
use axum::http::StatusCode;
use millrace::deploy::{self, DeployError};
use millrace::exit::Explain;
use millrace::progress::Progress;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// A CloudFormation whose stack has these statuses, the last one for good; none at the end is no
/// stack.
async fn stacks(statuses: &[Option<&'static str>]) -> Stacks {
    let left = Arc::new(Mutex::new(statuses.to_vec()));
    let app = Router::new().fallback(async move |body: String| {
        if body.contains("Action=DescribeStackEvents") {
            return (StatusCode::OK, events());
        }
        let mut left = left.lock().unwrap();
        let status = if left.len() > 1 {
            left.remove(0)
        } else {
            left[0]
        };
        match status {
            Some(status) => (StatusCode::OK, stack(status)),
            None => (StatusCode::BAD_REQUEST, missing()),
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await });
    Stacks::new(&aws::local(&url).await)
}

fn stack(status: &str) -> String {
    format!(
        "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>s</StackName>\
         <CreationTime>2026-11-20T17:30:00Z</CreationTime><StackStatus>{status}</StackStatus>\
         <Outputs><member><OutputKey>MillraceVersion</OutputKey><OutputValue>0.1.0</OutputValue>\
         </member></Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
    )
}

fn missing() -> String {
    "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>\
     <Message>Stack with id s does not exist</Message></Error></ErrorResponse>"
        .to_owned()
}

/// Newest first: a creation that failed, and an older deletion that failed too.
fn events() -> String {
    let event = |resource: &str, status: &str, reason: &str| {
        format!(
            "<member><StackId>i</StackId><EventId>e</EventId><StackName>s</StackName>\
             <Timestamp>2026-11-20T17:30:00Z</Timestamp>\
             <LogicalResourceId>{resource}</LogicalResourceId><ResourceStatus>{status}</ResourceStatus>\
             <ResourceStatusReason>{reason}</ResourceStatusReason></member>"
        )
    };
    let all = [
        event("s", "ROLLBACK_COMPLETE", ""),
        event("Role", "CREATE_FAILED", "not authorized"),
        event("s", "CREATE_IN_PROGRESS", "User Initiated"),
        event("Old", "DELETE_FAILED", "not empty"),
    ];
    format!(
        "<DescribeStackEventsResponse><DescribeStackEventsResult><StackEvents>{}</StackEvents>\
         </DescribeStackEventsResult></DescribeStackEventsResponse>",
        all.concat()
    )
}

async fn current(statuses: &[Option<&'static str>]) -> Result<Option<String>, DeployError> {
    let stacks = stacks(statuses).await;
    let found = deploy::current(&stacks, "s", &Progress::quiet()).await;
    found.map(|found| found.map(|info| info.status))
}

#[tokio::test]
async fn a_change_in_progress_is_waited_for() {
    let updating = [
        Some("UPDATE_IN_PROGRESS"),
        Some("UPDATE_IN_PROGRESS"),
        Some("UPDATE_COMPLETE"),
    ];
    let found = current(&updating).await.unwrap();
    assert_eq!(found.as_deref(), Some("UPDATE_COMPLETE"));
    let back = [
        Some("UPDATE_ROLLBACK_IN_PROGRESS"),
        Some("UPDATE_ROLLBACK_COMPLETE"),
    ];
    let found = current(&back).await.unwrap();
    assert_eq!(found.as_deref(), Some("UPDATE_ROLLBACK_COMPLETE"));
    let deleting = [Some("DELETE_IN_PROGRESS"), None];
    assert_eq!(current(&deleting).await.unwrap(), None);
}

#[tokio::test]
async fn a_stack_that_is_not_there_or_only_reviewed_is_new() {
    assert_eq!(current(&[None]).await.unwrap(), None);
    assert_eq!(current(&[Some("REVIEW_IN_PROGRESS")]).await.unwrap(), None);
}

#[tokio::test]
async fn a_stack_that_cannot_be_deployed_is_named_with_its_reasons() {
    for status in [
        "ROLLBACK_COMPLETE",
        "DELETE_FAILED",
        "UPDATE_ROLLBACK_FAILED",
    ] {
        let error = current(&[Some(status)]).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("`s` is {status}")), "{text}");
        // Of the newest change alone.
        assert!(text.ends_with("deployed: Role: not authorized"), "{text}");
        assert!(error.kind().advice().is_some(), "{status}");
    }
}
