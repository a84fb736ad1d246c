//! Reads conditions and values.

use super::super::ast::Expression;
use super::super::lexer::Token;
use super::{KEYWORDS, Parsed, Parser};
use crate::error::SqlError;
use crate::store::conversion;
use crate::store::types::{Length, Type};
use crate::store::value::Value;

impl Parser<'_> {
    /// What stands behind `(`: values with commas between, up to `)`.
    pub(super) fn arguments(&mut self) -> Parsed<Vec<Expression>> {
        let mut arguments = Vec::new();
        if self.sign(")") {
            return Ok(arguments);
        }
        if self.sign("*") {
            self.expect_sign(")")?;
            return Ok(arguments);
        }
        loop {
            arguments.push(self.value()?);
            if self.sign(")") {
                return Ok(arguments);
            }
            self.expect_sign(",")?;
        }
    }

    pub(super) fn condition(&mut self) -> Parsed<Expression> {
        let mut left = self.conjunction()?;
        while self.word("OR") {
            let right = self.conjunction()?;
            left = Expression::Or(Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Parsed<Expression> {
        let mut left = self.predicate()?;
        while self.word("AND") {
            let right = self.predicate()?;
            left = Expression::And(Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn predicate(&mut self) -> Parsed<Expression> {
        if self.word("NOT") {
            return Ok(Expression::Not(Box::new(self.predicate()?)));
        }
        // A parenthesis opens a condition or a value; only what follows says which.
        let start = self.at;
        if self.sign("(") {
            let inner = self.condition();
            if let Ok(inner) = inner
                && self.sign(")")
            {
                return Ok(inner);
            }
            self.at = start;
        }
        let left = Box::new(self.value()?);
        if self.word("IS") {
            let is_not = self.word("NOT");
            self.expect_word("NULL")?;
            return Ok(negated(Expression::IsNull(left), is_not));
        }
        let is_not = self.word("NOT");
        if self.word("IN") {
            self.expect_sign("(")?;
            return Ok(negated(Expression::In(left, self.arguments()?), is_not));
        }
        if self.word("BETWEEN") {
            let low = self.value()?;
            self.expect_word("AND")?;
            let high = self.value()?;
            let from = Expression::Compare(">=", left.clone(), Box::new(low));
            let to = Expression::Compare("<=", left, Box::new(high));
            let both = Expression::And(Box::new(from), Box::new(to));
            return Ok(negated(both, is_not));
        }
        if self.word("LIKE") {
            let pattern = self.value()?;
            return Ok(negated(Expression::Like(left, Box::new(pattern)), is_not));
        }
        if is_not {
            return self.wrong();
        }
        for sign in ["<=", ">=", "<>", "!=", "<", ">", "="] {
            if self.sign(sign) {
                let sign = if sign == "!=" { "<>" } else { sign };
                let right = self.value()?;
                return Ok(Expression::Compare(sign, left, Box::new(right)));
            }
        }
        self.wrong()
    }

    pub(super) fn value(&mut self) -> Parsed<Expression> {
        let mut left = self.product()?;
        loop {
            let sign = match self.peek() {
                Some(Token::Sign(sign @ ("+" | "-"))) => *sign,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.product()?;
            left = Expression::Arithmetic(sign, Box::new(left), Box::new(right));
        }
    }

    fn product(&mut self) -> Parsed<Expression> {
        let mut left = self.collated()?;
        loop {
            let sign = match self.peek() {
                Some(Token::Sign(sign @ ("*" | "/" | "%"))) => *sign,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.collated()?;
            left = Expression::Arithmetic(sign, Box::new(left), Box::new(right));
        }
    }

    fn collated(&mut self) -> Parsed<Expression> {
        let mut value = self.plain_value()?;
        while self.word("COLLATE") {
            value = Expression::Collate(Box::new(value), self.name()?);
        }
        Ok(value)
    }

    /// What stands behind CASE.
    fn case(&mut self) -> Parsed<Expression> {
        let mut cases = Vec::new();
        while self.word("WHEN") {
            let condition = self.condition()?;
            self.expect_word("THEN")?;
            cases.push((condition, self.value()?));
        }
        let mut otherwise = None;
        if self.word("ELSE") {
            otherwise = Some(Box::new(self.value()?));
        }
        self.expect_word("END")?;
        if cases.is_empty() {
            return self.wrong();
        }
        Ok(Expression::Case(cases, otherwise))
    }

    fn plain_value(&mut self) -> Parsed<Expression> {
        if self.sign("-") {
            return Ok(Expression::Negative(Box::new(self.plain_value()?)));
        }
        if self.sign("(") {
            let value = self.value()?;
            self.expect_sign(")")?;
            return Ok(value);
        }
        let literal = match self.peek() {
            Some(Token::Number(text)) => number(text),
            Some(Token::Text(text)) => {
                let units = u16::try_from(text.encode_utf16().count().max(1));
                let length = units.ok().filter(|units| *units <= 4000);
                let of = Type::NVarChar(length.map_or(Length::Max, Length::Limited));
                Some(Expression::Literal(Value::text(text), of))
            }
            Some(Token::Bytes(digits)) => conversion::from_hex(digits).map(|bytes| {
                let of = Type::VarBinary(Length::Limited(8000));
                Expression::Literal(Value::Bytes(bytes), of)
            }),
            Some(Token::Variable(name)) => Some(Expression::Variable(name.clone())),
            Some(Token::Word(_) | Token::Quoted(_)) => return self.named_value(),
            _ => None,
        };
        match literal {
            Some(literal) => {
                self.at += 1;
                Ok(literal)
            }
            None => self.wrong(),
        }
    }

    fn named_value(&mut self) -> Parsed<Expression> {
        let is_word = matches!(self.peek(), Some(Token::Word(_)));
        if is_word && self.is_word(0, "NULL") {
            self.at += 1;
            return Ok(Expression::Literal(Value::Null, Type::Int));
        }
        if is_word && self.word("CASE") {
            return self.case();
        }
        let keyword = KEYWORDS.iter().any(|word| self.is_word(0, word));
        if keyword && !matches!(self.tokens.get(self.at + 1), Some(Token::Sign("."))) {
            return self.wrong();
        }
        let name = self.name()?;
        if is_word && self.sign("(") {
            return self.call(&name.to_ascii_uppercase());
        }
        let mut parts = vec![name];
        while self.sign(".") {
            parts.push(self.name()?);
        }
        let column = parts.pop().unwrap_or_default();
        Ok(Expression::Column(parts.pop(), column))
    }

    fn call(&mut self, name: &str) -> Parsed<Expression> {
        match name {
            "CAST" => {
                let value = self.value()?;
                self.expect_word("AS")?;
                let of = self.of()?;
                self.expect_sign(")")?;
                return Ok(Expression::Convert(Box::new(value), of, None));
            }
            "CONVERT" => {
                let of = self.of()?;
                self.expect_sign(",")?;
                let value = Box::new(self.value()?);
                let style = if self.sign(",") {
                    Some(Box::new(self.value()?))
                } else {
                    None
                };
                self.expect_sign(")")?;
                return Ok(Expression::Convert(value, of, style));
            }
            _ => {}
        }
        let arguments = self.arguments()?;
        if !self.word("OVER") {
            return Ok(Expression::Call(name.to_owned(), arguments));
        }
        self.expect_sign("(")?;
        self.expect_word("ORDER")?;
        let order = self.order()?;
        self.expect_sign(")")?;
        Ok(Expression::Window(name.to_owned(), arguments, order))
    }

    fn of(&mut self) -> Parsed<Type> {
        let start = self.at;
        let name = self.name()?.to_ascii_lowercase();
        let mut arguments = Vec::new();
        if self.sign("(") {
            loop {
                let text = self.next().map(Token::text).unwrap_or_default();
                arguments.push(text.to_ascii_lowercase());
                if self.sign(")") {
                    break;
                }
                self.expect_sign(",")?;
            }
        }
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        // Without a length, CAST and CONVERT give 30.
        let is_text = matches!(
            name.as_str(),
            "char" | "varchar" | "nchar" | "nvarchar" | "binary" | "varbinary"
        );
        let arguments: &[&str] = match arguments.as_slice() {
            [] if is_text => &["30"],
            given => given,
        };
        if let Some(of) = Type::of(&name, arguments) {
            Ok(of)
        } else {
            let text = self.tokens.get(start).map(Token::text).unwrap_or_default();
            Err(SqlError::of_class(
                243,
                16,
                format!("Type {text} is not a defined system type."),
            ))
        }
    }
}

fn negated(condition: Expression, is_not: bool) -> Expression {
    if is_not {
        Expression::Not(Box::new(condition))
    } else {
        condition
    }
}

/// A number's literal: an int, a decimal, or a float if it has an exponent.
fn number(text: &str) -> Option<Expression> {
    if text.contains(['e', 'E']) {
        let number = text.parse().ok()?;
        return Some(Expression::Literal(Value::Float(number), Type::Float));
    }
    if let Ok(number) = text.parse::<i64>() {
        let of = match i32::try_from(number) {
            Ok(_) => Type::Int,
            Err(_) => Type::BigInt,
        };
        return Some(Expression::Literal(Value::Int(number), of));
    }
    let digits = text.split_once('.').map_or("", |(_, fraction)| fraction);
    let scale = u8::try_from(digits.len())
        .ok()
        .filter(|scale| *scale <= 38)?;
    let units = conversion::decimal(text, scale)?;
    let of = Type::Decimal {
        precision: 38,
        scale,
    };
    Some(Expression::Literal(Value::Decimal(units, scale), of))
}
