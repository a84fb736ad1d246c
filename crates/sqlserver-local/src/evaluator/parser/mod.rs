//! Reads statements.

mod expressions;
mod select;

use super::ast::Statement;
use super::lexer::{self, Token};
use crate::error::SqlError;

/// Reads the statements of a batch.
pub fn batch(text: &str) -> Result<Vec<Statement>, SqlError> {
    let tokens = lexer::tokens(text)?;
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
    };
    let mut statements = Vec::new();
    loop {
        while parser.sign(";") {}
        if parser.peek().is_none() {
            return Ok(statements);
        }
        statements.push(parser.statement()?);
    }
}

/// Words that end a list of sources or an expression: none of them is an alias.
const KEYWORDS: [&str; 31] = [
    "SELECT",
    "FROM",
    "WHERE",
    "ORDER",
    "GROUP",
    "HAVING",
    "UNION",
    "JOIN",
    "INNER",
    "LEFT",
    "RIGHT",
    "FULL",
    "CROSS",
    "ON",
    "AND",
    "OR",
    "NOT",
    "AS",
    "SET",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "OPTION",
    "TABLESAMPLE",
    "COLLATE",
    "WITH",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
];

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
}

type Parsed<T> = Result<T, SqlError>;

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&Token> {
        let token = self.tokens.get(self.at);
        self.at += 1;
        token
    }

    fn wrong<T>(&self) -> Parsed<T> {
        let token = self.peek().or_else(|| self.tokens.last());
        Err(SqlError::syntax(
            &token.map(Token::text).unwrap_or_default(),
        ))
    }

    /// Whether a keyword comes, which is then read.
    fn word(&mut self, word: &str) -> bool {
        let is = self.is_word(0, word);
        self.at += usize::from(is);
        is
    }

    fn is_word(&self, ahead: usize, word: &str) -> bool {
        let token = self.tokens.get(self.at + ahead);
        matches!(token, Some(Token::Word(text)) if text.eq_ignore_ascii_case(word))
    }

    fn sign(&mut self, sign: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(is);
        is
    }

    fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.word(word) {
            Ok(())
        } else {
            self.wrong()
        }
    }

    fn expect_sign(&mut self, sign: &str) -> Parsed<()> {
        if self.sign(sign) {
            Ok(())
        } else {
            self.wrong()
        }
    }

    fn name(&mut self) -> Parsed<String> {
        match self.peek() {
            Some(Token::Word(name) | Token::Quoted(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => self.wrong(),
        }
    }

    fn statement(&mut self) -> Parsed<Statement> {
        if self.word("SET") {
            return self.set();
        }
        if self.word("USE") {
            return self.name().map(Statement::Use);
        }
        let only_if_open = self.word("IF");
        if only_if_open {
            match self.next() {
                Some(Token::Variable(name)) if name.eq_ignore_ascii_case("@@TRANCOUNT") => {}
                _ => {
                    self.at -= 1;
                    return self.wrong();
                }
            }
            self.expect_sign(">")?;
            match self.next() {
                Some(Token::Number(zero)) if zero == "0" => {}
                _ => {
                    self.at -= 1;
                    return self.wrong();
                }
            }
        }
        if self.word("COMMIT") {
            let _ = self.transaction() || self.word("WORK");
            return Ok(Statement::Commit { only_if_open });
        }
        if self.word("ROLLBACK") {
            let _ = self.transaction() || self.word("WORK");
            return Ok(Statement::Rollback { only_if_open });
        }
        if only_if_open {
            return self.wrong();
        }
        if self.word("BEGIN") {
            return if self.transaction() {
                Ok(Statement::Begin)
            } else {
                self.wrong()
            };
        }
        self.select().map(Box::new).map(Statement::Select)
    }

    fn transaction(&mut self) -> bool {
        self.word("TRAN") || self.word("TRANSACTION")
    }

    fn set(&mut self) -> Parsed<Statement> {
        if self.word("TRANSACTION") {
            self.expect_word("ISOLATION")?;
            self.expect_word("LEVEL")?;
            let is_snapshot = self.word("SNAPSHOT");
            if !is_snapshot {
                let _ = self.word("READ");
                self.name()?;
            }
            return Ok(Statement::Isolation { is_snapshot });
        }
        // An option, or several, and a value: nothing of it changes what is answered here.
        self.name()?;
        while self.sign(",") {
            self.name()?;
        }
        if self.peek() == Some(&Token::Sign("=")) {
            self.at += 1;
        }
        let _ = self.sign("-");
        if let Some(Token::Word(_) | Token::Number(_) | Token::Text(_)) = self.next() {
            Ok(Statement::Set)
        } else {
            self.at -= 1;
            self.wrong()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_of_the_clients_are_read() {
        for (text, count) in [
            ("SET LOCK_TIMEOUT 5000; SET DEADLOCK_PRIORITY LOW", 2),
            (
                "SET TRANSACTION ISOLATION LEVEL READ COMMITTED BEGIN TRAN",
                2,
            ),
            ("IF @@TRANCOUNT > 0 COMMIT TRAN", 1),
            (
                "SET ANSI_NULLS, QUOTED_IDENTIFIER ON;SET TEXTSIZE 2147483647;",
                2,
            ),
            (
                "SELECT TOP (@P1) [a] FROM [s].[t] AS x WHERE (a > 1 OR (a = 1 AND (b) > 2)) ORDER BY a, b DESC",
                1,
            ),
            (
                "SELECT a FROM t TABLESAMPLE (10 PERCENT) WHERE a IS NOT NULL AND b NOT IN (1, 2)",
                1,
            ),
            ("SELECT q.* FROM (SELECT a FROM t) AS q", 1),
            (
                "SELECT NTILE(4) OVER (ORDER BY a) n FROM t CROSS APPLY sys.f(1, 2) h",
                1,
            ),
            ("", 0),
        ] {
            assert_eq!(batch(text).unwrap().len(), count, "{text}");
        }
    }

    #[test]
    fn other_text_is_error_102_with_the_text_near_it() {
        for (text, near) in [
            ("DELETE FROM t", "DELETE"),
            ("SELECT a FROM t HAVING a", "HAVING"),
            ("SELECT a FROM t WHERE a", "a"),
            ("SELECT FROM t", "FROM"),
            ("BEGIN TRY", "TRY"),
        ] {
            let error = batch(text).unwrap_err();
            assert_eq!(error, SqlError::syntax(near), "{text}");
        }
    }
}
