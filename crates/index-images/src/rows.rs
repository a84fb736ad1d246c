//! The rows of a page: each image's line, made of the image, of its label, or of an earlier line.

use crate::images::{Images, Session};
use crate::labels::{Found, Labels};
use crate::line::{Known, MakeLines, RowOutcome};
use crate::read::{Fetched, fetch, patiently};
use contract::{ErrorName, ServiceError};
use futures::{StreamExt, TryStreamExt, stream};
use lake::{ObjectMeta, StoreError, TaggedStore};
use source::{Attributes, ReadItems, Throttles};
use std::collections::{BTreeMap, BTreeSet};

/// Images that are read at once. Each is in memory, whole.
const AT_ONCE: usize = 16;
/// Labels of other images that are asked for, to find out whether the role may read any.
const OTHERS: usize = 3;

/// What a line is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The listing alone.
    Listing,
    /// An earlier index's line.
    Earlier,
    /// The image.
    Image,
    /// The reason why there is no image, or no label, to read.
    Absence,
}

/// An object of a page, and its line.
pub struct Row {
    pub object: ObjectMeta,
    pub line: Vec<u8>,
    pub quarantined: bool,
    pub basis: Basis,
    /// Requests for the label.
    pub label_reads: u64,
    /// The service's error, if the image may not be read.
    denied: Option<Box<ServiceError>>,
    /// The service's error, if the label may not be read.
    label_denied: Option<Box<ServiceError>>,
}

/// What a table has of the images of a page, by its keys.
type InTable = BTreeMap<String, Option<String>>;

impl<S: TaggedStore, T: ReadItems, L: MakeLines> Images<'_, S, T, L> {
    /// The rows of the next objects, in their order, and the read units that a table took.
    pub(crate) async fn rows(
        &self,
        session: &Session,
        length: usize,
        throttles: &Throttles,
    ) -> Result<(Vec<Row>, f64), ServiceError> {
        let next = session.listed.iter().take(length);
        let included = next.filter(|object| self.lines.includes(&object.key));
        // Owned: a closure over borrowed objects is not general enough for a future that is sent.
        let included: Vec<ObjectMeta> = included.cloned().collect();
        let in_table = self.in_table(&included).await?;
        let rows = stream::iter(included)
            .map(|object| self.row(session, object, &in_table.values, throttles))
            .buffered(AT_ONCE);
        let mut rows: Vec<Row> = rows.try_collect().await?;
        self.check_images(&mut rows, throttles).await?;
        self.check_labels(session, &mut rows, throttles).await?;
        Ok((rows, in_table.read_units))
    }

    /// What the table with the labels has of these images.
    async fn in_table(&self, images: &[ObjectMeta]) -> Result<Attributes, ServiceError> {
        let Labels::Table(table) = &self.labels else {
            return Ok(Attributes::default());
        };
        let keys = images.iter().filter_map(|image| table.key_of(&image.key));
        let keys: BTreeSet<String> = keys.collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        self.tables.read_attribute(table.request(&keys)).await
    }

    async fn row(
        &self,
        session: &Session,
        object: ObjectMeta,
        in_table: &InTable,
        throttles: &Throttles,
    ) -> Result<Row, ServiceError> {
        let mut row = Row {
            object,
            line: Vec::new(),
            quarantined: false,
            basis: Basis::Listing,
            label_reads: 0,
            denied: None,
            label_denied: None,
        };
        let known = self.known(session, &row.object);
        let earlier = session.earlier.get(&row.object.key);
        let outcome = match (known, earlier, self.lines.refuse(&row.object)) {
            (Known::Line(outcome), Some(earlier), _) => {
                row.basis = Basis::Earlier;
                row.line.extend_from_slice(earlier);
                row.line.push(b'\n');
                outcome
            }
            (Known::Refused, Some(earlier), _) => {
                row.basis = Basis::Earlier;
                let label = Found::default().labelled;
                self.lines
                    .rewrite(&row.object, earlier, &label, &mut row.line)
            }
            (Known::Image, Some(earlier), _) => {
                row.basis = Basis::Earlier;
                let found = self
                    .label(session, &row.object, in_table, throttles)
                    .await?;
                self.write(&mut row, found, |object, found, line| {
                    self.lines.rewrite(object, earlier, &found.labelled, line)
                })
            }
            (_, _, Some(reason)) => {
                let label = Found::default().labelled;
                self.lines
                    .write(&row.object, Err(reason), &label, &mut row.line)
            }
            _ => match fetch(&self.bucket, &row.object, &self.pace, throttles).await? {
                Fetched::Whole(bytes) => {
                    row.basis = Basis::Image;
                    let found = self
                        .label(session, &row.object, in_table, throttles)
                        .await?;
                    self.write(&mut row, found, |object, found, line| {
                        self.lines.write(object, Ok(&bytes), &found.labelled, line)
                    })
                }
                Fetched::Absent(absent, denied) => {
                    row.basis = Basis::Absence;
                    row.denied = denied;
                    let label = Found::default().labelled;
                    let reason = Err(absent.as_str());
                    self.lines.write(&row.object, reason, &label, &mut row.line)
                }
            },
        };
        row.quarantined = outcome.quarantined;
        Ok(row)
    }

    async fn label(
        &self,
        session: &Session,
        object: &ObjectMeta,
        in_table: &InTable,
        throttles: &Throttles,
    ) -> Result<Found, ServiceError> {
        let sidecar = session.sidecars.get(&object.key);
        let pace = (&self.pace, throttles);
        let labels = &self.labels;
        labels
            .find(&self.bucket, &object.key, sidecar, in_table, pace)
            .await
    }

    /// Writes a line with the label that was found, or with the reason why it could not be read.
    fn write(
        &self,
        row: &mut Row,
        found: Found,
        line: impl FnOnce(&ObjectMeta, &Found, &mut Vec<u8>) -> RowOutcome,
    ) -> RowOutcome {
        row.label_reads = found.requests;
        let Some(absent) = found.absent else {
            return line(&row.object, &found, &mut row.line);
        };
        // The image is read again with its label: it may be a later version of both.
        row.basis = Basis::Absence;
        row.label_denied = found.denied;
        let (reason, label) = (Err(absent.as_str()), Found::default().labelled);
        self.lines.write(&row.object, reason, &label, &mut row.line)
    }

    /// Fails where not a single image can be read: the role is wrong, and not the images.
    async fn check_images(
        &self,
        rows: &mut [Row],
        throttles: &Throttles,
    ) -> Result<(), ServiceError> {
        let has_read = rows.iter().any(|row| row.basis == Basis::Image);
        let denied = rows.iter_mut().find_map(|row| row.denied.take());
        let Some(error) = denied.filter(|_| !has_read) else {
            return Ok(());
        };
        // Of a page that was otherwise copied, nothing else was read: an image that an earlier run
        // read says whether the role may still read.
        if let Some(known) = rows
            .iter()
            .find(|row| row.basis == Basis::Earlier && !row.quarantined)
            && let Fetched::Whole(_) =
                fetch(&self.bucket, &known.object, &self.pace, throttles).await?
        {
            return Ok(());
        }
        Err(*error)
    }

    /// The same of their labels.
    async fn check_labels(
        &self,
        session: &Session,
        rows: &mut [Row],
        throttles: &Throttles,
    ) -> Result<(), ServiceError> {
        let has_read = rows
            .iter()
            .any(|row| row.label_reads > 0 && row.basis != Basis::Absence);
        let denied = rows.iter_mut().find(|row| row.label_denied.is_some());
        let Some(denied) = denied.filter(|_| !has_read) else {
            return Ok(());
        };
        let error = denied.label_denied.take();
        let image = denied.object.key.clone();
        match &self.labels {
            Labels::Sidecar(_) => {
                for other in session.sidecars.others(&image).take(OTHERS) {
                    let other = fetch(&self.bucket, other, &self.pace, throttles).await?;
                    if matches!(other, Fetched::Whole(_)) {
                        return Ok(());
                    }
                }
            }
            Labels::Tag(tag) => {
                let others = rows.iter().map(|row| &row.object.key);
                for other in others.filter(|other| **other != image).take(OTHERS) {
                    let ask = || self.bucket.tag(other, tag);
                    match patiently(&self.pace, throttles, ask).await {
                        Ok(_) => return Ok(()),
                        Err(StoreError::Service(error))
                            if error.name != ErrorName::AccessDenied =>
                        {
                            return Err(*error);
                        }
                        Err(_) => {}
                    }
                }
            }
            _ => {}
        }
        match error {
            Some(error) => Err(*error),
            None => Ok(()),
        }
    }
}
