//! A running service whose disk hangs, whose directory is taken, whose files are damaged, or of which a part does not start:
//! it goes on or ends in an orderly way, and says what was lost.

#[path = "common/daemon.rs"]
mod daemon;
#[path = "common/stage.rs"]
mod stage;

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crossbeam_channel::never;
use rcgen::{CertificateParams, KeyPair};
use sha2::{Digest, Sha256};

use daemon::{Daemon, wait_for};
use stage::{SPOOFED, Stage};
use tollgate::service::ending::END_WITHIN;

#[test]
fn a_disk_that_hangs_holds_up_neither_a_reload_nor_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path(), "", "[state]\nfile = \"state\"\nevery = \"1s\"\n");
    stage.change("sync = \"50ms\"\n", "sync = \"50ms\"\nqueue-max = 100\n");
    let mut daemon = stage.start();
    let Some(_hung) = Hung::take(&folder.path().join("records")) else { return };
    assert_eq!(stage.decide("bill", "+33123456789", "acme")["decision"], "monetise");
    stage.tell("bill");
    let mut asked = 0;
    wait_for("a full queue of records", || {
        asked += 1;
        assert_eq!(stage.decide(&format!("hung-{asked}"), SPOOFED, "carrier")["decision"], "block");
        (daemon.metrics().sum("tollgate_records_dropped_total", &["reason=\"queue_full\""]) > 0).then_some(())
    });
    assert_eq!(daemon.metrics().sum("tollgate_billing_waiting_records", &[]), 1);
    daemon.reload();
    wait_for("the reload", || (daemon.logged("reloaded") == 1).then_some(()));
    wait_for("a state that is not kept", || (daemon.logged("state_not_saved") > 0).then_some(()));
    assert_eq!(daemon.get("/readyz").map(|(status, _)| status), Some(200));

    assert_eq!(daemon.end().code(), Some(1));
    let log = daemon.log();
    let lost = log.lines().find(|line| line.contains("\"event\":\"records_hung\"")).expect(&log);
    assert!(lost.contains("\"bills\":1"), "{lost}");
    assert!(!folder.path().join("state").exists(), "without what was rated, none is written");
}

#[test]
fn the_unit_waits_for_an_end_that_takes_long() {
    // And the listener for operators takes two seconds more.
    let needed = END_WITHIN + Duration::from_secs(2);
    let waits = |path: &str, key: &str| {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        let seconds =
            text.lines().find_map(|line| line.trim().strip_prefix(key).map(|rest| rest.trim().to_owned()));
        let seconds = seconds.unwrap_or_else(|| panic!("{path}: no {key}"));
        Duration::from_secs(seconds.trim_end_matches('s').parse().unwrap())
    };
    assert!(waits("deploy/systemd/tollgate.service", "TimeoutStopSec=") > needed);
    assert!(waits("deploy/compose/compose.yaml", "stop_grace_period:") > needed);
    assert!(waits("deploy/helm/tollgate/templates/_helpers.tpl", "terminationGracePeriodSeconds:") > needed);
}

#[test]
fn two_services_do_not_write_to_one_directory() {
    let [first_folder, second_folder] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let first = Stage::new(first_folder.path(), "", "");
    let second = Stage::new(second_folder.path(), "", "");
    let directory = first_folder.path().join("records");
    second.change("directory = \"records\"", &format!("directory = \"{}\"", directory.display()));
    let mut daemon = first.start();
    let refused = run(second_folder.path());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("{}: another service writes here", directory.display())), "{said}");
    assert!(said.contains("a `[records] directory` of its own"), "{said}");
    daemon.kill();
    daemon.start_again();
    daemon.stop();
}

#[test]
fn bills_that_cannot_be_read_are_set_aside_and_the_chain_holds_what_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path(), "", "");
    let mut daemon = stage.start();
    charge(&stage, &daemon, "first", 1);
    daemon.stop();
    let bills = daemon.files("billing-").remove(0);
    let mut damaged = fs::read(&bills).unwrap();
    damaged.extend_from_slice(&[0; 4_096]);
    fs::write(&bills, &damaged).unwrap();

    daemon.start_again();
    assert_eq!(daemon.metrics().sum("tollgate_billing_set_aside_files", &[]), 1);
    assert_eq!(daemon.logged("bills_set_aside"), 1);
    charge(&stage, &daemon, "second", 1);
    let aside = bills.with_extension("damaged");
    assert_eq!(fs::read(&aside).unwrap(), damaged);
    let hash = base16(&Sha256::digest(&damaged));
    assert_eq!(verify(&[&bills], &["--after", &hash]).status.code(), Some(0));
    assert_eq!(verify(&[&bills], &[]).status.code(), Some(65), "lines are missing before it");
    fs::remove_file(aside).unwrap();
    wait_for("the operator to be believed", || {
        (daemon.metrics().sum("tollgate_billing_set_aside_files", &[]) == 0).then_some(())
    });
    daemon.stop();
}

#[test]
fn a_service_that_does_not_start_keeps_the_state_of_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path(), "", "[state]\nfile = \"state\"\n");
    let mut daemon = stage.start();
    assert_eq!(stage.decide("spoofed", SPOOFED, "carrier")["decision"], "block");
    daemon.stop();
    let before = fs::read(folder.path().join("state")).unwrap();
    let _taken = TcpListener::bind(stage.http).unwrap();
    let refused = run(folder.path());
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("http: "), "{refused:?}");
    assert!(fs::read(folder.path().join("state")).unwrap() == before, "the state was written over");
}

#[test]
fn a_reload_that_fails_in_one_part_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let sip = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dip = format!("[dip]\ntls = [\"{sip}\"]\ncertificate = \"certificate.pem\"\nkey = \"key.pem\"\n");
    let stage = Stage::new(folder.path(), "", &dip);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    fs::write(folder.path().join("certificate.pem"), certificate.pem()).unwrap();
    fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
    let mut daemon = stage.start();
    let is_good = |daemon: &Daemon| daemon.metrics().sum("tollgate_config_last_reload_successful", &[]) == 1;
    assert!(is_good(&daemon));

    fs::write(folder.path().join("certificate.pem"), "none").unwrap();
    daemon.reload();
    wait_for("the reload to fail", || (daemon.logged("reload_failed") == 1).then_some(()));
    assert!(!is_good(&daemon));
    let log = daemon.log();
    let failed = log.lines().find(|line| line.contains("reload_failed")).unwrap();
    assert!(failed.contains("\"part\":\"dip\"") && failed.contains("certificate.pem"), "{failed}");
    assert_eq!(
        daemon.get("/readyz").map(|(status, _)| status),
        Some(200),
        "the certificate of before serves"
    );

    fs::write(folder.path().join("certificate.pem"), certificate.pem()).unwrap();
    daemon.reload();
    wait_for("a good reload", || is_good(&daemon).then_some(()));
    daemon.stop();
}

#[test]
fn a_file_that_fails_is_told_once_however_well_the_other_does() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path(), "", "");
    let mut daemon = stage.start();
    let in_the_way: Vec<_> = of_these_days(&folder.path().join("records"), "billing").collect();
    in_the_way.iter().for_each(|path| fs::create_dir(path).unwrap());
    charge(&stage, &daemon, "bill", 0);
    let is_failing = |daemon: &Daemon| daemon.metrics().sum("tollgate_records_failing", &[]) == 1;
    wait_for("bills that cannot be written", || is_failing(&daemon).then_some(()));
    let written =
        |daemon: &Daemon| daemon.metrics().sum("tollgate_records_written_total", &["file=\"calls\""]);
    let synced = |daemon: &Daemon| daemon.metrics().sum("tollgate_records_sync_duration_seconds_count", &[]);
    let until = synced(&daemon) + 20;
    let mut asked = 0;
    wait_for("twenty rounds", || {
        asked += 1;
        stage.decide(&format!("call-{asked}"), SPOOFED, "carrier");
        assert!(is_failing(&daemon), "bills still fail");
        (synced(&daemon) > until).then_some(())
    });
    assert!(written(&daemon) > 0);
    assert_eq!((daemon.logged("records_failing"), daemon.logged("records_recovered")), (1, 0));
    in_the_way.iter().for_each(|path| fs::remove_dir(path).unwrap());
    wait_for("the bill", || (!is_failing(&daemon)).then_some(()));
    assert_eq!((daemon.logged("records_failing"), daemon.logged("records_recovered")), (1, 1));
    daemon.stop();
    assert_eq!(daemon.records("billing-").len(), 1);
}

// --- what they share -----------------------------------------------------------------------------------------------

/// Has a call charged, and waits until as many bills are written since the start.
fn charge(stage: &Stage<'_>, daemon: &Daemon, call_id: &str, written: u64) {
    assert_eq!(stage.decide(call_id, "+33123456789", "acme")["decision"], "monetise");
    stage.tell(call_id);
    wait_for("the bill", || {
        let count = daemon.metrics().sum("tollgate_records_written_total", &["file=\"billing\""]);
        let rated = daemon.metrics().sum("tollgate_billing_records_total", &[]);
        (count == written && rated > 0).then_some(())
    });
}

/// Runs a service that is to end by itself.
fn run(folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    let mut program = command.args(["run", "--config"]).arg(folder).stderr(Stdio::piped()).spawn().unwrap();
    let ends = (0..400).any(|_| {
        let _ = never::<()>().recv_timeout(Duration::from_millis(50));
        program.try_wait().unwrap().is_some()
    });
    if !ends {
        program.kill().unwrap();
    }
    program.wait_with_output().unwrap()
}

fn verify(files: &[&Path], options: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tollgate")).arg("verify").args(files).args(options).output().unwrap()
}

fn base16(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Files of this name of now and of the time after, in case a test runs at midnight, or at the end of an hour.
fn of_these_days<'a>(directory: &'a Path, name: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
    let now = tollgate::clock::now();
    let times = [now, now + Duration::from_secs(3_600)].map(|at| at.to_string().replace('-', ""));
    let mut names = times.map(|time| match name {
        "calls" => format!("calls-{}.jsonl", &time[..11]),
        _ => format!("{name}-{}.jsonl", &time[..8]),
    });
    names.sort();
    let count = if names[0] == names[1] { 1 } else { 2 };
    names.into_iter().take(count).map(|name| directory.join(name))
}

/// A disk that hangs: whoever opens the call records of this hour waits, as somebody else holds a lease on them
/// (fcntl(2), `F_SETLEASE`). The system takes it away from him after 45 s (`fs.lease-break-time`).
struct Hung(Child);

impl Hung {
    const HOLDER: &str = "import fcntl, signal, sys\n\
        signal.signal(signal.SIGIO, signal.SIG_IGN)\n\
        files = [open(path, 'r+') for path in sys.argv[1:]]\n\
        for file in files: fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)\n\
        print('held', flush=True)\n\
        sys.stdin.read()\n";

    fn take(records: &Path) -> Option<Self> {
        let files: Vec<_> = of_these_days(records, "calls").collect();
        files.iter().for_each(|path| drop(File::create_new(path).unwrap()));
        let holder = Command::new("python3")
            .args(["-c", Self::HOLDER])
            .args(&files)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut holder) = holder else {
            println!("SKIPPED: a disk that hangs needs python3");
            return None;
        };
        let mut said = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let hung = Self(holder);
        if said.trim() != "held" {
            println!("SKIPPED: a disk that hangs needs a file system with leases");
            return None;
        }
        Some(hung)
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
