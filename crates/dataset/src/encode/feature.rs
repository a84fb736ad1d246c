//! How one column fills its slots.

use crate::columns::{FeatureColumn, Scaling};
use crate::encode::category::{self, Categories};
use crate::encode::members;
use crate::encode::moment::Moment;
use crate::encode::numeric_text;
use crate::encode::reject::{RejectReason, Stop};
use crate::error::ColumnsError;
use crate::rows::cell::{Cell, GREATEST};
use crate::rows::sink::RowSink;
use definition::{Encoding, Missing, Precision, TimePart, TimeUnit};
use dynamodb_json::Value;

/// A column, prepared for encoding.
#[derive(Debug, Clone)]
pub(crate) struct Feature {
    pub(crate) path: String,
    encoding: Encoding,
    form: Form,
    missing: Missing,
    /// Whether texts count as the numbers or booleans that they spell.
    from_text: bool,
    slot: u32,
    width: u32,
}

#[derive(Debug, Clone)]
enum Form {
    Number(Precision),
    Scaled(Scaling),
    Boolean,
    Code(Categories),
    Slots(Categories),
    Members(Categories),
    Length,
    Timestamp(Vec<TimePart>, TimeUnit),
}

impl Feature {
    /// Prepares a column that starts at this slot.
    pub(crate) fn new(column: &FeatureColumn, slot: u32) -> Result<Self, ColumnsError> {
        let options = || ColumnsError::Options {
            path: column.path.clone(),
        };
        let form = match column.encoding {
            Encoding::Number => match column.scale {
                None => Form::Number(column.precision),
                Some(scale) if scale.divisor != 0.0 && scale.divisor.is_finite() => {
                    Form::Scaled(scale)
                }
                Some(_) => return Err(options()),
            },
            Encoding::Boolean => Form::Boolean,
            Encoding::Hash | Encoding::HashOneHot if column.buckets.is_none() => {
                return Err(options());
            }
            Encoding::Ordinal | Encoding::Hash => Form::Code(Categories::new(column)?),
            Encoding::OneHot | Encoding::HashOneHot => Form::Slots(Categories::new(column)?),
            Encoding::MultiHot => Form::Members(Categories::new(column)?),
            Encoding::Length => Form::Length,
            Encoding::Timestamp if column.parts.is_empty() => return Err(options()),
            Encoding::Timestamp => Form::Timestamp(
                column.parts.clone(),
                column.unit.unwrap_or(TimeUnit::Seconds),
            ),
        };
        if let Missing::Constant(value) = column.missing
            && (constant(value).is_none() || column.width() != 1)
        {
            return Err(options());
        }
        Ok(Self {
            path: column.path.clone(),
            encoding: column.encoding,
            form,
            missing: column.missing,
            from_text: column.from_text,
            slot,
            width: u32::try_from(column.width()).map_err(|_| options())?,
        })
    }

    /// The number of slots that the column fills.
    pub(crate) const fn width(&self) -> u32 {
        self.width
    }

    /// Fills the column's slots.
    #[inline]
    pub(crate) fn write(
        &self,
        value: Option<Value<'_>>,
        row: &mut impl RowSink,
    ) -> Result<(), Stop> {
        let Some(value) = value.filter(|value| !matches!(value, Value::Null)) else {
            return self.write_missing(row);
        };
        match value {
            Value::S(text) if self.from_text => self.write_text(&text.decode(), row),
            value => self.write_value(value, row),
        }
    }

    /// Fills the slots from the value that a text spells.
    fn write_text(&self, text: &str, row: &mut impl RowSink) -> Result<(), Stop> {
        if text.trim().is_empty() {
            return self.write_missing(row);
        }
        match &self.form {
            Form::Boolean => {
                let value = numeric_text::boolean(text).ok_or(RejectReason::NotBooleanText)?;
                self.write_value(Value::Bool(value), row)
            }
            Form::Timestamp(parts, unit) => {
                let moment = Moment::parse_text(text, *unit).ok_or(RejectReason::NotAMoment)?;
                self.write_moment(moment, parts, row);
                Ok(())
            }
            _ => {
                let number = numeric_text::number(text).ok_or(RejectReason::NotNumericText)?;
                self.write_value(Value::N(number), row)
            }
        }
    }

    fn write_moment(&self, moment: Moment, parts: &[TimePart], row: &mut impl RowSink) {
        for (slot, cell) in (self.slot..).zip(moment.parts(parts)) {
            row.number(slot, cell);
        }
    }

    #[inline]
    fn write_value(&self, value: Value<'_>, row: &mut impl RowSink) -> Result<(), Stop> {
        let reject = || RejectReason::unencodable(self.encoding, value.kind());
        match (&self.form, &value) {
            (Form::Number(precision), Value::N(raw)) => {
                row.number(self.slot, Cell::read(raw, *precision)?);
            }
            (Form::Scaled(scale), Value::N(raw)) => row.number(self.slot, scale.apply(raw)?),
            (Form::Boolean, Value::Bool(value)) => {
                row.number(self.slot, Cell::whole(u32::from(*value)));
            }
            (Form::Code(categories), _) => {
                let category = self.category(&value).ok_or_else(reject)?;
                row.number(self.slot, Cell::whole(categories.code(&category)));
            }
            (Form::Slots(categories), _) => {
                let category = self.category(&value).ok_or_else(reject)?;
                self.write_hot(&[categories.slot(&category)], row);
            }
            (Form::Members(categories), _) => {
                let mut slots = Vec::new();
                members::each(&value, |member| slots.push(categories.slot(member)))
                    .map_err(|()| reject())?;
                slots.sort_unstable();
                slots.dedup();
                self.write_hot(&slots, row);
            }
            (Form::Length, _) => {
                let length = members::length(&value).ok_or_else(reject)?;
                row.number(self.slot, Cell::whole(length));
            }
            (Form::Timestamp(parts, unit), Value::S(_) | Value::N(_)) => {
                let moment = Moment::of(&value, *unit).ok_or(RejectReason::NotAMoment)?;
                self.write_moment(moment, parts, row);
            }
            _ => return Err(reject().into()),
        }
        Ok(())
    }

    fn category<'a>(&self, value: &Value<'a>) -> Option<std::borrow::Cow<'a, str>> {
        let hashes = matches!(self.encoding, Encoding::Hash | Encoding::HashOneHot);
        match value {
            Value::S(_) | Value::N(_) => category::text(value),
            Value::B(_) if hashes => category::text(value),
            _ => None,
        }
    }

    fn write_missing(&self, row: &mut impl RowSink) -> Result<(), Stop> {
        match self.missing {
            Missing::Reject => Err(Stop::Reject(RejectReason::Missing)),
            Missing::Fail => Err(Stop::Fail(RejectReason::Missing)),
            Missing::Drop => Err(Stop::Drop),
            Missing::Constant(value) => {
                let cell = constant(value).map(Cell::value_of);
                row.number(self.slot, cell.ok_or(RejectReason::NotFinite)?);
                Ok(())
            }
            Missing::Empty => {
                match self.form {
                    Form::Code(_) => row.number(self.slot, Cell::whole(0)),
                    Form::Slots(_) | Form::Members(_) => row.zeros(self.slot, self.width),
                    _ => (self.slot..self.slot + self.width).for_each(|slot| row.missing(slot)),
                }
                Ok(())
            }
        }
    }

    /// Writes 1 into these of the column's slots, in order, and 0 into the others.
    fn write_hot(&self, slots: &[u32], row: &mut impl RowSink) {
        let mut next = 0;
        for &slot in slots {
            if slot > next {
                row.zeros(self.slot + next, slot - next);
            }
            row.number(self.slot + slot, Cell::whole(1));
            next = slot + 1;
        }
        if next < self.width {
            row.zeros(self.slot + next, self.width - next);
        }
    }
}

impl Scaling {
    fn apply(self, raw: &str) -> Result<Cell<'static>, RejectReason> {
        let number: f64 = raw.parse().map_err(|_| RejectReason::NotFinite)?;
        if self
            .bounds
            .is_some_and(|(least, greatest)| !(least..=greatest).contains(&number))
        {
            return Err(RejectReason::FarOff);
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "rounding to float32 is meant"
        )]
        let scaled = ((number - self.offset) / self.divisor) as f32;
        if scaled.abs() <= GREATEST {
            Ok(Cell::value_of(scaled))
        } else {
            Err(RejectReason::NotFinite)
        }
    }
}

/// A constant of the definition as float32, if float32 reaches it.
pub(crate) fn constant(value: f64) -> Option<f32> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounding to float32 is meant"
    )]
    let value = value as f32;
    (value.abs() <= GREATEST).then_some(value)
}
