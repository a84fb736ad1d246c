//! The record of the pipeline's newest good data, made of the run's report.

use crate::{PublishReportError, Report};
use contract::states::{Outcome, Route};
use lake::latest::{self, Announcements, Newest};
use lake::records::{DatasetRecord, Latest, LatestDataset, LatestExport, LatestModel};
use lake::{ConditionalStore, ObjectStore, RunKeys, documents, keys};

/// Points the record at the run's data and announces the data, unless the record is a later run's.
/// The next call completes a call that died in between, so an announcement may come twice.
pub async fn publish(
    store: &impl ConditionalStore,
    announcements: &impl Announcements,
    run: &RunKeys,
    report: &Report,
) -> Result<(), PublishReportError> {
    if report.outcome == Outcome::NothingNew {
        // The newest good data is still that of the run before, with its files and its model.
        return Ok(());
    }
    let latest = record(store, run, report).await?;
    match latest::advance(store, &latest).await? {
        Newest::Ours => {
            let address = address(store, &keys::latest(run.pipeline()));
            announcements
                .announce(&latest, &address)
                .await
                .map_err(|error| PublishReportError::Announcement(Box::new(error)))?;
        }
        Newest::Later => tracing::info!("the data of a later run is there"),
    }
    Ok(())
}

async fn record(
    store: &impl ObjectStore,
    run: &RunKeys,
    report: &Report,
) -> Result<Latest, PublishReportError> {
    let address = |key: String| address(store, &key);
    let dataset = if report.rows.is_some() {
        let dataset: DatasetRecord = documents::read(store, &run.dataset(), "a dataset").await?;
        let channels = dataset.channels.into_iter();
        Some(LatestDataset {
            rows: dataset.rows,
            content_type: dataset.content_type,
            channels: channels
                .map(|channel| {
                    let folder = address(run.channel(&channel));
                    (channel, folder)
                })
                .collect(),
            manifest: address(run.dataset()),
        })
    } else {
        None
    };
    // A model that was found worse than the champion is not offered to others.
    let training = report.training.as_ref();
    let training = training.filter(|_| report.outcome != Outcome::KeptChampion);
    Ok(Latest {
        pipeline: report.pipeline.clone(),
        run: report.run.clone(),
        outcome: report.outcome,
        started: report.started.clone(),
        finished: report.finished.clone(),
        report: address(run.report()),
        export: LatestExport {
            table: report.export.table.clone(),
            items: report.export.items,
            raw_bytes: report.export.raw_bytes,
            prefix: address(exported_to(run, report)),
            manifest: address(run.export()),
        },
        dataset,
        model: training.map(|training| LatestModel {
            job: training.job.clone(),
            image: training.image.clone(),
            artifact: training.artifact.clone(),
            metrics: training.metrics.clone(),
        }),
    })
}

/// The folder of the raw parts. An index of images, and a run of events, have
/// those of earlier runs too.
pub fn exported_to(run: &RunKeys, report: &Report) -> String {
    match report.export.route {
        Route::Images => keys::indexes(run.pipeline()),
        // They stay where they were delivered.
        Route::Files if report.export.table == definition::EVENTS => {
            lake::events::delivered(run.pipeline())
        }
        Route::Scan
        | Route::Export
        | Route::Sql
        | Route::Files
        | Route::Changes
        | Route::Stream => run.raw(),
    }
}

fn address(store: &impl ObjectStore, key: &str) -> String {
    format!("s3://{}/{key}", store.bucket())
}
