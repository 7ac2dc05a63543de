//! Packet-inline as a part of a service: the queue of the kernel, the rules that fill it, and what is counted there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use crate::adapter::Adapter;
use crate::adapter::inline::{Inline, InlineCounts, InlineOptions, Stopper};
use crate::adapter::nfqueue::rules::{RuleOptions, Rules};
use crate::inline::PacketJudge;
use crate::inline::sip::{SipJudge, SipOptions};
use crate::metrics::prom;
use crate::service::overheard::{Ear, listen};
use crate::service::{Hub, Part, spawn};

/// What is done in the path.
#[derive(Clone, Debug, Default)]
pub struct PathOptions {
    /// The queue, and how long a setup is held.
    pub inline: InlineOptions,
    /// SIP over UDP.
    pub sip: SipOptions,
    /// The rules that fill the queue; `None` when the operator puts them in force himself.
    pub rules: Option<RuleOptions>,
}

/// Packets between switches.
#[must_use]
pub fn path(options: PathOptions) -> Part {
    Box::new(move |hub| {
        let (ear, overheard) = listen(hub)?;
        start(options, hub, (ear, overheard)).map_err(|error| format!("inline: {error}"))
    })
}

fn start(
    options: PathOptions,
    hub: &Hub,
    (ear, overheard): (Ear, JoinHandle<()>),
) -> Result<Box<dyn Adapter>, String> {
    let say = |error: std::io::Error| error.to_string();
    let sip = SipOptions { seed: hub.seed, ..options.sip };
    let judges: Vec<Box<dyn PacketJudge>> = vec![Box::new(SipJudge::new(Arc::clone(&hub.network), sip))];
    let inline = Inline::open(options.inline, judges, hub.gate("inline"), Box::new(ear)).map_err(say)?;
    let (stopper, counts) = (inline.stopper(), inline.counts());
    let registered = hub.live.registry().register(Box::new(Counted(Arc::clone(&counts))));
    registered.map_err(|error| format!("metrics: {error}"))?;
    // Last of all: from here on packets wait for us.
    let rules = options.rules.map(Rules::install).transpose().map_err(say)?;
    let is_broken = Arc::new(AtomicBool::new(false));
    let broken = Arc::clone(&is_broken);
    let thread = spawn("inline", move || {
        if let Err(error) = inline.run(rules) {
            broken.store(true, Ordering::Relaxed);
            tracing::error!(event = "inline_ended", %error, "packets pass unseen");
        }
    })?;
    tracing::info!(event = "adapter_started", adapter = "inline", "packets are judged on their way");
    Ok(Box::new(PathPart { stopper, thread, overheard, is_broken }))
}

struct PathPart {
    stopper: Stopper,
    thread: JoinHandle<()>,
    overheard: JoinHandle<()>,
    is_broken: Arc<AtomicBool>,
}

impl Adapter for PathPart {
    fn name(&self) -> &'static str {
        "inline"
    }

    fn trouble(&self) -> Option<String> {
        self.is_broken
            .load(Ordering::Relaxed)
            .then(|| "inline: the queue is gone, packets pass unseen".to_owned())
    }

    fn stop(self: Box<Self>) {
        self.stopper.stop();
        let _ = self.thread.join();
        let _ = self.overheard.join();
    }
}

/// The counts, whenever they are asked for.
struct Counted(Arc<InlineCounts>);

impl Collector for Counted {
    fn desc(&self) -> Vec<&Desc> {
        Vec::new()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let counts = &*self.0;
        let packets = [
            ("taken", &counts.packets),
            ("bypassed", &counts.bypassed),
            ("dropped", &counts.dropped),
            ("replaced", &counts.replaced),
            ("forged", &counts.forged),
            ("forge_failed", &counts.forge_failed),
            ("unreadable", &counts.unreadable),
            ("unclaimed", &counts.unclaimed),
            ("surplus", &counts.surplus),
            ("kernel_faults", &counts.kernel_faults),
        ];
        let packets = packets.map(|(what, count)| (vec![what], count.load(Ordering::Relaxed)));
        let judged = counts.judges.lock().map(|judges| judges.clone()).unwrap_or_default();
        let judged = judged.into_iter().map(|(what, count)| (vec![what], count));
        let families = [
            prom::counters(
                ("tollgate_inline_packets_total", "Packets in the path, by what became of them", &["result"]),
                packets.into_iter(),
            ),
            prom::counters(
                ("tollgate_inline_events_total", "What was seen and done in the path", &["event"]),
                judged,
            ),
        ];
        families.into_iter().flatten().flatten().collect()
    }
}
