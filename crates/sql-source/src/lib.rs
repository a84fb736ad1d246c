//! The port to a relational database, and the queries that read one of its tables in chunks.
//!
//! An engine has one module in [`dialect`]: quoting, types, catalogue, consistency. All else is
//! shared. The crate depends on no driver: an adapter implements [`Databases`], and gives rows as
//! the text that the database writes, so that no value is rounded on its way.

mod chunks;
mod dialect;
mod line;
mod line_key;
mod memory;
mod partitions;
mod port;
mod query;
mod session;
mod sum;

pub use chunks::{CHUNK_BYTES, Key, choose_key, chunks};
pub use dialect::{Dialect, Size, UniqueIndex, dialect};
pub use line::LineWriter;
pub use line_key::LineKeys;
pub use memory::MemorySecrets;
pub use partitions::{MOST_PARTITIONS, RangePartition, TablePartition, grouped, pieces};
pub use port::{Connection, Databases, Login, Row, Secrets, TakeRow};
pub use query::{Keyset, Rows};
pub use session::{connect, version_store};
pub use sum::DecimalSum;

/// Longest that a statement takes: PostgreSQL ends it then, and the driver of SQL Server gives up a
/// server that has said nothing for so long.
pub const LONGEST_STATEMENT: std::time::Duration = std::time::Duration::from_mins(2);
