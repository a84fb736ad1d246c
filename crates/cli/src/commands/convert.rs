//! The command that converts definitions of AWS Data Pipeline.

use crate::failure::Failure;
use crate::session::{Session, beside, complain, print, print_json};
use millrace::arguments::Convert;
use millrace::convert::{self, ConvertError};
use millrace::place::Options;

pub async fn convert(arguments: Convert, session: &Session) -> Result<(), Failure> {
    if convert::reads_standard_input(&arguments) {
        session.may_read_input()?;
    }
    let mut fetched = Vec::new();
    if !arguments.pipeline_id.is_empty() {
        let place = session.find(Options {
            profile: arguments.profile.clone(),
            region: arguments.region.clone(),
            ..Options::default()
        });
        fetched = convert::fetch(place.await?.config(), &arguments.pipeline_id).await?;
    }
    let work = beside(move || (convert::convert(&arguments, fetched), arguments));
    let (conversion, arguments) = work.await;
    let conversion = conversion.inspect_err(show_place)?;
    // A strict conversion that is not complete writes nothing.
    let is_written = !arguments.strict || conversion.report.is_complete(true);
    let paths = if is_written {
        convert::write(&conversion, &arguments.out, arguments.force)?
    } else {
        Vec::new()
    };
    if arguments.json {
        print_json(&conversion.report)?;
    } else {
        print(&conversion.report.text())?;
    }
    for path in paths {
        session.say(&format!("wrote {}", path.display()));
    }
    Ok(convert::check_complete(&conversion, arguments.strict)?)
}

fn show_place(error: &ConvertError) {
    if let Some(excerpt) = error.excerpt() {
        complain(&format!("{excerpt}\n"));
    }
}
