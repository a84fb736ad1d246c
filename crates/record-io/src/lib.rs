//! MXNet's RecordIO: [`write()`] frames a record, [`Records`] reads them back, and [`Image`] is an
//! image as a record. Files of records may be joined end to end.

mod image;
mod read;
mod write;

pub use image::{Image, NotAnImage};
pub use read::{ReadError, Records};
pub use write::{LONGEST, TooLong, write};

/// How each frame starts, in little-endian order.
const MAGIC: [u8; 4] = 0xced7_230a_u32.to_le_bytes();
/// A frame's content is filled up with zeros to a multiple of this.
const ALIGNMENT: usize = 4;
/// The upper three bits of a frame's length say which part of a record it is.
const PART_SHIFT: u32 = 29;

/// Which part of its record a frame holds. Between two parts stands a magic number that was left
/// out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Part {
    Whole = 0,
    First = 1,
    Middle = 2,
    Last = 3,
}

/// The examples of the README, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
