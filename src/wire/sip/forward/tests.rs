//! What goes on, and what comes back.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use proptest::prelude::*;

use super::*;
use crate::base::map::Seed;
use crate::wire::sip::place::response_address;
use crate::wire::sip::respond::{Response, respond};

const INVITE: &str = "INVITE sip:2@fw.example SIP/2.0\r\nMax-Forwards:  70 \r\nv: SIP/2.0/UDP 192.0.2.1:5080;branch=z9hG4bK1;rport ,\r\n \
    SIP/2.0/UDP b\r\nRoute : <sip:198.51.100.1:5060;lr>, <sip:[2001:db8::1];lr>,<sip:x@203.0.113.9;lr>\r\nX: \u{17b}\r\n\ty\r\n\
    From: <sip:1@h>;tag=a\r\nRecord-Route: <sip:b;lr>\r\nTo: <sip:2@h>\r\nVia: SIP/2.0/TCP c;branch=2\r\n\
    Call-ID: 1@a\r\nCSeq: 7 INVITE\r\nContent-Length: 3\r\n\r\nv=0\r\n\r\n";

fn own() -> [SocketAddr; 2] {
    ["198.51.100.1:5060".parse().unwrap(), "[2001:db8::1]:5060".parse().unwrap()]
}

fn branch(request: &[u8]) -> Branch {
    Branch::of(Seed(7), &Message::parse(request).unwrap(), own()[0])
}

fn send(request: &[u8], change: impl FnOnce(&mut Forward<'_>)) -> Result<Vec<u8>, Stopped> {
    let own = own();
    let mut how = Forward {
        source: "192.0.2.7:9".parse().unwrap(),
        sent_by: own[1],
        branch: branch(request),
        own: &own,
        record_route: &[],
        extra: None,
    };
    change(&mut how);
    let mut out = b"-".to_vec();
    let done = forward(request, &how, &mut out);
    assert_eq!(out.remove(0), b'-');
    assert!(done.is_ok() || out.is_empty());
    done.map(|()| out)
}

fn text(request: &str) -> String {
    String::from_utf8(send(request.as_bytes(), |_| {}).unwrap()).unwrap()
}

#[test]
fn changes_what_a_proxy_changes_and_nothing_else() {
    let sent = send(INVITE.as_bytes(), |how| {
        how.record_route = how.own;
        how.extra = Some(("X-Price", "1"));
    });
    let branch = branch(INVITE.as_bytes());
    assert_eq!(
        String::from_utf8(sent.unwrap()).unwrap(),
        format!(
            "INVITE sip:2@fw.example SIP/2.0\r\nVia: SIP/2.0/UDP [2001:db8::1]:5060;branch={branch}\r\n\
             Record-Route: <sip:198.51.100.1:5060;lr>\r\nRecord-Route: <sip:[2001:db8::1]:5060;lr>\r\n\
             Max-Forwards:  69 \r\nv: SIP/2.0/UDP 192.0.2.1:5080;branch=z9hG4bK1;rport=9;received=192.0.2.7 ,\r\n \
             SIP/2.0/UDP b\r\nRoute : <sip:x@203.0.113.9;lr>\r\nX: \u{17b}\r\n\ty\r\n\
             From: <sip:1@h>;tag=a\r\nRecord-Route: <sip:b;lr>\r\nTo: <sip:2@h>\r\nVia: SIP/2.0/TCP c;branch=2\r\n\
             Call-ID: 1@a\r\nCSeq: 7 INVITE\r\nContent-Length: 3\r\nX-Price: 1\r\n\r\nv=0\r\n\r\n"
        )
    );
    let unended = INVITE.replace("\r\n", "\n");
    assert!(text(&unended).contains("\nX: \u{17b}\n\ty\nFrom: <sip:1@h>;tag=a\n"));
    assert!(text(&format!("\r\n\r\n{INVITE}")).starts_with("INVITE"));
}

#[test]
fn counts_hops_down() {
    for (value, expected) in
        [("70", "69"), ("1", "0"), ("255", "254"), ("256", "70"), ("x", "70"), ("", "70"), ("-1", "70")]
    {
        let sent = text(&INVITE.replace("Max-Forwards:  70 ", &format!("Max-Forwards: {value}")));
        assert!(sent.contains(&format!("\r\nMax-Forwards: {expected}\r\n")), "{value}: {sent}");
    }
    let none = text(&INVITE.replace("Max-Forwards:  70 \r\n", ""));
    assert!(none.contains("Content-Length: 3\r\nMax-Forwards: 70\r\n\r\nv=0"), "{none}");
    let used = INVITE.replace("  70 ", " 00");
    assert_eq!(send(used.as_bytes(), |_| {}), Err(Stopped::TooManyHops));
}

#[test]
fn takes_its_own_routes_off_the_top() {
    let route = "Route : <sip:198.51.100.1:5060;lr>, <sip:[2001:db8::1];lr>,<sip:x@203.0.113.9;lr>\r\n";
    for (lines, rest, path) in [
        ("", "", (false, None)),
        ("Route: <sip:198.51.100.1;lr>\r\n", "", (true, None)),
        ("Route: <sip:198.51.100.1;lr>\r\nroute: <sip:[2001:db8::1];lr>\r\n", "", (true, None)),
        (
            "Route: <sip:198.51.100.1;lr>\r\nRoute: <sip:a>, <sip:198.51.100.1;lr>\r\n",
            "Route: <sip:a>, <sip:198.51.100.1;lr>\r\n",
            (true, Some("<sip:a>")),
        ),
        (
            "Route: <sip:203.0.113.9;lr>,<sip:198.51.100.1;lr>\r\n",
            "Route: <sip:203.0.113.9;lr>,<sip:198.51.100.1;lr>\r\n",
            (false, Some("<sip:203.0.113.9;lr>")),
        ),
        (
            "Route: <sip:198.51.100.1:5061;lr>\r\n",
            "Route: <sip:198.51.100.1:5061;lr>\r\n",
            (false, Some("<sip:198.51.100.1:5061;lr>")),
        ),
        ("Route:\r\n", "Route:\r\n", (false, None)),
    ] {
        let request = INVITE.replace(route, lines);
        assert!(text(&request).contains(&format!("SIP/2.0/UDP b\r\n{rest}X:")), "{lines}");
        let own = own();
        let found = Path::of(request.as_bytes(), &own);
        let next = found.next.map(|next| str::from_utf8(next).unwrap());
        assert_eq!((found.was_routed, next), path, "{lines}");
    }
    let own = own();
    let path = Path::of(INVITE.as_bytes(), &own);
    assert_eq!(path.next_address(), Some("203.0.113.9:5060".parse().unwrap()));
}

#[test]
fn one_branch_for_a_transaction() {
    let invite = branch(INVITE.as_bytes());
    let ack = INVITE.replace("INVITE", "ACK").replace("To: <sip:2@h>", "To: <sip:2@h>;tag=b");
    assert_eq!(branch(ack.as_bytes()), invite);
    assert_eq!(branch(INVITE.replace("INVITE", "CANCEL").as_bytes()), invite);
    assert_ne!(branch(INVITE.replace("sip:2@fw", "sip:3@fw").as_bytes()), invite);
    assert_ne!(branch(INVITE.replace("bK1", "bK2").as_bytes()), invite);
    let via = format!("SIP/2.0/UDP h;branch={invite}");
    assert_eq!(Branch::transaction_of(via.as_bytes()), Some(invite.transaction));
    for strange in ["z9hG4bK1", "z9hG4bK0123456789abcdef0123456789abcde\u{e9}", "1"] {
        assert_eq!(Branch::transaction_of(format!("SIP/2.0/UDP h;branch={strange}").as_bytes()), None);
    }
}

#[test]
fn knows_a_loop_from_a_detour() {
    let own = own();
    let sent = send(INVITE.as_bytes(), |_| {}).unwrap();
    let back = String::from_utf8(sent).unwrap().replacen(
        "Via:",
        "Via: SIP/2.0/UDP other;branch=z9hG4bKx\r\nVia:",
        1,
    );
    assert!(branch(back.as_bytes()).is_loop(back.as_bytes(), &own));
    assert!(!branch(INVITE.as_bytes()).is_loop(INVITE.as_bytes(), &own));
    let elsewhere = back.replacen("sip:2@fw", "sip:3@fw", 1);
    assert!(!branch(elsewhere.as_bytes()).is_loop(elsewhere.as_bytes(), &own));
    let other_proxy = back.replacen("[2001:db8::1]", "[2001:db8::2]", 1);
    assert!(!branch(other_proxy.as_bytes()).is_loop(other_proxy.as_bytes(), &own));
}

/// The Vias of a message, one after the other.
fn vias(message: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Lines::new(message);
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let Some((name, value)) = split_header(line.bytes) else { continue };
        if is_via(name) {
            found.extend(elements(value).map(<[u8]>::to_vec));
        }
    }
    found
}

fn answer(request: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let to_tag = Some("t");
    assert!(respond(
        request,
        &Response { status: 200, phrase: "OK", to_tag, ..Response::default() },
        &mut out
    ));
    out
}

#[test]
fn a_response_goes_back_as_if_nobody_had_been_between() {
    let source = "192.0.2.7:9".parse().unwrap();
    let mut direct = Vec::new();
    let to_tag = Some("t");
    let ok = Response { status: 200, phrase: "OK", to_tag, source: Some(source), ..Response::default() };
    assert!(respond(INVITE.as_bytes(), &ok, &mut direct));
    let response = answer(&send(INVITE.as_bytes(), |_| {}).unwrap());
    let mut back = Vec::new();
    let next = backward(&response, &mut back).unwrap();
    assert_eq!(response_address(next), Some(source));
    assert_eq!(back, direct);
    // Some write all Vias in one line.
    let joined = String::from_utf8(response.clone()).unwrap().replacen("\r\nv: ", " , ", 1);
    let mut back = Vec::new();
    assert!(backward(joined.as_bytes(), &mut back).is_some());
    let expected = String::from_utf8(direct).unwrap().replacen("\r\nv: ", "\r\nVia: ", 1);
    assert_eq!(String::from_utf8(back).unwrap(), expected);
    let mut none = b"-".to_vec();
    for lonely in
        [&b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\n\r\n"[..], b"SIP/2.0 200 OK\r\nVia: a b, c d\r\n", b""]
    {
        assert_eq!(backward(lonely, &mut none), None);
        assert_eq!(none, b"-");
    }
}

const PIECES: [&str; 14] = [
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n",
    "v : SIP/2.0/UDP h:5080;rport, SIP/2.0/UDP i;received=192.0.2.2\r\n",
    "VIA:\r\n SIP/2.0/UDP [2001:db8::9];x=\"a,b;rport\"\r\n",
    "Via:\r\n",
    "Via: ,,\r\n",
    "Route: <sip:198.51.100.1;lr>\r\n",
    "Route: <sip:a>,<sip:198.51.100.1>\r\n",
    "Max-Forwards: 9\r\n",
    "Max-Forwards:\n",
    "From: <sip:1@h>;tag=a\r\n",
    "To: <sip:2@h>\r\n",
    "Call-ID: 1\r\nCSeq: 1 INVITE\r\n",
    "no colon\r\n",
    "\r\n",
];

proptest! {
    /// Out and back, the Vias of the caller are what they were, but for what is noted of the topmost.
    #[test]
    fn vias_come_back(
        lines in prop::collection::vec(prop::sample::select(&PIECES[..PIECES.len() - 1]), 0..9),
    ) {
        let request = format!(
            "INVITE sip:2@h SIP/2.0\r\nVia: SIP/2.0/UDP first;branch=1\r\nFrom: a:b;tag=1\r\nTo: <a:b>\r\n\
             Call-ID: 1\r\nCSeq: 1 INVITE\r\n{}\r\n", lines.concat());
        let sent = send(request.as_bytes(), |_| {}).unwrap();
        prop_assert_eq!(&sent, &send(request.as_bytes(), |_| {}).unwrap());
        let response = answer(&sent);
        let mut back = Vec::new();
        let next = backward(&response, &mut back);
        let mut expected = vias(request.as_bytes());
        expected[0].extend_from_slice(b";received=192.0.2.7");
        prop_assert_eq!(next, Some(&expected[0][..]));
        prop_assert_eq!(vias(&back), expected);
    }

    /// Any bytes at all: no panic, nothing written on refusal, and what goes on reads as the same message.
    #[test]
    fn any_message_goes_on_or_stays(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..14),
        octets in prop::collection::vec((0..400_usize, any::<u8>()), 0..4),
    ) {
        let mut request = format!("INVITE sip:2@h SIP/2.0\r\n{}", pieces.concat()).into_bytes();
        for (at, octet) in octets {
            if let Some(place) = request.get_mut(at) {
                *place = octet;
            }
        }
        let mut back = Vec::new();
        let _ = backward(&request, &mut back);
        let Ok(before) = Message::parse(&request) else { return Ok(()) };
        let Ok(sent) = send(&request, |_| {}) else { return Ok(()) };
        let after = Message::parse(&sent).unwrap();
        prop_assert_eq!((after.start, after.call_id, after.cseq), (before.start, before.call_id, before.cseq));
        prop_assert_eq!((after.from, after.head.to, after.body), (before.from, before.head.to, before.body));
        prop_assert_eq!(vias(&sent).len(), vias(&request).len() + 1);
    }
}
