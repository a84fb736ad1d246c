//! The raw line: reads and writes one DynamoDB item as DynamoDB JSON, `{"Item":{…}}`, from bytes and
//! without building maps. It must not know where lines come from, what they are compressed with, or
//! what an attribute means.
//!
//! Reading is in two steps. [`parse_line`] checks the whole line once: UTF-8, structure, type tags,
//! number syntax, escapes, nesting. What it returns borrows from the line and finds names and values
//! when they are asked for; since everything was checked, that walk cannot fail.
//!
//! Two things are not checked: whether a name occurs twice in a map (DynamoDB never writes that;
//! [`Map::get`] takes the first), and whether binary values are base64 ([`Value::B`] is their text).

mod check;
mod container;
mod error;
mod path;
mod paths;
mod scan;
mod text;
mod value;
mod writer;

pub use check::{MAX_DEPTH, parse_item, parse_line};
pub use container::{Attributes, Elements, List, Map, NumberSet, Numbers, TextSet, Texts};
pub use error::{Found, ItemError};
pub use path::{Path, PathError, Step};
pub use paths::Paths;
pub use text::Text;
pub use value::{Kind, Value};
pub use writer::LineWriter;
