//! The branch of a stateless proxy's Via: what names the transaction, and what decides the way. RFC 3261 §16.11, §16.6 step 8.

use std::fmt;
use std::net::SocketAddr;

use crate::base::map::{Seed, keyed_hash};
use crate::wire::sip::Message;
use crate::wire::sip::forward::is_via;
use crate::wire::sip::head::split_header;
use crate::wire::sip::lines::Lines;
use crate::wire::sip::place::via_address;
use crate::wire::sip::respond::transaction;
use crate::wire::sip::start::Start;
use crate::wire::sip::value::{elements, parameter};

/// What branches begin with since RFC 3261 (§8.1.1.7).
const COOKIE: &str = "z9hG4bK";
/// Hexadecimal digits of one half of a branch.
const HALF: usize = 16;

/// Branch of our Via.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Names the transaction, as [`transaction`] does.
    pub transaction: u64,
    /// Of all that decides where the request goes: the same when it comes back unchanged (§16.6 step 8).
    path: u64,
}

impl Branch {
    /// The branch for a request that came by our address `local`.
    ///
    /// The method and the tag of To have no part in it: CANCEL and ACK go where their INVITE went.
    #[must_use]
    pub fn of(seed: Seed, request: &Message<'_>, local: SocketAddr) -> Self {
        let uri = match request.start {
            Start::Request { uri, .. } => uri,
            Start::Response { .. } => b"",
        };
        let from = request.from.tag().unwrap_or_default();
        let local = local.to_string();
        let mut named = Vec::with_capacity(192);
        for part in [uri, request.call_id, from, local.as_bytes()] {
            named.extend_from_slice(&part.len().to_be_bytes());
            named.extend_from_slice(part);
        }
        named.extend_from_slice(&request.cseq.number.to_be_bytes());
        Self { transaction: transaction(seed, request), path: keyed_hash(seed, &named) }
    }

    /// Whether the request passed here before, by the Vias that it came with: one of our addresses, and a branch for the
    /// same way. A request that came back changed, such as one that was sent elsewhere, is none (§16.3 step 4).
    #[must_use]
    pub fn is_loop(&self, request: &[u8], own: &[SocketAddr]) -> bool {
        let path = format!("{:016x}", self.path);
        let mut lines = Lines::new(request);
        while let Some(line) = lines.next() {
            let Some((name, value)) = split_header(line.bytes) else { continue };
            if !is_via(name) {
                continue;
            }
            let passed = |via: &[u8]| {
                via_address(via).is_some_and(|address| own.contains(&address))
                    && parameter(via, b"branch").is_some_and(|branch| {
                        branch.starts_with(COOKIE.as_bytes()) && branch.ends_with(path.as_bytes())
                    })
            };
            if elements(value).any(passed) {
                return true;
            }
        }
        false
    }

    /// The transaction that the branch of a Via of ours names; `None` when it is not written as ours.
    #[must_use]
    pub fn transaction_of(via: &[u8]) -> Option<u64> {
        let digits = parameter(via, b"branch")?.strip_prefix(COOKIE.as_bytes())?;
        if digits.len() != HALF.saturating_mul(2) {
            return None;
        }
        u64::from_str_radix(str::from_utf8(digits.get(..HALF)?).ok()?, 16).ok()
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{COOKIE}{:016x}{:016x}", self.transaction, self.path)
    }
}
