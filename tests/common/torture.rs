//! Torture messages that few parsers' test data has, as their RFCs print them: their octets are facts of RFC 4475 and
//! RFC 5118. Lines end in CR LF when they are sent.

/// A message that an RFC prints.
pub struct Printed {
    pub name: &'static str,
    pub section: &'static str,
    pub title: &'static str,
    /// `valid`, `invalid` against the grammar, or `semantic`: well formed, and yet not to be acted on by someone.
    pub verdict: &'static str,
    text: &'static str,
    /// Where the media go, in the session description that most of them carry.
    media: Option<&'static str>,
}

impl Printed {
    /// As it is sent.
    pub fn bytes(&self) -> Vec<u8> {
        let body = self.media.map(|address| {
            format!(
                "v=0\no=mhandley 29739 7272939 IN IP4 {address}\ns=-\nc=IN IP4 {address}\nt=0 0\n\
                 m=audio 49217 RTP/AVP 0 12\nm=video 3227 RTP/AVP 31\na=rtpmap:31 LPC\n"
            )
        });
        format!("{}{}", self.text, body.unwrap_or_default()).replace('\n', "\r\n").into_bytes()
    }
}

/// All that are kept here, by RFC and section.
pub const PRINTED: [Printed; 20] = [
    Printed {
        name: "esc01",
        section: "RFC 4475 §3.1.1.3",
        title: "Valid Use of the % Escaping Mechanism",
        verdict: "valid",
        text: ESC01,
        media: Some("192.0.2.1"),
    },
    Printed {
        name: "lwsdisp",
        section: "RFC 4475 §3.1.1.6",
        title: "Message with No LWS between Display Name and <",
        verdict: "valid",
        text: LWSDISP,
        media: None,
    },
    Printed {
        name: "semiuri",
        section: "RFC 4475 §3.1.1.9",
        title: "Semicolon-Separated Parameters in URI User Part",
        verdict: "valid",
        text: SEMIURI,
        media: None,
    },
    Printed {
        name: "unreason",
        section: "RFC 4475 §3.1.1.12",
        title: "Unusual Reason Phrase",
        verdict: "valid",
        text: UNREASON,
        media: Some("192.0.2.198"),
    },
    Printed {
        name: "ncl",
        section: "RFC 4475 §3.1.2.3",
        title: "Negative Content-Length",
        verdict: "invalid",
        text: NCL,
        media: Some("192.0.2.53"),
    },
    Printed {
        name: "quotbal",
        section: "RFC 4475 §3.1.2.6",
        title: "Unterminated Quoted String in Display Name",
        verdict: "invalid",
        text: QUOTBAL,
        media: Some("192.0.2.15"),
    },
    Printed {
        name: "lwsstart",
        section: "RFC 4475 §3.1.2.9",
        title: "Multiple SP Separating Request-Line Elements",
        verdict: "invalid",
        text: LWSSTART,
        media: Some("192.0.2.1"),
    },
    Printed {
        name: "baddate",
        section: "RFC 4475 §3.1.2.12",
        title: "Invalid Time Zone in Date Header Field",
        verdict: "invalid",
        text: BADDATE,
        media: Some("192.0.2.5"),
    },
    Printed {
        name: "baddn",
        section: "RFC 4475 §3.1.2.15",
        title: "Non-token Characters in Display Name",
        verdict: "invalid",
        text: BADDN,
        media: None,
    },
    Printed {
        name: "mismatch02",
        section: "RFC 4475 §3.1.2.18",
        title: "Unknown Method with CSeq Method Mismatch",
        verdict: "invalid",
        text: MISMATCH02,
        media: None,
    },
    Printed {
        name: "unkscm",
        section: "RFC 4475 §3.3.2",
        title: "Request-URI with Unknown Scheme",
        verdict: "semantic",
        text: UNKSCM,
        media: None,
    },
    Printed {
        name: "bext01",
        section: "RFC 4475 §3.3.5",
        title: "Unknown Proxy-Require and Require Scheme",
        verdict: "semantic",
        text: BEXT01,
        media: None,
    },
    Printed {
        name: "multi01",
        section: "RFC 4475 §3.3.8",
        title: "Multiple Values in Single Value Required Fields",
        verdict: "semantic",
        text: MULTI01,
        media: Some("192.0.2.25"),
    },
    Printed {
        name: "zeromf",
        section: "RFC 4475 §3.3.11",
        title: "Max-Forwards of Zero",
        verdict: "semantic",
        text: ZEROMF,
        media: None,
    },
    Printed {
        name: "regescrt",
        section: "RFC 4475 §3.3.14",
        title: "REGISTER with a URL Escaped Header",
        verdict: "semantic",
        text: REGESCRT,
        media: None,
    },
    Printed {
        name: "ipv6-bad",
        section: "RFC 5118 §4.2",
        title: "Invalid SIP Message with an IPv6 Reference",
        verdict: "invalid",
        text: IPV6_BAD,
        media: None,
    },
    Printed {
        name: "via-received-param-with-delim",
        section: "RFC 5118 §4.5",
        title: "IPv6 Reference Delimiters in Via (received in brackets)",
        verdict: "valid",
        text: VIA_RECEIVED,
        media: None,
    },
    Printed {
        name: "mult-ip-in-header",
        section: "RFC 5118 §4.7",
        title: "Multiple IP Addresses in SIP Headers",
        verdict: "valid",
        text: MULT_IP,
        media: None,
    },
    Printed {
        name: "ipv6-bug-abnf-3-colons",
        section: "RFC 5118 §4.10",
        title: "IPv6 Reference Bug in RFC 3261 ABNF (three colons, to be tolerated)",
        verdict: "valid",
        text: THREE_COLONS,
        media: None,
    },
    Printed {
        name: "ipv6-correct-abnf-2-colons",
        section: "RFC 5118 §4.10",
        title: "IPv6 Reference Bug in RFC 3261 ABNF (two colons)",
        verdict: "valid",
        text: TWO_COLONS,
        media: None,
    },
];

const ESC01: &str = "\
INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0
To: sip:%75se%72@example.com
From: <sip:I%20have%20spaces@example.net>;tag=938
Max-Forwards: 87
i: esc01.239409asdfakjkn23onasd0-3234
CSeq: 234234 INVITE
Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bKkdjuw
C: application/sdp
Contact:
  <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>
Content-Length: 150

";

const LWSDISP: &str = "\
OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: caller<sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID: lwsdisp.1234abcd@funky.example.com
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP funky.example.com;branch=z9hG4bKkdjuw
l: 0

";

const SEMIURI: &str = "\
OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0
To: sip:j_user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Call-ID: semiuri.0ha0isndaksdj
CSeq: 8 OPTIONS
Accept: application/sdp, application/pkcs7-mime,
        multipart/mixed, multipart/signed,
        message/sip, message/sipfrag
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw
l: 0

";

const UNREASON: &str = "\
SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое
Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923
Call-ID: unreason.1234ksdfak3j2erwedfsASdf
CSeq: 35 INVITE
From: sip:user@example.com;tag=11141343
To: sip:user@example.edu;tag=2229
Content-Length: 154
Content-Type: application/sdp
Contact: <sip:user@host198.example.com>

";

const NCL: &str = "\
INVITE sip:user@example.com SIP/2.0
Max-Forwards: 254
To: sip:j.user@example.com
From: sip:caller@example.net;tag=32394234
Call-ID: ncl.0ha0isndaksdj2193423r542w35
CSeq: 0 INVITE
Via: SIP/2.0/UDP 192.0.2.53;branch=z9hG4bKkdjuw
Contact: <sip:caller@example53.example.net>
Content-Type: application/sdp
Content-Length: -999

";

const QUOTBAL: &str = "\
INVITE sip:user@example.com SIP/2.0
To: \"Mr. J. User <sip:j.user@example.com>
From: sip:caller@example.net;tag=93334
Max-Forwards: 10
Call-ID: quotbal.aksdj
Contact: <sip:caller@host59.example.net>
CSeq: 8 INVITE
Via: SIP/2.0/UDP 192.0.2.59:5050;branch=z9hG4bKkdjuw39234
Content-Type: application/sdp
Content-Length: 152

";

const LWSSTART: &str = "\
INVITE  sip:user@example.com  SIP/2.0
Max-Forwards: 8
To: sip:user@example.com
From: sip:caller@example.net;tag=8814
Call-ID: lwsstart.dfknq234oi243099adsdfnawe3@example.com
CSeq: 1893884 INVITE
Via: SIP/2.0/UDP host1.example.com;branch=z9hG4bKkdjuw3923
Contact: <sip:caller@host1.example.net>
Content-Type: application/sdp
Content-Length: 150

";

const BADDATE: &str = "\
INVITE sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=2234923
Max-Forwards: 70
Call-ID: baddate.239423mnsadf3j23lj42--sedfnm234
CSeq: 1392934 INVITE
Via: SIP/2.0/UDP host.example.com;branch=z9hG4bKkdjuw
Date: Fri, 01 Jan 2010 16:00:00 EST
Contact: <sip:caller@host5.example.net>
Content-Type: application/sdp
Content-Length: 150

";

const BADDN: &str = "\
OPTIONS sip:t.watson@example.org SIP/2.0
Via:     SIP/2.0/UDP c.example.com:5060;branch=z9hG4bKkdjuw
Max-Forwards:      70
From:    Bell, Alexander <sip:a.g.bell@example.com>;tag=43
To:      Watson, Thomas <sip:t.watson@example.org>
Call-ID: baddn.31415@c.example.com
Accept: application/sdp
CSeq:    3923239 OPTIONS
l: 0

";

const MISMATCH02: &str = "\
NEWMETHOD sip:user@example.com SIP/2.0
To: sip:j.user@example.com
From: sip:caller@example.net;tag=34525
Max-Forwards: 6
Call-ID: mismatch02.dj0234sxdfl3
CSeq: 8 INVITE
Contact: <sip:caller@host.example.net>
Via: SIP/2.0/UDP host.example.net;branch=z9hG4bKkdjuw
Content-Type: application/sdp
l: 138

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.1
c=IN IP4 192.0.2.1
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
";

const UNKSCM: &str = "\
OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=384
Max-Forwards: 3
Call-ID: unkscm.nasdfasser0q239nwsdfasdkl34
CSeq: 3923423 OPTIONS
Via: SIP/2.0/TCP host9.example.com;branch=z9hG4bKkdjuw39234
Content-Length: 0

";

const BEXT01: &str = "\
OPTIONS sip:user@example.com SIP/2.0
To: sip:j_user@example.com
From: sip:caller@example.net;tag=242etr
Max-Forwards: 6
Call-ID: bext01.0ha0isndaksdj
Require: nothingSupportsThis, nothingSupportsThisEither
Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis
CSeq: 8 OPTIONS
Via: SIP/2.0/TLS fold-and-staple.example.com;branch=z9hG4bKkdjuw
Content-Length: 0

";

const MULTI01: &str = "\
INVITE sip:user@company.com SIP/2.0
Contact: <sip:caller@host25.example.net>
Via: SIP/2.0/UDP 192.0.2.25;branch=z9hG4bKkdjuw
Max-Forwards: 70
CSeq: 5 INVITE
Call-ID: multi01.98asdh@192.0.2.1
CSeq: 59 INVITE
Call-ID: multi01.98asdh@192.0.2.2
From: sip:caller@example.com;tag=3413415
To: sip:user@example.com
To: sip:other@example.net
From: sip:caller@example.net;tag=2923420123
Content-Type: application/sdp
l: 154
Contact: <sip:caller@host36.example.net>
Max-Forwards: 5

";

const ZEROMF: &str = "\
OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=3ghsd41
Call-ID: zeromf.jfasdlfnm2o2l43r5u0asdfas
CSeq: 39234321 OPTIONS
Via: SIP/2.0/UDP host1.example.com;branch=z9hG4bKkdjuw2349i
Max-Forwards: 0
Content-Length: 0

";

const REGESCRT: &str = "\
REGISTER sip:example.com SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=8
Max-Forwards: 70
Call-ID: regescrt.k345asrl3fdbv@192.0.2.1
CSeq: 14398234 REGISTER
Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw
M: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>
L:0

";

const IPV6_BAD: &str = "\
REGISTER sip:2001:db8::10 SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Max-Forwards: 70
Contact: \"Caller\" <sip:caller@[2001:db8::1]>
CSeq: 98176 REGISTER
Content-Length: 0

";

const VIA_RECEIVED: &str = "\
BYE sip:[2001:db8::10] SIP/2.0
To: sip:user@example.com;tag=bd76ya
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Max-Forwards: 70
CSeq: 321 BYE
Content-Length: 0

";

const MULT_IP: &str = "\
BYE sip:user@host.example.net SIP/2.0
Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144
Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200
Call-ID: 997077@lau_4100
Max-Forwards: 70
CSeq: 89187 BYE
To: sip:user@example.net;tag=9817--94
From: sip:user@example.com;tag=81x2
Content-Length: 0

";

const THREE_COLONS: &str = "\
OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0
To: sip:user@[2001:db8:::192.0.2.1]
From: sip:user@example.com;tag=810x2
Via: SIP/2.0/UDP lab1.east.example.com;branch=z9hG4bKas3-111
Call-ID: G9559905523997077@hlau_4100
CSeq: 689 OPTIONS
Max-Forwards: 70
Content-Length: 0

";

const TWO_COLONS: &str = "\
OPTIONS sip:user@[2001:db8::192.0.2.1] SIP/2.0
To: sip:user@[2001:db8::192.0.2.1]
From: sip:user@example.com;tag=810x2
Via: SIP/2.0/UDP lab1.east.example.com;branch=z9hG4bKas3-111
Call-ID: G9559905523997077@hlau_4100
CSeq: 689 OPTIONS
Max-Forwards: 70
Content-Length: 0

";
