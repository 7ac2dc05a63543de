//! How the numbers of a setup are read, from the octets on the wire: by home country, route and form.

use std::sync::Arc;

use tollgate::base::field::Country;
use tollgate::base::frame::{Envelope, Pdu, Transport};
use tollgate::base::map::Seed;
use tollgate::base::network::Network;
use tollgate::base::number::{Party, Shape};
use tollgate::base::numbering::Numbering;
use tollgate::base::route::{Route, RouteClass, Routes};
use tollgate::base::time::At;
use tollgate::call::Setup;
use tollgate::signal::{self, Context, Counts, What};

const ABROAD: &str = "192.0.2.1:5060";
const COUNTRY: &str = "192.0.2.2:5060";
const OURS: &str = "198.51.100.1:5060";

fn context(home: &str) -> Context {
    let route = |name: &str, class, peer: &str| Route {
        peers: vec![peer.parse().unwrap()],
        ..Route::new(name, class)
    };
    let network = Network {
        routes: Routes::new(vec![
            route("abroad", RouteClass::International, "192.0.2.1/32"),
            route("country", RouteClass::National, "192.0.2.2/32"),
        ]),
        numbering: Numbering::new(Country::parse(home).unwrap()).unwrap(),
        ..Network::unknown()
    };
    Context { network: Arc::new(network), seed: Seed(1) }
}

/// The setup of a call from `from` to `to`, both URIs.
fn setup(context: &Context, (src, dst): (&str, &str), from: &str, to: &str) -> Setup {
    let text = format!(
        "INVITE {to} SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <{from}>;tag=1\r\nTo: <{to}>\r\n\
         Call-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    );
    let (src, dst) = (src.parse().unwrap(), dst.parse().unwrap());
    let envelope = Envelope::Sip { src, dst, transport: Transport::Udp };
    let pdu = Pdu { at: At::from_nanos(5), seq: 1, frame: 1, envelope, bytes: text.as_bytes() };
    match signal::decode(&pdu, context, &mut Counts::default()).unwrap().unwrap().what {
        What::Setup(setup) => setup,
        other => panic!("{other:?}"),
    }
}

fn shown(party: &Party) -> String {
    party.number.map_or_else(|| Shape::NAMES[party.shape as usize].into(), |number| number.to_string())
}

#[test]
fn bare_numbers_from_abroad_are_of_abroad_where_they_can_be() {
    for (home, bare, abroad, country) in [
        ("PL", "48601234567", "+48601234567", "+48601234567"),
        ("PL", "601234567", "+48601234567", "+48601234567"),
        ("PL", "4930123456", "+4930123456", "+4930123456"),
        ("DE", "48601234567", "+48601234567", "+4948601234567"),
        ("DE", "33612345678", "+33612345678", "+4933612345678"),
        ("DE", "12025550123", "+12025550123", "+4912025550123"),
        ("DE", "4930123456", "+4930123456", "+4930123456"),
        ("DE", "03012345678", "+493012345678", "+493012345678"),
        ("IT", "33612345678", "+33612345678", "+3933612345678"),
        ("IT", "48601234567", "+48601234567", "+3948601234567"),
        ("IT", "3912345678", "+393912345678", "+393912345678"),
        ("IT", "393912345678", "+393912345678", "+393912345678"),
        ("IT", "0612345678", "+390612345678", "+390612345678"),
        ("US", "4520123456", "+4520123456", "+14520123456"),
        ("US", "2125551234", "+12125551234", "+12125551234"),
        ("US", "12125551234", "+12125551234", "+12125551234"),
        ("IE", "48601234567", "+48601234567", "+48601234567"),
        ("IE", "4791234567", "+4791234567", "+3534791234567"),
        ("IE", "0861234567", "+353861234567", "+353861234567"),
        ("CZ", "420601234567", "+420601234567", "+420601234567"),
        ("CZ", "601234567", "+420601234567", "+420601234567"),
        ("CZ", "421905123456", "+421905123456", "+421905123456"),
        ("FR", "33612345678", "+33612345678", "+33612345678"),
        ("FR", "0612345678", "+33612345678", "+33612345678"),
        ("FR", "352621123456", "+352621123456", "+352621123456"),
    ] {
        let context = context(home);
        let from = format!("sip:{bare}@h");
        for (src, expected) in [(ABROAD, abroad), (COUNTRY, country)] {
            let setup = setup(&context, (src, OURS), &from, "sip:+48601999999@h");
            assert_eq!(shown(&setup.calling), expected, "{home} {bare} by {src}");
        }
    }
}

#[test]
fn only_numbers_of_the_side_abroad_are_read_so() {
    let context = context("DE");
    let bare = "sip:48601234567@h";
    let inbound = setup(&context, (ABROAD, OURS), bare, bare);
    assert_eq!(
        (shown(&inbound.calling), shown(&inbound.called)),
        ("+48601234567".into(), "+4948601234567".into())
    );
    let outbound = setup(&context, (OURS, ABROAD), bare, bare);
    assert_eq!(
        (shown(&outbound.calling), shown(&outbound.called)),
        ("+4948601234567".into(), "+48601234567".into())
    );
}

#[test]
fn only_what_means_a_telephone_number_can_be_a_wrong_one() {
    let context = context("PL");
    for (from, expected) in [
        ("sip:operator1@h", "absent"),
        ("sip:trunk-201@h", "absent"),
        ("sip:201-trunk-a@h", "absent"),
        ("sip:1-800-FLOWERS@h", "absent"),
        ("sip:user%20name@h", "absent"),
        ("sip:4860a@h", "not_digits"),
        ("sip:+48601234a67@h", "not_digits"),
        ("sip:+48CALLME@h", "not_digits"),
        ("sip:+a48@h", "absent"),
        ("sip:operator1@h;user=phone", "not_digits"),
        ("sip:operator1@h:5060;transport=udp;USER=Phone", "not_digits"),
        ("sip:operator1@h;user=ip", "absent"),
        ("tel:operator1", "not_digits"),
        ("sip:operator@h;user=phone", "absent"),
        ("sip:+48601234567@h;user=phone", "+48601234567"),
    ] {
        let setup = setup(&context, (ABROAD, OURS), from, "sip:+48601999999@h");
        assert_eq!(shown(&setup.calling), expected, "{from}");
    }
}
