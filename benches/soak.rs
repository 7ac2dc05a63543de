//! The built program under load for an hour: 1,500 calls a second with ever new numbers, full tables, campaigns, a reload and
//! a state file a minute. Budget: resident memory grows by no more than 2 % from the middle third of the time to the
//! last, descriptors and threads stay as many, no answer is lost, and every call is recorded once.
//!
//! `cargo bench --bench soak -- [--minutes N] [--rate N] [--fill N] [--program PATH]`: minutes (60), calls a second (1500), calls that
//! it has learned from before, in thousands (4000), the program (the one built with this bench). Exit code 1 says what is
//! wrong. Ctrl-C ends it early, and judges what there is.

#[path = "soak/asking.rs"]
mod asking;
#[path = "soak/calls.rs"]
mod calls;
#[path = "soak/copying.rs"]
mod copying;
#[path = "soak/fill.rs"]
mod fill;
#[path = "soak/records.rs"]
mod records;
#[path = "common/service.rs"]
mod service;
#[path = "soak/telling.rs"]
mod telling;
#[path = "soak/watch.rs"]
mod watch;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::unbounded;
use signal_hook::consts::{SIGINT, SIGTERM};
use tollgate::clock::Stopwatch;

use calls::{Kind, Plan};
use service::{Addresses, Service, pause};
use watch::{Counts, Watch};

/// Seconds from one look to the next, and looks from one reload to the next.
const LOOK_EVERY: f64 = 10.0;
const LOOKS_A_MINUTE: u64 = 6;
/// Marks the callers of a carrier that people call from, so that the table of marks comes to its limit.
const MARKS: &str = r#"
schema = 1

[[rule]]
id     = "SOAK-1"
name   = "Numbers of one carrier, marked without consequence"
mode   = "live"
phase  = "fraud"
on     = "end"
class  = "sim_box"
when   = "caller.number starts_with \"+4878\""
because = "{caller.number} is marked."
mark   = [ { subject = "caller", ttl = "24h" } ]
"#;

fn main() -> ExitCode {
    let options = Options::read();
    let folder = tempfile::tempdir().expect("there is a place for files");
    let addresses = Addresses::free();
    configure(folder.path(), addresses);
    if options.fill > 0 {
        let watch = Stopwatch::start();
        let full = fill::write(folder.path(), options.fill * 1_000);
        println!("learned from {} thousand calls in {:.0} s; full: {full}", options.fill, watch.seconds());
    }
    let mut wrong = run(&options, folder.path(), addresses);
    wrong.retain(|text| !text.is_empty());
    wrong.iter().for_each(|text| println!("WRONG: {text}"));
    if wrong.is_empty() {
        println!("all is well");
        return ExitCode::SUCCESS;
    }
    let kept = folder.keep();
    println!("its files stay in {}", kept.display());
    ExitCode::FAILURE
}

struct Options {
    minutes: u64,
    rate: u32,
    /// Thousands of calls.
    fill: u32,
    program: PathBuf,
}

impl Options {
    fn read() -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let after = |name: &str| {
            let place = arguments.iter().position(|argument| argument == name)?;
            arguments.get(place + 1).cloned()
        };
        let number =
            |name: &str, default: u32| after(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        Self {
            minutes: u64::from(number("--minutes", 60)),
            rate: number("--rate", 1_500),
            fill: number("--fill", 4_000),
            program: after("--program").unwrap_or_else(|| env!("CARGO_BIN_EXE_tollgate").to_owned()).into(),
        }
    }
}

/// What is wrong, if anything.
fn run(options: &Options, folder: &Path, addresses: Addresses) -> Vec<String> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).expect("signals can be watched");
    }
    let mut service = match Service::start(&options.program, folder, addresses.admin) {
        Ok(service) => service,
        Err(error) => return vec![format!("the service does not start: {error}")],
    };
    println!("process {}, {} calls a second for {} minutes", service.id(), options.rate, options.minutes);
    let counts = Counts::default();
    let (stop_reading, give_up) = <(Arc<AtomicBool>, Arc<AtomicBool>)>::default();
    let (begun, begins) = unbounded();
    let asking = {
        let (counts, stop, at) =
            (Arc::clone(&counts.asked), Arc::clone(&stop), (addresses.dip, f64::from(options.rate)));
        thread::spawn(move || asking::run(at, counts, begun, stop))
    };
    let copying = {
        let (begun, stop) = (Arc::clone(&counts.copied), Arc::clone(&stop));
        thread::spawn(move || copying::run(addresses.hep, begun, stop))
    };
    let telling = {
        let (counts, give_up) = (Arc::clone(&counts.told), Arc::clone(&give_up));
        thread::spawn(move || telling::run(addresses.http, begins, counts, give_up))
    };
    let reading = {
        let (counts, stop, directory) =
            (Arc::clone(&counts.seen), Arc::clone(&stop_reading), folder.join("records"));
        thread::spawn(move || records::run(directory, counts, stop))
    };
    let mut watch = Watch {
        process: service.id(),
        pages: service.pages(),
        folder: folder.to_owned(),
        counts,
        samples: Vec::new(),
        metrics: service::Metrics::default(),
    };
    let mut wrong: Vec<String> = keep_watch(&mut watch, options.minutes, &stop).err().into_iter().collect();
    stop.store(true, Ordering::Relaxed);
    give_up.store(!wrong.is_empty(), Ordering::Relaxed);
    asking.join().expect("asking does not panic");
    copying.join().expect("copying does not panic");
    println!("no more calls; those that go on end within a minute");
    telling.join().expect("telling does not panic");
    wrong.extend(watch.scrape().err());
    wrong.extend(watch.judge());
    wrong.extend(service.errors().first().map(|line| format!("its log tells of an error: {line}")));
    match service.stop() {
        Some(status) if status.success() => {}
        status => wrong.push(format!("it ended with {status:?}")),
    }
    stop_reading.store(true, Ordering::Relaxed);
    let recorded = reading.join().expect("reading does not panic");
    wrong.extend(judge_calls(&watch, &recorded));
    wrong.extend(verify(&options.program, folder));
    wrong
}

/// Looks at the service until it is time, and has its rules read again every minute.
fn keep_watch(watch: &mut Watch, minutes: u64, stop: &AtomicBool) -> Result<(), String> {
    let clock = Stopwatch::start();
    for look in 1..=minutes * LOOKS_A_MINUTE {
        while clock.seconds() < look as f64 * LOOK_EVERY {
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            pause(Duration::from_millis(100));
        }
        watch.look()?;
        if look % LOOKS_A_MINUTE == 0 {
            watch.print(look / LOOKS_A_MINUTE);
        }
        if look % LOOKS_A_MINUTE == LOOKS_A_MINUTE / 2 {
            write_rules(&watch.folder, if look % (2 * LOOKS_A_MINUTE) < LOOKS_A_MINUTE { 21 } else { 16 });
            service::signal(watch.process, "-HUP");
        }
    }
    Ok(())
}

/// Every call was answered, and is recorded once.
fn judge_calls(watch: &Watch, recorded: &records::Recorded) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |is_well: bool, text: String| (!is_well).then(|| wrong.push(text));
    let Counts { asked, told, seen, copied } = &watch.counts;
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let (sent, metrics) = (count(&asked.sent), &watch.metrics);
    check(asked.open() == 0, format!("{} of {sent} calls were not answered", asked.open()));
    check(count(&asked.held_up) == 0, format!("{} emergency calls were held up", count(&asked.held_up)));
    let dip = "adapter=\"dip\"";
    let judged = metrics.sum("tollgate_switch_responses_total", dip);
    let unjudged = metrics.sum("tollgate_fail_open_total", dip);
    println!(
        "{sent} calls: {judged} judged, {unjudged} passed unjudged: {}",
        metrics.by("tollgate_fail_open_total", "reason=")
    );
    check(
        judged + unjudged == count(&asked.answered),
        format!("{judged} and {unjudged} are not {}", count(&asked.answered)),
    );
    check(count(&told.refused) == 0, format!("the feed refused {} lines", count(&told.refused)));
    check(count(&seen.twice) == 0, format!("{} calls were recorded twice", count(&seen.twice)));
    check(count(&seen.strange) == 0, format!("{} records name no call of ours", count(&seen.strange)));
    let missing: Vec<u32> = (0..sent as u32).filter(|number| !recorded.asked.contains(*number)).collect();
    let is_due = |number: &&u32| Plan::of(**number).is_told();
    check(
        missing.iter().filter(is_due).count() == 0,
        format!(
            "no record of {} calls, such as {:?}",
            missing.iter().filter(is_due).count(),
            missing.iter().find(is_due)
        ),
    );
    // What passed unjudged, and whose end nobody told, nobody knows of.
    let unknown = missing.iter().filter(|number| Plan::of(**number).kind == Kind::Forgotten).count() as u64;
    check(unknown <= unjudged, format!("no record of {unknown} calls whose end was not told"));
    let lost = (0..count(copied) as u32).filter(|number| !recorded.copied.contains(*number)).count();
    check(lost == 0, format!("no record of {lost} of {} calls that copies told of", count(copied)));
    for family in ["tollgate_records_dropped_total", "tollgate_records_failing"] {
        check(metrics.sum(family, "") == 0, format!("{family} {}", metrics.sum(family, "")));
    }
    println!(
        "{} records, {} calls told {} times over, faults: {}",
        count(&seen.lines),
        count(&told.accepted),
        count(&told.again),
        metrics.by("tollgate_faults_total", "reason=")
    );
    wrong
}

/// What the program itself says of its chain of bills.
fn verify(program: &Path, folder: &Path) -> Option<String> {
    let files = records::files(&folder.join("records"), "billing-");
    let verified = Command::new(program).arg("verify").args(files).output().ok()?;
    let said =
        [verified.stdout, verified.stderr].map(|text| String::from_utf8_lossy(&text).trim().to_owned());
    println!("bills: {}", said.join(" "));
    (!verified.status.success()).then(|| "the chain of bills is broken".to_owned())
}

/// A network with a carrier, a neighbour, a contracted sender and subscribers, and everything that a service keeps.
fn configure(folder: &Path, addresses: Addresses) {
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a file can be written");
    for name in ["records", "rules"] {
        fs::create_dir(folder.join(name)).expect("a directory can be made");
    }
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")).expect("there are rules") {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().expect("a file has a name");
        fs::copy(&path, folder.join("rules").join(name)).expect("a file can be copied");
    }
    write_rules(folder, 21);
    write(
        "network.toml",
        "home = \"PL\"\nsubscribers = 1_000_000\n[billing]\nrate-card = \"rates.csv\"\n[lists]\nhigh-cost = \"high-cost.csv\"\n\
         [[route]]\nname = \"carrier\"\nclass = \"international\"\npeers = [\"192.0.2.0/26\"]\n\
         [[route]]\nname = \"neighbour\"\nclass = \"national\"\npeers = [\"192.0.2.64/26\"]\n\
         [[route]]\nname = \"core\"\nclass = \"on-net\"\npeers = [\"192.0.2.192/26\"]\n\
         [[route]]\nname = \"acme\"\nclass = \"white\"\npeers = [\"192.0.2.128/26\"]\nsender = \"acme\"\n\
         [[route]]\nname = \"subscribers\"\nclass = \"outbound\"\npeers = [\"198.51.100.0/24\"]\n",
    );
    write("high-cost.csv", "prefix,owner,reason,expires\n+336,somebody,as if it cost much,\n");
    write(
        "rates.csv",
        "sender,dest_prefix,valid_from,valid_to,tier_from,currency,price,unit\n\
         acme,+48,2020-01-01,,0,EUR,0.0045,attempt\nacme,+48,2020-01-01,,1000,EUR,0.0038,attempt\n",
    );
    let Addresses { dip, admin, http, hep } = addresses;
    write(
        "tollgate.toml",
        &format!(
            "rules = \"rules\"\n[admin]\nlisten = \"{admin}\"\n[records]\ndirectory = \"records\"\n\
             [state]\nfile = \"state\"\nevery = \"1m\"\n[calls]\nlive-max = 32000\n\
             [dip]\nudp = [\"{dip}\"]\nmonetise = \"sip:{{called}}@192.0.2.50\"\n[http]\nlisten = \"{http}\"\n\
             [[hep]]\nudp = \"{hep}\"\n"
        ),
    );
}

/// Rules of the soak's own; with another cause they are other rules.
fn write_rules(folder: &Path, cause: u16) {
    let refused = format!(
        "{MARKS}\n[[rule]]\nid = \"SOAK-2\"\nname = \"Nobody\"\nmode = \"live\"\nphase = \"lists\"\non = \"setup\"\n\
         class = \"scan\"\nwhen = \"caller.number starts_with \\\"+99199\\\"\"\nbecause = \"{{caller.number}} is nobody.\"\n\
         action = {{ block = {{ sip = 603, q850 = {cause}, reason = \"nobody\" }} }}\n"
    );
    fs::write(folder.join("rules/99-soak.toml"), refused).expect("a file can be written");
}
