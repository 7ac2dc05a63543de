//! Tells how calls ended, in batches, at the time at which they end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use tollgate::base::time::At;
use tollgate::clock::{self, Stopwatch};

use crate::calls::Plan;
use crate::service::pause;

/// How often ends are told.
const EVERY: Duration = Duration::from_millis(200);
/// Most lines of a batch.
const BATCH: usize = 2_000;

/// A call that goes on after its answer.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    pub number: u32,
    pub setup_at: At,
}

/// What was told so far.
#[derive(Default)]
pub struct ToldCounts {
    pub accepted: AtomicU64,
    pub refused: AtomicU64,
    /// Batches that were sent once more.
    pub again: AtomicU64,
    /// Calls that have not ended.
    pub going_on: AtomicU64,
}

/// Tells of calls until nobody begins one any more, and all of them have ended or `give_up` says so.
pub fn run(http: SocketAddr, begun: Receiver<Begun>, counts: Arc<ToldCounts>, give_up: Arc<AtomicBool>) {
    let options = ureq::Agent::config_builder().http_status_as_error(false);
    let agent: ureq::Agent = options.timeout_global(Some(Duration::from_secs(10))).build().into();
    let teller = Teller { agent, url: format!("http://{http}/v1/feed"), counts };
    let mut waiting = BinaryHeap::new();
    let mut is_over = false;
    while !(is_over && waiting.is_empty() || give_up.load(Ordering::Relaxed)) {
        let watch = Stopwatch::start();
        while let Some(left) = EVERY.checked_sub(watch.elapsed()) {
            match begun.recv_timeout(left) {
                Ok(Begun { number, setup_at }) => {
                    let plan = Plan::of(number);
                    if plan.is_told() {
                        waiting.push(Reverse((setup_at + plan.length(), number, setup_at)));
                    }
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    is_over = true;
                    pause(left);
                    break;
                }
            }
        }
        teller.tell_due(&mut waiting, &give_up);
        teller.counts.going_on.store(waiting.len() as u64, Ordering::Relaxed);
    }
}

struct Teller {
    agent: ureq::Agent,
    url: String,
    counts: Arc<ToldCounts>,
}

impl Teller {
    fn tell_due(&self, waiting: &mut BinaryHeap<Reverse<(At, u32, At)>>, give_up: &AtomicBool) {
        let now = clock::now();
        loop {
            let (mut lines, mut count) = (Vec::new(), 0);
            while count < BATCH
                && let Some(Reverse((end_at, number, setup_at))) = waiting.peek().copied()
                && end_at <= now
            {
                waiting.pop();
                Plan::of(number).write_end(number, setup_at, &mut lines);
                count += 1;
            }
            if count == 0 {
                return;
            }
            while !self.tell(&lines) && !give_up.load(Ordering::Relaxed) {
                self.counts.again.fetch_add(1, Ordering::Relaxed);
                pause(Duration::from_millis(250));
            }
        }
    }

    /// Whether it was taken.
    fn tell(&self, lines: &[u8]) -> bool {
        let posted = self.agent.post(&self.url).content_type("application/x-ndjson").send(lines);
        let Ok(mut answer) = posted else { return false };
        let Ok(text) = answer.body_mut().read_to_string() else { return false };
        if answer.status().as_u16() != 200 {
            return false;
        }
        let answer: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let figure = |name: &str| answer[name].as_u64().unwrap_or(0);
        self.counts.accepted.fetch_add(figure("accepted"), Ordering::Relaxed);
        if self.counts.refused.fetch_add(figure("refused"), Ordering::Relaxed) == 0 && figure("refused") > 0 {
            println!("refused by the feed: {}", answer["errors"][0]);
        }
        true
    }
}
