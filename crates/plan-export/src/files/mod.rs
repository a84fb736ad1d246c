//! Plans reading a folder of files: which objects, whether they are one whole export, in which ranges,
//! what it costs.

mod estimate;
mod folder;
mod manifests;
mod sample;

use crate::PlanExportError;
use contract::states::{ExportTask, Route};
use contract::{ErrorName, ServiceError};
use definition::{Definition, FileFormat, FilesSource};
use folder::Folder;
use lake::records::{Encoding, FileRange, FilesPlan, SourceFile, SourcePlan};
use lake::{DocumentError, PagedStore, StoreError};
use raw_export::{PlanSource, Planned};

/// Bytes of a range of a file that is not compressed.
const RANGE: u64 = 256 * 1024 * 1024;

/// Bytes of lines for which a function is worth starting.
const TASK: u64 = 64 * 1024 * 1024;

/// The field that is wrong if the files are.
const URI: &str = "source.files.uri";

/// Files to read, and the lake, of which other buckets' stores are made.
#[derive(Debug)]
pub struct Files<'a, L> {
    /// The definition's source.
    pub source: &'a FilesSource,
    /// The lake.
    pub lake: &'a L,
    /// Tasks that run at once, at most.
    pub concurrency: u32,
}

impl<L: PagedStore> PlanSource for Files<'_, L> {
    type Error = PlanExportError;

    async fn plan(&self, definition: &Definition) -> Result<Planned, PlanExportError> {
        let Self { source, lake, .. } = *self;
        let (bucket, key) = source.address().map_err(|message| {
            PlanExportError::at_field(ErrorName::InvalidDefinition, URI, message)
        })?;
        let store = lake.other(bucket);
        let folder = Folder::list(&store, key).await?;
        let (folder, files) = match source.format {
            FileFormat::DynamodbExport => manifests::of_dynamodb(&store, &folder).await?,
            FileFormat::DataPipeline => {
                manifests::of_data_pipeline(&store, &folder, source.require_manifest).await?
            }
            FileFormat::JsonLines | FileFormat::Csv => (folder.name().to_owned(), folder.files()?),
        };
        self.check_bytes(&files)?;
        let mut plan = FilesPlan {
            bucket: bucket.to_owned(),
            folder,
            ranges: Vec::new(),
            files,
            pace: String::new(),
            warnings: self.warnings(),
        };
        plan.ranges = self.ranges(&store, &plan).await?;
        let sample = sample::read(&store, definition, source, &plan).await?;
        let estimate = estimate::estimate(&definition.limits, &plan, &sample, self.concurrency);
        crate::dynamodb::check_limits(definition, &estimate.estimate)?;
        let segments = u32::try_from(plan.ranges.len()).unwrap_or(u32::MAX);
        let tasks = ExportTask::share(segments, estimate.tasks);
        plan.pace = format!(
            "reads {} of {}, by {} at once",
            counted(plan.files.len() as u64, "object"),
            size(plan.bytes()),
            counted(u64::from(estimate.at_once), "function"),
        );
        Ok(Planned {
            key_attributes: source.key.clone(),
            route: Route::Files,
            reason: format!(
                "{} in s3://{}/{} are read in {}",
                counted(plan.files.len() as u64, "object"),
                plan.bucket,
                plan.folder,
                counted(u64::from(segments), "range"),
            ),
            segments,
            tasks,
            estimate: estimate.estimate,
            sample: definition.dataset.is_some().then_some(sample.items),
            source: Some(SourcePlan::Files(plan)),
            changes: None,
        })
    }
}

impl<L: PagedStore> Files<'_, L> {
    /// Refuses files without a byte.
    fn check_bytes(&self, files: &[SourceFile]) -> Result<(), PlanExportError> {
        if files.iter().all(|file| file.bytes == 0) {
            return Err(empty(&self.source.uri));
        }
        let has_header = self.source.format == FileFormat::Csv
            && self
                .source
                .csv
                .as_ref()
                .is_none_or(|csv| csv.columns.is_empty());
        match files.iter().find(|file| file.bytes == 0) {
            Some(file) if has_header => Err(PlanExportError::at_field(
                ErrorName::FileUnreadable,
                URI,
                format!(
                    "{} is empty, and has no header: name the columns in source.files.csv.columns, or remove it",
                    file.name
                ),
            )),
            _ => Ok(()),
        }
    }

    fn warnings(&self) -> Vec<String> {
        let unchecked =
            self.source.format == FileFormat::DataPipeline && !self.source.require_manifest;
        unchecked
            .then(|| {
                "source.files.requireManifest is false: whether the export is whole is not known"
                    .to_owned()
            })
            .into_iter()
            .collect()
    }

    /// What is read of the files: large ones in several ranges, if their lines can be found.
    async fn ranges(&self, store: &L, plan: &FilesPlan) -> Result<Vec<FileRange>, PlanExportError> {
        let has_lines = matches!(
            self.source.format,
            FileFormat::DataPipeline | FileFormat::JsonLines
        );
        let mut ranges = Vec::new();
        for (number, file) in (0..).zip(&plan.files) {
            if !has_lines || file.bytes <= RANGE || is_compressed(store, plan, file).await? {
                ranges.push(FileRange {
                    file: number,
                    ..FileRange::default()
                });
                continue;
            }
            let pieces = file.bytes.div_ceil(RANGE);
            ranges.extend((0..pieces).map(|piece| FileRange {
                file: number,
                start: piece * RANGE,
                end: (piece + 1 < pieces).then_some((piece + 1) * RANGE),
            }));
        }
        Ok(ranges)
    }
}

/// Whether a file is compressed, by its first bytes.
async fn is_compressed(
    store: &impl PagedStore,
    plan: &FilesPlan,
    file: &SourceFile,
) -> Result<bool, PlanExportError> {
    let stream = store.stream_if_match(&plan.key(file), &file.etag, 0).await;
    let stream = stream.map_err(|error| unlisted(error, &plan.bucket))?;
    let Some(stream) = stream else {
        return Err(incomplete(format!(
            "{} was replaced or removed while the run was planned: start again when nothing writes there",
            file.name
        )));
    };
    let mut stream = lake::HashedStream::new(stream);
    let encoding = stream.encoding().await;
    Ok(encoding.map_err(|error| unlisted(error, &plan.bucket))? == Encoding::Gzip)
}

fn incomplete(message: String) -> PlanExportError {
    PlanExportError::at_field(ErrorName::FilesIncomplete, URI, message)
}

fn empty(uri: &str) -> PlanExportError {
    PlanExportError::at_field(
        ErrorName::TableEmpty,
        URI,
        format!("the files of {uri} hold no items: name another export"),
    )
}

/// The bucket cannot be listed or read: of its name, its region or the role.
fn unlisted(error: StoreError, bucket: &str) -> PlanExportError {
    let StoreError::Service(error) = error else {
        return PlanExportError::Lake(DocumentError::Store(error));
    };
    let ServiceError { code, .. } = error.as_ref();
    match code.as_str() {
        "NoSuchBucket" => PlanExportError::at_field(
            ErrorName::FilesMissing,
            URI,
            format!("there is no bucket {bucket:?}: correct it"),
        ),
        "PermanentRedirect" => PlanExportError::at_field(
            ErrorName::InvalidDefinition,
            URI,
            format!("{bucket:?} is in another region than the stack: deploy a stack there"),
        ),
        _ => PlanExportError::files(error),
    }
}

/// So many of something, in words.
pub(crate) fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// Bytes, in words.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.1} KB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
