//! TLS with the certificate authorities of Amazon RDS, and those that a definition adds.

use contract::ErrorName;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The root certificates of Amazon RDS for all regions that have not expired; the newest is of June
/// 2022.
///
/// Source: AWS's global bundle, <https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem>.
const RDS_ROOTS: &[u8] = include_bytes!("rds-roots.pem");

/// The day on which the newest of these certificates was issued.
pub const RDS_ROOTS_DATE: &str = "2022-06-06";

/// The configuration of a client that trusts RDS, and `authorities` in PEM.
///
/// # Errors
/// The name of the error and a sentence, if `authorities` hold no certificate.
pub fn client(authorities: Option<&str>) -> Result<ClientConfig, (ErrorName, String)> {
    let mut roots = RootCertStore::empty();
    let known = CertificateDer::pem_slice_iter(RDS_ROOTS);
    roots.add_parsable_certificates(known.filter_map(Result::ok));
    if let Some(pem) = authorities {
        let wrong = |why: &dyn std::fmt::Display| {
            let message = format!("source.sql.certificateAuthorities: {why}");
            (ErrorName::InvalidDefinition, message)
        };
        let mut count = 0;
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|error| wrong(&error))?;
            roots.add(certificate).map_err(|error| wrong(&error))?;
            count += 1;
        }
        if count == 0 {
            return Err(wrong(&"no certificate in PEM"));
        }
    }
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(|error| (ErrorName::Bug, error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The certificates of RDS and `authorities`, in PEM, for a driver that reads them itself.
pub fn bundle(authorities: Option<&str>) -> Vec<u8> {
    let own = authorities.unwrap_or_default().as_bytes();
    [RDS_ROOTS, b"\n", own].concat()
}

/// Whether an error, or one of its causes, is a refused certificate.
pub fn is_certificate_refused(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let tls = error.downcast_ref::<rustls::Error>();
        // An I/O error wraps it without naming it as its source.
        let inner = error.downcast_ref::<std::io::Error>();
        let inner = inner.and_then(std::io::Error::get_ref);
        let inner = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::InvalidCertificate(_)) = tls.or(inner) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_root_of_rds_is_read() {
        let all: Vec<_> = CertificateDer::pem_slice_iter(RDS_ROOTS).collect();
        assert_eq!(all.len(), 87);
        assert!(all.iter().all(Result::is_ok));
        let mut roots = RootCertStore::empty();
        let (added, ignored) =
            roots.add_parsable_certificates(all.into_iter().filter_map(Result::ok));
        assert_eq!((added, ignored), (87, 0));
    }

    #[test]
    fn the_bundles_date_is_that_of_its_newest_root() {
        let issued = CertificateDer::pem_slice_iter(RDS_ROOTS).map(|certificate| {
            let certificate = certificate.unwrap();
            let der = certificate.as_ref();
            // The first time of a certificate is when it was issued: a UTCTime of 13 characters.
            let at = der.windows(2).position(|tag| tag == [0x17, 13]).unwrap();
            let text = std::str::from_utf8(&der[at + 2..at + 8]).unwrap();
            format!("20{}-{}-{}", &text[..2], &text[2..4], &text[4..])
        });
        assert_eq!(issued.max().as_deref(), Some(RDS_ROOTS_DATE));
    }

    #[test]
    fn authorities_without_a_certificate_are_refused() {
        for wrong in [
            "",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            let (name, message) = client(Some(wrong)).unwrap_err();
            assert_eq!(name, ErrorName::InvalidDefinition);
            assert!(
                message.starts_with("source.sql.certificateAuthorities"),
                "{message}"
            );
        }
    }
}
