//! From a definition and its secret to a connection that is ready to read.

use crate::{Connection, Databases, Login, Secrets, dialect};
use contract::{ErrorName, ServiceError};
use definition::{BadText, Engine, SqlSource};
use serde_json::Value;

/// Reads the secret, connects, and sets the session up. A login that is refused is tried once more
/// with the secret as it is then: it may just have been rotated.
///
/// # Errors
/// Of the secret or the database; `InvalidDefinition` for a secret that is no JSON object with the
/// fields that a login needs.
pub async fn connect<D: Databases>(
    databases: &D,
    secrets: &impl Secrets,
    source: &SqlSource,
) -> Result<D::Connection, ServiceError> {
    let mut connection = match try_login(databases, secrets, source).await {
        Err(error) if error.name == ErrorName::SourceLoginFailed => {
            try_login(databases, secrets, source).await?
        }
        other => other?,
    };
    for statement in dialect(source.engine).session() {
        connection.execute(statement).await?;
    }
    Ok(connection)
}

/// KB of old row versions that the server keeps for the snapshots of the database; `None` if the
/// engine keeps none apart, or the login may not see it.
///
/// # Errors
/// Of the database.
pub async fn version_store(
    connection: &mut impl Connection,
    engine: Engine,
) -> Result<Option<u64>, ServiceError> {
    let Some(ask) = dialect(engine).version_store() else {
        return Ok(None);
    };
    match connection.rows(ask).await {
        Ok(rows) => {
            let text = rows.into_iter().flatten().next().flatten();
            // It is NULL where there are none.
            Ok(Some(
                text.and_then(|text| text.parse().ok()).unwrap_or_default(),
            ))
        }
        // It takes VIEW SERVER STATE, and is not there before 2016 SP2.
        Err(error)
            if [
                ErrorName::SourcePermissionDenied,
                ErrorName::SourceObjectMissing,
            ]
            .contains(&error.name) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn try_login<D: Databases>(
    databases: &D,
    secrets: &impl Secrets,
    source: &SqlSource,
) -> Result<D::Connection, ServiceError> {
    let secret = secrets.secret(&source.secret).await?;
    let login = login(source, &secret).map_err(|message| ServiceError {
        name: ErrorName::InvalidDefinition,
        service: "Secrets Manager",
        operation: "GetSecretValue",
        subject: source.secret.clone(),
        code: "SecretUnusable".to_owned(),
        message,
        source: None,
    })?;
    databases.connect(&login).await
}

/// The login of a source with the text of its secret.
///
/// Source of the secret's fields: AWS Secrets Manager user guide, "JSON structure of AWS Secrets
/// Manager database credential secrets".
fn login(source: &SqlSource, secret: &str) -> Result<Login, String> {
    let secret: Value = serde_json::from_str(secret)
        .map_err(|_| "the secret is no JSON: it needs `username` and `password`".to_owned())?;
    let text = |field: &str| secret[field].as_str().map(str::to_owned);
    let needed = |field: &str, ours: &str| {
        text(field).ok_or_else(|| {
            format!(
                "the secret has no text in {field:?}: add it{}",
                if ours.is_empty() {
                    String::new()
                } else {
                    format!(", or set source.sql.{ours}")
                }
            )
        })
    };
    let port = match (source.port, &secret["port"]) {
        (Some(port), _) => port,
        (None, Value::Null) => source.engine.port(),
        // Consoles write it as text.
        (None, Value::String(text)) => text
            .parse()
            .map_err(|_| format!("the secret's \"port\" is no port: {text:?}"))?,
        (None, other) => other
            .as_u64()
            .and_then(|port| u16::try_from(port).ok())
            .ok_or_else(|| format!("the secret's \"port\" is no port: {other}"))?,
    };
    Ok(Login {
        engine: source.engine,
        host: match &source.host {
            Some(host) => host.clone(),
            None => needed("host", "host")?,
        },
        port,
        database: match &source.database {
            Some(database) => database.clone(),
            None => needed("dbname", "database")?,
        },
        user: needed("username", "")?,
        password: needed("password", "")?,
        replaces_bad_text: source.bad_text == BadText::Replace,
        authorities: source.certificate_authorities.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn source(change: &Value) -> SqlSource {
        let mut source = json!({"engine": "postgres", "secret": "s", "table": "t"});
        for (field, value) in change.as_object().unwrap() {
            source[field] = value.clone();
        }
        serde_json::from_value(source).unwrap()
    }

    #[test]
    fn a_secret_as_rds_writes_it_is_a_login() {
        let secret = json!({
            "engine": "postgres", "host": "db.example", "port": 6432, "dbname": "shop",
            "username": "reader", "password": "p", "dbInstanceIdentifier": "db",
        });
        let made = login(&source(&json!({})), &secret.to_string()).unwrap();
        assert_eq!(
            (made.host.as_str(), made.port, made.database.as_str()),
            ("db.example", 6432, "shop")
        );
        assert!(!format!("{made:?}").contains("\"p\""), "{made:?}");
        let own = json!({"host": "other", "port": 1, "database": "d"});
        let made = login(&source(&own), &secret.to_string()).unwrap();
        assert_eq!((made.host.as_str(), made.port), ("other", 1));
        // The secret that RDS manages itself has user and password alone.
        let managed = json!({"username": "u", "password": "p"}).to_string();
        let made = login(&source(&json!({"host": "h", "database": "d"})), &managed).unwrap();
        assert_eq!(made.port, 5432);
    }

    #[test]
    fn a_secret_that_is_no_login_says_what_is_missing() {
        for (secret, says) in [
            ("p4ssw0rd", "is no JSON"),
            (
                r#"{"username": "u", "password": "p"}"#,
                "set source.sql.host",
            ),
            (
                r#"{"host": "h", "username": "u", "password": "p"}"#,
                "set source.sql.database",
            ),
            (
                r#"{"host": "h", "dbname": "d", "password": "p"}"#,
                "\"username\"",
            ),
            (
                r#"{"host": "h", "dbname": "d", "username": "u", "password": "p", "port": "x"}"#,
                "no port",
            ),
        ] {
            let error = login(&source(&json!({})), secret).unwrap_err();
            assert!(error.contains(says), "{secret}: {error}");
            assert!(!error.contains("p4ssw0rd"), "{error}");
        }
    }
}
