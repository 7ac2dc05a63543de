#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::*;
use proptest::prelude::*;

const CARRIER: &str = "192.0.2.1:5080";
const SWITCH: &str = "198.51.100.7:5060";

const INVITE: &str = "INVITE sip:+48601234567@198.51.100.7 SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.1:5090;branch=z9hG4bK1\r\n\
    From: \"Bell\" <sip:+48221234567@192.0.2.1;user=phone>;tag=a\r\nTo: <sip:+48601234567@198.51.100.7>\r\n\
    Call-ID: 1@a\r\nCSeq: 7 INVITE\r\nContact: \"B\" <sip:+48221234567;x=1@192.0.2.1:5090;ob>\r\n\
    P-Asserted-Identity: <sip:+48221234567@192.0.2.1>\r\nRemote-Party-ID: <sip:+48221234567@a>;party=calling\r\n\
    Identity: abc;info=<https://a/b>\r\nContent-Length: 3\r\n\r\nv=0";

fn at(seconds: u64) -> At {
    At::from_nanos(seconds * 1_000_000_000)
}

fn packet(src: &str, dst: &str, message: &str) -> Vec<u8> {
    let mut packet = Vec::new();
    assert!(forge(src.parse().unwrap(), dst.parse().unwrap(), message.as_bytes(), &mut packet));
    packet
}

fn message_in(packet: &[u8]) -> (String, String, String) {
    let Seen::Datagram(datagram) = Seen::of(packet) else { panic!("no datagram") };
    let text = String::from_utf8(datagram.payload.to_vec()).unwrap();
    (datagram.src.to_string(), datagram.dst.to_string(), text)
}

fn judge() -> SipJudge {
    SipJudge::new(Arc::new(Network::unknown()), SipOptions::default())
}

fn block() -> Treatment {
    Treatment::Block { sip: 603, q850: 21, reason: Arc::from("flash calls") }
}

/// Sends from one side, and what comes out at the other when nothing is asked.
fn send(judge: &mut SipJudge, (src, dst): (&str, &str), message: &str) -> Option<String> {
    let packet = packet(src, dst, message);
    let mut work = Work::default();
    match judge.look(at(2), &packet, &mut work) {
        Look::Done(Ruling::Accept) => Some(message.to_owned()),
        Look::Done(Ruling::Replace) => Some(message_in(&work.packet).2),
        Look::Done(Ruling::Drop) => None,
        look => panic!("{look:?}"),
    }
}

fn decide(judge: &mut SipJudge, message: &str, treatment: Treatment) -> (Ruling, Work) {
    let packet = packet(CARRIER, SWITCH, message);
    let mut work = Work::default();
    assert_eq!(judge.look(at(1), &packet, &mut work), Look::Held);
    assert_eq!((work.questions.len(), &*work.questions[0].message), (1, message.as_bytes()));
    let key = work.questions[0].key;
    work.clear();
    let ruling = judge.rule(at(1), &packet, &[Answered { key, treatment }], &mut work);
    (ruling, work)
}

#[test]
fn a_refused_invite_is_answered_in_the_switchs_name() {
    let mut judge = judge();
    let (ruling, work) = decide(&mut judge, INVITE, block());
    assert_eq!((ruling, work.forged.len()), (Ruling::Drop, 1));
    let (src, dst, response) = message_in(&work.forged[0]);
    assert_eq!((src.as_str(), dst.as_str()), (SWITCH, "192.0.2.1:5090"));
    assert!(response.starts_with(
        "SIP/2.0 603 Decline\r\nVia: SIP/2.0/UDP 192.0.2.1:5090;branch=z9hG4bK1\r\nFrom: \"Bell\""
    ));
    assert!(response.contains("\r\nReason: Q.850;cause=21;text=\"flash calls\"\r\n"), "{response}");

    // Its retransmission gets the same octets, and nobody is asked.
    let mut again = Work::default();
    let look = judge.look(at(31), &packet(CARRIER, SWITCH, INVITE), &mut again);
    assert_eq!((look, &again.forged), (Look::Done(Ruling::Drop), &work.forged));

    let tag = response.split(">;tag=").nth(2).unwrap().split("\r\n").next().unwrap();
    let between = (CARRIER, SWITCH);
    let ack = INVITE.replace("INVITE", "ACK").replace("198.51.100.7>", &format!("198.51.100.7>;tag={tag}"));
    assert_eq!(send(&mut judge, between, &ack), None);
    let other = ack.replace(tag, "0123456789abcdef");
    assert_eq!(send(&mut judge, between, &other), Some(other.clone()));
    assert_eq!(judge.counts.answered, 2);
    assert_eq!(judge.counts.absorbed, 1);
}

#[test]
fn a_cancel_of_a_refused_invite_is_answered() {
    let mut judge = judge();
    let cancel = INVITE.replace("INVITE", "CANCEL");
    assert!(send(&mut judge, (CARRIER, SWITCH), &cancel).is_some());
    decide(&mut judge, INVITE, block());
    let mut work = Work::default();
    let look = judge.look(at(2), &packet(CARRIER, SWITCH, &cancel), &mut work);
    assert_eq!(look, Look::Done(Ruling::Drop));
    let (_, _, response) = message_in(&work.forged[0]);
    assert!(response.starts_with("SIP/2.0 200 OK\r\n") && response.contains("CSeq: 7 CANCEL"), "{response}");
}

#[test]
fn what_was_allowed_stays_allowed() {
    let mut judge = judge();
    let (ruling, work) = decide(&mut judge, INVITE, Treatment::Allow);
    assert_eq!((ruling, work.forged.len()), (Ruling::Accept, 0));
    assert!(send(&mut judge, (CARRIER, SWITCH), INVITE).is_some());
    assert_eq!(judge.counts.retransmissions, 1);
    let cancel = INVITE.replace("INVITE", "CANCEL");
    assert!(send(&mut judge, (CARRIER, SWITCH), &cancel).is_some());
}

#[test]
fn a_diverted_call_is_redirected() {
    let (ruling, work) =
        decide(&mut judge(), INVITE, Treatment::Divert { target: Arc::from("sip:captcha@media.example") });
    assert_eq!(ruling, Ruling::Drop);
    let (_, _, response) = message_in(&work.forged[0]);
    assert!(response.starts_with("SIP/2.0 302 Moved Temporarily\r\n"), "{response}");
    assert!(response.contains("\r\nContact: <sip:captcha@media.example>\r\n"), "{response}");
}

#[test]
fn a_masked_call_is_anonymous_one_way_and_itself_the_other() {
    let mut judge = judge();
    let (ruling, work) = decide(&mut judge, INVITE, Treatment::Mask);
    assert_eq!(ruling, Ruling::Replace);
    let (src, dst, invite) = message_in(&work.packet);
    assert_eq!((src.as_str(), dst.as_str()), (CARRIER, SWITCH));
    assert_eq!(
        invite,
        "INVITE sip:+48601234567@198.51.100.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5090;branch=z9hG4bK1\r\n\
         From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=a\r\nTo: <sip:+48601234567@198.51.100.7>\r\n\
         Call-ID: 1@a\r\nCSeq: 7 INVITE\r\nContact: <sip:anonymous@192.0.2.1:5090;ob>\r\nContent-Length: 3\r\n\
         Privacy: id\r\n\r\nv=0"
    );
    // The switch's response, in the caller's words.
    let (inward, outward) = ((CARRIER, SWITCH), (SWITCH, CARRIER));
    let ok = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5090;branch=z9hG4bK1\r\n\
        From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=a\r\nTo: <sip:+48601234567@198.51.100.7>;tag=b\r\n\
        Call-ID: 1@a\r\nCSeq: 7 INVITE\r\nContact: <sip:+48601234567@198.51.100.7>\r\n\r\n";
    let from = "From: \"Bell\" <sip:+48221234567@192.0.2.1;user=phone>;tag=a";
    let expected = ok.replace("From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=a", from);
    assert_eq!(send(&mut judge, outward, ok), Some(expected));
    // The switch hangs up: request URI and To are the caller's.
    let bye = "BYE sip:anonymous@192.0.2.1:5090;ob SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7\r\n\
        From: <sip:+48601234567@198.51.100.7>;tag=b\r\nTo: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=a\r\n\
        Call-ID: 1@a\r\nCSeq: 1 BYE\r\n\r\n";
    let seen = send(&mut judge, outward, bye).unwrap();
    assert!(seen.starts_with("BYE sip:+48221234567;x=1@192.0.2.1:5090;ob SIP/2.0\r\n"), "{seen}");
    assert!(seen.contains("\r\nTo: \"Bell\" <sip:+48221234567@192.0.2.1;user=phone>;tag=a\r\n"), "{seen}");
    // And the caller's answer to it is anonymous again.
    let ok = seen.replacen("BYE sip:+48221234567;x=1@192.0.2.1:5090;ob SIP/2.0", "SIP/2.0 200 OK", 1);
    let seen = send(&mut judge, inward, &ok).unwrap();
    assert!(!seen.contains("48221234567") && seen.contains("anonymous.invalid>;tag=a"), "{seen}");
    // Requests of the caller, and the INVITE sent again.
    for message in [INVITE.to_owned(), INVITE.replace("INVITE", "ACK").replace("7>", "7>;tag=b")] {
        let seen = send(&mut judge, inward, &message).unwrap();
        assert!(!seen.contains("48221234567"), "{seen}");
    }
    // Another call is left alone.
    let other = INVITE.replace("INVITE", "OPTIONS").replace("1@a", "2@a");
    assert_eq!(send(&mut judge, inward, &other), Some(other.clone()));
}

#[test]
fn the_asserted_identity_stays_within_a_trust_domain() {
    let options = SipOptions { keep_asserted: true, ..SipOptions::default() };
    let mut judge = SipJudge::new(Arc::new(Network::unknown()), options);
    let invite = INVITE.replace("Identity: abc", "Privacy: history\r\nIdentity: abc");
    let (_, work) = decide(&mut judge, &invite, Treatment::Mask);
    let (_, _, seen) = message_in(&work.packet);
    assert!(
        seen.contains("P-Asserted-Identity: <sip:+48221234567@") && seen.contains("Privacy: history;id\r\n"),
        "{seen}"
    );
}

#[test]
fn passes_what_it_need_not_or_cannot_judge() {
    let mut judge = judge();
    let both = (CARRIER, SWITCH);
    for emergency in ["sip:112@h", "tel:911", "sip:%31%312@h", "urn:service:sos.police"] {
        let invite = INVITE.replacen("sip:+48601234567@198.51.100.7", emergency, 1);
        assert!(send(&mut judge, both, &invite).is_some(), "{emergency}");
    }
    assert_eq!(judge.counts.emergency, 4);
    let separators = "-".repeat(30);
    for dressed in [format!("sip:+911{separators}123456789@h"), "sip:112;phone-context=+88213000001@h".into()]
    {
        let invite = INVITE.replacen("sip:+48601234567@198.51.100.7", &dressed, 1);
        let look = judge.look(at(2), &packet(CARRIER, SWITCH, &invite), &mut Work::default());
        assert_eq!(look, Look::Held, "{dressed}");
    }
    assert_eq!(judge.counts.emergency, 4);
    for other in ["\r\n\r\n", "\0\0\0\0", "hello"] {
        assert!(send(&mut judge, both, other).is_some());
    }
    assert_eq!(judge.counts.not_understood, 1);
    let re_invite = INVITE.replace("7>", "7>;tag=b");
    assert!(send(&mut judge, both, &re_invite).is_some());
    let mut fragment = packet(CARRIER, SWITCH, INVITE);
    fragment[6] |= 0x20;
    assert_eq!(judge.look(at(3), &fragment, &mut Work::default()), Look::Done(Ruling::Accept));
    assert_eq!(judge.counts.fragments, 1);
    assert_eq!(judge.look(at(3), b"E", &mut Work::default()), Look::NotMine);
    // No To, so that nothing could be answered.
    let (ruling, _) = decide(&mut judge, &INVITE.replace("\r\nTo:", "\r\nX:"), block());
    assert_eq!((ruling, judge.counts.not_carried_out), (Ruling::Accept, 1));
}

proptest! {
    /// However a message is damaged, what goes on in its place is a sound datagram that shows the caller's number nowhere.
    #[test]
    fn damaged_messages_never_panic(changes in prop::collection::vec((0..620_usize, any::<u8>()), 0..6), treatment in 0..3_usize) {
        let mut bytes = INVITE.as_bytes().to_vec();
        for (place, octet) in changes {
            if let Some(old) = bytes.get_mut(place) {
                *old = octet;
            }
        }
        let mut packet = Vec::new();
        prop_assert!(forge(CARRIER.parse().unwrap(), SWITCH.parse().unwrap(), &bytes, &mut packet));
        let mut judge = judge();
        let mut work = Work::default();
        let treatment = [Treatment::Mask, block(), Treatment::Allow][treatment].clone();
        if judge.look(at(1), &packet, &mut work) == Look::Held {
            let key = work.questions[0].key;
            work.clear();
            if judge.rule(at(1), &packet, &[Answered { key, treatment }], &mut work) == Ruling::Replace {
                prop_assert!(matches!(Seen::of(&work.packet), Seen::Datagram(_)));
            }
            for forged in &work.forged {
                prop_assert!(matches!(Seen::of(forged), Seen::Datagram(_)));
            }
        }
    }
}
