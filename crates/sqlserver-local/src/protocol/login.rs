//! The LOGIN7 message: who logs in, to which database (MS-TDS 2.2.6.4).

use super::reader::{Reader, units_of};
use std::io;

const FIXED: usize = 36;

/// What a client says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The TDS version that it speaks, as in the message: 7.4 is `0x74000004`.
    pub version: u32,
    /// The packet size that it asks for; 0 leaves it to the server.
    pub packet_size: u32,
    /// The login's name.
    pub user: String,
    /// Its password.
    pub password: String,
    /// The database; empty for the login's own.
    pub database: String,
    /// The application's name.
    pub application: String,
    /// Whether it only reads, so that a secondary replica may serve it.
    pub reads_only: bool,
    /// Whether it names extensions, which are to be acknowledged.
    pub has_extensions: bool,
}

/// Reads the message.
pub fn read(body: &[u8]) -> io::Result<Login> {
    let malformed = |problem: &str| io::Error::new(io::ErrorKind::InvalidData, problem.to_owned());
    let mut fixed = Reader::new(body);
    let length = fixed.u32()? as usize;
    if length != body.len() {
        return Err(malformed("a LOGIN7 of another length than it says"));
    }
    let version = fixed.u32()?;
    let packet_size = fixed.u32()?;
    fixed.take(3 * 4)?;
    let [_, _, type_flags, flags_3] = *fixed.take(4)? else {
        return Err(malformed("a LOGIN7 without flags"));
    };
    let mut places = Reader::new(&body[FIXED..]);
    let mut text = || -> io::Result<&[u8]> {
        let at = usize::from(places.u16()?);
        let units = usize::from(places.u16()?);
        let bytes = body.get(at..at + units * 2);
        bytes.ok_or_else(|| malformed("a LOGIN7 whose text lies outside of it"))
    };
    let plain = |bytes: &[u8]| String::from_utf16_lossy(&units_of(bytes));
    let _host = text()?;
    let user = plain(text()?);
    let password: Vec<u8> = text()?.iter().map(|byte| reveal(*byte)).collect();
    let application = plain(text()?);
    let _server = text()?;
    // The place of the extensions, whose length is in bytes.
    places.take(4)?;
    let mut text = || -> io::Result<&[u8]> {
        let at = usize::from(places.u16()?);
        let units = usize::from(places.u16()?);
        let bytes = body.get(at..at + units * 2);
        bytes.ok_or_else(|| malformed("a LOGIN7 whose text lies outside of it"))
    };
    let _library = text()?;
    let _language = text()?;
    let database = plain(text()?);
    Ok(Login {
        version,
        packet_size,
        user,
        password: plain(&password),
        database,
        application,
        reads_only: type_flags & 0x20 != 0,
        has_extensions: flags_3 & 0x10 != 0,
    })
}

/// A password's byte as it was before the client exchanged its halves and inverted some bits.
const fn reveal(byte: u8) -> u8 {
    (byte ^ 0xA5).rotate_left(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_read() {
        let texts = ["host", "reader", "", "app", "server", "", "lib", "", "shop"];
        let mut body = vec![0; FIXED + texts.len() * 4];
        body[4..8].copy_from_slice(&0x7400_0004_u32.to_le_bytes());
        body[8..12].copy_from_slice(&8000_u32.to_le_bytes());
        body[26] = 0x20;
        let secret: Vec<u8> = "pä".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (i, text) in texts.iter().enumerate() {
            let mut bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            if i == 2 {
                bytes = secret.iter().map(|b| b.rotate_left(4) ^ 0xA5).collect();
            }
            let at = u16::try_from(body.len()).unwrap().to_le_bytes();
            let units = u16::try_from(bytes.len() / 2).unwrap().to_le_bytes();
            let place = FIXED + i * 4;
            body[place..place + 2].copy_from_slice(&at);
            body[place + 2..place + 4].copy_from_slice(&units);
            body.extend(bytes);
        }
        let length = u32::try_from(body.len()).unwrap();
        body[..4].copy_from_slice(&length.to_le_bytes());
        let expected = Login {
            version: 0x7400_0004,
            packet_size: 8000,
            user: "reader".to_owned(),
            password: "pä".to_owned(),
            database: "shop".to_owned(),
            application: "app".to_owned(),
            reads_only: true,
            has_extensions: false,
        };
        assert_eq!(read(&body).unwrap(), expected);
        assert!(read(&body[..20]).is_err());
    }
}
