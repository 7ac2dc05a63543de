//! The thread of one push: takes marks, keeps the list, tells the switch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, TryRecvError, after, select};

use crate::adapter::push::list::{Key, Left, List, Value};
use crate::adapter::push::metrics::Metrics;
use crate::adapter::push::spare::Spared;
use crate::adapter::push::{Health, Input, PushOptions, Snapshot, Switch, Trouble};
use crate::base::class::Subject;
use crate::base::network::Network;
use crate::base::time::At;
use crate::clock::{self, Stopwatch};
use crate::judge::Marked;

/// Longest time between two looks at what there is to do.
const TURN: Duration = Duration::from_millis(100);
/// Changes told between two looks at what else there is to do.
const AT_ONCE: usize = 64;
/// Marks taken between two looks at the switch.
const INPUTS_AT_ONCE: usize = 1_024;

pub(super) struct Worker {
    options: PushOptions,
    network: Arc<Network>,
    spared: Spared,
    switch: Box<dyn Switch>,
    metrics: Metrics,
    list: List,
    has_snapshot: bool,
    /// Why the list must be compared before anything else is told.
    cause: Option<&'static str>,
    /// All that is pending when the list was compared is told, and then the switch sealed.
    is_to_seal: bool,
    allowance: Allowance,
    checked: Stopwatch,
    compared: Stopwatch,
    pause: Duration,
    failed: Option<Stopwatch>,
    failures: u32,
}

impl Worker {
    pub(super) fn new(
        options: PushOptions,
        network: &Arc<Network>,
        (switch, metrics): (Box<dyn Switch>, Metrics),
    ) -> Self {
        Self {
            list: List::new(options.entries_max),
            spared: Spared::of(network),
            network: Arc::clone(network),
            allowance: Allowance::new(options.per_second),
            pause: options.pause.0,
            options,
            switch,
            metrics,
            has_snapshot: false,
            cause: Some("start"),
            is_to_seal: false,
            checked: Stopwatch::start(),
            compared: Stopwatch::start(),
            failed: None,
            failures: 0,
        }
    }

    pub(super) fn run(mut self, inputs: &Receiver<Input>, stopped: &Receiver<()>) {
        while self.hear(inputs, stopped) {
            let now = clock::now();
            self.list.expire(now);
            if self.is_time_to_tell() {
                match self.turn(now) {
                    Ok(()) => self.failures = 0,
                    Err(trouble) => self.fail(trouble),
                }
            }
            self.measure();
        }
    }

    /// Takes what has come; waits for it when there is nothing to tell. `false`: it is over.
    fn hear(&mut self, inputs: &Receiver<Input>, stopped: &Receiver<()>) -> bool {
        let is_busy = self.list.pending_count() > 0 && self.is_time_to_tell() && self.allowance.has_some();
        let wait = if is_busy { Duration::ZERO } else { TURN };
        select! {
            recv(stopped) -> _ => return false,
            recv(inputs) -> input => {
                let Ok(input) = input else { return false };
                self.take(input);
                inputs.try_iter().take(INPUTS_AT_ONCE).for_each(|input| self.take(input));
            }
            recv(after(wait)) -> _ => {}
        }
        !matches!(stopped.try_recv(), Err(TryRecvError::Disconnected))
    }

    fn take_all(&mut self, Snapshot { network, marks }: Snapshot) {
        let now = clock::now();
        if !Arc::ptr_eq(&network, &self.network) {
            self.spared = Spared::of(&network);
            self.network = network;
        }
        let mut wanted: BTreeMap<Key, Value> = BTreeMap::new();
        for marked in &marks {
            if let Some((key, value)) = self.choose(marked, now) {
                let entry = wanted.entry(key).or_insert(value);
                if entry.expires < value.expires {
                    *entry = value;
                }
            }
        }
        self.list.replace(&wanted, now);
        for (key, value) in wanted {
            self.want(key, value, now);
        }
        if !self.has_snapshot {
            // Now it is known what the switch holds for no reason.
            self.has_snapshot = true;
            self.cause = self.cause.or(Some("start"));
        }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::All(snapshot) => self.take_all(*snapshot),
            Input::Mark(marked) => {
                let now = clock::now();
                if let Some((key, value)) = self.choose(&marked, now) {
                    self.want(key, value, now);
                }
            }
        }
    }

    fn want(&mut self, key: Key, value: Value, now: At) {
        match self.list.want(key, value, now) {
            Ok(()) => {}
            Err(Left::Ended) => self.metrics.left("ended"),
            Err(Left::Full) => self.metrics.left("list_full"),
        }
    }

    /// The entry that a mark stands for, unless there shall be none.
    fn choose(&self, marked: &Marked, now: At) -> Option<(Key, Value)> {
        let reason = if marked.subject == Subject::Equipment
            || !self.options.subjects.contains(&marked.subject)
            || !self.options.classes.contains(&marked.class)
        {
            "not_chosen"
        } else if self.spared.has_emergency(marked.range) {
            "emergency"
        } else if self.spared.has_known_good(marked.range, now) {
            "known_good"
        } else {
            let place = self.network.routes.all().get(usize::from(marked.route.0))?.class;
            // Whole seconds, as switches have them.
            let end = (marked.at + marked.ttl).nanos() / 1_000_000_000;
            let expires = At::from_nanos(end.saturating_mul(1_000_000_000));
            return Some((Key { place, range: marked.range }, Value { class: marked.class, expires }));
        };
        self.metrics.left(reason);
        None
    }

    fn is_time_to_tell(&self) -> bool {
        self.failed.is_none_or(|since| since.seconds() >= self.pause.as_secs_f64())
    }

    /// One look at the switch: is its list whole, what is to be compared, what is to be told.
    fn turn(&mut self, now: At) -> Result<(), Trouble> {
        self.failed = None;
        if self.options.dry_run {
            self.pretend(now);
            return Ok(());
        }
        if self.cause.is_none() && self.compared.seconds() >= self.options.reconcile_every.as_secs_f64() {
            self.cause = Some("scheduled");
        } else if self.cause.is_none()
            && !self.is_to_seal
            && self.checked.seconds() >= self.options.check_every.as_secs_f64()
        {
            self.checked = Stopwatch::start();
            // What has just ended here may have ended there a moment ago.
            self.cause = match self.switch.check(self.list.acknowledged_count())? {
                Health::Anew => Some("restart"),
                Health::Others => Some("others"),
                Health::Short => Some("short"),
                Health::Whole => None,
            };
        }
        if let Some(cause) = self.cause {
            self.reconcile(cause, now)?;
        }
        self.tell(now)?;
        if self.is_to_seal && self.list.pending_count() == 0 {
            self.switch.seal()?;
            self.is_to_seal = false;
            self.checked = Stopwatch::start();
        }
        Ok(())
    }

    fn reconcile(&mut self, cause: &'static str, now: At) -> Result<(), Trouble> {
        self.metrics.reconciled(cause);
        let all: Vec<_> = self.list.wanted().collect();
        if self.has_snapshot && self.switch.replace(&all)? {
            let held = all.iter().filter_map(|change| Some((change.key, change.value?))).collect();
            self.list.compare(&held, true, now);
            self.metrics.pushed("acknowledged", all.len() as u64);
        } else {
            match self.switch.held()? {
                Some(held) => self.list.compare(&held, self.has_snapshot, now),
                None => self.list.forget_held(now),
            }
        }
        self.cause = None;
        self.compared = Stopwatch::start();
        self.is_to_seal = true;
        Ok(())
    }

    fn tell(&mut self, now: At) -> Result<(), Trouble> {
        let due = self.list.due(self.allowance.take(AT_ONCE));
        if due.is_empty() {
            return Ok(());
        }
        let mut taken = 0;
        let list = &mut self.list;
        let result = self.switch.tell(&due, &mut |change| {
            list.acknowledge(change, now);
            taken += 1;
        });
        self.metrics.pushed("acknowledged", taken);
        result
    }

    /// Says what would be told, and takes it for told.
    fn pretend(&mut self, now: At) {
        self.cause = None;
        for change in self.list.due(self.allowance.take(AT_ONCE)) {
            tracing::info!(switch = self.options.name, ?change, "would be pushed");
            self.list.acknowledge(change, now);
            self.metrics.pushed("dry_run", 1);
        }
    }

    fn fail(&mut self, trouble: Trouble) {
        let switch = &self.options.name;
        match trouble {
            Trouble::OutOfStep => self.cause = Some("out_of_step"),
            Trouble::Refused(why) => {
                self.metrics.pushed("refused", 1);
                tracing::warn!(switch, why, "the switch refuses a change of its list");
            }
            Trouble::Unreachable(why) => {
                self.metrics.pushed("unreachable", 1);
                tracing::warn!(switch, why, "the switch cannot be told of its list");
            }
        }
        let (first, longest) = self.options.pause;
        self.pause = first.saturating_mul(1 << self.failures.min(16)).min(longest);
        self.failures = self.failures.saturating_add(1);
        self.failed = Some(Stopwatch::start());
    }

    fn measure(&self) {
        self.metrics.wanted.set(i64::try_from(self.list.wanted_count()).unwrap_or(i64::MAX));
        self.metrics.acknowledged.set(i64::try_from(self.list.acknowledged_count()).unwrap_or(i64::MAX));
        self.metrics.lag_seconds.set(self.list.lag(clock::now()).as_secs_f64());
    }
}

/// How many changes may be told now: so many a second, and what a tenth of a second saved.
struct Allowance {
    per_second: f64,
    saved: f64,
    since: Stopwatch,
}

impl Allowance {
    fn new(per_second: u32) -> Self {
        Self { per_second: f64::from(per_second.max(1)), saved: 1.0, since: Stopwatch::start() }
    }

    fn refill(&mut self) {
        let most = (self.per_second / 10.0).max(1.0);
        self.saved = (self.saved + self.since.seconds() * self.per_second).min(most);
        self.since = Stopwatch::start();
    }

    fn has_some(&mut self) -> bool {
        self.refill();
        self.saved >= 1.0
    }

    fn take(&mut self, most: usize) -> usize {
        self.refill();
        let taken = (self.saved as usize).min(most);
        self.saved -= taken as f64;
        taken
    }
}
