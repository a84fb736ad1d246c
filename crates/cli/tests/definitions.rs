//! Definitions are pushed, pulled and compared; of two people who change one at the same time, the
//! second gets an error and loses nothing.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use bytes::Bytes;
use lake::{MemoryStore, ObjectStore, keys};
use millrace::definitions::{self, DefinitionsError, Pulled, Pushed};
use millrace::exit::{Exit, Explain};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder of one person.
struct Person {
    folder: TempDir,
}

fn text(table: &str) -> String {
    format!("{{\n  \"source\": {{\"dynamodb\": {{\"table\": \"{table}\"}}}}\n}}\n")
}

impl Person {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    async fn push(
        &self,
        store: &MemoryStore,
        names: &[&str],
        replace: bool,
    ) -> (Vec<Pushed>, Result<(), DefinitionsError>) {
        let paths: Vec<_> = names.iter().map(|name| self.path(name)).collect();
        let mut pushed = Vec::new();
        let done = |_: &definitions::Local, one| pushed.push(one);
        let outcome = definitions::push(store, &paths, replace, done).await;
        (pushed, outcome)
    }

    async fn pull(
        &self,
        store: &MemoryStore,
        pipelines: &[&str],
        replace: bool,
    ) -> Result<Vec<Pulled>, DefinitionsError> {
        let pipelines: Vec<_> = pipelines.iter().map(ToString::to_string).collect();
        let mut pulled = Vec::new();
        let done = |_: &Path, one| pulled.push(one);
        definitions::pull(store, &pipelines, self.folder.path(), replace, done).await?;
        Ok(pulled)
    }

    async fn diff(&self, store: &MemoryStore, name: &str) -> definitions::Difference {
        let all = definitions::compare(store, &[self.path(name)])
            .await
            .unwrap();
        all.definitions.into_iter().next().unwrap()
    }
}

async fn in_lake(store: &MemoryStore, pipeline: &str) -> String {
    let bytes = store.get(&keys::definition(pipeline)).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn the_second_of_two_people_is_told_and_can_continue() {
    let store = MemoryStore::new();
    let (ada, grace) = (Person::new(), Person::new());
    ada.write("films.json", &text("films"));
    assert_eq!(
        ada.push(&store, &["films.json"], false).await.0,
        [Pushed::Created]
    );
    assert_eq!(
        grace.pull(&store, &[], false).await.unwrap(),
        [Pulled::Created]
    );
    assert_eq!(grace.read("films.json"), text("films"));

    // Both change it; ada is first.
    ada.write("films.json", &text("films-2"));
    assert_eq!(
        ada.push(&store, &["films.json"], false).await.0,
        [Pushed::Replaced]
    );
    grace.write("films.json", &text("films-3"));
    let (pushed, outcome) = grace.push(&store, &["films.json"], false).await;
    assert!(pushed.is_empty());
    let error = outcome.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("config/films.json was changed by somebody else"),
        "{error}"
    );
    assert_eq!(error.kind().exit(), Exit::No);
    assert!(error.kind().advice().unwrap().contains("millrace diff"));
    assert_eq!(in_lake(&store, "films").await, text("films-2"));

    // A pull keeps grace's change, too, until she says otherwise.
    let difference = grace.diff(&store, "films.json").await;
    assert!(difference.in_lake && difference.changed_in_lake);
    assert_eq!(difference.changes[0].path, "source.dynamodb.table");
    let kept = grace.pull(&store, &["films"], false).await.unwrap_err();
    assert!(matches!(kept, DefinitionsError::Unpushed { .. }), "{kept}");
    assert_eq!(grace.read("films.json"), text("films-3"));
    assert_eq!(
        grace.pull(&store, &["films"], true).await.unwrap(),
        [Pulled::Replaced]
    );
    grace.write("films.json", &text("films-4"));
    assert_eq!(
        grace.push(&store, &["films.json"], false).await.0,
        [Pushed::Replaced]
    );

    // A file without changes of its own follows the lake.
    assert_eq!(
        ada.pull(&store, &[], false).await.unwrap(),
        [Pulled::Replaced]
    );
    assert_eq!(ada.read("films.json"), text("films-4"));
    assert!(ada.diff(&store, "films.json").await.is_none());
    assert_eq!(
        ada.push(&store, &["films.json"], false).await.0,
        [Pushed::Unchanged]
    );
}

#[tokio::test]
async fn what_was_never_pulled_is_not_replaced_by_chance() {
    let store = MemoryStore::new();
    let ours = Bytes::from(text("theirs"));
    store.put(&keys::definition("films"), ours).await.unwrap();
    let person = Person::new();
    person.write("films.json", &text("films"));
    let (_, outcome) = person.push(&store, &["films.json"], false).await;
    assert!(matches!(outcome, Err(DefinitionsError::Changed { .. })));
    assert_eq!(
        person.push(&store, &["films.json"], true).await.0,
        [Pushed::Replaced]
    );
    assert_eq!(in_lake(&store, "films").await, text("films"));
    // What was pushed and then removed by somebody is not brought back by chance.
    store.delete(&keys::definition("films")).await.unwrap();
    let (_, outcome) = person.push(&store, &["films.json"], false).await;
    assert!(matches!(outcome, Err(DefinitionsError::Changed { .. })));
}

#[tokio::test]
async fn nothing_is_pushed_unless_every_file_is_valid() {
    let store = MemoryStore::new();
    let person = Person::new();
    person.write("good.json", &text("films"));
    person.write(
        "bad.json",
        "{\"source\": {\"dynamodb\": {\"tabel\": \"t\"}}}",
    );
    let (pushed, outcome) = person.push(&store, &["good.json", "bad.json"], false).await;
    let error = outcome.unwrap_err();
    let shown = error.faults().unwrap();
    assert!(
        shown.contains("bad.json:1:") && shown.contains("tabel"),
        "{shown}"
    );
    assert!(pushed.is_empty() && store.list("config/").await.unwrap().is_empty());
    let (_, outcome) = person
        .push(&store, &["good.json", "good.json"], false)
        .await;
    assert!(matches!(outcome, Err(DefinitionsError::Twice { .. })));
    let (_, outcome) = person.push(&store, &["none.json"], false).await;
    assert_eq!(outcome.unwrap_err().kind().exit(), Exit::Missing);
}

#[tokio::test]
async fn an_empty_lake_or_an_unknown_pipeline_is_named() {
    let store = MemoryStore::new();
    let person = Person::new();
    let error = person.pull(&store, &[], false).await.unwrap_err();
    assert!(
        error.to_string().contains("no definition below s3://"),
        "{error}"
    );
    let error = person.pull(&store, &["films"], false).await.unwrap_err();
    assert_eq!(error.kind().exit(), Exit::Missing);
    person.write("films.json", &text("films"));
    let difference = person.diff(&store, "films.json").await;
    assert!(!difference.in_lake && !difference.is_none());
}
