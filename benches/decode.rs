//! Messages → signals. Budget: 0.7 µs for a SIP INVITE of 900 octets that says all there is to say, 0.5 µs for a 180, 80 ns
//! for an IAM.
//!
//! Many short rounds of each: the best says what the program takes, the median what the machine let it have.

mod common;

use std::hint::black_box;

use tollgate::base::frame::{Envelope, Pdu, Transport};
use tollgate::base::map::Seed;
use tollgate::base::time::At;
use tollgate::clock::Stopwatch;
use tollgate::signal::{self, Context, Counts};

/// Rounds of each message, and how often it is decoded in one.
const ROUNDS: usize = 1_000;
const TIMES: u32 = 2_000;

fn main() {
    let network = common::network("captures/interconnect/network.toml");
    let context = Context { network, seed: Seed(1) };
    let sip = common::Frames::read("captures/sip-wangiri/input.pcap.zst");
    let isup = common::Frames::read("captures/isup-wangiri/input.pcap");
    println!("{:24}{:>8}{:>10}{:>10}", "", "octets", "best, ns", "median");
    for (name, message) in [
        ("SIP INVITE", sip.first_message(|bytes| bytes.starts_with(b"INVITE "))),
        ("SIP 180", sip.first_message(|bytes| bytes.starts_with(b"SIP/2.0 180 "))),
        // Q.763 table 4: the third octet is the message type.
        ("ISUP IAM", isup.first_message(|bytes| bytes.get(2) == Some(&1))),
    ] {
        decode(name, &message.pdu(), &context);
    }
    let address = |text: &str| text.parse().expect("an address");
    let (src, dst) = (address("10.1.0.1:5060"), address("10.0.0.1:5060"));
    let envelope = Envelope::Sip { src, dst, transport: Transport::Udp };
    let full = Pdu { at: At::default(), seq: 1, frame: 1, envelope, bytes: FULL.as_bytes() };
    decode("SIP INVITE, full", &full, &context);
}

fn decode(name: &str, pdu: &Pdu<'_>, context: &Context) {
    let mut counts = Counts::default();
    assert!(signal::decode(pdu, context, &mut counts).is_ok_and(|signal| signal.is_some()));
    let mut spans: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let watch = Stopwatch::start();
            for _ in 0..TIMES {
                black_box(signal::decode(black_box(pdu), context, &mut counts).is_ok());
            }
            watch.elapsed().as_nanos() as f64 / f64::from(TIMES)
        })
        .collect();
    spans.sort_by(f64::total_cmp);
    println!("{name:24}{:>8}{:>10.1}{:>10.1}", pdu.bytes.len(), spans[0], spans[ROUNDS / 2]);
}

/// From one IMS network to another: asserted identity with category and verification, a diversion, charging vector.
const FULL: &str = "INVITE sip:+48699000076;npdi;rn=+48500000001@10.0.0.1:5060;user=phone SIP/2.0\r\n\
    Via: SIP/2.0/UDP 10.1.0.1:5060;branch=z9hG4bK74bf9c2a1d7e;rport\r\n\
    Max-Forwards: 66\r\n\
    From: <sip:+447700900467@carrier-a.example;user=phone>;tag=9fxced76sl\r\n\
    To: <sip:+48699000076@10.0.0.1;user=phone>\r\n\
    Call-ID: 3848276298220188511@carrier-a.example\r\n\
    CSeq: 1 INVITE\r\n\
    Contact: <sip:+447700900467@10.1.0.1:5060>\r\n\
    P-Asserted-Identity: <sip:+447700900467;cpc=ordinary;verstat=TN-Validation-Passed@carrier-a.example>\r\n\
    Diversion: <sip:+447700900111@carrier-a.example>;reason=unconditional;counter=1\r\n\
    P-Charging-Vector: icid-value=AyretyU0dm6O2IrT5tAFrbHLso;orig-ioi=carrier-a.example\r\n\
    Content-Type: application/sdp\r\n\
    Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE\r\n\
    Content-Length: 145\r\n\r\n\
    v=0\r\no=- 2890844526 2890844526 IN IP4 10.1.0.1\r\ns=-\r\nc=IN IP4 10.1.0.1\r\nt=0 0\r\n\
    m=audio 49170 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";
