//! The way of one answer back to the thread that asked: it is used once, and when its question is thrown away it says so.

use crate::adapter::Reply;
use crate::base::fail_open::FailOpen;
use crate::judge::Answer;

/// A question's number and its answer.
pub(super) type Numbered = (u64, Result<Answer, FailOpen>);

/// Hands one answer on.
pub(super) struct Slot<F: FnOnce(Numbered)> {
    number: u64,
    hand_on: Option<F>,
}

impl<F: FnOnce(Numbered)> Slot<F> {
    pub const fn new(number: u64, hand_on: F) -> Self {
        Self { number, hand_on: Some(hand_on) }
    }

    fn put(&mut self, answer: Result<Answer, FailOpen>) {
        if let Some(hand_on) = self.hand_on.take() {
            hand_on((self.number, answer));
        }
    }
}

impl<F: FnOnce(Numbered) + Send> Reply for Slot<F> {
    fn answer(mut self: Box<Self>, answer: Result<Answer, FailOpen>) {
        self.put(answer);
    }
}

impl<F: FnOnce(Numbered)> Drop for Slot<F> {
    fn drop(&mut self) {
        self.put(Err(FailOpen::Stopped));
    }
}
