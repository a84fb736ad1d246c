//! Reads SELECT: its items, its sources and its order.

use super::super::ast::{From, Item, JoinKind, Order, Sample, Select, Source};
use super::super::lexer::Token;
use super::{KEYWORDS, Parsed, Parser};

impl Parser<'_> {
    pub(super) fn select(&mut self) -> Parsed<Select> {
        self.expect_word("SELECT")?;
        let mut top = None;
        if self.word("TOP") {
            self.expect_sign("(")?;
            top = Some(self.value()?);
            self.expect_sign(")")?;
        }
        let mut items = vec![self.item()?];
        while self.sign(",") {
            items.push(self.item()?);
        }
        let from = if self.word("FROM") {
            self.from()?
        } else {
            Vec::new()
        };
        let filter = if self.word("WHERE") {
            Some(self.condition()?)
        } else {
            None
        };
        let mut group = Vec::new();
        if self.word("GROUP") {
            self.expect_word("BY")?;
            group.push(self.value()?);
            while self.sign(",") {
                group.push(self.value()?);
            }
        }
        let order = if self.word("ORDER") {
            self.order()?
        } else {
            Vec::new()
        };
        Ok(Select {
            top,
            items,
            from,
            filter,
            group,
            order,
        })
    }

    pub(super) fn order(&mut self) -> Parsed<Vec<Order>> {
        self.expect_word("BY")?;
        let mut order = Vec::new();
        loop {
            let by = self.value()?;
            let is_descending = self.word("DESC");
            if !is_descending {
                let _ = self.word("ASC");
            }
            order.push(Order { by, is_descending });
            if !self.sign(",") {
                return Ok(order);
            }
        }
    }

    fn item(&mut self) -> Parsed<Item> {
        if self.sign("*") {
            return Ok(Item::All(None));
        }
        let is_all = matches!(
            self.tokens.get(self.at + 1..self.at + 3),
            Some([Token::Sign("."), Token::Sign("*")])
        );
        if is_all {
            let alias = self.name()?;
            self.at += 2;
            return Ok(Item::All(Some(alias)));
        }
        let expression = self.value()?;
        let name = self.alias()?;
        Ok(Item::Expression(expression, name))
    }

    fn alias(&mut self) -> Parsed<Option<String>> {
        if self.word("AS") {
            return self.name().map(Some);
        }
        match self.peek() {
            Some(Token::Quoted(_)) => self.name().map(Some),
            Some(Token::Word(word))
                if !KEYWORDS
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(word)) =>
            {
                self.name().map(Some)
            }
            _ => Ok(None),
        }
    }

    fn from(&mut self) -> Parsed<Vec<From>> {
        let mut all = vec![self.source(JoinKind::Cross)?];
        loop {
            let kind = if self.word("CROSS") {
                if !self.word("APPLY") {
                    self.expect_word("JOIN")?;
                }
                JoinKind::Cross
            } else if self.word("LEFT") {
                let _ = self.word("OUTER");
                self.expect_word("JOIN")?;
                JoinKind::Left
            } else if self.word("INNER") {
                self.expect_word("JOIN")?;
                JoinKind::Inner
            } else if self.word("JOIN") {
                JoinKind::Inner
            } else {
                return Ok(all);
            };
            let mut source = self.source(kind)?;
            if kind != JoinKind::Cross {
                self.expect_word("ON")?;
                source.on = Some(self.condition()?);
            }
            all.push(source);
        }
    }

    fn source(&mut self, kind: JoinKind) -> Parsed<From> {
        let source = if self.sign("(") {
            let query = self.select()?;
            self.expect_sign(")")?;
            Source::Query(Box::new(query))
        } else {
            let mut parts = vec![self.name()?];
            while self.sign(".") {
                parts.push(self.name()?);
            }
            if self.sign("(") {
                Source::Function(parts, self.arguments()?)
            } else {
                Source::Table(parts)
            }
        };
        let alias = self.alias()?;
        let mut sample = None;
        if self.word("TABLESAMPLE") {
            let _ = self.word("SYSTEM");
            self.expect_sign("(")?;
            let share = self.value()?;
            sample = Some(if self.word("ROWS") {
                Sample::Rows(share)
            } else {
                self.expect_word("PERCENT")?;
                Sample::Percent(share)
            });
            self.expect_sign(")")?;
        }
        Ok(From {
            kind,
            source,
            alias,
            on: None,
            sample,
        })
    }
}
