//! The raw line: reads and writes one DynamoDB item as DynamoDB JSON, `{"Item":{…}}`, from bytes
//! and without building maps.
//!
//! Reading is in two steps. [`parse_line`] checks the whole line once: UTF-8, structure, type tags,
//! number syntax, escapes, nesting. What it returns borrows from the line and finds names and values
//! when they are asked for; since everything was checked, that walk cannot fail.
//!
//! [`Lines`] do the same for many items of one table, several times as fast, by speculative parsing:
//! they guess how the next attribute opens, and compare. They also have the span of each attribute's
//! value, and a [`Projection`] gives the values of some paths, line by line. [`ScanBody`] takes items
//! out of the answers of DynamoDB's `Scan` into such lines while the bytes arrive.
//!
//! Two things are not checked: whether a name occurs twice in a map (DynamoDB never writes that;
//! [`Map::get`] takes the first), and whether binary values are base64 ([`Value::B`] is their text).

mod body;
mod check;
mod container;
mod error;
mod lines;
mod path;
mod paths;
mod projection;
mod scan;
mod simd;
mod speculative;
mod text;
mod value;
mod writer;

pub use body::{BodyError, ScanBody};
pub use check::{MAX_DEPTH, json_string, parse_item, parse_line, parse_maps, parse_value};
pub use container::{Attributes, Elements, List, Map, NumberSet, Numbers, TextSet, Texts};
pub use error::{Found, ItemError};
pub use lines::Lines;
pub use path::{Path, PathError, Step};
pub use paths::Paths;
pub use projection::{ProjectedRows, Projection};
pub use speculative::attribute_paths::{AttributePath, AttributePaths};
pub use speculative::spans::{PathId, ValueSpan};
pub use text::Text;
pub use value::{Kind, Value};
pub use writer::LineWriter;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
