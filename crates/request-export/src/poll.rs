//! One native export, from its request to its files.

use crate::manifest::{self, Completed};
use crate::{RequestExportError, Run};
use contract::ServiceError;
use lake::ObjectStore;
use lake::native::{ExportFile, NativeRequest};
use source::{ExportDescription, ExportKind, ExportRequest, ExportState, NativeExport};

/// DynamoDB remembers a token for eight hours after its use, and no call is older than its run.
/// Source: Amazon DynamoDB API Reference, `ExportTableToPointInTime`. One hour less, for clock
/// skew.
const TOKEN_SECONDS: u64 = 7 * 60 * 60;

/// What is requested, under this attempt's token and prefix.
pub struct Wanted {
    pub kind: ExportKind,
    pub token: String,
    pub prefix: String,
}

/// How an export stands.
pub enum Polled {
    /// Its files are being written.
    InProgress,
    /// It failed, and stays so.
    Failed(RequestExportError),
    /// All its files are there.
    Completed {
        /// Its ARN.
        arn: String,
        /// The files.
        files: Vec<ExportFile>,
    },
}

impl<S: ObjectStore, E: NativeExport> Run<'_, S, E> {
    /// The export that `progress` knows of; or, where it knows none, the run's export, which is
    /// requested if there is none. Its ARN is noted in `progress`.
    pub async fn export(
        &self,
        progress: &mut NativeRequest,
        wanted: &Wanted,
    ) -> Result<ExportDescription, RequestExportError> {
        if let Some(arn) = &progress.arn {
            return Ok(self.exports.describe_export(arn).await?);
        }
        let table = &self.of_table.table_arn;
        let request = ExportRequest {
            table_arn: table.clone().ok_or(RequestExportError::NoTable)?,
            token: wanted.token.clone(),
            bucket: self.store.bucket().to_owned(),
            prefix: wanted.prefix.clone(),
            key: self.lake_key.to_owned(),
            // The same in every call, or the token would conflict with the first request.
            kind: wanted.kind,
        };
        let export = find_or_request(self.exports, &request, self.age()).await?;
        let prefix = &request.prefix;
        tracing::info!(export = export.arn, prefix, "the export is in progress");
        progress.arn = Some(export.arn.clone());
        Ok(export)
    }

    /// How the export stands; its manifests are checked if it has completed.
    pub async fn polled(
        &self,
        export: ExportDescription,
        wanted: &Wanted,
    ) -> Result<Polled, RequestExportError> {
        let arn = export.arn;
        let (manifest, items) = match export.state {
            ExportState::InProgress => return Ok(Polled::InProgress),
            ExportState::Failed { code, message } => {
                return Ok(Polled::Failed(RequestExportError::Failed {
                    arn,
                    code,
                    message,
                }));
            }
            ExportState::Completed { manifest, items } => (manifest, items),
        };
        let completed = Completed {
            arn: &arn,
            kind: wanted.kind,
            prefix: &wanted.prefix,
            manifest: manifest.as_deref(),
            items,
        };
        let files = manifest::read(self.store, completed).await?;
        Ok(Polled::Completed { arn, files })
    }
}

/// The run's export, requested if there is none.
///
/// An earlier call may have requested it and died before it recorded that. The token finds its
/// export while DynamoDB remembers it; after that, all exports are searched one by one.
async fn find_or_request(
    exports: &impl NativeExport,
    request: &ExportRequest,
    age: u64,
) -> Result<ExportDescription, ServiceError> {
    if age >= TOKEN_SECONDS
        && let Some(export) = exports.find_export(request).await?
    {
        return Ok(export);
    }
    exports.request_export(request).await
}
