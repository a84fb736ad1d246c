//! Ports on 127.0.0.1 for programs that are told theirs when they start.

use std::io::Result;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// A free port that the system gives to nobody who asks for any one, for a minute or so: long enough
/// for a program to be started and to listen there, which it must do with `SO_REUSEADDR`, as servers
/// do.
///
/// A port that was merely free a moment ago may be another's by then. A connection that its server
/// has closed first leaves the server's port in TIME-WAIT ([RFC 9293, section
/// 3.6](https://www.rfc-editor.org/rfc/rfc9293#section-3.6)), where only who names it can have it.
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
    fn a_reserved_port_is_had_by_who_names_it_alone() {
        let port = reserve().unwrap();
        // Some 14,000 ports are given out at random: one that is not kept comes up many times.
        for _ in 0..100_000 {
            let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            assert_ne!(other.local_addr().unwrap().port(), port);
        }
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    }
}
