//! Certificates of whoever listens over TLS: the dip, and the listener for capture agents. RFC 8446; RFC 3261 §26.2.1.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// Files of a TLS listener, all PEM. They are read at start and at every reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// The certificate, and those up to but without the root that peers know.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Roots of the certificates that peers must show; nobody needs one when not given.
    pub client_ca: Option<PathBuf>,
}

/// What the files held when they were last read. Copies share it.
#[derive(Clone, Debug)]
pub struct Certificates {
    files: TlsOptions,
    read: Arc<RwLock<Arc<ServerConfig>>>,
}

impl Certificates {
    /// Reads the files.
    ///
    /// # Errors
    /// With the file that is at fault.
    pub fn read(files: TlsOptions) -> io::Result<Self> {
        let read = Arc::new(RwLock::new(read(&files)?));
        Ok(Self { files, read })
    }

    /// Reads them again, for the connections that come from now on.
    ///
    /// # Errors
    /// With the file that is at fault; what was read before stays in use.
    pub fn renew(&self) -> io::Result<()> {
        let renewed = read(&self.files)?;
        // It is whole at any time, whoever panicked.
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(())
    }

    /// For a connection that comes now.
    #[must_use]
    pub fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.read.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn read(options: &TlsOptions) -> io::Result<Arc<ServerConfig>> {
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let builder = match &options.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| wrong(path, &error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| wrong(path, &error))?)
        }
    };
    let key = PrivateKeyDer::from_pem_file(&options.key).map_err(|error| wrong(&options.key, &error))?;
    let config = builder
        .with_single_cert(certificates(&options.certificate)?, key)
        .map_err(|error| wrong(&options.certificate, &error))?;
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    match all {
        Ok(all) if all.is_empty() => Err(wrong(path, &"no certificate in it")),
        Ok(all) => Ok(all),
        Err(error) => Err(wrong(path, &error)),
    }
}

fn wrong(path: &Path, error: &dyn Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))
}
