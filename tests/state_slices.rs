//! What was learned is handed to whoever keeps it slice by slice, while the decision loop answers.

#[path = "common/decision.rs"]
mod decision;

use std::time::Duration;

use crossbeam_channel::{Receiver, bounded, unbounded};

use tollgate::base::map::Seed;
use tollgate::base::number::Number;
use tollgate::billing::Memory;
use tollgate::clock::Deadline;
use tollgate::judge::JudgeOptions;
use tollgate::service::copying::Piece;
use tollgate::service::decision::Order;
use tollgate::service::snapshot;
use tollgate::signal::Setup;

use decision::{Loop, LoopOptions};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

fn start() -> Loop {
    let mut judge = JudgeOptions::default();
    // A few dozen slices.
    (judge.features.people.known, judge.features.people.pairs) = (200_000, 200_000);
    Loop::start(LoopOptions { judge, ..LoopOptions::default() })
}

/// Begins a copy and takes its first piece; then there is room for one more.
fn copy(running: &Loop) -> (Piece, Receiver<Piece>) {
    let (to, pieces) = bounded(1);
    running.orders.send(Order::Copy(to)).unwrap();
    (pieces.recv_timeout(PATIENCE).unwrap(), pieces)
}

fn is_answered(running: &Loop, call: u64) -> bool {
    let number = |number: u64| Number::from_digits(number.to_string().as_bytes()).unwrap().into();
    let setup = Setup {
        calling: number(48_600_000_000 + call),
        called: number(48_700_000_000 + call),
        ..Setup::default()
    };
    let answer = running.put(&call.to_string(), setup, Deadline::after(PATIENCE));
    answer.recv_timeout(PATIENCE).unwrap().is_ok()
}

fn keep(running: &Loop, pieces: &Receiver<Piece>) -> bool {
    let path = running.folder.path().join("state");
    snapshot::take(&path, &running.network, (Seed(1), &Memory::default()), pieces).unwrap()
}

#[test]
fn questions_are_answered_while_nobody_takes_the_slices() {
    let running = start();
    let (begin, pieces) = copy(&running);
    assert!(matches!(begin, Piece::Begin(_)));
    // The disk stands still: not one slice is taken until all are answered.
    assert!((0..100).all(|call| is_answered(&running, call)));
    let (other, refused) = bounded(1);
    running.orders.send(Order::Copy(other)).unwrap();
    assert!(is_answered(&running, 100));
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
    assert!(keep(&running, &all));
    let kept = snapshot::load(Some(&running.folder.path().join("state")), &running.network);
    let (store, _) = kept.learned.unwrap();
    assert_eq!(store.sizes().behaviour.callers, 101, "what came while nothing was taken is in it");
}

#[test]
fn an_end_in_the_middle_leaves_the_earlier_file() {
    let running = start();
    let (begin, pieces) = copy(&running);
    running.orders.send(Order::Stop).unwrap();
    let (again, all) = unbounded();
    again.send(begin).unwrap();
    pieces.iter().for_each(|piece| again.send(piece).unwrap());
    drop(again);
    assert!(!keep(&running, &all), "it was not whole");
    assert!(!running.folder.path().join("state").exists());
    assert!(running.decision.join().is_ok());
}
