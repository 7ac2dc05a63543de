//! The SIP redirect dip over UDP with the decision loop, all on one core, asked from another. Budget: 60,000 calls a second,
//! three times what Kamailio does with `dip-kamailio.cfg` on the same core; at 20,000 calls a second, answers within 1 ms
//! (99th percentile), and none lost.
//!
//! Nobody tells the ends of these calls. `setups`: the table of calls has room for all of them, and what is measured is what
//! Kamailio does too. `full`: it has filled before, and every setup closes an older call, with its windows and its record.
//!
//! `cargo bench --bench dip [SECONDS]`; runs Kamailio too when it is installed. Every final response is acknowledged.

mod common;
#[path = "common/cores.rs"]
mod cores;
#[path = "../tests/common/decision.rs"]
mod decision;
#[path = "common/load.rs"]
mod load;

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tollgate::adapter::dip::{Dip, DipCounts, DipLimits, DipOptions, Profile, ProfileOptions};
use tollgate::adapter::{Adapter, Gate};
use tollgate::base::map::Seed;
use tollgate::call::CallOptions;
use tollgate::clock::{Deadline, Stopwatch};
use tollgate::config;
use tollgate::feature::fields;
use tollgate::metrics::Live;
use tollgate::rule::{Ruleset, Source};

use decision::{Loop, LoopOptions};
use load::{Pace, Report};

/// Says to this program that it is the server, and how many calls it holds.
const SERVER: &str = "TOLLGATE_DIP_BENCH_SERVER";
/// Numbers that the script refuses, too.
const REFUSED: &str = r#"
schema = 1

[[rule]]
id     = "BENCH-1"
name   = "Refused numbers"
mode   = "live"
phase  = "lists"
on     = "setup"
class  = "scan"
when   = "caller.number starts_with \"+4179000000\""
because = "{caller.number} is refused."
action = { block = { sip = 603, q850 = 21, reason = "refused" } }
"#;

fn main() {
    if let Ok(calls_max) = std::env::var(SERVER) {
        return serve(calls_max.parse().expect("a number of calls"));
    }
    let asked = std::env::args().find_map(|argument| argument.parse::<u64>().ok());
    let span = Duration::from_secs(asked.unwrap_or(5));
    let ours = with_tollgate("setups", 4_000_000, span);
    let full = with_tollgate("full", CallOptions::default().calls_max, span);
    let Some(theirs) = with_kamailio(span) else {
        return println!("kamailio is not installed: nothing to compare with");
    };
    for (name, ours) in [("setups", ours), ("full", full)] {
        println!("{name:9} most calls a second, to those of kamailio: {:.2}", ours.most / theirs.most);
        println!("{name:9} processor time of a call, of kamailio's: {:.2}", ours.least / theirs.least);
    }
}

/// What a server reached.
struct Reached {
    /// Most calls answered in a second.
    most: f64,
    /// Least processor time of a call, in microseconds; tells more than the rate where other work goes on.
    least: f64,
}

fn with_tollgate(name: &str, calls_max: usize, span: Duration) -> Reached {
    let program = std::env::current_exe().expect("a program that runs has a path");
    let mut command = Command::new(program);
    command.env(SERVER, calls_max.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = cores::apart(|| command.spawn()).expect("this program starts once more");
    let mut line = String::new();
    let output = child.stdout.take().expect("it is piped");
    BufReader::new(output).read_line(&mut line).expect("it says where it listens");
    let address = line.trim().parse().expect("it says an address");
    if name == "full" {
        fill(address, calls_max);
    }
    let reached = measure(name, (address, child.id()), span);
    drop(child.stdin.take());
    child.wait().expect("it ends");
    reached
}

fn with_kamailio(span: Duration) -> Option<Reached> {
    let directory = tempfile::tempdir().expect("there is a place for files");
    // Taken and given back: nobody else asks for ports meanwhile.
    let address = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
    let (config, pid) = (common::path("benches/dip-kamailio.cfg"), directory.path().join("pid"));
    let mut command = Command::new("kamailio");
    command.args(["-DD", "-E", "-m", "512", "-M", "16", "-l", &format!("udp:{address}")]);
    command.arg("-f").arg(config).arg("-P").arg(&pid).arg("-Y").arg(directory.path());
    let mut child = cores::apart(|| command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()).ok()?;
    let reached = measure("kamailio", (address, child.id()), span);
    let told = Command::new("kill").arg(child.id().to_string()).status();
    told.expect("kill is everywhere");
    child.wait().expect("it ends");
    Some(reached)
}

/// Asks about more calls than the table holds.
fn fill(address: SocketAddr, calls_max: usize) {
    load::wait_for(address);
    let mut asked = 0;
    for turn in 100.. {
        asked += load::run(address, Pace::Closed(32), Duration::from_secs(1), turn).answered;
        if asked > calls_max {
            return;
        }
    }
}

/// Prints a table.
fn measure(name: &str, (address, process): (SocketAddr, u32), span: Duration) -> Reached {
    load::wait_for(address);
    let mut reached = Reached { most: 0.0, least: f64::INFINITY };
    let paces = [Pace::Open(1_000), Pace::Open(5_000), Pace::Open(20_000)];
    let paces = paces.into_iter().chain([8, 32, 64].map(Pace::Closed));
    for (turn, pace) in paces.enumerate() {
        let before = processor_seconds(process);
        let report = load::run(address, pace, span, turn as u32);
        let each = (processor_seconds(process) - before) * 1e6 / report.answered.max(1) as f64;
        reached.most = reached.most.max(report.rate());
        reached.least = reached.least.min(each);
        let Report { sent, answered, refused, .. } = report;
        println!(
            "{name:9} {pace:12} answered {:7.0}/s of {sent}, lost {}, refused {refused}, p50 {:5.0} us, p99 {:6.0} us, processor {each:4.1} us a call",
            report.rate(),
            sent - answered,
            report.percentile(0.50),
            report.percentile(0.99),
        );
    }
    reached
}

/// Seconds that a process and its children have run, by proc(5).
fn processor_seconds(process: u32) -> f64 {
    let processes = std::fs::read_dir("/proc").expect("proc is mounted").flatten();
    let stats = processes.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    let ticks = stats.filter_map(|stat| {
        let (id, rest) = (stat.split(' ').next()?, stat.rsplit_once(')')?.1);
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let process = process.to_string();
        let is_wanted = id == process || *fields.get(1)? == process;
        let ticks = |field: usize| fields.get(field)?.parse::<u64>().ok();
        is_wanted.then_some(ticks(11)? + ticks(12)?)
    });
    // A tick is a hundredth of a second for every program (USER_HZ).
    ticks.sum::<u64>() as f64 / 100.0
}

/// The dip with a decision loop as a service has it, until nobody holds the other end of its input.
fn serve(calls_max: usize) {
    let network = common::network("captures/interconnect/network.toml");
    let mut sources = config::rules::read_rules(&common::path("rules")).expect("the rules can be read");
    sources.push(Source { path: "bench.toml".into(), text: REFUSED.into() });
    let ruleset = Arc::new(Ruleset::compile(&sources, &fields::FIELDS).expect("the rules are sound"));
    let live = Live::new().expect("names of metrics are sound");
    let running = Loop::start(LoopOptions {
        network: Arc::clone(&network),
        ruleset,
        call: CallOptions { calls_max, ..CallOptions::default() },
        queries: 16_384,
        records: 65_536,
        ..LoopOptions::default()
    });
    let options = DipOptions {
        udp: vec!["127.0.0.1:0".parse().expect("an address")],
        tcp: Vec::new(),
        tls: Vec::new(),
        certificates: None,
        peer_header: tollgate::wire::sip::ingress::PEER_HEADER.to_owned(),
        deadline: Duration::from_millis(50),
        profile: Profile::new(&ProfileOptions::default()).expect("the default is sound"),
        seed: Seed(1),
        limits: DipLimits::default(),
    };
    let gate = Gate::new(running.queries.clone(), (network, Arc::default()), live.adapter("dip"));
    let counts = DipCounts::new(live.registry()).expect("names of metrics are sound");
    let dip = Dip::start(&options, gate, counts).expect("the dip starts");
    println!("{}", dip.udp_addresses().next().expect("it listens"));
    let watch = Stopwatch::start();
    std::io::stdin().read_to_end(&mut Vec::new()).expect("the input ends");
    Box::new(dip).stop();
    drop(running.end(Deadline::after(Duration::from_secs(60))));
    let failed = tollgate::base::fail_open::FailOpen::ALL
        .map(|why| (why.name(), live.adapter("dip").fail_open_count(why)));
    let failed: Vec<_> = failed.into_iter().filter(|(_, count)| *count > 0).collect();
    eprintln!("tollgate  ran {:.0} s; passed unjudged: {failed:?}", watch.seconds());
}
