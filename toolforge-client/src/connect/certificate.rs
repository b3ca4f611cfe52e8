use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Why a certificate and its key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The certificate is not one in PEM.
    #[error("it is not a certificate in PEM")]
    NotACertificate,
    /// The key is not one in PEM, or of no kind that TLS knows.
    #[error("the key is not a private key in PEM")]
    NotAKey,
    /// The key is not the certificate's.
    #[error("the certificate and the key do not belong together")]
    Mismatch,
    /// The certificate has expired.
    #[error("the certificate expired on {}", day(*not_after))]
    Expired {
        /// Its last moment.
        not_after: Timestamp,
    },
    /// The certificate is not valid yet.
    #[error("the certificate is valid only from {} on; is this machine's clock right?", day(*not_before))]
    NotYetValid {
        /// Its first moment.
        not_before: Timestamp,
    },
}

fn day(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d").to_string()
}

/// A client's certificate with its key, both sound and of a time.
#[derive(Clone, Debug)]
pub(crate) struct ClientCertificate {
    pub(crate) key: Arc<CertifiedKey>,
    pub(crate) common_name: Option<String>,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
}

impl ClientCertificate {
    /// Reads a certificate chain and a key from PEM, and checks that they belong together.
    pub(crate) fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let chain = certificates(certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| CertificateError::NotAKey)?;
        let key = any_supported_type(&key).map_err(|_| CertificateError::NotAKey)?;
        let first = chain.first().ok_or(CertificateError::NotACertificate)?.clone();
        let (_, parsed) = X509Certificate::from_der(&first).map_err(|_| CertificateError::NotACertificate)?;
        let moment =
            |seconds: i64| Timestamp::from_second(seconds).map_err(|_| CertificateError::NotACertificate);
        let not_before = moment(parsed.validity().not_before.timestamp())?;
        let not_after = moment(parsed.validity().not_after.timestamp())?;
        let common_name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        let common_name = common_name.map(str::to_owned);
        let key = CertifiedKey::new(chain, key);
        if key.keys_match().is_err() {
            return Err(CertificateError::Mismatch);
        }
        Ok(Self { key: Arc::new(key), common_name, not_before, not_after })
    }

    /// Refuses a certificate that is not of this moment: the API server would only say `Unauthorized`.
    pub(crate) fn valid_at(&self, now: Timestamp) -> Result<(), CertificateError> {
        if now > self.not_after {
            return Err(CertificateError::Expired { not_after: self.not_after });
        }
        if now < self.not_before {
            return Err(CertificateError::NotYetValid { not_before: self.not_before });
        }
        Ok(())
    }
}

/// Returns the certificates of a PEM text, of which there is at least one.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    found.ok().filter(|found| !found.is_empty()).ok_or(CertificateError::NotACertificate)
}
