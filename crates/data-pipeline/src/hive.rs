//! Hive scripts that only copy a table: the only ones that have a counterpart.

/// What a copying script reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Copy {
    /// The attributes in the order of the columns; empty if the script does not name them.
    pub attributes: Vec<String>,
    /// The table that it names itself.
    pub table: Option<String>,
}

/// Reads a script. Statements beside the copy may only declare tables.
///
/// # Errors
/// Says what of it does more than copy.
pub(crate) fn read(script: &str) -> Result<Copy, String> {
    let mut copies = 0;
    let mut copy = Copy::default();
    for statement in statements(script) {
        let statement = statement.as_str();
        let lower = statement.to_ascii_lowercase();
        let words: Vec<_> = lower.split_whitespace().collect();
        match words.as_slice() {
            ["create", ..] if lower.contains("dynamodbstoragehandler") => {
                let mapping = property(statement, "dynamodb.column.mapping");
                copy.attributes = mapping.map(attributes).unwrap_or_default();
                copy.table = property(statement, "dynamodb.table.name").map(str::to_owned);
            }
            ["create", ..] if words.contains(&"select") => {
                return Err("its CREATE TABLE takes rows of a query".to_owned());
            }
            [] | ["drop", "table", ..] | ["set" | "create", ..] => {}
            [
                "insert",
                "overwrite" | "into",
                "table",
                _,
                "select",
                "*",
                "from",
                _,
            ] => copies += 1,
            ["insert", ..] => {
                return Err("its INSERT does more than `SELECT * FROM` one table".to_owned());
            }
            [first, ..] => {
                let first = crate::text::short(first, 20);
                return Err(format!("its statement `{first} …` has no counterpart"));
            }
        }
    }
    match copies {
        1 => Ok(copy),
        0 => Err("it copies nothing".to_owned()),
        _ => Err(format!("it copies {copies} times")),
    }
}

/// The statements between semicolons that are not quoted.
fn statements(script: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut quote = None;
    for letter in script.chars() {
        match quote {
            Some(open) if letter == open => quote = None,
            None if letter == '\'' || letter == '"' => quote = Some(letter),
            None if letter == ';' => {
                all.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = all.last_mut() {
            last.push(letter);
        }
    }
    all
}

/// A property of a table: `"name" = "value"`.
fn property<'s>(statement: &'s str, name: &str) -> Option<&'s str> {
    let after = &statement[statement.find(name)? + name.len()..];
    let after = after.trim_start_matches(['"', '\'']).trim_start();
    let after = after.strip_prefix('=')?.trim_start();
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    after[1..].split(quote).next()
}

/// The attributes of a mapping, `column:attribute,…`.
fn attributes(mapping: &str) -> Vec<String> {
    let pairs = mapping.split(',').filter_map(|pair| pair.split_once(':'));
    pairs
        .map(|(_, attribute)| attribute.trim().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_a_table_is_recognised() {
        let script = "DROP TABLE IF EXISTS t;\nCREATE EXTERNAL TABLE t (a string)\nSTORED BY \
                      'org.apache.hadoop.hive.dynamodb.DynamoDBStorageHandler' TBLPROPERTIES \
                      (\"dynamodb.table.name\" = \"houses\", \"dynamodb.column.mapping\" = \
                      \"a:id,b:price;eur\");\nCREATE EXTERNAL TABLE s (a string) ROW FORMAT \
                      DELIMITED FIELDS TERMINATED BY ';' LOCATION 's3://b';\nINSERT OVERWRITE \
                      TABLE s SELECT * FROM t;";
        let copy = read(script).unwrap();
        assert_eq!(copy.attributes, ["id", "price;eur"]);
        assert_eq!(copy.table.as_deref(), Some("houses"));
        read("INSERT OVERWRITE TABLE ${output1} SELECT * FROM ${input1};").unwrap();
    }

    #[test]
    fn whatever_does_more_is_refused() {
        for (script, says) in [
            (
                "insert overwrite table a select * from b where c = 1",
                "more than",
            ),
            ("insert overwrite table a select c from b", "more than"),
            ("create table a (b string)", "nothing"),
            (
                "create table a as select 1; insert overwrite table a select * from b",
                "takes rows",
            ),
            (
                "add jar s3://b/x.jar; insert overwrite table a select * from b",
                "`add …`",
            ),
            (
                "insert into table a select * from b; insert into table c select * from b",
                "2 times",
            ),
        ] {
            let error = read(script).unwrap_err();
            assert!(error.contains(says), "{script}: {error}");
        }
    }
}
