//! The SIP redirect dip: a switch sends an INVITE and gets the verdict as a final response. RFC 3261 §8.3.
//!
//! In: INVITEs over UDP, TCP and TLS. Out: a response to each, once, within the deadline: at which the switch goes on with
//! the call, ends it, or sends it elsewhere, as its profile says. A dip keeps no transactions and no dialogs: responses are
//! made of the request, so that a retransmission gets the same octets. OPTIONS are answered and ACKs taken. Must not:
//! judge, or keep a call waiting beyond the deadline; an emergency call does not wait at all.

mod answer;
mod connection;
mod counts;
mod desk;
mod framer;
mod profile;
mod stream;
mod template;
#[cfg(test)]
mod tests;
mod udp;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

pub use answer::{Told, tell};
pub use counts::{DipCounts, Kind};
pub use profile::{Profile, ProfileError, ProfileOptions, Redress};
pub use template::{Hole, TEMPLATE_MAX, Template, TemplateError};

use crate::adapter::batch;
use crate::adapter::dip::desk::Desk;
use crate::adapter::dip::stream::Shared;
use crate::adapter::{Adapter, Gate, Waker};
use crate::base::map::Seed;
use crate::tls::{Certificates, TlsOptions};

/// What a dip is.
#[derive(Clone, Debug)]
pub struct DipOptions {
    /// Addresses to listen at over UDP. None may be the unspecified address: an answer must come from the address that was
    /// asked.
    pub udp: Vec<SocketAddr>,
    /// Addresses to listen at over TCP.
    pub tcp: Vec<SocketAddr>,
    /// Addresses to listen at over TLS.
    pub tls: Vec<SocketAddr>,
    /// Certificate and key; needed when an address for TLS is given.
    pub certificates: Option<TlsOptions>,
    /// How long a switch waits for an answer at most; then the call passes. 1 ms to 10 s; default 50 ms.
    pub deadline: Duration,
    /// Header in which switches name the address that a call came in from; else the Via below theirs says it.
    pub peer_header: String,
    /// What each treatment becomes.
    pub profile: Profile,
    /// Key of tags and tables: nobody who does not know it can choose a tag. Random, unless for a test.
    pub seed: Seed,
    /// Maxima.
    pub limits: DipLimits,
}

/// Maxima of a dip.
#[derive(Clone, Copy, Debug)]
pub struct DipLimits {
    /// Calls that wait for an answer, of one UDP socket; further ones pass. Default 16,384.
    pub waiting: usize,
    /// Transactions that passed unjudged and are remembered for 32 s, of one UDP socket; the oldest goes. Default 65,536.
    pub passed: usize,
    /// Receive buffer of a UDP socket, in octets, as far as the system gives it. Default 8 MiB.
    pub receive_buffer: usize,
    /// Calls that wait for an answer, of one connection; further ones pass. Default 1,024.
    pub waiting_of_connection: usize,
    /// Connections over TCP and TLS together; further ones are closed at once. Default 1,024.
    pub connections: usize,
    /// Longest message over a connection, in octets with its body. Default 65,535 (RFC 3261 §18.1.1).
    pub message: usize,
    /// How long a connection may be silent. Default 120 s, as a keep-alive comes before (RFC 5626 §4.4.1).
    pub idle: Duration,
    /// How long a message may take from its first octet to its last. Default 10 s.
    pub message_time: Duration,
    /// How long a TLS handshake may take. Default 5 s.
    pub handshake: Duration,
    /// How long a peer may leave answers unread. Default 5 s.
    pub write_timeout: Duration,
}

impl Default for DipLimits {
    fn default() -> Self {
        Self {
            waiting: 16_384,
            passed: 65_536,
            receive_buffer: 8 << 20,
            waiting_of_connection: 1_024,
            connections: 1_024,
            message: 65_535,
            idle: Duration::from_secs(120),
            message_time: Duration::from_secs(10),
            handshake: Duration::from_secs(5),
            write_timeout: Duration::from_secs(5),
        }
    }
}

/// A dip that runs.
#[derive(Debug)]
pub struct Dip {
    desk: Arc<Desk>,
    udp: Vec<(SocketAddr, Arc<Waker>)>,
    tcp: Vec<SocketAddr>,
    tls: Vec<SocketAddr>,
    certificates: Option<Certificates>,
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

impl Dip {
    /// Opens all sockets and starts their threads; all or none.
    ///
    /// # Errors
    /// What the system says, with the address it says it of; a file of a certificate that cannot be used.
    pub fn start(options: &DipOptions, gate: Gate, counts: DipCounts) -> io::Result<Self> {
        let desk = Arc::new(Desk {
            gate,
            counts,
            profile: options.profile.clone(),
            peer_header: options.peer_header.clone(),
            deadline: options.deadline,
            seed: options.seed,
            stopping: AtomicBool::new(false),
        });
        let mut sockets = Vec::new();
        for address in &options.udp {
            let open = || {
                let socket = batch::open(*address, options.limits.receive_buffer)?;
                udp::Listener::new(Arc::clone(&desk), socket, options.limits)
            };
            sockets.push(open().map_err(|error| at(*address, &error))?);
        }
        let certificates = match &options.certificates {
            Some(files) => Some(Certificates::read(files.clone())?),
            None if options.tls.is_empty() => None,
            None => {
                let why = "a dip over TLS needs a certificate and a key";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
            }
        };
        let (tcp, tls) = (open_all(&options.tcp)?, open_all(&options.tls)?);
        let mut dip = Self {
            desk,
            udp: Vec::new(),
            tcp: addresses(&tcp)?,
            tls: addresses(&tls)?,
            certificates,
            stop: watch::Sender::new(false),
            threads: Vec::new(),
        };
        for socket in sockets {
            dip.udp.push((socket.local(), socket.waker()));
            dip.spawn("dip-udp", || socket.run())?;
        }
        let tls = tls.into_iter().map(|listener| (listener, dip.certificates.clone()));
        let streams: Vec<_> = tcp.into_iter().map(|listener| (listener, None)).chain(tls).collect();
        if !streams.is_empty() {
            dip.serve_streams(streams, options.limits)?;
        }
        Ok(dip)
    }

    fn serve_streams(
        &mut self,
        listeners: Vec<(TcpListener, Option<Certificates>)>,
        limits: DipLimits,
    ) -> io::Result<()> {
        // A semaphore holds no more; nor does a system have as many descriptors.
        let limits = DipLimits { connections: limits.connections.min(1 << 20), ..limits };
        let shared = Arc::new(Shared {
            desk: Arc::clone(&self.desk),
            limits,
            room: Arc::new(Semaphore::new(limits.connections)),
            stop: self.stop.subscribe(),
        });
        self.spawn("dip-stream", move || stream::run(listeners, &shared))
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
        self.threads.push(thread::Builder::new().name(name.to_owned()).spawn(run)?);
        Ok(())
    }

    /// Where it listens over UDP, in the order of the options.
    pub fn udp_addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.udp.iter().map(|(address, _)| *address)
    }

    /// Where it listens over TCP, in the order of the options.
    #[must_use]
    pub fn tcp_addresses(&self) -> &[SocketAddr] {
        &self.tcp
    }

    /// Where it listens over TLS, in the order of the options.
    #[must_use]
    pub fn tls_addresses(&self) -> &[SocketAddr] {
        &self.tls
    }

    /// Reads the certificates again, for the connections that come from now on.
    ///
    /// # Errors
    /// With the file that is at fault; those of before stay in use.
    pub fn reload_certificates(&self) -> io::Result<()> {
        self.certificates.as_ref().map_or(Ok(()), Certificates::renew)
    }

    fn tell_to_stop(&self) {
        self.desk.stopping.store(true, Ordering::Release);
        self.stop.send_replace(true);
        self.udp.iter().for_each(|(_, waker)| waker.wake());
    }
}

impl Adapter for Dip {
    fn name(&self) -> &'static str {
        "dip"
    }

    fn trouble(&self) -> Option<String> {
        let ended = self.threads.iter().find(|thread| thread.is_finished());
        ended.map(|thread| format!("dip: thread {} has ended", thread.thread().name().unwrap_or("?")))
    }

    fn reload(&self) -> Result<(), String> {
        self.reload_certificates().map_err(|error| format!("dip: {error}; the certificates in use stay"))
    }

    /// Calls that wait get their answer, within the deadline; calls that come meanwhile pass.
    fn stop(mut self: Box<Self>) {
        self.tell_to_stop();
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to answer.
            let _ = thread.join();
        }
    }
}

/// Threads end soon after the dip is gone.
impl Drop for Dip {
    fn drop(&mut self) {
        self.tell_to_stop();
    }
}

fn open_all(addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    let open = |address: &SocketAddr| stream::open(*address).map_err(|error| at(*address, &error));
    addresses.iter().map(open).collect()
}

fn addresses(listeners: &[TcpListener]) -> io::Result<Vec<SocketAddr>> {
    listeners.iter().map(TcpListener::local_addr).collect()
}

fn at(address: SocketAddr, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{address}: {error}"))
}
