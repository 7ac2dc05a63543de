//! MTP level 3 messages: service information octet and routing label. ITU-T Q.704 §2.2, §14.2 with point codes of 14 bits;
//! ANSI T1.111.4 §2.2 and China's GF 001-9001 with point codes of 24. Nothing in a message tells which: whoever reads it
//! must know. Level 2 signal units (Q.703 §2.3) are stripped by [`strip_link`].

use std::fmt;

use crate::base::fault::Layer;
use crate::base::frame::{Link, Mtp, MtpPlan, PointCode, RoutingLabel};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

/// Service indicator of SCCP (Q.704 §14.2.1).
pub const SCCP: u8 = 3;
/// Service indicator of ISUP.
pub const ISUP: u8 = 5;
/// Service indicator of BICC.
pub const BICC: u8 = 13;

const POINT_CODE: u32 = 0x3fff;

/// One message: whom it is from and for, and the user part's octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Which user part, 0 to 15: [`SCCP`], [`ISUP`], [`BICC`] or another.
    pub service_indicator: u8,
    /// Routing label, with the network indicator of the service information octet.
    pub label: RoutingLabel,
    /// The user part's message.
    pub user: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a message from its service information octet on; `plan` says how wide point codes are.
    ///
    /// # Errors
    /// [`Kind::Truncated`](crate::base::fault::Kind::Truncated) when shorter than octet and label: 5 octets, or 8 with
    /// wide point codes.
    pub fn parse(bytes: &'a [u8], plan: MtpPlan) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(Layer::Mtp3, bytes);
        let service = cursor.u8()?;
        let network_indicator = service >> 6;
        let standard = plan.of(network_indicator);
        let label = match standard {
            Mtp::Itu => {
                // Bits are sent lowest first, so the label is a little-endian word: DPC, OPC, SLS from the low end (figure 3).
                let word = u32::from_le_bytes(cursor.array()?);
                let (opc, dpc) = (word >> 14 & POINT_CODE, word & POINT_CODE);
                RoutingLabel { standard, opc, dpc, network_indicator, sls: (word >> 28) as u8 }
            }
            Mtp::Ansi | Mtp::China => {
                // DPC, OPC and SLS in whole octets, the member of each point code first (T1.111.4 §2.2).
                let [d0, d1, d2, o0, o1, o2, sls] = cursor.array()?;
                let sls = if standard == Mtp::China { sls & 0x0f } else { sls };
                let (opc, dpc) = (u32::from_le_bytes([o0, o1, o2, 0]), u32::from_le_bytes([d0, d1, d2, 0]));
                RoutingLabel { standard, opc, dpc, network_indicator, sls }
            }
        };
        Ok(Self { service_indicator: service & 0x0f, label, user: cursor.rest() })
    }

    /// Writes the message. Values wider than their fields lose their high bits.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let RoutingLabel { standard, opc, dpc, network_indicator, sls } = self.label;
        out.push(self.service_indicator & 0x0f | network_indicator << 6);
        if standard == Mtp::Itu {
            let word = dpc & POINT_CODE | (opc & POINT_CODE) << 14 | u32::from(sls) << 28;
            out.extend_from_slice(&word.to_le_bytes());
        } else {
            let ([d0, d1, d2, _], [o0, o1, o2, _]) = (dpc.to_le_bytes(), opc.to_le_bytes());
            out.extend_from_slice(&[d0, d1, d2, o0, o1, o2, sls]);
        }
        out.extend_from_slice(self.user);
    }
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RoutingLabel { standard, opc, dpc, network_indicator, sls } = self.label;
        let point_code = |code| PointCode { standard, code };
        let (user_part, length) = (self.service_indicator, self.user.len());
        match standard {
            Mtp::Itu => write!(f, "MTP3 {opc} > {dpc}")?,
            Mtp::Ansi | Mtp::China => write!(f, "MTP3 {} > {}", point_code(opc), point_code(dpc))?,
        }
        write!(f, " ni {network_indicator} sls {sls} si {user_part} ({length} octets)")
    }
}

/// The level 3 message in a frame of an MTP link. `None` for signal units that only keep the link up: fill-in (length
/// indicator 0) and link status (1 and 2), and for other links.
///
/// # Errors
/// [`Kind::Truncated`](crate::base::fault::Kind::Truncated) when the signal unit is shorter than its length indicator says.
pub fn strip_link(link: Link, bytes: &[u8]) -> Result<Option<&[u8]>, DecodeError> {
    let mut cursor = Cursor::new(Layer::Link, bytes);
    let extended = match link {
        Link::Mtp3 => return Ok(Some(bytes)),
        // Pseudo-header: direction, 1 when sequence numbers are extended (Q.703 annex A), link number.
        Link::Mtp2WithHeader => matches!(cursor.array()?, [_, 1, _, _]),
        Link::Mtp2 => false,
        _ => return Ok(None),
    };
    let (length, open) = if extended {
        cursor.skip(4)?;
        (usize::from(u16::from_le_bytes(cursor.array()?) & 0x1ff), 0x1ff)
    } else {
        cursor.skip(2)?;
        (usize::from(cursor.u8()? & 0x3f), 0x3f)
    };
    match length {
        0..=2 => Ok(None),
        // The highest value means "this many or more" (§2.3.3).
        _ if length == open => Ok(Some(cursor.rest())),
        _ => cursor.take(length).map(Some),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;
    use crate::base::fault::Kind;
    use proptest::prelude::*;

    #[test]
    fn reads_the_label_as_the_figure_draws_it() {
        let message = Message::parse(&[0x85, 0x07, 0x44, 0x02, 0x52, 0xaa], MtpPlan::default()).unwrap();
        assert_eq!(message.to_string(), "MTP3 2057 > 1031 ni 2 sls 5 si 5 (1 octets)");
    }

    #[test]
    fn reads_wide_labels_with_the_member_first() {
        let bytes = [0x85, 3, 2, 1, 6, 5, 4, 0xa5, 0xaa];
        let read = |standard| Message::parse(&bytes, MtpPlan::all(standard)).unwrap();
        assert_eq!(read(Mtp::Ansi).to_string(), "MTP3 4-5-6 > 1-2-3 ni 2 sls 165 si 5 (1 octets)");
        assert_eq!(read(Mtp::China).label.sls, 5);
    }

    #[test]
    fn strips_level_2_and_ignores_what_keeps_the_link_up() {
        let unit = [0x80, 0x81, 3, 1, 2, 3, 0xfc, 0xfc];
        assert_eq!(strip_link(Link::Mtp2, &unit), Ok(Some(&unit[3..6])));
        assert_eq!(strip_link(Link::Mtp2, &[0x80, 0x81, 0]), Ok(None));
        assert_eq!(strip_link(Link::Mtp2, &[0x80, 0x81, 1, 0]), Ok(None));
        let extended = [0, 1, 0, 9, 0, 0, 0, 0, 3, 0, 1, 2, 3];
        assert_eq!(strip_link(Link::Mtp2WithHeader, &extended), Ok(Some(&extended[10..])));
        assert_eq!(strip_link(Link::Mtp2, &[0x80, 0x81, 4, 1]).unwrap_err().kind, Kind::Truncated);
    }

    proptest! {
        #[test]
        fn what_is_emitted_is_read_back(
            standard in prop::sample::select(vec![Mtp::Ansi, Mtp::China, Mtp::Itu]),
            opc: u32, dpc: u32, sls: u8, network_indicator in 0..4_u8,
            service_indicator in 0..16_u8, user in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            let mask = (1 << standard.bits()) - 1;
            let sls = if standard == Mtp::Ansi { sls } else { sls & 0x0f };
            let label = RoutingLabel { standard, opc: opc & mask, dpc: dpc & mask, network_indicator, sls };
            let message = Message { service_indicator, label, user: &user };
            let mut bytes = Vec::new();
            message.emit(&mut bytes);
            let mut plan = MtpPlan::default();
            plan.set(network_indicator, standard);
            prop_assert_eq!(Message::parse(&bytes, plan), Ok(message));
            let short = &bytes[..bytes.len() - user.len() - 1];
            prop_assert_eq!(Message::parse(short, plan).unwrap_err().kind, Kind::Truncated);
        }

        #[test]
        fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            for (link, standard) in [(Link::Mtp2WithHeader, Mtp::Itu), (Link::Mtp2, Mtp::China), (Link::Mtp3, Mtp::Ansi)] {
                let read = |bytes| Message::parse(bytes, MtpPlan::all(standard));
                let _ = strip_link(link, &bytes).map(|found| found.map(read));
            }
        }
    }
}
