//! What was learned, handed slice by slice to the thread that keeps it, while calls go on.
//!
//! The disk sets the pace: the loop makes a slice when the one before was taken, and never waits for that.

use std::sync::Arc;

use crossbeam_channel::{Select, Sender, TrySendError};

use crate::base::time::At;
use crate::feature::{Cursor, Store};
use crate::rule::Ruleset;

/// What whoever keeps it is handed, in this order: a beginning, slices, an end. Without an end it is not whole.
pub enum Piece {
    /// The rules in force.
    Begin(Arc<Ruleset>),
    /// What comes next of the store, see [`Store::slice`].
    Slice(Vec<u8>),
    /// All slices were handed on; the latest moment they are about.
    End(At),
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A piece was handed on.
    Handed,
    /// There is nothing more to hand on, or nobody to take it.
    Over,
    /// There is no room for another piece yet.
    Waiting,
}

/// A copy under way.
pub struct Copying {
    to: Sender<Piece>,
    cursor: Cursor,
    /// What is to be handed on next; made when there is none.
    next: Option<Piece>,
    is_more: bool,
}

impl Copying {
    /// Begins a copy for whoever has the other end.
    #[must_use]
    pub fn begin(to: Sender<Piece>, ruleset: Arc<Ruleset>) -> Self {
        Self { to, cursor: Cursor::default(), next: Some(Piece::Begin(ruleset)), is_more: true }
    }

    /// Hands on one piece, if there is room for it. Takes as long as one slice.
    pub fn step(&mut self, store: &Store, now: At) -> Step {
        let piece = match self.next.take() {
            Some(piece) => piece,
            None if self.is_more => {
                let mut slice = Vec::new();
                match store.slice(&mut self.cursor, &mut slice) {
                    Ok(is_more) => self.is_more = is_more,
                    // Without an end, what was handed on is not taken for whole.
                    Err(_) => return Step::Over,
                }
                Piece::Slice(slice)
            }
            None => Piece::End(now),
        };
        let is_end = matches!(piece, Piece::End(_));
        match self.to.try_send(piece) {
            Ok(()) if is_end => Step::Over,
            Ok(()) => Step::Handed,
            Err(TrySendError::Full(piece)) => {
                self.next = Some(piece);
                Step::Waiting
            }
            Err(TrySendError::Disconnected(_)) => Step::Over,
        }
    }

    /// Wakes whoever sleeps when there is room for a piece.
    pub fn wakes<'a>(&'a self, select: &mut Select<'a>) {
        select.send(&self.to);
    }
}
