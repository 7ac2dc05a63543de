//! Which way a packet goes: to the other fragments of its datagram, to its stream or association, or out at once.

use std::net::SocketAddr;

use super::chunk::{self, Chunks};
use super::fragment::Fragments;
use super::hep;
use super::recent::Recent;
use super::sink::Sink;
use super::skip::Skip;
use super::start_line::{looks_like_sip, trim_empty_lines};
use super::stream::Streams;
use crate::base::fault::{Kind, Layer};
use crate::base::frame::{Envelope, Pdu, Transport};
use crate::wire::net::{self, Fragment, Inside, Packet, Tcp, Udp};

/// Ports on which anything but SIP is a surprise: 5060 and 5061 (RFC 3261 §18.2), and 5080, much used.
pub(super) const SIP_PORTS: [u16; 3] = [5060, 5061, 5080];

/// The ways a packet may go.
pub(super) struct Paths<'a> {
    pub fragments: &'a mut Fragments,
    pub recent: &'a mut Recent,
    pub streams: &'a mut Streams,
    pub chunks: &'a mut Chunks,
}

impl Paths<'_> {
    /// Takes a packet, or the one that is wrapped in it: to its transport, or to the other fragments.
    #[inline]
    pub fn take<F: FnMut(Pdu<'_>)>(&mut self, mut packet: Packet<'_>, sink: &mut Sink<'_, F>) {
        loop {
            if let Some(place) = packet.fragment {
                return self.fragment(&packet, place, sink);
            }
            match packet.inside() {
                Ok(Inside::Payload) => return self.transport(&packet, sink),
                _ if !sink.wrappers.may_wrap(packet.src) => return self.closed(&packet, sink),
                Ok(Inside::Packet(inner)) => packet = inner,
                Ok(Inside::Other) => return sink.skip(Skip::NotIp),
                Err(error) => return sink.refuse(error),
            }
        }
    }

    /// What is put together may be wrapped again, and again in fragments: as deep as wrappings go.
    fn fragment<F: FnMut(Pdu<'_>)>(&mut self, packet: &Packet<'_>, place: Fragment, sink: &mut Sink<'_, F>) {
        if self.recent.has_seen(sink.at, packet) {
            return sink.skip(Skip::Duplicate);
        }
        let found = self.fragments.push(sink.at, packet, place, &mut sink.counts.faults);
        let Some((protocol, payload)) = found else { return };
        match packet.put_together(protocol, &payload) {
            Ok(whole) => self.take(whole, sink),
            Err(error) => sink.refuse(error),
        }
    }

    /// A tunnel of somebody whose are not opened. On the port of one a message may begin as one, and is read all the same.
    fn closed<F: FnMut(Pdu<'_>)>(&mut self, packet: &Packet<'_>, sink: &mut Sink<'_, F>) {
        let is_sip = |datagram: Udp<'_>| looks_like_sip(datagram.payload);
        if packet.protocol == net::UDP && Udp::parse(packet.payload).is_ok_and(is_sip) {
            return self.transport(packet, sink);
        }
        sink.skip(Skip::NotOpened);
    }

    fn transport<F: FnMut(Pdu<'_>)>(&mut self, packet: &Packet<'_>, sink: &mut Sink<'_, F>) {
        if let Some(flaw) = packet.flaw {
            sink.fault(Layer::Ip, flaw);
        }
        match packet.protocol {
            net::UDP => match Udp::parse(packet.payload) {
                Ok(udp) => self.datagram(packet, &udp, sink),
                Err(error) => sink.refuse(error),
            },
            net::TCP => match Tcp::parse(packet.payload) {
                Ok(tcp) => {
                    let src = SocketAddr::new(packet.src, tcp.src_port);
                    let dst = SocketAddr::new(packet.dst, tcp.dst_port);
                    self.streams.push((src, dst), &tcp, sink);
                }
                Err(error) => sink.refuse(error),
            },
            net::SCTP => {
                let Packet { src, dst, payload, flaw, .. } = *packet;
                self.chunks.push(chunk::Packet { src, dst, bytes: payload, is_whole: flaw.is_none() }, sink);
            }
            _ => sink.skip(Skip::IpOther),
        }
    }

    fn datagram<F: FnMut(Pdu<'_>)>(&mut self, packet: &Packet<'_>, udp: &Udp<'_>, sink: &mut Sink<'_, F>) {
        if udp.length_differs && packet.flaw.is_none() {
            sink.fault(Layer::Udp, Kind::BadLength);
        }
        let ports = (udp.src_port, udp.dst_port);
        let is_sip_port = SIP_PORTS.contains(&ports.0) || SIP_PORTS.contains(&ports.1);
        let is_agent = hep::is_likely(ports, udp.payload);
        if !is_agent && !is_sip_port && !looks_like_sip(udp.payload) {
            return sink.skip(Skip::UdpOther);
        }
        if self.recent.has_seen(sink.at, packet) {
            return sink.skip(Skip::Duplicate);
        }
        if is_agent {
            return sink.agent(packet.src, udp.payload);
        }
        let src = SocketAddr::new(packet.src, udp.src_port);
        let dst = SocketAddr::new(packet.dst, udp.dst_port);
        sip((src, dst, Transport::Udp), udp.payload, sink);
    }
}

/// What should be one SIP message.
pub(super) fn sip<F: FnMut(Pdu<'_>)>(
    (src, dst, transport): (SocketAddr, SocketAddr, Transport),
    bytes: &[u8],
    sink: &mut Sink<'_, F>,
) {
    if looks_like_sip(bytes) {
        sink.emit(Envelope::Sip { src, dst, transport }, trim_empty_lines(bytes));
    } else if is_keep_alive(bytes) {
        sink.skip(Skip::KeepAlive);
    } else {
        sink.fault(Layer::Sip, Kind::NotRecognised);
    }
}

/// What phones send to keep a path through address translators open: RFC 5626 §3.5, RFC 6223, or only zeros.
fn is_keep_alive(bytes: &[u8]) -> bool {
    const STUN_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
    bytes.get(4..8) == Some(&STUN_COOKIE)
        || bytes.iter().all(|octet| matches!(octet, b'\r' | b'\n' | b' ' | 0))
}
