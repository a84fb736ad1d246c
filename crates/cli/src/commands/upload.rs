//! The command that uploads images.

use crate::failure::Failure;
use crate::session::{Session, complain, print, print_json};
use millrace::arguments::Upload;
use millrace::upload::{self, Request, UploadError};

pub async fn upload(arguments: Upload, session: &Session) -> Result<(), Failure> {
    let of_file = match (&arguments.keys, &arguments.definition) {
        (Some(keys), _) => Some(upload::source_of_keys(keys)),
        (None, Some(file)) => Some(upload::source_of_file(file)),
        (None, None) => None,
    };
    let of_file = of_file.transpose().inspect_err(show_faults)?;
    let place = session.find(arguments.place).await?;
    let store = place.lake().await?;
    let source = match of_file {
        Some(source) => source,
        None => upload::source_of_lake(&store, place.pipeline()).await?,
    };
    let request = Request::new(
        arguments.folder,
        &source,
        arguments.parts,
        arguments.concurrency.into(),
        arguments.dry_run,
    )?;
    session.on_signal("Uploaded images stay. The same command continues.".to_owned());
    let document = upload::upload(&store, request, &session.progress()).await?;
    if arguments.json {
        print_json(&document)?;
    } else {
        print(&document.text())?;
    }
    Ok(document.check()?)
}

fn show_faults(error: &UploadError) {
    if let Some(faults) = error.faults() {
        complain(faults);
    }
}
