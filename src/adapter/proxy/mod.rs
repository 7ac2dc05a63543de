//! A stateless SIP proxy in the path, for networks whose switches cannot ask by redirect. RFC 3261 §16, above all §16.11.
//!
//! In: SIP over UDP from carriers on one side and from the operator's core on the other. Out: the same messages, unchanged
//! but for Via, Route, Record-Route and Max-Forwards. An INVITE from a carrier is held until the decision loop has answered:
//! then it goes on, goes on without its number, is refused, or is sent elsewhere. All else passes at once, and the loop sees
//! it by a tap, so that it knows how calls end. It keeps no transactions and no dialogs; what it remembers is said in `masks` and in
//! [`ProxyLimits`]. It fails open as every adapter does. Must not: judge, look up names, or pass anything between addresses
//! that it was not told of.

mod counts;
mod hops;
mod masks;
mod options;
mod post;
mod sides;
#[cfg(test)]
mod tests;
mod worker;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub use counts::{Kind, ProxyCounts};
pub use options::{ProxyLimits, ProxyOptions, SideOptions};

use crate::adapter::batch;
use crate::adapter::inline::Tap;
use crate::adapter::proxy::masks::Masks;
use crate::adapter::proxy::sides::{Side, Sides};
use crate::adapter::proxy::worker::{Seat, Worker};
use crate::adapter::{Adapter, Gate, Waker};

/// Longest that an INVITE may be held: half of T1 (RFC 3261 §17.1.1.1), after which its sender repeats it.
const DEADLINE_MAX: Duration = Duration::from_millis(250);

/// What the threads of a proxy share.
#[derive(Debug)]
struct Shared {
    options: ProxyOptions,
    gate: Gate,
    counts: ProxyCounts,
    sides: Sides,
    masks: Masks,
    /// Towards the carriers, and towards the core; the same where they share an address.
    sockets: [Arc<UdpSocket>; 2],
    stopping: AtomicBool,
}

impl Shared {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

/// A proxy that runs.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    threads: Vec<(Arc<Waker>, JoinHandle<()>)>,
}

impl Proxy {
    /// Opens its sockets and starts their threads; all or none.
    ///
    /// # Errors
    /// What the system says, with the address it says it of; options that cannot be.
    pub fn start<T>(options: ProxyOptions, gate: Gate, tap: &T, counts: ProxyCounts) -> io::Result<Self>
    where
        T: Tap + Clone + 'static,
    {
        check(&options)?;
        let open = |address: SocketAddr| {
            let open = batch::open(address, options.limits.receive_buffer);
            open.map(Arc::new).map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))
        };
        let carriers = open(options.carriers.listen)?;
        let is_one = options.carriers.listen == options.core.listen;
        let core = if is_one { Arc::clone(&carriers) } else { open(options.core.listen)? };
        let locals = [carriers.local_addr()?, core.local_addr()?];
        let shared = Arc::new(Shared {
            sides: Sides::new(&options, locals),
            masks: Masks::new(&options),
            sockets: [carriers, core],
            stopping: AtomicBool::new(false),
            options,
            gate,
            counts,
        });
        let here =
            if is_one { vec![Side::BOTH.to_vec()] } else { Side::BOTH.map(|side| vec![side]).to_vec() };
        let mut proxy = Self { shared, threads: Vec::new() };
        for here in here {
            let seat = Seat::new(here, proxy.shared.options.limits.held)?;
            let (shared, waker) = (Arc::clone(&proxy.shared), Arc::clone(&seat.answers.waker));
            let tap = Box::new(tap.clone());
            let run = move || Worker::new(shared, seat, tap).run();
            let thread = thread::Builder::new().name("sip-proxy".to_owned()).spawn(run)?;
            proxy.threads.push((waker, thread));
        }
        Ok(proxy)
    }

    /// Where it listens, towards carriers and towards the core.
    #[must_use]
    pub fn addresses(&self) -> [SocketAddr; 2] {
        Side::BOTH.map(|side| self.shared.sides.at(side).local)
    }

    fn tell_to_stop(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.threads.iter().for_each(|(waker, _)| waker.wake());
    }
}

impl Adapter for Proxy {
    fn name(&self) -> &'static str {
        "sip-proxy"
    }

    fn trouble(&self) -> Option<String> {
        if self.threads.iter().any(|(_, thread)| thread.is_finished()) {
            return Some("a thread of the proxy has ended".to_owned());
        }
        let silent = |side: Side| !self.shared.sides.at(side).hops.is_alive();
        match Side::BOTH.map(silent) {
            [_, true] => Some("no next hop of the core answers".to_owned()),
            [true, false] => Some("no next hop of the carriers answers".to_owned()),
            [false, false] => None,
        }
    }

    /// Calls that are held get their answer, within the deadline; calls that come meanwhile pass.
    fn stop(mut self: Box<Self>) {
        self.tell_to_stop();
        for (_, thread) in self.threads.drain(..) {
            // A thread that panicked has nothing left to answer.
            let _ = thread.join();
        }
    }
}

/// Threads end soon after the proxy is gone.
impl Drop for Proxy {
    fn drop(&mut self) {
        self.tell_to_stop();
    }
}

fn check(options: &ProxyOptions) -> io::Result<()> {
    let header = options.monetise_header.as_ref();
    let has_break = |text: &String| text.contains(['\r', '\n']);
    let why = if options.deadline.is_zero() || options.deadline > DEADLINE_MAX {
        "a proxy may hold a call for 1 ms to 250 ms"
    } else if options.core.next_hops.is_empty() && options.core.networks.is_empty() {
        "a proxy needs a next hop in the core, or its networks"
    } else if header.is_some_and(|(name, value)| name.is_empty() || has_break(name) || has_break(value)) {
        "a header line has a name and no line break"
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, why))
}
