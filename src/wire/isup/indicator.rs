//! Parameters of single bits and small codes: how a call is set up, answered and forwarded. ITU-T Q.763 §3.5, §3.11,
//! §3.21, §3.23, §3.35, §3.37, §3.38, §3.45, §3.52; T1.113.3 where it has other values.

use crate::base::fault::Kind;
use crate::wire::DecodeError;
use crate::wire::isup::Variant;
use crate::wire::isup::parameter::Parameter;

/// Nature of connection indicators (§3.35).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NatureOfConnection(pub u8);

impl NatureOfConnection {
    /// Satellite circuits on the way so far: 0, 1 or 2; 3 is spare.
    #[must_use]
    pub const fn satellites(self) -> u8 {
        self.0 & 3
    }

    /// The circuit, or one before it, is checked for continuity: a COT follows.
    #[must_use]
    pub const fn awaits_continuity(self) -> bool {
        matches!(self.0 >> 2 & 3, 1 | 2)
    }

    /// An echo control device is included.
    #[must_use]
    pub const fn has_echo_control(self) -> bool {
        self.0 & 0x10 != 0
    }
}

/// Forward call indicators (§3.23).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForwardCall(pub [u8; 2]);

impl ForwardCall {
    /// The call is to be treated as an international one.
    #[must_use]
    pub const fn is_international(self) -> bool {
        let [first, _] = self.0;
        first & 1 != 0
    }

    /// It came through a network without this signalling.
    #[must_use]
    pub const fn met_interworking(self) -> bool {
        let [first, _] = self.0;
        first & 0x08 != 0
    }

    /// A number portability database was asked (§3.23, bit M).
    #[must_use]
    pub const fn is_number_translated(self) -> bool {
        let [_, second] = self.0;
        second & 0x10 != 0
    }

    /// The caller has an ISDN line.
    #[must_use]
    pub const fn is_isdn_access(self) -> bool {
        let [_, second] = self.0;
        second & 1 != 0
    }
}

/// Backward call indicators (§3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackwardCall(pub [u8; 2]);

impl BackwardCall {
    /// 0 no indication, 1 no charge, 2 charge.
    #[must_use]
    pub const fn charge(self) -> u8 {
        let [first, _] = self.0;
        first & 3
    }

    /// Called party's status: 0 no indication, 1 subscriber free, 2 connect when free.
    #[must_use]
    pub const fn called_status(self) -> u8 {
        let [first, _] = self.0;
        first >> 2 & 3
    }

    /// Called party's category: 0 no indication, 1 ordinary subscriber, 2 payphone.
    #[must_use]
    pub const fn called_category(self) -> u8 {
        let [first, _] = self.0;
        first >> 4 & 3
    }

    /// It goes through a network without this signalling.
    #[must_use]
    pub const fn met_interworking(self) -> bool {
        let [_, second] = self.0;
        second & 1 != 0
    }
}

/// More parameters of the message follow in an SGM (Q.764 §2.1.12): bit C of the optional forward (§3.38) and of the
/// optional backward call indicators (§3.37).
#[must_use]
pub const fn is_segmented(indicators: u8) -> bool {
    indicators & 0x04 != 0
}

/// Calling party's category (§3.11) in words.
#[must_use]
pub const fn category_name(variant: Variant, category: u8) -> &'static str {
    match (variant, category) {
        (_, 0x00) => "unknown",
        (_, 0x01) => "operator, French",
        (_, 0x02) => "operator, English",
        (_, 0x03) => "operator, German",
        (_, 0x04) => "operator, Russian",
        (_, 0x05) => "operator, Spanish",
        (_, 0x06..=0x08) => "operator, language by agreement",
        (_, 0x09) => "national operator",
        (_, 0x0A) => "ordinary subscriber",
        (_, 0x0B) => "subscriber with priority",
        (_, 0x0C) => "data call",
        (_, 0x0D) => "test call",
        (Variant::Bicc | Variant::China | Variant::Itu, 0x0E) => "emergency preparedness (IEPS)",
        (_, 0x0F) => "payphone",
        (Variant::Bicc | Variant::China | Variant::Itu, 0x10) => "mobile in its home network",
        (Variant::Bicc | Variant::China | Variant::Itu, 0x11) => "mobile in a visited network",
        (Variant::Ansi, 0xE0) => "emergency service call",
        (Variant::Ansi, 0xE1) => "high priority emergency service call",
        (Variant::Ansi, 0xE2) => "national security and emergency preparedness",
        (_, 0xE0..=0xFE) => "national",
        (_, _) => "spare",
    }
}

/// Event information (§3.21) in words.
#[must_use]
pub const fn event_name(event: u8) -> &'static str {
    match event & 0x7F {
        1 => "alerting",
        2 => "progress",
        3 => "in-band information",
        4 => "forwarded on busy",
        5 => "forwarded on no reply",
        6 => "forwarded unconditionally",
        _ => "spare",
    }
}

/// Redirection information (§3.45).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redirection {
    /// Redirecting indicator, 3 bits: 3 call diversion, 1 call rerouted; others restrict what may be shown.
    pub indicator: u8,
    /// Why the call was forwarded first, 4 bits.
    pub original_reason: u8,
    /// How often it was forwarded, 1 to 5; 0 when it is not said.
    pub counter: u8,
    /// Why it was forwarded last, 4 bits.
    pub reason: u8,
}

impl Redirection {
    /// From its octets. The second, counter and reason of the last redirection, may be missing and is then zero.
    #[must_use]
    pub const fn of_octets([first, second]: [u8; 2]) -> Self {
        Self { indicator: first & 7, original_reason: first >> 4, counter: second & 7, reason: second >> 4 }
    }

    /// Reads the content of a parameter.
    ///
    /// # Errors
    /// [`Kind::BadLength`] when it is empty.
    pub fn parse(parameter: Parameter<'_>) -> Result<Self, DecodeError> {
        match *parameter.content {
            [first, second, ..] => Ok(Self::of_octets([first, second])),
            [first] => Ok(Self::of_octets([first, 0])),
            [] => Err(parameter.error(Kind::BadLength)),
        }
    }

    /// Its octets.
    #[must_use]
    pub const fn octets(self) -> [u8; 2] {
        [self.original_reason << 4 | self.indicator & 7, self.reason << 4 | self.counter & 7]
    }
}

/// A reason of redirection in words.
#[must_use]
pub const fn reason_name(reason: u8) -> &'static str {
    match reason {
        0 => "unknown",
        1 => "busy",
        2 => "no reply",
        3 => "unconditional",
        4 => "deflection while alerting",
        5 => "deflection at once",
        6 => "mobile not reachable",
        _ => "spare",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_bits_of_a_call() {
        let connection = NatureOfConnection(0x15);
        assert_eq!((connection.satellites(), connection.awaits_continuity()), (1, true));
        assert!(connection.has_echo_control() && !NatureOfConnection(0).awaits_continuity());
        let forward = ForwardCall([0x21, 0x11]);
        assert!(forward.is_international() && forward.is_isdn_access() && forward.is_number_translated());
        assert!(!forward.met_interworking());
        let backward = BackwardCall([0x16, 0x15]);
        assert_eq!((backward.charge(), backward.called_status(), backward.called_category()), (2, 1, 1));
        assert!(backward.met_interworking());
        assert!(is_segmented(0x04) && !is_segmented(0xFB));
    }

    #[test]
    fn a_category_means_what_its_standard_says() {
        assert_eq!(category_name(Variant::Itu, 0x0A), "ordinary subscriber");
        assert_eq!(category_name(Variant::Itu, 0xE0), "national");
        assert_eq!(category_name(Variant::Ansi, 0xE0), "emergency service call");
        assert_eq!(category_name(Variant::Ansi, 0x10), "spare");
    }

    proptest! {
        #[test]
        fn reads_the_redirection_it_wrote(octets: [u8; 2]) {
            let known = [octets[0] & 0xF7, octets[1] & 0xF7];
            prop_assert_eq!(Redirection::of_octets(octets).octets(), known);
            let parameter = Parameter { code: 0x13, offset: 0, content: &octets[..1] };
            let short = Redirection::parse(parameter).unwrap();
            prop_assert_eq!(short, Redirection { counter: 0, reason: 0, ..Redirection::of_octets(octets) });
        }
    }
}
