//! Three hosts in a row, each a network namespace: carrier – tollgate – switch. Programs run in them with `ip netns exec`, this
//! one too: it starts itself again with the name of a role in its environment.
#![allow(dead_code, reason = "not everyone who shares this file needs all of it")]

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tollgate::clock::Deadline;

/// Names the role in the environment of a program that was started again.
pub const ROLE: &str = "TOLLGATE_NAMESPACE_ROLE";

pub const CARRIER_IP: &str = "10.77.1.2";
pub const SWITCH_IP: &str = "10.77.2.2";

/// The three namespaces; gone when dropped, with all that is in them.
pub struct Hosts {
    pub carrier: String,
    pub tollgate: String,
    pub switch: String,
}

impl Hosts {
    /// Makes them, or says why there can be none here.
    pub fn new(name: &str) -> Result<Self, String> {
        let run_by = Command::new("id").arg("-u").output().map_err(|error| error.to_string())?;
        if run_by.stdout != b"0\n" {
            return Err("network namespaces and NFQUEUE need root".to_owned());
        }
        let name_of = |role| format!("tg-{name}-{}-{role}", std::process::id());
        let hosts = Self { carrier: name_of("c"), tollgate: name_of("t"), switch: name_of("s") };
        let (c, t, s) = (&hosts.carrier, &hosts.tollgate, &hosts.switch);
        run(&format!("ip netns add {c}"))?;
        for command in [
            format!("ip netns add {t}"),
            format!("ip netns add {s}"),
            format!("ip link add eth0 netns {c} type veth peer name eth1 netns {t}"),
            format!("ip link add eth0 netns {s} type veth peer name eth2 netns {t}"),
            format!("ip -n {c} addr add {CARRIER_IP}/24 dev eth0"),
            format!("ip -n {t} addr add 10.77.1.1/24 dev eth1"),
            format!("ip -n {t} addr add 10.77.2.1/24 dev eth2"),
            format!("ip -n {s} addr add {SWITCH_IP}/24 dev eth0"),
            format!("ip -n {c} link set eth0 up"),
            format!("ip -n {t} link set eth1 up"),
            format!("ip -n {t} link set eth2 up"),
            format!("ip -n {s} link set eth0 up"),
            format!("ip -n {c} route add default via 10.77.1.1"),
            format!("ip -n {s} route add default via 10.77.2.1"),
            format!("ip netns exec {t} sysctl -qw net.ipv4.ip_forward=1"),
        ] {
            run(&command).unwrap();
        }
        Ok(hosts)
    }

    /// A program in a namespace, not yet started.
    pub fn command(namespace: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace, program]).stdin(Stdio::piped());
        command
    }

    /// This program in a namespace and a role, once it has printed `READY`.
    pub fn role(namespace: &str, role: &str, arguments: &[&str]) -> Role {
        let program = std::env::current_exe().unwrap();
        let mut child = Self::command(namespace, program.to_str().unwrap())
            .args(arguments)
            .env(ROLE, role)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut role = Role { output: BufReader::new(child.stdout.take().unwrap()), child };
        role.line("READY");
        role
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for name in [&self.carrier, &self.tollgate, &self.switch] {
            let _ = run(&format!("ip netns del {name}"));
        }
    }
}

/// This program, started again. Ends when its input ends; killed when dropped.
pub struct Role {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Role {
    /// The rest of the next line that begins with `start`.
    pub fn line(&mut self, start: &str) -> String {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            // The harness of tests prints the name of a test before the first line of its output.
            if let Some(at) = line.find(start) {
                return line[at + start.len()..].trim().to_owned();
            }
            line.clear();
        }
        panic!("it ended before it said {start}");
    }

    /// Ends its input, and takes its last words.
    pub fn stop(mut self, start: &str) -> String {
        drop(self.child.stdin.take());
        let words = self.line(start);
        self.child.wait().unwrap();
        words
    }

    /// Ends it as a crash does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn run(command: &str) -> Result<(), String> {
    let mut words = command.split(' ');
    let output =
        Command::new(words.next().unwrap()).args(words).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

/// Looks every few milliseconds until there is something, for as long as ten seconds.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Deadline::after(Duration::from_secs(10));
    let (_open, never) = mpsc::channel::<()>();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(!deadline.left().is_zero(), "waited in vain for {what}");
        let _ = never.recv_timeout(Duration::from_millis(10));
    }
}
