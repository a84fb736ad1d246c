//! The objects below the folder of a pipeline's events, of the days that are read.

use super::at_field;
use crate::PlanExportError;
use contract::{ErrorName, some_names};
use jiff::ToSpan;
use jiff::civil::Date;
use lake::records::SourceFile;
use lake::{DocumentError, ObjectMeta, PagedStore, events};

/// Keys of a page of a listing.
const LISTED: u32 = 1000;

/// Objects that are listed at most: those of a year with one every two minutes.
const MOST: usize = 300_000;

/// Letters of the day that the name of an object begins with: `yyyy/MM/dd/`.
const DAY: usize = "yyyy/MM/dd".len();

/// What there is.
#[derive(Debug)]
pub struct Listed {
    /// The objects with their days, in the order of their names.
    pub objects: Vec<(String, SourceFile)>,
    /// What is passed over, in one sentence.
    pub warnings: Vec<String>,
}

/// Lists the objects of so many days, and of one more before them.
///
/// # Errors
/// `FilesMissing` if there are none, `LimitExceeded` if there are too many.
pub async fn list(
    lake: &impl PagedStore,
    pipeline: &str,
    days: u32,
    today: Date,
) -> Result<Listed, PlanExportError> {
    let folder = events::delivered(pipeline);
    let first = today.saturating_sub((i64::from(days) + 1).days());
    let mut after = format!("{folder}{}", first.strftime("%Y/%m/%d"));
    let mut listed = Listed {
        objects: Vec::new(),
        warnings: Vec::new(),
    };
    let mut elsewhere = Vec::new();
    let mut more = true;
    while more {
        let page = lake.list_page(&folder, Some(&after), LISTED).await;
        let page = page.map_err(|error| PlanExportError::Lake(DocumentError::Store(error)))?;
        more = page.more && !page.objects.is_empty();
        for object in page.objects {
            after.clone_from(&object.key);
            let name = &object.key[folder.len()..];
            if name.is_empty() || name.ends_with('/') {
                continue;
            }
            match day_of(name, &object) {
                None => elsewhere.push(name.to_owned()),
                Some(day) if is_too_old(&day, first) => {}
                Some(day) => {
                    let object = identity(lake, name, &object)?;
                    listed.objects.push((day, object));
                }
            }
        }
        if listed.objects.len() > MOST {
            return Err(at_field(
                ErrorName::LimitExceeded,
                format!(
                    "s3://{}/{folder} has more than {MOST} objects of the last {days} days: lower source.events.days",
                    lake.bucket()
                ),
            ));
        }
    }
    if !elsewhere.is_empty() {
        listed.warnings.push(format!(
            "{} in s3://{}/{folder} lie in no folder of an hour, and are not read: {}",
            crate::files::counted(elsewhere.len() as u64, "object"),
            lake.bucket(),
            some_names(elsewhere.iter().map(String::as_str), 3)
        ));
    }
    if listed.objects.is_empty() {
        return Err(at_field(
            ErrorName::FilesMissing,
            format!(
                "s3://{}/{folder} has no events of the last {days} days: put some into the delivery stream \
                 (parameter EventsState), which delivers them within five minutes",
                lake.bucket()
            ),
        ));
    }
    Ok(listed)
}

/// The day of an object, by the folder that it lies in; of replayed events, when they were replayed.
fn day_of(name: &str, object: &ObjectMeta) -> Option<String> {
    if name.starts_with(events::REPLAYED) {
        let modified = object.modified.as_deref();
        let day = modified.and_then(|time| time.get(.."yyyy-MM-dd".len()));
        return Some(format!("{}{}", events::REPLAYED, day.unwrap_or_default()));
    }
    let day = name.get(..DAY)?;
    let mut parts = name.split('/');
    let is_number = |part: Option<&str>, digits: usize| {
        part.is_some_and(|part| part.len() == digits && part.bytes().all(|it| it.is_ascii_digit()))
    };
    let is_hour = is_number(parts.next(), 4)
        && is_number(parts.next(), 2)
        && is_number(parts.next(), 2)
        && is_number(parts.next(), 2);
    (is_hour && parts.next().is_some()).then(|| day.to_owned())
}

/// Whether replayed events are older than the others that are read.
fn is_too_old(day: &str, first: Date) -> bool {
    let replayed = day.strip_prefix(events::REPLAYED);
    replayed.is_some_and(|day| !day.is_empty() && day < first.to_string().as_str())
}

fn identity(
    lake: &impl PagedStore,
    name: &str,
    object: &ObjectMeta,
) -> Result<SourceFile, PlanExportError> {
    let etag = object.etag.clone().filter(|etag| !etag.is_empty());
    let etag = etag.ok_or_else(|| {
        at_field(
            ErrorName::FileUnreadable,
            format!(
                "s3://{}/{} is listed without an ETag, so a changed object would be read unseen: put it again",
                lake.bucket(),
                object.key
            ),
        )
    })?;
    Ok(SourceFile {
        name: name.to_owned(),
        bytes: object.size,
        etag,
        items: None,
        md5: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lake::{MemoryStore, ObjectStore};

    #[tokio::test]
    async fn only_objects_of_the_days_that_are_read_are_listed() {
        let store = MemoryStore::new();
        for name in [
            "2026/11/18/23/too-old.gz",
            "2026/11/19/00/first.gz",
            "2026/11/29/07/last.gz",
            "2026/11/29/loose.gz",
            "2026/11/29/07/",
            "notes.txt",
            "replayed/0a.jsonl.gz",
        ] {
            store
                .put(&format!("events/films/{name}"), "x".into())
                .await
                .unwrap();
        }
        let today = jiff::civil::date(2026, 11, 29);
        let listed = list(&store, "films", 9, today).await.unwrap();
        let found: Vec<_> = listed
            .objects
            .iter()
            .map(|(day, object)| format!("{day} {}", object.name))
            .collect();
        assert_eq!(
            found,
            [
                "2026/11/19 2026/11/19/00/first.gz",
                "2026/11/29 2026/11/29/07/last.gz",
                "replayed/ replayed/0a.jsonl.gz",
            ]
        );
        let [warning] = listed.warnings.as_slice() else {
            panic!("{:?}", listed.warnings)
        };
        assert!(
            warning.starts_with("2 objects") && warning.contains("notes.txt"),
            "{warning}"
        );
        let error = list(&store, "books", 9, today).await.unwrap_err();
        assert_eq!(contract::Named::name(&error), ErrorName::FilesMissing);
        assert!(
            error.to_string().contains("s3://memory/events/books/"),
            "{error}"
        );
    }

    #[test]
    fn replayed_events_are_as_old_as_their_objects() {
        let object = |modified: Option<&str>| ObjectMeta {
            key: String::new(),
            size: 1,
            etag: None,
            modified: modified.map(str::to_owned),
        };
        let first = jiff::civil::date(2026, 11, 19);
        for (modified, day, too_old) in [
            (Some("2026-11-19T00:00:00Z"), "replayed/2026-11-19", false),
            (Some("2026-11-18T23:59:59Z"), "replayed/2026-11-18", true),
            (None, "replayed/", false),
        ] {
            let found = day_of("replayed/0a.jsonl.gz", &object(modified)).unwrap();
            assert_eq!((found.as_str(), is_too_old(&found, first)), (day, too_old));
        }
    }
}
