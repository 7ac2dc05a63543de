//! IP fragments → datagrams. RFC 791 §3.2, RFC 8200 §4.5, RFC 5722.
//!
//! In: fragments with packet time. Out: the payload of a datagram when its last missing fragment comes.
//!
//! Whoever wants to be read in two ways sends fragments that overlap. A fragment that was there already, as it was, is
//! ignored. Beyond that RFC 5722 §4 has an IPv6 datagram dropped whole, with what still comes of it. RFC 791 leaves IPv4
//! open; here it is read as Linux does (since 4.19, `inet_frag_queue_insert`), where most switches and border controllers run: a fragment
//! within one stretch of what is there is ignored even if it differs, and any other overlap drops the datagram. Either is
//! counted. A length that contradicts the last fragment drops the datagram too.

use std::net::IpAddr;
use std::time::Duration;

use super::pieces::{Known, Pieces};
use super::table::Table;
use crate::base::fault::{Faults, Kind, Layer};
use crate::base::map::Seed;
use crate::base::time::At;
use crate::wire::net::{Fragment, Packet};

/// Stretches of a datagram with holes between them: some that pass each other are honest, as many are not.
const PIECES_MAX: usize = 512;
/// Fragments but the last are whole numbers of these octets.
const UNIT: usize = 8;
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
    /// IPv4 only: fragments of an IPv6 datagram may differ in it, and belong together (RFC 8200 §4.5).
    protocol: u8,
    /// Of wrapped packets apart from those they are wrapped in: both may have the same addresses.
    depth: u8,
    identification: u32,
}

#[derive(Debug)]
struct Datagram {
    deadline: At,
    /// That of the first fragment, which is the only one that counts.
    protocol: u8,
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

    /// Adds a fragment; the protocol and the whole payload when it was the last one missing.
    pub fn push(
        &mut self,
        at: At,
        packet: &Packet<'_>,
        place: Fragment,
        faults: &mut Faults,
    ) -> Option<(u8, Vec<u8>)> {
        let payload = match check(packet, place, faults) {
            Ok(payload) => payload,
            Err(kind) => {
                faults.count(Layer::Ip, kind);
                return None;
            }
        };
        let Packet { src, dst, protocol, depth, .. } = *packet;
        let told_by = if src.is_ipv4() { protocol } else { 0 };
        let key = Key { src, dst, protocol: told_by, depth, identification: place.identification };
        if self.datagrams.get_mut(&key).is_none() {
            let deadline = at + self.wait;
            let pieces = Pieces::default();
            let fresh = Datagram { deadline, protocol, length: None, pieces, refused: false };
            if let Some((_, evicted)) = self.datagrams.insert(key, fresh) {
                self.forget(&evicted, Kind::Evicted, faults);
            }
        }
        let datagram = self.datagrams.get_mut(&key)?;
        if datagram.refused {
            return None;
        }
        if place.offset == 0 {
            datagram.protocol = protocol;
        }
        let before = datagram.pieces.cost();
        if let Err(refusal) = datagram.add(place, payload) {
            faults.count(Layer::Ip, refusal.kind());
            if !(refusal == Refusal::Within && src.is_ipv4()) {
                datagram.refused = true;
                datagram.pieces.clear();
            }
        }
        let whole = datagram.is_whole();
        self.held = self.held.saturating_sub(before) + datagram.pieces.cost();
        if whole {
            let datagram = self.datagrams.remove(&key)?;
            self.held = self.held.saturating_sub(datagram.pieces.cost());
            return Some((datagram.protocol, datagram.pieces.join()));
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
        self.held = self.held.saturating_sub(datagram.pieces.cost());
        if !datagram.refused {
            faults.count(Layer::Ip, kind);
        }
    }
}

/// Why a fragment does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// It ends elsewhere than the last one, or behind it.
    Length,
    /// It overlaps others.
    Overlap,
    /// Too many holes.
    TooMany,
    /// Others are in its place, and differ.
    Within,
}

impl Refusal {
    const fn kind(self) -> Kind {
        match self {
            Self::Length => Kind::BadLength,
            Self::Overlap | Self::Within => Kind::Overlap,
            Self::TooMany => Kind::TooMany,
        }
    }
}

impl Datagram {
    fn add(&mut self, place: Fragment, payload: &[u8]) -> Result<(), Refusal> {
        let start = u64::from(place.offset);
        let end = start + payload.len() as u64;
        let length = self.length.unwrap_or(u64::MAX);
        if end > length
            || !place.more && (self.pieces.end() > end || self.length.is_some_and(|length| end < length))
        {
            return Err(Refusal::Length);
        }
        if !place.more {
            self.length = Some(end);
        }
        let is_within = self.pieces.covers(start, end);
        match self.pieces.insert(start, payload) {
            Known::All | Known::Nothing => {}
            Known::Differs if is_within => return Err(Refusal::Within),
            Known::Differs | Known::Some => return Err(Refusal::Overlap),
        }
        if self.pieces.count() > PIECES_MAX { Err(Refusal::TooMany) } else { Ok(()) }
    }

    fn is_whole(&self) -> bool {
        self.length == Some(self.pieces.octets() as u64) && !self.refused
    }
}

/// What may be used of a fragment.
fn check<'a>(packet: &Packet<'a>, place: Fragment, faults: &mut Faults) -> Result<&'a [u8], Kind> {
    if let Some(flaw) = packet.flaw {
        return Err(flaw);
    }
    let mut payload = packet.payload;
    let over = payload.len() % UNIT;
    if place.more && over > 0 {
        // RFC 8200 §4.5 has it dropped. IPv4 receivers cut it, and go on behind.
        if packet.src.is_ipv6() {
            return Err(Kind::BadLength);
        }
        faults.count(Layer::Ip, Kind::BadLength);
        payload = &payload[..payload.len() - over];
    }
    let is_too_far = u64::from(place.offset) + payload.len() as u64 > DATAGRAM_MAX;
    if payload.is_empty() || is_too_far { Err(Kind::BadLength) } else { Ok(payload) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(payload: &[u8]) -> Packet<'_> {
        let address = IpAddr::from([10, 0, 0, 1]);
        Packet {
            src: address,
            dst: address,
            protocol: 17,
            fragment: None,
            identification: 0,
            depth: 0,
            payload,
            flaw: None,
        }
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

    /// What becomes of fragments of one datagram, by version of IP: the datagram, and what was counted.
    fn sent(version: u8, fragments: &[(u32, bool, &[u8])]) -> (Option<Vec<u8>>, Vec<(&'static str, u64)>) {
        let (mut pool, mut faults) = (pool(), Faults::default());
        let address: IpAddr =
            if version == 4 { IpAddr::from([10, 0, 0, 1]) } else { IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]) };
        let mut whole = None;
        for (offset, more, payload) in fragments {
            let packet = Packet { src: address, dst: address, ..packet(payload) };
            let found =
                pool.push(s(0), &packet, place(1, *offset, *more), &mut faults).map(|(_, whole)| whole);
            assert!(whole.is_none() || found.is_none(), "twice");
            whole = whole.or(found);
        }
        pool.expire(s(30), &mut faults);
        assert_eq!((pool.held, pool.datagrams.len()), (0, 0));
        (whole, faults.nonzero().map(|(_, kind, count)| (kind, count)).collect())
    }

    /// RFC 8200 §4.5: only the next header of the first fragment counts.
    #[test]
    fn the_first_fragment_of_ipv6_says_what_the_datagram_is() {
        let address = IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]);
        for (first, second) in [(17, 6), (6, 17)] {
            let (mut pool, mut faults) = (pool(), Faults::default());
            let parts = [(first, place(1, 0, true), [1; 8]), (second, place(1, 8, false), [2; 8])];
            for order in [[0, 1], [1, 0]] {
                let mut whole = None;
                for (protocol, place, payload) in order.map(|index| parts[index]) {
                    let packet = Packet { src: address, dst: address, protocol, ..packet(&payload) };
                    whole = whole.or(pool.push(s(0), &packet, place, &mut faults));
                }
                assert_eq!(whole, Some((first, [[1; 8], [2; 8]].concat())), "{order:?}");
            }
        }
    }

    #[test]
    fn an_overlap_drops_the_datagram() {
        // Teardrop (CVE-1999-0015): the second ends within the first. And its like: one that reaches into the next.
        for parts in [
            [(0, true, &[1; 16][..]), (8, true, &[2; 16][..]), (24, false, &[1; 8][..])],
            [(0, true, &[1; 16]), (8, true, &[1; 16]), (24, false, &[1; 8])],
            [(0, true, &[1; 32]), (24, false, &[1; 4]), (24, false, &[1; 8])],
        ] {
            for version in [4, 6] {
                let (whole, counted) = sent(version, &parts);
                assert_eq!(whole, None);
                assert!(matches!(counted[..], [("overlap" | "bad_length", 1)]), "{counted:?}");
            }
        }
    }

    #[test]
    fn a_fragment_within_another_is_ignored_where_receivers_do_so() {
        let same =
            [(0, true, &[1; 16][..]), (8, true, &[1; 8][..]), (0, true, &[1; 16]), (16, false, &[1; 8])];
        assert_eq!(sent(4, &same), (Some(vec![1; 24]), vec![]));
        assert_eq!(sent(6, &same), (Some(vec![1; 24]), vec![]));
        let forged = [(0, true, &[1; 16][..]), (8, true, &[2; 8][..]), (16, false, &[1; 8])];
        assert_eq!(sent(4, &forged), (Some(vec![1; 24]), vec![("overlap", 1)]));
        assert_eq!(sent(6, &forged), (None, vec![("overlap", 1)]));
    }

    #[test]
    fn lengths_that_contradict_each_other_drop_the_datagram() {
        let behind_the_last = [(8, false, &[1; 8][..]), (16, true, &[1; 8]), (0, true, &[1; 8])];
        let two_ends = [(8, false, &[1; 8][..]), (8, false, &[1; 4]), (0, true, &[1; 8])];
        for parts in [behind_the_last, two_ends] {
            assert_eq!(sent(4, &parts), (None, vec![("bad_length", 1)]));
            assert_eq!(sent(6, &parts), (None, vec![("bad_length", 1)]));
        }
    }

    #[test]
    fn a_datagram_longer_than_any_is_not_begun() {
        // Ping of death: the last fragment ends behind the 65,535th octet.
        let parts = [(65_528, false, &[1; 100][..])];
        assert_eq!(sent(4, &parts), (None, vec![("bad_length", 1)]));
    }

    #[test]
    fn tiny_fragments_are_put_together() {
        let bytes: Vec<u8> = (0..=255).cycle().take(3_999).collect();
        let tiny: Vec<_> =
            (0..).zip(bytes.chunks(8)).map(|(place, part)| (place * 8, part.len() == 8, part)).collect();
        let reversed: Vec<_> = tiny.iter().rev().copied().collect();
        for parts in [tiny, reversed] {
            let mut pool = Fragments::new(8, 65_536, Duration::from_secs(30), Seed(1));
            let mut faults = Faults::default();
            let whole: Vec<_> = parts
                .iter()
                .filter_map(|(offset, more, part)| {
                    pool.push(s(0), &packet(part), place(1, *offset, *more), &mut faults)
                        .map(|(_, whole)| whole)
                })
                .collect();
            assert_eq!((whole, faults), (vec![bytes.clone()], Faults::default()));
        }
    }

    #[test]
    fn an_uneven_fragment_is_cut_as_receivers_cut_it() {
        let parts = [(0, true, &[1; 20][..]), (16, false, &[2; 4])];
        assert_eq!(sent(4, &parts).0, Some([vec![1; 16], vec![2; 4]].concat()));
        assert_eq!(sent(4, &parts).1, [("bad_length", 1)]);
        assert_eq!(sent(6, &parts).0, None);
    }

    #[test]
    fn what_a_refused_datagram_still_gets_is_dropped() {
        let (mut pool, mut faults) = (pool(), Faults::default());
        assert_eq!(pool.push(s(0), &packet(&[1; 16]), place(1, 0, true), &mut faults), None);
        assert_eq!(pool.push(s(0), &packet(&[1; 16]), place(1, 8, true), &mut faults), None);
        assert_eq!(pool.push(s(0), &packet(&[1; 8]), place(1, 0, true), &mut faults), None);
        assert_eq!(pool.push(s(0), &packet(&[1; 8]), place(1, 8, false), &mut faults), None);
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
        assert_eq!(
            pool.push(s(30), &packet(&[1; 1]), place(2, 8, false), &mut faults),
            Some((17, vec![1; 9]))
        );
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
        assert_eq!(faults.of(Layer::Ip, Kind::Evicted), 9_997);
        pool.bytes_max = 65_536;
        for offset in 0..1000 {
            pool.push(s(0), &packet(&[1; 8]), place(1, offset * 16, true), &mut faults);
            assert!(pool.held <= 65_536 && pool.datagrams.len() <= 8);
        }
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
                whole.extend(pool.push(s(0), &packet(part), place, &mut faults).map(|(_, whole)| whole));
                if twice && whole.is_empty() {
                    whole.extend(pool.push(s(0), &packet(part), place, &mut faults).map(|(_, whole)| whole));
                }
            }
            prop_assert_eq!(whole, vec![bytes]);
            prop_assert_eq!((pool.held, faults), (0, Faults::default()));
        }
    }
}
