//! The built program asked far more than it can judge: twice and ten times its capacity over UDP, for ten seconds each.
//! Budget: it does not end, memory stays at its cap, whoever is answered is answered within 50 ms (with allow, when nobody
//! judged), and ten seconds after the overload calls are judged again, 99 of 100 within 5 ms.
//!
//! `cargo bench --bench overload [SECONDS]`. Service and loader have a core each. So that one loader offers ten times what
//! the service can judge, a control group then holds the service to a share of its core: root only. Without it as much is
//! offered as the loader can, and the multiple that was reached is printed.

#[path = "common/mod.rs"]
mod common;
#[path = "common/cores.rs"]
mod cores;
#[path = "common/load.rs"]
mod load;
#[path = "common/service.rs"]
mod service;
#[path = "overload/share.rs"]
mod share;

use std::fs;
use std::path::Path;
use std::time::Duration;

use tollgate::clock::Stopwatch;

use load::{Answered, Pace, Report};
use service::{Addresses, Metrics, Pages, Process, Service};
use share::Share;

/// What is normal.
const NORMAL: Pace = Pace::Open(1_000);
/// The deadline of an answer, in microseconds.
const DEADLINE: f32 = 50_000.0;
/// When calls are judged again: so many of a hundred within so many microseconds, in every span of so many seconds.
const SHARE: f64 = 0.99;
const SOON: f32 = 5_000.0;
const SPAN: f32 = 0.25;
/// Refuses every caller of the bench, so that an answer says whether somebody judged.
const REFUSED: &str = r#"
schema = 1

[[rule]]
id     = "BENCH-1"
name   = "Whoever calls"
mode   = "live"
phase  = "lists"
on     = "setup"
class  = "scan"
when   = "caller.number starts_with \"+4179\""
because = "{caller.number} is refused."
action = { block = { sip = 603, q850 = 21, reason = "refused" } }
"#;

fn main() {
    let asked = std::env::args().find_map(|argument| argument.parse::<u64>().ok());
    let span = Duration::from_secs(asked.unwrap_or(10));
    let folder = tempfile::tempdir().expect("there is a place for files");
    let addresses = Addresses::free();
    configure(folder.path(), addresses);
    let program = Path::new(env!("CARGO_BIN_EXE_tollgate"));
    let mut service =
        cores::apart(|| Service::start(program, folder.path(), addresses.admin)).expect("the service starts");
    let mut bench = Bench { addresses, pages: service.pages(), process: service.id(), turn: 0 };
    load::wait_for(addresses.dip);
    bench.run("warm", NORMAL, Duration::from_secs(2));
    bench.overload(2.0, span);
    let share = Share::hold(service.id());
    bench.overload(10.0, span);
    drop(share);
    match service.ended() {
        None => println!("the service ended with {:?} when told to", service.stop()),
        Some(status) => println!("THE SERVICE HAS ENDED: {status}"),
    }
    service.errors().iter().take(3).for_each(|line| println!("{line}"));
}

struct Bench {
    addresses: Addresses,
    pages: Pages,
    process: u32,
    turn: u32,
}

impl Bench {
    /// Finds the capacity, offers so many times as much, and looks how long it takes until all is as before.
    fn overload(&mut self, multiple: f64, span: Duration) {
        let capacity = self.run("capacity", Pace::Closed(32), span / 2).rate();
        self.run("normal", NORMAL, span / 2);
        let report = self.run(&format!("{multiple} times"), Pace::Open((capacity * multiple) as u32), span);
        let reached = report.sent as f64 / span.as_secs_f64() / capacity;
        if reached < multiple * 0.95 {
            println!("  the loader reached {reached:.1} times the capacity");
        }
        let after = self.run("after it", NORMAL, span + Duration::from_secs(2));
        match judged_again(&after.log, after.sent as f32 / 1_000.0) {
            Some((seconds, share)) => println!(
                "  judged again, p99 within 5 ms, {seconds:.2} s after the overload, and in {:.0} % of the time from then on",
                share * 100.0
            ),
            None => println!("  NOT judged again within {:.0} s", span.as_secs_f64() + 2.0),
        }
    }

    /// Offers calls for so long, and prints what came of it.
    fn run(&mut self, name: &str, pace: Pace, span: Duration) -> Report {
        self.turn += 1;
        let (before, drops) = (self.metrics(), dropped(self.addresses.dip.port()));
        let report = load::run(self.addresses.dip, pace, span, self.turn);
        let watch = Stopwatch::start();
        let (after, dropped) = (self.metrics(), dropped(self.addresses.dip.port()) - drops);
        let messages =
            |kind: &str| gained(&before, &after, "tollgate_dip_messages_total", &format!("kind=\"{kind}\""));
        let late = report.log.iter().filter(|answered| answered.waited > DEADLINE).count();
        let passed = report.answered - report.refused;
        println!(
            "{name:9} {pace:12} sent {:8}, answered within 50 ms {:8}, late {late:7}, lost {:8}, judged {:5.1} %, passed {passed:8}; \
             p50 {:6.0} us, p99 {:6.0} us; kernel dropped {dropped} (tollgate says {}), dropped for age {}, unsent {}; passed unjudged: {}; RSS {} MiB{}",
            report.sent,
            report.answered - late,
            report.sent - report.answered,
            report.refused as f64 / report.answered.max(1) as f64 * 100.0,
            report.percentile(0.50),
            report.percentile(0.99),
            messages("kernel"),
            messages("overdue"),
            messages("unsent"),
            reasons(&before, &after),
            Process::look(self.process).unwrap_or_default().resident >> 20,
            if watch.seconds() > 1.0 {
                format!("; metrics took {:.1} s", watch.seconds())
            } else {
                String::new()
            },
        );
        report
    }

    fn metrics(&self) -> Metrics {
        self.pages.metrics().unwrap_or_default()
    }
}

fn gained(before: &Metrics, after: &Metrics, family: &str, label: &str) -> u64 {
    after.sum(family, label).saturating_sub(before.sum(family, label))
}

/// What passed unjudged, by reason.
fn reasons(before: &Metrics, after: &Metrics) -> String {
    let names = ["deadline", "queue_full", "state_full", "not_understood", "stopped"];
    let of = |name: &str| gained(before, after, "tollgate_fail_open_total", &format!("reason=\"{name}\""));
    let parts: Vec<_> =
        names.iter().filter(|name| of(name) > 0).map(|name| format!("{name} {}", of(name))).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// Seconds from the beginning until answers were judged soon enough, and the share of the spans after it in which they were.
fn judged_again(log: &[Answered], seconds: f32) -> Option<(f32, f64)> {
    let is_well = |index: usize| {
        let begin = index as f32 * SPAN;
        let here = log.iter().filter(|one| (begin..begin + SPAN).contains(&one.sent_at));
        let (all, well) = here.fold((0_u32, 0_u32), |(all, well), one| {
            (all + 1, well + u32::from(one.status >= 600 && one.waited <= SOON))
        });
        all > 0 && f64::from(well) >= f64::from(all) * SHARE
    };
    let spans: Vec<bool> = (0..(seconds / SPAN) as usize).map(is_well).collect();
    let first = spans.iter().position(|is_well| *is_well)?;
    let well = spans.iter().skip(first).filter(|is_well| **is_well).count();
    Some((first as f32 * SPAN, well as f64 / (spans.len() - first) as f64))
}

/// Datagrams to this port that found no room, acknowledgements among them: the last column of /proc/net/udp.
fn dropped(port: u16) -> u64 {
    let text = fs::read_to_string("/proc/net/udp").unwrap_or_default();
    let is_ours = |line: &&str| {
        let local = line.split_ascii_whitespace().nth(1).unwrap_or_default();
        local.ends_with(&format!(":{port:04X}"))
    };
    let drops =
        text.lines().filter(is_ours).filter_map(|line| line.rsplit(' ').find(|part| !part.is_empty()));
    drops.filter_map(|drops| drops.parse::<u64>().ok()).sum()
}

fn configure(folder: &Path, addresses: Addresses) {
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a file can be written");
    for name in ["records", "rules"] {
        fs::create_dir(folder.join(name)).expect("a directory can be made");
    }
    for entry in fs::read_dir(common::path("rules")).expect("there are rules") {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().expect("a file has a name");
        fs::copy(&path, folder.join("rules").join(name)).expect("a file can be copied");
    }
    write("rules/99-bench.toml", REFUSED);
    write(
        "network.toml",
        "home = \"CH\"\n[[route]]\nname = \"carrier\"\nclass = \"international\"\npeers = [\"192.0.2.0/24\"]\n",
    );
    let Addresses { dip, admin, .. } = addresses;
    write(
        "tollgate.toml",
        &format!(
            "rules = \"rules\"\n[admin]\nlisten = \"{admin}\"\n[records]\ndirectory = \"records\"\n\
             [dip]\nudp = [\"{dip}\"]\n"
        ),
    );
}
