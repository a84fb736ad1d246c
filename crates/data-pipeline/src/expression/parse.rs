//! The grammar of expressions: paths, numbers, quoted text, calls, and `+ - * / ^`.

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    /// Quoted text.
    Literal(String),
    /// A number.
    Number(f64),
    /// A field, or a field of a referred object: `input.tableName`, `@scheduledStartTime`.
    Path(Vec<String>),
    /// A call.
    Call(String, Vec<Self>),
    /// An operation.
    Binary(char, Box<Self>, Box<Self>),
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part<'t> {
    /// Text as it stands.
    Text(&'t str),
    /// `#{…}`, with the text within the braces.
    Expression(&'t str, Expr),
}

/// Why a text cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The expression.
    pub expression: String,
    /// What is wrong.
    pub why: String,
}

/// The deepest nesting of parentheses and calls.
const MAX_DEPTH: usize = 50;

/// The parts of a text.
pub(super) fn parts(text: &str) -> Result<Vec<Part<'_>>, Fault> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("#{") {
        if start > 0 {
            parts.push(Part::Text(&rest[..start]));
        }
        let after = &rest[start + 2..];
        let fault = |why: &str, source: &str| Fault {
            expression: crate::text::short(source, 60),
            why: why.to_owned(),
        };
        let Some(end) = end_of(after) else {
            return Err(fault("no `}` ends it", after));
        };
        let source = &after[..end];
        let expr = parse(source).map_err(|why| fault(&why, source))?;
        parts.push(Part::Expression(source, expr));
        rest = &after[end + 1..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    Ok(parts)
}

/// The place of the `}` that is not quoted.
fn end_of(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match quote {
            Some(open) if letter == open => quote = None,
            None if letter == '}' => return Some(at),
            None if letter == '\'' || letter == '"' => quote = Some(letter),
            _ => {}
        }
    }
    None
}

fn parse(source: &str) -> Result<Expr, String> {
    let mut parser = Parser {
        rest: source,
        depth: 0,
    };
    let expr = parser.sum()?;
    parser.skip_spaces();
    match parser.rest.chars().next() {
        None => Ok(expr),
        Some(_) => Err(format!(
            "`{}` is not understood",
            crate::text::short(parser.rest, 20)
        )),
    }
}

struct Parser<'s> {
    rest: &'s str,
    depth: usize,
}

impl Parser<'_> {
    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, signs: &[char]) -> Option<char> {
        self.skip_spaces();
        let found = self
            .rest
            .chars()
            .next()
            .filter(|sign| signs.contains(sign))?;
        self.rest = &self.rest[found.len_utf8()..];
        Some(found)
    }

    fn sum(&mut self) -> Result<Expr, String> {
        self.left(&['+', '-'], Self::product)
    }

    fn product(&mut self) -> Result<Expr, String> {
        self.left(&['*', '/'], Self::power)
    }

    fn left(
        &mut self,
        signs: &[char],
        operand: fn(&mut Self) -> Result<Expr, String>,
    ) -> Result<Expr, String> {
        let mut left = operand(self)?;
        let mut operations = 0;
        while let Some(sign) = self.take(signs) {
            operations += 1;
            // Each operation nests the ones before it.
            if operations > MAX_DEPTH {
                return Err(format!("it has more than {MAX_DEPTH} operations"));
            }
            left = Expr::Binary(sign, Box::new(left), Box::new(operand(self)?));
        }
        Ok(left)
    }

    fn power(&mut self) -> Result<Expr, String> {
        self.deeper()?;
        let base = self.primary()?;
        let expr = match self.take(&['^']) {
            Some(sign) => Expr::Binary(sign, Box::new(base), Box::new(self.power()?)),
            None => base,
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("it is nested more than {MAX_DEPTH} levels deep"));
        }
        Ok(())
    }

    fn primary(&mut self) -> Result<Expr, String> {
        self.skip_spaces();
        let Some(first) = self.rest.chars().next() else {
            return Err("it ends where a value is expected".to_owned());
        };
        match first {
            '(' => {
                self.rest = &self.rest[1..];
                let inner = self.sum()?;
                match self.take(&[')']) {
                    Some(_) => Ok(inner),
                    None => Err("a `)` is missing".to_owned()),
                }
            }
            '\'' | '"' => {
                let after = &self.rest[1..];
                let Some(end) = after.find(first) else {
                    return Err(format!("a {first} is missing"));
                };
                self.rest = &after[end + 1..];
                Ok(Expr::Literal(after[..end].to_owned()))
            }
            '-' => {
                self.rest = &self.rest[1..];
                let operand = self.power()?;
                Ok(Expr::Binary(
                    '-',
                    Box::new(Expr::Number(0.0)),
                    Box::new(operand),
                ))
            }
            _ if first.is_ascii_digit() => {
                let digits = self.word(|c| c.is_ascii_digit() || c == '.');
                digits
                    .parse()
                    .map(Expr::Number)
                    .map_err(|_| format!("`{digits}` is no number"))
            }
            _ if is_name(first) || first == '*' => self.path(),
            _ => Err(format!("`{first}` is not expected")),
        }
    }

    fn word(&mut self, is_part: fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let word = self.rest[..end].to_owned();
        self.rest = &self.rest[end..];
        word
    }

    fn path(&mut self) -> Result<Expr, String> {
        let mut names = Vec::new();
        loop {
            let star = if self.take(&['*']).is_some() { "*" } else { "" };
            let name = self.word(is_name);
            if name.is_empty() {
                return Err("a name is missing".to_owned());
            }
            names.push(format!("{star}{name}"));
            if self.take(&['.']).is_none() {
                break;
            }
        }
        if let [name] = names.as_slice()
            && self.take(&['(']).is_some()
        {
            let name = name.clone();
            return self
                .arguments()
                .map(|arguments| Expr::Call(name, arguments));
        }
        Ok(Expr::Path(names))
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, String> {
        let mut arguments = Vec::new();
        if self.take(&[')']).is_some() {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.sum()?);
            match self.take(&[',', ')']) {
                Some(')') => return Ok(arguments),
                Some(_) => {}
                None => return Err("a `)` is missing".to_owned()),
            }
        }
    }
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '@' | '$')
}

impl Expr {
    /// The expression as text.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Literal(text) => format!("'{text}'"),
            Self::Number(number) => number.to_string(),
            Self::Path(names) => names.join("."),
            Self::Call(name, arguments) => {
                let arguments: Vec<_> = arguments.iter().map(Self::shown).collect();
                format!("{name}({})", arguments.join(", "))
            }
            Self::Binary(sign, left, right) => {
                format!("({} {sign} {})", left.shown(), right.shown())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Ok(expr) => expr.shown(),
            Err(why) => why,
        }
    }

    #[test]
    fn operations_bind_as_in_arithmetic() {
        for (text, says) in [
            ("1 + 2 * 3 ^ 2 ^ 2", "(1 + (2 * (3 ^ (2 ^ 2))))"),
            ("(1 + 2) * 3 - 4", "(((1 + 2) * 3) - 4)"),
            (
                "format(minusDays(@scheduledStartTime,1),'YYYY}MM')",
                "format(minusDays(@scheduledStartTime, 1), 'YYYY}MM')",
            ),
            (
                "'a' + input.tableName + *myPw",
                "(('a' + input.tableName) + *myPw)",
            ),
            ("-x", "(0 - x)"),
            ("", "it ends where a value is expected"),
            ("a b", "`b` is not understood"),
            ("f(1", "a `)` is missing"),
            ("a..b", "a name is missing"),
            ("1.2.3", "`1.2.3` is no number"),
            ("a ; b", "`; b` is not understood"),
        ] {
            assert_eq!(shown(text), says, "{text}");
        }
    }

    #[test]
    fn a_text_is_split_where_its_expressions_are() {
        let text = "s3://b/#{format(@t,'}')}/x#{a}";
        let parts = parts(text).unwrap();
        let texts: Vec<_> = parts
            .iter()
            .map(|part| match part {
                Part::Text(text) | Part::Expression(text, _) => *text,
            })
            .collect();
        assert_eq!(texts, ["s3://b/", "format(@t,'}')", "/x", "a"]);
        assert_eq!(super::parts("a #{b").unwrap_err().why, "no `}` ends it");
    }

    #[test]
    fn nesting_is_limited() {
        for text in [
            "(".repeat(10_000),
            "f(".repeat(10_000),
            "-".repeat(10_000),
            "1^".repeat(10_000),
        ] {
            assert!(shown(&text).contains("more than 50"), "{}", shown(&text));
        }
        assert!(shown(&"1+".repeat(10_000)).contains("more than 50"));
    }
}
