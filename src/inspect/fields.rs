//! What conditions can ask of a message: one row a field, from which the checker, the document and the values come.

use std::fmt::Write;

use arrayvec::ArrayString;

use crate::base::field::{Facts, FieldId, FieldSpec, Type, Unit, Value};
use crate::base::network::Network;
use crate::inspect::describe::Place;
use crate::inspect::follow::Entry;

const CODE: Type = Type::Int(Unit::Code);

const fn row(name: &'static str, ty: Type, meaning: &'static str) -> FieldSpec {
    FieldSpec { name, ty, at_setup: true, meaning }
}

/// The fields; [`FieldId`] is the place in this table.
pub const FIELDS: [FieldSpec; 26] = [
    row("protocol", Type::Text, "`sip`, `isup` or `bicc`"),
    row("transport", Type::Text, "how a SIP message travelled: `udp`, `tcp`, `sctp`, `ws`"),
    row("kind", Type::Text, "method of a request, status of a response, or type of an ISUP message"),
    row("method", Type::Text, "method of a request, and of the request that a response answers"),
    row("status", CODE, "status of a SIP response"),
    row("reason", Type::Text, "words of a status line"),
    row("type", Type::Text, "type of an ISUP message: `IAM`, `REL`"),
    row("src", Type::Text, "address or point code of the sender"),
    row("dst", Type::Text, "address or point code of the receiver"),
    row("src_port", CODE, "port of the sender"),
    row("dst_port", CODE, "port of the receiver"),
    row("opc", CODE, "originating point code"),
    row("dpc", CODE, "destination point code"),
    row("cic", CODE, "circuit identification code"),
    row(
        "from",
        Type::Text,
        "caller as this message names them: user of From; digits of the calling party number",
    ),
    row(
        "to",
        Type::Text,
        "called side as this message names it: user of the Request-URI, of a response of To; digits",
    ),
    row("calling", Type::Number, "calling number of the call"),
    row("called", Type::Number, "called number of the call"),
    row("route", Type::Text, "route of the call, as the network file names it"),
    row("call", Type::Text, "the call, as records name it"),
    row("call_id", Type::Text, "Call-ID"),
    row("cseq", CODE, "number of CSeq"),
    row("cause", CODE, "Q.850 cause, of a REL or a Reason header"),
    row("user_agent", Type::Text, "User-Agent"),
    row("faulty", Type::Bool, "something was wrong with the message"),
    row("frame", CODE, "number of the frame that completed it"),
];

/// Longest text that is made for a field: an IPv6 address, or 26 characters of a call.
const MADE_MAX: usize = 48;

/// The fields of one message.
#[derive(Debug)]
pub struct MessageFacts<'e> {
    entry: &'e Entry<'e>,
    network: &'e Network,
    kind: ArrayString<MADE_MAX>,
    src: ArrayString<MADE_MAX>,
    dst: ArrayString<MADE_MAX>,
    call: ArrayString<MADE_MAX>,
}

impl<'e> MessageFacts<'e> {
    /// Those of a message; `network` names routes.
    #[must_use]
    pub fn new(entry: &'e Entry<'e>, network: &'e Network) -> Self {
        let made = |shown: &dyn std::fmt::Display| {
            let mut text = ArrayString::new();
            let _ = write!(text, "{shown}");
            text
        };
        Self {
            entry,
            network,
            kind: entry.said.status.map_or_else(ArrayString::new, |status| made(&status)),
            src: made(&entry.said.src.host()),
            dst: made(&entry.said.dst.host()),
            call: entry.id.map_or_else(ArrayString::new, |id| made(&id)),
        }
    }
}

impl Facts for MessageFacts<'_> {
    fn value(&self, field: FieldId) -> Value {
        let Entry { said, call, pdu, .. } = self.entry;
        let code = |code: Option<u64>| {
            code.and_then(|code| i64::try_from(code).ok()).map_or(Value::Unknown, Value::Int)
        };
        let number = |number| match number {
            Some(number) => Value::Number(number),
            None => Value::Unknown,
        };
        match name_of(field) {
            "status" => code(said.status.map(u64::from)),
            "src_port" => code(port(said.src)),
            "dst_port" => code(port(said.dst)),
            "opc" => code(said.label.map(|label| label.opc.into())),
            "dpc" => code(said.label.map(|label| label.dpc.into())),
            "cic" => code(said.cic.map(u64::from)),
            "calling" => number(call.and_then(|call| call.calling.number)),
            "called" => number(call.and_then(|call| call.called.number)),
            "cseq" => code(said.cseq.map(u64::from)),
            "cause" => code(said.cause.map(u64::from)),
            "faulty" => Value::Bool(!said.faults.is_empty()),
            "frame" => code(Some(pdu.frame)),
            _ => Value::Unknown,
        }
    }

    fn text(&self, field: FieldId) -> Option<&[u8]> {
        let Entry { said, call, .. } = self.entry;
        let held = |text: &'_ [u8]| !text.is_empty();
        match name_of(field) {
            "protocol" => Some(said.protocol.as_bytes()),
            "transport" => Some(said.transport.as_bytes()).filter(|text| held(text)),
            "kind" if said.status.is_some() => Some(self.kind.as_bytes()),
            "kind" => Some(said.kind.bytes()),
            "method" => said.method,
            "reason" => Some(said.reason).filter(|text| held(text)),
            "type" => said.label.map(|_| said.kind.bytes()),
            "src" => Some(self.src.as_bytes()),
            "dst" => Some(self.dst.as_bytes()),
            "from" => said.from.as_ref().map(|word| word.bytes()),
            "to" => said.to.as_ref().map(|word| word.bytes()),
            "route" => call.map(|call| self.network.routes.route(call.route).name.as_bytes()),
            "call" => self.entry.id.map(|_| self.call.as_bytes()),
            "call_id" => said.call_id,
            "user_agent" => said.user_agent,
            _ => None,
        }
    }
}

fn name_of(field: FieldId) -> &'static str {
    FIELDS.get(usize::from(field.0)).map_or("", |spec| spec.name)
}

fn port(place: Place) -> Option<u64> {
    match place {
        Place::Address(address) => Some(address.port().into()),
        Place::Point(_) => None,
    }
}

/// The table as Markdown, for the document.
#[must_use]
pub fn markdown() -> String {
    let kind = |ty| match ty {
        Type::Bool => "true or false",
        Type::Int(_) => "whole number",
        Type::Number => "telephone number",
        _ => "text",
    };
    let head = "| Field | Type | Meaning |\n|---|---|---|\n".to_owned();
    FIELDS.iter().fold(head, |mut text, row| {
        let _ = writeln!(text, "| `{}` | {} | {} |", row.name, kind(row.ty), row.meaning);
        text
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::frame::{Envelope, Pdu, Transport};
    use crate::base::time::At;
    use crate::call::CallOptions;
    use crate::inspect::Follower;
    use crate::rule::Condition;

    const INVITE: &[u8] = b"INVITE sip:+48601000001@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n\
        From: <sip:+441132960111@a>;tag=1\r\nTo: <sip:+48601000001@b>\r\nCall-ID: One@a\r\nCSeq: 7 INVITE\r\n\
        User-Agent: sipp\r\n\r\n";

    fn matches(condition: &str) -> bool {
        let network = Arc::new(Network::unknown());
        let mut follower = Follower::new(&network, CallOptions::default());
        let (src, dst) = ("192.0.2.1:5060".parse().unwrap(), "[2001:db8::2]:5070".parse().unwrap());
        let envelope = Envelope::Sip { src, dst, transport: Transport::Udp };
        let pdu = Pdu { at: At::from_nanos(9), seq: 1, frame: 4, envelope, bytes: INVITE };
        let entry = follower.take(&pdu, &mut Vec::new());
        let condition =
            Condition::parse("--filter", condition, &FIELDS).unwrap_or_else(|errors| panic!("{}", errors[0]));
        condition.matches(&MessageFacts::new(&entry, &network))
    }

    #[test]
    fn every_field_can_be_asked_about() {
        for truth in [
            "protocol == sip and transport == udp and kind == INVITE and method == INVITE",
            "src == \"192.0.2.1\" and dst starts_with \"2001:db8\" and src_port == 5060 and dst_port == 5070",
            "from contains \"1132960\" and to == \"+48601000001\" and cseq == 7 and frame == 4",
            "calling starts_with \"+44\" and called == \"+48601000001\" and route == unknown",
            "call_id == \"one@A\" and user_agent in {sipp, \"other\"} and not faulty",
            "not (user_agent != sipp) and not call == \"x\" and kind != \"ACK\"",
        ] {
            assert!(matches(truth), "{truth}");
        }
        for other in
            ["status == 200", "type == IAM", "not type == IAM", "opc == 1", "cause != 16", "reason == OK"]
        {
            assert!(!matches(other), "{other}: unknown never matches");
        }
    }

    #[test]
    fn every_row_has_a_value() {
        let source = include_str!("fields.rs");
        for row in &FIELDS {
            let arm = format!("            \"{}\"", row.name);
            assert!(source.contains(&arm), "{} is not read", row.name);
        }
    }

    #[test]
    fn refuses_with_a_caret() {
        let refused = |text: &str| Condition::parse("--filter", text, &FIELDS).unwrap_err()[0].to_string();
        assert_eq!(
            refused("methd == INVITE"),
            "--filter:1:1: unknown field `methd`\n  methd == INVITE\n  ^^^^^ did you mean `method` (a text)?"
        );
        assert!(refused("status contains \"4\"").contains("`status` (a code) is no text"));
        assert!(refused("src == dst").contains("cannot compare"));
        assert!(refused("user_agent > \"a\"").contains("has no order"));
        assert!(refused("user_agent == 5").contains("write a text in quotes"));
        assert!(refused("calling == \"abc\"").contains("is no telephone number"));
        assert!(refused(&"x".repeat(5_000)).contains("longer than"));
    }
}
