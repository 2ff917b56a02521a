//! The certificate by which the server is known over TLS, as its files have it: a renewed one is taken without a restart.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::config::TlsFiles;

/// How often the files are read again.
const READ_INTERVAL: Duration = Duration::from_secs(60);

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{setting}: cannot read {}: {problem}", .file.display())]
    File { setting: &'static str, file: PathBuf, problem: rustls::pki_types::pem::Error },
    #[error("{setting}: cannot read {}", .file.display())]
    Read {
        setting: &'static str,
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("KAI_TLS_CERT: the file has no certificate")]
    Empty,
    #[error("KAI_TLS_CERT and KAI_TLS_KEY do not go together")]
    Unusable(#[from] rustls::Error),
}

/// What a listener speaks TLS with.
#[derive(Clone)]
pub struct Tls(watch::Receiver<TlsAcceptor>);

impl Tls {
    /// # Errors
    /// When the files are not there or no certificate with its key.
    pub async fn open(files: &TlsFiles) -> Result<(Self, Renewal), TlsError> {
        let pem = Pem::read(files).await?;
        let (sender, receiver) = watch::channel(pem.acceptor(files)?);
        Ok((Self(receiver), Renewal { files: files.clone(), pem, sender }))
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.0.borrow().clone()
    }
}

/// Takes the files' new content.
pub struct Renewal {
    files: TlsFiles,
    pem: Pem,
    sender: watch::Sender<TlsAcceptor>,
}

impl Renewal {
    /// Until stopped. What cannot be used is logged, and the certificate before it stays.
    pub async fn run(mut self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(READ_INTERVAL)).await.is_some() {
            match self.renew().await {
                Ok(false) => {}
                Ok(true) => tracing::info!("the TLS certificate has been renewed"),
                Err(error) => tracing::warn!("the TLS certificate cannot be renewed: {error}"),
            }
        }
    }

    async fn renew(&mut self) -> Result<bool, TlsError> {
        let pem = Pem::read(&self.files).await?;
        if pem == self.pem {
            return Ok(false);
        }
        let acceptor = pem.acceptor(&self.files)?;
        self.pem = pem;
        self.sender.send_replace(acceptor);
        Ok(true)
    }
}

/// What the files hold.
#[derive(PartialEq, Eq)]
struct Pem {
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Pem {
    async fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let read = async |setting, file: &PathBuf| {
            tokio::fs::read(file).await.map_err(|source| TlsError::Read { setting, file: file.clone(), source })
        };
        Ok(Self { cert: read("KAI_TLS_CERT", &files.cert).await?, key: read("KAI_TLS_KEY", &files.key).await? })
    }

    fn acceptor(&self, files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
        let wrong = |setting, file: &PathBuf, problem| TlsError::File { setting, file: file.clone(), problem };
        let chain = CertificateDer::pem_slice_iter(&self.cert)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|problem| wrong("KAI_TLS_CERT", &files.cert, problem))?;
        if chain.is_empty() {
            return Err(TlsError::Empty);
        }
        let key =
            PrivateKeyDer::from_pem_slice(&self.key).map_err(|problem| wrong("KAI_TLS_KEY", &files.key, problem))?;
        let mut config = ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
