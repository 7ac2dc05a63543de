//! Everything that can be wrong with the input, by layer and kind: the closed list behind the counters that say why
//! something was dropped, in the report and in the metrics.

/// Where something was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Layer {
    /// The capture file itself.
    File,
    /// HEP, which capture agents send.
    Hep,
    /// Ethernet, VLAN tags, Linux cooked capture.
    Link,
    /// IPv4 and IPv6, and their fragments.
    Ip,
    /// What packets are wrapped in: GRE, ERSPAN.
    Tunnel,
    /// UDP.
    Udp,
    /// TCP streams.
    Tcp,
    /// WebSocket handshakes and frames.
    WebSocket,
    /// SCTP chunks and user messages.
    Sctp,
    /// IUA, of which only the header is read.
    Iua,
    /// M2PA.
    M2pa,
    /// M2UA.
    M2ua,
    /// M3UA.
    M3ua,
    /// SUA, of which only the header is read.
    Sua,
    /// MTP level 3.
    Mtp3,
    /// ISUP.
    Isup,
    /// SIP.
    Sip,
    /// Call state.
    Call,
    /// Windows and marks.
    Feature,
    /// The judge.
    Judge,
}

impl Layer {
    /// Names for counters, in the order of the enum.
    pub const NAMES: [&'static str; 20] = [
        "file",
        "hep",
        "link",
        "ip",
        "tunnel",
        "udp",
        "tcp",
        "websocket",
        "sctp",
        "iua",
        "m2pa",
        "m2ua",
        "m3ua",
        "sua",
        "mtp3",
        "isup",
        "sip",
        "call",
        "feature",
        "judge",
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Malformed: ends before it should (a frame cut by the snap length, a message shorter than its fixed part).
    Truncated,
    /// Malformed: a length field that cannot be true.
    BadLength,
    /// Malformed: bytes that break the grammar.
    BadSyntax,
    /// Malformed: a checksum that does not fit.
    BadChecksum,
    /// Malformed: a header or parameter that must be there is not.
    Missing,
    /// Malformed: the same thing twice with different values.
    Conflict,
    /// Malformed: more headers, parameters or nesting than any honest message has.
    TooMany,
    /// Unexpected: a message that fits no live call or state.
    Unexpected,
    /// Unexpected: a time earlier than one already seen; moved to now.
    ClockBackwards,
    /// Unexpected: a time far ahead of the one before and after it; moved to now.
    ClockForwards,
    /// Unexpected: bytes missing from a stream.
    Gap,
    /// Unexpected: the same unit seen before; ignored.
    Duplicate,
    /// Unexpected: told of what has been recorded already; ignored.
    Late,
    /// Unexpected: overlapping fragments or segments that differ.
    Overlap,
    /// Unexpected: an INVITE with a To tag, as if of a dialog, for a call that is not known.
    NoDialog,
    /// Unexpected: a response that travels the way of the request it would answer, or is from the side that asked;
    /// ignored.
    WrongWay,
    /// Unsupported: a version, type or protocol not read.
    Unsupported,
    /// Unrecognised: bytes on a signalling port that are not signalling.
    NotRecognised,
    /// A table was full; the oldest entry made room.
    Evicted,
    /// A timer closed what never ended.
    Expired,
}

impl Kind {
    /// Names for counters, in the order of the enum.
    pub const NAMES: [&'static str; 20] = [
        "truncated",
        "bad_length",
        "bad_syntax",
        "bad_checksum",
        "missing",
        "conflict",
        "too_many",
        "unexpected",
        "clock_backwards",
        "clock_forwards",
        "gap",
        "duplicate",
        "late",
        "overlap",
        "no_dialog",
        "wrong_way",
        "unsupported",
        "not_recognised",
        "evicted",
        "expired",
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// Counts of faults by layer and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults([[u64; Kind::NAMES.len()]; Layer::NAMES.len()]);

impl Faults {
    /// Counts one.
    pub fn count(&mut self, layer: Layer, kind: Kind) {
        self.0[layer as usize][kind as usize] += 1;
    }

    /// Adds another's counts to these.
    pub fn merge(&mut self, other: &Self) {
        for (row, more) in self.0.iter_mut().zip(&other.0) {
            for (cell, extra) in row.iter_mut().zip(more) {
                *cell += extra;
            }
        }
    }

    /// How many of this layer and kind.
    #[must_use]
    pub const fn of(&self, layer: Layer, kind: Kind) -> u64 {
        self.0[layer as usize][kind as usize]
    }

    /// The counts that are not zero: layer name, kind name, count.
    pub fn nonzero(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> + '_ {
        self.0.iter().zip(Layer::NAMES).flat_map(|(row, layer)| {
            row.iter()
                .zip(Kind::NAMES)
                .filter(|(count, _)| **count > 0)
                .map(move |(count, kind)| (layer, kind, *count))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_under_the_name() {
        let mut faults = Faults::default();
        faults.count(Layer::Judge, Kind::Expired);
        faults.count(Layer::File, Kind::Truncated);
        let twice = {
            let mut sum = faults.clone();
            sum.merge(&faults);
            sum
        };
        assert_eq!(twice.nonzero().collect::<Vec<_>>(), [("file", "truncated", 2), ("judge", "expired", 2)]);
    }
}
