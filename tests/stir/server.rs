//! A server of certificates by https on a loopback address, which may misbehave.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, Stream};

/// What it does once it was asked for a path.
pub enum Reply {
    /// Says this.
    Say(Vec<u8>),
    /// Says this, and then the same octets again and again for as long as somebody reads.
    Pour(Vec<u8>),
    /// Nothing, until the other side goes away.
    Silence,
}

pub struct Server {
    pub port: u16,
    /// Certificate of whoever signed the server's, in PEM.
    pub ca: String,
    asked: Arc<AtomicUsize>,
}

impl Server {
    pub fn start(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
        let (config, reply) = (Arc::new(config), Arc::new(reply));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let (config, reply, counted) =
                    (Arc::clone(&config), Arc::clone(&reply), Arc::clone(&counted));
                thread::spawn(move || {
                    counted.fetch_add(1, Ordering::SeqCst);
                    let _ = serve(socket, config, &*reply);
                });
            }
        });
        Self { port, ca: made.cert.pem(), asked }
    }

    /// Connections so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}/{path}", self.port)
    }
}

fn serve(
    mut socket: TcpStream,
    config: Arc<ServerConfig>,
    reply: &dyn Fn(&str) -> Reply,
) -> std::io::Result<()> {
    let mut connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut stream = Stream::new(&mut connection, &mut socket);
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut octet)?;
        head.push(octet[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    match reply(path) {
        Reply::Say(bytes) => stream.write_all(&bytes)?,
        Reply::Pour(bytes) => loop {
            stream.write_all(&bytes)?;
        },
        Reply::Silence => drop(stream.read(&mut octet)),
    }
    stream.flush()
}

/// An answer of HTTP with these header lines.
pub fn answer(status: &str, headers: &str, body: &str) -> Reply {
    let length = body.len();
    Reply::Say(
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
            .into_bytes(),
    )
}
