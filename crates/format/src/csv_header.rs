//! The header line of CSV, for readers that expect one.

use crate::Layout;

/// The columns' names as a line of CSV, quoted where RFC 4180 wants it.
pub(crate) fn line(layout: &Layout) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer
        .write_record(layout.names())
        .expect("writing to memory does not fail");
    writer
        .into_inner()
        .expect("writing to memory does not fail")
}
