//! Live capture: frames off an interface as they pass, by libpcap; several sockets share a busy one.
//!
//! In: [`LiveOptions`]. Out: batches, by [`Feeder`]. Where nobody takes the batches the kernel's buffer fills and then
//! drops frames, which is counted ([`Loss::Kernel`]). An interface that goes down is read again when it comes up; one
//! that vanishes is opened again when it is back. Must not: send anything.

use std::error::Error;
use std::fmt;
use std::os::fd::AsFd;
use std::process;
use std::time::Duration;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use pcap::{Active, Capture, Device, Precision};

use crate::base::fault::{Kind, Layer};
use crate::base::frame::Link;
use crate::base::time::At;
use crate::clock::{self, Stopwatch};
use crate::source::counts::{Loss, Tally};
use crate::source::{FeedOptions, Feeder, Outlet, Running, Stop, Work, start};
use crate::wire::pcap::link_of;

/// The interface that stands for all.
const ANY: &str = "any";
/// Frames read before the clock is looked at.
const ROUND: usize = 256;
/// The longest wait for frames; also how long being told to stop may go unnoticed.
const WAIT_MAX: Duration = Duration::from_millis(10);
/// How often the interface and the kernel's counts are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Pauses between attempts to open an interface again.
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(2);
/// Fanout groups tried, should another program use one for another interface.
const GROUPS: u16 = 16;

/// Which frames are captured, and how.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// Interfaces, such as `eth0`; `any` is all of them, as one.
    pub interfaces: Vec<String>,
    /// Which frames, in the language of pcap-filter(7); empty is all. `port 5060` alone finds no frames with VLAN tags.
    pub filter: String,
    /// Octets kept of a frame; a signalling message cut by it is counted and read as far as it goes.
    pub snap_length: u32,
    /// The kernel's buffer for each socket, in octets, up to 2 GiB.
    pub buffer_bytes: u32,
    /// How long the kernel may hold frames back to hand them over together; at least a millisecond.
    pub timeout: Duration,
    /// Also frames that are not for this host: needed behind a mirror port.
    pub promiscuous: bool,
    /// Sockets for each interface, 1 to 64, with a thread each: a flow stays with its socket.
    pub sockets: u16,
    /// How batches are cut.
    pub feed: FeedOptions,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            interfaces: Vec::new(),
            filter: String::new(),
            snap_length: 65_535,
            buffer_bytes: 64 << 20,
            timeout: Duration::from_millis(10),
            promiscuous: true,
            sockets: 1,
            feed: FeedOptions::default(),
        }
    }
}

/// Why an interface is not captured, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveError {
    /// The filter is none.
    BadFilter {
        /// The filter.
        filter: String,
        /// What libpcap says.
        reason: String,
    },
    /// The program may not capture.
    Denied {
        /// The interface.
        interface: String,
    },
    /// There is no such interface.
    NoSuchInterface {
        /// The interface.
        interface: String,
        /// Those that there are.
        there_are: Vec<String>,
    },
    /// No interface was named.
    NoneNamed,
    /// Anything else.
    Other {
        /// The interface.
        interface: String,
        /// What libpcap or the system says.
        reason: String,
    },
    /// Its frames are of this LINKTYPE_, which is not read.
    UnknownLinkType {
        /// The interface.
        interface: String,
        /// LINKTYPE_ value.
        link_type: i32,
    },
}

impl fmt::Display for LiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadFilter { filter, reason } => {
                write!(f, "filter `{filter}`: {reason}; write it as for tcpdump (man pcap-filter)")
            }
            Self::Denied { interface } => write!(
                f,
                "{interface}: not permitted to capture; give the program the right with `setcap cap_net_raw+ep` on its \
                 file, or AmbientCapabilities=CAP_NET_RAW in its unit file"
            ),
            Self::NoSuchInterface { interface, there_are } => {
                write!(f, "{interface}: no such interface; there are {}", there_are.join(", "))
            }
            Self::NoneNamed => f.write_str("no interface to capture on; name one, or `any` for all"),
            Self::Other { interface, reason } => {
                write!(f, "{interface}: cannot capture ({reason}); check the interface with `ip link`")
            }
            Self::UnknownLinkType { interface, link_type } => {
                write!(
                    f,
                    "{interface}: frames of link type {link_type} are not read; capture on `any` instead"
                )
            }
        }
    }
}

impl Error for LiveError {}

/// Opens every interface and starts reading.
///
/// # Errors
/// The first interface that cannot be captured. What happens to one afterwards is waited for, counted and logged.
pub fn run(options: &LiveOptions, outlet: &Outlet) -> Result<Running, LiveError> {
    if options.interfaces.is_empty() {
        return Err(LiveError::NoneNamed);
    }
    let mut works: Vec<Work> = Vec::new();
    // Another program is unlikely to use the same group: the number differs with each start.
    let mut group = (clock::now().nanos() / 1_000) as u16 ^ process::id() as u16;
    for interface in &options.interfaces {
        let shared = options.sockets > 1;
        for index in 0..options.sockets.clamp(1, 64) {
            let mut socket = Socket {
                interface: interface.clone(),
                options: options.clone(),
                group: shared.then_some(group),
                is_first: index == 0,
            };
            let open = socket.open_first()?;
            group = socket.group.unwrap_or(group);
            let outlet = outlet.clone();
            works.push(Box::new(move |stop, tally| socket.run(open, outlet, (stop, tally))));
        }
        group = group.wrapping_add(1);
    }
    let name = options.interfaces.join(",");
    start(name.clone(), works)
        .map_err(|error| LiveError::Other { interface: name, reason: error.to_string() })
}

/// One socket on one interface.
struct Socket {
    interface: String,
    options: LiveOptions,
    /// Group of the sockets that share the interface.
    group: Option<u16>,
    /// The one that counts what is counted by interface.
    is_first: bool,
}

/// A socket that captures.
struct Open {
    capture: Capture<Active>,
    link: Link,
    /// Number of the interface; 0 for all. An interface that was made anew has another.
    index: u32,
    /// Until when others of the group captured these frames too, and since when that is so.
    shared_from: Option<(At, Stopwatch)>,
    is_up: bool,
    kernel: u32,
    interface: u32,
}

impl Socket {
    /// Opens it; the first of a group looks for a group that is free.
    fn open_first(&mut self) -> Result<Open, LiveError> {
        let mut tries = if self.is_first { GROUPS } else { 1 };
        loop {
            tries -= 1;
            match self.open() {
                Err(LiveError::Other { .. }) if tries > 0 && self.group.is_some() => {
                    self.group = self.group.map(|group| group.wrapping_add(1));
                }
                result => return result,
            }
        }
    }

    fn open(&self) -> Result<Open, LiveError> {
        let options = &self.options;
        let interface = self.interface.as_str();
        let index = if_nametoindex(interface).unwrap_or(0);
        if index == 0 && interface != ANY {
            return Err(LiveError::NoSuchInterface {
                interface: interface.to_owned(),
                there_are: interfaces(),
            });
        }
        let capture = Capture::from_device(interface)
            .map(|capture| {
                capture
                    .snaplen(i32::try_from(options.snap_length).unwrap_or(i32::MAX))
                    .buffer_size(i32::try_from(options.buffer_bytes).unwrap_or(i32::MAX))
                    .timeout(i32::try_from(options.timeout.as_millis()).unwrap_or(i32::MAX).max(1))
                    .promisc(options.promiscuous)
                    .precision(Precision::Nano)
            })
            .and_then(Capture::open)
            .and_then(Capture::setnonblock);
        let mut capture = capture.map_err(|error| self.refusal(&error.to_string()))?;
        let link_type = capture.get_datalink().0;
        let link = u32::try_from(link_type).ok().and_then(link_of);
        let link =
            link.ok_or_else(|| LiveError::UnknownLinkType { interface: interface.to_owned(), link_type })?;
        capture.filter(&options.filter, true).map_err(|error| LiveError::BadFilter {
            filter: options.filter.clone(),
            reason: error.to_string(),
        })?;
        let mut shared_from = None;
        if let Some(group) = self.group {
            // What this socket captures before it is in the group, others capture too.
            shared_from = Some((clock::now(), Stopwatch::start()));
            tollgate_sys::join_fanout(capture.as_fd(), group)
                .map_err(|error| self.refusal(&error.to_string()))?;
        }
        Ok(Open { capture, link, index, shared_from, is_up: true, kernel: 0, interface: 0 })
    }

    fn refusal(&self, reason: &str) -> LiveError {
        let interface = self.interface.clone();
        let text = reason.to_ascii_lowercase();
        if text.contains("not permitted") || text.contains("permission") {
            LiveError::Denied { interface }
        } else {
            LiveError::Other { interface, reason: reason.to_owned() }
        }
    }

    /// Reads until told to stop, however often the interface vanishes.
    fn run(self, mut open: Open, outlet: Outlet, (stop, tally): (Stop, Tally)) {
        let feed = self.options.feed.clone();
        let mut feeder = Feeder::of_now((outlet, stop, tally), feed);
        loop {
            feeder.counts().opened += 1;
            let reason = self.read(&mut open, &mut feeder);
            self.look_at_counts(&mut open, &mut feeder);
            let Some(reason) = reason else { break };
            feeder.counts().interrupted += 1;
            tracing::warn!(interface = %self.interface, %reason, "capture interrupted; opening it again");
            drop(open);
            match self.open_again(&mut feeder) {
                Some(again) => open = again,
                None => break,
            }
            tracing::info!(interface = %self.interface, "capture goes on");
        }
        feeder.finish();
    }

    /// Tries until it succeeds; `None` when told to stop.
    fn open_again(&self, feeder: &mut Feeder) -> Option<Open> {
        let mut pause = RETRY_MIN;
        loop {
            let since = Stopwatch::start();
            while since.elapsed() < pause {
                if feeder.pause(feeder.wait().clamp(Duration::from_millis(1), RETRY_MIN)) {
                    return None;
                }
                feeder.idle();
            }
            match self.open() {
                Ok(open) => return Some(open),
                Err(error) => tracing::debug!(%error, "not yet"),
            }
            pause = (pause * 2).min(RETRY_MAX);
        }
    }

    /// Reads frames. Why it cannot go on; `None` when told to stop.
    fn read(&self, open: &mut Open, feeder: &mut Feeder) -> Option<String> {
        let mut looked = Stopwatch::start();
        loop {
            let is_drained = match read_round(open, feeder) {
                Ok(is_drained) => is_drained,
                Err(error) => return Some(error.to_string()),
            };
            feeder.idle();
            if feeder.is_over() {
                return None;
            }
            if is_drained {
                await_frames(open, feeder.wait());
            }
            if looked.elapsed() >= LOOK {
                looked = Stopwatch::start();
                self.look_at_counts(open, feeder);
                if let Some(reason) = self.look_at_interface(open, feeder) {
                    return Some(reason);
                }
            }
        }
    }

    /// Why the socket is of no use any more. One of an interface that is only down goes on when it is up.
    fn look_at_interface(&self, open: &mut Open, feeder: &mut Feeder) -> Option<String> {
        if open.index == 0 {
            return None;
        }
        if if_nametoindex(self.interface.as_str()) != Ok(open.index) {
            return Some("the interface vanished".to_owned());
        }
        let is_up = is_up(&self.interface);
        if open.is_up && !is_up {
            feeder.counts().interrupted += 1;
            tracing::warn!(interface = %self.interface, "the interface is down; capture goes on when it is up");
        } else if is_up && !open.is_up {
            tracing::info!(interface = %self.interface, "the interface is up; capture goes on");
        }
        open.is_up = is_up;
        None
    }

    /// Adds what the kernel has counted since the last look. Its counts are of 32 bits and begin with the socket.
    fn look_at_counts(&self, open: &mut Open, feeder: &mut Feeder) {
        let Ok(stats) = open.capture.stats() else { return };
        feeder.counts().lose(Loss::Kernel, u64::from(stats.dropped.wrapping_sub(open.kernel)));
        open.kernel = stats.dropped;
        if self.is_first {
            feeder.counts().lose(Loss::Interface, u64::from(stats.if_dropped.wrapping_sub(open.interface)));
        }
        open.interface = stats.if_dropped;
    }
}

/// Hands on the frames that are there, up to a number; whether there are no more.
fn read_round(open: &mut Open, feeder: &mut Feeder) -> Result<bool, pcap::Error> {
    for _ in 0..ROUND {
        let packet = match open.capture.next_packet() {
            Ok(packet) => packet,
            Err(pcap::Error::TimeoutExpired) => return Ok(true),
            Err(error) => return Err(error),
        };
        let header = packet.header;
        // Nanoseconds, as asked for. Before 1970 there is no time.
        let seconds = u64::try_from(header.ts.tv_sec).unwrap_or(0);
        let nanos = u64::try_from(header.ts.tv_usec).unwrap_or(0);
        let at = At::from_nanos(seconds.saturating_mul(1_000_000_000).saturating_add(nanos));
        if let Some((from, since)) = open.shared_from {
            if at < from && since.elapsed() < LOOK {
                continue;
            }
            open.shared_from = None;
        }
        if header.len < header.caplen {
            feeder.fault(Layer::Link, Kind::BadLength);
        }
        feeder.frame(at, open.link, (packet.data, header.len.max(header.caplen)));
    }
    Ok(false)
}

/// Waits until there are frames, for no longer than that.
fn await_frames(open: &Open, span: Duration) {
    let span = span.min(WAIT_MAX);
    // Rounded up: a wait of no time at all would keep a processor busy.
    let millis = u16::try_from(span.as_micros().div_ceil(1_000)).unwrap_or(u16::MAX);
    let mut descriptors = [PollFd::new(open.capture.as_fd(), PollFlags::POLLIN)];
    // What is wrong with the socket, reading it says.
    let _ = poll(&mut descriptors, PollTimeout::from(millis));
}

/// Whether an interface is up; one that nothing is known of is taken to be.
fn is_up(interface: &str) -> bool {
    let Ok(all) = getifaddrs() else { return true };
    all.filter(|one| one.interface_name == interface).all(|one| one.flags.contains(InterfaceFlags::IFF_UP))
}

/// Names of the interfaces there are.
fn interfaces() -> Vec<String> {
    let devices = Device::list().unwrap_or_default();
    devices
        .into_iter()
        .map(|device| device.name)
        .filter(|name| if_nametoindex(name.as_str()).is_ok() || name == ANY)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(options: &LiveOptions) -> LiveError {
        let (outlet, _inlet) = crate::source::queue(1);
        run(options, &outlet).unwrap_err()
    }

    #[test]
    fn an_interface_that_is_not_there_is_named_with_those_that_are() {
        let options = LiveOptions { interfaces: vec!["nowhere9".to_owned()], ..LiveOptions::default() };
        let error = refused(&options);
        assert!(matches!(&error, LiveError::NoSuchInterface { interface, .. } if interface == "nowhere9"));
        assert!(error.to_string().starts_with("nowhere9: no such interface; there are "), "{error}");
        assert_eq!(refused(&LiveOptions::default()), LiveError::NoneNamed);
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let socket = Socket {
            interface: "lo".to_owned(),
            options: LiveOptions::default(),
            group: None,
            is_first: true,
        };
        let denied = socket.refusal("socket: Operation not permitted");
        assert!(denied.to_string().contains("CAP_NET_RAW"), "{denied}");
        assert!(matches!(socket.refusal("odd"), LiveError::Other { .. }));
    }
}
