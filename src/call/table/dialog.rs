//! The dialogs of an answered call. Each 2xx makes one, named by both tags (RFC 3261 §12, §13.2.2.4): two forks may answer, and
//! the caller releases the surplus one. A BYE ends its dialog; the call ends with its last.

use arrayvec::ArrayVec;

use crate::base::fault::Kind;
use crate::call::machine::State;
use crate::call::table::Entry;
use crate::signal::{Signal, What};

/// Dialogs of a call followed; more are counted and not followed.
const DIALOGS_MAX: usize = 3;

#[derive(Clone, Copy, Debug)]
struct Dialog {
    tags: u32,
    /// The caller's own; else that of an element on the way, which writes its own tags.
    is_callers: bool,
    /// A BYE of it was seen. It is kept: a copy of its 2xx does not open it again.
    is_closed: bool,
}

/// What a BYE closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// The last dialog of the call, as far as any is known.
    Last,
    /// One of several.
    One,
    /// None that is known, though others are.
    None,
}

/// The dialogs of a call that its 2xx were seen of.
#[derive(Clone, Debug, Default)]
pub(super) struct Dialogs(ArrayVec<Dialog, DIALOGS_MAX>);

/// Names the dialog of a message, the same from both sides; `None` where a tag is missing.
pub(super) fn tags(signal: &Signal<'_>) -> Option<u32> {
    (signal.sender != 0 && signal.receiver != 0).then(|| signal.sender.wrapping_add(signal.receiver))
}

impl Dialogs {
    /// Notes the dialog of a 2xx to an INVITE of the caller with this tag. Whether there was room.
    pub fn open(&mut self, signal: &Signal<'_>, caller: u32) -> bool {
        let Some(tags) = tags(signal).filter(|tags| !self.has(*tags)) else { return true };
        if self.0.is_full()
            && let Some(closed) = self.0.iter().position(|dialog| dialog.is_closed)
        {
            self.0.remove(closed);
        }
        self.0.try_push(Dialog { tags, is_callers: signal.sender == caller, is_closed: false }).is_ok()
    }

    /// Closes the dialog of a BYE.
    pub fn close(&mut self, signal: &Signal<'_>, caller: u32) -> Closed {
        let Some(tags) = tags(signal).filter(|_| !self.0.is_empty()) else { return Closed::Last };
        let Some(own) = self.0.iter_mut().find(|dialog| dialog.tags == tags) else {
            let is_callers = [signal.sender, signal.receiver].contains(&caller);
            let is_unseen = is_callers && !self.0.iter().any(|dialog| dialog.is_callers);
            return if is_unseen { Closed::Last } else { Closed::None };
        };
        own.is_closed = true;
        let is_callers = own.is_callers;
        let is_last = !self.0.iter().any(|dialog| !dialog.is_closed && (dialog.is_callers || !is_callers));
        if is_last { Closed::Last } else { Closed::One }
    }

    /// Whether this one is among them, closed or not.
    pub fn has(&self, tags: u32) -> bool {
        self.0.iter().any(|dialog| dialog.tags == tags)
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Entry {
    /// Takes in what a message says of the dialogs of the call. Whether it is about one of several alone, or about none; and what
    /// is to be counted.
    pub(super) fn follow_dialogs(&mut self, signal: &Signal<'_>) -> (bool, Option<Kind>) {
        if self.circuit.is_some() {
            return (false, None);
        }
        match &signal.what {
            What::Answer => {
                let has_room = self.dialogs.open(signal, self.sender);
                (false, (!has_room).then_some(Kind::TooMany))
            }
            What::Release => match self.dialogs.close(signal, self.sender) {
                Closed::Last => (false, None),
                Closed::One => (true, None),
                Closed::None => (true, Some(Kind::Unexpected)),
            },
            _ => (false, None),
        }
    }

    pub(super) fn is_answered(&self) -> bool {
        matches!(self.state, State::Answered | State::Ended)
    }
}
