//! Free ports on 127.0.0.1 for programs that get their port as a setting.

use std::io::Result;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// Reserves a free port for about a minute, long enough to start a program that listens there. The
/// program must set `SO_REUSEADDR`, as servers do.
///
/// For that time the system does not hand the port out to processes that bind to port 0. A port
/// that is merely free may be taken before the program listens. Here a connection that its server
/// closes first leaves the port in TIME-WAIT ([RFC 9293, section
/// 3.6](https://www.rfc-editor.org/rfc/rfc9293#section-3.6)), where only a process that names the
/// port can bind to it.
pub fn reserve() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let client = TcpStream::connect(address)?;
    let (server, _) = listener.accept()?;
    drop(server);
    drop(client);
    Ok(address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_port_is_bound_only_by_name() {
        let port = reserve().unwrap();
        // Some 14,000 ports are handed out at random: one that is not reserved comes up many times.
        for _ in 0..100_000 {
            let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            assert_ne!(other.local_addr().unwrap().port(), port);
        }
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    }
}
