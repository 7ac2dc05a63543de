//! What a SIP message says. RFC 3261; P-Asserted-Identity RFC 3325, Diversion RFC 5806, Reason RFC 3326.

use std::fmt;

use memchr::memchr;

use crate::inspect::cause;
use crate::inspect::describe::{Said, Word};
use crate::inspect::text::Visible;
use crate::wire::sip::Message;
use crate::wire::sip::address::{Address, Uri};
use crate::wire::sip::start::Start;
use crate::wire::sip::value::{elements, q850_cause};

/// Most lines of one message that are shown in full.
const LINES_MAX: usize = 200;

/// Adds what the message says to where it came from.
pub(super) fn describe<'a>(bytes: &'a [u8], mut said: Said<'a>) -> Said<'a> {
    let message = match Message::parse(bytes) {
        Ok(message) => message,
        Err(fault) => {
            said.reason = first_line(bytes);
            said.fault(fault);
            return said;
        }
    };
    let target = match message.start {
        Start::Request { token, uri, .. } => {
            said.kind = Word::Sent(token);
            said.method = Some(token);
            Uri::parse(uri)
        }
        Start::Response { status } => {
            said.kind = Word::Count(status.into());
            said.reason = reason_phrase(first_line(bytes));
            said.method = Some(message.cseq.token);
            said.status = Some(status);
            message.head.to.and_then(Address::parse).map(|to| to.uri)
        }
    };
    said.from = who(&message.from.uri).map(Word::Sent);
    said.to = target.as_ref().and_then(who).map(Word::Sent);
    said.call_id = Some(message.call_id);
    said.cseq = Some(message.cseq.number);
    said.user_agent = message.head.user_agent;
    said.cause = message.head.reasons.iter().find_map(|reason| q850_cause(reason));
    facts(&message, &mut said);
    for fault in &message.faults {
        said.fault(*fault);
    }
    said
}

fn facts<'a>(message: &Message<'a>, said: &mut Said<'a>) {
    let head = &message.head;
    let users = |line: &'a [u8]| elements(line).filter_map(Address::parse);
    let mut asserted = head.asserted.iter().flat_map(|line| users(line)).filter_map(|one| who(&one.uri));
    if let Some(first) = asserted.next() {
        said.fact("pai", Word::Sent(first));
        // As a rule the same as a sip and as a tel URI (RFC 3325 §9.1).
        if let Some(second) = asserted.find(|second| *second != first) {
            said.fact("second pai", Word::Sent(second));
        }
    }
    if let Some(user) = head.diversions.iter().flat_map(|line| users(line)).find_map(|by| who(&by.uri)) {
        said.fact("diverted by", Word::Sent(user));
    }
    if !head.history.is_empty() {
        let entries = head.history.iter().map(|line| elements(line).count()).sum::<usize>();
        said.fact("history", Word::Count(entries as u64));
    }
    if let Some(privacy) = head.privacy {
        said.fact("privacy", Word::Sent(privacy));
    }
    // A Q.850 cause is shown by its name.
    if let Some(reason) = head.reasons.first().filter(|_| said.cause.is_none()) {
        said.fact("reason", Word::Sent(reason));
    }
}

/// The user, or the host where there is none.
fn who<'a>(uri: &Uri<'a>) -> Option<&'a [u8]> {
    [uri.user, uri.host].into_iter().find(|text| !text.is_empty())
}

fn first_line(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.trim_ascii_start();
    let end = memchr(b'\n', bytes).unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or_default().trim_ascii_end()
}

/// What follows the status (RFC 3261 §7.2).
fn reason_phrase(line: &[u8]) -> &[u8] {
    let after = |text: &'_ [u8]| memchr(b' ', text).map_or(text.len(), |end| end + 1);
    let status = line.get(after(line)..).unwrap_or_default().trim_ascii_start();
    status.get(after(status)..).unwrap_or_default().trim_ascii()
}

/// Start line, headers and body as sent, made safe to show; folds show as they are.
pub(super) fn detail(bytes: &[u8], line: &mut dyn FnMut(&dyn fmt::Display)) {
    let text = bytes.trim_ascii_end();
    let mut lines = text.split(|byte| *byte == b'\n');
    for one in lines.by_ref().take(LINES_MAX) {
        line(&Visible::up_to(one.strip_suffix(b"\r").unwrap_or(one), 1_000));
    }
    let more = lines.count();
    if more > 0 {
        line(&format_args!("… {more} lines more"));
    }
    if let Ok(message) = Message::parse(bytes)
        && let Some(cause) = message.head.reasons.iter().find_map(|reason| q850_cause(reason))
        && let Some(name) = cause::name(cause)
    {
        line(&format_args!("(cause {cause} is {name})"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_words_of_a_status_line() {
        for (line, reason) in [
            (&b"SIP/2.0 200 OK"[..], &b"OK"[..]),
            (b"SIP/2.0 486 Busy Here ", b"Busy Here"),
            (b"SIP/2.0 200", b""),
            (b"SIP/2.0  180  Ringing", b"Ringing"),
            (b"", b""),
        ] {
            assert_eq!(reason_phrase(line), reason);
        }
    }
}
