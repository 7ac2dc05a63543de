//! `calls.jsonl`: one object a call attempt, written when it ends.
//!
//! Written by hand rather than through a serialiser: at a million messages a second this is a fifth of all work, and
//! nearly all of it is fixed text, digits and times.

use std::io::{self, Write};
use std::time::Duration;

use crate::base::field::{FieldSpec, Type, Value};
use crate::base::network::Network;
use crate::base::number::{Number, Party};
use crate::base::time::At;
use crate::call::CallKey;
use crate::judge::CallRecord;
use crate::rule::{Piece, Ruleset};

/// Writes call records.
#[derive(Debug)]
pub struct CallsWriter<W> {
    out: W,
    line: Vec<u8>,
    fields: &'static [FieldSpec],
}

impl<W: Write> CallsWriter<W> {
    /// Writes to `out`; `fields` are the fields that evidence names.
    pub fn new(out: W, fields: &'static [FieldSpec]) -> Self {
        Self { out, line: Vec::with_capacity(2048), fields }
    }

    /// Writes one record as one line.
    ///
    /// # Errors
    /// As `out` says.
    pub fn write(&mut self, record: &CallRecord, ruleset: &Ruleset, network: &Network) -> io::Result<()> {
        self.line.clear();
        write_record(&mut self.line, record, (ruleset, network, self.fields));
        self.out.write_all(&self.line)
    }

    /// Gives back what it wrote to.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// What a record's indexes refer to.
type Names<'a> = (&'a Ruleset, &'a Network, &'static [FieldSpec]);

fn write_record(line: &mut Vec<u8>, record: &CallRecord, (ruleset, network, fields): Names<'_>) {
    let call = &record.call;
    line.extend_from_slice(b"{\"id\":\"");
    line.extend_from_slice(&call.id.text());
    line.push(b'"');
    word(line, "protocol", call.protocol().name());
    name(line, "call_key");
    call_key(line, &call.key);
    name(line, "route");
    string(line, network.routes.route(call.route).name.as_bytes());
    time(line, "setup_at", Some(call.setup_at));
    time(line, "alert_at", call.alert_at);
    time(line, "answer_at", call.answer_at);
    time(line, "end_at", call.end_at);
    milliseconds(line, "setup_ms", call.setup_time());
    milliseconds(line, "ring_ms", call.ring_time());
    milliseconds(line, "talk_ms", call.talk_time());
    number(line, "calling", call.calling.number);
    number(line, "called", call.called.number);
    raw(line, "calling_raw", &call.calling);
    raw(line, "called_raw", &call.called);
    optional(line, "released_by", call.released_by.map(|by| by.name()));
    integer(line, "sip_status", call.sip_status.map(u64::from));
    integer(line, "q850_cause", call.q850_cause.map(u64::from));
    word(line, "decision", record.verdict.decision.name());
    word(line, "class", record.verdict.class.name());
    word(line, "final_class", record.final_class.name());
    let rule = record.rule().and_then(|index| ruleset.rules().get(usize::from(index)));
    optional(line, "rule", rule.map(|rule| rule.id.as_str()));
    name(line, "evidence");
    evidence(line, record.evidence(), ruleset, fields);
    word(line, "ruleset", ruleset.hash());
    line.extend_from_slice(b"}\n");
}

fn name(line: &mut Vec<u8>, name: &str) {
    line.extend_from_slice(b",\"");
    line.extend_from_slice(name.as_bytes());
    line.extend_from_slice(b"\":");
}

/// A string that holds nothing to escape.
fn word(line: &mut Vec<u8>, key: &str, text: &str) {
    name(line, key);
    line.push(b'"');
    line.extend_from_slice(text.as_bytes());
    line.push(b'"');
}

fn optional(line: &mut Vec<u8>, key: &str, text: Option<&str>) {
    match text {
        Some(text) => word(line, key, text),
        None => null(line, key),
    }
}

fn null(line: &mut Vec<u8>, key: &str) {
    name(line, key);
    line.extend_from_slice(b"null");
}

/// A string a peer chose: escaped, with what is not UTF-8 replaced.
fn string(line: &mut Vec<u8>, bytes: &[u8]) {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b'"' && *byte != b'\\';
    if bytes.iter().all(is_plain) {
        line.push(b'"');
        line.extend_from_slice(bytes);
        line.push(b'"');
    } else {
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(line, &String::from_utf8_lossy(bytes));
    }
}

fn time(line: &mut Vec<u8>, key: &str, at: Option<At>) {
    optional(line, key, at.map(At::rfc3339).as_ref().map(|text| text.as_str()));
}

fn milliseconds(line: &mut Vec<u8>, key: &str, span: Option<Duration>) {
    integer(line, key, span.map(|span| span.as_secs() * 1000 + u64::from(span.subsec_millis())));
}

fn integer(line: &mut Vec<u8>, key: &str, value: Option<u64>) {
    match value {
        Some(value) => {
            name(line, key);
            digits(line, value);
        }
        None => null(line, key),
    }
}

fn digits(line: &mut Vec<u8>, value: u64) {
    let _ = serde_json::to_writer(line, &value);
}

fn number(line: &mut Vec<u8>, key: &str, number: Option<Number>) {
    match number {
        Some(number) => {
            name(line, key);
            line.extend_from_slice(b"\"+");
            digits(line, number.value());
            line.push(b'"');
        }
        None => null(line, key),
    }
}

fn raw(line: &mut Vec<u8>, key: &str, party: &Party) {
    if party.raw.is_empty() {
        null(line, key);
    } else {
        name(line, key);
        string(line, &party.raw);
    }
}

fn call_key(line: &mut Vec<u8>, key: &CallKey) {
    match key {
        CallKey::Sip(call_id) => string(line, call_id),
        CallKey::Isup { opc, dpc, cic } => {
            line.push(b'"');
            digits(line, u64::from(*opc));
            line.push(b'-');
            digits(line, u64::from(*dpc));
            line.push(b'-');
            digits(line, u64::from(*cic));
            line.push(b'"');
        }
    }
}

fn evidence(line: &mut Vec<u8>, evidence: &[Piece], ruleset: &Ruleset, fields: &'static [FieldSpec]) {
    line.push(b'[');
    for (index, piece) in evidence.iter().enumerate() {
        if index > 0 {
            line.push(b',');
        }
        let Some(field) = fields.get(usize::from(piece.field.0)) else { continue };
        line.extend_from_slice(b"{\"field\":\"");
        line.extend_from_slice(field.name.as_bytes());
        line.extend_from_slice(b"\",\"value\":");
        value(line, piece.value, field.ty);
        name(line, "bound");
        string(line, ruleset.bound_text(piece.bound).as_bytes());
        line.push(b'}');
    }
    line.push(b']');
}

/// A value of a field: numbers and booleans as themselves, shares with four decimals, the rest as people read it.
fn value(line: &mut Vec<u8>, value: Value, ty: Type) {
    match value {
        Value::Bool(_) | Value::Int(_) => line.extend_from_slice(value.shown(ty).to_string().as_bytes()),
        Value::Ratio(share) => line.extend_from_slice(format!("{share:.4}").as_bytes()),
        _ => string(line, value.shown(ty).to_string().as_bytes()),
    }
}
