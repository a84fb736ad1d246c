//! A database whose rows are not what they were on the way.

use contract::ServiceError;
use database::{DatabaseConnection, Drivers};
use sql_source::{Connection, Databases, Login, TakeRow};

/// What becomes of the fifth row of a connection.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    Lost,
    Doubled,
    /// Its value at a position is another.
    Altered(usize, &'static str),
}

/// The real drivers, with one row changed in each connection.
pub struct Lossy {
    pub change: Change,
}

pub struct LossyConnection {
    connection: DatabaseConnection,
    change: Change,
    rows: u32,
}

impl Databases for Lossy {
    type Connection = LossyConnection;

    fn authorities(&self) -> String {
        Drivers::AT_ONCE.authorities()
    }

    async fn connect(&self, login: &Login) -> Result<LossyConnection, ServiceError> {
        Ok(LossyConnection {
            connection: Drivers::AT_ONCE.connect(login).await?,
            change: self.change,
            rows: 0,
        })
    }
}

impl Connection for LossyConnection {
    async fn execute(&mut self, sql: &str) -> Result<(), ServiceError> {
        self.connection.execute(sql).await
    }

    async fn rows(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, ServiceError> {
        self.connection.rows(sql).await
    }

    async fn describe(&mut self, query: &str) -> Result<Vec<(String, String)>, ServiceError> {
        self.connection.describe(query).await
    }

    async fn open(&mut self, select: &str) -> Result<(), ServiceError> {
        self.connection.open(select).await
    }

    async fn fetch(&mut self, most: u32, take: &mut TakeRow<'_>) -> Result<u32, ServiceError> {
        let Self {
            connection,
            change,
            rows,
        } = self;
        let mut changed = |row: &[Option<&str>]| {
            *rows += 1;
            if *rows != 5 {
                return take(row);
            }
            match change {
                Change::Lost => {}
                Change::Doubled => {
                    take(row);
                    take(row);
                }
                Change::Altered(at, value) => {
                    let mut row = row.to_vec();
                    row[*at] = Some(value);
                    take(&row);
                }
            }
        };
        connection.fetch(most, &mut changed).await
    }
}
