//! HEP by TCP and TLS: a connection of an agent.

use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::Taker;
use crate::assemble::hep::{Found, Framer};
use crate::base::fault::{Kind, Layer};
use crate::clock::Stopwatch;
use crate::source::counts::Loss;
use crate::tls::Certificates;

/// How long an agent may take to agree on keys.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// A socket that agents connect to.
#[derive(Debug)]
pub(super) struct Streams {
    pub listener: TcpListener,
    /// Those of TLS; none for TCP.
    pub certificates: Option<Certificates>,
}

impl Streams {
    /// Takes the connections that wait, those of strangers and those that are too many apart.
    pub fn accept(&self, connections: &mut Vec<Connection>, taker: &mut Taker) -> io::Result<()> {
        loop {
            let (stream, peer) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // The agent has gone already.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            if !taker.may_send(peer.ip()) {
                taker.feeder.counts().lose(Loss::Stranger, 1);
                continue;
            }
            if connections.len() >= taker.options.connections_max {
                taker.feeder.counts().lose(Loss::Crowded, 1);
                tracing::warn!(%peer, "HEP connection refused: too many");
                continue;
            }
            stream.set_nonblocking(true)?;
            taker.feeder.counts().opened += 1;
            connections.push(Connection::new(stream, self.certificates.as_ref().map(Certificates::current))?);
        }
    }
}

/// A connection of an agent.
pub(super) struct Connection {
    stream: Stream,
    framer: Framer,
    heard: Stopwatch,
}

enum Stream {
    Clear(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Connection {
    fn new(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let stream = match tls {
            None => Stream::Clear(stream),
            Some(config) => {
                let connection = ServerConnection::new(config).map_err(io::Error::other)?;
                Stream::Tls(Box::new(StreamOwned::new(connection, stream)))
            }
        };
        Ok(Self { stream, framer: Framer::default(), heard: Stopwatch::start() })
    }

    pub const fn socket(&self) -> &TcpStream {
        match &self.stream {
            Stream::Clear(stream) => stream,
            Stream::Tls(stream) => &stream.sock,
        }
    }

    /// Takes what has come, once; whether the connection is to be kept.
    pub fn read(&mut self, block: &mut [u8], taker: &mut Taker) -> bool {
        let read = match &mut self.stream {
            Stream::Clear(stream) => stream.read(block),
            Stream::Tls(stream) => stream.read(block),
        };
        match read.map_err(|error| error.kind()) {
            // Some agents end TLS by ending TCP.
            Ok(0) | Err(io::ErrorKind::UnexpectedEof) => {
                if self.framer.is_within() {
                    taker.feeder.fault(Layer::Hep, Kind::Truncated);
                }
                false
            }
            Ok(count) => {
                self.heard = Stopwatch::start();
                let bytes = block.get(..count).unwrap_or_default();
                self.framer.feed(bytes, &mut |found| match found {
                    Found::Packet(packet) => taker.take(packet),
                    Found::Lost => taker.feeder.fault(Layer::Hep, Kind::NotRecognised),
                });
                true
            }
            Err(io::ErrorKind::WouldBlock) => {
                let is_silent = self.heard.elapsed() > self.patience(taker.options.silence_max);
                taker.feeder.counts().interrupted += u64::from(is_silent);
                !is_silent
            }
            Err(io::ErrorKind::Interrupted) => true,
            // What TLS cannot go on with: no certificate or a wrong one, a version too old, octets that are no TLS.
            Err(io::ErrorKind::InvalidData) => {
                taker.feeder.counts().lose(Loss::Tls, 1);
                false
            }
            Err(_) => {
                taker.feeder.counts().interrupted += 1;
                false
            }
        }
    }

    fn patience(&self, silence_max: Duration) -> Duration {
        match &self.stream {
            Stream::Tls(stream) if stream.conn.is_handshaking() => silence_max.min(HANDSHAKE_MAX),
            _ => silence_max,
        }
    }
}
