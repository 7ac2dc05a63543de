//! Datagrams and fragments of the last moment, to know one that a second tap point or a second copy of a mirror port shows
//! again.
//!
//! Compared are addresses, protocol, ports, identification and content: what does not change from one tap point to the next, unlike
//! the hop count, tags and tunnels around it. What is equal in these within the window says nothing new even if its sender meant
//! it: SIP sends a message again after 500 ms at the soonest (RFC 3261 §17.1.1.2, T1), and the receiver ignores it.
//! Streams and associations need none of this: their numbers tell.

use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;
use std::time::Duration;

use crate::base::map::{Seed, keyed_hash};
use crate::base::time::At;
use crate::wire::net::Packet;

/// The last datagrams by their hash. One that falls on another's place takes it.
#[derive(Debug)]
pub(super) struct Recent {
    /// None, or a power of two of them.
    slots: Box<[Slot]>,
    window: Duration,
    digest: Digest,
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
        Self { slots: vec![Slot::default(); count].into(), window, digest: Digest::new(seed) }
    }

    /// Whether the packet was here a moment ago. From then on it was. The time counts from the first one, so that what is
    /// sent over and over is not ignored for ever.
    #[inline]
    pub fn has_seen(&mut self, at: At, packet: &Packet<'_>) -> bool {
        // One that a receiver refuses must not stand for one that it takes.
        if self.slots.is_empty() || packet.flaw.is_some() {
            return false;
        }
        let hash = self.digest.of(packet);
        let place = hash as usize & (self.slots.len() - 1);
        let slot = &mut self.slots[place];
        if slot.hash == hash && at.since(slot.at) <= self.window {
            return true;
        }
        *slot = Slot { hash, at };
        false
    }
}

/// Octets that are multiplied with each other.
const PAIR: usize = 16;
/// Octets of a block.
const BLOCK: usize = 128;

/// Keyed hash of everything that tells one packet from the next.
///
/// Whoever could make two packets of one hash could hide the second behind the first. So every octet counts, and each pair of
/// words is added to a pair of keys that nobody knows before it is multiplied: NH of UMAC (RFC 4418 §5.2) with words of 64
/// bits, by which two different blocks have the same sum in one of 2^64 cases, however they were chosen. Where keys are
/// constants, as in many a quick hash, a word equal to one makes its product 0, and what it is multiplied with does not count.
#[derive(Debug)]
struct Digest {
    pairs: [[u64; 2]; BLOCK / PAIR],
    /// For what is beside the blocks.
    head: [[u64; 2]; 4],
    seed: Seed,
}

impl Digest {
    fn new(seed: Seed) -> Self {
        let mut number = 0_u64;
        let mut key = || {
            number += 1;
            keyed_hash(seed, &number.to_le_bytes())
        };
        let (pairs, head) = ([(); BLOCK / PAIR].map(|()| [key(), key()]), [(); 4].map(|()| [key(), key()]));
        Self { pairs, head, seed }
    }

    #[inline]
    fn of(&self, packet: &Packet<'_>) -> u64 {
        // What is hashed further are sums that nobody knows: here constants do no harm.
        let mut sums = self.seed.build_hasher();
        let (blocks, rest) = packet.payload.as_chunks::<BLOCK>();
        for block in blocks {
            sums.write_u128(self.of_block(block));
        }
        let (pairs, _) = rest.as_chunks::<PAIR>();
        let sum = pairs.iter().zip(&self.pairs).fold(self.of_head(packet), |sum, (pair, key)| {
            sum.wrapping_add(product(u128::from_le_bytes(*pair), key))
        });
        let [.., last] = &self.head;
        sums.write_u128(sum.wrapping_add(product(tail(packet.payload), last)));
        sums.finish()
    }

    #[inline]
    fn of_block(&self, block: &[u8; BLOCK]) -> u128 {
        let (pairs, _) = block.as_chunks::<PAIR>();
        let mut sum = 0_u128;
        for (pair, key) in pairs.iter().zip(&self.pairs) {
            sum = sum.wrapping_add(product(u128::from_le_bytes(*pair), key));
        }
        sum
    }

    /// Addresses, protocol, place in the datagram, and length.
    #[inline]
    fn of_head(&self, packet: &Packet<'_>) -> u128 {
        let Packet { src, dst, protocol, fragment, .. } = packet;
        let place = fragment.map_or(0, |part| u64::from(part.offset) >> 2 | u64::from(part.more));
        let identification = fragment.map_or(u32::from(packet.identification), |part| part.identification);
        let place = (packet.payload.len() as u64) << 47 ^ place << 32 | u64::from(identification);
        let [first, second, third, _] = &self.head;
        match (src, dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let addresses = u128::from(src.to_bits()) << 32 | u128::from(dst.to_bits());
                // An identification of 16 bits leaves room beside it.
                product(addresses << 64 | u128::from(place | u64::from(*protocol) << 16), first)
            }
            (src, dst) => {
                let [src, dst] = [src, dst].map(|address| match address {
                    IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
                    IpAddr::V6(address) => address.to_bits(),
                });
                let addresses = product(src, second).wrapping_add(product(dst, third));
                let protocol = u128::from(!u64::from(*protocol));
                product(protocol << 64 | u128::from(place), first).wrapping_add(addresses)
            }
        }
    }
}

/// The last pair, whole or not; where a pair is cut, the one that ends with it.
#[inline]
fn tail(payload: &[u8]) -> u128 {
    if let Some(last) = payload.last_chunk() {
        return u128::from_le_bytes(*last);
    }
    payload.iter().fold(0, |pair, octet| pair << 8 | u128::from(*octet))
}

/// Both halves of a pair, each with its key, multiplied.
#[inline]
fn product(pair: u128, [low, high]: &[u64; 2]) -> u128 {
    let (first, second) = (pair as u64, (pair >> 64) as u64);
    u128::from(first.wrapping_add(*low)).wrapping_mul(u128::from(second.wrapping_add(*high)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::fault::Kind;
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
            Packet { protocol: 253, ..first },
            Packet { protocol: 253, src: IpAddr::from([1_u16; 8]), ..first },
            Packet { src: IpAddr::from([10, 0, 0, 2]), ..first },
            Packet { dst: IpAddr::from([10, 0, 0, 2]), ..first },
            Packet { src: IpAddr::from([1_u16; 8]), ..first },
            Packet { dst: IpAddr::from([1_u16; 8]), ..first },
            Packet { fragment: part(0, true), ..first },
            Packet { fragment: part(8, true), ..first },
            Packet { fragment: part(8, false), ..first },
        ];
        assert!(!recent.has_seen(ms(1), &first));
        assert!(others.iter().all(|other| !recent.has_seen(ms(1), other)));
        assert!(others.iter().all(|other| recent.has_seen(ms(2), other)));
    }

    #[test]
    fn what_a_receiver_refuses_stands_for_nothing() {
        let mut recent = Recent::new(1000, Duration::from_millis(100), Seed(1));
        let decoy = Packet { flaw: Some(Kind::BadLength), ..packet(7, b"INVITE") };
        assert!(!recent.has_seen(ms(1), &decoy));
        assert!(!recent.has_seen(ms(1), &packet(7, b"INVITE")));
        assert!(recent.has_seen(ms(1), &packet(7, b"INVITE")));
    }

    /// The constant that a hash multiplied the other half of each pair with makes their product 0.
    #[test]
    fn no_octets_make_others_count_for_nothing() {
        let mut recent = Recent::new(1000, Duration::from_millis(100), Seed(1));
        let wipe = 0xc0ac_29b7_c97c_50dd_u64.to_le_bytes().repeat(40);
        let messages =
            [[b"INVITE 1".repeat(6), wipe.clone()].concat(), [b"INVITE 2".repeat(6), wipe].concat()];
        assert!(messages.iter().all(|message| !recent.has_seen(ms(1), &packet(7, message))));
    }

    #[test]
    fn every_octet_counts() {
        let mut recent = Recent::new(1 << 16, Duration::from_millis(100), Seed(1));
        for length in [1, 15, 16, 17, 255, 256, 257, 700] {
            let mut message = vec![0; length];
            assert!(!recent.has_seen(ms(1), &packet(7, &message)), "{length}");
            for place in 0..length {
                message[place] ^= 1;
                assert!(!recent.has_seen(ms(1), &packet(7, &message)), "{place} of {length}");
                assert!(recent.has_seen(ms(1), &packet(7, &message)), "{place} of {length}");
                message[place] ^= 1;
            }
        }
    }

    #[test]
    fn none_is_known_when_none_is_to_be() {
        let mut recent = Recent::new(0, Duration::from_millis(100), Seed(1));
        assert!(
            !recent.has_seen(ms(1), &packet(7, b"INVITE")) && !recent.has_seen(ms(1), &packet(7, b"INVITE"))
        );
    }
}
