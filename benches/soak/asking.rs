//! Asks about calls at a rate, whatever comes back, and acknowledges every answer.

use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_channel::Sender;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{setsockopt, sockopt};
use tollgate::base::time::At;
use tollgate::clock::{self, Stopwatch};

use crate::calls::{Kind, Plan};
use crate::telling::Begun;

/// Seconds after which a call is given up for lost when all others have ended.
const LOST_AFTER: f64 = 2.0;
/// Microseconds of a class of waiting times; the last class is of all that waited longer.
const CLASS: f64 = 100.0;
const CLASSES: usize = 1_000;

/// What came of it so far.
pub struct Asked {
    pub sent: AtomicU64,
    pub answered: AtomicU64,
    pub blocked: AtomicU64,
    pub redirected: AtomicU64,
    /// Emergency calls that were not let through.
    pub held_up: AtomicU64,
    /// Answers that came after 60 ms: the deadline is 50 ms.
    pub late: AtomicU64,
    /// Answers by how long they took.
    waits: [AtomicU64; CLASSES],
}

impl Default for Asked {
    fn default() -> Self {
        let zero = AtomicU64::default;
        Self {
            sent: zero(),
            answered: zero(),
            blocked: zero(),
            redirected: zero(),
            held_up: zero(),
            late: zero(),
            waits: [(); CLASSES].map(|()| zero()),
        }
    }
}

impl Asked {
    /// Milliseconds within which this share was answered since the last time that this was asked.
    pub fn take_percentile(&self, share: f64) -> f64 {
        let waits: Vec<u64> = self.waits.iter().map(|class| class.swap(0, Ordering::Relaxed)).collect();
        let mut left = (waits.iter().sum::<u64>() as f64 * share) as u64;
        let class = waits.iter().position(|count| {
            let is_here = *count > left;
            left = left.saturating_sub(*count);
            is_here
        });
        class.map_or(f64::NAN, |class| (class + 1) as f64 * CLASS / 1e3)
    }

    /// Calls whose answer is not there.
    pub fn open(&self) -> u64 {
        self.sent.load(Ordering::Relaxed).saturating_sub(self.answered.load(Ordering::Relaxed))
    }
}

/// Asks about `rate` calls a second until `stop`, then waits for answers that are on their way. Calls that go on are handed to
/// whoever tells their ends.
pub fn run(
    (address, rate): (SocketAddr, f64),
    asked: Arc<Asked>,
    begun: Sender<Begun>,
    stop: Arc<AtomicBool>,
) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.connect(address).expect("loopback");
    socket.set_nonblocking(true).expect("a flag");
    // The loader must lose nothing itself.
    let _ = setsockopt(&socket, sockopt::RcvBufForce, &(8 << 20));
    let local = socket.local_addr().expect("it is bound");
    let mut asking = Asking {
        socket,
        local,
        asked,
        begun,
        watch: Stopwatch::start(),
        sent_at: Vec::new(),
        out: Vec::new(),
    };
    let mut stopped_at = None;
    loop {
        let now = asking.watch.seconds();
        if stop.load(Ordering::Relaxed) && stopped_at.is_none() {
            stopped_at = Some(now);
        }
        match stopped_at {
            None => {
                let due = ((now * rate) as usize).saturating_sub(asking.sent_at.len()).min(64);
                (0..due).for_each(|_| asking.invite());
            }
            Some(at) if asking.asked.open() == 0 || now > at + LOST_AFTER => return,
            Some(_) => {}
        }
        asking.receive();
        let mut wanted = [PollFd::new(asking.socket.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut wanted, PollTimeout::from(1_u8));
    }
}

struct Asking {
    socket: UdpSocket,
    local: SocketAddr,
    asked: Arc<Asked>,
    begun: Sender<Begun>,
    watch: Stopwatch,
    /// By number of the call: seconds of the watch, negative once answered; and the wall clock's time.
    sent_at: Vec<(f64, At)>,
    out: Vec<u8>,
}

impl Asking {
    fn invite(&mut self) {
        let number = self.sent_at.len() as u32;
        self.out.clear();
        Plan::of(number).write_invite(number, self.local, &mut self.out);
        if self.socket.send(&self.out).is_ok() {
            self.sent_at.push((self.watch.seconds(), clock::now()));
            self.asked.sent.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn receive(&mut self) {
        let mut buffer = [0; 4_096];
        while let Ok(length) = self.socket.recv(&mut buffer) {
            let _ = self.answer(&buffer[..length]);
        }
    }

    fn answer(&mut self, response: &[u8]) -> Option<()> {
        let text = std::str::from_utf8(response).ok()?;
        let status: u16 = text.get(8..11)?.parse().ok()?;
        let line = |name: &str| text.split("\r\n").find_map(|line| line.strip_prefix(name));
        let (call, to, from) = (line("Call-ID: ")?, line("To: ")?, line("From: ")?);
        let number = u32::from_str_radix(call.get(..8)?, 16).ok()?;
        let (sent_at, setup_at) = *self.sent_at.get(number as usize)?;
        self.out.clear();
        write!(
            self.out,
            "ACK sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK{number:08x}\r\nFrom: {from}\r\n\
             To: {to}\r\nCall-ID: {call}\r\nCSeq: 1 ACK\r\nMax-Forwards: 69\r\nContent-Length: 0\r\n\r\n",
            self.local
        )
        .expect("memory takes it");
        let _ = self.socket.send(&self.out);
        if sent_at < 0.0 {
            return None;
        }
        self.sent_at[number as usize].0 = -1.0;
        self.count(status, Plan::of(number).kind, (self.watch.seconds() - sent_at) * 1e6);
        if status < 600 {
            // Whoever tells has ended only when all end.
            let _ = self.begun.send(Begun { number, setup_at });
        }
        Some(())
    }

    fn count(&self, status: u16, kind: Kind, microseconds: f64) {
        let Asked { answered, blocked, redirected, held_up, late, waits, .. } = &*self.asked;
        answered.fetch_add(1, Ordering::Relaxed);
        let counter = match status {
            600.. => Some(blocked),
            300..=399 => Some(redirected),
            _ => None,
        };
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::Relaxed);
            held_up.fetch_add(u64::from(kind == Kind::Emergency), Ordering::Relaxed);
        }
        if microseconds > 60_000.0 {
            late.fetch_add(1, Ordering::Relaxed);
        }
        waits[((microseconds / CLASS) as usize).min(CLASSES - 1)].fetch_add(1, Ordering::Relaxed);
    }
}
