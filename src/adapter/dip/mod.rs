//! The SIP redirect dip: a switch sends an INVITE and gets the verdict as a final response. RFC 3261 §8.3.
//!
//! In: INVITEs over UDP, TCP and TLS. Out: a response to each, once, within the deadline: at which the switch goes on with
//! the call, ends it, or sends it elsewhere, as its profile says. A dip keeps no transactions and no dialogs: responses are
//! made of the request, so that a retransmission gets the same octets. OPTIONS are answered and ACKs taken. Must not:
//! judge, or keep a call waiting beyond the deadline; an emergency call does not wait at all.

mod answer;
mod batch;
mod counts;
mod desk;
mod passed;
mod profile;
mod ring;
mod template;
#[cfg(test)]
mod tests;
mod udp;
mod waker;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub use answer::{Told, tell};
pub use counts::{DipCounts, Kind};
pub use profile::{Profile, ProfileError, ProfileOptions, Redress};
pub use template::{Hole, TEMPLATE_MAX, Template, TemplateError};

use crate::adapter::Gate;
use crate::adapter::dip::desk::Desk;
use crate::base::map::Seed;

/// What a dip is.
#[derive(Clone, Debug)]
pub struct DipOptions {
    /// Addresses to listen at over UDP. None may be the unspecified address: an answer must come from the address that was
    /// asked.
    pub udp: Vec<SocketAddr>,
    /// How long a switch waits for an answer at most; then the call passes. 1 ms to 10 s; default 50 ms.
    pub deadline: Duration,
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
}

impl Default for DipLimits {
    fn default() -> Self {
        Self { waiting: 16_384, passed: 65_536, receive_buffer: 8 << 20 }
    }
}

/// A dip that runs.
#[derive(Debug)]
pub struct Dip {
    desk: Arc<Desk>,
    udp: Vec<(SocketAddr, Arc<udp::Answers>, JoinHandle<()>)>,
}

impl Dip {
    /// Opens all sockets and starts their threads; all or none.
    ///
    /// # Errors
    /// What the system says, with the address it says it of.
    pub fn start(options: &DipOptions, gate: Gate, counts: DipCounts) -> io::Result<Self> {
        let desk = Arc::new(Desk {
            gate,
            counts,
            profile: options.profile.clone(),
            deadline: options.deadline,
            seed: options.seed,
            stopping: AtomicBool::new(false),
        });
        let mut listeners = Vec::new();
        for address in &options.udp {
            let open = || {
                let socket = udp::open(*address, options.limits.receive_buffer)?;
                udp::Listener::new(Arc::clone(&desk), socket, options.limits)
            };
            listeners.push(open().map_err(|error| at(*address, &error))?);
        }
        let mut dip = Self { desk, udp: Vec::new() };
        for listener in listeners {
            let (address, answers) = (listener.local(), listener.answers());
            let thread = thread::Builder::new().name("dip-udp".to_owned()).spawn(|| listener.run())?;
            dip.udp.push((address, answers, thread));
        }
        Ok(dip)
    }

    /// Where it listens over UDP, in the order of the options.
    pub fn udp_addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.udp.iter().map(|(address, _, _)| *address)
    }

    /// Ends it: calls that wait get their answer, within the deadline; calls that come meanwhile pass.
    pub fn stop(mut self) {
        self.tell_to_stop();
        for (_, _, thread) in self.udp.drain(..) {
            // A thread that panicked has nothing left to answer.
            let _ = thread.join();
        }
    }

    fn tell_to_stop(&self) {
        self.desk.stopping.store(true, Ordering::Release);
        self.udp.iter().for_each(|(_, answers, _)| answers.waker.wake());
    }
}

/// Threads end soon after the dip is gone.
impl Drop for Dip {
    fn drop(&mut self) {
        self.tell_to_stop();
    }
}

fn at(address: SocketAddr, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{address}: {error}"))
}
