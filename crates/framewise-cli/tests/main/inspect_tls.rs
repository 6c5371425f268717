//! `framewise inspect --tls`: TLS towards the client

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::common::{ANSWER, HANDSHAKE, Running, connect, exactly, framewise, head, path, rest, run, server};
use framewise::rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use framewise::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::ring};

pub(crate) fn folder() -> PathBuf {
    path("authority")
}

fn listening(args: &[&str]) -> (Running, SocketAddr) {
    let mut running = Running::of(framewise().args(args).spawn().unwrap());
    let line = running.out.next();
    let address = line.trim_end().strip_prefix("listening on wss://").unwrap_or_else(|| panic!("{line}"));
    let address = address.parse().unwrap();
    (running, address)
}

/// A client that trusts the authority in a file, and speaks these protocols inside TLS.
pub(crate) fn trusting(
    file: &Path,
    address: SocketAddr,
    name: &str,
    protocols: &[&[u8]],
) -> StreamOwned<ClientConnection, TcpStream> {
    trusting_over(connect(address), file, name, protocols)
}

pub(crate) fn trusting_over(
    stream: TcpStream,
    file: &Path,
    name: &str,
    protocols: &[&[u8]],
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|&protocol| protocol.to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
}

fn upstream() -> (SocketAddr, std::thread::JoinHandle<()>) {
    server(|mut stream| {
        head(&mut stream);
        stream.write_all(ANSWER).unwrap();
        stream.write_all(b"\x83\x00").unwrap();
        rest(&mut stream);
    })
}

/// `inspect --tls` before `url`, with the authority of this folder.
fn inspecting(url: &str, folder: &Path) -> (Running, SocketAddr) {
    listening(&["inspect", "--tls", url, "--listen", "127.0.0.1:0", "--authority", folder.to_str().unwrap()])
}

#[test]
fn a_client_that_trusts_the_authority_speaks_tls_by_name_and_by_address() {
    let folder = folder();
    let mut before = None;
    for (name, protocols) in [("localhost", &[b"h2".as_slice(), b"http/1.1"][..]), ("127.0.0.1", &[])] {
        let (upstream, play) = upstream();
        let url = format!("ws://{upstream}");
        let (mut running, address) = inspecting(&url, &folder);
        // At the first use, how to trust it is printed.
        running.out.until("how to trust it: framewise inspect --trust");
        if before.is_none() {
            for program in ["curl", "Node", "Python", "Java", "Chromium", "Firefox"] {
                assert!(running.out.next().trim_start().starts_with(program));
            }
        }
        let file = folder.join("authority.pem");
        let mut client = trusting(&file, address, name, protocols);
        client.write_all(HANDSHAKE).unwrap();
        let mut answer = vec![0; ANSWER.len() + 2];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [ANSWER, b"\x83\x00"].concat());
        assert_eq!(client.conn.alpn_protocol(), protocols.last().copied());
        client.conn.send_close_notify();
        client.flush().unwrap();
        assert_eq!(client.read(&mut [0]).unwrap(), 0, "TLS is ended as it should be");
        play.join().unwrap();
        running.out.until("verdict: opcode-reserved-data");
        assert_eq!(running.end().code, Some(1));
        // The second time it is the same authority.
        let now = std::fs::read(file).unwrap();
        assert_eq!(before.get_or_insert(now.clone()), &now);
    }
}

#[test]
fn a_client_without_tls_is_passed_on_as_well_and_one_that_does_not_trust_is_told() {
    let folder = folder();
    let other = path("other.pem");
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&other, key.cert.pem()).unwrap();
    let (upstream, play) = upstream();
    let url = format!("ws://{upstream}");
    let (mut running, address) = inspecting(&url, &folder);
    let mut client = trusting(&other, address, "localhost", &[]);
    client.write_all(HANDSHAKE).unwrap_err();
    drop(client);
    let line = running.out.until("rejects this proxy's certificate");
    assert!(line.contains("framewise inspect --trust"), "{line}");
    // One that knows HTTP/2 alone has nothing to say to this proxy.
    let mut client = trusting(&folder.join("authority.pem"), address, "localhost", &[b"h2"]);
    client.write_all(HANDSHAKE).unwrap_err();
    running.out.until("no TLS with the client");
    let mut client = connect(address);
    client.write_all(HANDSHAKE).unwrap();
    assert_eq!(head(&mut client).as_bytes(), ANSWER);
    assert_eq!(exactly(&mut client, 2), b"\x83\x00");
    drop(client);
    play.join().unwrap();
    running.out.until("verdict: opcode-reserved-data");
    // A client that says nothing holds up no end.
    let silent = connect(address);
    running.out.until("connection from");
    running.end();
    drop(silent);
}

#[cfg(unix)]
#[test]
fn the_key_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = folder();
    let args = ["inspect", "--trust", "--authority", folder.to_str().unwrap()];
    let made = run(&args);
    assert_eq!(made.code, Some(0), "{made:?}");
    let key = folder.join("authority-key.pem");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&key), mode(&folder)), (0o600, 0o700));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2, "nothing temporary is left");
    assert_eq!(run(&args).out, made.out);
    // The certificate can be made again; clients that trusted the old one trust what the key signs.
    std::fs::remove_file(folder.join("authority.pem")).unwrap();
    assert_eq!(run(&args).out, made.out);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(run(&args).refused().contains("authority-key.pem can be read by other users"));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&key, "no key").unwrap();
    assert!(run(&args).refused().contains("authority-key.pem: it is not a private key in PEM"));
}

#[test]
fn a_folder_that_cannot_be_written_is_said() {
    let file = path("file");
    std::fs::write(&file, "").unwrap();
    let under = file.join("folder");
    for args in [&["--trust"][..], &["--tls", "ws://127.0.0.1:1", "--listen", "127.0.0.1:0"]] {
        let done = run(&[&["inspect", "--authority", under.to_str().unwrap()], args].concat());
        let sentence = done.refused();
        assert!(
            sentence.starts_with("cannot ")
                && sentence.ends_with("choose another folder with --authority DIR"),
            "{sentence}"
        );
    }
    #[cfg(target_os = "linux")]
    {
        // Nobody writes there, not even root.
        let done = run(&["inspect", "--trust", "--authority", "/proc/framewise"]);
        assert!(
            done.refused().contains("cannot make the certificate authority's /proc/framewise: "),
            "{done:?}"
        );
    }
    let done = crate::common::run_with(
        framewise().args(["inspect", "--trust"]).env_remove("HOME").env_remove("XDG_DATA_HOME"),
        b"",
    );
    if cfg!(target_os = "linux") {
        assert!(done.refused().contains("no home folder"), "{done:?}");
    }
}
