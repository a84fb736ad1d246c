//! Connecting, the same for every engine: addresses, repeated attempts, errors.

use crate::error::connecting;
use crate::resolve::Resolve;
use crate::tls;
use contract::{ErrorName, ServiceError};
use sql_source::Login;
use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long an attempt to connect may take.
pub const CONNECT: Duration = Duration::from_secs(10);
/// The pause between attempts.
const PAUSE: Duration = Duration::from_secs(2);

/// Connects. A server that refuses connections is asked again for a while.
pub async fn patiently<C, A: Future<Output = Result<C, ServiceError>>>(
    login: &Login,
    patience: Duration,
    attempt: impl Fn() -> A,
) -> Result<C, ServiceError> {
    let start = Instant::now();
    loop {
        match attempt().await {
            Err(error)
                if error.name == ErrorName::SourceUnreachable
                    && start.elapsed() + PAUSE < patience =>
            {
                tracing::warn!(host = login.host, error = error.message, "connecting again");
                sleep(PAUSE).await;
            }
            other => return other,
        }
    }
}

/// The host's addresses, at least one. They are resolved at each attempt: after a failover the name
/// stands for another machine.
pub async fn addresses(
    login: &Login,
    resolver: &impl Resolve,
) -> Result<Vec<IpAddr>, ServiceError> {
    let missing = |why: &str| {
        let message =
            format!("the host's name has no address ({why}): correct it, or the VPC's DNS");
        unreachable(login, "HostNotFound", message, None)
    };
    match resolver.addresses(&login.host).await {
        Ok(found) if found.is_empty() => Err(missing("the resolver names none")),
        Ok(found) => Ok(found),
        Err(error) => Err(missing(&error.to_string())),
    }
}

/// No answer in time.
pub fn timed_out(login: &Login, after: Duration) -> ServiceError {
    let message = format!(
        "no answer within {} s: look at the security groups and the subnets' routes",
        after.as_secs()
    );
    unreachable(login, "Timeout", message, None)
}

/// A server that cannot be reached.
pub fn unreachable(
    login: &Login,
    code: &str,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
) -> ServiceError {
    connecting(login, ErrorName::SourceUnreachable, code, message, source)
}

/// A certificate that is not to be trusted, by the driver's words.
pub fn certificate_refused(
    login: &Login,
    why: &str,
    source: Option<Box<dyn Error + Send + Sync>>,
) -> ServiceError {
    let message = format!(
        "{why}: it is none of Amazon RDS for this host; correct the host, or name its authority in \
         source.sql.certificateAuthorities"
    );
    let name = ErrorName::SourceCertificateRefused;
    connecting(login, name, "Certificate", message, source)
}

/// The name of an error that the server answered a login with: a server that starts, or fails over,
/// is asked again like one that refuses.
pub const fn name(name: ErrorName) -> ErrorName {
    match name {
        ErrorName::ServiceUnavailable => ErrorName::SourceUnreachable,
        other => other,
    }
}

/// The client's TLS.
///
/// # Errors
/// If the definition's authorities hold no certificate.
#[allow(clippy::result_large_err, reason = "it is what the port returns")]
pub fn tls(login: &Login) -> Result<rustls::ClientConfig, ServiceError> {
    tls::client(login.authorities.as_deref())
        .map_err(|(name, message)| connecting(login, name, "Certificates", message, None))
}
