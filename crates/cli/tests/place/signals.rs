//! Signals end the program, and leave the run going.

use crate::world::{World, execution};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

/// Watches a running run until its first line is there, then sends the signal. Returns how it
/// ended and what is said after that line.
async fn watch_until(world: &World, signal: Signal) -> (ExitStatus, String) {
    let mut watching = world
        .command("watch", &[])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watching.stderr.take().unwrap());
    let mut first = String::new();
    lines.read_line(&mut first).await.unwrap();
    assert!(first.starts_with("... 20261128-093056-"), "{first}");
    let process = i32::try_from(watching.id().unwrap()).unwrap();
    kill(Pid::from_raw(process), signal).unwrap();
    let mut said = String::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), async {
        lines.read_to_string(&mut said).await.unwrap();
        watching.wait().await.unwrap()
    });
    let ended = ended.await;
    (ended.expect("it ends"), said)
}

#[tokio::test]
async fn a_signal_ends_the_command_and_says_how_to_come_back() {
    let world = World::new().await;
    world.account().executions = vec![execution("e", "default", "RUNNING")];
    for (signal, code) in [
        (Signal::SIGINT, 130),
        (Signal::SIGTERM, 143),
        (Signal::SIGHUP, 129),
    ] {
        let (ended, said) = watch_until(&world, signal).await;
        assert_eq!(ended.code(), Some(code), "{signal}: {ended}: {said}");
        let back = "the run continues; come back with: millrace watch 20261128-093056-";
        assert!(said.contains(back), "{signal}: {said}");
    }
    let asked = world.account().asked.clone();
    let changes = ["StopExecution", "RedriveExecution", "StartExecution"];
    let is_change = |(operation, _): &&(String, _)| changes.contains(&operation.as_str());
    assert_eq!(asked.iter().find(is_change), None, "the run is left alone");
}
