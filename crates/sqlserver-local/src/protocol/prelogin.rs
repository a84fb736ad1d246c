//! The PRELOGIN message: versions, and whether the connection is encrypted (MS-TDS 2.2.6.5).

use std::io;

const VERSION: u8 = 0;
const ENCRYPTION: u8 = 1;
const INSTANCE: u8 = 2;
const MARS: u8 = 4;
const END: u8 = 0xFF;
/// SQL Server 2022.
const SERVER_VERSION: [u8; 6] = [16, 0, 0x10, 0x00, 0, 0];

/// What a client says about encryption, and what a server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// The login alone.
    Off,
    /// Everything.
    On,
    /// Nothing: the client cannot.
    NotSupported,
    /// Everything: the other side must.
    Required,
}

impl Encryption {
    const fn byte(self) -> u8 {
        match self {
            Self::Off => 0,
            Self::On => 1,
            Self::NotSupported => 2,
            Self::Required => 3,
        }
    }
}

/// What the client says about encryption.
pub fn read(body: &[u8]) -> io::Result<Encryption> {
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "a malformed PRELOGIN");
    for option in body.chunks(5) {
        match *option {
            [END, ..] => break,
            [ENCRYPTION, high, low, _, _] => {
                let at = usize::from(u16::from_be_bytes([high, low]));
                return match body.get(at) {
                    Some(0) => Ok(Encryption::Off),
                    Some(1) => Ok(Encryption::On),
                    Some(2) => Ok(Encryption::NotSupported),
                    Some(3) => Ok(Encryption::Required),
                    _ => Err(malformed()),
                };
            }
            [_, _, _, _, _] => {}
            _ => return Err(malformed()),
        }
    }
    Err(malformed())
}

/// The server's answer.
pub fn answer(encryption: Encryption) -> Vec<u8> {
    let options: [(u8, &[u8]); 4] = [
        (VERSION, &SERVER_VERSION),
        (ENCRYPTION, &[encryption.byte()]),
        (INSTANCE, &[0]),
        (MARS, &[0]),
    ];
    let mut head = Vec::new();
    let mut data: Vec<u8> = Vec::new();
    let start = options.len() * 5 + 1;
    for (option, value) in options {
        let at = u16::try_from(start + data.len()).expect("a short message");
        let length = u16::try_from(value.len()).expect("a short message");
        head.push(option);
        head.extend(at.to_be_bytes());
        head.extend(length.to_be_bytes());
        data.extend(value);
    }
    head.push(END);
    head.extend(data);
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encryption_that_is_answered_is_read_again() {
        for encryption in [
            Encryption::Off,
            Encryption::On,
            Encryption::NotSupported,
            Encryption::Required,
        ] {
            assert_eq!(read(&answer(encryption)).unwrap(), encryption);
        }
        for malformed in [&[][..], &[1, 0], &[1, 0, 9, 0, 1, 0xFF], &[0xFF]] {
            assert!(read(malformed).is_err(), "{malformed:?}");
        }
    }
}
