//! Requests and responses as a stateless proxy passes them on. RFC 3261 §16.3 (loops, Max-Forwards), §16.4 (Route), §16.6
//! (Record-Route, Via), §16.11 (no state); RFC 3581 §4; RFC 5658 (two Record-Routes where a proxy has two addresses).
//!
//! In: the bytes of a message. Out: the bytes that go on, in which nothing has changed but Via, Route, Record-Route,
//! Max-Forwards and what else is asked for: lines keep their order, names, folds and ends. The branch of our Via is a keyed
//! hash of what names the request's transaction, so that retransmissions, CANCEL and the ACK to a refusal get the same one
//! without anything remembered. Must not: decide where a message goes.

mod branch;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

pub use branch::Branch;

use crate::wire::sip::Message;
use crate::wire::sip::address::Address;
use crate::wire::sip::head::split_header;
use crate::wire::sip::lines::{End, Line, Lines};
use crate::wire::sip::place::uri_address;
use crate::wire::sip::respond::put_top_via;
use crate::wire::sip::value::{elements, number};

/// Max-Forwards of a request that has none (RFC 3261 §16.6 step 3).
const MAX_FORWARDS: u64 = 70;

/// Why a message cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The head does not end, or has more lines than are read.
    Cut,
    /// There is no Via: nobody could be answered.
    NoVia,
    /// Max-Forwards is used up: 483.
    TooManyHops,
}

/// How a request goes on.
#[derive(Clone, Copy, Debug)]
pub struct Forward<'a> {
    /// Where it came from, noted in the topmost Via.
    pub source: SocketAddr,
    /// Our sent-by: the address that responses shall come to.
    pub sent_by: SocketAddr,
    /// As [`Branch::of`] says.
    pub branch: Branch,
    /// Our addresses in Route, which are taken off its top.
    pub own: &'a [SocketAddr],
    /// Our addresses to be recorded, the first on top.
    pub record_route: &'a [SocketAddr],
    /// A header line more, name and value; line breaks in it are not looked for.
    pub extra: Option<(&'a str, &'a str)>,
}

/// What the Route headers of a request say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Path<'a> {
    /// The first ones are ours: the request belongs to a dialog that we asked to stay in, or was sent by way of us.
    pub was_routed: bool,
    /// The first that is not ours.
    pub next: Option<&'a [u8]>,
}

impl<'a> Path<'a> {
    /// Reads the Route headers of a request.
    #[must_use]
    pub fn of(request: &'a [u8], own: &[SocketAddr]) -> Self {
        let mut path = Self::default();
        let mut lines = Lines::new(request);
        while let Some(line) = lines.next() {
            let Some((name, value)) = split_header(line.bytes) else { continue };
            if !name.eq_ignore_ascii_case(b"route") {
                continue;
            }
            for element in elements(value) {
                if !is_ours(element, own) {
                    path.next = Some(element);
                    return path;
                }
                path.was_routed = true;
            }
        }
        path
    }

    /// The address of the next Route; `None` without one, or when it names no address.
    #[must_use]
    pub fn next_address(&self) -> Option<SocketAddr> {
        element_address(self.next?)
    }
}

/// Appends the request to `out` as it goes on.
///
/// # Errors
/// When it must not or cannot; `out` is then as it was.
pub fn forward(request: &[u8], how: &Forward<'_>, out: &mut Vec<u8>) -> Result<(), Stopped> {
    let before = out.len();
    let done = Writer { message: request, copied: 0, out }.request(how);
    if done.is_err() {
        out.truncate(before);
    }
    done
}

/// Appends the response to `out` without its topmost Via, which is to be ours; the Via that is topmost then, which says
/// where it goes. `None` when there is no further Via or the head does not end; `out` is then as it was.
pub fn backward<'a>(response: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let before = out.len();
    let next = Writer { message: response, copied: 0, out }.response();
    if next.is_none() {
        out.truncate(before);
    }
    next
}

/// The topmost Via of a message.
#[must_use]
pub fn top_via<'a>(message: &Message<'a>) -> Option<&'a [u8]> {
    elements(message.head.via?).next()
}

/// A message that is copied but for some places.
struct Writer<'a, 'o> {
    message: &'a [u8],
    /// Octets of it that are copied or left out already.
    copied: usize,
    out: &'o mut Vec<u8>,
}

impl<'a> Writer<'a, '_> {
    fn request(mut self, how: &Forward<'_>) -> Result<(), Stopped> {
        let mut lines = Lines::new(self.message);
        if let Some(line) = lines.next() {
            // Empty lines before the message are none of it.
            self.copied = line.offset;
        }
        self.insert_at(lines.offset());
        self.put_ours(how);
        let (mut has_via, mut has_max_forwards, mut pops) = (false, false, true);
        let mut end = lines.offset();
        while let Some(line) = lines.next() {
            end = lines.offset();
            let Some((name, value)) = split_header(line.bytes) else { continue };
            if !has_via && is_via(name) {
                has_via = true;
                self.insert_at(line.offset);
                put_top_via(self.out, line.bytes, value, Some(how.source));
                self.copied = line.offset.saturating_add(line.bytes.len());
            } else if name.eq_ignore_ascii_case(b"max-forwards") {
                has_max_forwards = true;
                self.put_max_forwards(&line, value)?;
            } else if pops && name.eq_ignore_ascii_case(b"route") {
                pops = self.pop_routes(&line, end, value, how.own);
            }
        }
        if lines.end != End::Blank {
            return Err(Stopped::Cut);
        }
        if !has_via {
            return Err(Stopped::NoVia);
        }
        self.insert_at(end);
        if !has_max_forwards {
            self.put_line("Max-Forwards", &MAX_FORWARDS.to_string());
        }
        if let Some((name, value)) = how.extra {
            self.put_line(name, value);
        }
        self.insert_at(self.message.len());
        Ok(())
    }

    /// Directly below the start line, so that they are above all others of their name.
    fn put_ours(&mut self, how: &Forward<'_>) {
        let Forward { sent_by, branch, .. } = how;
        self.put_line("Via", &format!("SIP/2.0/UDP {sent_by};branch={branch}"));
        for address in how.record_route {
            self.put_line("Record-Route", &format!("<sip:{address};lr>"));
        }
    }

    /// One less. What is no number counts as absent: it gets a new start, and is one from here on.
    fn put_max_forwards(&mut self, line: &Line<'_>, value: &[u8]) -> Result<(), Stopped> {
        let digits = value.trim_ascii();
        let left = match number(digits) {
            Some(0) => return Err(Stopped::TooManyHops),
            Some(left @ 1..=255) => left.saturating_sub(1),
            _ => MAX_FORWARDS,
        };
        let start = self.place_of(digits);
        if digits.is_empty() {
            self.insert_at(line.offset.saturating_add(line.bytes.len()));
        } else {
            self.insert_at(start);
            self.copied = start.saturating_add(digits.len());
        }
        self.out.extend_from_slice(left.to_string().as_bytes());
        Ok(())
    }

    /// Leaves out what is ours at the beginning of a Route line, the line when nothing is left of it; whether the next
    /// line may begin with ours, too.
    fn pop_routes(&mut self, line: &Line<'_>, end: usize, value: &[u8], own: &[SocketAddr]) -> bool {
        let mut routes = elements(value);
        let Some(first) = routes.next() else { return true };
        if !is_ours(first, own) {
            return false;
        }
        match routes.find(|route| !is_ours(route, own)) {
            Some(kept) => {
                self.insert_at(self.place_of(first));
                self.copied = self.place_of(kept);
                false
            }
            None => {
                self.insert_at(line.offset);
                self.copied = end;
                true
            }
        }
    }

    fn response(mut self) -> Option<&'a [u8]> {
        let mut lines = Lines::new(self.message);
        self.copied = lines.next()?.offset;
        let mut next = None;
        let mut is_removed = false;
        while let Some(line) = lines.next() {
            let Some((name, value)) = split_header(line.bytes) else { continue };
            if next.is_some() || !is_via(name) {
                continue;
            }
            let mut vias = elements(value);
            if is_removed {
                next = vias.next();
            } else if let Some(first) = vias.next() {
                is_removed = true;
                next = vias.next();
                match next {
                    Some(second) => {
                        self.insert_at(self.place_of(first));
                        self.copied = self.place_of(second);
                    }
                    None => {
                        self.insert_at(line.offset);
                        self.copied = lines.offset();
                    }
                }
            }
        }
        if lines.end != End::Blank {
            return None;
        }
        self.insert_at(self.message.len());
        next
    }

    /// Copies up to there.
    fn insert_at(&mut self, place: usize) {
        self.out.extend_from_slice(self.message.get(self.copied..place).unwrap_or_default());
        self.copied = self.copied.max(place);
    }

    /// Where a piece of the message begins in it.
    fn place_of(&self, piece: &[u8]) -> usize {
        piece.as_ptr().addr().saturating_sub(self.message.as_ptr().addr())
    }

    fn put_line(&mut self, name: &str, value: &str) {
        for part in [name, ": ", value, "\r\n"] {
            self.out.extend_from_slice(part.as_bytes());
        }
    }
}

fn is_via(name: &[u8]) -> bool {
    matches!(name, [b'v' | b'V']) || name.eq_ignore_ascii_case(b"via")
}

fn is_ours(route: &[u8], own: &[SocketAddr]) -> bool {
    element_address(route).is_some_and(|address| own.contains(&address))
}

fn element_address(element: &[u8]) -> Option<SocketAddr> {
    Address::parse(element).and_then(|address| uri_address(element, &address.uri))
}
