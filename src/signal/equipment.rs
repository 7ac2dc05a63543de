//! What a setup shows of the equipment that sent it: a fingerprint of how it writes, never of what the call is about.
//!
//! Software that makes calls by the thousand writes every setup with the same few lines of code. Where its calling numbers and
//! routes change, the order of its headers does not. Not looked at: numbers, Call-ID, tags, branches, addresses, ports, times,
//! lengths, and headers or parameters that some calls have and others have not (privacy, diversion, reason). Network elements on
//! the way may rewrite all of it: one that does makes its calls look alike, so compare within a route.

use memchr::memmem;

use crate::base::fingerprint::Fingerprint;
use crate::wire::isup::iam::Iam;
use crate::wire::isup::parameter::{self, Parameter};
use crate::wire::sip::Message;
use crate::wire::sip::near::near;
use crate::wire::sip::value::plain_parameters;

/// Lines of a session description that are looked at: the first medium comes long before (RFC 8866 §5).
const SDP_LINES_MAX: usize = 32;
/// A run of so many hexadecimal digits in a User-Agent is a serial number or hardware address, not a version.
const SERIAL_LENGTH: usize = 8;

/// Fingerprint of an INVITE: order and spelling of its header names, User-Agent, shape of Contact and of the top Via, origin,
/// session name and codecs of the session description. Never 0.
#[inline]
pub fn of_invite(message: &Message<'_>) -> u32 {
    let head = &message.head;
    let mut print = head.names;
    if let Some(value) = head.user_agent {
        agent(value, &mut print);
    }
    contact(head.contact.unwrap_or_default(), &mut print);
    plain_parameters(head.via.unwrap_or_default()).for_each(|(name, _)| print.octets(name));
    session(message.body, &mut print);
    print.finish()
}

/// The product that wrote it, without serial numbers.
fn agent(value: &[u8], print: &mut Fingerprint) {
    for word in value.split(|octet| !octet.is_ascii_alphanumeric()) {
        let is_serial = word.len() >= SERIAL_LENGTH
            && word.iter().all(u8::is_ascii_hexdigit)
            && word.iter().any(u8::is_ascii_digit);
        print.octets(if is_serial { b"#" } else { word });
    }
}

/// How Contact begins, whether it has a user part, and which parameters follow that.
#[inline]
fn contact(value: &[u8], print: &mut Fingerprint) {
    // What comes before the user part may be a name or a scheme; a number in it is the call's.
    let start = value.first().map_or(0, |first| if first.is_ascii_alphanumeric() { b'a' } else { *first });
    let user = near([b'@'], value);
    print.word(u64::from(start) << 1 | u64::from(user.is_some()));
    let rest = value.get(user.unwrap_or_default()..).unwrap_or_default();
    plain_parameters(rest).for_each(|(name, _)| print.octets(name));
}

/// Origin, session name and the first medium of a session description (RFC 8866 §5.2, §5.3, §5.14), which may be one of several
/// parts of the body.
fn session(body: &[u8], print: &mut Fingerprint) {
    let start = if body.starts_with(b"v=") { Some(0) } else { memmem::find(body, b"\nv=") };
    print.word(start.map_or(0, |start| 1 + u64::from(start > 0)));
    let mut rest = start.and_then(|start| body.get(start..)).unwrap_or_default();
    for _ in 0..SDP_LINES_MAX {
        match rest {
            [b'o', b'=', line @ ..] => origin(line, print),
            [b's', b'=', line @ ..] => print.without_digits(of_line(line)),
            [b'm', b'=', line @ ..] => return medium(of_line(line), print),
            [] => break,
            [kind, ..] => print.word(u64::from(*kind)),
        }
        rest = near([b'\n'], rest).and_then(|end| rest.get(end + 1..)).unwrap_or_default();
    }
}

/// The rest of the line.
#[inline]
fn of_line(rest: &[u8]) -> &[u8] {
    let end = near([b'\n'], rest).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default().trim_ascii_end()
}

/// `user id version IN IP4 address`: who, and how the two numbers are made. Counters, clocks and random numbers differ in how long
/// they are, and the version is the id, the next number, or apart from it.
#[inline]
fn origin(line: &[u8], print: &mut Fingerprint) {
    let user = near([b' ', b'\n'], line).unwrap_or(line.len());
    print.without_digits(line.get(..user).unwrap_or_default());
    let rest = line.get(user.saturating_add(1)..).unwrap_or_default();
    let (id, rest) = Style::read(rest);
    let (version, _) = Style::read(rest);
    let apart = match (id, version) {
        (Style::Clock(id) | Style::Long(id), Style::Clock(version) | Style::Long(version)) => {
            1 + version.wrapping_sub(id).min(2)
        }
        _ => 0,
    };
    print.word(id.rank() << 16 | version.rank() << 8 | apart);
}

/// How a number of an origin is made.
#[derive(Clone, Copy)]
enum Style {
    /// Up to six digits: a counter.
    Counter,
    /// Up to ten: seconds, or 32 random bits.
    Clock(u64),
    /// More: milliseconds, or 64 random bits.
    Long(u64),
    /// No number.
    Other,
}

impl Style {
    /// The number that `text` begins with, and what follows the octet after it.
    #[inline]
    fn read(text: &[u8]) -> (Self, &[u8]) {
        let length = text.iter().position(|octet| !octet.is_ascii_digit()).unwrap_or(text.len());
        let (digits, rest) = text.split_at_checked(length).unwrap_or_default();
        let value = || {
            digits
                .iter()
                .fold(0_u64, |value, digit| value.wrapping_mul(10).wrapping_add(u64::from(digit & 0x0F)))
        };
        let style = match length {
            0 => Self::Other,
            1..=6 => Self::Counter,
            7..=10 => Self::Clock(value()),
            _ => Self::Long(value()),
        };
        (style, rest.get(1..).unwrap_or_default())
    }

    const fn rank(self) -> u64 {
        match self {
            Self::Counter => 1,
            Self::Clock(_) => 2,
            Self::Long(_) => 3,
            Self::Other => 4,
        }
    }
}

/// `audio 6000 RTP/AVP 8 101`: all but the port.
#[inline]
fn medium(line: &[u8], print: &mut Fingerprint) {
    let Some(kind) = near([b' '], line) else { return print.octets(line) };
    let (kind, rest) = line.split_at_checked(kind + 1).unwrap_or_default();
    let port = near([b' '], rest).unwrap_or(rest.len());
    print.octets(kind);
    print.octets(rest.get(port..).unwrap_or_default());
}

/// What the optional parameters of an IAM add: which there are, in which order, and the user service information.
#[inline]
pub fn optional(parameter: Parameter<'_>, print: &mut Fingerprint) {
    match parameter.code {
        // A forwarded call has them, a plain one of the same exchange has not.
        parameter::REDIRECTING_NUMBER
        | parameter::ORIGINAL_CALLED_NUMBER
        | parameter::REDIRECTION_INFORMATION => {}
        parameter::USER_SERVICE_INFORMATION => print.octets(parameter.content),
        code => print.word(u64::from(code)),
    }
}

/// Fingerprint of an IAM: its indicators, category and medium, and what [`optional`] found. Never 0.
#[inline]
pub fn of_iam(iam: &Iam, mut print: Fingerprint) -> u32 {
    /// Bits A, B and E of the nature of connection indicators (Q.763 §3.35). Bits C and D say whether this circuit is
    /// checked, which is drawn by lot.
    const CONNECTION: u8 = 0b0001_0011;
    let [first, second] = iam.forward_call;
    let connection = iam.nature_of_connection & CONNECTION;
    print.five([connection, first, second, iam.category, iam.transmission_medium]);
    print.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::wire::isup;
    use crate::wire::isup::number::{Number, Presentation};

    /// What one softswitch and two others write for the same call; see `captures/sip-wangiri` and `captures/interconnect`.
    const CARRIER: &str = "INVITE sip:+48699000949@127.0.1.1:5060;user=phone SIP/2.0
Via: SIP/2.0/UDP 127.0.10.1:5060;branch=z9hG4bK-4346-1-i1
Max-Forwards: 68
From: <sip:+252000000042@127.0.10.1>;tag=a4346x1
To: <sip:+48699000949@127.0.1.1:5060;user=phone>
Call-ID: carrier-a-1@carrier-a.example
CSeq: 1 INVITE
Contact: <sip:127.0.10.1:5060;transport=UDP>
Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE
Content-Type: application/sdp
Content-Length:   999

v=0
o=- 1 1 IN IP4 127.0.10.1
s=-
c=IN IP4 127.0.10.1
t=0 0
m=audio 6000 RTP/AVP 8 101
a=ptime:20
";
    const GATEWAY: &str = "INVITE sip:+48603001377@192.0.2.11:5060;user=phone SIP/2.0
Via: SIP/2.0/UDP 198.51.100.10:5060;branch=z9hG4bK177c79d4
From: <sip:+12122009651@198.51.100.10;user=phone>;tag=429b0714
To: <sip:+48603001377@ims.example.net;user=phone>
Call-ID: be6309c13671b86c@198.51.100.10
CSeq: 1 INVITE
Max-Forwards: 66
Contact: <sip:198.51.100.10:5060>
Content-Type: application/sdp
P-Asserted-Identity: <sip:+12122009651@198.51.100.10;user=phone>
Supported: timer
Content-Length: 999

v=0
o=- 1 1 IN IP4 198.51.100.10
s=-
c=IN IP4 198.51.100.10
t=0 0
m=audio 20000 RTP/AVP 8 101
";
    const DIALLER: &str = "INVITE sip:48601000001@192.0.2.11 SIP/2.0
v: SIP/2.0/UDP 203.0.113.9:5080;rport;branch=z9hG4bKPjaf3
Max-Forwards: 70
f: \"4477009001\" <sip:4477009001@203.0.113.9>;tag=Xf31
t: <sip:48601000001@192.0.2.11>
m: \"4477009001\" <sip:4477009001@203.0.113.9:5080;ob>;x=\"1\"
i: 5d1f-99aa
CSeq: 21911 INVITE
User-Agent: Dialler/4.1.2 00a0c914c829
c: application/sdp
l: 999

v=0
o=dial7 3909245017 3909245018 IN IP4 203.0.113.9
s=call 17
c=IN IP4 203.0.113.9
t=0 0
m=audio 4004 RTP/AVP 0 8
";

    fn print(text: &str) -> u32 {
        let bytes = text.replace('\n', "\r\n");
        of_invite(&Message::parse(bytes.as_bytes()).unwrap())
    }

    fn with(text: &str, from: &str, to: &str) -> String {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    }

    #[test]
    fn two_calls_of_one_sender_look_alike() {
        for (text, changes) in [
            (
                CARRIER,
                &[
                    ("48699000949", "48601"),
                    ("252000000042", "4930123456"),
                    ("4346-1-i1", "4346-99-i1"),
                    ("a4346x1", "a4346x99"),
                    ("carrier-a-1@", "carrier-a-99@"),
                    ("CSeq: 1", "CSeq: 2"),
                    ("o=- 1 1", "o=- 99 1"),
                    ("audio 6000", "audio 6004"),
                    ("127.0.10.1", "192.0.2.200"),
                    ("Max-Forwards: 68", "Max-Forwards: 3"),
                    (
                        "Content-Type:",
                        "Privacy: id\nDiversion: <tel:+48>\nReason: Q.850;cause=16\nContent-Type:",
                    ),
                ][..],
            ),
            (
                DIALLER,
                &[
                    ("4477009001", "4477009"),
                    ("Xf31", "Qqqqq"),
                    ("3909245017 3909245018", "3909245999 3909246000"),
                    ("call 17", "call 180"),
                    ("dial7", "dial12"),
                    ("00a0c914c829", "00a0c914ffff"),
                ],
            ),
        ] {
            for (from, to) in changes {
                assert_eq!(print(text), print(&with(text, from, to)), "{from}");
            }
        }
    }

    #[test]
    fn other_equipment_looks_different() {
        let all = [CARRIER, GATEWAY, DIALLER].map(print);
        assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
        for (text, from, to) in [
            (CARRIER, "Max-Forwards: 68\n", ""),
            (CARRIER, "Call-ID", "Call-Id"),
            (CARRIER, "Call-ID", "i"),
            (CARRIER, "5060;branch", "5060;rport;branch"),
            (CARRIER, ";transport=UDP>", ">"),
            (CARRIER, "Contact: <sip:", "Contact: <sip:me@"),
            (CARRIER, "s=-", "s=call"),
            (CARRIER, "o=- 1 1", "o=root 1 1"),
            (CARRIER, "o=- 1 1", "o=- 1763760000 1763760000"),
            (CARRIER, "8 101\n", "101 8\n"),
            (CARRIER, "v=0\n", "--part\nContent-Type: application/sdp\n\nv=0\n"),
            (DIALLER, "3909245018", "3909245017"),
            (DIALLER, "3909245018", "3909249999"),
            (DIALLER, "3909245017", "39092450170000"),
            (DIALLER, "Dialler/4.1.2", "Dialler/4.1.3"),
        ] {
            assert_ne!(print(text), print(&with(text, from, to)), "{from} {to}");
        }
        let without_body = CARRIER.split("v=0").next().unwrap();
        assert_ne!(print(without_body), print(CARRIER));
    }

    #[test]
    fn it_is_the_same_on_every_node() {
        assert_eq!([CARRIER, GATEWAY, DIALLER].map(print), [2_808_985_072, 306_708_696, 858_704_781]);
        assert_eq!(iam_print(&iam("48601", Some("447700900123")), |_| {}), 1_315_811_150);
    }

    fn number(digits: &str) -> Number {
        Number { digits: digits.bytes().collect(), ..Number::default() }
    }

    fn iam(called: &str, calling: Option<&str>) -> Iam {
        Iam {
            nature_of_connection: 0x10,
            forward_call: [0x20, 0x01],
            category: isup::iam::CATEGORY_ORDINARY,
            transmission_medium: isup::iam::MEDIUM_AUDIO,
            called: number(called),
            calling: calling.map(number),
            hop_counter: Some(12),
            ..Iam::default()
        }
    }

    fn iam_print(iam: &Iam, change: impl Fn(&mut Vec<u8>)) -> u32 {
        let mut bytes = Vec::new();
        iam.emit(9, &mut bytes);
        change(&mut bytes);
        let (mut read, mut print) = (Iam::default(), Fingerprint::default());
        let message = isup::Message::parse(&bytes).unwrap();
        read.read(&message, |parameter| optional(parameter, &mut print)).unwrap();
        of_iam(&read, print)
    }

    #[test]
    fn exchanges_are_told_by_indicators_and_parameters() {
        let plain = iam("48601000001", Some("447700900123"));
        let same = |other: &Iam| iam_print(other, |_| {}) == iam_print(&plain, |_| {});
        let forwarded = Iam {
            redirecting: Some(number("48602")),
            original_called: Some(number("48603")),
            redirection_information: Some([0x03, 0x11]),
            ..plain.clone()
        };
        let restricted = Number { presentation: Presentation::Restricted, ..number("447700900124") };
        assert!(same(&forwarded));
        assert!(same(&Iam { calling: Some(restricted), hop_counter: Some(3), ..plain.clone() }));
        assert!(same(&Iam { nature_of_connection: 0x14, ..plain.clone() }));
        assert!(!same(&Iam { nature_of_connection: 0x00, ..plain.clone() }));
        assert!(!same(&Iam { forward_call: [0x60, 0x01], ..plain.clone() }));
        assert!(!same(&Iam { category: 0x0F, ..plain.clone() }));
        assert!(!same(&Iam { transmission_medium: 0, ..plain.clone() }));
        assert!(!same(&Iam { hop_counter: None, ..plain.clone() }));
        let service = |content: [u8; 3]| {
            iam_print(&plain, |bytes| {
                bytes.pop();
                Parameter::emit(parameter::USER_SERVICE_INFORMATION, &content, bytes);
                Parameter::emit_end(bytes);
            })
        };
        assert_ne!(service([0x80, 0x90, 0xA3]), service([0x80, 0x90, 0xA2]));
        assert_ne!(service([0x80, 0x90, 0xA3]), iam_print(&plain, |_| {}));
    }

    proptest! {
        #[test]
        fn what_the_call_is_about_never_shows(
            called in "[0-9]{3,15}", calling in "[+]?[0-9]{3,15}", tag in "[a-z0-9-]{1,20}", id in 1..999_999_u32, port: u16,
        ) {
            let text = CARRIER
                .replace("+48699000949", &called)
                .replace("+252000000042", &calling)
                .replace("a4346x1", &tag)
                .replace("-4346-1-i1", &tag)
                .replace("o=- 1 ", &format!("o=- {id} "))
                .replace("audio 6000", &format!("audio {port}"));
            prop_assert_eq!(print(&text), print(CARRIER));
            let plain = iam("48601000001", Some("447700900123"));
            let other = iam(&called, Some(calling.trim_start_matches('+')));
            prop_assert_eq!(iam_print(&other, |_| {}), iam_print(&plain, |_| {}));
        }

        #[test]
        fn any_message_has_one(body in "[vosm=a-z0-9 \r\n-]{0,80}", contact in "[<>\"@;:=a-z0-9]{0,40}") {
            let contact = format!("Contact: {contact}");
            let text = CARRIER.replace("Contact: <sip:127.0.10.1:5060;transport=UDP>", &contact).replace("v=0", &body);
            prop_assert_ne!(print(&text), 0);
        }
    }
}
