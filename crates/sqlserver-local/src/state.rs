//! What all connections share: the tables, the logins, the faults.

use crate::Error;
use crate::evaluator::compile::Permissions;
use crate::evaluator::functions;
use crate::faults::Faults;
use crate::store::catalogue::{self, Catalogue, Entry};
use crate::store::conversion;
use crate::store::encoding;
use crate::store::statistics;
use crate::store::table::{Index, Table};
use crate::store::types::Type;
use crate::store::value::{Cell, Value};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use tempfile::TempDir;

/// The first row version of a database.
const FIRST_ROW_VERSION: u64 = 2001;

/// What all connections share.
#[derive(Debug)]
pub struct State {
    folder: TempDir,
    writer: Mutex<Connection>,
    catalogue: RwLock<Catalogue>,
    permissions: RwLock<Permissions>,
    passwords: RwLock<BTreeMap<String, String>>,
    pub faults: Faults,
    pub allows_snapshots: bool,
    /// The row version of the next row that is written.
    next_version: AtomicU64,
    /// The least row version of a transaction that is open; 0 if none is.
    least_open_version: AtomicU64,
    queries: Mutex<Vec<String>>,
}

fn open<T>(lock: Result<T, PoisonError<T>>) -> T {
    lock.unwrap_or_else(PoisonError::into_inner)
}

impl State {
    pub fn new(
        database: &str,
        allows_snapshots: bool,
        passwords: BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        let folder = tempfile::tempdir().map_err(Error::Store)?;
        let writer = Connection::open(folder.path().join("store.sqlite"))?;
        // Readers see the database as of their first read while others write: as SNAPSHOT does.
        writer.pragma_update(None, "journal_mode", "WAL")?;
        writer.pragma_update(None, "synchronous", "OFF")?;
        functions::register(&writer)?;
        let catalogue = Catalogue::make(&writer, database, allows_snapshots)?;
        Ok(Self {
            folder,
            writer: Mutex::new(writer),
            catalogue: RwLock::new(catalogue),
            permissions: RwLock::default(),
            passwords: RwLock::new(passwords),
            faults: Faults::default(),
            allows_snapshots,
            next_version: AtomicU64::new(FIRST_ROW_VERSION),
            least_open_version: AtomicU64::new(0),
            queries: Mutex::default(),
        })
    }

    /// A connection to `SQLite` that reads.
    pub fn reader(&self) -> rusqlite::Result<Connection> {
        let reader = Connection::open(self.folder.path().join("store.sqlite"))?;
        functions::register(&reader)?;
        Ok(reader)
    }

    pub fn catalogue(&self) -> RwLockReadGuard<'_, Catalogue> {
        open(self.catalogue.read())
    }

    pub fn permissions(&self) -> RwLockReadGuard<'_, Permissions> {
        open(self.permissions.read())
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        open(self.writer.lock())
    }

    pub fn set_permissions(&self, permissions: Permissions) {
        *open(self.permissions.write()) = permissions;
    }

    pub fn set_password(&self, user: &str, password: &str) {
        open(self.passwords.write()).insert(user.to_owned(), password.to_owned());
    }

    pub fn is_login(&self, user: &str, password: &str) -> bool {
        let passwords = open(self.passwords.read());
        passwords.get(user).is_some_and(|known| known == password)
    }

    pub fn log(&self, query: &str) {
        open(self.queries.lock()).push(query.to_owned());
    }

    pub fn queries(&self) -> Vec<String> {
        open(self.queries.lock()).clone()
    }

    pub fn min_active_rowversion(&self) -> u64 {
        match self.least_open_version.load(Ordering::SeqCst) {
            0 => self.next_version.load(Ordering::SeqCst),
            least => least,
        }
    }

    /// From now on the next row version counts as one of an open transaction, or no longer.
    pub fn hold_versions(&self, is_held: bool) {
        let least = if is_held {
            self.next_version.load(Ordering::SeqCst)
        } else {
            0
        };
        self.least_open_version.store(least, Ordering::SeqCst);
    }

    pub fn create(&self, table: Table) -> Result<(), Error> {
        let name = format!("{}.{}", table.schema, table.name);
        for index in &table.indexes {
            for column in &index.columns {
                if table.position(column).is_none() {
                    return Err(Error::Table(
                        name,
                        "an index names a column it does not have",
                    ));
                }
            }
        }
        let boundaries = boundaries(&table, &name)?;
        let mut catalogue = open(self.catalogue.write());
        if catalogue.find(&table.schema, &table.name).is_some() {
            return Err(Error::Table(name, "it is there already"));
        }
        let writer = self.writer();
        let entry = catalogue.create(&writer, table, boundaries)?;
        statistics::update(&writer, &entry)?;
        Ok(())
    }

    fn entry(&self, name: &str) -> Result<Entry, Error> {
        let (schema, table) = name.split_once('.').unwrap_or(("dbo", name));
        let catalogue = self.catalogue();
        let entry = catalogue.find(schema, table).cloned();
        entry.ok_or_else(|| Error::Table(name.to_owned(), "it does not exist"))
    }

    /// Inserts rows in one transaction, and makes the statistics anew.
    pub fn insert(&self, name: &str, rows: &[Vec<Cell>]) -> Result<(), Error> {
        let entry = self.entry(name)?;
        let mut writer = self.writer();
        let transaction = writer.transaction()?;
        for (number, row) in rows.iter().enumerate() {
            let values = self.values(&entry.table, row, number)?;
            let stored = values.iter().map(encoding::encode);
            catalogue::insert_stored(&transaction, &entry.table.stored_name(), stored)?;
        }
        statistics::update(&transaction, &entry)?;
        transaction.commit()?;
        Ok(())
    }

    /// Removes a table.
    pub fn drop_table(&self, name: &str) -> Result<(), Error> {
        let entry = self.entry(name)?;
        let mut catalogue = open(self.catalogue.write());
        catalogue.remove(&self.writer(), &entry)?;
        Ok(())
    }

    /// Deletes all rows.
    pub fn truncate(&self, name: &str) -> Result<(), Error> {
        let entry = self.entry(name)?;
        let mut writer = self.writer();
        let transaction = writer.transaction()?;
        transaction.execute(&format!("DELETE FROM {}", entry.table.stored_name()), [])?;
        statistics::update(&transaction, &entry)?;
        transaction.commit()?;
        Ok(())
    }

    fn values(&self, table: &Table, row: &[Cell], number: usize) -> Result<Vec<Value>, Error> {
        let mut cells = row.iter();
        let mut values = Vec::with_capacity(table.columns.len());
        for column in &table.columns {
            if column.of == Type::RowVersion {
                let version = self.next_version.fetch_add(1, Ordering::SeqCst);
                values.push(Value::Bytes(version.to_be_bytes().to_vec()));
                continue;
            }
            let wrong = |message: String| Error::Value {
                table: format!("{}.{}", table.schema, table.name),
                row: number,
                column: column.name.clone(),
                message,
            };
            let cell = cells
                .next()
                .ok_or_else(|| wrong("the row has no cell for it".to_owned()))?;
            let value =
                conversion::of_cell(cell, column.of).map_err(|error| wrong(error.message))?;
            // A code page lacks some characters: they are lost when they are stored.
            let value = match value {
                Value::Text(text) if column.of.is_text() && !column.of.is_unicode() => {
                    Value::Text(column.collation.decode(&column.collation.encode(&text)))
                }
                value => value,
            };
            if value == Value::Null && !column.is_nullable {
                return Err(wrong("it may not be NULL".to_owned()));
            }
            values.push(value);
        }
        Ok(values)
    }
}

/// The boundaries of a table's partitions, ascending.
fn boundaries(table: &Table, name: &str) -> Result<Vec<Value>, Error> {
    let Some(partitioning) = &table.partitioning else {
        return Ok(Vec::new());
    };
    let at = table.position(&partitioning.column);
    let column = at.map(|at| &table.columns[at]).ok_or_else(|| {
        let why = "its partitions are divided by a column it does not have";
        Error::Table(name.to_owned(), why)
    })?;
    let clustered = table.indexes.iter().find(|index| index.is_clustered);
    let is_of_key = |index: &Index| index.columns.contains(&partitioning.column);
    if clustered.is_some_and(|index| index.is_unique && !is_of_key(index)) {
        let why = "its clustered unique index has not the column that divides its partitions";
        return Err(Error::Table(name.to_owned(), why));
    }
    let cells = partitioning.boundaries.iter().enumerate();
    let value = |(row, cell)| {
        conversion::of_cell(cell, column.of).map_err(|error| Error::Value {
            table: name.to_owned(),
            row,
            column: column.name.clone(),
            message: error.message,
        })
    };
    cells.map(value).collect()
}
