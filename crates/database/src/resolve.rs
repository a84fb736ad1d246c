//! The addresses of a host.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use tokio::net::lookup_host;

/// Finds the addresses of a host.
///
/// It is asked at each attempt to connect, and no answer is kept: after a failover of RDS the same
/// name stands for another machine.
pub trait Resolve: Send + Sync {
    /// The addresses of a host, in the order in which they are tried.
    ///
    /// # Errors
    /// If the name has none, or cannot be resolved.
    fn addresses(&self, host: &str) -> impl Future<Output = io::Result<Vec<IpAddr>>> + Send;
}

/// The resolver of the operating system. The C library keeps no answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = lookup_host((host, 0)).await?;
        let mut addresses: Vec<_> = found.map(|address| address.ip()).collect();
        addresses.dedup();
        Ok(addresses)
    }
}
