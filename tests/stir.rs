//! Signatures of calls, verified for real: with chains and PASSporTs made here, good ones and each kind of bad one.

#[path = "stir/made.rs"]
mod made;

use std::sync::Arc;

use made::{
    CALLED, CALLER, NOW, PROVIDER, Signer, Trust, X5U, invite, network, options, question, shaken, signed,
};
use rcgen::SanType;
use tollgate::base::number::Party;
use tollgate::base::time::At;
use tollgate::call::stir::Origid;
use tollgate::call::{Attestation, Stir, StirReason, StirVerdict};
use tollgate::stir::{Chain, Options, Question, Source, Verifier};

struct Bench {
    trust: Trust,
    signer: Signer,
    verifier: Verifier,
}

impl Bench {
    fn new() -> Self {
        let trust = Trust::new("STI");
        let signer = trust.usual();
        let verifier = verifier(&options(trust.anchors(), [(X5U, signer.chain())]));
        Self { trust, signer, verifier }
    }

    fn ask(&mut self, identities: &[String]) -> Stir {
        self.verifier.ask(&[signed(1, identities)])[0]
    }

    /// Verdict and reason of a call from the usual caller to `called`, whose To is `to`.
    fn ask_sent_on(&mut self, called: &str, to: &str, identities: &[String]) -> (StirVerdict, StirReason) {
        let lines: Vec<String> = identities.iter().map(|value| format!("Identity: {value}")).collect();
        said(self.verifier.ask(&[question(1, called, &invite("sent-on", called, to, &lines))])[0])
    }
}

fn verifier(options: &Options) -> Verifier {
    Verifier::start(options, &Arc::new(network())).unwrap()
}

/// With the certificate of `chain` at the usual address.
fn ask_with(trust: &Trust, chain: Chain, question: Question) -> (StirVerdict, StirReason) {
    said(verifier(&options(trust.anchors(), [(X5U, chain)])).ask(&[question])[0])
}

const fn said(stir: Stir) -> (StirVerdict, StirReason) {
    (stir.verdict, stir.reason)
}

const VALID: (StirVerdict, StirReason) = (StirVerdict::Valid, StirReason::None);
const STALE: (StirVerdict, StirReason) = (StirVerdict::Stale, StirReason::Stale);

const fn invalid(reason: StirReason) -> (StirVerdict, StirReason) {
    (StirVerdict::Invalid, reason)
}

const fn unverified(reason: StirReason) -> (StirVerdict, StirReason) {
    (StirVerdict::Unverified, reason)
}

#[test]
fn good_signatures_hold_with_each_attestation() {
    let mut bench = Bench::new();
    for (letter, attestation) in [("A", Attestation::A), ("B", Attestation::B), ("C", Attestation::C)] {
        let stir = bench.ask(&[bench.signer.shaken(letter)]);
        assert_eq!((said(stir), stir.attestation), (VALID, Some(attestation)));
        assert_eq!(stir.origid, Origid::parse(made::ORIGID));
    }
    // The plain kind, and one that says more of the caller.
    let plain = format!(r#"{{"dest":{{"tn":["{CALLED}"]}},"iat":{NOW},"orig":{{"tn":"{CALLER}"}}}}"#);
    let header = format!(r#"{{"alg":"ES256","typ":"passport","x5u":"{X5U}"}}"#);
    let token = bench.signer.token(&header, &plain);
    assert_eq!(said(bench.ask(&[format!("{token};info=<{X5U}>")])), VALID);
    let rich =
        plain.replace(r#""dest""#, r#""crn":"Your order","rcd":{"nam":"Alice","jcd":["vcard"]},"dest""#);
    assert_eq!(said(bench.ask(&[bench.signer.identity("rcd", X5U, &rich)])), VALID);
    let by_uri =
        plain.replace(&format!(r#"{{"tn":"{CALLER}"}}"#), &format!(r#"{{"uri":"sip:+{CALLER}@a.example"}}"#));
    let token = bench.signer.token(&header, &by_uri);
    assert_eq!(said(bench.ask(&[format!("{token};info=<{X5U}>")])), VALID);
}

/// Payload of a plain PASSporT for the usual called, by somebody.
fn plain(orig: &str) -> String {
    format!(r#"{{"dest":{{"tn":["{CALLED}"]}},"iat":{NOW},"orig":{orig}}}"#)
}

fn plain_identity(signer: &Signer, orig: &str) -> String {
    let header = format!(r#"{{"alg":"ES256","typ":"passport","x5u":"{X5U}"}}"#);
    format!("{};info=<{X5U}>", signer.token(&header, &plain(orig)))
}

#[test]
fn a_number_in_a_uri_is_a_number() {
    // Somebody whom an anchor vouches for, and who has no numbers, signs for the caller's.
    let trust = Trust::new("STI");
    let name = SanType::DnsName("a.example".try_into().unwrap());
    for uri in ["sip:+12155551212@a.example", "sip:12155551212@a.example;user=phone", "tel:+1-215-555-1212"] {
        let orig = format!(r#"{{"uri":"{uri}"}}"#);
        for (signer, expected) in [
            (trust.of_hosts(vec![name.clone()]), invalid(StirReason::NotCovered)),
            (
                trust.provider(Some(&[b"\xA2\x0D\x16\x0B12155550000"]), (2022, 2030)),
                invalid(StirReason::NotCovered),
            ),
            (trust.usual(), VALID),
        ] {
            let question = signed(1, &[plain_identity(&signer, &orig)]);
            assert_eq!(ask_with(&trust, signer.chain(), question), expected, "{uri}");
        }
    }
}

#[test]
fn a_name_is_for_its_host_to_sign() {
    let trust = Trust::new("STI");
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let uri = |name: &str| SanType::URI(name.try_into().unwrap());
    for (names, expected) in [
        (vec![dns("a.example")], VALID),
        (vec![dns("b.example"), dns("A.Example")], VALID),
        (vec![uri("sip:a.example")], VALID),
        (vec![uri("sip:b.example"), dns("a.example")], invalid(StirReason::NotCovered)),
        (vec![uri("sip:alice@a.example")], invalid(StirReason::NotCovered)),
        (vec![dns("b.example")], invalid(StirReason::NotCovered)),
        (vec![dns("*.example")], invalid(StirReason::NotCovered)),
        (vec![], invalid(StirReason::NotCovered)),
    ] {
        let signer = trust.of_hosts(names);
        let identity = plain_identity(&signer, r#"{"uri":"sip:alice@a.example"}"#);
        let head = invite("named", CALLED, CALLED, &[format!("Identity: {identity}")]);
        let head = head.replace(&format!("+{CALLER}@a.example;user=phone"), "alice@a.example");
        let question = Question { calling: Party::default(), ..question(1, CALLED, &head) };
        assert_eq!(ask_with(&trust, signer.chain(), question), expected);
    }
}

#[test]
fn what_was_signed_for_from_says_nothing_of_an_asserted_number() {
    const OTHER: &str = "12125550000";
    let mut bench = Bench::new();
    for (asserted, orig, expected) in [
        (CALLER, CALLER, VALID),
        (OTHER, OTHER, VALID),
        (OTHER, CALLER, unverified(StirReason::Orig)),
        (OTHER, "12155550000", invalid(StirReason::Orig)),
    ] {
        let identity = bench.signer.identity("shaken", X5U, &shaken("A", orig, CALLED, NOW));
        let lines = [format!("P-Asserted-Identity: <tel:+{asserted}>"), format!("Identity: {identity}")];
        let head = invite("asserted", CALLED, CALLED, &lines);
        let question = Question { calling: made::party(asserted), ..question(1, CALLED, &head) };
        assert_eq!(said(bench.verifier.ask(&[question])[0]), expected, "{asserted} {orig}");
    }
}

#[test]
fn a_tampered_one_does_not() {
    let mut bench = Bench::new();
    let good = bench.signer.shaken("B");
    let (header, rest) = good.split_once('.').unwrap();
    let (payload, rest) = rest.split_once('.').unwrap();
    let better = tollgate::wire::passport::base64::encode(shaken("A", CALLER, CALLED, NOW).as_bytes());
    assert_ne!(payload, better);
    let stir = bench.ask(&[format!("{header}.{better}.{rest}")]);
    assert_eq!((said(stir), stir.attestation), (invalid(StirReason::Signature), Some(Attestation::A)));
    let other_key = bench.trust.usual();
    assert_eq!(said(bench.ask(&[other_key.shaken("A")])), invalid(StirReason::Signature));
    // The signature of which some verifiers think that it is of any text and key.
    let zero = format!("{header}.{payload}.{};info=<{X5U}>", "A".repeat(86));
    assert_eq!(said(bench.ask(&[zero])), invalid(StirReason::Signature));
}

#[test]
fn one_for_another_call_does_not() {
    let mut bench = Bench::new();
    for (orig, dest, reason) in [
        ("12155550000", CALLED, StirReason::Orig),
        ("", CALLED, StirReason::Orig),
        (CALLER, "12155550000", StirReason::Dest),
        (CALLER, "", StirReason::Dest),
    ] {
        let identity = bench.signer.identity("shaken", X5U, &shaken("A", orig, dest, NOW));
        assert_eq!(said(bench.ask(&[identity])), invalid(reason), "{orig} {dest}");
    }
    // Who is called now may differ from who was called first; then To says whom it was for.
    let identity = bench.signer.shaken("A");
    assert_eq!(bench.ask_sent_on("12155550000", CALLED, std::slice::from_ref(&identity)), VALID);
    assert_eq!(bench.ask_sent_on("12155550000", "12155550001", &[identity]), invalid(StirReason::Dest));
}

#[test]
fn one_of_another_time_is_stale() {
    let mut bench = Bench::new();
    for (iat, expected) in [
        (NOW - 61, STALE),
        (NOW - 60, VALID),
        (NOW + 60, VALID),
        (NOW + 61, STALE),
        (0, STALE),
        (u64::MAX, STALE),
    ] {
        let identity = bench.signer.identity("shaken", X5U, &shaken("A", CALLER, CALLED, iat));
        assert_eq!(said(bench.ask(&[identity])), expected, "{iat}");
    }
}

#[test]
fn certificates_must_hold_and_be_vouched_for() {
    let trust = Trust::new("STI");
    let ask = |signer: &Signer| ask_with(&trust, signer.chain(), signed(1, &[signer.shaken("A")]));
    assert_eq!(ask(&trust.provider(Some(&[PROVIDER]), (2021, 2023))), invalid(StirReason::Expired));
    assert_eq!(ask(&trust.provider(Some(&[PROVIDER]), (2024, 2026))), invalid(StirReason::Expired));
    let stranger = Trust::new("Stranger");
    assert_eq!(ask(&stranger.usual()), invalid(StirReason::Untrusted));
    // The same names, other keys.
    assert_eq!(ask(&Trust::new("STI").usual()), invalid(StirReason::Untrusted));
    for years in [((2020, 2040), (2020, 2022)), ((2020, 2022), (2020, 2040))] {
        let old = Trust::of_years("Old", years);
        let signer = old.usual();
        let said = ask_with(&old, signer.chain(), signed(1, &[signer.shaken("A")]));
        assert_eq!(said, invalid(StirReason::Expired), "{years:?}");
    }
    // A certificate that was found to hold once is still asked when.
    let signer = trust.usual();
    let mut verifier = verifier(&options(trust.anchors(), [(X5U, signer.chain())]));
    let ten_years = 10 * 365 * 86_400;
    let late = |mut question: Question| {
        question.at = At::from_nanos((NOW + ten_years) * 1_000_000_000);
        question
    };
    let later = signer.identity("shaken", X5U, &shaken("A", CALLER, CALLED, NOW + ten_years));
    let answers = verifier.ask(&[signed(1, &[signer.shaken("A")]), late(signed(2, &[later]))]);
    assert_eq!([said(answers[0]), said(answers[1])], [VALID, invalid(StirReason::Expired)]);
}

#[test]
fn a_certificate_speaks_for_the_numbers_in_it() {
    let trust = Trust::new("STI");
    let own = &[0xA2, 0x0D, 0x16, 0x0B][..];
    let one = |number: &str| [own, number.as_bytes()].concat();
    let range = b"\xA1\x12\x30\x10\x16\x0B12155551200\x02\x01\x14";
    for (entries, expected) in [
        (Some(vec![one(CALLER)]), VALID),
        (Some(vec![one("12155550000")]), invalid(StirReason::NotCovered)),
        (Some(vec![one("12155550000"), range.to_vec()]), VALID),
        (Some(vec![one("12155550000"), PROVIDER.to_vec()]), invalid(StirReason::NotCovered)),
        (Some(vec![]), invalid(StirReason::NotCovered)),
        (None, invalid(StirReason::NotCovered)),
    ] {
        let entries: Option<Vec<&[u8]>> = entries.as_ref().map(|all| all.iter().map(Vec::as_slice).collect());
        let signer = trust.provider(entries.as_deref(), (2022, 2030));
        let said = ask_with(&trust, signer.chain(), signed(1, &[signer.shaken("A")]));
        assert_eq!(said, expected, "{entries:?}");
    }
}

#[test]
fn what_is_no_es256_passport_is_refused() {
    let mut bench = Bench::new();
    let payload = shaken("A", CALLER, CALLED, NOW);
    for (header, parameters, expected) in [
        (r#""alg":"none","ppt":"shaken","typ":"passport""#, "", invalid(StirReason::Algorithm)),
        (r#""alg":"HS256","ppt":"shaken","typ":"passport""#, "", invalid(StirReason::Algorithm)),
        (r#""alg":"ES256","ppt":"shaken","typ":"passport""#, ";alg=HS256", invalid(StirReason::Algorithm)),
        (r#""alg":"es256","ppt":"shaken","typ":"passport""#, "", invalid(StirReason::Algorithm)),
        (r#""alg":"ES256","alg":"none","ppt":"shaken","typ":"passport""#, "", invalid(StirReason::Malformed)),
        (r#""alg":"ES256","ppt":"shaken","typ":"jwt""#, "", invalid(StirReason::Malformed)),
        (r#""alg":"ES256","ppt":"shaken","typ":"passport""#, ";ppt=div", invalid(StirReason::Malformed)),
        (r#""alg":"ES256","ppt":"unheard","typ":"passport""#, "", unverified(StirReason::Extension)),
        (r#""alg":"ES256","typ":"passport""#, ";ppt=unheard", unverified(StirReason::Extension)),
        (
            r#""alg":"ES256","crit":["b64"],"ppt":"shaken","typ":"passport""#,
            "",
            unverified(StirReason::Extension),
        ),
        (r#""alg":"ES256","ppt":"shaken","typ":"passport""#, ";ppt=shaken", VALID),
    ] {
        let header = format!(r#"{{{header},"x5u":"{X5U}"}}"#);
        let identity = format!("{};info=<{X5U}>{parameters}", bench.signer.token(&header, &payload));
        assert_eq!(said(bench.ask(&[identity])), expected, "{header} {parameters}");
    }
    for payload in [
        payload.replace(r#""attest":"A","#, ""),
        payload.replace(r#""A""#, r#""D""#),
        payload.replace(r#""A""#, r#""a""#),
        payload.replace(made::ORIGID, "").replace(r#","origid":"""#, ""),
        "{}".to_owned(),
        "[".repeat(3_000),
    ] {
        let identity = bench.signer.identity("shaken", X5U, &payload);
        assert_eq!(said(bench.ask(&[identity])), invalid(StirReason::Malformed), "{payload}");
    }
    let no_x5u = bench.signer.token(r#"{"alg":"ES256","ppt":"shaken","typ":"passport"}"#, &payload);
    assert_eq!(said(bench.ask(&[format!("{no_x5u};info=<{X5U}>")])), invalid(StirReason::Malformed));
}

#[test]
fn addresses_that_are_not_known_are_not_asked() {
    let mut bench = Bench::new();
    for (x5u, expected) in [
        ("https://cr.example.com/b.pem", unverified(StirReason::NoCertificate)),
        ("http://cr.example.com/a.pem", invalid(StirReason::X5u)),
        ("file:///etc/passwd", invalid(StirReason::X5u)),
        ("ftp://cr.example.com/a.pem", invalid(StirReason::X5u)),
    ] {
        let identity = bench.signer.identity("shaken", x5u, &shaken("A", CALLER, CALLED, NOW));
        assert_eq!(said(bench.ask(&[identity])), expected, "{x5u}");
    }
    let two_addresses =
        bench.signer.shaken("A").replace(&format!("info=<{X5U}>"), "info=<https://cr.example.com/b.pem>");
    assert_eq!(said(bench.ask(&[two_addresses])), invalid(StirReason::X5u));
}

/// The signature alone, over what is built from the message.
fn compact(signer: &Signer, iat: u64) -> String {
    let header = format!(r#"{{"alg":"ES256","typ":"passport","x5u":"{X5U}"}}"#);
    let payload = format!(r#"{{"dest":{{"tn":["{CALLED}"]}},"iat":{iat},"orig":{{"tn":"{CALLER}"}}}}"#);
    let token = signer.token(&header, &payload);
    let (_, signature) = token.rsplit_once('.').unwrap();
    format!("..{signature};info=<{X5U}>;alg=ES256")
}

#[test]
fn compact_form_is_built_again_from_the_message() {
    let mut bench = Bench::new();
    let mut ask = |iat: u64, date: &str, parameters: &str| {
        let lines = [format!("Identity: {}{parameters}", compact(&bench.signer, iat)), date.to_owned()];
        said(bench.verifier.ask(&[question(1, CALLED, &invite("compact", CALLED, CALLED, &lines))])[0])
    };
    const DATE: &str = "Date: Tue, 14 Nov 2023 22:16:40 GMT";
    assert_eq!(ask(NOW, DATE, ""), VALID);
    assert_eq!(ask(NOW + 1, DATE, ""), invalid(StirReason::Signature));
    assert_eq!(ask(NOW - 3_600, "Date: Tue, 14 Nov 2023 21:16:40 GMT", ""), STALE);
    assert_eq!(ask(NOW, "X-Date: none", ""), invalid(StirReason::Malformed));
    // What shaken adds cannot be built again.
    assert_eq!(ask(NOW, DATE, ";ppt=shaken"), invalid(StirReason::Malformed));
}

#[test]
fn calls_that_were_sent_on_have_a_signature_for_each_time() {
    const SECOND: &str = "12155551214";
    const THIRD: &str = "12155551215";
    let mut bench = Bench::new();
    let first = bench.signer.identity("shaken", X5U, &shaken("A", CALLER, CALLED, NOW - 25));
    let second = bench.signer.div(CALLED, SECOND, NOW);
    let third = bench.signer.div(SECOND, THIRD, NOW);
    let old = bench.signer.identity("shaken", X5U, &shaken("A", CALLER, CALLED, NOW - 120));
    let oldest = bench.signer.identity("shaken", X5U, &shaken("A", CALLER, CALLED, NOW - 1_000));
    let elsewhere = bench.signer.div("12155550000", SECOND, NOW);
    for (called, identities, expected) in [
        (SECOND, vec![&first, &second], VALID),
        (SECOND, vec![&second, &first], VALID),
        (THIRD, vec![&third, &first, &second], VALID),
        (SECOND, vec![&old, &second], VALID),
        (SECOND, vec![&oldest, &second], STALE),
        (THIRD, vec![&first, &second], invalid(StirReason::Dest)),
        (THIRD, vec![&first, &third], invalid(StirReason::Div)),
        (SECOND, vec![&first, &elsewhere], invalid(StirReason::Div)),
        (SECOND, vec![&first, &second, &second], invalid(StirReason::Div)),
        (SECOND, vec![&second], unverified(StirReason::Div)),
    ] {
        let identities: Vec<String> = identities.into_iter().cloned().collect();
        assert_eq!(bench.ask_sent_on(called, CALLED, &identities), expected, "{called} {}", identities.len());
    }
    // Signed by somebody else than the one before, whom nobody vouches for.
    let stranger = Trust::new("Stranger").usual();
    let chains = [(X5U, bench.signer.chain()), ("https://cr.example.com/b.pem", stranger.chain())];
    let mut verifier = verifier(&options(bench.trust.anchors(), chains));
    let payload = format!(
        r#"{{"dest":{{"tn":["{SECOND}"]}},"div":{{"tn":"{CALLED}"}},"iat":{NOW},"orig":{{"tn":"{CALLER}"}}}}"#
    );
    let by_stranger = stranger.identity("div", "https://cr.example.com/b.pem", &payload);
    let lines = [format!("Identity: {first}, {by_stranger}")];
    let stir = verifier.ask(&[question(1, SECOND, &invite("stranger", SECOND, CALLED, &lines))])[0];
    assert_eq!((said(stir), stir.attestation), (invalid(StirReason::Untrusted), Some(Attestation::A)));
}

#[test]
fn the_earlier_passport_may_be_within_the_later() {
    const SECOND: &str = "12155551214";
    let mut bench = Bench::new();
    let first = bench.signer.shaken("B");
    let (token, _) = first.split_once(';').unwrap();
    let nested = |opt: &str| {
        let payload = format!(
            r#"{{"dest":{{"tn":["{SECOND}"]}},"div":{{"tn":"{CALLED}"}},"iat":{NOW},"opt":"{opt}","orig":{{"tn":"{CALLER}"}}}}"#
        );
        bench.signer.identity("div-o", X5U, &payload)
    };
    let (good, bad) = (nested(token), nested("x"));
    assert_eq!(bench.ask_sent_on(SECOND, CALLED, &[good]), VALID);
    assert_eq!(bench.ask_sent_on(SECOND, CALLED, &[bad]), invalid(StirReason::Malformed));
}

#[test]
fn more_than_are_read_is_not_verified() {
    let mut bench = Bench::new();
    let good = bench.signer.shaken("A");
    assert_eq!(said(bench.ask(&vec![good.clone(); 8])), VALID);
    assert_eq!(said(bench.ask(&vec![good.clone(); 9])), unverified(StirReason::TooMany));
    let long = format!("Identity: {};x={}", good, "y".repeat(20_000));
    let cut = &invite("long", CALLED, CALLED, &[long])[..16_384];
    assert_eq!(said(bench.verifier.ask(&[question(1, CALLED, cut)])[0]), unverified(StirReason::TooMany));
    for garbage in ["", "x", "a.b.c", "..;info=<>", "\"rfc4474\""] {
        let stir = bench.ask(&[garbage.to_owned()]);
        assert_ne!(stir.verdict, StirVerdict::Valid, "{garbage}");
    }
    // One that cannot be read beside a good one: who sent it may have wanted us to look away.
    assert_eq!(said(bench.ask(&[good, "a.b.c;info=<x>".to_owned()])), invalid(StirReason::Malformed));
}

#[test]
fn a_round_is_larger_than_the_queue() {
    let mut bench = Bench::new();
    let good = bench.signer.shaken("A");
    let questions: Vec<Question> = (0..1_500).map(|seq| signed(seq, std::slice::from_ref(&good))).collect();
    let answers = bench.verifier.ask(&questions);
    assert_eq!(answers.len(), questions.len());
    assert!(answers.iter().all(|stir| said(*stir) == VALID));
}
