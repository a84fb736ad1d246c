//! Events that a delivery stream wrote into the lake, from the plan to rows: what a later run reads,
//! what comes late or twice, and what cannot be read. Every function is the real one; S3 is a server.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

mod bucket {
    pub use lake::MemoryStore as Bucket;
}
#[path = "events/faults.rs"]
mod faults;
#[path = "events/run.rs"]
mod run;
#[path = "images/unlucky.rs"]
mod unlucky;

use aws::s3::S3Store;
use contract::states::{AfterExport, RunInput};
use contract::{ErrorName, Named};
use end_to_end::counted::{Counted, Kind};
use end_to_end::permitted::Lakes;
use lake::{MemoryStore, ObjectStore, RunKeys};
use local_servers::s3::S3;
use run::{definition, export, key, merge, object, of, plan, plan_dataset, raw, seal, tasks};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const LAKE: &str = "lake";
const EVENTS: Kind = Kind::Get("events/");

/// An S3 server whose requests are counted, and the lake as each function sees it.
struct Lake {
    /// Behind the proxy, so that nothing is counted.
    behind: S3Store,
    proxy: Counted,
    lakes: Lakes,
    runs: u32,
    _server: S3,
}

impl Lake {
    async fn start() -> Self {
        let server = S3::start(&[LAKE]).await;
        let proxy = Counted::start(&server, &["events/"]).await;
        Self {
            behind: S3Store::new(&aws::local(server.url()).await, LAKE),
            lakes: Lakes::new(proxy.url(), LAKE),
            proxy,
            runs: 0,
            _server: server,
        }
    }

    async fn put(&self, key: &str, numbers: std::ops::Range<u32>) {
        self.behind.put(key, object(numbers).into()).await.unwrap();
    }

    /// Plans and exports a run. Returns its reason and the requests for events.
    async fn run(&mut self, definition: &Value) -> (RunInput, RunKeys, String, u64) {
        let before = self.proxy.count(EVENTS);
        let lake = self.lakes.of("plan-export").await;
        let planned = plan(&lake.store, definition, self.runs).await.unwrap();
        self.runs += 1;
        let inputs = tasks(&self.behind, &planned).await;
        let lake = self.lakes.of("export-segment").await;
        export(&lake.store, inputs).await.unwrap();
        let (run, keys) = of(&planned);
        let gets = self.proxy.count(EVENTS) - before;
        (run, keys, planned.reason, gets)
    }

    async fn dataset(&self, run: &RunInput) -> (AfterExport, u64) {
        let lake = self.lakes.of("plan-dataset").await;
        let planned = plan_dataset(&lake.store, run).await;
        let mut made = 0;
        if planned.then == AfterExport::Continue {
            let lake = self.lakes.of("merge-to-csv").await;
            merge(&lake.store, run, planned.shards).await;
            let lake = self.lakes.of("seal-dataset").await;
            made = seal(&lake.store, run).await.total();
        }
        Box::pin(run::end(&self.behind, run, planned.then)).await;
        (planned.then, made)
    }
}

/// Each of these events once.
fn once(numbers: std::ops::Range<u32>) -> BTreeMap<String, u32> {
    numbers.map(|number| (format!("e-{number}"), 1)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_run_reads_only_new_objects_and_doubled_events_are_one_row() {
    let mut lake = Lake::start().await;
    let definition = definition(&json!({
        "dataset": {"label": "rating", "columns": [{"path": "user"}], "split": {"validation": 0.2}},
    }));
    for number in 0..30 {
        let hours = i64::from(number) * 3;
        lake.put(&key(hours, "a"), number * 10..(number + 1) * 10)
            .await;
    }
    let (run, keys, reason, gets) = Box::pin(lake.run(&definition)).await;
    assert_eq!(reason, "30 objects of the last 30 days, 30 of them new");
    assert_eq!(gets, 20 + 30, "twenty for the sample, and each once");
    assert_eq!(raw(&lake.behind, &keys).await, (once(0..300), 0));
    assert_eq!(
        Box::pin(lake.dataset(&run)).await,
        (AfterExport::Continue, 300)
    );

    // Nothing was delivered: nothing is read, and nothing is trained.
    let (run, keys, reason, gets) = Box::pin(lake.run(&definition)).await;
    assert_eq!(reason, "30 objects of the last 30 days, 0 of them new");
    assert_eq!(gets, 0);
    let (found, adopted) = raw(&lake.behind, &keys).await;
    assert_eq!(found, once(0..300));
    assert!(adopted >= 4, "{adopted} days");
    assert_eq!(
        Box::pin(lake.dataset(&run)).await,
        (AfterExport::NothingNew, 0)
    );

    // Three more, one of them late, and one with events that were delivered before.
    lake.put(&key(0, "b"), 300..310).await;
    lake.put(&key(40, "0-late"), 310..320).await;
    lake.put(&key(0, "c"), 295..305).await;
    let (run, keys, reason, gets) = Box::pin(lake.run(&definition)).await;
    assert_eq!(
        reason,
        "33 objects of the last 30 days, 3 of them new, of which 1 late"
    );
    assert_eq!(gets, 3 + 3, "each for the sample, and each once");
    let (found, adopted) = raw(&lake.behind, &keys).await;
    assert_eq!(found.len(), 320);
    assert_eq!(found.values().sum::<u32>(), 330);
    assert!(adopted >= 2, "{adopted} days without new objects");
    let (then, made) = Box::pin(lake.dataset(&run)).await;
    assert_eq!(then, AfterExport::Continue);
    // Those that were left out as doubled are counted, too: the rows add up to the lines.
    assert_eq!(made, 330);
    let record: lake::records::DatasetRecord =
        lake::documents::read(&lake.behind, &keys.dataset(), "the dataset")
            .await
            .unwrap();
    assert_eq!(record.rows.train + record.rows.validation, 320);

    // Another definition is trained, though there is nothing new.
    let mut other = definition.clone();
    other["dataset"]["split"]["seed"] = json!(9);
    let (run, _, _, gets) = Box::pin(lake.run(&other)).await;
    assert_eq!(gets, 0);
    assert_eq!(Box::pin(lake.dataset(&run)).await.0, AfterExport::Continue);
    let verified = lake::verify::verify(&lake.behind, &keys, &|_, _| ()).await;
    let verified = verified.unwrap();
    assert!(verified.is_sound(), "{:?}", verified.findings);
    assert_eq!(lake.lakes.refused(), Vec::<String>::new());
}

#[tokio::test]
async fn what_cannot_be_read_is_named() {
    let lake = MemoryStore::new();
    let definition = definition(&json!({}));
    let error = plan(&lake, &definition, 0).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::FilesMissing);
    assert!(error.to_string().contains("events/films/"), "{error}");

    // The sample is of the first object alone, which is large enough.
    let (first, second) = (key(5, "first"), key(2, "second"));
    lake.put(&first, object(0..1500).into()).await.unwrap();
    let whole = object(1500..1600);
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let not_json = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, b"{\"user\": \"u-1\"}\n").unwrap();
        encoder.finish().unwrap()
    };
    for (number, (body, says)) in [
        (damaged, "cannot be read"),
        (whole[..whole.len() - 9].to_vec(), "cannot be read"),
        (not_json, "line 1 of"),
    ]
    .into_iter()
    .enumerate()
    {
        lake.put(&second, body.into()).await.unwrap();
        let planned = plan(&lake, &definition, 1 + u32::try_from(number).unwrap())
            .await
            .unwrap();
        let inputs = tasks(&lake, &planned).await;
        let error = export(&lake, inputs).await.unwrap_err();
        assert_eq!(error.name(), ErrorName::FileUnreadable, "{error}");
        let text = error.to_string();
        assert!(text.contains(says) && text.contains(&second), "{text}");
    }

    // It was replaced after the plan, or removed.
    for (number, body) in [(8, Some(object(0..3))), (9, None)] {
        // What an earlier run has read is not read again.
        let whole = object(1500 + number..1600 + number);
        lake.put(&second, whole.clone().into()).await.unwrap();
        let planned = plan(&lake, &definition, number).await.unwrap();
        let inputs = tasks(&lake, &planned).await;
        match body {
            Some(body) => lake.put(&second, body.into()).await.unwrap(),
            None => lake.delete(&second).await.unwrap(),
        }
        let error = export(&lake, inputs.clone()).await.unwrap_err();
        assert_eq!(error.name(), ErrorName::FilesIncomplete, "{error}");
        assert!(error.to_string().contains(&second), "{error}");
        // With the object as it was, the same run ends.
        lake.put(&second, whole.clone().into()).await.unwrap();
        assert_eq!(export(&lake, inputs).await.unwrap(), 1600);
    }
}

#[tokio::test]
async fn events_without_their_id_are_refused_before_anything_is_frozen() {
    let lake = MemoryStore::new();
    lake.put(&key(1, "a"), object(0..10).into()).await.unwrap();
    for (source, field) in [
        (json!({"id": ["event"]}), "source.events.id"),
        (
            json!({"id": ["event_id"], "required": ["user", "device"]}),
            "source.events.required",
        ),
    ] {
        let definition = definition(&json!({"source": {"events": source}}));
        let error = plan(&lake, &definition, 0).await.unwrap_err();
        assert_eq!(error.name(), ErrorName::AttributeMissing);
        let text = error.to_string();
        assert!(
            text.contains(field) && text.contains("0 of 10 sampled events"),
            "{text}"
        );
    }
    assert!(lake.list("raw/").await.unwrap().is_empty());
}
