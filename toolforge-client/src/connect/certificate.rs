use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, RootCertStore};
use toolforge_model::Untrusted;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::asn1::{PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::ObjectIdentifier;

use crate::connect::error::KubeconfigError;
use crate::connect::file::{CredentialSource, FileRole};

/// The attribute type `commonName` (RFC 5280, appendix A).
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// The certificate that identifies the tool to the cluster. Its `Debug` does not show the key.
#[derive(Clone)]
pub struct ClientCertificate {
    origin: CredentialSource,
    common_name: Option<Untrusted>,
    not_before: Timestamp,
    not_after: Timestamp,
    key: Arc<CertifiedKey>,
}

impl ClientCertificate {
    /// Returns the subject's common name, which is the user name in Kubernetes. If there are several, it is the last, as in Go.
    #[must_use]
    pub(crate) fn common_name(&self) -> Option<&Untrusted> {
        self.common_name.as_ref()
    }

    /// Returns the first moment at which the certificate is valid.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Returns the last moment at which the certificate is valid.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Returns the source of the certificate.
    #[must_use]
    pub fn origin(&self) -> &CredentialSource {
        &self.origin
    }

    pub(crate) fn certified_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.key)
    }

    /// Reads a certificate and its key, and checks that they match and are valid at `now`.
    pub(crate) fn read(
        (origin, certificate): (CredentialSource, &[u8]),
        (key_origin, key): (CredentialSource, &[u8]),
        now: Timestamp,
    ) -> Result<Self, KubeconfigError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate)
            .collect::<Result<_, _>>()
            .ok()
            .filter(|chain: &Vec<_>| !chain.is_empty())
            .ok_or_else(|| KubeconfigError::NotPem { role: FileRole::Certificate, origin: origin.clone() })?;
        let unusable =
            |role, origin: &CredentialSource| KubeconfigError::Unusable { role, origin: origin.clone() };
        let first = chain.first().ok_or_else(|| unusable(FileRole::Certificate, &origin))?;
        let parsed = Certificate::from_der(first).map_err(|_| unusable(FileRole::Certificate, &origin))?;
        let validity = parsed.tbs_certificate().validity();
        let moment = |time: x509_cert::time::Time| {
            let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
            Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
        };
        let (not_before, not_after) = (moment(validity.not_before), moment(validity.not_after));
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| KubeconfigError::NotPem { role: FileRole::Key, origin: key_origin.clone() })?;
        let common_name = common_name(&parsed);
        // Dates come first: an expired pair is the most likely error, and the cheapest to find.
        if now > not_after {
            return Err(KubeconfigError::Expired { origin, not_after });
        }
        if now < not_before {
            return Err(KubeconfigError::NotYetValid { origin, not_before });
        }
        let provider = rustls::crypto::ring::default_provider();
        let key = CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                KubeconfigError::Mismatch { certificate: origin.clone(), key: key_origin.clone() }
            }
            rustls::Error::InvalidCertificate(_) => unusable(FileRole::Certificate, &origin),
            _ => unusable(FileRole::Key, &key_origin),
        })?;
        Ok(Self { origin, common_name, not_before, not_after, key: Arc::new(key) })
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, common_name, not_before, not_after, key: _ } = self;
        f.debug_struct("ClientCertificate")
            .field("origin", origin)
            .field("common_name", common_name)
            .field("not_before", not_before)
            .field("not_after", not_after)
            .finish_non_exhaustive()
    }
}

fn common_name(certificate: &Certificate) -> Option<Untrusted> {
    let names = certificate.tbs_certificate().subject().iter().filter(|name| name.oid == COMMON_NAME);
    let value = &names.last()?.value;
    let text = Utf8StringRef::try_from(value)
        .map(|text| text.as_str().to_owned())
        .or_else(|_| PrintableStringRef::try_from(value).map(|text| text.as_str().to_owned()))
        .or_else(|_| TeletexStringRef::try_from(value).map(|text| text.as_str().to_owned()))
        .ok()?;
    Some(Untrusted::new(text))
}

/// Reads the certificates of the cluster's certificate authority.
pub(crate) fn read_authorities(
    origin: &CredentialSource,
    pem: &[u8],
) -> Result<RootCertStore, KubeconfigError> {
    let not_pem = || KubeconfigError::NotPem { role: FileRole::Authority, origin: origin.clone() };
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        store
            .add(certificate.map_err(|_| not_pem())?)
            .map_err(|_| KubeconfigError::Unusable { role: FileRole::Authority, origin: origin.clone() })?;
    }
    if store.is_empty() { Err(not_pem()) } else { Ok(store) }
}
