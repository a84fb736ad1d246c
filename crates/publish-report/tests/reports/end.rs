//! How a run is over: its report is written once, its lease is given back, its data is announced.

use crate::{Deaf, Heard, call, call_of, for_people, over, put, run, run_keys};
use contract::states::{Outcome, Route};
use contract::{ErrorName, Named, RunId};
use lake::memory::poll_at_most;
use lake::records::Latest;
use lake::{MemoryStore, ObjectStore, documents, keys};
use publish_report::{ExportReport, Report};
use serde_json::{Value, json};

#[tokio::test]
async fn only_this_runs_lease_is_given_back() {
    let store = over().await;
    call(&store, Outcome::Deployed).await.unwrap();
    let left = store.list(&keys::current_runs("default")).await.unwrap();
    assert_eq!(left.len(), 1);
    assert!(left[0].key.contains("20261121"), "{left:?}");
}

#[tokio::test]
async fn a_model_that_is_not_better_is_not_offered_as_the_newest() {
    for (outcome, offered) in [(Outcome::KeptChampion, false), (Outcome::Deployed, true)] {
        let store = over().await;
        let output = call(&store, outcome).await.unwrap();
        let latest: Latest = documents::read(&store, &output.latest_key, "the newest data")
            .await
            .unwrap();
        assert_eq!(latest.run, run());
        assert!(latest.dataset.is_some());
        assert_eq!(latest.model.is_some(), offered, "{outcome}");
    }
}

#[tokio::test]
async fn an_older_run_that_ends_later_announces_nothing() {
    let store = over().await;
    call(&store, Outcome::Exported).await.unwrap();
    let key = keys::latest("default");
    let mut later: Latest = documents::read(&store, &key, "the newest data")
        .await
        .unwrap();
    later.run = RunId::parse("20261121-173000-00000000").unwrap();
    documents::write(&store, &key, &later).await.unwrap();
    let heard = Heard::default();
    let output = call_of(&store, &heard, &run(), Outcome::Exported)
        .await
        .unwrap();
    assert_eq!(output.outcome, Outcome::Exported);
    assert!(heard.0.into_inner().unwrap().is_empty());
    let stored: Latest = documents::read(&store, &key, "the newest data")
        .await
        .unwrap();
    assert_eq!(stored, later);
}

#[tokio::test]
async fn a_run_whose_data_is_not_announced_is_not_over() {
    let store = over().await;
    let error = call_of(&store, &Deaf, &run(), Outcome::Exported)
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::AccessDenied);
    let left = store.list(&keys::current_runs("default")).await.unwrap();
    assert_eq!(left.len(), 2, "the lease is kept");
    // A redrive, with the permission, announces it.
    let heard = Heard::default();
    call_of(&store, &heard, &run(), Outcome::Exported)
        .await
        .unwrap();
    assert_eq!(heard.0.into_inner().unwrap().len(), 1);
}

#[tokio::test]
async fn a_report_stands() {
    let store = over().await;
    let first = call(&store, Outcome::Deployed).await.unwrap();
    let (json, text) = (
        store.get(&first.report_key).await.unwrap(),
        for_people(&store).await,
    );
    assert_eq!(call(&store, Outcome::Deployed).await.unwrap(), first);
    assert_eq!(store.get(&first.report_key).await.unwrap(), json);
    assert_eq!(for_people(&store).await, text);
}

#[tokio::test]
async fn a_run_that_is_not_over_is_not_reported() {
    let keys = run_keys();
    for key in [
        keys.plan(),
        keys.export(),
        keys.dataset(),
        keys.training(),
        keys.verdict(),
        keys.deployment(),
    ] {
        let store = over().await;
        store.delete(&key).await.unwrap();
        let error = call(&store, Outcome::Deployed).await.unwrap_err();
        assert_eq!(error.name(), ErrorName::NotFound);
        assert!(error.to_string().contains(&key), "{error}");
        assert!(store.get(&keys.report()).await.is_err());
    }
}

#[tokio::test]
async fn a_crash_at_any_point_ends_in_the_same_place() {
    for polls in 0..85 {
        let store = over().await;
        let _ = poll_at_most(polls, call(&store, Outcome::Deployed));
        let before = store.get(&run_keys().report()).await.ok();
        let output = call(&store, Outcome::Deployed).await.unwrap();
        let after = store.get(&output.report_key).await.unwrap();
        assert!(
            before.is_none_or(|before| before == after),
            "after {polls} polls"
        );
        assert!(
            for_people(&store)
                .await
                .contains("serves at the endpoint films")
        );
        let latest: Latest = documents::read(&store, &output.latest_key, "the newest data")
            .await
            .unwrap();
        assert_eq!(latest.run, run(), "after {polls} polls");
        let left = store.list(&keys::current_runs("default")).await.unwrap();
        assert_eq!(left.len(), 1, "after {polls} polls");
    }
}

/// A lake whose run merged changes, over but for its report.
async fn merged() -> MemoryStore {
    let store = over().await;
    let key = run_keys().plan();
    let mut plan: Value = documents::read(&store, &key, "a plan").await.unwrap();
    plan["route"] = json!("Changes");
    plan["definition"]["source"]["dynamodb"]["mode"] = json!("incremental");
    plan["reason"] = json!("what changed since is merged");
    put(&store, &key, plan).await;
    let changed = json!({
        "key": "raw/keys.bin", "keys": 213, "checksum": "0", "replaced": 200, "removed": 13,
        "changes": 250, "disagreed": 0,
    });
    put(&store, &run_keys().changed(), changed).await;
    store
}

async fn export_of(store: &MemoryStore) -> ExportReport {
    let report: Report = documents::read(store, &run_keys().report(), "a report")
        .await
        .unwrap();
    report.export
}

#[tokio::test]
async fn merged_changes_are_counted_in_the_reports() {
    let store = merged().await;
    call(&store, Outcome::Deployed).await.unwrap();
    let export = export_of(&store).await;
    let says = "what changed since is merged; 213 items changed, of which 13 are gone";
    assert_eq!(
        (export.route, export.reason.as_str()),
        (Route::Changes, says)
    );
    assert!(for_people(&store).await.contains(says));
}

#[tokio::test]
async fn a_run_of_too_few_changes_says_how_many() {
    let store = merged().await;
    call(&store, Outcome::NothingNew).await.unwrap();
    let text = for_people(&store).await;
    assert!(
        text.contains("Too little is new to train: what changed") && text.contains("213 items"),
        "{text}"
    );
}

#[tokio::test]
async fn changes_that_did_not_fit_are_said_with_the_route_that_was_taken() {
    let store = merged().await;
    let why = json!({"reason": "2 changes are missing"});
    put(&store, &run_keys().whole_export(), why).await;
    call(&store, Outcome::Deployed).await.unwrap();
    let export = export_of(&store).await;
    let says = "the whole table is read, not its changes: 2 changes are missing";
    assert_eq!(
        (export.route, export.reason.as_str()),
        (Route::Export, says)
    );
}

#[tokio::test]
async fn changes_that_were_lost_are_found_by_a_comparison_and_said() {
    let whole = json!({
        "reason": "what the changes came to is compared with it",
        "merged": {"asOf": 1_795_000_000, "contents": {"items": 999, "values": "00000000000000aa"}},
    });
    for (values, items, says) in [
        ("00000000000000aa", 999, "both have the same 999 items"),
        (
            "00000000000000aa",
            1000,
            "changes were lost: they came to 999 items, and the table has 1000",
        ),
        (
            "00000000000000ab",
            999,
            "changes were lost: of 999 items, some have other values",
        ),
    ] {
        let store = merged().await;
        put(&store, &run_keys().whole_export(), whole.clone()).await;
        let exported = json!({"items": items, "values": values});
        let audit = json!({"merged": whole["merged"]["contents"], "exported": exported});
        let snapshot = json!({
            "run": run_keys().run(), "asOf": 1_795_000_000, "items": items, "segments": 1,
            "fullAsOf": 1_795_000_000, "generation": 0, "changedKeys": 0, "audit": audit,
        });
        put(&store, &run_keys().snapshot(), snapshot).await;
        call(&store, Outcome::Deployed).await.unwrap();
        let export = export_of(&store).await;
        assert_eq!(export.route, Route::Export);
        assert!(export.reason.ends_with(says), "{}", export.reason);
        let changes = export.changes.unwrap();
        assert_eq!(changes.gap, says.contains("lost"), "{says}");
        let is_warned = for_people(&store).await.contains("earlier models");
        assert_eq!(is_warned, changes.gap, "{says}");
    }
}
