//! Certificates and PASSporTs made for tests: a root, an authority under it, providers under that, and setups that they sign.
#![allow(dead_code, reason = "each user needs some of it")]

use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, date_time_ymd,
};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tollgate::base::field::Country;
use tollgate::base::network::Network;
use tollgate::base::number::Party;
use tollgate::base::numbering::{Nature, Numbering};
use tollgate::base::route::{Direction, NumberFormat, RouteId};
use tollgate::base::time::At;
use tollgate::call::CallId;
use tollgate::stir::{Anchors, Chain, Local, Options, Question};
use tollgate::wire::passport::base64;

/// When all calls are set up: 2023-11-14T22:16:40Z, and a fraction.
pub const NOW: u64 = 1_700_000_200;
pub const CALLER: &str = "12155551212";
pub const CALLED: &str = "12155551213";
pub const X5U: &str = "https://cr.example.com/a.pem";
pub const ORIGID: &str = "c99d9e7f-d1b3-4c92-b333-e5e5eff03af1";
/// Entry of a TNAuthList: a provider.
pub const PROVIDER: &[u8] = b"\xA0\x06\x16\x04709J";

/// Who vouches: a root and an authority under it.
pub struct Trust {
    pub root: String,
    authority: String,
    issuer: Issuer<'static, KeyPair>,
}

/// Years between which a certificate holds, from January on.
pub type Years = (i32, i32);

fn params(name: &str, years: Years, is_ca: bool) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
    if is_ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    }
    params
}

impl Trust {
    pub fn new(name: &str) -> Self {
        Self::of_years(name, ((2020, 2040), (2020, 2040)))
    }

    pub fn of_years(name: &str, (root_years, authority_years): (Years, Years)) -> Self {
        let root_key = KeyPair::generate().unwrap();
        let root_params = params(&format!("{name} root"), root_years, true);
        let root = root_params.self_signed(&root_key).unwrap();
        let above = Issuer::new(root_params, root_key);
        let key = KeyPair::generate().unwrap();
        let own = params(&format!("{name} authority"), authority_years, true);
        let authority = own.signed_by(&key, &above).unwrap();
        Self { root: root.pem(), authority: authority.pem(), issuer: Issuer::new(own, key) }
    }

    pub fn anchors(&self) -> Anchors {
        let mut anchors = Anchors::new();
        anchors.add(self.root.as_bytes()).unwrap();
        anchors
    }

    /// A provider that may speak for what `entries` of a TNAuthList say; one without a list where there are none.
    pub fn provider(&self, entries: Option<&[&[u8]]>, years: Years) -> Signer {
        self.subject(params("SHAKEN 709J", years, false), entries)
    }

    /// One that speaks for hosts, and for nobody's numbers.
    pub fn of_hosts(&self, names: Vec<SanType>) -> Signer {
        let mut own = params("a host", (2022, 2030), false);
        own.subject_alt_names = names;
        self.subject(own, None)
    }

    fn subject(&self, mut own: CertificateParams, entries: Option<&[&[u8]]>) -> Signer {
        let key = KeyPair::generate().unwrap();
        own.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if let Some(entries) = entries {
            let list = entries.concat();
            assert!(list.len() < 0x80);
            let content = [&[0x30, list.len() as u8][..], &list].concat();
            own.custom_extensions
                .push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 26], content));
        }
        let leaf = own.signed_by(&key, &self.issuer).unwrap();
        Signer { pem: format!("{}{}", leaf.pem(), self.authority), key: ring_key(&key) }
    }

    /// One that may speak for the numbers of a provider.
    pub fn usual(&self) -> Signer {
        self.provider(Some(&[PROVIDER]), (2022, 2030))
    }
}

/// The first certificate of a file.
pub fn der(pem: &str) -> Vec<u8> {
    let mut items = CertificateDer::pem_slice_iter(pem.as_bytes());
    items.next().unwrap().unwrap().to_vec()
}

fn ring_key(key: &KeyPair) -> EcdsaKeyPair {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.serialize_der(), &SystemRandom::new())
        .unwrap()
}

/// Who signs.
pub struct Signer {
    pub pem: String,
    key: EcdsaKeyPair,
}

impl Signer {
    pub fn chain(&self) -> Chain {
        Chain::parse(self.pem.as_bytes()).unwrap()
    }

    /// A token of this header and payload.
    pub fn token(&self, header: &str, payload: &str) -> String {
        let text = format!("{}.{}", base64::encode(header.as_bytes()), base64::encode(payload.as_bytes()));
        let signature = self.key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", base64::encode(signature.as_ref()))
    }

    /// An Identity value of this payload.
    pub fn identity(&self, ppt: &str, x5u: &str, payload: &str) -> String {
        let header = format!(r#"{{"alg":"ES256","ppt":"{ppt}","typ":"passport","x5u":"{x5u}"}}"#);
        format!("{};info=<{x5u}>;alg=ES256;ppt=\"{ppt}\"", self.token(&header, payload))
    }

    /// The usual one: shaken, from the usual caller to the usual called.
    pub fn shaken(&self, attest: &str) -> String {
        self.identity("shaken", X5U, &shaken(attest, CALLER, CALLED, NOW))
    }

    /// One about a call that `by` sent on to `dest`.
    pub fn div(&self, by: &str, dest: &str, iat: u64) -> String {
        let payload = format!(
            r#"{{"dest":{{"tn":["{dest}"]}},"div":{{"tn":"{by}"}},"iat":{iat},"orig":{{"tn":"{CALLER}"}}}}"#
        );
        self.identity("div", X5U, &payload)
    }
}

pub fn shaken(attest: &str, orig: &str, dest: &str, iat: u64) -> String {
    format!(
        r#"{{"attest":"{attest}","dest":{{"tn":["{dest}"]}},"iat":{iat},"orig":{{"tn":"{orig}"}},"origid":"{ORIGID}"}}"#
    )
}

/// An INVITE from the usual caller.
pub fn invite(call_id: &str, called: &str, to: &str, more: &[String]) -> String {
    let more: String = more.iter().map(|line| format!("{line}\r\n")).collect();
    format!(
        "INVITE sip:+{called}@b.example;user=phone SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{call_id}\r\n\
         From: <sip:+{CALLER}@a.example;user=phone>;tag=1\r\nTo: <sip:+{to}@b.example;user=phone>\r\n\
         Call-ID: {call_id}\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n{more}Content-Length: 0\r\n\r\n"
    )
}

pub fn network() -> Network {
    Network { numbering: Numbering::new(Country(*b"US")).unwrap(), ..Network::unknown() }
}

pub fn party(number: &str) -> Party {
    network().numbering.party(format!("+{number}").as_bytes(), Nature::International, NumberFormat::Auto)
}

/// A setup of that head, at [`NOW`].
pub fn question(seq: u64, called: &str, head: &str) -> Question {
    Question {
        seq,
        call: CallId(seq.into()),
        at: At::from_nanos(NOW * 1_000_000_000 + 250_000_000),
        route: RouteId::UNKNOWN,
        direction: Direction::Inbound,
        calling: party(CALLER),
        called: party(called),
        head: head.as_bytes().into(),
        waits: 0,
    }
}

/// One that carries these Identity values.
pub fn signed(seq: u64, identities: &[String]) -> Question {
    let lines: Vec<String> = identities.iter().map(|value| format!("Identity: {value}")).collect();
    question(seq, CALLED, &invite("signed", CALLED, CALLED, &lines))
}

/// Local certificates only.
pub fn options(anchors: Anchors, certificates: impl IntoIterator<Item = (&'static str, Chain)>) -> Options {
    let mut local = Local::default();
    for (x5u, chain) in certificates {
        assert!(local.add(x5u, chain));
    }
    Options {
        anchors: Arc::new(anchors),
        local: Arc::new(local),
        fetch: None,
        freshness: Duration::from_secs(60),
        deadline: Duration::from_secs(30),
        certificates_max: 100,
        threads: 2,
    }
}
