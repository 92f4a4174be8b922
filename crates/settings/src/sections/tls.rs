//! The section `[tls]`.

use std::path::PathBuf;

use super::section;
use crate::kind::Kind;

section! {
    /// Certificates with which the services of one Larder prove to each other who they are (mutual TLS). All three
    /// or none; `larder certificates` makes them. They are read again when they change.
    TlsSettings = "tls" {
        /// The authority (certificates in PEM) that must vouch for the other side.
        authority_file: Option<PathBuf> = None, Kind::Path;
        /// This process's certificate (chain in PEM), for its gRPC server and for its calls.
        certificate_file: Option<PathBuf> = None, Kind::Path;
        /// The private key (PEM) of that certificate.
        key_file: Option<PathBuf> = None, Kind::Path;
    }
}

impl TlsSettings {
    /// Whether services ask each other for certificates.
    pub fn is_set(&self) -> bool {
        self.authority_file.is_some() && self.certificate_file.is_some() && self.key_file.is_some()
    }
}
