//! A private authority and certificates that it vouches for, for whoever runs a stack of their own: files that a second
//! run renews, while the authority stays.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::error::CertificateError;

const DAY: Duration = Duration::from_secs(86_400);
/// Clocks differ: what was made just now is good everywhere.
const BACK: Duration = Duration::from_secs(3_600);
const AUTHORITY_DAYS: u32 = 3_650;
const AUTHORITY_FILE: &str = "authority.pem";
const AUTHORITY_KEY_FILE: &str = "authority.key";

/// A folder with an authority in it.
pub struct Authority {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

/// Where a certificate was put.
#[derive(Debug)]
pub struct Issued {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key, readable by the owner alone.
    pub key: PathBuf,
}

impl Authority {
    /// Takes the authority of a folder, or makes one that is good for ten years. Tells whether it was made.
    ///
    /// # Errors
    /// When a file cannot be read or written, or holds something else.
    pub fn open_or_make(folder: &Path, now: SystemTime) -> Result<(Self, bool), CertificateError> {
        let (certificate, key) = (folder.join(AUTHORITY_FILE), folder.join(AUTHORITY_KEY_FILE));
        std::fs::create_dir_all(folder).map_err(CertificateError::file(folder))?;
        let is_made = match std::fs::read_to_string(&key) {
            Ok(_) => false,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let (certificate_pem, key_pem) = make(now)?;
                put(&key, &key_pem, 0o600)?;
                put(&certificate, &certificate_pem, 0o644)?;
                true
            }
            Err(error) => return Err(CertificateError::file(&key)(error)),
        };
        let read = |path: &Path| std::fs::read_to_string(path).map_err(CertificateError::file(path));
        let refused = |path: &Path, accepted| {
            let path = path.to_owned();
            move |error: rcgen::Error| CertificateError::Content { path, cause: error.to_string(), accepted }
        };
        let key_pair =
            KeyPair::from_pem(&read(&key)?).map_err(refused(&key, "the authority's private key in PEM"))?;
        let issuer = Issuer::from_ca_cert_pem(&read(&certificate)?, key_pair)
            .map_err(refused(&certificate, "the authority's certificate in PEM"))?;
        Ok((Self { folder: folder.to_owned(), issuer }, is_made))
    }

    /// Where the authority's own certificate lies: what both sides are told to believe.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join(AUTHORITY_FILE)
    }

    /// Makes a certificate with a fresh key for `name`, good for servers and clients, in place of an earlier one.
    ///
    /// # Errors
    /// When a host is none, or a file cannot be written.
    pub fn issue(
        &self,
        name: &str,
        hosts: &[String],
        days: u32,
        now: SystemTime,
    ) -> Result<Issued, CertificateError> {
        let mut wanted = CertificateParams::default();
        for host in hosts {
            wanted.subject_alt_names.push(alternative(host)?);
        }
        wanted.distinguished_name.push(DnType::CommonName, name);
        wanted.not_before = (now - BACK).into();
        wanted.not_after = (now + DAY * days).into();
        wanted.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        wanted.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        wanted.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = wanted.signed_by(&key, &self.issuer)?;
        let issued = Issued {
            certificate: self.folder.join(format!("{name}.pem")),
            key: self.folder.join(format!("{name}.key")),
        };
        put(&issued.key, &key.serialize_pem(), 0o600)?;
        put(&issued.certificate, &certificate.pem(), 0o644)?;
        Ok(issued)
    }
}

fn make(now: SystemTime) -> Result<(String, String), CertificateError> {
    let mut wanted = CertificateParams::default();
    wanted.distinguished_name.push(DnType::CommonName, "Larder's own authority");
    wanted.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    wanted.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    wanted.not_before = (now - BACK).into();
    wanted.not_after = (now + DAY * AUTHORITY_DAYS).into();
    let key = KeyPair::generate()?;
    Ok((wanted.self_signed(&key)?.pem(), key.serialize_pem()))
}

fn alternative(host: &str) -> Result<rcgen::SanType, CertificateError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(rcgen::SanType::IpAddress(address));
    }
    let refused = |cause: String| CertificateError::Name { name: host.to_owned(), cause };
    let is_name = rustls::pki_types::DnsName::try_from(host.trim_start_matches("*.")).is_ok();
    if !is_name {
        return Err(refused("it has letters that no host's name has".to_owned()));
    }
    host.try_into().map(rcgen::SanType::DnsName).map_err(|error: rcgen::Error| refused(error.to_string()))
}

/// Writes aside and swaps in, so that nobody reads half a file.
pub(crate) fn put(path: &Path, text: &str, mode: u32) -> Result<(), CertificateError> {
    let aside = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut file: File =
            File::options().write(true).create(true).truncate(true).mode(mode).open(&aside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&aside, path)
    };
    write().map_err(CertificateError::file(path))
}
