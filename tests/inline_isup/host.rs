//! An exchange on a host of its own: its association is carried by a raw socket, its time is real but runs faster.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn};
use nix::sys::socket::{recv, sendto, socket};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tollgate::base::frame::{Mtp, MtpPlan, RoutingLabel};
use tollgate::clock::{Deadline, Stopwatch};
use tollgate::simulate::render::m3ua;
use tollgate::wire::{m3ua as read, sctp};

use super::association::Endpoint;
use super::exchange::{Ending, Exchange, Wish};
use super::namespaces::{CARRIER_IP, SWITCH_IP};
use super::{CALLS, Micros, SECOND};

/// Microseconds of the exchanges in one of ours.
const SPEED: f64 = 4.0;
const CODES: [u32; 2] = [200, 100];
const CIRCUITS: u16 = 8;

/// An exchange, its end of the association, and a socket that carries SCTP.
pub struct Host {
    side: usize,
    pub exchange: Exchange,
    end: Endpoint,
    socket: OwnedFd,
    wishes: VecDeque<(Micros, Wish)>,
    flush_at: Option<Micros>,
    since: Stopwatch,
    rng: ChaCha8Rng,
}

impl Host {
    pub fn new(side: usize) -> Self {
        // The same at both ends: they know each other's tags and numbers, as after an INIT.
        let [first, second] = Endpoint::pair(&mut ChaCha8Rng::seed_from_u64(7));
        let mut end = if side == 0 { first } else { second };
        end.is_ipv6 = false;
        let mut rng = ChaCha8Rng::seed_from_u64(side as u64);
        let name = ["near", "far"][side];
        let exchange = Exchange::new(
            name,
            CODES[side] > CODES[1 - side],
            CIRCUITS,
            ChaCha8Rng::seed_from_u64(rng.random()),
        );
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Inet, SockType::Raw, flags, SockProtocol::Sctp).unwrap();
        let [up, ack] = m3ua::asp_up();
        end.push(0, if side == 0 { &up } else { &ack });
        let mut wishes = VecDeque::new();
        let mut at = SECOND / 2;
        for call in (0..CALLS).filter(|_| side == 0) {
            // Some come at once, in one packet or one behind the other.
            at += if rng.random_bool(0.3) { 0 } else { rng.random_range(0..SECOND / 2) };
            let sends_more = rng.random_bool(0.3);
            wishes.push_back((at, Wish { call, is_emergency: false, sends_more, patience: 60 * SECOND }));
        }
        let (since, flush_at) = (Stopwatch::start(), Some(0));
        Self { side, exchange, end, socket, wishes, flush_at, since, rng }
    }

    fn now(&self) -> Micros {
        (self.since.seconds() * SPEED * 1e6) as Micros
    }

    /// Until the input ends and nothing is left to do.
    pub fn run(mut self) {
        println!("READY");
        let has_ended = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&has_ended);
        thread::spawn(move || {
            let _ = io::stdin().read_to_end(&mut Vec::new());
            ended.store(true, Ordering::Release);
        });
        let deadline = Deadline::after(Duration::from_secs(60));
        let mut is_done = false;
        loop {
            self.turn();
            let is_quiet = self.wishes.is_empty() && self.exchange.is_idle() && self.end.is_quiet();
            if is_quiet && !std::mem::replace(&mut is_done, true) {
                println!("DONE");
            }
            if is_quiet && has_ended.load(Ordering::Acquire) {
                break;
            }
            assert!(!deadline.left().is_zero(), "{}: {}", self.exchange.name, self.exchange.states());
        }
        println!("REPORT {}", self.report());
    }

    fn turn(&mut self) {
        // Ten milliseconds of an exchange at the most.
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut fds, PollTimeout::from(2_u8));
        let now = self.now();
        self.exchange.set_now(now);
        self.receive(now);
        while self.wishes.front().is_some_and(|(at, _)| *at <= now) && self.has_idle() {
            let (_, wish) = self.wishes.pop_front().unwrap();
            self.exchange.call(wish);
        }
        self.exchange.run_due();
        if self.end.t3.is_some_and(|at| at <= now) {
            let packets = self.end.retransmit(now, &mut self.rng);
            self.send(packets);
        }
        for (cic, isup) in std::mem::take(&mut self.exchange.outbox) {
            let sls = (cic % 4) as u8;
            let (opc, dpc) = (CODES[self.side], CODES[1 - self.side]);
            let label = RoutingLabel { standard: Mtp::Itu, opc, dpc, network_indicator: 2, sls };
            self.end.push(1 + u16::from(sls), &m3ua::data(label, &isup));
            self.flush_at = self.flush_at.or(Some(now));
        }
        if self.flush_at.is_some_and(|at| at <= now) {
            self.flush_at = None;
            let packets = self.end.flush(now, &mut self.rng);
            self.send(packets);
        }
    }

    fn has_idle(&self) -> bool {
        self.exchange.states().split(", ").filter(|state| !state.is_empty()).count() < usize::from(CIRCUITS)
    }

    fn receive(&mut self, now: Micros) {
        let mut buffer = [0; 65_536];
        while let Ok(length) = recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            let packet = &buffer[..length];
            assert_eq!(usize::from(u16::from_be_bytes([packet[2], packet[3]])), length);
            assert!(packet[28..32] != [0; 4] && sctp::is_sealed(&packet[20..]), "CRC32c");
            for message in self.end.receive(now, packet) {
                let message = read::Message::parse(&message).unwrap();
                if message.is_data() {
                    self.exchange.hear(message.protocol_data(MtpPlan::default()).unwrap().user);
                }
            }
            self.flush_at = self.flush_at.or(Some(now + SECOND / 50));
        }
    }

    fn send(&self, packets: Vec<Vec<u8>>) {
        let to: Ipv4Addr = [SWITCH_IP, CARRIER_IP][self.side].parse().unwrap();
        for packet in packets {
            let to = SockaddrIn::from(SocketAddrV4::new(to, 0));
            sendto(self.socket.as_raw_fd(), &packet[20..], &to, MsgFlags::empty()).unwrap();
        }
    }

    fn report(&self) -> String {
        let Exchange { sent, rang, endings, .. } = &self.exchange;
        let hex = |iam: &Vec<u8>| iam.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        let iams = |what: &'static str, of: &BTreeMap<u32, Vec<Vec<u8>>>| {
            let words = of.iter().flat_map(|(call, iams)| iams.iter().map(move |iam| (call, iam)));
            words.map(|(call, iam)| format!("{what}/{call}/{} ", hex(iam))).collect::<String>()
        };
        let ended = endings.iter().map(|(call, ending)| match ending {
            Ending::Released(cause, _) => format!("ended/{call}/Released({cause}) "),
            other => format!("ended/{call}/{other:?} "),
        });
        iams("sent", sent) + &iams("rang", rang) + &ended.collect::<String>()
    }
}
