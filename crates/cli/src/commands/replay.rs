//! The command that replays what a delivery could not bring into the lake.

use crate::failure::Failure;
use crate::session::{Session, print, print_json};
use millrace::arguments::Replay;
use millrace::replay;

pub async fn replay(arguments: Replay, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let store = place.lake().await?;
    let pipeline = place.pipeline();
    session.on_signal("What is replayed stays. The same command continues.".to_owned());
    let source = replay::events::source_of_lake(&store, pipeline).await?;
    let progress = session.progress();
    let replayed = replay::events::replay(&store, pipeline, &source, arguments.dry_run, &progress);
    let document = replayed.await?;
    if arguments.json {
        print_json(&document)?;
    } else {
        print(&document.text())?;
    }
    Ok(document.check()?)
}
