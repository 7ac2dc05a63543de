//! Who may wrap: whose tunnels and whose packets of capture agents are opened.
//!
//! In: the source address of a packet that wraps others. Out: whether what is in it is read. Whoever can send one packet past
//! a tap can wrap messages between any addresses; so an engineer names the mirrors and agents, and what others wrap stays
//! closed. A tunnel in a tunnel is from whoever sent that packet, not from the mirror that showed it: it is asked after anew.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

/// Whose wrapped packets are opened: anybody's, unless they are named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wrappers(Option<Arc<[IpNet]>>);

impl Wrappers {
    /// Only those who send from these networks; nobody when there are none.
    #[must_use]
    pub fn only(networks: &[IpNet]) -> Self {
        // Apart from each other and in order, so that of one network only it must be looked whether an address is in it.
        let mut apart = IpNet::aggregate(&networks.to_vec());
        apart.sort_by_key(IpNet::network);
        Self(Some(apart.into()))
    }

    /// Whether what this sender wraps is opened.
    #[inline]
    #[must_use]
    pub fn may_wrap(&self, sender: IpAddr) -> bool {
        self.0.as_ref().is_none_or(|networks| {
            let after = networks.partition_point(|network| network.network() <= sender);
            networks[..after].last().is_some_and(|network| network.contains(&sender))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::assemble::{AssembleOptions, Assembler, Skip};
    use crate::base::frame::{Frame, Link};
    use crate::base::time::At;
    use crate::wire::hep;
    use crate::wire::net::{TCP, UDP, build};

    const INVITE: &[u8] = b"INVITE sip:a SIP/2.0\r\nl: 0\r\n\r\n";
    /// Whoever `build::ipv4` and `build::ipv6` send from.
    const SENDERS: [&str; 2] = ["10.0.0.1/32", "::1/128"];
    const OTHERS: [&str; 2] = ["10.0.0.2/32", "::2/128"];

    fn only(networks: &[&str]) -> Wrappers {
        Wrappers::only(&networks.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>())
    }

    /// Packets seen by a tap on which these may wrap.
    struct Tap(Assembler, u64);

    impl Tap {
        fn of(wrappers: Wrappers) -> Self {
            Self(Assembler::new(AssembleOptions { wrappers, ..AssembleOptions::default() }), 0)
        }

        /// How many messages come out with this packet, a second after the one before.
        fn shows(&mut self, packet: &[u8]) -> usize {
            self.1 += 1;
            let at = At::from_nanos(self.1 * 1_000_000_000);
            let wire_length = packet.len() as u32;
            let frame = Frame { at, number: self.1, link: Link::RawIp, bytes: packet, wire_length };
            let mut messages = 0;
            self.0.push(frame, &mut |pdu| {
                assert_eq!(pdu.bytes, INVITE);
                messages += 1;
            });
            messages
        }

        fn not_opened(&self) -> u64 {
            self.0.skips().of(Skip::NotOpened)
        }

        fn is_sound(&self) -> bool {
            self.0.faults().nonzero().next().is_none()
        }
    }

    fn from(sender: [u8; 4], mut packet: Vec<u8>) -> Vec<u8> {
        packet[12..16].copy_from_slice(&sender);
        packet
    }

    /// A packet in fragments of so many octets, but for the last.
    fn in_fragments(packet: &[u8], identification: u16, octets: usize) -> Vec<Vec<u8>> {
        let parts = packet[20..].chunks(octets);
        let last = parts.len() - 1;
        let fragment = |(index, part): (usize, &[u8])| {
            let place = (identification, (index * octets) as u16, index != last);
            build::ipv4_fragment(packet[9], place, part)
        };
        parts.enumerate().map(fragment).collect()
    }

    fn invite() -> Vec<u8> {
        build::ipv4(UDP, &build::udp(5060, 5060, INVITE))
    }

    fn agents() -> Vec<u8> {
        let packet = hep::Packet {
            src: "192.0.2.1:5060".parse().unwrap(),
            dst: "192.0.2.2:5060".parse().unwrap(),
            ip_protocol: UDP,
            at: None,
            protocol: hep::SIP,
            agent: 1,
            key: None,
            correlation: None,
            payload: hep::Payload::Plain(INVITE),
        };
        let mut bytes = Vec::new();
        packet.emit(&mut bytes);
        bytes
    }

    #[test]
    fn a_forged_tunnel_is_not_opened() {
        for (name, outer) in build::tunnels(&invite()) {
            for (wrappers, expected) in [
                (Wrappers::default(), (1, 0)),
                (only(&SENDERS), (1, 0)),
                (only(&OTHERS), (0, 1)),
                (only(&[]), (0, 1)),
            ] {
                let mut tap = Tap::of(wrappers.clone());
                assert_eq!((tap.shows(&outer), tap.not_opened()), expected, "{name}, {wrappers:?}");
                // What is not wrapped is read whoever sends it.
                assert_eq!((tap.shows(&invite()), tap.is_sound()), (1, true), "{name}, {wrappers:?}");
            }
        }
    }

    #[test]
    fn a_forged_tunnel_over_ipv6_is_not_opened() {
        let frame = build::ethernet(&invite());
        let vxlan = build::ipv6(UDP, &build::udp(7, 4789, &[&[8, 0, 0, 0, 0, 0, 7, 0], &frame[..]].concat()));
        for outer in [vxlan, build::ipv6(4, &invite())] {
            assert_eq!(Tap::of(only(&SENDERS)).shows(&outer), 1);
            let mut tap = Tap::of(only(&[SENDERS[0], OTHERS[1]]));
            assert_eq!((tap.shows(&outer), tap.not_opened()), (0, 1));
        }
    }

    #[test]
    fn what_is_broken_in_a_tunnel_of_somebody_else_is_no_fault() {
        let broken = build::ipv4(47, &[0, 7]);
        let mut tap = Tap::of(only(&SENDERS));
        assert_eq!((tap.shows(&broken), tap.not_opened(), tap.is_sound()), (0, 0, false));
        let mut tap = Tap::of(only(&OTHERS));
        assert_eq!((tap.shows(&broken), tap.not_opened(), tap.is_sound()), (0, 1, true));
    }

    #[test]
    fn a_tunnel_in_a_mirrors_tunnel_is_its_senders() {
        const MIRROR: [u8; 4] = [192, 0, 2, 5];
        for (name, inner) in build::tunnels(&invite()) {
            for (around, outer) in build::tunnels(&inner) {
                let outer = from(MIRROR, outer);
                let shown = |networks: &[&str]| {
                    let mut tap = Tap::of(only(networks));
                    (tap.shows(&outer), tap.not_opened())
                };
                assert_eq!(shown(&["192.0.2.5/32"]), (0, 1), "{name} in {around}");
                assert_eq!(shown(&["10.0.0.0/8"]), (0, 1), "{name} in {around}");
                assert_eq!(shown(&["192.0.2.5/32", "10.0.0.0/8"]), (1, 0), "{name} in {around}");
            }
        }
        // What an agent sent past the mirror is the agent's.
        let datagram = build::ipv4(UDP, &build::udp(9, 9060, &agents()));
        for (around, outer) in build::tunnels(&datagram) {
            let mut tap = Tap::of(only(&["192.0.2.5/32"]));
            assert_eq!((tap.shows(&from(MIRROR, outer)), tap.not_opened()), (0, 1), "{around}");
        }
    }

    #[test]
    fn a_forged_tunnel_in_fragments_is_not_opened() {
        for (name, outer) in build::tunnels(&invite()) {
            for octets in [8, 16, 24, 48] {
                for (networks, expected) in [(SENDERS, (1, 0)), (OTHERS, (0, 1))] {
                    let mut tap = Tap::of(only(&networks));
                    let parts = in_fragments(&outer, 7, octets);
                    let messages = parts.iter().map(|part| tap.shows(part)).sum::<usize>();
                    assert_eq!((messages, tap.not_opened()), expected, "{name}, {octets}");
                    assert!(tap.is_sound(), "{name}, {octets}");
                }
            }
        }
    }

    #[test]
    fn a_forged_agent_is_not_read() {
        let mut version_1 = vec![1, 16, 2, 17, 0x13, 0xc4, 0x13, 0xc4, 10, 0, 0, 1, 10, 0, 0, 2];
        version_1.extend_from_slice(INVITE);
        // On a port of SIP too.
        for (port, bytes) in [(4711, agents()), (5060, agents()), (9060, version_1)] {
            let datagram = build::ipv4(UDP, &build::udp(9, port, &bytes));
            for (wrappers, expected) in [
                (Wrappers::default(), (1, 0)),
                (only(&SENDERS), (1, 0)),
                (only(&OTHERS), (0, 1)),
                (only(&[]), (0, 1)),
            ] {
                let mut tap = Tap::of(wrappers.clone());
                assert_eq!((tap.shows(&datagram), tap.not_opened()), expected, "{port}, {wrappers:?}");
                let mut tap = Tap::of(wrappers.clone());
                let parts = in_fragments(&datagram, 7, 16);
                let messages = parts.iter().map(|part| tap.shows(part)).sum::<usize>();
                assert_eq!((messages, tap.not_opened()), expected, "{port}, {wrappers:?}");
                assert!(tap.is_sound());
            }
        }
    }

    #[test]
    fn a_forged_agents_stream_is_not_read() {
        const ACK: u8 = 16;
        let stream = [agents(), agents()].concat();
        for (networks, expected) in [(SENDERS, (2, 0)), (OTHERS, (0, 2))] {
            let mut tap = Tap::of(only(&networks));
            let (mut messages, mut sequence) = (0, 1);
            for part in stream.chunks(40) {
                messages += tap.shows(&build::ipv4(TCP, &build::tcp((9, 9060), sequence, ACK, part)));
                sequence += part.len() as u32;
            }
            assert_eq!((messages, tap.not_opened(), tap.is_sound()), (expected.0, expected.1, true));
        }
    }

    #[test]
    fn a_message_on_the_port_of_a_tunnel_is_read_though_it_begins_as_one() {
        // An empty line, and an octet of no value where VXLAN has one.
        const BYE: &[u8] = b"\nBYE xy\0 SIP/2.0\r\n\r\n";
        let datagram = build::ipv4(UDP, &build::udp(5060, 4789, BYE));
        let messages = |wrappers| {
            let mut assembler = Assembler::new(AssembleOptions { wrappers, ..AssembleOptions::default() });
            let (at, wire_length) = (At::from_nanos(1), datagram.len() as u32);
            let frame = Frame { at, number: 1, link: Link::RawIp, bytes: &datagram, wire_length };
            assembler.push(frame, &mut |_| {});
            assembler.pdus()
        };
        assert_eq!((messages(only(&SENDERS)), messages(only(&OTHERS))), (0, 1));
    }

    fn network() -> impl Strategy<Value = IpNet> {
        // Few bits, so that networks lie in and beside each other.
        prop_oneof![
            (any::<u8>(), 22..=32_u8).prop_map(|(low, length)| IpNet::new(
                [10, 0, low & 3, low].into(),
                length
            )
            .unwrap()),
            (any::<u16>(), 112..=128_u8).prop_map(|(low, length)| {
                IpNet::new([0x2001, 0xdb8, 0, 0, 0, 0, 0, low].into(), length).unwrap()
            }),
        ]
    }

    proptest! {
        #[test]
        fn those_who_may_wrap_are_those_in_a_network(
            networks in prop::collection::vec(network(), 0..8),
            senders in prop::collection::vec(network(), 1..50),
        ) {
            let wrappers = Wrappers::only(&networks);
            let edges = networks.iter().flat_map(|network| [network.network(), network.broadcast()]);
            for sender in senders.iter().map(IpNet::addr).chain(edges) {
                let expected = networks.iter().any(|network| network.contains(&sender));
                prop_assert_eq!(wrappers.may_wrap(sender), expected, "{}", sender);
            }
        }
    }
}
