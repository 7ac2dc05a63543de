//! Tollgate in the path of packets with a scripted decision loop, in a process of its own.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use crossbeam_channel::{Receiver, bounded};
use tollgate::adapter::inline::{Inline, InlineOptions, Tap};
use tollgate::adapter::nfqueue::rules::{RuleOptions, Rules};
use tollgate::adapter::{Asked, Gate, Query};
use tollgate::base::fail_open::FailOpen;
use tollgate::base::frame::Envelope;
use tollgate::base::network::Network;
use tollgate::base::time::At;
use tollgate::inline::PacketJudge;
use tollgate::judge::{Answer, Treatment};
use tollgate::metrics::Live;

struct NoTap;

impl Tap for NoTap {
    fn see(&mut self, _: At, _: Envelope, _: &[u8]) {}
}

/// Runs until its input ends; then says what it counted. Without `treatment`, nobody is ever answered.
pub fn play_tollgate(
    judge: Box<dyn PacketJudge>,
    options: InlineOptions,
    treatment: Option<fn(&[u8]) -> Treatment>,
) {
    let metrics = Live::new().unwrap().adapter("inline");
    let (queries, asked) = bounded(1_024);
    let gate = Gate::new(queries, (Arc::new(Network::unknown()), Arc::default()), metrics.clone());
    let inline = Inline::open(options, vec![judge], gate, Box::new(NoTap)).unwrap();
    let rules = Rules::install(RuleOptions { ipv6: false, ..RuleOptions::default() }).unwrap();
    let (stopper, counts) = (inline.stopper(), inline.counts());
    let decider = thread::spawn(move || decide(&asked, treatment));
    let running = thread::spawn(move || inline.run(Some(rules)));
    println!("READY");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    stopper.stop();
    running.join().unwrap().unwrap();
    decider.join().unwrap();
    let fail_open: u64 = FailOpen::ALL.into_iter().map(|why| metrics.fail_open_count(why)).sum();
    println!(
        "COUNTS packets={} queued={} dropped={} replaced={} forged={} bypassed={} fail_open={fail_open} {:?}",
        counts.packets.load(Ordering::Relaxed),
        counts.queued.load(Ordering::Relaxed),
        counts.dropped.load(Ordering::Relaxed),
        counts.replaced.load(Ordering::Relaxed),
        counts.forged.load(Ordering::Relaxed),
        counts.bypassed.load(Ordering::Relaxed),
        counts.judges.lock().unwrap(),
    );
}

fn decide(asked: &Receiver<Query>, treatment: Option<fn(&[u8]) -> Treatment>) {
    let mut silent = Vec::new();
    for query in asked {
        let Asked::Message { bytes, .. } = &query.asked else { continue };
        match treatment {
            Some(treatment) => {
                let treatment = treatment(bytes);
                query.reply.answer(Ok(Answer { treatment, ..Answer::default() }));
            }
            None => silent.push(query.reply),
        }
    }
}
