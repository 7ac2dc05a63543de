//! The real program in the path, and the packets on both sides of it.

use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use tollgate::capture::Capture;

use super::CALLS;
use super::namespaces::{CARRIER_IP, Hosts, wait_for};

/// The real program in the middle, which judges by the rules it ships with.
pub struct Service<'a> {
    hosts: &'a Hosts,
    folder: tempfile::TempDir,
    program: Child,
}

impl<'a> Service<'a> {
    pub fn new(hosts: &'a Hosts) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let network = "home = \"PL\"\n[[route]]\nname = \"abroad\"\nclass = \"international\"\n\
                       point-codes = [200]\nnetwork-indicator = 2\n";
        let options = "[admin]\nlisten = \"10.77.1.1:9090\"\n[records]\ndirectory = \"records\"\nsync = \"100ms\"\n\
                       [inline]\ndeadline = \"5s\"\nipv6 = false\nisup = true\nmtu = 1500\n";
        fs::create_dir(folder.path().join("records")).unwrap();
        fs::write(folder.path().join("network.toml"), network).unwrap();
        fs::write(folder.path().join("tollgate.toml"), options).unwrap();
        let log = folder.path().join("log");
        let program = Hosts::command(&hosts.tollgate, env!("CARGO_BIN_EXE_tollgate"))
            .args(["run", "--config", folder.path().to_str().unwrap()])
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let service = Self { hosts, folder, program };
        wait_for("the service", || {
            fs::read_to_string(&log).ok()?.contains("\"event\":\"started\"").then_some(())
        });
        service
    }

    /// One line for each call, once there is one for all.
    pub fn records(&self) -> Vec<String> {
        wait_for("the records", || {
            let files = fs::read_dir(self.folder.path().join("records")).ok()?;
            let texts = files.filter_map(|file| fs::read_to_string(file.ok()?.path()).ok());
            let lines = texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
            let lines: Vec<_> = lines.filter(|line| line.contains("\"protocol\":\"isup\"")).collect();
            (lines.len() >= CALLS as usize).then_some(lines)
        })
    }

    pub fn metrics(&self) -> String {
        let mut curl = Hosts::command(&self.hosts.carrier, "curl");
        let output = curl.args(["-s", "http://10.77.1.1:9090/metrics"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// A capture on both links, in a directory of their own.
pub struct Links {
    directory: tempfile::TempDir,
    children: Vec<Child>,
}

impl Links {
    pub fn new(hosts: &Hosts) -> Self {
        let mut links = Self { directory: tempfile::tempdir().unwrap(), children: Vec::new() };
        for (namespace, link) in [(&hosts.carrier, "carrier"), (&hosts.switch, "switch")] {
            let file = links.file(link);
            let log = links.directory.path().join(format!("{link}.log"));
            let child = Hosts::command(namespace, "tcpdump")
                .args(["-i", "eth0", "--immediate-mode", "-U", "-w", file.to_str().unwrap(), "ip proto 132"])
                .stderr(fs::File::create(&log).unwrap())
                .stdout(Stdio::null())
                .spawn();
            links.children.push(child.unwrap());
            wait_for("tcpdump", || fs::read_to_string(&log).ok()?.contains("listening on").then_some(()));
        }
        links
    }

    fn file(&self, link: &str) -> PathBuf {
        self.directory.path().join(format!("{link}.pcap"))
    }

    /// Packets to the switch and to the carrier, without hops and the sum over them; once all are there.
    pub fn packets(&self, link: &str) -> [Vec<Vec<u8>>; 2] {
        let mut last = None;
        wait_for("the last packets", || {
            let seen = self.packets_so_far(link);
            let is_all = last.as_ref() == Some(&seen);
            last = Some(seen.clone());
            is_all.then_some(seen)
        })
    }

    fn packets_so_far(&self, link: &str) -> [Vec<Vec<u8>>; 2] {
        let mut seen = [Vec::new(), Vec::new()];
        let Ok(mut capture) = Capture::open(&[self.file(link)]) else { return seen };
        while let Some(frame) = capture.next() {
            let Some(packet) = frame.bytes.get(14..).filter(|packet| packet.len() >= 20) else { continue };
            let mut packet = packet.to_vec();
            for octet in [8, 10, 11] {
                packet[octet] = 0;
            }
            let is_to_carrier = packet[16..20] == CARRIER_IP.parse::<Ipv4Addr>().unwrap().octets();
            seen[usize::from(is_to_carrier)].push(packet);
        }
        seen
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
