//! The carriers, the operator's switch and its subscribers: sipp and Kamailio in network namespaces, and what they saw.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::daemon::wait_for;
use crate::namespaces::{Hosts, run};
use crate::plan::{self, Carrier};

pub const SUBSCRIBERS: &str = "10.77.2.11";
pub const CHARGED: &str = "10.77.2.12";

/// The stage of one test, set up and torn down. Its folder is that of Tollgate's configuration too.
pub struct Stage {
    children: Vec<Child>,
    pub hosts: Hosts,
    pub folder: tempfile::TempDir,
    pub carriers: Vec<Carrier>,
}

impl Stage {
    /// With Kamailio defining these words, or why it cannot be.
    pub fn new(name: &str, defines: &[&str]) -> Result<Self, String> {
        for (program, argument) in [("kamailio", "-v"), ("sipp", "-v"), ("curl", "-V")] {
            Command::new(program).arg(argument).output().map_err(|error| format!("{program}: {error}"))?;
        }
        let hosts = Hosts::new(name)?;
        let folder = tempfile::tempdir().unwrap();
        let carriers = plan::carriers();
        let of_carriers = carriers.iter().map(|carrier| (&hosts.carrier, carrier.ip));
        let of_switch = [SUBSCRIBERS, CHARGED].into_iter().map(|ip| (&hosts.switch, ip));
        for namespace in [&hosts.tollgate, &hosts.switch] {
            run(&format!("ip -n {namespace} link set lo up")).unwrap();
        }
        for (namespace, ip) in of_carriers.chain(of_switch) {
            run(&format!("ip -n {namespace} addr add {ip}/24 dev eth0")).unwrap();
        }
        fs::create_dir(folder.path().join("records")).unwrap();
        fs::write(folder.path().join("network.toml"), plan::network()).unwrap();
        fs::write(folder.path().join("rates.csv"), plan::RATES).unwrap();
        let mut stage = Self { children: Vec::new(), hosts, folder, carriers };
        stage.switch(defines);
        for ip in [SUBSCRIBERS, CHARGED] {
            stage.called(ip);
        }
        Ok(stage)
    }

    fn switch(&mut self, defines: &[&str]) {
        let folder = self.folder.path().join("kamailio");
        fs::create_dir(&folder).unwrap();
        let mut command = Hosts::command(&self.hosts.switch, "kamailio");
        command.args(["-DD", "-E", "-m", "32", "-M", "4", "-f"]).arg(source("operator.cfg"));
        command.arg("-w").arg(&folder).arg("-Y").arg(&folder);
        for define in defines {
            command.args(["-A", define]);
        }
        let log = File::create(folder.join("log")).unwrap();
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        self.children.push(child);
        self.wait_until_listening("10.77.2.2", &folder.join("log"));
    }

    fn called(&mut self, ip: &str) {
        let mut command = sipp(&self.hosts.switch, self.folder.path(), &format!("called-{ip}"));
        let child =
            command.arg("-sf").arg(source("called.xml")).args(["-i", ip, "-p", "5060"]).spawn().unwrap();
        self.children.push(child);
        self.wait_until_listening(ip, &self.folder.path().join(format!("called-{ip}.out")));
    }

    fn wait_until_listening(&mut self, ip: &str, log: &Path) {
        let child = self.children.last_mut().unwrap();
        let filter = format!("src {ip}:5060");
        wait_for("a switch", || {
            let mut ss = Hosts::command(&self.hosts.switch, "ss");
            let output = ss.args(["-Hlnu", &filter]).output().unwrap();
            if child.try_wait().unwrap().is_some() {
                panic!("{}", fs::read_to_string(log).unwrap());
            }
            (!output.stdout.is_empty()).then_some(())
        });
    }

    /// All carriers place all their calls to this address, each as it should; then they are done.
    pub fn place_calls(&self, target: &str) {
        let mut running = Vec::new();
        for Carrier { name, ip, rate, calls } in &self.carriers {
            let carrier = self.carriers.iter().find(|carrier| carrier.name == *name).unwrap();
            let csv = self.folder.path().join(format!("{name}.csv"));
            fs::write(&csv, carrier.csv()).unwrap();
            let mut command = sipp(&self.hosts.carrier, self.folder.path(), name);
            command
                .args([target, "-i", ip, "-p", "5060", "-sf"])
                .arg(source("caller.xml"))
                .arg("-inf")
                .arg(csv);
            command.args(["-cid_str", &format!("{name}-%u@{ip}"), "-r", &rate.to_string()]);
            command.args(["-m", &calls.len().to_string(), "-timeout", "40s", "-timeout_error"]);
            running.push((name, command.spawn().unwrap()));
        }
        let ended: Vec<_> =
            running.into_iter().map(|(name, mut child)| (name, child.wait().unwrap())).collect();
        for (name, status) in ended {
            let errors = fs::read_to_string(self.folder.path().join(format!("{name}.errors")));
            let start: String = errors.unwrap_or_default().chars().take(2_000).collect();
            assert!(status.success(), "{name}: calls went other ways than they can: {start}");
        }
    }

    /// Final statuses of the calls that carriers placed, by Call-ID.
    pub fn outcomes(&self) -> BTreeMap<String, BTreeSet<u16>> {
        let mut outcomes: BTreeMap<_, BTreeSet<u16>> = BTreeMap::new();
        for carrier in &self.carriers {
            for message in messages(&self.folder.path().join(format!("{}.messages", carrier.name))) {
                let of_call = outcomes.entry(message.call_id.clone()).or_default();
                of_call.extend(message.final_status());
            }
        }
        outcomes
    }

    /// Call-IDs of the INVITEs that came to subscribers, or to the charged trunk.
    pub fn rang_at(&self, ip: &str) -> BTreeSet<String> {
        let seen = messages(&self.folder.path().join(format!("called-{ip}.messages")));
        seen.into_iter().filter(Message::is_invite).map(|message| message.call_id).collect()
    }

    /// All that was said about each call, to and by subscribers, the charged trunk (an address) or a carrier (its name).
    pub fn said_at(&self, whom: &str) -> BTreeMap<String, String> {
        let name = if whom.starts_with("10.") { format!("called-{whom}") } else { whom.to_owned() };
        let mut said: BTreeMap<_, String> = BTreeMap::new();
        for message in messages(&self.folder.path().join(format!("{name}.messages"))) {
            *said.entry(message.call_id).or_default() += &message.text;
        }
        said
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for child in &mut self.children {
            // Kamailio ends its own children when it is asked to end, not when it is killed.
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            let _ = child.wait();
        }
        if thread::panicking() {
            self.folder.disable_cleanup(true);
            eprintln!("what its programs wrote is kept in {}", self.folder.path().display());
        }
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/end_to_end").join(name)
}

fn sipp(namespace: &str, folder: &Path, name: &str) -> Command {
    let mut command = Hosts::command(namespace, "sipp");
    let output = File::create(folder.join(format!("{name}.out"))).unwrap();
    command.current_dir(folder).stdout(output.try_clone().unwrap()).stderr(output).stdin(Stdio::null());
    command.args([
        "-nostdin",
        "-timer_resol",
        "1",
        "-trace_msg",
        "-message_overwrite",
        "false",
        "-message_file",
    ]);
    command.arg(format!("{name}.messages")).args(["-trace_err", "-error_file", &format!("{name}.errors")]);
    command
}

/// A message in sipp's log.
struct Message {
    start: String,
    call_id: String,
    is_of_invite: bool,
    text: String,
}

impl Message {
    fn is_invite(&self) -> bool {
        self.start.starts_with("INVITE ")
    }

    fn final_status(&self) -> Option<u16> {
        let status = self.start.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()?;
        (self.is_of_invite && status >= 200).then_some(status)
    }
}

/// All messages that a sipp sent or received.
fn messages(path: &Path) -> Vec<Message> {
    let log = format!("\n{}", fs::read_to_string(path).unwrap_or_default());
    let mut messages = Vec::new();
    for part in log.split("\n-----------------------------------------------").skip(1) {
        // A line about the time, one about the direction, an empty one; then the message.
        let Some((_, text)) = part.split_once("\n\n") else { continue };
        let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let Some(call_id) = header("Call-ID:") else { continue };
        messages.push(Message {
            start: text.lines().next().unwrap_or_default().to_owned(),
            call_id: call_id.to_owned(),
            is_of_invite: header("CSeq:").is_some_and(|value| value.ends_with("INVITE")),
            text: text.to_owned(),
        });
    }
    messages
}
