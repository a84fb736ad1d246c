//! Encodes items as rows of training files, without I/O: which columns a [`profile::Profile`] gives
//! ([`plan_columns`], [`Columns`]), whether the data is good enough to train on ([`judge`]), and
//! how one item becomes one row ([`Encoder`]).

mod columns;
mod encode;
mod error;
mod gate;
mod gather;
mod item_text;
mod plan;
mod rows;

pub use columns::{
    Columns, DeduplicateRule, FeatureColumn, HashBound, Latest, LeftOut, SampleRule, Scaling,
    SplitRule, TimeRule,
};
pub use encode::Encoder;
pub use encode::condition::PreparedCondition;
pub use encode::outcome::{RowOutcome, Side};
pub use encode::reject::{Reject, RejectReason};
pub use error::{ColumnsError, PlanError};
pub use gate::quality::Quality;
pub use gate::{GateFailed, GateVerdict, judge, judge_items, judge_left, judge_rejected};
pub use gather::{Gatherer, MAX_VOCABULARY};
pub use item_text::{ItemForm, ItemText, ItemTextError};
pub use plan::check::{check_definition, read_definition};
pub use plan::named::{check_paths, check_sample};
pub use plan::survey::{Surveyed, survey};
pub use plan::{MAX_CLASSES, plan_columns};
pub use rows::cell::Cell;
pub use rows::csv::CsvRows;
pub use rows::dense::DenseRow;
pub use rows::sink::RowSink;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
