//! Connections that are refused: each under its own name, in one line that says what to do.

use crate::export::plan;
use crate::server::{Database, SECRET};
use contract::{ErrorName, Named, chain};
use database::Drivers;
use lake::MemoryStore;
use serde_json::{Value, json};
use sql_source::MemorySecrets;
use sqlserver_local::{At, CertificateKind, Config, Effect, Fault, Permissions};

const COLUMNS: [(&str, &str); 3] = [
    ("id", "int NOT NULL"),
    ("price", "decimal(9,2)"),
    ("secret", "nvarchar(9)"),
];

fn orders(config: &Config) -> Database {
    let database = Database::of(config);
    let rows: Vec<_> = (1..=50)
        .map(|n: i64| vec![n.into(), n.into(), "s".into()])
        .collect();
    database.add("orders", &COLUMNS, &["id"], &rows);
    database
}

async fn planned(
    database: &Database,
    secrets: &MemorySecrets,
    change: Value,
) -> Result<(), (ErrorName, String)> {
    let store = MemoryStore::new();
    let source = database.source(&change);
    match plan(&store, &Drivers::AT_ONCE, secrets, source).await {
        Ok(_) => Ok(()),
        Err(error) => Err((error.name(), chain(&error))),
    }
}

async fn refused(
    database: &Database,
    secrets: &MemorySecrets,
    change: Value,
    name: ErrorName,
    says: &str,
) {
    let (found, message) = planned(database, secrets, change.clone())
        .await
        .unwrap_err();
    assert_eq!(found, name, "{change}: {message}");
    assert!(message.contains(says), "{change}: {message}");
    assert!(!message.contains('\n') && message.len() < 700, "{message}");
    assert!(!message.contains("trust_cert"), "{message}");
}

#[tokio::test]
async fn each_is_one_line_with_its_name() {
    let database = orders(&Config::default());
    let good = database.secrets();
    for (change, name, says) in [
        (
            json!({"table": "order"}),
            ErrorName::SourceObjectMissing,
            "there is no dbo.order",
        ),
        (
            json!({"table": "orders", "columns": ["id", "prise"]}),
            ErrorName::SourceObjectMissing,
            "has no column `prise`",
        ),
        (
            json!({"table": "orders", "splitBy": "price"}),
            ErrorName::InvalidDefinition,
            "use one of `id`",
        ),
        (
            json!({"table": "orders", "where": "price >"}),
            ErrorName::InvalidDefinition,
            "Incorrect syntax",
        ),
        (
            json!({"query": "SELECT nothing FROM dbo.orders"}),
            ErrorName::InvalidDefinition,
            "Invalid column name 'nothing'",
        ),
        (
            json!({"table": "orders", "host": "no-such-host.invalid"}),
            ErrorName::SourceUnreachable,
            "has no address",
        ),
        (
            json!({"table": "orders", "port": 1}),
            ErrorName::SourceUnreachable,
            "refused",
        ),
        (
            json!({"table": "orders", "database": "nothing"}),
            ErrorName::SourceLoginFailed,
            "Cannot open database",
        ),
        // It is signed by no authority of RDS.
        (
            json!({"table": "orders", "certificateAuthorities": null}),
            ErrorName::SourceCertificateRefused,
            "source.sql.certificateAuthorities",
        ),
    ] {
        refused(&database, &good, change, name, says).await;
    }
    let secret = database.secret(&Config::default().user, "wrong");
    let wrong = MemorySecrets::new().with(SECRET, &[&secret]);
    let table = json!({"table": "orders"});
    let name = ErrorName::SourceLoginFailed;
    refused(&database, &wrong, table, name, "Login failed for user").await;
}

#[tokio::test]
async fn a_certificate_is_verified() {
    let of_other_host = CertificateKind {
        names: vec!["db.example".to_owned()],
        is_expired: false,
    };
    let expired = CertificateKind {
        is_expired: true,
        ..CertificateKind::default()
    };
    for (certificate, says) in [(of_other_host, "not valid for"), (expired, "expired")] {
        let database = orders(&Config {
            certificate,
            ..Config::default()
        });
        let secrets = database.secrets();
        let table = json!({"table": "orders"});
        let name = ErrorName::SourceCertificateRefused;
        refused(&database, &secrets, table, name, says).await;
    }
    // One of another authority.
    let (database, other) = (orders(&Config::default()), Database::new());
    let change = json!({"table": "orders", "certificateAuthorities": other.server.authority()});
    let name = ErrorName::SourceCertificateRefused;
    refused(&database, &database.secrets(), change, name, "certificate").await;
}

#[tokio::test]
async fn a_rotated_secret_is_read_once_more() {
    let database = orders(&Config::default());
    let of = Config::default();
    database.server.set_password(&of.user, "new");
    let secrets = [of.password.as_str(), "new"].map(|it| database.secret(&of.user, it));
    let rotated = MemorySecrets::new().with(SECRET, &[&secrets[0], &secrets[1]]);
    planned(&database, &rotated, json!({"table": "orders"}))
        .await
        .unwrap();
}

#[tokio::test]
async fn permissions_and_snapshots_are_asked_for() {
    let database = orders(&Config {
        allows_snapshots: false,
        ..Config::default()
    });
    let secrets = database.secrets();
    let table = json!({"table": "orders"});
    let name = ErrorName::SnapshotNotAllowed;
    let says = "SET ALLOW_SNAPSHOT_ISOLATION ON";
    refused(&database, &secrets, table, name, says).await;
    let strict = json!({"table": "orders", "consistency": "strict"});
    refused(&database, &secrets, strict, name, says).await;
    let committed = json!({"table": "orders", "consistency": "readCommitted"});
    planned(&database, &secrets, committed).await.unwrap();
    database.server.set_permissions(Permissions {
        denied: vec![("dbo.orders".to_owned(), Some("secret".to_owned()))],
        may_write: false,
    });
    let change = json!({"table": "orders", "consistency": "readCommitted"});
    let name = ErrorName::SourcePermissionDenied;
    refused(
        &database,
        &secrets,
        change,
        name,
        "may not read `secret` of orders",
    )
    .await;
}

#[tokio::test]
async fn what_has_a_way_is_said_and_what_has_none_is_refused() {
    let database = orders(&Config::default());
    let secrets = database.secrets();
    database.add("empty", &COLUMNS, &["id"], &[]);
    let name = ErrorName::TableEmpty;
    refused(
        &database,
        &secrets,
        json!({"table": "empty"}),
        name,
        "empty holds no rows",
    )
    .await;
    // A table without a key, as a view is one, is one stream.
    database.add(
        "heap",
        &COLUMNS,
        &[],
        &[vec![1.into(), 1.into(), "s".into()]],
    );
    let source = database.source(&json!({"table": "heap"}));
    let store = MemoryStore::new();
    let plan = plan(&store, &Drivers::AT_ONCE, &secrets, source)
        .await
        .unwrap();
    assert!(
        plan.reason.contains("one stream: no unique key"),
        "{}",
        plan.reason
    );
    let warnings = plan.warnings().join("\n");
    assert!(
        warnings.contains("heap has no unique key: it is read as one stream"),
        "{warnings}"
    );
    // A password whose time is over: the secret is read once more, in vain.
    database.server.set_faults(vec![Fault {
        at: At::Login,
        effect: Effect::Error {
            number: 18_488,
            after_rows: 0,
        },
        skip: 0,
        times: 2,
    }]);
    let name = ErrorName::SourceLoginFailed;
    refused(
        &database,
        &secrets,
        json!({"table": "orders"}),
        name,
        "18488",
    )
    .await;
    assert_eq!(database.server.faults_left(), 0);
}

#[tokio::test]
async fn without_the_histogram_a_sample_is_taken() {
    let database = orders(&Config::default());
    // The object is not there, or may not be read.
    for number in [208, 297] {
        let effect = Effect::Error {
            number,
            after_rows: 0,
        };
        let query = At::Query("dm_db_stats_histogram".to_owned());
        database.server.set_faults(vec![Fault::once(query, effect)]);
        let source = database.source(&json!({"table": "orders", "chunks": 3}));
        let (store, drivers) = (MemoryStore::new(), Drivers::AT_ONCE);
        let plan = plan(&store, &drivers, &database.secrets(), source).await;
        let says =
            "3 ranges of \"id\" by a sample of its pages, because the histogram may not be read";
        assert_eq!(plan.unwrap().reason, says);
        assert_eq!(database.server.faults_left(), 0);
    }
}

#[tokio::test]
async fn a_server_that_fails_over_is_asked_again() {
    let database = orders(&Config::default());
    let secrets = database.secrets();
    let failing = Effect::Error {
        number: 40_613,
        after_rows: 0,
    };
    database
        .server
        .set_faults(vec![Fault::once(At::Login, failing)]);
    let drivers = Drivers::patient(std::time::Duration::from_secs(20));
    let source = database.source(&json!({"table": "orders"}));
    plan(&MemoryStore::new(), &drivers, &secrets, source)
        .await
        .unwrap();
    assert_eq!(database.server.faults_left(), 0);
}
