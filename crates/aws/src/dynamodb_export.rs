//! DynamoDB's native export to S3.

use crate::classify::service_error;
use crate::dynamodb::{SERVICE, Tables, incomplete};
use aws_sdk_dynamodb::primitives::DateTime;
use aws_sdk_dynamodb::types::{
    ExportDescription as Described, ExportFormat, ExportStatus, ExportType, ExportViewType,
    IncrementalExportSpecification, PointInTimeRecoveryStatus, S3SseAlgorithm,
};
use contract::ServiceError;
use source::{
    DescribeRecovery, ExportDescription, ExportKind, ExportRequest, ExportState, NativeExport,
    PointInTimeRecovery, Recoverable,
};

const REQUEST: &str = "ExportTableToPointInTime";
const DESCRIBE: &str = "DescribeExport";
const LIST: &str = "ListExports";

impl DescribeRecovery for Tables {
    async fn recovery(&self, table: &str) -> Result<PointInTimeRecovery, ServiceError> {
        const OPERATION: &str = "DescribeContinuousBackups";
        let answer = self
            .client
            .describe_continuous_backups()
            .table_name(table)
            .send()
            .await
            .map_err(|error| service_error(SERVICE, OPERATION, table, error))?;
        let recovery = answer
            .continuous_backups_description
            .and_then(|backups| backups.point_in_time_recovery_description);
        let seconds = |time: Option<DateTime>| time.map(|time| time.secs());
        Ok(match recovery {
            Some(recovery)
                if recovery.point_in_time_recovery_status
                    == Some(PointInTimeRecoveryStatus::Enabled) =>
            {
                PointInTimeRecovery::On(Recoverable {
                    earliest: seconds(recovery.earliest_restorable_date_time),
                    latest: seconds(recovery.latest_restorable_date_time),
                })
            }
            _ => PointInTimeRecovery::Off,
        })
    }
}

impl NativeExport for Tables {
    async fn request_export(
        &self,
        request: &ExportRequest,
    ) -> Result<ExportDescription, ServiceError> {
        let asked = self
            .client
            .export_table_to_point_in_time()
            .table_arn(&request.table_arn)
            .client_token(&request.token)
            .s3_bucket(&request.bucket)
            .s3_prefix(&request.prefix)
            .s3_sse_algorithm(S3SseAlgorithm::Kms)
            .s3_sse_kms_key_id(&request.key)
            .export_format(ExportFormat::DynamodbJson);
        let asked = match request.kind {
            ExportKind::Whole(time) => asked.export_time(DateTime::from_secs(time)),
            ExportKind::Changes { from, to } => {
                let window = IncrementalExportSpecification::builder()
                    .export_from_time(DateTime::from_secs(from))
                    .export_to_time(DateTime::from_secs(to))
                    .export_view_type(ExportViewType::NewAndOldImages);
                asked
                    .export_type(ExportType::IncrementalExport)
                    .incremental_export_specification(window.build())
            }
        };
        let answer = asked
            .send()
            .await
            .map_err(|error| service_error(SERVICE, REQUEST, &request.table_arn, error))?;
        read(REQUEST, &request.table_arn, answer.export_description)
    }

    async fn find_export(
        &self,
        request: &ExportRequest,
    ) -> Result<Option<ExportDescription>, ServiceError> {
        let mut next = None;
        loop {
            let page = self
                .client
                .list_exports()
                .table_arn(&request.table_arn)
                .set_next_token(next)
                .send()
                .await
                .map_err(|error| service_error(SERVICE, LIST, &request.table_arn, error))?;
            // The list only has ARNs. It goes back ninety days.
            for summary in page.export_summaries.unwrap_or_default() {
                let Some(arn) = summary.export_arn else {
                    return Err(incomplete(
                        LIST,
                        &request.table_arn,
                        "an export without ARN",
                    ));
                };
                let described = self.describe(&arn).await?;
                let is_wanted = described.as_ref().is_some_and(|export| {
                    export.s3_bucket() == Some(&request.bucket)
                        && export.s3_prefix() == Some(&request.prefix)
                });
                if is_wanted {
                    return read(DESCRIBE, &arn, described).map(Some);
                }
            }
            next = page.next_token;
            if next.is_none() {
                return Ok(None);
            }
        }
    }

    async fn describe_export(&self, arn: &str) -> Result<ExportDescription, ServiceError> {
        read(DESCRIBE, arn, self.describe(arn).await?)
    }
}

impl Tables {
    async fn describe(&self, arn: &str) -> Result<Option<Described>, ServiceError> {
        let answer = self.client.describe_export().export_arn(arn).send().await;
        let answer = answer.map_err(|error| service_error(SERVICE, DESCRIBE, arn, error))?;
        Ok(answer.export_description)
    }
}

#[allow(clippy::result_large_err, reason = "it is what the port returns")]
fn read(
    operation: &'static str,
    subject: &str,
    described: Option<Described>,
) -> Result<ExportDescription, ServiceError> {
    let Some(export) = described else {
        return Err(incomplete(operation, subject, "no export's description"));
    };
    let state = match export.export_status {
        Some(ExportStatus::InProgress) => ExportState::InProgress,
        Some(ExportStatus::Completed) => ExportState::Completed {
            manifest: export.export_manifest,
            items: export
                .item_count
                .and_then(|items| u64::try_from(items).ok()),
        },
        Some(ExportStatus::Failed) => ExportState::Failed {
            code: export.failure_code.unwrap_or_else(|| "unknown".to_owned()),
            message: export.failure_message.unwrap_or_default(),
        },
        status => {
            let what = format!("an export whose status is {status:?}");
            return Err(incomplete(operation, subject, &what));
        }
    };
    let Some(arn) = export.export_arn else {
        return Err(incomplete(operation, subject, "an export without ARN"));
    };
    Ok(ExportDescription { arn, state })
}
