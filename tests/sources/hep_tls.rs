//! HEP over TLS, and from whom HEP is taken at all.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tollgate::assemble::Wrappers;
use tollgate::source::hep::{HepOptions, Listener};
use tollgate::source::{Inlet, Loss, Running, queue};
use tollgate::tls::{Certificates, TlsOptions};

use super::hep::{bytes_of, listen, packet};
use super::{await_that, messages, take};

/// A listener over TLS, whose certificate is the root of those that agents must show.
struct TlsEars {
    files: TlsOptions,
    at: std::net::SocketAddr,
    certificates: Certificates,
    running: Running,
    inlet: Inlet,
}

/// Writes a new certificate and its key, which is its own root.
fn issue(directory: &Path) -> TlsOptions {
    let made = rcgen::generate_simple_self_signed(vec!["tap.example".to_owned()]).unwrap();
    let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| directory.join(name));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    TlsOptions { client_ca: Some(certificate.clone()), certificate, key }
}

fn listen_over_tls(directory: &Path, options: HepOptions) -> TlsEars {
    let files = issue(directory);
    let tls = Some("127.0.0.1:0".parse().unwrap());
    let options = HepOptions { udp: None, tcp: None, tls, certificates: Some(files.clone()), ..options };
    let listener = Listener::bind(options).unwrap();
    let (at, certificates) = (listener.tls().unwrap(), listener.certificates().unwrap());
    let (outlet, inlet) = queue(64);
    TlsEars { files, at, certificates, running: listener.run(&outlet).unwrap(), inlet }
}

impl TlsEars {
    /// An agent that knows the listener's certificate, and shows it as its own or has none.
    fn agent(&self, shows_certificate: bool) -> StreamOwned<ClientConnection, TcpStream> {
        let certificate = || CertificateDer::from_pem_file(&self.files.certificate).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = if shows_certificate {
            let key = PrivateKeyDer::from_pem_file(&self.files.key).unwrap();
            builder.with_client_auth_cert(vec![certificate()], key).unwrap()
        } else {
            builder.with_no_client_auth()
        };
        let client = ClientConnection::new(Arc::new(config), "tap.example".try_into().unwrap()).unwrap();
        StreamOwned::new(client, TcpStream::connect(self.at).unwrap())
    }
}

#[test]
fn messages_come_over_tls_from_agents_with_a_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let ears = listen_over_tls(directory.path(), HepOptions::default());
    let sent = messages("sip-wangiri");
    let bytes: Vec<u8> = sent.iter().flat_map(|message| bytes_of(&packet(&message.bytes))).collect();
    let mut agent = ears.agent(true);
    bytes.chunks(40_009).for_each(|piece| agent.write_all(piece).unwrap());
    let seen = take(&ears.inlet, sent.len());
    assert!(seen.iter().map(|seen| &seen.bytes).eq(sent.iter().map(|sent| &sent.bytes)));

    // Who shows none is not heard, nor who speaks no TLS.
    let mut stranger = ears.agent(false);
    let _ = stranger.write_all(&bytes);
    let _ = stranger.read(&mut [0; 1]);
    let _ = TcpStream::connect(ears.at).unwrap().write_all(&bytes);
    // Nor who goes before keys are agreed on.
    drop(TcpStream::connect(ears.at).unwrap());
    await_that("all are counted", || ears.running.counts().lost(Loss::Tls) == 3);
    let counts = ears.running.stop();
    assert_eq!((counts.packets, counts.opened), (sent.len() as u64, 4));
    assert_eq!(counts.faults.nonzero().count(), 0, "{counts:?}");
}

#[test]
fn strangers_who_say_nothing_keep_no_agent_out() {
    let directory = tempfile::tempdir().unwrap();
    let ears = listen_over_tls(directory.path(), HepOptions { connections_max: 2, ..HepOptions::default() });
    let bytes = bytes_of(&packet(&messages("sip-wangiri").remove(0).bytes));
    let mut first = ears.agent(true);
    first.write_all(&bytes).unwrap();
    take(&ears.inlet, 1);
    let _silent = TcpStream::connect(ears.at).unwrap();
    await_that("the place is taken", || ears.running.counts().opened == 2);
    let mut second = ears.agent(true);
    second.write_all(&bytes).unwrap();
    take(&ears.inlet, 1);
    // Two have been heard, and stay.
    let mut third = ears.agent(true);
    assert!(third.write_all(&bytes).and_then(|()| third.read_exact(&mut [0; 1])).is_err());
    first.write_all(&bytes).unwrap();
    second.write_all(&bytes).unwrap();
    take(&ears.inlet, 2);
    let counts = ears.running.stop();
    assert_eq!((counts.packets, counts.opened, counts.lost(Loss::Crowded)), (4, 3, 2));
}

#[test]
fn strangers_are_refused_before_tls() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = HepOptions::default();
    options.feed.assemble.wrappers = Wrappers::only(&["127.0.0.2/32".parse().unwrap()]);
    let ears = listen_over_tls(directory.path(), options);
    assert!(ears.agent(true).write_all(b"HEP3").is_err());
    let counts = ears.running.stop();
    assert_eq!((counts.opened, counts.lost(Loss::Stranger)), (0, 1));
}

#[test]
fn renewed_certificates_are_for_connections_to_come() {
    let directory = tempfile::tempdir().unwrap();
    let ears = listen_over_tls(directory.path(), HepOptions::default());
    let message = messages("sip-wangiri").remove(0);
    let mut early = ears.agent(true);
    early.write_all(&bytes_of(&packet(&message.bytes))).unwrap();
    take(&ears.inlet, 1);

    issue(directory.path());
    ears.certificates.renew().unwrap();
    ears.agent(true).write_all(&bytes_of(&packet(&message.bytes))).unwrap();
    take(&ears.inlet, 1);
    early.write_all(&bytes_of(&packet(&message.bytes))).unwrap();
    take(&ears.inlet, 1);

    // What cannot be used leaves what is in use.
    fs::write(&ears.files.certificate, "none").unwrap();
    let error = ears.certificates.renew().unwrap_err().to_string();
    assert!(error.contains("certificate.pem"), "{error}");
    early.write_all(&bytes_of(&packet(&message.bytes))).unwrap();
    take(&ears.inlet, 1);
}

#[test]
fn packets_are_taken_from_those_who_are_named() {
    let mut options = HepOptions::default();
    options.feed.assemble.wrappers = Wrappers::only(&["127.0.0.2/32".parse().unwrap()]);
    let ears = listen(options);
    let message = messages("sip-wangiri").remove(0);
    let bytes = bytes_of(&packet(&message.bytes));
    let [named, stranger] = ["127.0.0.2:0", "127.0.0.3:0"].map(|address| UdpSocket::bind(address).unwrap());
    stranger.send_to(&bytes, ears.udp).unwrap();
    named.send_to(&bytes, ears.udp).unwrap();
    take(&ears.inlet, 1);
    // From 127.0.0.1.
    let mut stream = TcpStream::connect(ears.tcp).unwrap();
    let _ = stream.write_all(&bytes);
    assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
    let counts = ears.running.stop();
    assert_eq!((counts.packets, counts.opened, counts.lost(Loss::Stranger)), (1, 0, 2));
}
