//! Next hops of a side: which is alive, and which one a call takes.
//!
//! The choice needs no memory: every hop gets a keyed hash with the call's Call-ID, and the highest of those alive wins. All
//! messages of a call go the same way, and when a hop falls silent, only its own calls move. When none is alive, all count
//! as alive: a call has better chances there than nowhere.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::base::map::{Seed, keyed_hash};
use crate::wire::sip::value::parameter;

/// What branches of probes begin with: no branch of ours for others does.
const PROBE: &str = "z9hG4bKprobe";

/// Next hops of one side.
#[derive(Debug)]
pub(super) struct Hops {
    hops: Vec<Hop>,
    seed: Seed,
    missed_max: u32,
    probes: AtomicU64,
}

#[derive(Debug)]
struct Hop {
    address: SocketAddr,
    name: String,
    /// Probes sent since it last gave a sign of life.
    missed: AtomicU32,
}

impl Hop {
    fn is_alive(&self, missed_max: u32) -> bool {
        // The last one sent may still be answered.
        self.missed.load(Ordering::Relaxed) <= missed_max.saturating_add(1)
    }
}

impl Hops {
    pub fn new(addresses: &[SocketAddr], seed: Seed, missed_max: u32) -> Self {
        let hop = |address: &SocketAddr| Hop {
            address: *address,
            name: address.to_string(),
            missed: AtomicU32::new(0),
        };
        Self { hops: addresses.iter().map(hop).collect(), seed, missed_max, probes: AtomicU64::new(0) }
    }

    pub fn is_empty(&self) -> bool {
        self.hops.is_empty()
    }

    pub fn has(&self, address: SocketAddr) -> bool {
        self.hops.iter().any(|hop| hop.address == address)
    }

    /// Whether one of them is alive; so it is when there are none.
    pub fn is_alive(&self) -> bool {
        self.is_empty() || self.hops.iter().any(|hop| hop.is_alive(self.missed_max))
    }

    /// The hop for a call.
    pub fn choose(&self, call_id: &[u8]) -> Option<SocketAddr> {
        let all = !self.is_alive();
        let call = Seed(keyed_hash(self.seed, call_id));
        self.hops
            .iter()
            .filter(|hop| all || hop.is_alive(self.missed_max))
            .max_by_key(|hop| keyed_hash(call, hop.name.as_bytes()))
            .map(|hop| hop.address)
    }

    /// Hands on an OPTIONS for each hop (RFC 3261 §11.1), sent by `local`.
    pub fn probe(&self, local: SocketAddr, mut send: impl FnMut(SocketAddr, &[u8])) {
        let mut text = String::new();
        for hop in &self.hops {
            let number = self.probes.fetch_add(1, Ordering::Relaxed);
            hop.missed.fetch_add(1, Ordering::Relaxed);
            let (address, branch) = (&hop.name, self.branch(number, hop.address));
            text.clear();
            // Writing to a string does not fail.
            let _ = write!(
                text,
                "OPTIONS sip:{address} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch={branch}\r\nMax-Forwards: 70\r\n\
                 From: <sip:{local}>;tag={number:x}\r\nTo: <sip:{address}>\r\nCall-ID: {branch}@{host}\r\n\
                 CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
                host = local.ip(),
            );
            send(hop.address, text.as_bytes());
        }
    }

    /// Takes the answer to a probe, whatever it says but that there is no service; whether it was one.
    pub fn take(&self, status: u16, via: &[u8], source: SocketAddr) -> bool {
        let Some(hop) = self.hops.iter().find(|hop| hop.address == source) else { return false };
        let number = || {
            let digits = parameter(via, b"branch")?.strip_prefix(PROBE.as_bytes())?.get(..16)?;
            u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
        };
        let is_answer = number()
            .is_some_and(|number| parameter(via, b"branch") == Some(self.branch(number, source).as_bytes()));
        if is_answer && status != 503 {
            hop.missed.store(0, Ordering::Relaxed);
        }
        is_answer
    }

    fn branch(&self, number: u64, to: SocketAddr) -> String {
        format!("{PROBE}{number:016x}{:016x}", keyed_hash(self.seed, format!("{number} {to}").as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::wire::sip::Message;

    fn hops(count: u16) -> Hops {
        let addresses: Vec<SocketAddr> =
            (1..=count).map(|port| SocketAddr::from(([192, 0, 2, 1], port))).collect();
        Hops::new(&addresses, Seed(3), 1)
    }

    fn probe(hops: &Hops) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut sent = Vec::new();
        hops.probe("192.0.2.9:5060".parse().unwrap(), |to, probe| sent.push((to, probe.to_vec())));
        sent
    }

    fn answer(hops: &Hops, status: u16, (from, probe): &(SocketAddr, Vec<u8>)) -> bool {
        hops.take(status, Message::parse(probe).unwrap().head.via.unwrap(), *from)
    }

    #[test]
    fn calls_spread_and_stay() {
        let hops = hops(4);
        let mut counts = [0_u32; 4];
        for call in 0..4_000_u32 {
            let chosen = hops.choose(&call.to_be_bytes()).unwrap();
            assert_eq!(hops.choose(&call.to_be_bytes()), Some(chosen));
            counts[usize::from(chosen.port()) - 1] += 1;
        }
        assert!(counts.iter().all(|count| (900..1_100).contains(count)), "{counts:?}");
        assert_eq!(super::Hops::new(&[], Seed(1), 0).choose(b"1"), None);
    }

    #[test]
    fn only_calls_of_a_silent_hop_move() {
        let hops = hops(3);
        let before: Vec<_> = (0..300_u32).map(|call| hops.choose(&call.to_be_bytes()).unwrap()).collect();
        // Missed: one more than may be, and the one under way.
        for _ in 0..3 {
            for probe in probe(&hops) {
                assert!(hops.is_alive());
                if probe.0.port() != 2 {
                    assert!(answer(&hops, 404, &probe));
                } else {
                    assert!(answer(&hops, 503, &probe));
                }
            }
        }
        for (call, before) in (0..300_u32).zip(before) {
            let after = hops.choose(&call.to_be_bytes()).unwrap();
            assert!(after.port() != 2 && (before == after || before.port() == 2));
        }
        // None at all: any will do.
        for _ in 0..4 {
            probe(&hops);
        }
        assert!(!hops.is_alive() && hops.choose(b"1").is_some());
    }

    #[test]
    fn nobody_answers_for_another() {
        let hops = hops(2);
        let sent = probe(&hops);
        assert!(!answer(&hops, 200, &(sent[1].0, sent[0].1.clone())));
        assert!(!answer(&hops, 200, &("192.0.2.7:1".parse().unwrap(), sent[0].1.clone())));
        let text = String::from_utf8(sent[0].1.clone()).unwrap().replace("probe0", "probe1");
        assert!(!answer(&hops, 200, &(sent[0].0, text.into_bytes())));
        assert!(answer(&hops, 200, &sent[0]));
        assert_eq!(Message::parse(&sent[0].1).unwrap().faults.as_slice(), []);
    }
}
