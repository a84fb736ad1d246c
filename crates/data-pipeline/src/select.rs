//! What a `selectQuery` reads: a whole table, some columns, rows by a condition; or a query as it
//! stands. And what a JDBC address names.

use definition::Engine;

/// What is read of a relational database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    /// Columns (all if empty) and rows of a table.
    Table {
        table: String,
        columns: Vec<String>,
        condition: Option<String>,
    },
    /// A query.
    Query(String),
}

impl Selection {
    /// The selection as PostgreSQL reads it: names without quotes are of lower case.
    pub(crate) fn folded(self) -> Self {
        match self {
            Self::Table {
                table,
                columns,
                condition,
            } => Self::Table {
                table: table.to_ascii_lowercase(),
                columns: columns
                    .iter()
                    .map(|column| column.to_ascii_lowercase())
                    .collect(),
                condition,
            },
            Self::Query(query) => Self::Query(query),
        }
    }
}

/// Reads one SELECT.
///
/// # Errors
/// If it is none, or several statements.
pub(crate) fn read(text: &str) -> Result<Selection, String> {
    let text = text.trim().trim_end_matches(';').trim_end();
    let words: Vec<_> = text.split_whitespace().collect();
    let is = |at: usize, word: &str| {
        words
            .get(at)
            .is_some_and(|found| found.eq_ignore_ascii_case(word))
    };
    if !is(0, "select") && !is(0, "with") {
        return Err("it is no SELECT".to_owned());
    }
    if text.contains(';') {
        return Err("it has several statements".to_owned());
    }
    Ok(plain(text).unwrap_or_else(|| Selection::Query(text.to_owned())))
}

/// `SELECT columns FROM table [WHERE condition]`, without anything else.
fn plain(text: &str) -> Option<Selection> {
    let rest = strip_word(text, "select")?;
    let from = find_word(rest, "from")?;
    let columns = rest[..from].trim();
    let rest = strip_word(&rest[from..], "from")?;
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (table, rest) = (&rest[..end], rest[end..].trim());
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$');
    if table.is_empty() || !table.chars().all(is_name) {
        return None;
    }
    let condition = match rest {
        "" => None,
        rest => Some(strip_word(rest, "where")?.trim()),
    };
    let others = [
        "group", "order", "having", "limit", "union", "select", "fetch", "window", "for", "offset",
    ];
    if condition.is_some_and(|condition| {
        condition.is_empty()
            || others
                .iter()
                .any(|word| find_word(condition, word).is_some())
    }) {
        return None;
    }
    let columns: Vec<_> = match columns {
        "*" => Vec::new(),
        columns => columns
            .split(',')
            .map(|column| column.trim().to_owned())
            .collect(),
    };
    let is_column = |column: &String| {
        let first = column.chars().next();
        first.is_some_and(|c| c.is_alphabetic() || c == '_')
            && column.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    columns.iter().all(is_column).then(|| Selection::Table {
        table: table.to_owned(),
        columns,
        condition: condition.map(str::to_owned),
    })
}

/// The text after a word at its start.
fn strip_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let text = text.trim_start();
    let found = text.get(..word.len())?;
    let after = &text[word.len()..];
    (found.eq_ignore_ascii_case(word) && after.starts_with(char::is_whitespace))
        .then(|| after.trim_start())
}

/// The place of a word that stands alone.
fn find_word(text: &str, word: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    lower.match_indices(word).map(|(at, _)| at).find(|at| {
        let touches =
            |letter: Option<char>| letter.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !touches(lower[..*at].chars().next_back())
            && !touches(lower[at + word.len()..].chars().next())
    })
}

/// What a JDBC address names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Address {
    pub engine: Option<Engine>,
    /// The engine's name in the address, such as `mysql`.
    pub product: String,
    pub host: Option<String>,
    pub port: Option<u16>,
    pub database: Option<String>,
}

/// Reads `jdbc:postgresql://host:5432/database` and `jdbc:sqlserver://host:1433;databaseName=d`.
pub(crate) fn address(text: &str) -> Option<Address> {
    let rest = text.trim().strip_prefix("jdbc:")?;
    let (product, rest) = rest.split_once(':')?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    // A password may hold `/` and `@`. Properties may hold `@`, as `user=bob@server` does.
    let properties = rest.find(['?', ';']).unwrap_or(rest.len());
    let login = rest[..properties].rfind('@').map_or(0, |at| at + 1);
    let rest = &rest[login..];
    let end = rest.find(['/', ';', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, port.parse().ok()),
        None => (authority, None),
    };
    let engine = match product {
        "postgresql" => Some(Engine::Postgres),
        "sqlserver" => Some(Engine::SqlServer),
        _ => None,
    };
    let database = match rest.strip_prefix('/') {
        Some(path) => path.split(['?', ';']).next(),
        None => rest.split([';', '?', '&']).find_map(|property| {
            let (key, value) = property.split_once('=')?;
            let is_name = ["databasename", "database"].contains(&key.to_ascii_lowercase().as_str());
            is_name.then_some(value)
        }),
    };
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Some(Address {
        engine,
        product: product.to_owned(),
        host: some(host),
        port,
        database: database.and_then(some),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_selects_are_read_as_their_table() {
        let table = |table: &str, columns: &[&str], condition: Option<&str>| Selection::Table {
            table: table.to_owned(),
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
            condition: condition.map(str::to_owned),
        };
        for (text, made) in [
            ("select * from orders", table("orders", &[], None)),
            (
                "SELECT a, b_1 FROM dbo.Orders WHERE a > 5 AND b <> 'x';",
                table("dbo.Orders", &["a", "b_1"], Some("a > 5 AND b <> 'x'")),
            ),
        ] {
            assert_eq!(read(text).unwrap(), made, "{text}");
        }
        for text in [
            "select a + 1 from t",
            "select a from t, u",
            "select a from t join u on t.a = u.a",
            "select a from t where b in (select c from u)",
            "select a from t where b = 1 order by a",
            "select a from t limit 5",
            "select a from t where b = 1 offset 5",
            "with x as (select 1) select * from x",
        ] {
            assert_eq!(
                read(text).unwrap(),
                Selection::Query(text.to_owned()),
                "{text}"
            );
        }
        assert_eq!(
            read("select Id from Orders").unwrap().folded(),
            table("orders", &["id"], None)
        );
        assert!(read("drop table t").is_err());
        assert!(read("select 1; drop table t").is_err());
    }

    #[test]
    fn addresses_name_engine_host_port_and_database() {
        for (text, engine, host, port, database) in [
            (
                "jdbc:postgresql://h.rds.amazonaws.com:5432/shop?ssl=true",
                Some(Engine::Postgres),
                "h.rds.amazonaws.com",
                Some(5432),
                "shop",
            ),
            (
                "jdbc:sqlserver://h;encrypt=true;databaseName=shop",
                Some(Engine::SqlServer),
                "h",
                None,
                "shop",
            ),
            (
                "jdbc:postgresql://u:p/a@b@h:5432/shop?email=a@b",
                Some(Engine::Postgres),
                "h",
                Some(5432),
                "shop",
            ),
            (
                "jdbc:mysql://u:p@h:3306/shop",
                None,
                "h",
                Some(3306),
                "shop",
            ),
        ] {
            let found = address(text).unwrap();
            assert_eq!(found.engine, engine, "{text}");
            assert_eq!(found.host.as_deref(), Some(host), "{text}");
            assert_eq!(
                (found.port, found.database.as_deref()),
                (port, Some(database)),
                "{text}"
            );
        }
        assert_eq!(address("mysql://h/d"), None);
    }
}
