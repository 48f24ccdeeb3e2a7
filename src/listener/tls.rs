//! The certificate that maia shows, and its key, read from files and read again when asked.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{Error, InconsistentKeys, ServerConfig};

/// What maia speaks, best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// TLS on maia's own side.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    now: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files.
    pub(super) fn load(certificate: PathBuf, key: PathBuf) -> Result<Self, String> {
        let now = RwLock::new(read(&certificate, &key)?);
        Ok(Self { certificate, key, now })
    }

    /// Reads the files again. Connections that come from now on get what is in them; those that are open go on.
    ///
    /// # Errors
    /// What is in the files cannot be used; what was read before goes on being used.
    pub fn reload(&self) -> Result<(), String> {
        let new = read(&self.certificate, &self.key)?;
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    pub(super) fn now(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn read(certificate_path: &Path, key_path: &Path) -> Result<Arc<ServerConfig>, String> {
    let of_certificate = |problem: String| format!("server.tls_cert: {}: {problem}", certificate_path.display());
    let of_key = |problem: String| format!("server.tls_key: {}: {problem}", key_path.display());
    let provider = Arc::new(default_provider());

    let pem = fs::read(certificate_path).map_err(|error| of_certificate(error.to_string()))?;
    let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| of_certificate(error.to_string()))?;
    if chain.is_empty() {
        return Err(of_certificate("holds no certificate (as PEM)".into()));
    }

    let pem = fs::read(key_path).map_err(|error| of_key(error.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| {
        of_key(match error {
            PemError::NoItemsFound if pem.windows(9).any(|word| word == b"ENCRYPTED") => {
                "the key is encrypted, and maia has no password for it".into()
            }
            PemError::NoItemsFound => "holds no private key (as PEM)".into(),
            error => error.to_string(),
        })
    })?;
    warn_of_readers(key_path);
    let key = provider.key_provider.load_private_key(key);
    let key = key.map_err(|error| of_key(format!("the key cannot be used: {error}")))?;

    let pair = CertifiedKey::new(chain, key);
    match pair.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
        Err(Error::InconsistentKeys(_)) => {
            return Err(of_key(format!(
                "is not the key of the (first) certificate in {}",
                certificate_path.display()
            )));
        }
        Err(error) => return Err(of_certificate(format!("the certificate cannot be used: {error}"))),
    }

    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| of_certificate(error.to_string()))?;
    let mut config = config
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
    config.alpn_protocols = PROTOCOLS.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(config))
}

fn warn_of_readers(key: &Path) {
    let mode = fs::metadata(key).map_or(0, |file| file.permissions().mode());
    if mode & 0o004 != 0 {
        let shown = key.display();
        tracing::warn!("server.tls_key: every user of this machine can read {shown}; chmod 600 {shown} keeps it yours");
    }
}
