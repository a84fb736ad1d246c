//! TDS 7.3 and 7.4 as a server speaks it, from Microsoft's open specification [MS-TDS].
//!
//! [MS-TDS]: https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-tds/

pub mod login;
pub mod packets;
pub mod prelogin;
pub mod reader;
pub mod requests;
pub mod response;
pub mod tls;
pub mod tokens;
pub mod wire_types;
