//! `Scan` answers of any bytes in frames of any size, against `serde_json`.

#![no_main]

#[path = "../../tests/oracle/mod.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| oracle::check_body(bytes));
