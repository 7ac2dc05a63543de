//! Asks a SIP redirect server about calls, at a rate or with so many at a time, and acknowledges every answer.

#![allow(dead_code, reason = "no bench needs all of it")]

use std::array;
use std::fmt;
use std::io::IoSliceMut;
use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::sys::socket::{ControlMessageOwned, MsgFlags, MultiHeaders, recvmmsg, setsockopt, sockopt};
use nix::sys::time::{TimeSpec, TimeValLike};
use tollgate::base::time::At;
use tollgate::clock::{self, Stopwatch};

/// Answers taken at once.
const AT_ONCE: usize = 64;

/// How calls are offered.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// So many wait for their answers at a time.
    Closed(usize),
    /// So many a second, whatever comes back.
    Open(u32),
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(window) => f.pad(&format!("{window} at a time")),
            Self::Open(rate) => f.pad(&format!("{rate}/s")),
        }
    }
}

/// One answer.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    /// Seconds from the beginning to its INVITE.
    pub sent_at: f32,
    /// Microseconds from INVITE to answer.
    pub waited: f32,
    pub status: u16,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// INVITEs sent.
    pub sent: usize,
    /// Of them answered with a final response.
    pub answered: usize,
    /// Of them refused.
    pub refused: usize,
    /// Every answer, in the order in which they came.
    pub log: Vec<Answered>,
    seconds: f64,
    /// Microseconds from INVITE to answer, sorted.
    waited: Vec<f32>,
}

impl Report {
    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.seconds
    }

    /// Microseconds within which this share was answered.
    pub fn percentile(&self, share: f64) -> f32 {
        let index = (self.waited.len() as f64 * share) as usize;
        self.waited.get(index.min(self.waited.len().saturating_sub(1))).copied().unwrap_or(f32::NAN)
    }
}

/// Waits until the server answers an OPTIONS.
pub fn wait_for(address: SocketAddr) {
    // Not connected: nobody tells it that the port is not open yet.
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a time");
    let mut buffer = [0; 2_048];
    for _ in 0..400 {
        let mut options = Vec::new();
        write_request(&mut options, ("OPTIONS", &socket), 0xFFFF_FFFF, (1, 1));
        if socket.send_to(&options, address).is_ok() && socket.recv(&mut buffer).is_ok() {
            return;
        }
    }
    panic!("nobody answers at {address}");
}

fn connect(address: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.connect(address).expect("loopback");
    // The loader must lose nothing itself.
    let _ = setsockopt(&socket, sockopt::RcvBufForce, &(32 << 20));
    // An answer counts from when it is here, not from when the loader has time for it.
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true).expect("the system stamps what it receives");
    socket
}

/// Offers calls for so long; `turn` tells the calls of one run from those of another.
pub fn run(address: SocketAddr, pace: Pace, span: Duration, turn: u32) -> Report {
    let socket = connect(address);
    socket.set_nonblocking(true).expect("a flag");
    let mut loader = Loader {
        socket,
        turn,
        watch: Stopwatch::start(),
        sent_at: Vec::new(),
        buffers: vec![[0; 2_048]; AT_ONCE],
        report: Report::default(),
        out: Vec::new(),
        seed: 88_172_645_463_325_252,
    };
    let end = span.as_secs_f64();
    let mut progress = 0.0;
    loop {
        let now = loader.watch.seconds();
        let open = loader.report.sent - loader.report.answered;
        let due = match pace {
            _ if now >= end => 0,
            // When answers were lost, others take their places.
            Pace::Closed(window) if now - progress > 0.2 => {
                progress = now;
                window
            }
            Pace::Closed(window) => window.saturating_sub(open % (window + 1)),
            Pace::Open(rate) => ((now * f64::from(rate)) as usize).saturating_sub(loader.report.sent).min(64),
        };
        (0..due).for_each(|_| loader.invite());
        if loader.receive() > 0 {
            progress = now;
        }
        if now >= end && (open == 0 || now > end + 1.0) {
            break;
        }
    }
    let mut report = loader.report;
    report.seconds = end;
    report.waited = report.log.iter().map(|answered| answered.waited).collect();
    report.waited.sort_by(f32::total_cmp);
    report
}

struct Loader {
    socket: UdpSocket,
    turn: u32,
    watch: Stopwatch,
    /// By number of the call, until it is answered: seconds from the beginning, and by the wall clock.
    sent_at: Vec<Option<(f32, At)>>,
    buffers: Vec<[u8; 2_048]>,
    report: Report,
    out: Vec<u8>,
    seed: u64,
}

impl Loader {
    fn invite(&mut self) {
        let seed = &mut self.seed;
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        let caller = if *seed % 100 < 5 { 1 + *seed % 3 } else { 100 + (*seed >> 20) % 9_999_900 };
        let numbers = (caller as u32, (*seed >> 40) as u32 % 10_000_000);
        self.out.clear();
        let number = self.turn << 24 | self.sent_at.len() as u32;
        write_request(&mut self.out, ("INVITE", &self.socket), number, numbers);
        let now = (self.watch.seconds() as f32, clock::now());
        if self.socket.send(&self.out).is_ok() {
            self.sent_at.push(Some(now));
            self.report.sent += 1;
        }
    }

    fn receive(&mut self) -> usize {
        let mut buffers = std::mem::take(&mut self.buffers);
        let mut headers = MultiHeaders::<()>::preallocate(AT_ONCE, Some(nix::cmsg_space!(TimeSpec)));
        let mut rest = buffers.iter_mut();
        let mut slices: [[IoSliceMut<'_>; 1]; AT_ONCE] =
            array::from_fn(|_| [IoSliceMut::new(rest.next().expect("there are as many buffers"))]);
        let (socket, flags) = (self.socket.as_raw_fd(), MsgFlags::MSG_DONTWAIT);
        let mut count = 0;
        if let Ok(messages) = recvmmsg(socket, &mut headers, slices.iter_mut(), flags, None) {
            for message in messages {
                count += 1;
                let at = message.cmsgs().into_iter().flatten().find_map(|message| match message {
                    ControlMessageOwned::ScmTimestampns(time) => {
                        Some(At::from_nanos(time.num_nanoseconds() as u64))
                    }
                    _ => None,
                });
                let bytes = message.iovs().next().unwrap_or_default();
                self.answer(bytes, at.unwrap_or_else(clock::now));
            }
        }
        self.buffers = buffers;
        count
    }

    fn answer(&mut self, response: &[u8], at: At) {
        let text = String::from_utf8_lossy(response);
        let status: u16 = text.get(8..11).and_then(|status| status.parse().ok()).unwrap_or(0);
        let line = |name: &str| text.split("\r\n").find_map(|line| line.strip_prefix(name));
        let (Some(call), Some(to)) = (line("Call-ID: "), line("To: ")) else { return };
        let Ok(number) = u32::from_str_radix(call.get(..8).unwrap_or_default(), 16) else { return };
        if status < 200 || number >> 24 != self.turn {
            return;
        }
        let Some(sent) = self.sent_at.get_mut((number & 0xFF_FFFF) as usize) else { return };
        if let Some((sent_at, began)) = sent.take() {
            let waited = at.since(began).as_secs_f32() * 1e6;
            self.report.log.push(Answered { sent_at, waited, status });
            self.report.answered += 1;
            self.report.refused += usize::from(status >= 600);
        }
        self.out.clear();
        let local = self.socket.local_addr().expect("it is bound");
        write!(
            self.out,
            "ACK sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{number:08x}\r\n\
             From: <sip:+4179000@127.0.0.1;user=phone>;tag={number:08x}\r\nTo: {to}\r\nCall-ID: {call}\r\n\
             CSeq: 1 ACK\r\nMax-Forwards: 69\r\nContent-Length: 0\r\n\r\n"
        )
        .expect("memory takes it");
        let _ = self.socket.send(&self.out);
    }
}

const SDP: &str = "v=0\r\no=- 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 20000 RTP/AVP 8 0 18 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:18 G729/8000\r\n\
    a=fmtp:18 annexb=no\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";

/// A request as a session border controller writes it, 1.2 kB.
fn write_request(
    out: &mut Vec<u8>,
    (method, socket): (&str, &UdpSocket),
    number: u32,
    (caller, called): (u32, u32),
) {
    let local = socket.local_addr().expect("it is bound");
    write!(
        out,
        "{method} sip:+4178{called:07}@127.0.0.1;user=phone SIP/2.0\r\n\
         Via: SIP/2.0/UDP {local};branch=z9hG4bK{number:08x}\r\n\
         Via: SIP/2.0/UDP 172.16.4.9:5060;received=192.0.2.8;branch=z9hG4bK-5f1e77a2c0d1\r\n\
         From: <sip:+4179{caller:07}@127.0.0.1;user=phone>;tag={number:08x}\r\n\
         To: <sip:+4178{called:07}@127.0.0.1;user=phone>\r\nCall-ID: {number:08x}-load@127.0.0.1\r\n\
         CSeq: 1 {method}\r\nMax-Forwards: 69\r\nContact: <sip:+4179{caller:07}@{local};transport=udp>\r\n\
         User-Agent: Border Controller\r\nAllow: INVITE,ACK,BYE,CANCEL,OPTIONS,PRACK,UPDATE,REFER,NOTIFY,INFO\r\n\
         Supported: timer,100rel,path,replaces\r\nSession-Expires: 1800;refresher=uac\r\nMin-SE: 90\r\n\
         P-Asserted-Identity: <sip:+4179{caller:07}@127.0.0.1;user=phone>\r\n\
         P-Charging-Vector: icid-value=ab12cd34ef56ab12cd34ef56;icid-generated-at=127.0.0.1;orig-ioi=op7.example\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}",
        SDP.len()
    )
    .expect("memory takes it");
}
