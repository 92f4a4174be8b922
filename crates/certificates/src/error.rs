//! Why certificates cannot be used. Each names the file and what would be accepted.

use std::path::PathBuf;

/// Why a certificate, a key or an authority cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file holds something else than it should.
    #[error("{}: {cause}; accepted is {accepted}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
        /// What it should hold.
        accepted: &'static str,
    },
    /// A certificate ran out already.
    #[error("{}: the certificate ran out; accepted is one that is good now", path.display())]
    RanOut {
        /// The file.
        path: PathBuf,
    },
    /// A name that a certificate cannot be made for.
    #[error(
        "{name:?} is no name of a host ({cause}); accepted are names like recommendation.larder.svc and IP addresses"
    )]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        cause: String,
    },
    /// Making a certificate failed.
    #[error("a certificate cannot be made: {0}")]
    Making(#[from] rcgen::Error),
    /// The TLS library refuses what it was given.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl CertificateError {
    /// An error of a file, for `map_err`.
    pub(crate) fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}
