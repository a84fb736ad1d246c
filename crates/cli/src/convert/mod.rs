//! Converts definitions of AWS Data Pipeline: reads the files, and writes what the library
//! `data-pipeline` makes of them.

mod error;
mod zone;

pub use error::ConvertError;

use crate::arguments::Convert;
use crate::init;
use aws::data_pipeline::DataPipelines;
use data_pipeline::{Clock, Conversion, Input, MAX_BYTES, Options};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What names standard input.
const STANDARD_INPUT: &str = "-";

/// Whether the command reads standard input.
pub fn reads_standard_input(arguments: &Convert) -> bool {
    let mut files = arguments.files.iter().chain(&arguments.values);
    files.any(|file| file.as_os_str() == STANDARD_INPUT)
}

/// Reads the definitions of the account's pipelines that the command names. Nothing of them is
/// changed.
///
/// # Errors
/// If one is not there, was never activated, or the service refuses or fails.
pub async fn fetch(config: &aws::SdkConfig, ids: &[String]) -> Result<Vec<Input>, ConvertError> {
    let service = DataPipelines::new(config);
    let mut inputs = Vec::new();
    for id in ids {
        let definition = service.active_definition(id).await.map_err(Box::new)?;
        let objects = definition["pipelineObjects"].as_array();
        if objects.is_none_or(Vec::is_empty) {
            return Err(ConvertError::NeverActivated { id: id.clone() });
        }
        inputs.push(Input {
            name: id.clone(),
            bytes: definition.to_string().into_bytes(),
        });
    }
    Ok(inputs)
}

/// Converts the files, or else what was fetched, and writes nothing.
///
/// # Errors
/// If a file cannot be read, or its pipeline cannot be converted.
pub fn convert(arguments: &Convert, fetched: Vec<Input>) -> Result<Conversion, ConvertError> {
    let mut inputs = fetched;
    for path in &arguments.files {
        inputs.push(read(path)?);
    }
    let options = Options {
        form: arguments.from.form(),
        resource: arguments.resource.clone(),
        values: arguments.values.as_deref().map(read).transpose()?,
        sets: arguments.set.clone(),
        clock: Clock {
            now: arguments.as_of.unwrap_or_else(jiff::Timestamp::now),
            rules: zone::find(&arguments.timezone)?,
            timezone: arguments.timezone.clone(),
        },
        label: arguments.label.clone(),
        folder: arguments.out.display().to_string(),
    };
    Ok(data_pipeline::convert(&inputs, &options)?)
}

/// One byte more than a definition may have, so that the library sees that it is too large.
fn read(path: &Path) -> Result<Input, ConvertError> {
    let unreadable = |source| ConvertError::Read {
        path: path.to_owned(),
        source,
    };
    let (name, reader): (_, Box<dyn Read>) = if path.as_os_str() == STANDARD_INPUT {
        ("standard input".to_owned(), Box::new(std::io::stdin()))
    } else {
        let file = File::open(path).map_err(unreadable)?;
        (path.display().to_string(), Box::new(file))
    };
    let mut bytes = Vec::new();
    let most = MAX_BYTES as u64 + 1;
    reader
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(Input { name, bytes })
}

/// Writes all files, or none if one of them exists. Returns their paths.
///
/// # Errors
/// If a file exists and is not to be overwritten, or cannot be written.
pub fn write(
    conversion: &Conversion,
    folder: &Path,
    force: bool,
) -> Result<Vec<PathBuf>, ConvertError> {
    let paths: Vec<_> = conversion
        .files
        .iter()
        .map(|file| folder.join(&file.path))
        .collect();
    for path in &paths {
        init::check_new(path, force)?;
    }
    for (path, file) in paths.iter().zip(&conversion.files) {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| ConvertError::Folder {
                path: folder.to_owned(),
                source,
            })?;
        }
        init::write(path, &file.text, force)?;
    }
    Ok(paths)
}

/// Whether everything is taken over.
///
/// # Errors
/// Says how many fields are not.
pub fn check_complete(conversion: &Conversion, is_strict: bool) -> Result<(), ConvertError> {
    let report = &conversion.report;
    if report.is_complete(is_strict) {
        return Ok(());
    }
    Err(ConvertError::Incomplete {
        no_counterpart: report.counts.no_counterpart,
        unknown: report.counts.unknown,
        approximated: is_strict.then_some(report.counts.approximated),
    })
}
