//! What an image file is, whether it is whole, and its bytes as training shall read them. It sees
//! bytes only: keys, labels and stores belong to the callers.

mod accept;
mod decode;
mod difference_hash;
mod encode;
mod entropy;
mod huffman;
mod inspect;
mod jpeg;

mod metadata;
mod pixels;
mod png_file;
mod prepare;
mod rejected;
mod seen;

pub use accept::{Accept, Format, Verify};
pub use decode::decode;
pub use encode::jpeg as encode_jpeg;
pub use inspect::inspect;
pub use pixels::Pixels;
pub use png_file::encode as encode_png;
pub use prepare::{Prepared, Resize, prepare};
pub use rejected::{Reason, Rejected};
pub use seen::{Digest, NotADigest, Position, Seen};

/// The examples of the README, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
