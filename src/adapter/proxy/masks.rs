//! Calls that go on without their number: what was hidden of each, to be brought back on the way to the caller.
//!
//! A proxy without any memory could hide a caller only from who looks at P-Asserted-Identity (RFC 3325 §9.3): the number in
//! From would pass, and most phones show that one. To change From is the work of a privacy service (RFC 3323 §5.3), which
//! must undo it for the caller. So this is the one thing that the proxy remembers of calls it has passed on. When it has
//! forgotten one, the dialog goes on all the same, since its tags and its Call-ID were never touched (RFC 3261 §12).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::adapter::proxy::options::ProxyOptions;
use crate::base::map::{Seed, keyed_hash};
use crate::clock;
use crate::inline::recent::Recent;
use crate::inline::sip::mask::Masked;
use crate::wire::sip::Message;

/// Calls without their number, of both threads.
#[derive(Debug)]
pub(super) struct Masks {
    calls: Mutex<Recent<Masked>>,
    /// Most of the time there are none, and nobody need lock anything.
    is_any: AtomicBool,
    seed: Seed,
    identity_max: usize,
    keep_asserted: bool,
}

impl Masks {
    pub fn new(options: &ProxyOptions) -> Self {
        let limits = options.limits;
        Self {
            calls: Mutex::new(Recent::new(options.seed, limits.masked_span, limits.masked)),
            is_any: AtomicBool::new(false),
            seed: options.seed,
            identity_max: limits.identity,
            keep_asserted: options.keep_asserted,
        }
    }

    /// Remembers the call that this INVITE sets up; whether the oldest had to go for it.
    pub fn insert(&self, invite: &Message<'_>) -> bool {
        let masked = Masked::of(invite, self.identity_max);
        let key = keyed_hash(self.seed, invite.call_id);
        let was_full = self.lock().insert(clock::now(), key, masked);
        self.is_any.store(true, Ordering::Release);
        was_full
    }

    /// Appends to `out` a message of such a call as the other side is to see it; whether it could, `None` for other calls.
    pub fn rewrite(&self, bytes: &[u8], message: &Message<'_>, out: &mut Vec<u8>) -> Option<bool> {
        if !self.is_any.load(Ordering::Acquire) {
            return None;
        }
        let key = keyed_hash(self.seed, message.call_id);
        let mut calls = self.lock();
        let masked = calls.get(clock::now(), key);
        Some(masked?.rewrite(bytes, message, self.keep_asserted, out))
    }

    fn lock(&self) -> MutexGuard<'_, Recent<Masked>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
