//! What is planned: messages, acknowledgements and ticks of associations, in order of time.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::simulate::attempt::TrunkId;
use crate::simulate::render::tcp::{ConnectionId, Peer};
use crate::simulate::render::{Micros, association, sip};

/// Something that happens at a moment.
pub enum What {
    /// A message on the association of a trunk.
    Isup(TrunkId, association::Sent),
    /// A message by this transport.
    Sip(&'static str, sip::Sent),
    /// This side acknowledges what it received.
    TcpAck(ConnectionId, Peer),
    /// The association of a trunk may have something to do.
    Tick(TrunkId),
}

/// What is to come; at the same moment in the order in which it was planned.
#[derive(Default)]
pub struct Plan {
    due: BinaryHeap<Reverse<Due>>,
    order: u64,
    /// Entries that are no ticks.
    messages: usize,
}

struct Due {
    at: Micros,
    order: u64,
    what: What,
}

impl Plan {
    /// Plans something.
    pub fn push(&mut self, at: Micros, what: What) {
        self.messages += usize::from(!matches!(what, What::Tick(_)));
        self.due.push(Reverse(Due { at, order: self.order, what }));
        self.order += 1;
    }

    /// When the next is due.
    pub fn next_at(&self) -> Option<Micros> {
        self.due.peek().map(|Reverse(due)| due.at)
    }

    /// The next.
    pub fn pop(&mut self) -> Option<(Micros, What)> {
        let Reverse(Due { at, what, .. }) = self.due.pop()?;
        self.messages -= usize::from(!matches!(what, What::Tick(_)));
        Some((at, what))
    }

    /// Whether there is anything but ticks, which alone go on for ever.
    pub const fn has_messages(&self) -> bool {
        self.messages > 0
    }

    /// How much is planned.
    pub fn len(&self) -> usize {
        self.due.len()
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}
