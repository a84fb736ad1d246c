//! Rows as Parquet: a float32 column for the label and for each slot.

use crate::float_row::numbers;
use crate::{FormatError, Layout};
use parquet::basic::{Compression, Repetition, Type as Physical};
use parquet::data_type::FloatType;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::sync::Arc;

/// Numbers of a group of rows, in all its columns.
const GROUP: usize = 4 << 20;
/// Rows of a group at most.
const GROUP_ROWS: usize = 128 << 10;

/// Writes Parquet. Memory: a group of rows, about 50 MB.
pub(crate) struct ParquetFile {
    writer: SerializedFileWriter<Vec<u8>>,
    /// What each column has of the group, the missing values left out.
    columns: Vec<Column>,
    rows: usize,
    group_rows: usize,
}

#[derive(Default)]
struct Column {
    values: Vec<f32>,
    /// 1 for a value, 0 for none; empty in a column that always has one.
    levels: Vec<i16>,
    optional: bool,
}

impl ParquetFile {
    pub(crate) fn new(layout: &Layout) -> Result<Self, FormatError> {
        let names = layout.names();
        let required = 1 + usize::from(layout.weight.is_some());
        let mut fields = Vec::with_capacity(names.len());
        let mut columns = Vec::with_capacity(names.len());
        for (at, name) in names.iter().enumerate() {
            let optional = at >= required;
            let repetition = if optional {
                Repetition::OPTIONAL
            } else {
                Repetition::REQUIRED
            };
            let field = Type::primitive_type_builder(name, Physical::FLOAT)
                .with_repetition(repetition)
                .build()?;
            fields.push(Arc::new(field));
            columns.push(Column {
                optional,
                ..Column::default()
            });
        }
        let schema = Type::group_type_builder("rows")
            .with_fields(fields)
            .build()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .build();
        let writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?;
        Ok(Self {
            writer,
            group_rows: (GROUP / columns.len()).clamp(1, GROUP_ROWS),
            columns,
            rows: 0,
        })
    }

    pub(crate) fn push(&mut self, row: &[u8], out: &mut Vec<u8>) -> Result<(), FormatError> {
        for (column, value) in self.columns.iter_mut().zip(numbers(row)) {
            let is_there = !column.optional || !value.is_nan();
            if column.optional {
                column.levels.push(i16::from(is_there));
            }
            if is_there {
                column.values.push(value);
            }
        }
        self.rows += 1;
        if self.rows == self.group_rows {
            self.write_group()?;
            out.append(self.writer.inner_mut());
        }
        Ok(())
    }

    pub(crate) fn finish(mut self, out: &mut Vec<u8>) -> Result<(), FormatError> {
        if self.rows > 0 {
            self.write_group()?;
        }
        out.append(&mut self.writer.into_inner()?);
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), FormatError> {
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            let mut writer = group.next_column()?.ok_or_else(too_few)?;
            let levels = column.optional.then_some(&column.levels[..]);
            writer
                .typed::<FloatType>()
                .write_batch(&column.values, levels, None)?;
            writer.close()?;
            column.values.clear();
            column.levels.clear();
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

fn too_few() -> ParquetError {
    ParquetError::General("the schema has too few columns".to_owned())
}
