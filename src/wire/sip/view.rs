//! A message's header lines as they stand, each with what it is good for: for whoever looks at a message, not for the path of
//! calls. RFC 3261 §7.3. The table of headers in `docs/PROTOCOLS.md` is made from the one here.

use crate::wire::sip::head::split_header;
use crate::wire::sip::lines::Lines;

/// A header that something is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name; the compact form after a slash.
    pub name: &'static str,
    /// What is read, and what that is used for.
    pub used: &'static str,
    /// Where it is defined.
    pub source: &'static str,
}

const fn header(name: &'static str, used: &'static str, source: &'static str) -> Header {
    Header { name, used, source }
}

/// Every header that something is read from, by name.
pub const HEADERS: [Header; 33] = [
    header("Attestation-Info", "`caller.attestation`, unless `verstat` says it", "3GPP TS 24.229 §7.2"),
    header("Call-ID / i", "names the leg", "RFC 3261 §20.8"),
    header(
        "Contact / m",
        "`tgrp`: `trunk_group` of the record; its shape: fingerprint",
        "RFC 3261 §20.10, RFC 4904 §5",
    ),
    header("Content-Length / l", "where the body ends", "RFC 3261 §20.14"),
    header(
        "Content-Type / c",
        "finds an encapsulated ISUP message in the body",
        "RFC 3261 §20.15, RFC 2046 §5.1",
    ),
    header("Correlation-ID", "joins legs", "in use, no standard"),
    header("CSeq", "method that a response answers; order of INVITEs", "RFC 3261 §20.16"),
    header("Diversion", "last and first diverting number, `diversions`", "RFC 5806 §4"),
    header(
        "From / f",
        "calling number failing an asserted one; `caller.shows_other`; display name: `caller.name_shows_other`; tag: who sends",
        "RFC 3261 §20.20",
    ),
    header(
        "History-Info",
        "the same as Diversion, which goes first; where entries have `mp` or `cause`, by those, else by numbers that differ",
        "RFC 7044 §5, RFC 4458 §2",
    ),
    header("Identity / y", "the signed claim about the caller, for verification", "RFC 8224 §4"),
    header("Max-Forwards", "`hops`", "RFC 3261 §20.22"),
    header("P-Access-Network-Info", "shown", "RFC 7315 §4.4"),
    header("P-Asserted-Identity", "calling number; `cpc`, `verstat`", "RFC 3325 §9.1"),
    header("P-Attestation-Indicator", "as Attestation-Info", "in use, no standard"),
    header("P-Charging-Vector", "`icid-value`: joins legs", "RFC 7315 §4.6"),
    header(
        "P-Preferred-Identity",
        "shown: what the caller would like to be, which nobody vouches for",
        "RFC 3325 §9.2",
    ),
    header("P-Visited-Network-ID", "shown", "RFC 7315 §4.3"),
    header("Privacy", "`caller.restricted`, if any line asks for it", "RFC 3323 §4.2, RFC 3325 §9.3"),
    header("Reason", "`q850_cause`", "RFC 3326 §2"),
    header("Record-Route", "shown; a proxy of ours writes it", "RFC 3261 §20.30"),
    header(
        "Remote-Party-ID",
        "calling number failing P-Asserted-Identity; `caller.restricted`",
        "draft-ietf-sip-privacy-04 §5",
    ),
    header("Route", "shown; a proxy of ours reads it", "RFC 3261 §20.34"),
    header("Server", "shown", "RFC 3261 §20.35"),
    header("Session-ID", "joins legs", "RFC 7989 §5"),
    header("To / t", "tag: belongs to a dialog", "RFC 3261 §20.39"),
    header("User-Agent", "fingerprint of the equipment", "RFC 3261 §20.41"),
    header("Via / v", "top branch: transaction; parameters: fingerprint", "RFC 3261 §20.42"),
    header("X-BroadSoft-Correlation-Info", "joins legs", "in use, no standard"),
    header("X-Call-ID", "joins legs: the Call-ID of the other one", "in use, no standard"),
    header("X-CID", "the same", "in use, no standard"),
    header("X-Correlation-ID", "joins legs", "in use, no standard"),
    header(
        "X-Tollgate-Peer",
        "the trunk that a call asked about came in by; another name can be agreed upon",
        "[proxy.md](proxy.md)",
    ),
];

impl Header {
    /// The header with this name, in any case, or with this compact form.
    #[must_use]
    pub fn find(name: &[u8]) -> Option<&'static Self> {
        HEADERS
            .iter()
            .find(|header| header.name.split(" / ").any(|known| name.eq_ignore_ascii_case(known.as_bytes())))
    }
}

/// One header line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Where the line begins, in octets from the start of the message.
    pub offset: usize,
    /// The name as written, compact or not; empty when the line has none.
    pub name: &'a [u8],
    /// The value with its folds, without white space around it; the whole line when it has no name.
    pub value: &'a [u8],
    /// What is read from it; `None` for headers that nothing is read from.
    pub header: Option<&'static Header>,
}

/// The header lines of a message, in their order; as many as are read for a call.
pub fn fields(message: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut lines = Lines::new(message);
    // The start line.
    let _ = lines.next();
    std::iter::from_fn(move || lines.next()).map(|line| {
        let (name, value) = split_header(line.bytes).unwrap_or((b"", line.bytes));
        Field { offset: line.offset, name, value: value.trim_ascii(), header: Header::find(name) }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::wire::sip::name::Name;

    #[test]
    fn every_header_that_is_kept_is_in_the_table_and_no_other() {
        for header in &HEADERS {
            for name in header.name.split(" / ") {
                let is_shown = header.used.starts_with("shown") || name == "X-Tollgate-Peer";
                assert_eq!(Name::of(name.as_bytes()).is_none(), is_shown, "{name}");
            }
        }
        let letters = (b'a'..=b'z').filter(|letter| Name::of(&[*letter]).is_some());
        assert!(letters.clone().all(|letter| Header::find(&[letter]).is_some()));
        assert_eq!(letters.count(), 8);
        assert!(HEADERS.is_sorted_by_key(|header| header.name.to_ascii_lowercase()));
    }

    #[test]
    fn the_table_in_the_document_is_this_one() {
        const START: &str = "<!-- headers: src/wire/sip/view.rs -->\n";
        const END: &str = "<!-- end of headers -->";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/PROTOCOLS.md");
        let document = std::fs::read_to_string(path).unwrap();
        let (before, rest) = document.split_once(START).unwrap();
        let (shown, after) = rest.split_once(END).unwrap();
        let mut table = String::from("| Header | What is read, and what for | Source |\n|---|---|---|\n");
        for Header { name, used, source } in &HEADERS {
            table += &format!("| {name} | {used} | {source} |\n");
        }
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(path, format!("{before}{START}{table}{END}{after}")).unwrap();
        } else {
            assert!(
                shown == table,
                "docs/PROTOCOLS.md is not what the table says; renew it with UPDATE_EXPECT=1"
            );
        }
    }

    #[test]
    fn shows_the_lines_as_they_stand() {
        let message = b"BYE sip:1@h SIP/2.0\r\nI : 7\r\nno colon\r\nX-Own:\r\n a\r\n\r\nbody: no\r\n";
        let found: Vec<_> = fields(message).collect();
        let rows: Vec<_> = found.iter().map(|field| (field.offset, field.name, field.value)).collect();
        assert_eq!(rows, [(21, &b"I"[..], &b"7"[..]), (28, b"", b"no colon"), (38, b"X-Own", b"a")],);
        assert_eq!(found.first().unwrap().header.unwrap().name, "Call-ID / i");
        assert_eq!(found.last().unwrap().header, None);
    }
}
