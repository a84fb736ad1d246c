//! The raw line: reads and writes one DynamoDB item as DynamoDB JSON, `{"Item":{…}}`, from bytes and
//! without building maps. It must not know where lines come from, what they are compressed with, or
//! what an attribute means.
//!
//! Reading is in two steps. [`parse_line`] checks the whole line once: UTF-8, structure, type tags,
//! number syntax, escapes, nesting. What it returns borrows from the line and finds names and values
//! when they are asked for; since everything was checked, that walk cannot fail.
//!
//! [`Lines`] do the same for many items of one table, several times as fast, because items of one
//! table repeat each other: they also mark where each attribute's value stands, and a [`Picker`] gives
//! those of some paths, item by item. [`ScanBody`] takes
//! items out of the answers of DynamoDB's `Scan` into such lines while the bytes arrive.
//!
//! Two things are not checked: whether a name occurs twice in a map (DynamoDB never writes that;
//! [`Map::get`] takes the first), and whether binary values are base64 ([`Value::B`] is their text).

mod batch;
mod body;
mod check;
mod container;
mod error;
mod frame;
mod lines;
mod mark;
mod outline;
mod outline_path;
mod passage;
mod path;
mod paths;
mod picker;
mod received;
mod scan;
mod seam;
mod seams;
mod simd;
mod text;
mod value;
mod writer;

pub use batch::Batch;
pub use body::{BodyError, ScanBody};
pub use check::{MAX_DEPTH, parse_item, parse_line};
pub use container::{Attributes, Elements, List, Map, NumberSet, Numbers, TextSet, Texts};
pub use error::{Found, ItemError};
pub use lines::Lines;
pub use mark::{Mark, PathId};
pub use outline::Outline;
pub use outline_path::OutlinePath;
pub use path::{Path, PathError, Step};
pub use paths::Paths;
pub use picker::{Picked, Picker};
pub use text::Text;
pub use value::{Kind, Value};
pub use writer::LineWriter;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
