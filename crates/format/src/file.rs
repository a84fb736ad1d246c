//! Rows as a file, written piece by piece into a buffer of the caller's.

use crate::parquet_file::ParquetFile;
use crate::{FormatError, Layout, csv_header};
use definition::Format;

/// Writes one file from rows in the format's own bytes. It buffers nothing, except a row group of
/// Parquet.
pub struct FileWriter(Kind);

enum Kind {
    /// Rows one after the other.
    Rows,
    /// Lines behind a header, all of them ended as RFC 4180 has it.
    CsvWithHeader {
        header: Vec<u8>,
    },
    Parquet(Box<ParquetFile>),
}

impl FileWriter {
    /// A file of these columns.
    ///
    /// # Errors
    /// If Parquet cannot have such columns, or the rows are images.
    pub fn new(format: &Format, layout: &Layout) -> Result<Self, FormatError> {
        Ok(Self(match format {
            Format::Csv | Format::RecordIo | Format::RecordIoSparse | Format::JsonLines(_) => {
                Kind::Rows
            }
            Format::CsvWithHeader => Kind::CsvWithHeader {
                header: csv_header::line(layout),
            },
            Format::Parquet => Kind::Parquet(Box::new(ParquetFile::new(layout)?)),
            Format::ImageRecordIo(_)
            | Format::WebDataset(_)
            | Format::AugmentedManifest
            | Format::ImageFolders(_)
            | Format::ImageList(_) => {
                return Err(FormatError::Images {
                    format: format.as_str(),
                });
            }
        }))
    }

    /// Takes a row's bytes, and appends the finished part of the file to `out`.
    ///
    /// # Errors
    /// If the format's writer fails.
    #[inline]
    pub fn push(&mut self, row: &[u8], out: &mut Vec<u8>) -> Result<(), FormatError> {
        match &mut self.0 {
            Kind::Rows => {
                out.extend_from_slice(row);
                Ok(())
            }
            Kind::CsvWithHeader { header } => {
                out.append(header);
                out.extend_from_slice(row.strip_suffix(b"\n").unwrap_or(row));
                out.extend_from_slice(b"\r\n");
                Ok(())
            }
            Kind::Parquet(file) => file.push(row, out),
        }
    }

    /// Appends the rest of the file to `out`.
    ///
    /// # Errors
    /// If the format's writer fails.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), FormatError> {
        match self.0 {
            Kind::Rows => Ok(()),
            Kind::CsvWithHeader { mut header } => {
                out.append(&mut header);
                Ok(())
            }
            Kind::Parquet(file) => file.finish(out),
        }
    }
}
