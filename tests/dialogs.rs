//! Who may say what of a call: a caller cannot answer, refuse or end its own call in the name of the called side, nor hide
//! one call behind the name of another. And what honest elements and half-blind taps do, which looks much alike.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tollgate::base::fault::{Kind, Layer};
use tollgate::base::frame::{Frame, Link};
use tollgate::base::network::Network;
use tollgate::base::time::At;
use tollgate::call::{Call, ReleasedBy};
use tollgate::config;
use tollgate::engine::{Engine, Options};
use tollgate::judge::Output;
use tollgate::rule::Ruleset;
use tollgate::simulate::render::packet;

/// A carrier, another of its addresses, our border, ours behind it.
const CARRIER: [u8; 4] = [198, 51, 100, 1];
const CARRIER_TOO: [u8; 4] = [198, 51, 100, 2];
const BORDER: [u8; 4] = [192, 0, 2, 1];
const INNER: [u8; 4] = [10, 9, 0, 1];
const INNER_TOO: [u8; 4] = [10, 9, 0, 2];
/// An exchange of our own subscribers.
const OWN: [u8; 4] = [10, 1, 0, 1];

const NETWORK: &str = r#"
home = "PL"
[[route]]
name = "carrier"
class = "international"
peers = ["198.51.100.0/24"]
[[route]]
name = "own"
class = "outbound"
peers = ["10.1.0.0/16"]
"#;

/// What of a message matters here.
#[derive(Clone, Copy)]
struct Sip<'a> {
    between: ([u8; 4], [u8; 4]),
    call_id: &'a str,
    /// Tags of From and To.
    tags: (&'a str, &'a str),
    branch: &'a str,
    cseq: u32,
    called: &'a str,
}

const CALL: Sip<'static> = Sip {
    between: (CARRIER, BORDER),
    call_id: "one@a",
    tags: ("f", ""),
    branch: "A",
    cseq: 1,
    called: "+48601000001",
};

impl<'a> Sip<'a> {
    fn on(self, between: ([u8; 4], [u8; 4])) -> Self {
        Self { between, ..self }
    }

    fn back(self) -> Self {
        self.on((self.between.1, self.between.0))
    }

    fn branch(self, branch: &'a str) -> Self {
        Self { branch, ..self }
    }

    fn tags(self, from: &'a str, to: &'a str) -> Self {
        Self { tags: (from, to), ..self }
    }

    fn to_tag(self, tag: &'a str) -> Self {
        Self { tags: (self.tags.0, tag), ..self }
    }

    fn cseq(self, cseq: u32) -> Self {
        Self { cseq, ..self }
    }

    fn called(self, called: &'a str) -> Self {
        Self { called, ..self }
    }

    fn text(self, start: &str, method: &str) -> String {
        let Self { call_id, tags: (from, to), branch, cseq, called, .. } = self;
        let to = if to.is_empty() { String::new() } else { format!(";tag={to}") };
        format!(
            "{start}\r\nVia: SIP/2.0/UDP h.example;branch=z9hG4bK{branch}\r\nFrom: <sip:+447700900111@a.example>;tag={from}\r\n\
             To: <sip:{called}@b.example>{to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n"
        )
    }
}

/// What comes of messages; a second is 1,000.
struct Play {
    engine: Engine,
    frames: u64,
    ended: Vec<Call>,
}

impl Play {
    fn new() -> Self {
        let read = |_: &Path| Ok(NETWORK.to_owned());
        Self::on(config::load_network_by(Path::new("network.toml"), &read).unwrap().network)
    }

    fn on(network: Network) -> Self {
        let engine = Engine::new(&Arc::new(network), Arc::new(Ruleset::empty()), Options::default());
        Self { engine, frames: 0, ended: Vec::new() }
    }

    fn send(&mut self, at_ms: u64, sip: Sip<'_>, text: &str) -> &mut Self {
        self.frames += 1;
        let socket = |address: [u8; 4]| (Ipv4Addr::from(address), 5060);
        let bytes =
            packet::udp((socket(sip.between.0), socket(sip.between.1)), self.frames as u16, text.as_bytes());
        let at = At::from_nanos((1_790_000_000_000 + at_ms) * 1_000_000);
        let wire_length = bytes.len() as u32;
        let mut outputs = Vec::new();
        let frame = Frame { at, number: self.frames, link: Link::Ethernet, bytes: &bytes, wire_length };
        self.engine.frame(frame, &mut outputs);
        self.keep(outputs);
        self
    }

    fn keep(&mut self, outputs: Vec<Output>) {
        let record = |output| if let Output::Record(record) = output { Some(record.call) } else { None };
        self.ended.extend(outputs.into_iter().filter_map(record));
    }

    fn request(&mut self, at_ms: u64, method: &str, sip: Sip<'_>) -> &mut Self {
        let text = sip.text(&format!("{method} sip:{}@b.example SIP/2.0", sip.called), method);
        self.send(at_ms, sip, &text)
    }

    /// The response goes where `sip` says.
    fn response(&mut self, at_ms: u64, status: &str, sip: Sip<'_>) -> &mut Self {
        self.send(at_ms, sip, &sip.text(&format!("SIP/2.0 {status}"), "INVITE"))
    }

    fn count(&self, kind: Kind) -> u64 {
        self.engine.faults().of(Layer::Call, kind)
    }

    /// The calls in the order of their setups.
    fn calls(&mut self) -> &[Call] {
        let mut outputs = Vec::new();
        self.engine.finish(&mut outputs);
        self.keep(outputs);
        self.ended.sort_by_key(|call| call.seq);
        &self.ended
    }

    #[track_caller]
    fn only(&mut self) -> Call {
        let calls = self.calls();
        assert_eq!(calls.len(), 1, "{calls:?}");
        calls[0].clone()
    }
}

fn talk(call: &Call) -> Option<u64> {
    call.talk_time().map(|time| time.as_millis() as u64)
}

/// Of a call that rings for a second and is cancelled; `faked` comes in between.
fn flash(faked: impl Fn(&mut Play)) -> (Call, u64) {
    let mut play = Play::new();
    play.request(0, "INVITE", CALL).response(100, "180 Ringing", CALL.back().to_tag("u"));
    faked(&mut play);
    play.request(1_100, "CANCEL", CALL).response(1_150, "487 Request Terminated", CALL.back().to_tag("u"));
    (play.only(), play.count(Kind::WrongWay))
}

#[test]
fn a_caller_cannot_answer_its_own_call() {
    let (honest, count) = flash(|_| {});
    assert_eq!((honest.answer_at, honest.ring_time(), count), (None, Some(Duration::from_secs(1)), 0));
    let fakes = [
        CALL,
        // In the name of another branch, from another address, to another one of ours.
        CALL.branch("X"),
        CALL.on((CARRIER_TOO, BORDER)),
        CALL.on((CARRIER_TOO, INNER)).branch("X"),
    ];
    for fake in fakes.map(|fake| fake.to_tag("fake")) {
        let (call, count) = flash(|play| _ = play.response(300, "200 OK", fake));
        assert_eq!((call.answer_at, call.ring_time(), count), (None, Some(Duration::from_secs(1)), 1));
        assert_eq!(call.released_by, Some(ReleasedBy::Calling));
    }
}

#[test]
fn a_caller_cannot_refuse_or_ring_its_own_call() {
    let mut play = Play::new();
    play.request(0, "INVITE", CALL);
    play.response(50, "180 Ringing", CALL.to_tag("x")).response(100, "486 Busy Here", CALL.to_tag("x"));
    play.response(3_000, "180 Ringing", CALL.back().to_tag("u"));
    play.response(5_000, "200 OK", CALL.back().to_tag("u"));
    play.request(600_000, "BYE", CALL.branch("B").cseq(2).to_tag("u"));
    let call = play.only();
    assert_eq!((call.setup_time(), talk(&call)), (Some(Duration::from_secs(3)), Some(595_000)));
    assert_eq!(play.count(Kind::WrongWay), 2);
}

/// RFC 3261 §18.2.2: a response goes to where the request came from, from whatever address.
#[test]
fn the_called_side_answers_from_anywhere() {
    let through = (CARRIER, INNER);
    type Seen = [([u8; 4], [u8; 4])];
    let cases: [(&Seen, Sip<'_>); 6] = [
        // From another address; to another address of the caller's; where the INVITE was not seen.
        (&[(CARRIER, BORDER)], CALL.on((INNER, CARRIER))),
        (&[(CARRIER, BORDER)], CALL.on((BORDER, CARRIER_TOO))),
        (&[(CARRIER, BORDER)], CALL.on((INNER, BORDER)).branch("X")),
        // The same message on both sides of an element that changes addresses alone.
        (&[(CARRIER, BORDER), (BORDER, INNER)], CALL.on((INNER, BORDER))),
        (&[(CARRIER, BORDER), through], CALL.on((INNER, CARRIER))),
        (&[through, (CARRIER, BORDER)], CALL.on((BORDER, CARRIER))),
    ];
    for (seen, answer) in cases {
        let mut play = Play::new();
        for (at, way) in (0..).zip(seen) {
            play.request(at, "INVITE", CALL.on(*way));
        }
        play.response(1_000, "200 OK", answer.to_tag("u"));
        play.request(3_000, "BYE", CALL.branch("B").cseq(2).to_tag("u"));
        let call = play.only();
        assert_eq!((talk(&call), play.count(Kind::WrongWay)), (Some(2_000), 0), "{:?}", answer.between);
    }
}

/// A tap of what the border receives: not the INVITE that it sends on, but the response to that.
#[test]
fn a_tap_of_one_direction_sees_answers() {
    for next in [CARRIER, CARRIER_TOO, INNER] {
        let onward = CALL.on((BORDER, next)).branch("X");
        let mut play = Play::new();
        play.request(0, "INVITE", CALL).response(300, "100 Trying", onward.back());
        play.response(1_000, "180 Ringing", onward.back().to_tag("u"));
        play.response(3_000, "200 OK", onward.back().to_tag("u"));
        // Nobody is asked with the branch of the INVITE by whom it came from.
        play.response(2_000, "486 Busy Here", CALL.to_tag("u"));
        play.request(3_100, "ACK", CALL.branch("B").to_tag("u"));
        play.request(9_000, "BYE", CALL.branch("C").cseq(2).to_tag("u"));
        let call = play.only();
        assert_eq!((talk(&call), call.ring_time()), (Some(6_000), Some(Duration::from_secs(2))), "{next:?}");
        assert_eq!(play.count(Kind::WrongWay), 1);
    }
}

/// Before anything could have been heard of the border, and once it was, by whatever it sends.
#[test]
fn a_tap_of_both_directions_takes_no_answer_of_the_caller() {
    let fake = CALL.branch("X").to_tag("fake");
    type Heard = fn(&mut Play);
    let cases: [(u64, Heard); 3] = [
        (10, |_| {}),
        (1_000, |play| _ = play.response(150, "100 Trying", CALL.back())),
        (1_000, |play| _ = play.request(150, "INVITE", CALL.on((BORDER, INNER)).branch("B"))),
    ];
    for (at, heard) in cases {
        for fake in [fake, fake.on((CARRIER_TOO, BORDER))] {
            let mut play = Play::new();
            heard(play.request(0, "INVITE", CALL));
            play.response(at, "200 OK", fake).response(5_000, "486 Busy Here", CALL.back().to_tag("u"));
            assert_eq!((play.only().answer_at, play.count(Kind::WrongWay)), (None, 1), "{at}");
        }
    }
}

/// A session timer, hold, a fax: what answers an INVITE of the called side goes the way of the first (RFC 3261 §14).
#[test]
fn the_called_side_may_ask_anew() {
    let mut play = Play::new();
    play.request(0, "INVITE", CALL).response(1_000, "200 OK", CALL.back().to_tag("u"));
    for (at, cseq, status) in
        [(10_000, 1, "200 OK"), (20_000, 2, "488 Not Acceptable Here"), (30_000, 3, "200 OK")]
    {
        let branch = format!("r{cseq}");
        let anew = CALL.back().tags("u", "f").cseq(cseq).branch(&branch);
        play.request(at, "INVITE", anew).response(at + 5, "100 Trying", anew.back());
        play.response(at + 50, status, anew.back());
    }
    play.request(61_000, "BYE", CALL.branch("Z").cseq(2).to_tag("u"));
    assert_eq!((talk(&play.only()), play.count(Kind::WrongWay)), (Some(60_000), 0));
}

/// A call that comes in and goes back out to where it came from, answered there.
#[test]
fn a_call_that_goes_back_is_answered() {
    let mut play = Play::new();
    play.request(0, "INVITE", CALL).request(2, "INVITE", CALL.on((BORDER, CARRIER)).branch("B"));
    // From another address of the carrier.
    play.response(1_000, "200 OK", CALL.on((CARRIER_TOO, BORDER)).branch("B").to_tag("u"));
    play.response(1_002, "200 OK", CALL.back().to_tag("u"));
    play.request(3_000, "BYE", CALL.branch("C").cseq(2).to_tag("u"));
    let calls = play.calls().to_vec();
    assert_eq!((calls.len(), talk(&calls[0])), (1, Some(2_000)));
    assert_eq!(play.count(Kind::WrongWay), 0);
}

/// An element that serves both sides, as an application server does, writes its own tags.
#[test]
fn a_call_that_passes_an_element_twice_is_one_call() {
    for way in [(INNER, BORDER), (OWN, BORDER), (CARRIER, BORDER)] {
        let call = CALL.on(way);
        let hops = [call, call.back().tags("g", "").branch("B"), call.tags("h", "").branch("C")];
        let mut play = Play::new();
        for (at, hop) in (0..).zip(hops) {
            play.request(at * 5, "INVITE", hop);
        }
        for (at, hop) in (0..).zip(hops.into_iter().rev()) {
            play.response(1_000 + at * 5, "200 OK", hop.back().to_tag("u"));
        }
        play.request(5_000, "BYE", call.branch("D").cseq(2).to_tag("u"));
        assert_eq!(talk(&play.only()), Some(4_000), "{way:?}");
        // The first was challenged.
        let mut play = Play::new();
        play.request(0, "INVITE", call).response(
            5,
            "407 Proxy Authentication Required",
            call.back().to_tag("x"),
        );
        for (at, hop) in (2..).zip([call.branch("E"), hops[1], hops[2]].map(|hop| hop.cseq(2))) {
            play.request(at * 5, "INVITE", hop);
        }
        assert_eq!(play.calls().len(), 1);
        // One that did not come back is another call.
        let mut play = Play::new();
        play.request(0, "INVITE", call).request(5, "INVITE", call.tags("h", "").branch("C"));
        assert_eq!(play.calls().len(), 2);
    }
}

/// RFC 3261 §13.2.2.4: the caller releases the surplus one.
#[test]
fn of_two_forks_that_answer_the_call_ends_with_the_last() {
    for surplus_first in [true, false] {
        let mut play = Play::new();
        play.request(0, "INVITE", CALL);
        for (branch, to, tag) in [("B", INNER, "u1"), ("C", INNER_TOO, "u2")] {
            play.request(10, "INVITE", CALL.on((BORDER, to)).branch(branch));
            play.response(2_000, "200 OK", CALL.on((to, BORDER)).branch(branch).to_tag(tag));
            play.response(2_010, "200 OK", CALL.back().to_tag(tag));
        }
        let (surplus, used) = if surplus_first { ("u1", "u2") } else { ("u2", "u1") };
        for at in [2_050, 2_550] {
            play.request(at, "BYE", CALL.branch("D").cseq(2).to_tag(surplus));
        }
        // The called side hangs up: its own tag is in From.
        play.request(62_000, "BYE", CALL.back().branch("E").cseq(1).tags(used, "f"));
        let call = play.only();
        assert_eq!((talk(&call), call.released_by), (Some(60_000), Some(ReleasedBy::Called)));
    }
}

/// It names the dialog, but nobody there has sent with these tags: answered 481.
#[test]
fn a_bye_with_swapped_tags_ends_no_call() {
    for way in [(CARRIER, BORDER), (BORDER, CARRIER), (OWN, BORDER)] {
        let call = CALL.on(way);
        let mut play = Play::new();
        play.request(0, "INVITE", call).response(5_000, "200 OK", call.back().to_tag("u"));
        play.request(6_000, "BYE", call.branch("Z").cseq(2).tags("u", "f"));
        play.request(7_000, "BYE", call.back().branch("Y").cseq(2).to_tag("u"));
        play.request(605_000, "BYE", call.back().branch("X").cseq(2).tags("u", "f"));
        let call = play.only();
        assert_eq!((talk(&call), call.released_by), (Some(600_000), Some(ReleasedBy::Called)), "{way:?}");
        assert_eq!(play.count(Kind::Unexpected), 2);
    }
}

/// A copy of a 2xx whose ACK was lost (RFC 3261 §13.3.1.4) comes after the BYE of its dialog.
#[test]
fn a_dialog_that_is_over_is_not_opened_again() {
    let mut play = Play::new();
    play.request(0, "INVITE", CALL);
    for (at, tag) in [(1_000, "u1"), (1_010, "u2")] {
        play.response(at, "200 OK", CALL.back().to_tag(tag));
    }
    for (at, tag) in [(1_100, "u2"), (61_000, "u1")] {
        play.request(at, "BYE", CALL.branch(tag).cseq(2).to_tag(tag));
        play.request(at + 400, "BYE", CALL.branch(tag).cseq(2).to_tag("u2"));
        play.response(at + 500, "200 OK", CALL.back().to_tag("u2"));
    }
    assert_eq!((talk(&play.only()), play.count(Kind::Unexpected)), (Some(60_000), 0));
    // Closed ones make room for others.
    let mut play = Play::new();
    play.request(0, "INVITE", CALL);
    for (at, tag) in (1..).zip(["u1", "u2", "u3", "u4", "u5"]) {
        play.response(at * 1_000, "200 OK", CALL.back().to_tag(tag));
        if tag != "u1" {
            play.request(at * 1_000 + 500, "BYE", CALL.branch(tag).cseq(2).to_tag(tag));
        }
    }
    play.request(61_000, "BYE", CALL.branch("Z").cseq(3).to_tag("u1"));
    assert_eq!((talk(&play.only()), play.count(Kind::TooMany)), (Some(60_000), 0));
}

#[test]
fn a_bye_of_another_dialog_ends_no_call() {
    let mut play = Play::new();
    play.request(0, "INVITE", CALL).response(5_000, "200 OK", CALL.back().to_tag("real"));
    // Answered 481 by the called side. And both tags invented.
    play.request(6_000, "BYE", CALL.branch("Z").cseq(2).to_tag("bogus"));
    play.request(7_000, "BYE", CALL.branch("Y").cseq(3).tags("nobody", "bogus"));
    play.request(600_000, "BYE", CALL.branch("X").cseq(4).to_tag("real"));
    let call = play.only();
    assert_eq!((talk(&call), call.released_by), (Some(595_000), Some(ReleasedBy::Calling)));
    assert_eq!(play.count(Kind::Unexpected), 2);
}

#[test]
fn a_bye_before_the_answer_does_not_hide_it() {
    let mut play = Play::new();
    play.request(0, "INVITE", CALL).response(100, "180 Ringing", CALL.back().to_tag("u"));
    play.request(200, "BYE", CALL.branch("Z").cseq(2).to_tag("bogus"));
    // In the name of the called side as well.
    play.request(300, "BYE", CALL.branch("Y").cseq(3).tags("u", "f"));
    // The same from another address of the caller.
    play.request(400, "BYE", CALL.on((CARRIER_TOO, BORDER)).branch("W").cseq(3).tags("u", "f"));
    play.response(5_000, "200 OK", CALL.back().to_tag("u"));
    play.request(600_000, "BYE", CALL.branch("X").cseq(4).to_tag("u"));
    assert_eq!(talk(&play.only()), Some(595_000));
}

/// Nor for long: it may be answered 481, and a CANCEL as well.
#[test]
fn a_false_end_before_the_answer_hides_no_late_answer() {
    let early = CALL.branch("Z").cseq(2).to_tag("bogus");
    for ended_by in ["BYE", "CANCEL", "both"] {
        for answered in [true, false] {
            let mut play = Play::new();
            play.request(0, "INVITE", CALL).response(100, "180 Ringing", CALL.back().to_tag("u"));
            if ended_by != "CANCEL" {
                play.request(200, "BYE", early);
            }
            if ended_by != "BYE" {
                play.request(300, "CANCEL", CALL);
                play.response(20_000, "180 Ringing", CALL.back().to_tag("u"));
                play.response(21_000, "180 Ringing", CALL.back().to_tag("u"));
            }
            if answered {
                play.response(60_000, "200 OK", CALL.back().to_tag("u"));
                play.request(600_000, "BYE", CALL.branch("X").cseq(3).to_tag("u"));
            } else {
                play.request(600_000, "INVITE", Sip { call_id: "two@a", ..CALL });
            }
            let call = play.calls()[0].clone();
            assert_eq!(talk(&call), answered.then_some(540_000), "{ended_by}");
            assert_eq!(
                (call.released_by, play.count(Kind::Expired)),
                (Some(ReleasedBy::Calling), 0),
                "{ended_by}"
            );
            let ended = if ended_by == "CANCEL" { 300 } else { 200 };
            assert!(answered || call.end_at.unwrap().since(call.setup_at).as_millis() == ended, "{ended_by}");
        }
    }
}

/// What a tap that misses answers sees: the BYE is all that is known of the end.
#[test]
fn a_bye_whose_answer_was_not_seen_ends_the_call() {
    let mut play = Play::new();
    play.request(0, "INVITE", CALL).request(9_000, "BYE", CALL.branch("B").cseq(2).to_tag("u"));
    play.request(300_000, "INVITE", Sip { call_id: "two@a", ..CALL });
    let first = play.calls()[0].clone();
    assert_eq!((first.end_at.unwrap().since(first.setup_at).as_secs(), first.answer_at), (9, None));
    // Its answer was seen within only, where an element writes its own tags.
    let mut play = Play::new();
    let within = CALL.on((BORDER, INNER)).branch("B");
    play.request(0, "INVITE", CALL).request(1, "INVITE", within.tags("g", ""));
    play.response(1_000, "200 OK", within.back().tags("g", "v"));
    play.request(9_000, "BYE", CALL.branch("C").cseq(2).to_tag("u"));
    assert_eq!(talk(&play.only()), Some(8_000));
}

#[test]
fn calls_of_one_call_id_and_tag_end_each_for_itself() {
    let mut play = Play::new();
    let numbers = ["+48601000001", "+48601000002", "+48601000003"];
    let names = [("b0", "u0"), ("b1", "u1"), ("b2", "u2")];
    for (at, (called, (branch, to))) in (0..).zip(numbers.into_iter().zip(names)) {
        let call = CALL.called(called).branch(branch);
        play.request(at * 1_000, "INVITE", call);
        play.response(at * 1_000 + 200, "200 OK", call.back().to_tag(to));
        play.response(at * 1_000 + 700, "200 OK", call.back().to_tag(to));
    }
    // The second of them is hung up by the called side.
    play.request(10_000, "BYE", CALL.branch("e2").cseq(2).to_tag("u2"));
    play.request(100_000, "BYE", CALL.back().branch("e1").cseq(1).tags("u1", "f"));
    play.request(300_000, "BYE", CALL.branch("e0").cseq(2).to_tag("u0"));
    let ends: Vec<_> = play.calls().iter().map(|call| (talk(call), call.released_by)).collect();
    let (calling, called) = (Some(ReleasedBy::Calling), Some(ReleasedBy::Called));
    assert_eq!(ends, [(Some(299_800), calling), (Some(98_800), called), (Some(7_800), calling)]);
}

/// Where calls are seen: from a carrier, out to one, from our own, between any.
const WAYS: [([u8; 4], [u8; 4]); 4] = [(CARRIER, BORDER), (BORDER, CARRIER), (OWN, BORDER), (BORDER, INNER)];

#[test]
fn one_call_id_hides_no_calls_to_several_numbers() {
    for (way, network) in WAYS.into_iter().map(|way| (way, true)).chain([(WAYS[0], false)]) {
        let (cseqs, tags) = ([true, false], [true, false]);
        for (counts_on, own_tags) in cseqs.into_iter().flat_map(|one| tags.map(|other| (one, other))) {
            if !(counts_on || own_tags) {
                // These look like a fork to several.
                continue;
            }
            let mut play = if network { Play::new() } else { Play::on(Network::unknown()) };
            let texts: Vec<_> = (0..12)
                .map(|index| (format!("+88216001{index:04}"), format!("b{index}"), format!("t{index}")))
                .collect();
            let call = |index: usize| {
                let (called, branch, tag) = &texts[index];
                let tag = if own_tags { tag } else { "t" };
                let cseq = if counts_on { index as u32 + 1 } else { 1 };
                CALL.on(way).called(called).branch(branch).cseq(cseq).tags(tag, "")
            };
            for index in 0..12 {
                play.request(index as u64 * 500, "INVITE", call(index));
                play.request(index as u64 * 500 + 100, "INVITE", call(index));
            }
            for index in 0..12 {
                let at = 10_000 + index as u64 * 100;
                play.request(at, "CANCEL", call(index));
                play.response(at + 50, "487 Request Terminated", call(index).back().to_tag("u"));
            }
            let calls = play.calls();
            let case = format!("{way:?} {network} {counts_on} {own_tags}");
            assert_eq!(calls.len(), 12, "{case}");
            for (index, ended) in calls.iter().enumerate() {
                assert_eq!(ended.called.raw.as_slice(), texts[index].0.as_bytes(), "{case}");
                assert_eq!(ended.sip_status, Some(487), "{case}");
            }
        }
    }
}

#[test]
fn one_call_id_hides_no_calls_to_one_number() {
    for way in WAYS {
        let mut play = Play::new();
        let calls = [("f", 7, "A", "a"), ("f", 8, "B", "b"), ("f", 3, "C", "c"), ("g", 7, "D", "d")];
        for (at, (from, cseq, branch, to)) in (1..).zip(calls) {
            let call = CALL.on(way).branch(branch).cseq(cseq).tags(from, "");
            play.request(at * 1_000, "INVITE", call).response(
                at * 1_000 + 200,
                "200 OK",
                call.back().to_tag(to),
            );
        }
        for (at, (from, cseq, branch, to)) in (1..).zip(calls) {
            play.request(
                at * 10_000,
                "BYE",
                CALL.on(way).branch(&format!("{branch}2")).cseq(cseq + 1).tags(from, to),
            );
        }
        let talks: Vec<_> = play.calls().iter().map(talk).collect();
        assert_eq!(talks, [8_800, 17_800, 26_800, 35_800].map(Some), "{way:?}");
    }
}

/// What is one call still: the hops, a challenge at each, and digits one by one.
#[test]
fn a_challenge_a_hop_and_more_digits_are_the_same_call() {
    let onward = |sip: Sip<'static>, branch| sip.on((BORDER, INNER)).branch(branch);
    for sees_responses in [true, false] {
        let mut play = Play::new();
        play.request(0, "INVITE", CALL).request(5, "INVITE", onward(CALL, "a"));
        if sees_responses {
            play.response(50, "407 Proxy Authentication Required", onward(CALL, "a").back().to_tag("x"));
            play.response(55, "407 Proxy Authentication Required", CALL.back().to_tag("x"));
        }
        let again = CALL.branch("B").cseq(2);
        play.request(100, "INVITE", again).request(105, "INVITE", onward(again, "b"));
        // A second tap is late.
        play.request(110, "INVITE", CALL).request(111, "INVITE", onward(CALL, "a"));
        play.response(1_000, "200 OK", onward(again, "b").back().to_tag("u"));
        play.response(1_005, "200 OK", again.back().to_tag("u"));
        play.request(1_010, "INVITE", again);
        play.request(5_000, "BYE", CALL.branch("C").cseq(3).to_tag("u"));
        assert_eq!(talk(&play.only()), Some(4_000), "{sees_responses}");
    }
    let mut play = Play::new();
    let own = CALL.on((OWN, BORDER));
    for (cseq, branch, called) in [(1, "A", "+4860100"), (2, "B", "+48601000"), (3, "C", "+48601000001")] {
        play.request(u64::from(cseq) * 100, "INVITE", own.called(called).branch(branch).cseq(cseq));
    }
    play.response(1_000, "200 OK", own.branch("C").cseq(3).back().to_tag("u"));
    play.request(5_000, "BYE", own.branch("D").cseq(4).to_tag("u"));
    assert_eq!(talk(&play.only()), Some(4_000));
}

/// An element between keeps the Call-ID and answers a challenge itself, or tries again after another refusal (RFC 3261 §22.3).
#[test]
fn a_second_try_within_is_the_same_call() {
    let within = CALL.on((BORDER, INNER)).branch("a");
    let again = within.branch("b").cseq(2);
    let tries = [
        (within, again),
        // With tags of its own, another for each try, counted on or not.
        (within.tags("g", ""), again.tags("g", "")),
        (within.tags("g", ""), again.tags("h", "")),
        (within, again.tags("h", "").cseq(1)),
    ];
    for (first, second) in tries {
        for status in
            ["407 Proxy Authentication Required", "422 Session Interval Too Small", "491 Pending", "503 No"]
        {
            let mut play = Play::new();
            play.request(0, "INVITE", CALL).request(5, "INVITE", first);
            play.response(50, status, first.back().to_tag("x")).request(60, "INVITE", second);
            // Seen late, at a second tap.
            play.request(61, "INVITE", first).response(62, status, first.back().to_tag("x"));
            play.response(1_000, "180 Ringing", second.back().to_tag("v"));
            play.response(1_005, "180 Ringing", CALL.back().to_tag("u"));
            play.response(2_000, "200 OK", second.back().to_tag("v"));
            play.response(2_005, "200 OK", CALL.back().to_tag("u"));
            play.request(5_000, "BYE", CALL.branch("C").cseq(2).to_tag("u"));
            play.request(5_005, "BYE", second.branch("c").cseq(3).to_tag("v"));
            let call = play.only();
            let case = format!("{status} {:?} {:?}", first.tags, second.tags);
            assert_eq!(
                (call.ring_time(), call.legs.unwrap().count()),
                (Some(Duration::from_secs(1)), 1),
                "{case}"
            );
            assert_eq!(play.count(Kind::Unexpected), 0, "{case}");
        }
    }
    // One refusal allows one more try; and the second try ends the call when it fails too.
    let mut play = Play::new();
    play.request(0, "INVITE", CALL).request(5, "INVITE", within);
    play.response(50, "503 No", within.back().to_tag("x")).request(60, "INVITE", again);
    play.response(70, "486 Busy Here", again.back().to_tag("x"));
    play.response(75, "486 Busy Here", CALL.back().to_tag("x"));
    let call = play.only();
    assert_eq!((call.sip_status, call.released_by), (Some(486), Some(ReleasedBy::Called)));
}

/// RFC 3261 §8.2.2.2: a copy with another branch is refused, with 482, while the first goes on.
#[test]
fn a_refused_copy_allows_no_second_try() {
    let mut play = Play::new();
    play.request(0, "INVITE", CALL).request(5, "INVITE", CALL.on((BORDER, INNER)).branch("a"));
    play.request(10, "INVITE", CALL.branch("B"));
    play.response(20, "482 Loop Detected", CALL.branch("B").back().to_tag("x"));
    play.request(100, "INVITE", CALL.branch("C").cseq(2));
    assert_eq!(play.calls().len(), 2);
}

/// Several calls of one Call-ID, each challenged and each seen on two hops; then of one tag too.
#[test]
fn a_call_beside_another_is_one_call_too() {
    let calls = [
        ("t1", "+48601000001", ["1", "2"]),
        ("t2", "+48601000002", ["3", "4"]),
        ("t3", "+48601000003", ["5", "6"]),
    ];
    for (own_tags, spacing) in [(true, 1_000), (true, 10), (false, 1_000), (false, 10)] {
        let mut steps: Vec<(u64, &str, Sip<'_>)> = Vec::new();
        let within = calls.map(|call| format!("in{}", call.2[1]));
        for (index, (tag, called, branches)) in calls.into_iter().enumerate() {
            let at = index as u64 * spacing;
            let cseq = 3 * index as u32 + 2;
            let tag = if own_tags { tag } else { "t" };
            let again = CALL.tags(tag, "").called(called).branch(branches[1]).cseq(cseq);
            let onward = again.branch(&within[index]).on((BORDER, INNER));
            if own_tags {
                let first = again.branch(branches[0]).cseq(cseq - 1);
                steps.push((at, "INVITE", first));
                steps.push((at + 50, "407 Proxy Authentication Required", first.back().to_tag("x")));
            }
            steps.extend([
                (at + 100, "INVITE", again),
                (at + 105, "INVITE", onward),
                (at + 300, "180 Ringing", onward.back().to_tag("u")),
                (at + 305, "180 Ringing", again.back().to_tag("u")),
                (at + 900, "CANCEL", again),
                (at + 905, "CANCEL", onward),
                (at + 940, "487 Request Terminated", onward.back().to_tag("u")),
                (at + 950, "487 Request Terminated", again.back().to_tag("u")),
            ]);
        }
        steps.sort_by_key(|step| step.0);
        let mut play = Play::new();
        for (at, what, sip) in steps {
            if what.starts_with(|first: char| first.is_ascii_digit()) {
                play.response(at, what, sip);
            } else {
                play.request(at, what, sip);
            }
        }
        let rings: Vec<_> =
            play.calls().iter().map(|call| call.ring_time().map(|time| time.as_millis())).collect();
        assert_eq!(rings, [Some(605); 3], "{own_tags} {spacing}");
    }
}

/// CSeq orders the requests of one dialog only.
#[test]
fn a_lower_cseq_after_the_end_hides_no_call() {
    for own_tags in [true, false] {
        let mut play = Play::new();
        let names = [("b5", "t5", 5), ("b4", "t4", 4), ("b3", "t3", 3), ("b2", "t2", 2), ("b1", "t1", 1)];
        for (at, (branch, tag, cseq)) in (0..).zip(names) {
            let call = CALL.branch(branch).cseq(cseq).tags(if own_tags { tag } else { "t" }, "");
            play.request(at * 6_000, "INVITE", call);
            play.response(at * 6_000 + 1_000, "180 Ringing", call.back().to_tag("u"));
            play.request(at * 6_000 + 3_000, "CANCEL", call);
            play.response(at * 6_000 + 3_100, "487 Request Terminated", call.back().to_tag("u"));
            // Retransmissions.
            play.request(at * 6_000 + 3_200, "INVITE", call);
            play.response(at * 6_000 + 3_300, "487 Request Terminated", call.back().to_tag("u"));
        }
        let calls = play.calls();
        assert_eq!(calls.len(), 5);
        assert!(calls.iter().all(|call| call.ring_time() == Some(Duration::from_secs(2))), "{calls:?}");
    }
}

/// An INVITE with a To tag belongs to a dialog; where nobody knows of one it is counted (RFC 3261 §12.2.2).
#[test]
fn an_invite_of_a_dialog_that_nobody_knows_is_counted() {
    let mut play = Play::new();
    play.request(0, "INVITE", CALL.to_tag("made-up")).response(
        3_000,
        "200 OK",
        CALL.back().to_tag("made-up"),
    );
    assert_eq!(play.count(Kind::NoDialog), 1);
    assert!(play.calls().is_empty());
    // One of a call that is known is none of these.
    let mut play = Play::new();
    play.request(0, "INVITE", CALL).response(3_000, "200 OK", CALL.back().to_tag("u"));
    play.request(9_000, "INVITE", CALL.branch("B").cseq(2).to_tag("u"));
    assert_eq!(play.count(Kind::NoDialog), 0);
}
