//! Servers that are trusted besides those that the system trusts: by their own certificate, or by their authority's.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// A configuration that trusts the certificates in this file too.
pub(super) fn trusting(file: &Path) -> Result<ClientConfig, String> {
    let wrong = |problem: String| format!("the trusted certificates in {}: {problem}", file.display());
    let pem = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    let known = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    let known = known.map_err(|error| wrong(error.to_string()))?;
    if known.is_empty() {
        return Err(wrong("there is none (as PEM)".into()));
    }
    let provider = Arc::new(default_provider());
    let others = Verifier::new_with_extra_roots(known.iter().cloned(), Arc::clone(&provider));
    let others = others.map_err(|error| wrong(error.to_string()))?;
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(config
        .map_err(|error| wrong(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusted { known, others }))
        .with_no_client_auth())
}

/// A server that shows one of the known certificates is the one that is meant, by whatever name or address it was found: the handshake proves that it has
/// the key. So a server on this machine is known by the file that it is configured with, and a certificate that vouches for itself needs no authority.
#[derive(Debug)]
struct Trusted {
    known: Vec<CertificateDer<'static>>,
    others: Verifier,
}

impl ServerCertVerifier for Trusted {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.known.contains(certificate) {
            return Ok(ServerCertVerified::assertion());
        }
        self.others
            .verify_server_cert(certificate, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.others.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.others.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.others.supported_verify_schemes()
    }
}
