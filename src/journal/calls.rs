//! `calls.jsonl`: one object a call attempt, written when it ends.
//!
//! Written by hand rather than through a serialiser: at a million messages a second this is a fifth of all work, and
//! nearly all of it is fixed text, digits and times.

use std::io::{self, Write};
use std::time::Duration;

use crate::base::field::{FieldSpec, Type, Value};
use crate::base::network::Network;
use crate::base::number::{Number, Party};
use crate::base::text::put_digits;
use crate::base::time::At;
use crate::call::{Attestation, Call, CallKey, LegList, StirVerdict};
use crate::judge::CallRecord;
use crate::rule::{Piece, Ruleset};

/// Writes call records.
#[derive(Debug)]
pub struct CallsWriter<W> {
    out: W,
    line: Vec<u8>,
    clock: Clock,
    fields: &'static [FieldSpec],
}

impl<W: Write> CallsWriter<W> {
    /// Writes to `out`; `fields` are the fields that evidence names.
    pub fn new(out: W, fields: &'static [FieldSpec]) -> Self {
        Self { out, line: Vec::with_capacity(2048), clock: Clock::new(), fields }
    }

    /// Writes one record as one line.
    ///
    /// # Errors
    /// As `out` says.
    pub fn write(&mut self, record: &CallRecord, network: &Network) -> io::Result<()> {
        self.line.clear();
        write_record(&mut self.line, record, &mut self.clock, (&record.ruleset, network, self.fields));
        self.out.write_all(&self.line)
    }

    /// What it writes to.
    pub const fn get_ref(&self) -> &W {
        &self.out
    }

    /// The same, for whoever takes away what was written.
    pub const fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// Gives back what it wrote to.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// What stands for what is not known.
const NULL: &[u8] = b"null";

/// What a record's indexes refer to.
type Names<'a> = (&'a Ruleset, &'a Network, &'static [FieldSpec]);

fn write_record(
    line: &mut Vec<u8>,
    record: &CallRecord,
    clock: &mut Clock,
    (ruleset, network, fields): Names<'_>,
) {
    let call = &record.call;
    line.extend_from_slice(b"{\"id\":\"");
    line.extend_from_slice(&call.id.text());
    line.extend_from_slice(b"\",\"protocol\":");
    word(line, call.protocol().name());
    line.extend_from_slice(b",\"call_key\":");
    call_key(line, &call.key);
    line.extend_from_slice(b",\"route\":");
    string(line, network.routes.route(call.route).name.as_bytes());
    write_times(line, call, clock);
    number(line, b",\"calling\":", call.calling.number);
    number(line, b",\"called\":", call.called.number);
    raw(line, b",\"calling_raw\":", &call.calling);
    raw(line, b",\"called_raw\":", &call.called);
    // Few calls have one: left out, unlike what every record has.
    let trunk_group = call.claims.trunk_group.name();
    if !trunk_group.is_empty() {
        line.extend_from_slice(b",\"trunk_group\":");
        string(line, trunk_group.as_bytes());
    }
    optional(line, b",\"released_by\":", call.released_by.map(|by| by.name()));
    integer(line, b",\"sip_status\":", call.sip_status.map(u64::from));
    integer(line, b",\"q850_cause\":", call.q850_cause.map(u64::from));
    signatures(line, call);
    line.extend_from_slice(b",\"decision\":");
    word(line, record.verdict.decision.name());
    line.extend_from_slice(b",\"class\":");
    word(line, record.verdict.class.name());
    line.extend_from_slice(b",\"final_class\":");
    word(line, record.final_class.name());
    let rule = record.rule().and_then(|index| ruleset.rules().get(usize::from(index)));
    optional(line, b",\"rule\":", rule.map(|rule| &*rule.id));
    line.extend_from_slice(b",\"because\":");
    because(line, record, ruleset, fields);
    line.extend_from_slice(b",\"evidence\":");
    evidence(line, record.evidence(), ruleset, fields);
    line.extend_from_slice(b",\"ruleset\":");
    word(line, ruleset.hash());
    if let Some(list) = &call.legs {
        legs(line, list, clock, network);
    }
    line.extend_from_slice(b"}\n");
}

/// The other legs. Nearly all records have none, and nothing is written then.
fn legs(line: &mut Vec<u8>, list: &LegList, clock: &mut Clock, network: &Network) {
    line.extend_from_slice(b",\"legs\":[");
    for (index, leg) in list.named.iter().enumerate() {
        if index > 0 {
            line.push(b',');
        }
        line.extend_from_slice(b"{\"protocol\":");
        word(line, leg.key.protocol().name());
        line.extend_from_slice(b",\"call_key\":");
        call_key(line, &leg.key);
        line.extend_from_slice(b",\"route\":");
        string(line, network.routes.route(leg.route).name.as_bytes());
        line.extend_from_slice(b",\"direction\":");
        word(line, leg.direction.name());
        clock.write(line, b",\"setup_at\":", Some(leg.setup_at));
        line.extend_from_slice(b",\"by\":");
        word(line, leg.by.name());
        line.push(b'}');
    }
    line.push(b']');
    if list.more > 0 {
        integer(line, b",\"legs_more\":", Some(u64::from(list.more)));
    }
}

fn write_times(line: &mut Vec<u8>, call: &Call, clock: &mut Clock) {
    clock.write(line, b",\"setup_at\":", Some(call.setup_at));
    clock.write(line, b",\"alert_at\":", call.alert_at);
    clock.write(line, b",\"answer_at\":", call.answer_at);
    clock.write(line, b",\"end_at\":", call.end_at);
    milliseconds(line, b",\"setup_ms\":", call.setup_time());
    milliseconds(line, b",\"ring_ms\":", call.ring_time());
    milliseconds(line, b",\"talk_ms\":", call.talk_time());
}

/// What verification said of the call's signatures; nothing where it has none.
fn signatures(line: &mut Vec<u8>, call: &Call) {
    let stir = call.stir;
    if stir.verdict == StirVerdict::None {
        return;
    }
    optional(line, b",\"stir\":{\"verdict\":", Some(stir.verdict.name()));
    optional(line, b",\"reason\":", Some(stir.reason.name()));
    let attestation = stir.attestation.map(|attestation| Attestation::NAMES[attestation as usize]);
    optional(line, b",\"attestation\":", attestation);
    optional(line, b",\"origid\":", stir.origid.map(|origid| origid.to_string()).as_deref());
    line.push(b'}');
}

/// A string that holds nothing to escape.
fn word(line: &mut Vec<u8>, text: &str) {
    line.push(b'"');
    line.extend_from_slice(text.as_bytes());
    line.push(b'"');
}

fn optional(line: &mut Vec<u8>, name: &[u8], text: Option<&str>) {
    line.extend_from_slice(name);
    match text {
        Some(text) => word(line, text),
        None => line.extend_from_slice(NULL),
    }
}

/// A string a peer chose: escaped, with what is not UTF-8 replaced.
fn string(line: &mut Vec<u8>, bytes: &[u8]) {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b'"' && *byte != b'\\';
    // Without a branch between them, the compiler looks at many octets at once.
    if bytes.iter().fold(true, |plain, byte| plain & is_plain(byte)) {
        line.push(b'"');
        line.extend_from_slice(bytes);
        line.push(b'"');
    } else {
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(line, &String::from_utf8_lossy(bytes));
    }
}

fn milliseconds(line: &mut Vec<u8>, name: &[u8], span: Option<Duration>) {
    integer(line, name, span.map(|span| span.as_secs() * 1000 + u64::from(span.subsec_millis())));
}

fn integer(line: &mut Vec<u8>, name: &[u8], value: Option<u64>) {
    line.extend_from_slice(name);
    match value {
        Some(value) => digits(line, value),
        None => line.extend_from_slice(NULL),
    }
}

fn digits(line: &mut Vec<u8>, value: u64) {
    // u64::MAX has 20 digits.
    let mut text = [0; 20];
    let count = value.checked_ilog10().unwrap_or(0) as usize + 1;
    put_digits(&mut text[..count], value);
    line.extend_from_slice(&text[..count]);
}

fn number(line: &mut Vec<u8>, name: &[u8], number: Option<Number>) {
    line.extend_from_slice(name);
    match number {
        Some(number) => {
            line.extend_from_slice(b"\"+");
            digits(line, number.value());
            line.push(b'"');
        }
        None => line.extend_from_slice(NULL),
    }
}

fn raw(line: &mut Vec<u8>, name: &[u8], party: &Party) {
    line.extend_from_slice(name);
    if party.raw.is_empty() {
        line.extend_from_slice(NULL);
    } else {
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

/// The sentence of the record's rule. Nearly all records have no rule, and cost nothing here.
fn because(line: &mut Vec<u8>, record: &CallRecord, ruleset: &Ruleset, fields: &'static [FieldSpec]) {
    let Some(rule) = record.rule() else { return line.extend_from_slice(NULL) };
    let mut sentence = String::new();
    if ruleset.because(rule, record.evidence(), fields, &mut sentence) {
        string(line, sentence.as_bytes());
    } else {
        line.extend_from_slice(NULL);
    }
}

fn evidence(line: &mut Vec<u8>, evidence: &[Piece], ruleset: &Ruleset, fields: &'static [FieldSpec]) {
    line.push(b'[');
    for (index, piece) in evidence.iter().filter(|piece| !piece.is_told()).enumerate() {
        if index > 0 {
            line.push(b',');
        }
        let Some(field) = fields.get(usize::from(piece.field.0)) else { continue };
        line.extend_from_slice(b"{\"field\":");
        word(line, field.name);
        line.extend_from_slice(b",\"value\":");
        value(line, piece.value, field.ty);
        line.extend_from_slice(b",\"bound\":");
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

/// Seconds of which the text is kept.
const KEPT_SECONDS: usize = 256;
/// Octets of the text of a time up to its fraction: `2026-11-21T20:15:03.`.
const UP_TO_FRACTION: usize = 20;

/// Writes times. Calls come and go by the thousand in a second, so the text of recent seconds is kept.
#[derive(Debug)]
struct Clock {
    /// Second since the Unix epoch and its text, by second modulo [`KEPT_SECONDS`].
    seconds: Box<[(u64, [u8; UP_TO_FRACTION])]>,
}

impl Clock {
    fn new() -> Self {
        // No second has this number: nanoseconds end before.
        Self { seconds: vec![(u64::MAX, [0; UP_TO_FRACTION]); KEPT_SECONDS].into() }
    }

    fn write(&mut self, line: &mut Vec<u8>, name: &[u8], at: Option<At>) {
        line.extend_from_slice(name);
        let Some(at) = at else { return line.extend_from_slice(NULL) };
        let (second, fraction) = (at.nanos() / 1_000_000_000, at.nanos() % 1_000_000_000);
        let kept = &mut self.seconds[second as usize % KEPT_SECONDS];
        if kept.0 != second {
            kept.0 = second;
            kept.1.copy_from_slice(&at.rfc3339().as_bytes()[..UP_TO_FRACTION]);
        }
        let mut text = *b"\"0000-00-00T00:00:00.000000000Z\"";
        text[1..=UP_TO_FRACTION].copy_from_slice(&kept.1);
        put_digits(&mut text[UP_TO_FRACTION + 1..UP_TO_FRACTION + 10], fraction);
        line.extend_from_slice(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn prints_numbers_and_times_as_everyone_does(value in any::<u64>(), shift in 0..64_u32) {
            let value = value >> shift;
            let mut line = Vec::new();
            digits(&mut line, value);
            prop_assert_eq!(String::from_utf8(line).unwrap(), value.to_string());
            let mut clock = Clock::new();
            for at in [value, value ^ 1, value.wrapping_add(256_000_000_000)].map(At::from_nanos) {
                let mut line = Vec::new();
                clock.write(&mut line, b"", Some(at));
                prop_assert_eq!(String::from_utf8(line).unwrap(), format!("\"{at}\""));
            }
        }
    }
}
