//! What a folder holds: its objects, less those that Hadoop and the console leave behind.

use super::{incomplete, unlisted};
use crate::PlanExportError;
use contract::ErrorName;
use lake::records::SourceFile;
use lake::{ObjectMeta, PagedStore};
use std::path::Path;

/// Objects that are read at most: the list of them is part of the plan.
const MOST: usize = 20_000;

/// Keys of a page of a listing.
const LISTED: u32 = 1000;

/// Objects of a folder.
#[derive(Debug)]
pub struct Folder {
    /// What all keys begin with.
    name: String,
    /// The objects, by their keys behind that, in order.
    objects: Vec<ObjectMeta>,
    bucket: String,
}

impl Folder {
    /// Lists a folder, or an object if there is one with this very key.
    ///
    /// # Errors
    /// `FilesMissing` if there is nothing, `LimitExceeded` if there are too many objects.
    pub async fn list(store: &impl PagedStore, key: &str) -> Result<Self, PlanExportError> {
        let mut objects: Vec<ObjectMeta> = Vec::new();
        let mut more = true;
        while more {
            let after = objects.last().map(|object| object.key.clone());
            let page = store.list_page(key, after.as_deref(), LISTED).await;
            let page = page.map_err(|error| unlisted(error, store.bucket()))?;
            more = page.more && !page.objects.is_empty();
            objects.extend(page.objects);
            if objects.len() > MOST {
                return Err(PlanExportError::at_field(
                    ErrorName::LimitExceeded,
                    super::URI,
                    format!(
                        "more than {MOST} objects begin with s3://{}/{key}: name one export, or a folder with fewer files",
                        store.bucket()
                    ),
                ));
            }
        }
        let is_one = objects.iter().any(|object| object.key == key) && !key.ends_with('/');
        let name = match key.rsplit_once('/') {
            _ if key.ends_with('/') => key.to_owned(),
            Some((folder, _)) if is_one => format!("{folder}/"),
            None if is_one => String::new(),
            _ => format!("{key}/"),
        };
        objects.retain(|object| {
            if is_one {
                object.key == key
            } else {
                object.key.starts_with(&name)
            }
        });
        for object in &mut objects {
            object.key.drain(..name.len());
        }
        let folder = Self {
            name,
            objects,
            bucket: store.bucket().to_owned(),
        };
        if folder.objects.is_empty() {
            return Err(folder.missing("there is nothing"));
        }
        Ok(folder)
    }

    /// What all keys begin with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All objects, by their keys behind the folder's name.
    pub fn objects(&self) -> &[ObjectMeta] {
        &self.objects
    }

    /// The folders, by their names behind this one's, with an object of this name in each.
    pub fn folders_with(&self, name: &str) -> Vec<&str> {
        let named = self.objects.iter().filter_map(|object| {
            let folder = object.key.strip_suffix(name)?;
            (folder.is_empty() || folder.ends_with('/')).then_some(folder)
        });
        named.collect()
    }

    /// The objects that hold items.
    ///
    /// # Errors
    /// `FilesIncomplete` if some are still being written, `FilesMissing` if there are none.
    pub fn files(&self) -> Result<Vec<SourceFile>, PlanExportError> {
        let temporary =
            |object: &&ObjectMeta| object.key.split('/').any(|part| part == "_temporary");
        if let Some(object) = self.objects.iter().find(temporary) {
            return Err(incomplete(format!(
                "s3://{}/{}{} is of an export that is being written, or was cut off: wait for its end, or name another one",
                self.bucket, self.name, object.key
            )));
        }
        let files = self
            .objects
            .iter()
            .filter(|object| holds_items(&object.key));
        let files: Vec<_> = files
            .map(|object| self.file(object))
            .collect::<Result<_, _>>()?;
        if files.is_empty() {
            return Err(self.missing("there are no files with items"));
        }
        Ok(files)
    }

    /// An object as the plan has it.
    ///
    /// # Errors
    /// `FileUnreadable` if the store lists it without an entity tag, by which it is known again.
    pub fn file(&self, object: &ObjectMeta) -> Result<SourceFile, PlanExportError> {
        let etag = object.etag.clone().filter(|etag| !etag.is_empty());
        let etag = etag.ok_or_else(|| {
            PlanExportError::at_field(
                ErrorName::FileUnreadable,
                super::URI,
                format!(
                    "s3://{}/{}{} is listed without an ETag, so a changed file would be read unseen: copy it to \
                     another bucket",
                    self.bucket, self.name, object.key
                ),
            )
        })?;
        Ok(SourceFile {
            name: object.key.clone(),
            bytes: object.size,
            etag,
            items: None,
            md5: None,
        })
    }

    /// Nothing of what is looked for.
    pub fn missing(&self, what: &str) -> PlanExportError {
        let found: Vec<_> = self
            .objects
            .iter()
            .map(|object| object.key.as_str())
            .collect();
        let found = if found.is_empty() {
            String::new()
        } else {
            format!(", only {}", contract::some_names(found.into_iter(), 5))
        };
        PlanExportError::at_field(
            ErrorName::FilesMissing,
            super::URI,
            format!(
                "{what} in s3://{}/{}{found}: correct it",
                self.bucket, self.name
            ),
        )
    }
}

/// Whether an object is a file of items, by its key: Hadoop passes over names that begin with `_` or
/// `.`, and leaves `$folder$` objects and checksums behind.
pub fn holds_items(key: &str) -> bool {
    let is_hidden = key
        .split('/')
        .any(|part| part.starts_with('_') || part.starts_with('.'));
    let name = key.rsplit('/').next().unwrap_or_default();
    !(is_hidden
        || name.is_empty()
        || name == "manifest"
        || name.ends_with("$folder$")
        || Path::new(name)
            .extension()
            .is_some_and(|ending| ending == "crc"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Named;

    #[test]
    fn an_object_without_an_etag_is_not_taken_for_one_with_an_empty_tag() {
        for etag in [None, Some(String::new())] {
            let object = ObjectMeta {
                key: "a.jsonl".to_owned(),
                size: 7,
                etag,
                modified: None,
            };
            let folder = Folder {
                name: "orders/".to_owned(),
                objects: vec![object],
                bucket: "old".to_owned(),
            };
            let error = folder.files().unwrap_err();
            assert_eq!(error.name(), ErrorName::FileUnreadable);
            assert!(
                error.to_string().contains("s3://old/orders/a.jsonl"),
                "{error}"
            );
        }
    }
}
