//! The command that replays what did not get into the lake.

use crate::failure::Failure;
use crate::session::{Session, print, print_json};
use millrace::arguments::Replay;
use millrace::replay::{self, Document};

pub async fn replay(arguments: Replay, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let store = place.lake().await?;
    session.on_signal("What is replayed stays. The same command continues.".to_owned());
    let progress = session.progress();
    let document = if arguments.events {
        let pipeline = place.pipeline();
        let source = replay::events::source_of_lake(&store, pipeline).await?;
        let dry_run = arguments.dry_run;
        let replayed = replay::events::replay(&store, pipeline, &source, dry_run, &progress);
        Document::Events(replayed.await?)
    } else {
        let step = progress.step("Replaying changes");
        let replayed = replay::changes::replay(&store, arguments.dry_run, &step).await?;
        step.done(&format!("{} objects", replayed.replayed.len()));
        Document::Changes(replayed)
    };
    if arguments.json {
        print_json(&document)?;
    } else {
        print(&document.text())?;
    }
    Ok(document.outcome()?)
}
