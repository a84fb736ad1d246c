//! Time zones of this machine.

use super::ConvertError;
use jiff::tz::TimeZone;
use std::path::Path;

const FOLDERS: [&str; 3] = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/etc/zoneinfo"];

/// The rules of a time zone.
///
/// # Errors
/// If this machine does not know it.
pub(super) fn find(name: &str) -> Result<TimeZone, ConvertError> {
    if name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    let variable = std::env::var("TZDIR").ok();
    let folders = variable.iter().map(String::as_str).chain(FOLDERS);
    // The name becomes a path, and goes into a parameter.
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && !name.contains("..")
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/_+-".contains(c));
    let mut found = folders.filter(|_| is_name).filter_map(|folder| {
        let bytes = std::fs::read(Path::new(folder).join(name)).ok()?;
        TimeZone::tzif(name, &bytes).ok()
    });
    found.next().ok_or_else(|| ConvertError::Zone {
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_zones_are_read() {
        assert_eq!(find("UTC").unwrap(), TimeZone::UTC);
        for name in [
            "Middle/Earth",
            "../etc/passwd",
            "/etc/passwd",
            "",
            "Europe/../../passwd",
        ] {
            let error = find(name).unwrap_err();
            assert!(error.to_string().contains("cannot find"), "{name}");
        }
    }
}
