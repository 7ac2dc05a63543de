//! Adapters as parts of a service.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::adapter::Adapter;
use crate::adapter::dip::{Dip, DipCounts, DipOptions};
use crate::adapter::http::{HttpOptions, Server};
use crate::adapter::proxy::{Proxy, ProxyCounts, ProxyOptions};
use crate::adapter::push::{Push, PushOptions, Snapshot, Switch};
use crate::base::network::Network;
use crate::judge::Marked;
use crate::service::decision::Order;
use crate::service::overheard::listen;
use crate::service::{Part, spawn};

/// The decision interface, and the feed, over HTTP.
#[must_use]
pub fn http(options: HttpOptions) -> Part {
    Box::new(move |hub| {
        let listen = options.listen;
        let server = Server::start(options, hub.gate("http"), hub.told.clone(), hub.live.registry())
            .map_err(|error| format!("http: {listen}: {error}"))?;
        tracing::info!(event = "adapter_started", adapter = "http", address = %server.address(), "asked by HTTP");
        Ok(Box::new(server))
    })
}

/// Switches that ask by SIP redirect.
#[must_use]
pub fn dip(options: DipOptions) -> Part {
    Box::new(move |hub| {
        let counts = DipCounts::new(hub.live.registry()).map_err(|error| format!("metrics: {error}"))?;
        let options = DipOptions { seed: hub.seed, ..options };
        let dip = Dip::start(&options, hub.gate("dip"), counts).map_err(|error| format!("dip: {error}"))?;
        tracing::info!(event = "adapter_started", adapter = "dip", "asked by SIP");
        Ok(Box::new(dip))
    })
}

/// A proxy between carriers and core.
#[must_use]
pub fn proxy(options: ProxyOptions) -> Part {
    Box::new(move |hub| {
        let counts = ProxyCounts::new(hub.live.registry()).map_err(|error| format!("metrics: {error}"))?;
        let (ear, overheard) = listen(hub)?;
        let options = ProxyOptions { seed: hub.seed, ..options };
        let proxy = Proxy::start(options, hub.gate("sip-proxy"), &ear, counts)
            .map_err(|error| format!("proxy: {error}"))?;
        tracing::info!(event = "adapter_started", adapter = "sip-proxy", "calls pass by it");
        Ok(Box::new(ProxyPart { proxy, overheard }))
    })
}

struct ProxyPart {
    proxy: Proxy,
    overheard: JoinHandle<()>,
}

impl Adapter for ProxyPart {
    fn name(&self) -> &'static str {
        self.proxy.name()
    }

    fn trouble(&self) -> Option<String> {
        self.proxy.trouble()
    }

    fn stop(self: Box<Self>) {
        Box::new(self.proxy).stop();
        let _ = self.overheard.join();
    }
}

/// A switch that is pushed a list.
pub type Target = (PushOptions, Box<dyn Switch>);

/// Lists pushed to switches.
#[must_use]
pub fn push(targets: Vec<Target>) -> Part {
    Box::new(move |hub| {
        let mut pushes = Vec::new();
        for (options, switch) in targets {
            let name = options.name.clone();
            let push = Push::start(options, Arc::clone(&hub.network), switch, hub.live.registry())
                .map_err(|error| format!("push {name}: {error}"))?;
            tracing::info!(event = "adapter_started", adapter = "push", switch = name, "a list is pushed");
            pushes.push(push);
        }
        let (stop, stopped) = bounded(0);
        let feed = Feed {
            pushes,
            marks: hub.marks.clone(),
            orders: hub.orders.clone(),
            network: Arc::clone(&hub.network),
        };
        let thread = spawn("push", move || feed.run(&stopped))?;
        Ok(Box::new(PushPart { stop, thread }))
    })
}

struct PushPart {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Adapter for PushPart {
    fn name(&self) -> &'static str {
        "push"
    }

    fn stop(self: Box<Self>) {
        drop(self.stop);
        let _ = self.thread.join();
    }
}

/// How often it is looked whether a push wants all marks.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Longest wait for the decision loop's marks.
const MARKS_WITHIN: Duration = Duration::from_secs(2);

/// Gives every push every mark.
struct Feed {
    pushes: Vec<Push>,
    marks: Receiver<Marked>,
    orders: Sender<Order>,
    network: Arc<Network>,
}

impl Feed {
    fn run(self, stopped: &Receiver<()>) {
        loop {
            match self.marks.recv_timeout(LOOK_EVERY) {
                Ok(marked) => self.pushes.iter().for_each(|push| push.offer(&marked)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if stopped.try_recv().is_err_and(|error| error.is_disconnected()) {
                return;
            }
            for push in self.pushes.iter().filter(|push| push.wants_snapshot()) {
                if let Some(marks) = self.all_marks() {
                    push.snapshot(Snapshot { network: Arc::clone(&self.network), marks });
                }
            }
        }
    }

    fn all_marks(&self) -> Option<Vec<Marked>> {
        let (reply, answer) = bounded(1);
        self.orders.try_send(Order::Marks(reply)).ok()?;
        answer.recv_timeout(MARKS_WITHIN).ok()
    }
}
