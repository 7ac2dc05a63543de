//! HEP by TCP and TLS: a connection of an agent.

use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::{ServerConfig, ServerConnection};

use super::Taker;
use crate::assemble::hep::{Found, Framer};
use crate::base::fault::{Kind, Layer};
use crate::clock::Stopwatch;
use crate::source::counts::Loss;
use crate::tls::Certificates;

/// How long an agent may take to agree on keys.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// Connections that keys are agreed on with in a round: each costs the time of some hundred packets, and agents wait meanwhile.
pub(super) const HANDSHAKES_MAX: usize = 2;
/// Connections taken in a round.
const ACCEPTED_MAX: usize = 64;

/// A socket that agents connect to.
#[derive(Debug)]
pub(super) struct Streams {
    pub listener: TcpListener,
    /// Those of TLS; none for TCP.
    pub certificates: Option<Certificates>,
}

impl Streams {
    /// Takes the connections that wait. Of too many, one that has said nothing yet makes room: a stranger keeps no agent out.
    pub fn accept(&self, connections: &mut Vec<Connection>, taker: &mut Taker) -> io::Result<()> {
        for _ in 0..ACCEPTED_MAX {
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
                let Some(silent) = connections.iter().position(|held| held.is_unheard) else {
                    tracing::warn!(%peer, "HEP connection refused: too many");
                    continue;
                };
                connections.remove(silent);
            }
            stream.set_nonblocking(true)?;
            taker.feeder.counts().opened += 1;
            connections.push(Connection::new(stream, self.certificates.as_ref().map(Certificates::current))?);
        }
        Ok(())
    }
}

/// A connection of an agent.
pub(super) struct Connection {
    stream: TcpStream,
    tls: Option<Box<ServerConnection>>,
    framer: Framer,
    heard: Stopwatch,
    /// Nothing has come of it that TLS vouches for, where there is TLS.
    is_unheard: bool,
}

impl Connection {
    fn new(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let tls = tls.map(ServerConnection::new).transpose().map_err(io::Error::other)?.map(Box::new);
        Ok(Self { stream, tls, framer: Framer::default(), heard: Stopwatch::start(), is_unheard: true })
    }

    pub const fn socket(&self) -> &TcpStream {
        &self.stream
    }

    /// Takes what has come, once; whether the connection is to be kept. `handshakes` more may be worked on in this round.
    pub fn read(&mut self, block: &mut [u8], taker: &mut Taker, handshakes: &mut usize) -> bool {
        let read = match &mut self.tls {
            None => self.stream.read(block),
            Some(tls) => read_tls(tls, &mut self.stream, block, handshakes),
        };
        match read.map_err(|error| error.kind()) {
            // Some agents end TLS by ending TCP.
            Ok(0) | Err(io::ErrorKind::UnexpectedEof) => {
                if self.framer.is_within() {
                    taker.feeder.fault(Layer::Hep, Kind::Truncated);
                }
                self.give_up(taker);
                false
            }
            Ok(count) => {
                (self.heard, self.is_unheard) = (Stopwatch::start(), false);
                let bytes = block.get(..count).unwrap_or_default();
                self.framer.feed(bytes, &mut |found| match found {
                    Found::Packet(packet) => taker.take(packet),
                    Found::Lost => taker.feeder.fault(Layer::Hep, Kind::NotRecognised),
                });
                true
            }
            Err(io::ErrorKind::WouldBlock) => {
                let is_silent = self.heard.elapsed() > self.patience(taker.options.silence_max);
                if is_silent {
                    taker.feeder.counts().interrupted += 1;
                    self.give_up(taker);
                }
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
                self.give_up(taker);
                false
            }
        }
    }

    fn is_handshaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_handshaking())
    }

    fn patience(&self, silence_max: Duration) -> Duration {
        if self.is_handshaking() { silence_max.min(HANDSHAKE_MAX) } else { silence_max }
    }

    /// It ends: with keys not agreed on, that is counted.
    fn give_up(&self, taker: &mut Taker) {
        if self.is_handshaking() {
            taker.feeder.counts().lose(Loss::Tls, 1);
        }
    }
}

/// One round: what was decrypted already, else what one read of the socket brings. A peer that sends records without octets in them,
/// of which there may be any number, holds nobody up.
fn read_tls(
    tls: &mut ServerConnection,
    stream: &mut TcpStream,
    block: &mut [u8],
    handshakes: &mut usize,
) -> io::Result<usize> {
    match tls.reader().read(block) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        read => return read,
    }
    if tls.is_handshaking() && *handshakes == 0 {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    write_tls(tls, stream)?;
    let read = tls.read_tls(stream)?;
    *handshakes = handshakes.saturating_sub(usize::from(tls.is_handshaking()));
    let outcome = tls.process_new_packets();
    let written = write_tls(tls, stream);
    // What came before something wrong is taken; it is wrong again the next time.
    match (tls.reader().read(block), outcome) {
        (Ok(count), _) if count > 0 => Ok(count),
        (_, Err(error)) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        (Err(_), Ok(_)) if read == 0 => Err(io::ErrorKind::UnexpectedEof.into()),
        (none, Ok(_)) => written.and(none),
    }
}

/// What TLS has to say, as far as the peer takes it now.
fn write_tls(tls: &mut ServerConnection, stream: &mut TcpStream) -> io::Result<()> {
    while tls.wants_write() {
        match tls.write_tls(stream) {
            Ok(0) => break,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            written => written?,
        };
    }
    Ok(())
}
