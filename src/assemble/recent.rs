//! Datagrams and fragments of the last moment, to know one that a second tap point or a second copy of a mirror port shows
//! again.
//!
//! Compared are addresses, ports, identification and content: what does not change from one tap point to the next, unlike
//! the hop count, tags and tunnels around it. What is equal in these within the window says nothing new even if its sender meant
//! it: SIP sends a message again after 500 ms at the soonest (RFC 3261 §17.1.1.2, T1), and the receiver ignores it.
//! Streams and associations need none of this: their numbers tell.

use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;
use std::time::Duration;

use crate::base::map::Seed;
use crate::base::time::At;
use crate::wire::net::Packet;

/// The last datagrams by their hash. One that falls on another's place takes it.
#[derive(Debug)]
pub(super) struct Recent {
    /// None, or a power of two of them.
    slots: Box<[Slot]>,
    window: Duration,
    seed: Seed,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    hash: u64,
    at: At,
}

impl Recent {
    /// Remembers about so many; none to take every datagram for new.
    pub fn new(count: usize, window: Duration, seed: Seed) -> Self {
        let count = if count == 0 { 0 } else { count.next_power_of_two() };
        Self { slots: vec![Slot::default(); count].into(), window, seed }
    }

    /// Whether the packet was here a moment ago. From then on it was. The time counts from the first one, so that what is
    /// sent over and over is not ignored for ever.
    #[inline]
    pub fn has_seen(&mut self, at: At, packet: &Packet<'_>) -> bool {
        if self.slots.is_empty() {
            return false;
        }
        let hash = hash(self.seed, packet);
        let place = hash as usize & (self.slots.len() - 1);
        let slot = &mut self.slots[place];
        if slot.hash == hash && at.since(slot.at) <= self.window {
            return true;
        }
        *slot = Slot { hash, at };
        false
    }
}

/// Of everything that tells one packet from the next.
#[inline]
fn hash(seed: Seed, packet: &Packet<'_>) -> u64 {
    let mut hasher = seed.build_hasher();
    match (packet.src, packet.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            hasher.write_u64(u64::from(src.to_bits()) << 32 | u64::from(dst.to_bits()));
        }
        addresses => addresses.hash(&mut hasher),
    }
    let place = packet.fragment.map_or(0, |part| u64::from(part.offset) << 1 | u64::from(part.more));
    let identification = packet.fragment.map_or(u32::from(packet.identification), |part| part.identification);
    hasher.write_u64(place << 32 | u64::from(identification));
    hasher.write(packet.payload);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::net::{Fragment, UDP};

    fn packet(identification: u16, payload: &[u8]) -> Packet<'_> {
        let address = IpAddr::from([10, 0, 0, 1]);
        Packet {
            src: address,
            dst: address,
            protocol: UDP,
            fragment: None,
            identification,
            depth: 0,
            payload,
            flaw: None,
        }
    }

    fn ms(millis: u64) -> At {
        At::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn knows_the_same_packet_for_a_moment() {
        let mut recent = Recent::new(1000, Duration::from_millis(100), Seed(1));
        let wrapped = Packet { depth: 1, ..packet(7, b"INVITE") };
        assert!(!recent.has_seen(ms(1000), &packet(7, b"INVITE")));
        assert!(recent.has_seen(ms(1000), &wrapped));
        assert!(recent.has_seen(ms(1100), &packet(7, b"INVITE")));
        assert!(!recent.has_seen(ms(1101), &packet(7, b"INVITE")));
    }

    #[test]
    fn takes_none_for_another() {
        let mut recent = Recent::new(1000, Duration::from_millis(100), Seed(1));
        let first = packet(7, b"INVITE");
        let part = |offset, more| Some(Fragment { identification: 7, offset, more });
        let others = [
            packet(8, b"INVITE"),
            packet(7, b"INVITe"),
            Packet { src: IpAddr::from([10, 0, 0, 2]), ..first },
            Packet { dst: IpAddr::from([10, 0, 0, 2]), ..first },
            Packet { src: IpAddr::from([1_u16; 8]), ..first },
            Packet { fragment: part(0, true), ..first },
            Packet { fragment: part(8, true), ..first },
            Packet { fragment: part(8, false), ..first },
        ];
        assert!(!recent.has_seen(ms(1), &first));
        assert!(others.iter().all(|other| !recent.has_seen(ms(1), other)));
        assert!(others.iter().all(|other| recent.has_seen(ms(2), other)));
    }

    #[test]
    fn none_is_known_when_none_is_to_be() {
        let mut recent = Recent::new(0, Duration::from_millis(100), Seed(1));
        assert!(
            !recent.has_seen(ms(1), &packet(7, b"INVITE")) && !recent.has_seen(ms(1), &packet(7, b"INVITE"))
        );
    }
}
