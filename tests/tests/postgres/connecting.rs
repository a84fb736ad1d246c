//! Certificates that are refused, and locks that are not granted.

use crate::export::plan;
use crate::server::Database;
use contract::{ErrorName, Named, chain};
use database::Drivers;
use lake::MemoryStore;
use millrace::local::TlsFront;
use serde_json::json;
use sql_source::{Connection, connect};
use sqlserver_local::{CertificateKind, Certificates};
use tokio_rustls::rustls::ServerConfig;

const ORDERS: &str = "CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1), (2)";

#[tokio::test]
async fn a_certificate_is_verified() {
    let database = Database::with("certificates", ORDERS).await;
    let of_other_host = CertificateKind {
        names: vec!["db.example".to_owned()],
        is_expired: false,
    };
    let expired = CertificateKind {
        is_expired: true,
        ..CertificateKind::default()
    };
    let trusted = CertificateKind::default();
    let own = database.server.postgres.authority.clone();
    for (kind, authority, says) in [
        (of_other_host, None, "not valid for"),
        (expired, None, "expired"),
        // One of another authority.
        (trusted, Some(own), "UnknownIssuer"),
    ] {
        let made = Certificates::make(&kind).unwrap();
        let tls = ServerConfig::builder_with_provider(
            tokio_rustls::rustls::crypto::aws_lc_rs::default_provider().into(),
        )
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(made.chain, made.key)
        .unwrap();
        // No client passes it.
        let front = TlsFront::start(tls, database.server.postgres.port).await;
        let front = front.unwrap();
        let source = database.source(&json!({
            "table": "orders",
            "port": front.port(),
            "certificateAuthorities": authority.unwrap_or(made.authority),
        }));
        let (store, secrets) = (MemoryStore::new(), database.secrets());
        let error = plan(&store, &Drivers::AT_ONCE, &secrets, source).await;
        let error = error.unwrap_err();
        let message = chain(&error);
        assert_eq!(
            error.name(),
            ErrorName::SourceCertificateRefused,
            "{message}"
        );
        assert!(message.contains(says), "{message}");
        assert!(!message.contains('\n') && message.len() < 700, "{message}");
    }
}

#[tokio::test]
async fn a_lock_that_is_not_granted_is_named_so() {
    let database = Database::with("locked", ORDERS).await;
    let secrets = database.secrets();
    let source = database.source(&json!({"table": "orders"}));
    let parsed = serde_json::from_value(source.clone()).unwrap();
    let mut session = connect(&Drivers::AT_ONCE, &secrets, &parsed).await.unwrap();
    for (name, value) in [
        ("lock_timeout", "5s"),
        ("statement_timeout", "2min"),
        ("idle_in_transaction_session_timeout", "3min"),
    ] {
        let rows = session.rows(&format!("SHOW {name}")).await.unwrap();
        assert_eq!(rows, [[Some(value.to_owned())]], "{name}");
    }
    let mut owner = crate::server::connect(&database.server.login(&database.name)).await;
    owner.execute("BEGIN; LOCK TABLE orders").await.unwrap();
    let error = plan(&MemoryStore::new(), &Drivers::AT_ONCE, &secrets, source).await;
    let error = error.unwrap_err();
    assert_eq!(error.name(), ErrorName::Throttled, "{}", chain(&error));
    assert!(chain(&error).contains("lock timeout"), "{}", chain(&error));
}
