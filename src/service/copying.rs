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

#[cfg(test)]
mod tests {
    use std::thread::{self, JoinHandle};
    use std::time::Duration;

    use crossbeam_channel::{Receiver, bounded, unbounded};
    use prometheus::{Histogram, HistogramOpts, Registry};

    use super::*;
    use crate::adapter::{Asked, Query, Reply, Waker};
    use crate::base::fail_open::FailOpen;
    use crate::base::map::Seed;
    use crate::base::network::Network;
    use crate::base::number::Number;
    use crate::billing::Memory;
    use crate::billing::rate_card::RateCard;
    use crate::call::{CallOptions, Told};
    use crate::clock::Deadline;
    use crate::engine::Shard;
    use crate::journal::DirectoryLock;
    use crate::judge::{Answer, Judge, JudgeOptions};
    use crate::service::decision::{Decision, Inbox, Learned, Order, Outlets};
    use crate::service::records::{Records, RecordsOptions};
    use crate::service::records_metrics::RecordsMetrics;
    use crate::service::snapshot;
    use crate::signal::Setup;
    use crate::source::{self, Outlet};

    /// How long a test waits for what must come.
    const PATIENCE: Duration = Duration::from_secs(30);

    struct Answers(Sender<Result<Answer, FailOpen>>);

    impl Reply for Answers {
        fn hand_over(self: Box<Self>, answer: Result<Answer, FailOpen>) -> Option<Arc<Waker>> {
            let _ = self.0.send(answer);
            None
        }
    }

    /// A decision loop at work, with all that it is connected to.
    struct Running {
        folder: tempfile::TempDir,
        network: Arc<Network>,
        queries: Sender<Query>,
        orders: Sender<Order>,
        decision: JoinHandle<Learned>,
        _records: Records,
        _others: (Outlet, Sender<Vec<Told>>),
    }

    impl Running {
        fn start() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let network = Arc::new(Network::unknown());
            let metrics = RecordsMetrics::new(&Registry::new(), &network).unwrap();
            let options = RecordsOptions {
                directory: folder.path().to_owned(),
                sync_every: Duration::from_secs(1),
                queue: 1_000,
            };
            let rated = (RateCard::default(), Memory::default());
            let lock = DirectoryLock::take(folder.path()).unwrap();
            let (records, desk) = Records::start(&options, lock, &network, rated, metrics).unwrap();
            let outlets = Outlets {
                desk,
                marks: None,
                setup_seconds: Histogram::with_opts(HistogramOpts::new("setup", "setup")).unwrap(),
                lag: Duration::ZERO,
                pulse: Box::new(|| {}),
            };
            let mut options = JudgeOptions::default();
            // A few dozen slices.
            (options.features.people.known, options.features.people.pairs) = (200_000, 200_000);
            let judge = Judge::new(Arc::new(Ruleset::empty()), Arc::clone(&network), options);
            let shard = Shard::new(&network, CallOptions::default(), true);
            let (queries, asked) = bounded(100);
            let (outlet, batches) = source::queue(1);
            let (told_in, told) = bounded(1);
            let (orders, wanted) = bounded(1);
            let inbox = Inbox { queries: asked, batches, told, orders: wanted };
            let decision = Decision::new(&network, (shard, judge), (outlets, None));
            let decision = thread::spawn(move || decision.run(&inbox));
            Self { folder, network, queries, orders, decision, _records: records, _others: (outlet, told_in) }
        }

        /// Begins a copy and takes its first piece; then there is room for one more.
        fn copy(&self) -> (Piece, Receiver<Piece>) {
            let (to, pieces) = bounded(1);
            self.orders.send(Order::Copy(to)).unwrap();
            (pieces.recv_timeout(PATIENCE).unwrap(), pieces)
        }

        fn is_answered(&self, call: u64) -> bool {
            let (reply, answer) = bounded(1);
            let number = |number: u64| Number::from_digits(number.to_string().as_bytes()).unwrap().into();
            let setup = Setup {
                calling: number(48_600_000_000 + call),
                called: number(48_700_000_000 + call),
                ..Setup::default()
            };
            let asked =
                Asked::Setup { call_id: call.to_string().into_bytes().into(), setup: Box::new(setup) };
            let query = Query { asked, deadline: Deadline::after(PATIENCE), reply: Box::new(Answers(reply)) };
            self.queries.send(query).unwrap();
            answer.recv_timeout(PATIENCE).unwrap().is_ok()
        }

        fn keep(&self, pieces: &Receiver<Piece>) -> bool {
            let path = self.folder.path().join("state");
            snapshot::take(&path, &self.network, (Seed(1), &Memory::default()), pieces).unwrap()
        }
    }

    #[test]
    fn questions_are_answered_while_nobody_takes_the_slices() {
        let running = Running::start();
        let (begin, pieces) = running.copy();
        assert!(matches!(begin, Piece::Begin(_)));
        // The disk stands still: not one slice is taken until all are answered.
        assert!((0..100).all(|call| running.is_answered(call)));
        let (other, refused) = bounded(1);
        running.orders.send(Order::Copy(other)).unwrap();
        assert!(running.is_answered(100));
        assert!(refused.recv_timeout(PATIENCE).is_err(), "one copy at a time");

        let (again, all) = unbounded();
        again.send(begin).unwrap();
        let mut slices = 0;
        for piece in pieces {
            slices += u32::from(matches!(piece, Piece::Slice(_)));
            again.send(piece).unwrap();
        }
        drop(again);
        assert!(slices > 20, "{slices}");
        assert!(running.keep(&all));
        let kept = snapshot::load(Some(&running.folder.path().join("state")), &running.network);
        let (store, _) = kept.learned.unwrap();
        assert_eq!(store.sizes().behaviour.callers, 101, "what came while nothing was taken is in it");
    }

    #[test]
    fn an_end_in_the_middle_leaves_the_earlier_file() {
        let running = Running::start();
        let (begin, pieces) = running.copy();
        running.orders.send(Order::Stop).unwrap();
        let (again, all) = unbounded();
        again.send(begin).unwrap();
        pieces.iter().for_each(|piece| again.send(piece).unwrap());
        drop(again);
        assert!(!running.keep(&all), "it was not whole");
        assert!(!running.folder.path().join("state").exists());
        assert!(running.decision.join().is_ok());
    }
}
