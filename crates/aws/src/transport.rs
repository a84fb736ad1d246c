//! What carries the answers to scans: hyper and rustls, as in the SDK's own transport, but for one thing. rustls
//! asks the kernel for one record of 16 KiB at a time; here it gets them out of a buffer that is filled at
//! once, which takes an eighth of the system calls. All else is done the SDK's way: time limits, connections
//! that are not used again, and what errors are called, by which the SDK decides what it tries again.
//!
//! It must not know what is called, nor try anything again.

mod connector;
mod socket;

use aws_smithy_runtime_api::client::http::{SharedHttpClient, http_client_fn};
use connector::connector;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Time limits; a connector has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Limits {
    /// From the first packet to a connection that is ready, TLS included.
    connect: Option<Duration>,
    /// From the request to the head of its answer.
    read: Option<Duration>,
}

/// The transport. `None` where the SDK's own has to do: the environment names a proxy, or there are no
/// certificates to trust, of which the SDK has to say what is wrong.
pub(crate) fn http_client() -> Option<SharedHttpClient> {
    if names_a_proxy(std::env::vars_os()) {
        return None;
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    (!roots.is_empty()).then(|| trusting(roots))
}

fn trusting(roots: RootCertStore) -> SharedHttpClient {
    let tls = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("the provider has TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connectors = Mutex::new(HashMap::new());
    http_client_fn(move |settings, _| {
        let limits = Limits {
            connect: settings.connect_timeout(),
            read: settings.read_timeout(),
        };
        let mut connectors = connectors.lock().unwrap_or_else(PoisonError::into_inner);
        connectors
            .entry(limits)
            .or_insert_with(|| connector(tls.clone(), limits))
            .clone()
    })
}

/// Whether one of these environment variables is set to a proxy, in the ways that the SDK's transport knows.
fn names_a_proxy(variables: impl IntoIterator<Item = (OsString, OsString)>) -> bool {
    const NAMES: [&str; 3] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
    let mut variables = variables.into_iter();
    variables.any(|(name, value)| {
        !value.is_empty() && NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
    })
}

#[cfg(test)]
mod tests;
