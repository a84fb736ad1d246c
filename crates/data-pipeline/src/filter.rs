//! Conditions of `filterSql`, as a filter expression of DynamoDB: comparisons, BETWEEN, IN, LIKE
//! with a prefix, IS NULL, joined by AND and OR.

use serde_json::{Map, Value, json};

/// A filter as `source.dynamodb.filter` has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Filter {
    pub expression: String,
    pub names: Map<String, Value>,
    pub values: Map<String, Value>,
}

impl Filter {
    pub(crate) fn json(&self) -> Value {
        let mut filter = json!({ "expression": self.expression });
        for (key, part) in [("names", &self.names), ("values", &self.values)] {
            if !part.is_empty() {
                filter[key] = Value::Object(part.clone());
            }
        }
        filter
    }
}

/// The deepest nesting of parentheses.
const MAX_DEPTH: usize = 30;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    Word(String),
    Number(String),
    Text(String),
    Sign(&'static str),
}

/// Reads a condition. `columns` are the declared ones with their types, as `timeStamp BIGINT`: they
/// decide the case of names, which Hive ignores, and the type of literals.
///
/// # Errors
/// Says what of it is beyond the grammar.
pub(crate) fn read(text: &str, columns: &[String]) -> Result<Filter, String> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
        columns,
        filter: Filter {
            expression: String::new(),
            names: Map::new(),
            values: Map::new(),
        },
    };
    let expression = parser.any()?;
    if let Some(token) = parser.tokens.get(parser.at) {
        return Err(format!("{} is not expected", shown(token)));
    }
    parser.filter.expression = expression;
    Ok(parser.filter)
}

fn shown(token: &Token) -> String {
    match token {
        Token::Name(text) | Token::Word(text) | Token::Number(text) => format!("`{text}`"),
        Token::Text(_) => "a text".to_owned(),
        Token::Sign(sign) => format!("`{sign}`"),
    }
}

const SIGNS: [&str; 12] = [
    "<>", "!=", "<=", ">=", "==", "=", "<", ">", "(", ")", ",", "-",
];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut all = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let quoted = |end: char| {
            let after = &rest[1..];
            let end = after
                .find(end)
                .ok_or_else(|| format!("a {end} is missing"))?;
            Ok::<_, String>((after[..end].to_owned(), &after[end + 1..]))
        };
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let (token, after) = match first {
            '`' => quoted('`').map(|(name, after)| (Token::Name(name), after))?,
            '\'' | '"' => quoted(first).map(|(text, after)| (Token::Text(text), after))?,
            _ if first.is_ascii_digit() => {
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                let digits = rest[..end].trim_end_matches('L');
                digits
                    .parse::<f64>()
                    .map_err(|_| format!("`{digits}` is no number"))?;
                (Token::Number(digits.to_owned()), &rest[end..])
            }
            _ if is_word(first) => {
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                (Token::Word(rest[..end].to_owned()), &rest[end..])
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.ok_or_else(|| format!("`{first}` is not understood"))?;
                (Token::Sign(sign), &rest[sign.len()..])
            }
        };
        all.push(token);
        rest = after.trim_start();
    }
    Ok(all)
}

struct Parser<'c> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    columns: &'c [String],
    filter: Filter,
}

impl Parser<'_> {
    fn sign(&mut self, signs: &[&'static str]) -> Option<&'static str> {
        match self.tokens.get(self.at) {
            Some(Token::Sign(sign)) if signs.contains(sign) => {
                self.at += 1;
                Some(sign)
            }
            _ => None,
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<String, String> {
        self.joined("OR", Self::all)
    }

    fn all(&mut self) -> Result<String, String> {
        self.joined("AND", Self::condition)
    }

    fn joined(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Result<String, String>,
    ) -> Result<String, String> {
        let mut made = part(self)?;
        while self.word(word) {
            let next = part(self)?;
            made = format!("{made} {word} {next}");
        }
        Ok(made)
    }

    fn condition(&mut self) -> Result<String, String> {
        if self.sign(&["("]).is_some() {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(format!("it is nested more than {MAX_DEPTH} levels deep"));
            }
            let inner = self.any()?;
            self.depth -= 1;
            self.sign(&[")"]).ok_or("a `)` is missing")?;
            return Ok(format!("({inner})"));
        }
        let (name, is_number) = self.column()?;
        if self.word("IS") {
            return self.null(&name);
        }
        if self.word("BETWEEN") {
            let low = self.literal(is_number)?;
            if !self.word("AND") {
                return Err("BETWEEN has no AND".to_owned());
            }
            let high = self.literal(is_number)?;
            return Ok(format!("{name} BETWEEN {low} AND {high}"));
        }
        if self.word("IN") {
            self.sign(&["("]).ok_or("IN has no `(`")?;
            let mut values = vec![self.literal(is_number)?];
            while self.sign(&[","]).is_some() {
                values.push(self.literal(is_number)?);
            }
            self.sign(&[")"]).ok_or("a `)` is missing")?;
            if values.len() > 100 {
                return Err("DynamoDB's IN takes 100 values".to_owned());
            }
            return Ok(format!("{name} IN ({})", values.join(", ")));
        }
        if self.word("LIKE") {
            return self.like(&name);
        }
        let sign = self.sign(&["<>", "!=", "<=", ">=", "==", "=", "<", ">"]);
        let Some(sign) = sign else {
            return Err(self.unexpected("a comparison"));
        };
        let value = self.literal(is_number)?;
        Ok(match sign {
            "==" => format!("{name} = {value}"),
            // What is not there differs from everything for DynamoDB, and from nothing for Hive.
            "<>" | "!=" => format!("(attribute_exists({name}) AND {name} <> {value})"),
            sign => format!("{name} {sign} {value}"),
        })
    }

    fn unexpected(&self, expected: &str) -> String {
        let found = self.tokens.get(self.at);
        let found = found.map_or("the end".to_owned(), shown);
        format!("{found} is not {expected}")
    }

    fn null(&mut self, name: &str) -> Result<String, String> {
        let is_not = self.word("NOT");
        if !self.word("NULL") {
            return Err(self.unexpected("NULL"));
        }
        let null = self.value(&json!({ "S": "NULL" }));
        Ok(if is_not {
            format!("(attribute_exists({name}) AND NOT attribute_type({name}, {null}))")
        } else {
            format!("(attribute_not_exists({name}) OR attribute_type({name}, {null}))")
        })
    }

    fn like(&mut self, name: &str) -> Result<String, String> {
        let Some(Token::Text(pattern)) = self.tokens.get(self.at) else {
            return Err(self.unexpected("a text"));
        };
        let prefix = pattern.strip_suffix('%').unwrap_or("%");
        if prefix.is_empty() || prefix.contains(['%', '_', '\\']) {
            return Err("LIKE is taken over only with a prefix, such as `'abc%'`".to_owned());
        }
        let prefix = json!({ "S": prefix });
        self.at += 1;
        let value = self.value(&prefix);
        Ok(format!("begins_with({name}, {value})"))
    }

    /// A column's placeholder, and whether it is declared as a number, or as something else.
    fn column(&mut self) -> Result<(String, Option<bool>), String> {
        let written = match self.tokens.get(self.at) {
            Some(Token::Name(name)) => name.clone(),
            Some(Token::Word(name)) if !name.contains('.') => {
                let next = self.tokens.get(self.at + 1);
                if next == Some(&Token::Sign("(")) && !name.eq_ignore_ascii_case("in") {
                    return Err(format!(
                        "the function `{name}` has no counterpart in DynamoDB"
                    ));
                }
                if name.eq_ignore_ascii_case("not") {
                    return Err("NOT treats missing values in another way than Hive".to_owned());
                }
                name.clone()
            }
            _ => return Err(self.unexpected("a column")),
        };
        self.at += 1;
        let declared = self.columns.iter().find_map(|column| {
            let (name, kind) = column.split_once(char::is_whitespace)?;
            let name = name.trim_matches('`');
            name.eq_ignore_ascii_case(&written)
                .then_some((name, kind.trim()))
        });
        let (name, is_number) = match declared {
            Some((name, kind)) => (name.to_owned(), Some(!kind.eq_ignore_ascii_case("string"))),
            None => (written, None),
        };
        let known = self.filter.names.iter().find(|(_, value)| **value == *name);
        if let Some((placeholder, _)) = known {
            return Ok((placeholder.clone(), is_number));
        }
        let placeholder = format!("#n{}", self.filter.names.len() + 1);
        self.filter.names.insert(placeholder.clone(), json!(name));
        Ok((placeholder, is_number))
    }

    fn literal(&mut self, is_number: Option<bool>) -> Result<String, String> {
        let minus = if self.sign(&["-"]).is_some() { "-" } else { "" };
        let value = match self.tokens.get(self.at) {
            Some(Token::Number(_)) if is_number == Some(false) => {
                return Err("a column of texts is compared with a number".to_owned());
            }
            Some(Token::Number(number)) => json!({ "N": format!("{minus}{number}") }),
            Some(Token::Text(text)) if minus.is_empty() => match is_number {
                Some(true) if text.parse::<f64>().is_ok() => json!({ "N": text }),
                Some(true) => return Err("a column of numbers is compared with a text".to_owned()),
                _ => json!({ "S": text }),
            },
            Some(Token::Word(name)) if self.tokens.get(self.at + 1) == Some(&Token::Sign("(")) => {
                return Err(format!(
                    "the function `{name}` has no counterpart in DynamoDB"
                ));
            }
            Some(Token::Word(word)) if is_number.is_none() => {
                match word.to_ascii_lowercase().as_str() {
                    word @ ("true" | "false") => json!({ "BOOL": word == "true" }),
                    _ => return Err(self.unexpected("a value")),
                }
            }
            _ => return Err(self.unexpected("a value")),
        };
        self.at += 1;
        Ok(self.value(&value))
    }

    fn value(&mut self, value: &Value) -> String {
        let known = self.filter.values.iter().find(|(_, known)| *known == value);
        if let Some((placeholder, _)) = known {
            return placeholder.clone();
        }
        let placeholder = format!(":v{}", self.filter.values.len() + 1);
        self.filter
            .values
            .insert(placeholder.clone(), value.clone());
        placeholder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<String> {
        ["timeStamp BIGINT", "country string"]
            .map(str::to_owned)
            .to_vec()
    }

    #[test]
    fn conditions_become_filters() {
        let of = |text: &str| read(text, &columns()).unwrap();
        let filter = of("`timestamp` > 1370304000 AND country = 'DE'");
        assert_eq!(filter.expression, "#n1 > :v1 AND #n2 = :v2");
        assert_eq!(
            filter.json()["names"],
            json!({"#n1": "timeStamp", "#n2": "country"})
        );
        assert_eq!(
            filter.json()["values"],
            json!({":v1": {"N": "1370304000"}, ":v2": {"S": "DE"}})
        );
        for (text, expression) in [
            (
                "a <> -1 or (b = true)",
                "(attribute_exists(#n1) AND #n1 <> :v1) OR (#n2 = :v2)",
            ),
            (
                "a between 1 and 2 and a != 1",
                "#n1 BETWEEN :v1 AND :v2 AND (attribute_exists(#n1) AND #n1 <> :v1)",
            ),
            ("a in ('x', 'y')", "#n1 IN (:v1, :v2)"),
            ("a like 'x%'", "begins_with(#n1, :v1)"),
            (
                "a is null",
                "(attribute_not_exists(#n1) OR attribute_type(#n1, :v1))",
            ),
            (
                "a is not null",
                "(attribute_exists(#n1) AND NOT attribute_type(#n1, :v1))",
            ),
            ("timestamp >= '5'", "#n1 >= :v1"),
        ] {
            assert_eq!(of(text).expression, expression, "{text}");
        }
    }

    #[test]
    fn what_hive_alone_can_do_is_refused() {
        for (text, says) in [
            ("`t` > unix_timestamp('a', 'b')", "`unix_timestamp`"),
            ("lower(a) = 'x'", "`lower`"),
            ("not a = 1", "NOT"),
            ("a like '%x'", "prefix"),
            ("a = b", "`b` is not a value"),
            ("a", "the end"),
            ("a = 1; drop table b", "`;`"),
            ("a = 'x", "missing"),
            ("timestamp = 'yesterday'", "numbers"),
            ("country = 5", "texts"),
            ("a = 1 b", "not expected"),
        ] {
            let error = read(text, &columns()).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        let deep = format!("{}a = 1{}", "(".repeat(10_000), ")".repeat(10_000));
        assert!(read(&deep, &[]).unwrap_err().contains("30"));
    }
}
