//! Why frames are passed over, and how many were.

use crate::wire::sigtran::{self, Adaptation};

/// Why a frame, or a unit within it, is not signalling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Skip {
    /// ARP, spanning tree and whatever else is not IP.
    NotIp,
    /// IP, but not UDP, TCP or SCTP.
    IpOther,
    /// UDP that is not SIP: media, mostly.
    UdpOther,
    /// A keep-alive on a SIP port: empty, CR LF, zeros or STUN.
    KeepAlive,
    /// TCP of connections without SIP.
    TcpOther,
    /// TCP without data.
    TcpEmpty,
    /// What capture agents send of other protocols.
    HepOther,
    /// A tunnel, or a packet of a capture agent, of somebody whose are not opened.
    NotOpened,
    /// A datagram or fragment that another tap point showed a moment ago.
    Duplicate,
    /// SCTP without signalling: heartbeats, acknowledgements, other payload protocols.
    SctpOther,
    /// M3UA, M2UA and M2PA that keep links up.
    Management,
    /// MTP level 2 that keeps the link up.
    Mtp2Status,
    /// User parts of SS7 that are neither ISUP nor BICC: SCCP (that of SUA too), network management, tests; ISDN by IUA.
    OtherUserPart,
}

impl Skip {
    /// Names for counters, in the order of the enum.
    pub const NAMES: [&'static str; 13] = [
        "not_ip",
        "ip_other",
        "udp_other",
        "keep_alive",
        "tcp_other",
        "tcp_empty",
        "hep_other",
        "not_opened",
        "duplicate",
        "sctp_other",
        "management",
        "mtp2_status",
        "other_user_part",
    ];
}

/// Counts of what is not signalling, and of messages of SIGTRAN's adaptation layers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skips {
    skips: [u64; Skip::NAMES.len()],
    /// By adaptation layer, class and type; empty until the first.
    adapted: Vec<u64>,
}

/// Counts of one adaptation layer; a type that is not numbered is counted as class 1, type 0, which none is.
const ADAPTED: usize = sigtran::CLASSES * sigtran::KINDS;
const NOT_NUMBERED: usize = sigtran::KINDS;

impl Skips {
    /// How many of this kind.
    #[must_use]
    pub const fn of(&self, skip: Skip) -> u64 {
        self.skips[skip as usize]
    }

    /// Name and count of each kind, in the order of the enum.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Skip::NAMES.into_iter().zip(self.skips.iter().copied())
    }

    /// Adaptation layer, class and type, and count of the messages that occurred.
    pub fn messages(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> + '_ {
        let name =
            |index: usize| sigtran::kind_name((index / sigtran::KINDS) as u8, (index % sigtran::KINDS) as u8);
        let layers = Adaptation::ALL.into_iter().zip(self.adapted.chunks(ADAPTED));
        layers.flat_map(move |(layer, counts)| {
            let counted = counts.iter().enumerate().filter(|(_, count)| **count > 0);
            counted.map(move |(index, count)| (layer.name(), name(index).unwrap_or("other"), *count))
        })
    }

    /// Counts one.
    pub(super) fn count(&mut self, skip: Skip) {
        self.skips[skip as usize] += 1;
    }

    /// Counts a message of an adaptation layer.
    pub(super) fn adapted(&mut self, adaptation: Adaptation, class: u8, kind: u8) {
        if self.adapted.is_empty() {
            self.adapted.resize(Adaptation::ALL.len() * ADAPTED, 0);
        }
        let numbered = usize::from(class) * sigtran::KINDS + usize::from(kind);
        let index = if sigtran::kind_name(class, kind).is_some() { numbered } else { NOT_NUMBERED };
        self.adapted[adaptation as usize * ADAPTED + index] += 1;
    }

    /// Adds another's counts to these.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.skips.iter_mut().zip(other.skips) {
            *count += more;
        }
        self.adapted.resize(self.adapted.len().max(other.adapted.len()), 0);
        self.adapted.iter_mut().zip(&other.adapted).for_each(|(count, more)| *count += more);
    }
}
