//! Honest packets, for tests.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

/// Untagged.
pub fn ethernet(ip: &[u8]) -> Vec<u8> {
    let ethertype = if ip.first().is_some_and(|octet| octet >> 4 == 6) { [0x86, 0xdd] } else { [0x08, 0x00] };
    [&[0; 12], &ethertype[..], ip].concat()
}

/// From 10.0.0.1 to 10.0.0.2, not fragmented.
pub fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_fragment(protocol, (0, 0, false), payload)
}

/// From 10.0.0.1 to 10.0.0.2; identification, offset in octets, more.
pub fn ipv4_fragment(protocol: u8, place: (u16, u16, bool), payload: &[u8]) -> Vec<u8> {
    let (identification, offset, more) = place;
    let mut bytes = vec![0x45, 0];
    bytes.extend_from_slice(&(20 + payload.len() as u16).to_be_bytes());
    bytes.extend_from_slice(&identification.to_be_bytes());
    bytes.extend_from_slice(&((offset / 8) | (u16::from(more) << 13)).to_be_bytes());
    bytes.extend_from_slice(&[64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    bytes.extend_from_slice(payload);
    bytes
}

/// One datagram.
pub fn udp(src_port: u16, dst_port: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = [src_port.to_be_bytes(), dst_port.to_be_bytes()].concat();
    bytes.extend_from_slice(&(8 + payload.len() as u16).to_be_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(payload);
    bytes
}

/// One segment; flags as on the wire (FIN 1, SYN 2, RST 4, ACK 16).
pub fn tcp(ports: (u16, u16), sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = [ports.0.to_be_bytes(), ports.1.to_be_bytes()].concat();
    bytes.extend_from_slice(&sequence.to_be_bytes());
    bytes.extend_from_slice(&[0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    bytes.extend_from_slice(payload);
    bytes
}

/// An Ethernet frame of any EtherType.
pub fn ethernet_of(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [&[2; 12], &ethertype.to_be_bytes()[..], payload].concat()
}

/// From ::1 to ::2; what the next header is, and what follows.
pub fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    bytes.extend_from_slice(&[next, 64]);
    bytes.extend_from_slice(&1_u128.to_be_bytes());
    bytes.extend_from_slice(&2_u128.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// The ways in which a tunnel carries an IP packet over IPv4, by name: from the outer IP header on.
pub fn tunnels(ip: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let frame = ethernet(ip);
    let gre = |head: &[u8], inner: &[u8]| ipv4(47, &[head, inner].concat());
    let over_udp = |port: u16, head: &[u8], inner: &[u8]| ipv4(17, &udp(7, port, &[head, inner].concat()));
    let length = |extra: usize| ((ip.len() + extra) as u16).to_be_bytes();
    let gtp = |head: &[u8], extra: usize, options: &[u8]| {
        over_udp(2152, &[head, &length(extra), &[0, 0, 0, 9], options].concat(), ip)
    };
    let version = if ip[0] >> 4 == 4 { [0x08, 0x00] } else { [0x86, 0xdd] };
    let ppp = if ip[0] >> 4 == 4 { [0x00, 0x21] } else { [0x00, 0x57] };
    let next = if ip[0] >> 4 == 4 { 4 } else { 41 };
    vec![
        ("ip in ip", ipv4(next, ip)),
        ("gre", gre(&[[0, 0], version].concat(), ip)),
        (
            "gre, all options",
            gre(&[&[0xf0, 0], &version[..], &[1; 12], &[0, 9, 0, 2, 5, 5], &[0; 4]].concat(), ip),
        ),
        ("gre, ethernet", gre(&[0x20, 0, 0x65, 0x58, 0, 0, 0, 1], &frame)),
        ("gre, ppp", gre(&[&[0, 0, 0x88, 0x0b], &ppp[..]].concat(), ip)),
        (
            "gre 1, ppp",
            gre(
                &[&[0x30, 0x81, 0x88, 0x0b], &length(4)[..], &[0, 1], &[9; 8], &[0xff, 3], &ppp].concat(),
                ip,
            ),
        ),
        ("gre, mpls", gre(&[0, 0, 0x88, 0x47, 0, 1, 1, 64], ip)),
        ("erspan 1", gre(&[0, 0, 0x88, 0xbe], &frame)),
        ("erspan 2", gre(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 5, 0, 1, 0, 0, 0, 2], &frame)),
        ("erspan 3", gre(&[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 5][..], &[0; 10]].concat(), &frame)),
        (
            "erspan 3, subheader",
            gre(&[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 5][..], &[0; 9], &[1], &[7; 8]].concat(), &frame),
        ),
        (
            "erspan 3, ip",
            gre(&[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 5][..], &[0; 8], &[0x08, 0]].concat(), ip),
        ),
        ("mpls in ip", ipv4(137, &[&[0, 1, 0, 64, 0, 2, 1, 64], ip].concat())),
        ("vxlan", over_udp(4789, &[8, 0, 0, 0, 0, 0, 7, 0], &frame)),
        ("vxlan as linux had it", over_udp(8472, &[8, 0, 0, 0, 0, 0, 7, 0], &frame)),
        ("vxlan, group policy", over_udp(4789, &[0x88, 0, 0, 9, 0, 0, 7, 0], &frame)),
        ("vxlan-gpe", over_udp(4790, &[12, 0, 0, if next == 4 { 1 } else { 2 }, 0, 0, 7, 0], ip)),
        ("geneve", over_udp(6081, &[1, 0, 0x65, 0x58, 0, 0, 7, 0, 0, 1, 2, 3], &frame)),
        ("geneve, ip", over_udp(6081, &[&[0, 0], &version[..], &[0, 0, 7, 0]].concat(), ip)),
        ("gtp", gtp(&[0x30, 255], 0, &[])),
        ("gtp, sequence", gtp(&[0x32, 255], 4, &[0, 1, 0, 0])),
        ("gtp, extensions", gtp(&[0x34, 255], 16, &[0, 0, 0, 0x85, 1, 0, 9, 0xc0, 2, 1, 1, 1, 1, 1, 1, 0])),
    ]
}

/// The headers that may stand between Ethernet's addresses and an IPv4 packet, by name: a whole frame.
pub fn framings(ip: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let frame = ethernet(ip);
    let tail = frame[12..].to_vec();
    let behind = |ethertype: u16, head: &[u8], rest: &[u8]| ethernet_of(ethertype, &[head, rest].concat());
    let llc = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], ip].concat();
    let session =
        |code| [&[0x11, code, 0, 1][..], &((ip.len() + 2) as u16).to_be_bytes(), &[0, 0x21]].concat();
    vec![
        ("plain", frame.clone()),
        ("802.1Q", behind(0x8100, &[0, 1], &tail)),
        ("802.1ad", behind(0x88a8, &[0, 1, 0x81, 0, 0, 2], &tail)),
        ("three tags", behind(0x9100, &[0, 1, 0x92, 0, 0, 2, 0x81, 0, 0, 3], &tail)),
        ("snap", ethernet_of(llc.len() as u16, &llc)),
        ("802.1Q, snap", behind(0x8100, &[&[0, 1][..], &(llc.len() as u16).to_be_bytes()].concat(), &llc)),
        ("E-tag", behind(0x893f, &[0; 6], &tail)),
        ("VN-tag", behind(0x8926, &[0; 4], &tail)),
        ("macsec", behind(0x88e5, &[0, 0, 0, 0, 0, 1], &tail)),
        ("macsec, channel", behind(0x88e5, &[&[0x20, 0, 0, 0, 0, 1][..], &[7; 8]].concat(), &tail)),
        ("mpls", behind(0x8847, &[0, 1, 0x01, 64], ip)),
        ("mpls, three labels", behind(0x8848, &[0, 1, 0, 64, 0, 2, 0, 64, 0, 3, 0x01, 64], ip)),
        ("pseudowire", behind(0x8847, &[0, 1, 0x01, 64], &frame)),
        ("pseudowire, control word", behind(0x8847, &[0, 1, 0x01, 64, 0, 0, 0, 9], &frame)),
        (
            "pseudowire to an address like IPv4",
            behind(0x8847, &[0, 1, 0x01, 64], &[&[0x45; 12], &tail[..]].concat()),
        ),
        ("pppoe", behind(0x8864, &session(0), ip)),
    ]
}
