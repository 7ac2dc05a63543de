//! Messages as JSON, one object a line. `docs/decode.md` has the keys.

use std::fmt::Display;
use std::io::{self, Write};

use crate::base::network::Network;
use crate::cli::decode::walk::Aside;
use crate::inspect::text::is_plain;
use crate::inspect::{Entry, Said, Word, cause};

/// Writes objects into one buffer that is used again.
#[derive(Debug, Default)]
pub struct Json {
    line: Vec<u8>,
}

impl Json {
    /// Writes a message; `network` names routes.
    pub fn message(&mut self, entry: &Entry<'_>, network: &Network, out: &mut dyn Write) -> io::Result<()> {
        let Entry { pdu, said, call, id } = entry;
        self.open("time", |line| text(line, pdu.at.rfc3339().as_bytes()));
        self.number("frame", Some(pdu.frame).filter(|frame| *frame > 0));
        self.text("protocol", Some(said.protocol.as_bytes()));
        self.text("transport", Some(said.transport.as_bytes()).filter(|text| !text.is_empty()));
        self.shown("src", Some(&said.src));
        self.shown("dst", Some(&said.dst));
        match said.status {
            Some(status) => self.shown("kind", Some(&status)),
            None => self.text("kind", Some(said.kind.bytes())),
        }
        self.text("reason", Some(said.reason).filter(|text| !text.is_empty()));
        self.text("method", said.method);
        self.number("status", said.status);
        self.text("from", said.from.as_ref().map(Word::bytes));
        self.text("to", said.to.as_ref().map(Word::bytes));
        self.text("call_id", said.call_id);
        self.number("cseq", said.cseq);
        self.text("user_agent", said.user_agent);
        self.number("opc", said.label.map(|label| label.opc));
        self.number("dpc", said.label.map(|label| label.dpc));
        self.number("network_indicator", said.label.map(|label| label.network_indicator));
        self.number("cic", said.cic);
        self.number("cause", said.cause);
        self.text("cause_name", said.cause.and_then(cause::name).map(str::as_bytes));
        self.shown("call", id.as_ref());
        self.shown("calling", call.and_then(|call| call.calling.number).as_ref());
        self.shown("called", call.and_then(|call| call.called.number).as_ref());
        let route = call.map(|call| network.routes.route(call.route).name.as_bytes());
        self.text("route", route);
        self.lists(said);
        self.close(out)
    }

    /// Writes what came without a message: its `kind` is `fault` or `skipped`.
    pub fn aside(&mut self, aside: &Aside, out: &mut dyn Write) -> io::Result<()> {
        let between = aside.unit.between;
        self.open("time", |line| text(line, aside.at.rfc3339().as_bytes()));
        self.number("frame", Some(aside.frame));
        self.shown("src", between.map(|(src, _)| src).as_ref());
        self.shown("dst", between.map(|(_, dst)| dst).as_ref());
        self.text("kind", Some(if aside.fault { b"fault" } else { b"skipped" }));
        self.text("layer", Some(aside.layer.as_bytes()).filter(|layer| !layer.is_empty()));
        self.text("why", Some(aside.why.as_bytes()));
        self.text("what", Some(aside.unit.what.as_bytes()).filter(|what| !what.is_empty()));
        self.close(out)
    }

    /// Facts by name, and faults in a list.
    fn lists(&mut self, said: &Said<'_>) {
        self.line.extend_from_slice(b",\"facts\":{");
        for (index, (name, value)) in said.facts.iter().enumerate() {
            if index > 0 {
                self.line.push(b',');
            }
            text(&mut self.line, name.replace(' ', "_").as_bytes());
            self.line.push(b':');
            match value {
                Word::Count(count) => self.line.extend_from_slice(count.to_string().as_bytes()),
                _ => text(&mut self.line, value.bytes()),
            }
        }
        self.line.extend_from_slice(b"},\"faults\":[");
        for (index, fault) in said.faults.iter().enumerate() {
            if index > 0 {
                self.line.push(b',');
            }
            let (layer, kind) = (fault.layer.name(), fault.kind.name());
            let _ = write!(
                self.line,
                "{{\"layer\":\"{layer}\",\"kind\":\"{kind}\",\"offset\":{}}}",
                fault.offset
            );
        }
        self.line.push(b']');
    }

    fn open(&mut self, name: &str, value: impl FnOnce(&mut Vec<u8>)) {
        self.line.clear();
        let _ = write!(self.line, "{{\"{name}\":");
        value(&mut self.line);
    }

    fn close(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.line.extend_from_slice(b"}\n");
        out.write_all(&self.line)
    }

    fn key(&mut self, name: &str) {
        self.line.extend_from_slice(b",\"");
        self.line.extend_from_slice(name.as_bytes());
        self.line.extend_from_slice(b"\":");
    }

    fn number(&mut self, name: &str, value: Option<impl Into<u64>>) {
        self.key(name);
        match value {
            // A vector cannot fail to take more.
            Some(value) => drop(write!(self.line, "{}", value.into())),
            None => self.line.extend_from_slice(b"null"),
        }
    }

    fn text(&mut self, name: &str, value: Option<&[u8]>) {
        self.key(name);
        match value {
            Some(value) => text(&mut self.line, value),
            None => self.line.extend_from_slice(b"null"),
        }
    }

    /// For what holds nothing to escape.
    fn shown(&mut self, name: &str, value: Option<&impl Display>) {
        self.key(name);
        match value {
            Some(value) => drop(write!(self.line, "\"{value}\"")),
            None => self.line.extend_from_slice(b"null"),
        }
    }
}

/// A string. Octets that are no UTF-8 become U+FFFD, as in records; what a terminal would obey is written as `\u`.
fn text(line: &mut Vec<u8>, bytes: &[u8]) {
    line.push(b'"');
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\\' => line.extend([b'\\', character as u8]),
                _ if is_plain(character) => {
                    line.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                _ => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        let _ = write!(line, "\\u{unit:04x}");
                    }
                }
            }
        }
        if !chunk.invalid().is_empty() {
            line.extend_from_slice(b"\\ufffd");
        }
    }
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn strings_are_read_back(bytes in prop_oneof![any::<Vec<u8>>(), "(?s).{0,40}".prop_map(String::into_bytes)]) {
            let mut line = Vec::new();
            text(&mut line, &bytes);
            let written = std::str::from_utf8(&line).unwrap();
            prop_assert!(written.chars().all(is_plain), "{written:?}");
            let read: String = serde_json::from_str(written).unwrap();
            prop_assert_eq!(read, String::from_utf8_lossy(&bytes));
        }
    }
}
