//! From items to SageMaker CSV, decided without I/O: what the table holds ([`Profile`]), which
//! columns come of it ([`plan_columns`], [`Columns`]), and how one item becomes one row
//! ([`Encoder`]). It must not know where items come from or where rows go.

mod canonical;
mod cardinality;
mod category;
mod cell;
mod check;
mod check_column;
mod codes;
mod columns;
mod condition;
mod csv_row;
mod dense_row;
mod dictionary;
mod digits;
mod distinct;
mod drift;
mod duplicates;
mod encode;
mod error;
mod exact;
mod familiar;
mod fate;
mod feature;
mod gate;
mod gather;
mod infer;
mod item_text;
mod kept;
mod label;
mod members;
mod moment;
mod number;
mod page;
mod places;
mod plan;
mod plan_column;
mod plan_split;
mod profile;
mod quality;
mod ranges;
mod reject;
mod row_sink;
mod sample;
mod sampling;
mod short;
mod slots;
mod split;
mod statistics;
mod summary;
mod tally;
mod waiting;

pub use cardinality::{HASHES, ValueSketch};
pub use cell::Cell;
pub use check::check_definition;
pub use columns::{Columns, DeduplicateRule, FeatureColumn, LeftOut, Scaling, SplitRule, TimeRule};
pub use csv_row::CsvRows;
pub use dense_row::DenseRow;
pub use dictionary::{MAX_VALUES_BYTES, Vocabularies};
pub use distinct::{MAX_DISTINCT, MAX_VALUE_BYTES};
pub use drift::{AttributeDrift, Change, Drift, MIN_SAMPLED};
pub use encode::Encoder;
pub use error::{ColumnsError, PlanError};
pub use fate::{Fate, Side};
pub use gate::{GateFailed, GateVerdict, judge, judge_rejected};
pub use gather::{Gatherer, MAX_VOCABULARY};
pub use item_text::{ItemForm, ItemText, ItemTextError};
pub use page::quality_page;
pub use plan::{MAX_CLASSES, plan_columns};
pub use profile::{MAX_DEPTH, MAX_PATHS, Profile};
pub use quality::Quality;
pub use reject::{Reject, RejectReason};
pub use row_sink::RowSink;
pub use sample::{SAMPLE_BYTES, SAMPLE_ITEMS};
pub use statistics::{
    AttributeStatistics, DistinctCount, FREQUENT_VALUES, FrequentValue, HISTOGRAM_BARS,
    NumberStatistics, Statistics, TextStatistics,
};
pub use summary::{Attribute, Numbers, Texts, Types};
