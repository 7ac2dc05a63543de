//! The way of one answer back to the thread that asked: it is used once, and when its question is thrown away it says so.

use std::sync::Arc;

use crossbeam_channel::Sender;

use crate::adapter::Reply;
use crate::adapter::waker::Waker;
use crate::base::fail_open::FailOpen;
use crate::judge::Answer;

/// A question's number and its answer.
pub(super) type Numbered = (u64, Result<Answer, FailOpen>);

/// Hands one answer on, and says whom to wake for it.
pub(super) struct Slot<F: FnOnce(Numbered) -> Option<Arc<Waker>>> {
    number: u64,
    hand_on: Option<F>,
}

impl<F: FnOnce(Numbered) -> Option<Arc<Waker>>> Slot<F> {
    pub const fn new(number: u64, hand_on: F) -> Self {
        Self { number, hand_on: Some(hand_on) }
    }

    fn put(&mut self, answer: Result<Answer, FailOpen>) -> Option<Arc<Waker>> {
        let hand_on = self.hand_on.take()?;
        hand_on((self.number, answer))
    }
}

impl<F: FnOnce(Numbered) -> Option<Arc<Waker>> + Send> Reply for Slot<F> {
    fn hand_over(mut self: Box<Self>, answer: Result<Answer, FailOpen>) -> Option<Arc<Waker>> {
        self.put(answer)
    }
}

impl<F: FnOnce(Numbered) -> Option<Arc<Waker>>> Drop for Slot<F> {
    fn drop(&mut self) {
        if let Some(waker) = self.put(Err(FailOpen::Stopped)) {
            waker.wake();
        }
    }
}

/// Where a thread's answers come in.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    pub queue: Sender<Numbered>,
    pub waker: Arc<Waker>,
}

impl Answers {
    /// The way of the answer to question `number`.
    pub fn slot(&self, number: u64) -> Box<dyn Reply> {
        let Self { queue, waker } = self.clone();
        Box::new(Slot::new(number, move |answer| {
            // When the queue is full, the deadline answers.
            queue.try_send(answer).is_ok().then_some(waker)
        }))
    }
}
