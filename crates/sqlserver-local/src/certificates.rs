//! Certificates for tests: an authority that is made at the start, and the server's certificate by
//! it.

use crate::Error;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Which certificate the server shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateKind {
    /// The host names and addresses that it is for.
    pub names: Vec<String>,
    /// Whether its time is over.
    pub is_expired: bool,
}

impl Default for CertificateKind {
    fn default() -> Self {
        Self {
            names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
            is_expired: false,
        }
    }
}

/// What a server needs of an authority.
#[derive(Debug)]
pub struct Certificates {
    /// The authority's certificate, in PEM: what a client must trust.
    pub authority: String,
    /// The server's chain.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key of the server's certificate.
    pub key: PrivateKeyDer<'static>,
}

impl Certificates {
    /// Makes an authority and a certificate by it.
    pub fn make(kind: &CertificateKind) -> Result<Self, Error> {
        let key = KeyPair::generate()?;
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let name = &mut authority.distinguished_name;
        name.push(DnType::CommonName, "sqlserver-local authority");
        let certificate = authority.self_signed(&key)?;
        let issuer = Issuer::new(authority, key);

        let key = KeyPair::generate()?;
        let mut server = CertificateParams::new(kind.names.clone())?;
        let name = &mut server.distinguished_name;
        name.push(DnType::CommonName, "sqlserver-local");
        if kind.is_expired {
            server.not_before = date_time_ymd(2020, 1, 1);
            server.not_after = date_time_ymd(2021, 1, 1);
        }
        let signed = server.signed_by(&key, &issuer)?;
        Ok(Self {
            authority: certificate.pem(),
            chain: vec![signed.der().clone()],
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        })
    }
}
