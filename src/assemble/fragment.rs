//! IP fragments → datagrams. RFC 791 §3.2, RFC 8200 §4.5, RFC 5722.
//!
//! In: fragments with packet time. Out: the payload of a datagram when its last missing fragment comes. A datagram
//! whose fragments overlap with different bytes is dropped whole, and so are the fragments of it that still come.

use std::net::IpAddr;
use std::time::Duration;

use super::pieces::Pieces;
use super::table::Table;
use crate::base::fault::{Faults, Kind, Layer};
use crate::base::map::Seed;
use crate::base::time::At;
use crate::wire::net::{Fragment, Packet};

/// A datagram of 65,535 octets over links that carry 1,280 has 53 fragments.
const FRAGMENTS_MAX: usize = 64;
const DATAGRAM_MAX: u64 = 65_535;

/// Datagrams of which parts are missing, oldest first.
#[derive(Debug)]
pub(super) struct Fragments {
    datagrams: Table<Key, Datagram>,
    held: usize,
    bytes_max: usize,
    wait: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    src: IpAddr,
    dst: IpAddr,
    protocol: u8,
    identification: u32,
}

#[derive(Debug)]
struct Datagram {
    deadline: At,
    /// Known when the last fragment has come.
    length: Option<u64>,
    pieces: Pieces,
    refused: bool,
}

impl Fragments {
    pub fn new(datagrams_max: usize, bytes_max: usize, wait: Duration, seed: Seed) -> Self {
        Self { datagrams: Table::new(datagrams_max, seed), held: 0, bytes_max, wait }
    }

    /// Gives up on datagrams whose first fragment came too long ago.
    pub fn expire(&mut self, at: At, faults: &mut Faults) {
        while self.datagrams.oldest().is_some_and(|(_, datagram)| datagram.deadline <= at) {
            self.drop_oldest(Kind::Expired, faults);
        }
    }

    /// Adds a fragment; the whole payload when it was the last one missing.
    pub fn push(
        &mut self,
        at: At,
        packet: &Packet<'_>,
        place: Fragment,
        faults: &mut Faults,
    ) -> Option<Vec<u8>> {
        if let Err(kind) = check(packet, place) {
            faults.count(Layer::Ip, kind);
            return None;
        }
        let Packet { src, dst, protocol, .. } = *packet;
        let key = Key { src, dst, protocol, identification: place.identification };
        if self.datagrams.get_mut(&key).is_none() {
            let deadline = at + self.wait;
            let fresh = Datagram { deadline, length: None, pieces: Pieces::default(), refused: false };
            if let Some((_, evicted)) = self.datagrams.insert(key, fresh) {
                self.forget(&evicted, Kind::Evicted, faults);
            }
        }
        let datagram = self.datagrams.get_mut(&key)?;
        if datagram.refused {
            return None;
        }
        let before = datagram.pieces.cost();
        if let Err(kind) = datagram.add(place, packet.payload) {
            faults.count(Layer::Ip, kind);
            datagram.refused = true;
            datagram.pieces.clear();
        }
        let whole = datagram.is_whole();
        self.held = self.held - before + datagram.pieces.cost();
        if whole {
            let datagram = self.datagrams.remove(&key)?;
            self.held -= datagram.pieces.cost();
            return Some(datagram.pieces.join());
        }
        while self.held > self.bytes_max {
            self.drop_oldest(Kind::Evicted, faults);
        }
        None
    }

    fn drop_oldest(&mut self, kind: Kind, faults: &mut Faults) {
        if let Some((_, datagram)) = self.datagrams.pop_oldest() {
            self.forget(&datagram, kind, faults);
        }
    }

    /// A refused datagram was counted when it was refused.
    fn forget(&mut self, datagram: &Datagram, kind: Kind, faults: &mut Faults) {
        self.held -= datagram.pieces.cost();
        if !datagram.refused {
            faults.count(Layer::Ip, kind);
        }
    }
}

impl Datagram {
    fn add(&mut self, place: Fragment, payload: &[u8]) -> Result<(), Kind> {
        let start = u64::from(place.offset);
        let end = start + payload.len() as u64;
        if !place.more && self.length.replace(end).is_some_and(|length| length != end) {
            return Err(Kind::Overlap);
        }
        if !self.pieces.insert(start, payload) {
            return Err(Kind::Overlap);
        }
        if self.length.is_some_and(|length| self.pieces.end() > length) {
            return Err(Kind::Overlap);
        }
        if self.pieces.count() > FRAGMENTS_MAX { Err(Kind::TooMany) } else { Ok(()) }
    }

    fn is_whole(&self) -> bool {
        self.length == Some(self.pieces.octets() as u64) && !self.refused
    }
}

fn check(packet: &Packet<'_>, place: Fragment) -> Result<(), Kind> {
    let length = packet.payload.len();
    if let Some(flaw) = packet.flaw {
        return Err(flaw);
    }
    let misfit = place.more && !length.is_multiple_of(8);
    let too_far = u64::from(place.offset) + length as u64 > DATAGRAM_MAX;
    if length == 0 || misfit || too_far { Err(Kind::BadLength) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(payload: &[u8]) -> Packet<'_> {
        let address = IpAddr::from([10, 0, 0, 1]);
        Packet { src: address, dst: address, protocol: 17, fragment: None, payload, flaw: None }
    }

    fn place(identification: u32, offset: u32, more: bool) -> Fragment {
        Fragment { identification, offset, more }
    }

    fn pool() -> Fragments {
        Fragments::new(8, 4096, Duration::from_secs(30), Seed(1))
    }

    fn s(seconds: u64) -> At {
        At::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn an_overlap_that_differs_drops_the_datagram() {
        let (mut pool, mut faults) = (pool(), Faults::default());
        assert_eq!(pool.push(s(0), &packet(&[1; 16]), place(1, 0, true), &mut faults), None);
        assert_eq!(pool.push(s(0), &packet(&[2; 16]), place(1, 8, true), &mut faults), None);
        assert_eq!(pool.push(s(0), &packet(&[1; 8]), place(1, 16, false), &mut faults), None);
        assert_eq!(faults.of(Layer::Ip, Kind::Overlap), 1);
        pool.expire(s(30), &mut faults);
        assert_eq!((faults.of(Layer::Ip, Kind::Expired), pool.held), (0, 0));
    }

    #[test]
    fn waits_as_long_as_it_should() {
        let (mut pool, mut faults) = (pool(), Faults::default());
        pool.push(s(0), &packet(&[1; 8]), place(1, 0, true), &mut faults);
        pool.push(s(1), &packet(&[1; 8]), place(2, 0, true), &mut faults);
        pool.expire(s(30), &mut faults);
        assert_eq!(faults.of(Layer::Ip, Kind::Expired), 1);
        assert_eq!(pool.push(s(30), &packet(&[1; 1]), place(2, 8, false), &mut faults), Some(vec![1; 9]));
    }

    #[test]
    fn a_cut_fragment_is_not_used() {
        let (mut pool, mut faults) = (pool(), Faults::default());
        let cut = Packet { flaw: Some(Kind::Truncated), ..packet(&[1; 8]) };
        pool.push(s(0), &cut, place(1, 0, true), &mut faults);
        assert_eq!((faults.of(Layer::Ip, Kind::Truncated), pool.datagrams.len()), (1, 0));
    }

    #[test]
    fn a_flood_stays_within_bounds() {
        let (mut pool, mut faults) = (pool(), Faults::default());
        for identification in 0..10_000 {
            pool.push(s(0), &packet(&[1; 1024]), place(identification, 65_536 / 2, true), &mut faults);
            assert!(pool.held <= 4096 && pool.datagrams.len() <= 8);
        }
        for offset in 0..1000 {
            pool.push(s(0), &packet(&[1; 8]), place(1, offset * 16, true), &mut faults);
            assert!(pool.held <= 4096 && pool.datagrams.len() <= 8);
        }
        assert_eq!(faults.of(Layer::Ip, Kind::Evicted), 10_000);
        assert_eq!(faults.of(Layer::Ip, Kind::TooMany), 1);
    }

    proptest! {
        #[test]
        fn any_order_gives_the_datagram_back(
            bytes in prop::collection::vec(any::<u8>(), 1..400),
            cuts in prop::collection::btree_set(1..49_usize, 0..10),
            order in any::<prop::sample::Index>().prop_flat_map(|_| any::<u64>()),
            twice: bool,
        ) {
            let mut edges: Vec<usize> = cuts.iter().map(|cut| cut * 8).filter(|cut| *cut < bytes.len()).collect();
            edges.insert(0, 0);
            edges.push(bytes.len());
            let mut parts: Vec<_> = edges.windows(2).map(|edge| (edge[0], &bytes[edge[0]..edge[1]])).collect();
            parts.sort_by_key(|(start, _)| (*start as u64 + 1).wrapping_mul(order | 1));
            let (mut pool, mut faults) = (Fragments::new(8, 65_536, Duration::from_secs(30), Seed(1)), Faults::default());
            let mut whole = Vec::new();
            for (start, part) in &parts {
                let place = place(1, *start as u32, start + part.len() < bytes.len());
                whole.extend(pool.push(s(0), &packet(part), place, &mut faults));
                if twice && whole.is_empty() {
                    whole.extend(pool.push(s(0), &packet(part), place, &mut faults));
                }
            }
            prop_assert_eq!(whole, vec![bytes]);
            prop_assert_eq!((pool.held, faults), (0, Faults::default()));
        }
    }
}
