//! What calls the soak makes: which numbers, by which route, how each ends. All of it follows from the call's number, so
//! that nobody has to remember it.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use tollgate::base::time::At;

/// Calls of one flash-call campaign: all from a block of a thousand numbers of its own, and spread over other calls.
const CAMPAIGN: u32 = 1_500;
/// Calls of one number that hopes for calls back.
const RINGS: u32 = 40;
/// Subscribers of the network.
const SUBSCRIBERS: u64 = 1_000_000;

/// What a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Called side busy.
    Busy,
    /// The caller hangs up before it rings.
    Cut,
    /// To an emergency number: never asked about, never refused, and nobody tells its end.
    Emergency,
    /// A one-time password in the calling number.
    Flash,
    /// Nobody tells its end.
    Forgotten,
    /// Nobody answers.
    NoAnswer,
    /// A subscriber calls abroad.
    Out,
    /// A subscriber calls another.
    Own,
    /// A contracted sender.
    Paid,
    /// A home fixed-line number from abroad.
    Spoofed,
    /// People talk.
    Talk,
    /// One ring.
    Wangiri,
}

/// A call.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub kind: Kind,
    /// Digits with country code; an emergency number has none.
    pub calling: u64,
    pub called: u64,
    /// Name of its route, and the peer that it comes in from.
    pub route: &'static str,
    pub peer: &'static str,
    /// From setup to alerting, from there to answer or end, from answer to end.
    pub setup: Duration,
    pub ring: Duration,
    pub talk: Option<Duration>,
}

/// A well-known mixing of 64 bits: the finalizer of SplitMix64.
const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

/// A number of a country somewhere, of its mobile networks.
const fn abroad(chosen: u64) -> u64 {
    match chosen % 4 {
        0 => 447_100_000_000 + mix(chosen) % 899_999_999,
        1 => 33_600_000_000 + mix(chosen) % 99_999_999,
        2 => 393_200_000_000 + mix(chosen) % 99_999_999,
        _ => 491_500_000_000 + mix(chosen) % 99_999_999,
    }
}

impl Plan {
    /// The call of this number.
    pub fn of(number: u32) -> Self {
        let chosen = mix(u64::from(number));
        let kind = Self::kind((chosen % 1_000) as u16);
        // A third of the callers have called before or will call again, the others never.
        let stranger =
            if chosen >> 10 & 3 == 0 { chosen >> 32 & 0xF_FFFF } else { 1 << 40 | u64::from(number) };
        let subscriber = 48_600_000_000 + (chosen >> 20) % SUBSCRIBERS;
        let carrier = ("carrier", "192.0.2.8");
        let (calling, called, (route, peer)) = match kind {
            Kind::Flash => (Self::campaign(number, chosen), subscriber, carrier),
            Kind::Wangiri => (abroad(1 << 50 | u64::from(number / (RINGS * 25))), subscriber, carrier),
            Kind::Spoofed => (48_220_000_000 + (chosen >> 24) % 10_000_000, subscriber, carrier),
            Kind::Paid => (447_700_000_000 + chosen % 1_000_000, subscriber, ("acme", "192.0.2.130")),
            Kind::Out => (subscriber, abroad(stranger), ("subscribers", "198.51.100.7")),
            Kind::Own => (48_600_000_000 + (chosen >> 36) % SUBSCRIBERS, subscriber, ("core", "192.0.2.200")),
            Kind::Emergency => (abroad(stranger), 112, carrier),
            Kind::Busy => {
                (48_780_000_000 + (chosen >> 24) % 10_000_000, subscriber, ("neighbour", "192.0.2.70"))
            }
            Kind::Cut | Kind::Forgotten | Kind::NoAnswer | Kind::Talk => {
                (abroad(stranger), subscriber, carrier)
            }
        };
        let milliseconds = |from: u64, span: u64| Duration::from_millis(from + (chosen >> 16) % span);
        let (ring, talk) = match kind {
            Kind::Flash => (milliseconds(420, 160), None),
            Kind::Paid => (milliseconds(500, 300), None),
            Kind::Wangiri => (milliseconds(1_200, 800), None),
            Kind::Busy | Kind::Cut => (Duration::ZERO, None),
            Kind::NoAnswer => (milliseconds(15_000, 10_000), None),
            _ => (milliseconds(2_000, 6_000), Some(milliseconds(4_000, 26_000))),
        };
        Self { kind, calling, called, route, peer, setup: milliseconds(200, 900), ring, talk }
    }

    const fn kind(of_thousand: u16) -> Kind {
        match of_thousand {
            0..=329 => Kind::Talk,
            330..=399 => Kind::Own,
            400..=549 => Kind::NoAnswer,
            550..=569 => Kind::Cut,
            570..=659 => Kind::Busy,
            660..=769 => Kind::Flash,
            770..=809 => Kind::Wangiri,
            810..=839 => Kind::Spoofed,
            840..=909 => Kind::Paid,
            910..=988 => Kind::Out,
            989..=998 => Kind::Forgotten,
            _ => Kind::Emergency,
        }
    }

    /// One number of the block of a campaign; three campaigns go on at a time.
    fn campaign(number: u32, chosen: u64) -> u64 {
        let campaign = u64::from(number / (CAMPAIGN * 9)) * 3 + chosen % 3;
        447_100_000_000 + mix(campaign << 8) % 899_999 * 1_000 + (chosen >> 40) % 1_000
    }

    /// Whether somebody tells how it ended.
    pub fn is_told(&self) -> bool {
        !matches!(self.kind, Kind::Emergency | Kind::Forgotten)
    }

    /// From setup to end.
    pub fn length(&self) -> Duration {
        self.setup + self.ring + self.talk.unwrap_or_default()
    }

    /// The line that tells of it, as `docs/feed.md` has it.
    pub fn write_end(&self, number: u32, setup_at: At, out: &mut Vec<u8>) {
        let milliseconds = |span: Duration| (setup_at + span).nanos() / 1_000_000;
        let Self { calling, called, route, setup, ring, .. } = self;
        write!(
            out,
            "{{\"call_id\":\"{number:08x}@soak.example\",\"calling\":\"+{calling}\",\"called\":\"+{called}\",\
             \"route\":\"{route}\",\"setup_at\":{},",
            milliseconds(Duration::ZERO)
        )
        .expect("memory takes it");
        let (by, status) = match self.kind {
            Kind::Busy => ("called", 486),
            _ if self.talk.is_some() => ("calling", 200),
            _ => ("calling", 487),
        };
        if !ring.is_zero() {
            write!(out, "\"alert_at\":{},", milliseconds(*setup)).expect("memory takes it");
        }
        if self.talk.is_some() {
            write!(out, "\"answer_at\":{},", milliseconds(*setup + *ring)).expect("memory takes it");
        }
        let end = milliseconds(self.length());
        writeln!(out, "\"end_at\":{end},\"released_by\":\"{by}\",\"sip_status\":{status}}}")
            .expect("memory takes it");
    }

    /// Its INVITE, as a switch sends it that stands at `local`.
    pub fn write_invite(&self, number: u32, local: SocketAddr, out: &mut Vec<u8>) {
        let Self { calling, called, peer, .. } = self;
        let plus = if self.kind == Kind::Emergency { "" } else { "+" };
        // Senders of a kind have equipment of a kind.
        let agent = match self.kind {
            Kind::Flash | Kind::Wangiri => number / 20_000,
            _ => number % 400,
        };
        write!(
            out,
            "INVITE sip:{plus}{called}@127.0.0.1;user=phone SIP/2.0\r\n\
             Via: SIP/2.0/UDP {local};branch=z9hG4bK{number:08x}\r\n\
             Via: SIP/2.0/UDP {peer}:5060;branch=z9hG4bK-{number:08x}-5f1e\r\n\
             From: <sip:+{calling}@{peer};user=phone>;tag={number:08x}\r\n\
             To: <sip:{plus}{called}@127.0.0.1;user=phone>\r\nCall-ID: {number:08x}@soak.example\r\n\
             CSeq: 1 INVITE\r\nMax-Forwards: 69\r\nContact: <sip:+{calling}@{peer}:5060;transport=udp>\r\n\
             User-Agent: Gateway {agent}\r\nAllow: INVITE,ACK,BYE,CANCEL,OPTIONS,PRACK,UPDATE\r\n\
             P-Asserted-Identity: <sip:+{calling}@{peer};user=phone>\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}",
            SDP.len()
        )
        .expect("memory takes it");
    }
}

const SDP: &str = "v=0\r\no=- 53655765 2353687637 IN IP4 192.0.2.8\r\ns=-\r\nc=IN IP4 192.0.2.8\r\nt=0 0\r\n\
    m=audio 20000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n";
