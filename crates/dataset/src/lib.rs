//! From items to SageMaker CSV, decided without I/O: what the table holds ([`Profile`]), which
//! columns come of it ([`plan_columns`], [`Columns`]), and how one item becomes one row
//! ([`Encoder`]). It must not know where items come from or where rows go.

mod canonical;
mod cell;
mod check;
mod columns;
mod csv_row;
mod dense_row;
mod dictionary;
mod digits;
mod distinct;
mod encode;
mod error;
mod familiar;
mod fate;
mod feature;
mod infer;
mod kept;
mod number;
mod plan;
mod profile;
mod reject;
mod row_sink;
mod slots;
mod split;
mod summary;

pub use cell::Cell;
pub use check::check_definition;
pub use columns::{Columns, FeatureColumn, LeftOut, SplitRule};
pub use csv_row::CsvRows;
pub use dense_row::DenseRow;
pub use dictionary::{MAX_VALUES_BYTES, Vocabularies};
pub use distinct::{MAX_DISTINCT, MAX_VALUE_BYTES};
pub use encode::Encoder;
pub use error::{ColumnsError, PlanError};
pub use fate::{Fate, Side};
pub use plan::plan_columns;
pub use profile::{MAX_DEPTH, MAX_PATHS, Profile};
pub use reject::{Reject, RejectReason};
pub use row_sink::RowSink;
pub use summary::{Attribute, Numbers, Texts, Types};
