//! A certificate authority of this user's own, for TLS towards the clients of `inspect`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use framewise::rustls::ServerConfig;
use framewise::rustls::crypto::ring;
use framewise::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use framewise_live::Certificates;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData as _, date_time_ymd,
};

use crate::failure::{Failure, plain};

const CERTIFICATE: &str = "authority.pem";
const KEY: &str = "authority-key.pem";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long the authority is valid.
const YEARS: u32 = 10;
/// How long a certificate is valid: longer than anybody inspects, shorter than clients allow.
const DAYS: u32 = 30;
/// Certificates that are kept; a client can ask for any name.
const MOST: usize = 256;

/// The authority: its key, and the certificates that were made with it.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    /// Its public key, as a certificate has it.
    public: Vec<u8>,
    file: PathBuf,
    /// Whether it was made just now.
    is_new: bool,
    made: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

/// Where it is kept, unless the user says so.
fn usual_folder() -> Option<PathBuf> {
    let from =
        |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = if cfg!(windows) {
        from("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        from("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        // The XDG base directory specification: "If $XDG_DATA_HOME is either not set or empty, a default equal to
        // $HOME/.local/share should be used."
        from("XDG_DATA_HOME").or_else(|| from("HOME").map(|home| home.join(".local/share")))
    };
    folder.map(|folder| folder.join("framewise"))
}

impl Authority {
    /// Reads the authority of a folder, or makes it.
    pub(super) fn load(folder: Option<&Path>) -> Result<Self, Failure> {
        let folder = match folder {
            Some(folder) => folder.to_owned(),
            None => usual_folder().ok_or_else(|| {
                Failure::said(
                    "no home folder to keep the certificate authority in; choose one with --authority DIR",
                )
            })?,
        };
        let cannot = |what: &str, path: &Path, why: &str| {
            Failure::said(format!(
                "cannot {what} the certificate authority's {}: {why}; choose another folder with --authority DIR",
                path.display()
            ))
        };
        let (key_file, file) = (folder.join(KEY), folder.join(CERTIFICATE));
        let (key, is_new) = match fs::read_to_string(&key_file) {
            Ok(pem) => {
                assert_private(&key_file)?;
                let key = KeyPair::from_pem(&pem);
                (key.map_err(|_| cannot("read", &key_file, "it is not a private key in PEM"))?, false)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = KeyPair::generate().map_err(|error| Failure::said(error.to_string()))?;
                make_folder(&folder).map_err(|error| cannot("make", &folder, &plain(&error)))?;
                write_private(&key_file, &key.serialize_pem())
                    .map_err(|error| cannot("write", &key_file, &plain(&error)))?;
                (key, true)
            }
            Err(error) => return Err(cannot("read", &key_file, &plain(&error))),
        };
        let params = params(&key);
        let known = fs::read_to_string(&file).ok().and_then(|pem| pem_certificate(&pem));
        // The public key is in the certificate as it is.
        let known = known
            .filter(|known| known.windows(key.der_bytes().len()).any(|window| window == key.der_bytes()));
        let certificate = if let Some(known) = known {
            CertificateDer::from(known)
        } else {
            let made = params.self_signed(&key).map_err(|error| Failure::said(error.to_string()))?;
            fs::write(&file, made.pem()).map_err(|error| cannot("write", &file, &plain(&error)))?;
            made.der().clone()
        };
        let public = key.subject_public_key_info();
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate,
            public,
            file,
            is_new,
            made: Mutex::default(),
        })
    }

    /// The file that clients are to trust.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    pub(super) const fn is_new(&self) -> bool {
        self.is_new
    }

    /// The SHA-256 of its public key, as Chromium's `--ignore-certificate-errors-spki-list` takes it.
    pub(super) fn fingerprint(&self) -> Option<String> {
        let suite = ring::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13()?;
        let hash = suite.common.hash_provider.hash(&self.public);
        Some(crate::replay::base64(hash.as_ref()))
    }

    /// One line for each program, to trust it.
    pub(super) fn how_to_trust(&self) -> String {
        let file = quoted(&self.file);
        let mut text = String::new();
        for (program, line) in [
            ("curl", format!("curl --cacert {file} …")),
            ("Node", format!("NODE_EXTRA_CA_CERTS={file} node …")),
            ("Python", format!("SSL_CERT_FILE={file} python …")),
            (
                "Java",
                format!(
                    "keytool -importcert -noprompt -alias framewise -file {file} -keystore framewise.p12 -storepass framewise \
                     && java -Djavax.net.ssl.trustStore=framewise.p12 -Djavax.net.ssl.trustStorePassword=framewise …"
                ),
            ),
            (
                "Chromium",
                match self.fingerprint() {
                    Some(hash) => format!(
                        "chromium --user-data-dir=/tmp/framewise-chromium --ignore-certificate-errors-spki-list={hash} …"
                    ),
                    None => format!("certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n framewise -i {file}"),
                },
            ),
            (
                "Firefox",
                format!(
                    "certutil -d sql:PROFILE -A -t C,, -n framewise -i {file}  (PROFILE: the folder in about:profiles)"
                ),
            ),
        ] {
            let _ = writeln!(text, "  {program:9} {line}");
        }
        text
    }

    fn make(&self, name: &str) -> Result<ServerConfig, Box<dyn std::error::Error + Send + Sync>> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new([name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, "framewise inspect");
        validity(&mut params, DAYS);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let leaf = params.signed_by(&key, &self.issuer)?;
        let chain = vec![leaf.der().clone(), self.certificate.clone()];
        let key = PrivateKeyDer::try_from(key.serialize_der())?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        // A client that also speaks HTTP/2 is to choose what the proxy reads.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl Certificates for Authority {
    fn config(&self, name: &str) -> io::Result<Arc<ServerConfig>> {
        let name = name.to_ascii_lowercase();
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = made.get(&name) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.make(&name).map_err(io::Error::other)?);
        if made.len() >= MOST {
            made.clear();
        }
        made.insert(name, Arc::clone(&config));
        Ok(config)
    }
}

/// The authority's certificate. What a client compares in it follows from the key: so it can be made again without the file.
fn params(key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    // After the byte that says how the point is written.
    let id: String = key.der_bytes().iter().skip(1).take(4).fold(String::new(), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    });
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("framewise authority {id}"));
    validity(&mut params, YEARS * 365);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn validity(params: &mut CertificateParams, days: u32) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let epoch = date_time_ymd(1970, 1, 1);
    // A clock that is a little slow is no reason to fail.
    params.not_before = epoch + now.saturating_sub(DAY);
    params.not_after = epoch + now + DAY * days;
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes a file that only its owner can read. It appears complete: another process may look for it.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&temporary).and_then(|mut file: File| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let moved = written.and_then(|()| fs::rename(&temporary, path));
    if moved.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    moved
}

/// Whoever has the key can play any server to a client that trusts the authority.
#[cfg(unix)]
fn assert_private(key: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = fs::metadata(key).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        return Err(Failure::said(format!(
            "{} can be read by other users: who has it can play any server to clients that trust the authority; delete it and \
             {CERTIFICATE}, let the clients trust the new one, and no longer the old one",
            key.display()
        )));
    }
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as it is on Unix")]
const fn assert_private(_key: &Path) -> Result<(), Failure> {
    Ok(())
}

fn pem_certificate(pem: &str) -> Option<Vec<u8>> {
    use framewise::rustls::pki_types::pem::PemObject as _;

    CertificateDer::from_pem_slice(pem.as_bytes()).ok().map(|certificate| certificate.to_vec())
}

/// A path for a shell's command line.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:@~".contains(letter);
    if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}
