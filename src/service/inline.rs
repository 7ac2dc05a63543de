//! Packet-inline as a part of a service: the queue of the kernel, the rules that fill it, and what is counted there.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Sender;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use crate::adapter::Adapter;
use crate::adapter::inline::{Inline, InlineCounts, InlineOptions, Stopper};
use crate::adapter::nfqueue::rules::{Meter, RuleOptions, Rules};
use crate::inline::PacketJudge;
use crate::inline::isup;
use crate::inline::isup_judge::IsupJudge;
use crate::inline::sip::{SipJudge, SipOptions};
use crate::metrics::prom;
use crate::service::overheard::{Ear, listen};
use crate::service::{Hub, Part, spawn, spawn_every};

/// How often the counters of the rules are read, which starts a program.
const METER_EVERY: Duration = Duration::from_secs(5);

/// What is done in the path.
#[derive(Clone, Debug, Default)]
pub struct PathOptions {
    /// The queue, and how long a setup is held.
    pub inline: InlineOptions,
    /// SIP over UDP.
    pub sip: SipOptions,
    /// ISUP over M3UA and SCTP; `None` leaves it alone.
    pub isup: Option<isup::Options>,
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
    let say = |error: std::io::Error| match error.kind() {
        ErrorKind::PermissionDenied => format!("{error}: it takes CAP_NET_ADMIN and CAP_NET_RAW"),
        _ => error.to_string(),
    };
    let sip = SipOptions { seed: hub.seed, ..options.sip };
    let mut judges: Vec<Box<dyn PacketJudge>> = vec![Box::new(SipJudge::new(Arc::clone(&hub.network), sip))];
    if let Some(isup) = options.isup {
        let isup = isup::Options { seed: hub.seed, ..isup };
        judges.push(Box::new(IsupJudge::new(Arc::clone(&hub.network), isup)));
    }
    let inline = Inline::open(options.inline, judges, hub.gate("inline"), Box::new(ear)).map_err(say)?;
    let (stopper, counts) = (inline.stopper(), inline.counts());
    let unseen = Arc::new(AtomicU64::new(0));
    let counted = Counted { counts: Arc::clone(&counts), unseen: Arc::clone(&unseen) };
    let registered = hub.live.registry().register(Box::new(counted));
    registered.map_err(|error| format!("metrics: {error}"))?;
    // Last of all: from here on packets wait for us.
    let rules = options.rules.map(Rules::install).transpose().map_err(say)?;
    let metered = rules.as_ref().map(|rules| metered(rules.meter(), counts, unseen)).transpose()?;
    let is_broken = Arc::new(AtomicBool::new(false));
    let broken = Arc::clone(&is_broken);
    let thread = spawn("inline", move || {
        if let Err(error) = inline.run(rules) {
            broken.store(true, Ordering::Relaxed);
            tracing::error!(event = "inline_ended", %error, "packets pass unseen");
        }
    })?;
    tracing::info!(event = "adapter_started", adapter = "inline", "packets are judged on their way");
    Ok(Box::new(PathPart { stopper, metered, thread, overheard, is_broken }))
}

/// A thread that reads the counters of the rules now and then, until its sender is gone.
fn metered(
    meter: Meter,
    counts: Arc<InlineCounts>,
    unseen: Arc<AtomicU64>,
) -> Result<(Sender<Infallible>, JoinHandle<()>), String> {
    spawn_every("inline-meter", METER_EVERY, move || {
        if let Some(met) = meter.packets() {
            unseen.fetch_max(counts.unseen(met), Ordering::Relaxed);
        }
    })
}

struct PathPart {
    stopper: Stopper,
    metered: Option<(Sender<Infallible>, JoinHandle<()>)>,
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
        // Before the rules go that it reads.
        if let Some((alive, thread)) = self.metered {
            drop(alive);
            let _ = thread.join();
        }
        self.stopper.stop();
        let _ = self.thread.join();
        let _ = self.overheard.join();
    }
}

/// The counts, whenever they are asked for.
struct Counted {
    counts: Arc<InlineCounts>,
    unseen: Arc<AtomicU64>,
}

impl Collector for Counted {
    fn desc(&self) -> Vec<&Desc> {
        Vec::new()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let counts = &*self.counts;
        let packets = [
            ("taken", &counts.packets),
            ("bypassed", &counts.bypassed),
            ("dropped", &counts.dropped),
            ("replaced", &counts.replaced),
            ("forged", &counts.forged),
            ("forge_failed", &counts.forge_failed),
            ("unreadable", &counts.unreadable),
            ("unclaimed", &counts.unclaimed),
            ("queued", &counts.queued),
            ("surplus", &counts.surplus),
            ("unseen", &*self.unseen),
            ("kernel_faults", &counts.kernel_faults),
        ];
        let packets = packets.map(|(what, count)| (vec![what], count.load(Ordering::Relaxed)));
        let judged = counts.judges.lock().map(|judges| judges.clone()).unwrap_or_default();
        let judged = judged.into_iter().map(|(protocol, what, count)| (vec![protocol, what], count));
        let families = [
            prom::counters(
                ("tollgate_inline_packets_total", "Packets in the path, by what became of them", &["result"]),
                packets.into_iter(),
            ),
            prom::counters(
                (
                    "tollgate_inline_events_total",
                    "What was seen and done in the path",
                    &["protocol", "event"],
                ),
                judged,
            ),
        ];
        families.into_iter().flatten().flatten().collect()
    }
}
