//! Listener for HEP: what capture agents, proxies and border controllers send of the messages they see.
//!
//! In: [`HepOptions`]; packets of HEP versions 1 to 3 by UDP and of version 3 by TCP and TLS. Out: batches, by [`Feeder`]: SIP,
//! and ISUP in M3UA. One thread reads all sockets, so that the messages have one order. Where nobody takes the batches
//! nothing is read, and the kernel drops what does not fit its buffers, which is counted ([`Loss::Kernel`]).
//! Must not: answer agents.

mod connection;
mod datagrams;

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::assemble::Whole;
use crate::assemble::hep::{self, Useless};
use crate::base::fault::{Kind, Layer};
use crate::base::time::At;
use crate::clock;
use crate::source::counts::Loss;
use crate::source::{FeedOptions, Feeder, Outlet, Running, start};
use crate::tls::{Certificates, TlsOptions};
use crate::wire::hep::Packet;

use connection::{Connection, HANDSHAKES_MAX, Streams};
use datagrams::Datagrams;

/// The longest wait for packets; also how long being told to stop may go unnoticed.
const WAIT_MAX: Duration = Duration::from_millis(20);
/// Octets read at once of a connection.
const BLOCK: usize = 64 * 1024;

/// Where agents send to, and what is believed of what they send.
#[derive(Clone, Debug)]
pub struct HepOptions {
    /// UDP socket.
    pub udp: Option<SocketAddr>,
    /// TCP socket.
    pub tcp: Option<SocketAddr>,
    /// TLS socket; it needs certificates.
    pub tls: Option<SocketAddr>,
    /// Certificates of the TLS socket.
    pub certificates: Option<TlsOptions>,
    /// The word that packets must carry (chunk 0x000e). It is sent in the clear: it keeps out mistakes, not attackers.
    pub key: Option<String>,
    /// Octets of the UDP socket's receive buffer. Without the right to more (CAP_NET_ADMIN) the system's maximum,
    /// `net.core.rmem_max`.
    pub receive_buffer_bytes: usize,
    /// TCP and TLS connections at once; more are refused.
    pub connections_max: usize,
    /// After how much silence a connection is closed.
    pub silence_max: Duration,
    /// How far the time of a packet may be from the clock; one that is further off gets the time of its arrival.
    pub clock_off_max: Duration,
    /// How batches are cut, and from whom packets are taken: those who may wrap.
    pub feed: FeedOptions,
}

impl Default for HepOptions {
    fn default() -> Self {
        let any = SocketAddr::from(([0, 0, 0, 0], 9060));
        Self {
            udp: Some(any),
            tcp: Some(any),
            tls: None,
            certificates: None,
            key: None,
            receive_buffer_bytes: 8 << 20,
            connections_max: 64,
            silence_max: Duration::from_secs(600),
            clock_off_max: Duration::from_secs(60),
            feed: FeedOptions { tick_lag: Duration::from_millis(500), ..FeedOptions::default() },
        }
    }
}

/// Sockets that agents can reach already.
#[derive(Debug)]
pub struct Listener {
    options: HepOptions,
    datagrams: Option<Datagrams>,
    tcp: Option<Streams>,
    tls: Option<Streams>,
}

impl Listener {
    /// Opens the sockets.
    ///
    /// # Errors
    /// An address that cannot be listened at, a certificate that cannot be used; the text says which and what to do.
    pub fn bind(options: HepOptions) -> io::Result<Self> {
        let say = |address: SocketAddr, error: io::Error| {
            let text = format!(
                "{address}: cannot listen for HEP ({error}); choose an address of this host that is free"
            );
            io::Error::new(error.kind(), text)
        };
        let datagrams = options.udp.map(|address| {
            let socket = UdpSocket::bind(address).map_err(|error| say(address, error))?;
            Datagrams::new(socket, options.receive_buffer_bytes)
        });
        let streams = |address, certificates| {
            let listener = TcpListener::bind(address).map_err(|error| say(address, error))?;
            listener.set_nonblocking(true).map(|()| Streams { listener, certificates })
        };
        let tcp = options.tcp.map(|address| streams(address, None));
        let tls = options.tls.map(|address| {
            let no_files = || say(address, io::Error::other("TLS needs a certificate and its key"));
            let files = options.certificates.clone().ok_or_else(no_files)?;
            streams(address, Some(Certificates::read(files)?))
        });
        Ok(Self { datagrams: datagrams.transpose()?, tcp: tcp.transpose()?, tls: tls.transpose()?, options })
    }

    /// Where it listens by UDP.
    #[must_use]
    pub fn udp(&self) -> Option<SocketAddr> {
        self.datagrams.as_ref().and_then(|datagrams| datagrams.socket().local_addr().ok())
    }

    /// Where it listens by TCP.
    #[must_use]
    pub fn tcp(&self) -> Option<SocketAddr> {
        self.tcp.as_ref().and_then(|streams| streams.listener.local_addr().ok())
    }

    /// Where it listens by TLS.
    #[must_use]
    pub fn tls(&self) -> Option<SocketAddr> {
        self.tls.as_ref().and_then(|streams| streams.listener.local_addr().ok())
    }

    /// The certificates in use, to be renewed while it runs.
    #[must_use]
    pub fn certificates(&self) -> Option<Certificates> {
        self.tls.as_ref().and_then(|streams| streams.certificates.clone())
    }

    /// Starts listening.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn run(self, outlet: &Outlet) -> io::Result<Running> {
        let name = self
            .udp()
            .or(self.tcp())
            .or(self.tls())
            .map_or_else(|| "hep".to_owned(), |at| format!("hep:{at}"));
        let outlet = outlet.clone();
        let feed = self.options.feed.clone();
        start(
            name,
            vec![Box::new(move |stop, tally| {
                let feeder = Feeder::of_now((outlet, stop, tally), feed);
                let taker = Taker { options: self.options, feeder };
                listen(taker, self.datagrams, &[self.tcp, self.tls]);
            })],
        )
    }
}

/// Reads all sockets until told to stop.
fn listen(mut taker: Taker, mut datagrams: Option<Datagrams>, streams: &[Option<Streams>]) {
    let mut connections: Vec<Connection> = Vec::new();
    let mut block = vec![0; BLOCK];
    while !taker.feeder.is_over() {
        await_any(datagrams.as_ref(), streams, (&connections, taker.feeder.wait()));
        let mut is_troubled = false;
        if let Some(datagrams) = &mut datagrams {
            is_troubled |= datagrams.read(&mut taker).is_err();
        }
        for streams in streams.iter().flatten() {
            is_troubled |= streams.accept(&mut connections, &mut taker).is_err();
        }
        let mut handshakes = HANDSHAKES_MAX;
        connections.retain_mut(|connection| {
            taker.feeder.idle();
            connection.read(&mut block, &mut taker, &mut handshakes)
        });
        if handshakes == 0 && !connections.is_empty() {
            // Others have their turn.
            connections.rotate_left(1);
        }
        taker.feeder.idle();
        // Such as too many open files: nothing that haste would mend.
        if is_troubled && taker.feeder.pause(WAIT_MAX) {
            break;
        }
    }
    taker.feeder.finish();
}

/// Waits until one of the sockets has something, for no longer than that.
fn await_any(
    datagrams: Option<&Datagrams>,
    streams: &[Option<Streams>],
    (connections, span): (&[Connection], Duration),
) {
    let sockets = datagrams
        .map(|datagrams| datagrams.socket().as_fd())
        .into_iter()
        .chain(streams.iter().flatten().map(|streams| streams.listener.as_fd()))
        .chain(connections.iter().map(|connection| connection.socket().as_fd()));
    let mut descriptors: Vec<_> = sockets.map(|socket| PollFd::new(socket, PollFlags::POLLIN)).collect();
    let millis = u16::try_from(span.min(WAIT_MAX).as_micros().div_ceil(1_000)).unwrap_or(u16::MAX);
    // What is wrong with a socket, reading it says.
    let _ = poll(&mut descriptors, PollTimeout::from(millis));
}

/// Takes packets, wherever they came from.
struct Taker {
    options: HepOptions,
    feeder: Feeder,
}

impl Taker {
    /// Whether packets are taken from this address.
    fn may_send(&self, address: IpAddr) -> bool {
        // One of IPv4 that came to a socket of IPv6 is named as one of IPv4.
        self.options.feed.assemble.wrappers.may_wrap(address.to_canonical())
    }

    /// One packet.
    fn take(&mut self, bytes: &[u8]) {
        if let Err(refusal) = self.try_take(bytes) {
            self.feeder.useless(bytes.len());
            match refusal {
                Refusal::Fault(layer, kind) => self.feeder.fault(layer, kind),
                Refusal::Lost(loss) => self.feeder.counts().lose(loss, 1),
            }
        }
    }

    fn try_take(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let packet = Packet::parse(bytes).map_err(|error| Refusal::Fault(error.layer, error.kind))?;
        if self.options.key.as_ref().is_some_and(|key| packet.key != Some(key.as_bytes())) {
            return Err(Refusal::Lost(Loss::Key));
        }
        let take = |whole: Whole<'_>| {
            let at = self.time_of(&packet);
            self.feeder.whole(at, whole, bytes.len());
        };
        hep::open(&packet, take).map_err(|useless| {
            Refusal::Lost(match useless {
                Useless::Compressed => Loss::Compressed,
                Useless::Payload => Loss::Payload,
            })
        })
    }

    /// The agent's time, where it is near enough.
    fn time_of(&mut self, packet: &Packet<'_>) -> At {
        let now = clock::now();
        let off_max = self.options.clock_off_max;
        match packet.at {
            Some(at) if at.since(now).max(now.since(at)) <= off_max => at,
            _ => {
                self.feeder.counts().times_mended += 1;
                now
            }
        }
    }
}

enum Refusal {
    Fault(Layer, Kind),
    Lost(Loss),
}
