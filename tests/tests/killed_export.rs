//! The export's processes are killed in mid-segment on local AWS, repeatedly: the run succeeds, and
//! its parts hold every item once.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use contract::states::Outcome;
use end_to_end::pipeline::{Pipeline, processes_of};
use lake::RunKeys;
use millrace::demo::data::Interactions;
use millrace::demo::{self, TABLE};
use serde_json::json;
use std::time::Duration;

const ITEMS: usize = 12_000;
const KILLS: u32 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn killing_the_export_loses_and_doubles_nothing() {
    let pipeline = Pipeline::start().await;
    let interactions = Interactions::generate(7, ITEMS);
    pipeline.fill(TABLE, &interactions).await;
    let definition = serde_json::to_string(&demo::definition()).unwrap();
    pipeline.define("default", &definition).await;

    // A small read budget keeps a segment running for seconds: two tasks, and a page consumes half
    // a unit or more.
    let slow =
        json!({"source": {"dynamodb": {"segments": 2, "segmentsPerTask": 1, "read": {"rcu": 2}}}});
    let execution = pipeline.start_run(&slow).await;
    let mut kills = 0;
    while kills < KILLS {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let processes = processes_of(&pipeline.local, "ExportSegment");
        if processes.is_empty() {
            let view = execution.view().await.unwrap();
            let state = view
                .current()
                .map(|row| row.state.clone())
                .unwrap_or_default();
            assert!(
                state.is_empty() || state == "PlanExport" || state == "ExportSegments",
                "the export was over after {kills} kills: too fast to be killed in mid-segment"
            );
            continue;
        }
        // Well into the segment, and well before its end.
        tokio::time::sleep(Duration::from_millis(700)).await;
        for process in processes {
            let id = nix::unistd::Pid::from_raw(process);
            if nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGKILL).is_ok() {
                kills += 1;
            }
        }
    }

    let finished = execution.wait().await.expect("the execution survives");
    let output: contract::states::PublishReportOutput =
        contract::read::from_value(finished.output).unwrap();
    assert_eq!(
        (output.outcome, output.items),
        (Outcome::Deployed, ITEMS as u64)
    );
    let keys = RunKeys::new(&output.pipeline, &output.run);
    pipeline.assert_exported(&keys, &interactions).await;
    pipeline.local.stop().await.unwrap();
}
