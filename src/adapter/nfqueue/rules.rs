//! Rules of the kernel that send signalling to a queue: nft where it knows queues, else iptables and ip6tables.
//!
//! The rules bypass a queue that nobody has, so that calls go on when this program is gone. They stand in a table of their own
//! (nft) or in `mangle` (iptables): a packet that a queue accepted is not looked at by later rules of the same chain, and the
//! operator's own rules in `filter` must still be.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::{Command, Stdio};

/// Where packets are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// Packets between two other hosts.
    Forward,
    /// Packets to a switch on this host.
    Input,
    /// Packets of a switch on this host.
    Output,
}

/// What is sent to which queue.
#[derive(Clone, Debug)]
pub struct RuleOptions {
    /// Number of the queue.
    pub queue: u16,
    /// Where.
    pub chains: Vec<Chain>,
    /// UDP ports, of sender or receiver, that carry SIP.
    pub sip_ports: Vec<u16>,
    /// Whether SCTP is sent, of any port.
    pub sctp: bool,
    /// Whether IPv6 is, too.
    pub ipv6: bool,
}

impl Default for RuleOptions {
    fn default() -> Self {
        Self { queue: 0, chains: vec![Chain::Forward], sip_ports: vec![5060], sctp: true, ipv6: true }
    }
}

/// Who carries the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// iptables(8), and ip6tables(8).
    Iptables,
    /// nft(8).
    Nft,
}

/// Rules that are in force until they are removed, or this is dropped.
#[derive(Debug)]
pub struct Rules {
    tool: Tool,
    options: RuleOptions,
    is_removed: bool,
}

/// Reads how many packets met the rules. A queue that fails open counts nothing of what passes it by; what met the rules and
/// was not taken from the queue did.
#[derive(Clone, Debug)]
pub struct Meter {
    tool: Tool,
    options: RuleOptions,
}

impl Rules {
    /// Puts the rules in force, by nft if it can and else by iptables. What an earlier run left behind is replaced.
    ///
    /// # Errors
    /// What both tools say.
    pub fn install(options: RuleOptions) -> io::Result<Self> {
        let nft = run_script(Tool::Nft, &text(Tool::Nft, &options));
        let Err(nft) = nft else { return Ok(Self { tool: Tool::Nft, options, is_removed: false }) };
        remove(Tool::Iptables, &options);
        let rules = Self { tool: Tool::Iptables, options, is_removed: false };
        // A failure on the way removes what is there already.
        run_script(Tool::Iptables, &text(Tool::Iptables, &rules.options))
            .map_err(|iptables| io::Error::other(format!("nft: {nft}; iptables: {iptables}")))?;
        Ok(rules)
    }

    /// Who carries them.
    #[must_use]
    pub const fn tool(&self) -> Tool {
        self.tool
    }

    /// Reads their counters, for as long as they are in force.
    #[must_use]
    pub fn meter(&self) -> Meter {
        Meter { tool: self.tool, options: self.options.clone() }
    }

    /// Takes the rules out of force.
    pub fn remove(mut self) {
        self.remove_once();
    }

    fn remove_once(&mut self) {
        if !std::mem::replace(&mut self.is_removed, true) {
            remove(self.tool, &self.options);
        }
    }
}

impl Drop for Rules {
    fn drop(&mut self) {
        self.remove_once();
    }
}

impl Meter {
    /// Packets that met one of the rules, whether the queue took them or not; `None` when the tool does not say. Starts
    /// programs: not for a thread that packets wait for.
    #[must_use]
    pub fn packets(&self) -> Option<u64> {
        let name = chain_name(&self.options);
        if self.tool == Tool::Nft {
            let listed = run("nft", &["list", "table", "inet", &table_name(&self.options)], "").ok()?;
            let counters = listed.split("counter packets ").skip(1);
            return Some(counters.filter_map(first_number).sum());
        }
        let mut packets = 0;
        for program in programs(&self.options) {
            let listed = run(program, &["-w", "-t", "mangle", "-L", &name, "-v", "-x", "-n"], "").ok()?;
            packets +=
                listed.lines().filter(|line| line.contains("NFQUEUE")).filter_map(first_number).sum::<u64>();
        }
        Some(packets)
    }
}

/// The rules as commands of a shell (iptables) or a file for `nft -f` (nft), for an operator who installs them.
#[must_use]
pub fn text(tool: Tool, options: &RuleOptions) -> String {
    match tool {
        Tool::Iptables => iptables_text(options),
        Tool::Nft => nft_text(options),
    }
}

fn iptables_text(options: &RuleOptions) -> String {
    let (name, queue) = (chain_name(options), options.queue);
    let mut text = String::new();
    for program in programs(options) {
        let mut line = |rule: &str| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{program} -w -t mangle {rule}");
        };
        line(&format!("-N {name}"));
        let target = format!("-j NFQUEUE --queue-num {queue} --queue-bypass");
        for port in &options.sip_ports {
            line(&format!("-A {name} -p udp --dport {port} {target}"));
            line(&format!("-A {name} -p udp --sport {port} {target}"));
        }
        if options.sctp {
            line(&format!("-A {name} -p sctp {target}"));
        }
        for chain in &options.chains {
            line(&format!("-I {} 1 -j {name}", iptables_chain(*chain)));
        }
    }
    text
}

fn nft_text(options: &RuleOptions) -> String {
    let (name, queue) = (table_name(options), options.queue);
    let family = if options.ipv6 { "" } else { "meta nfproto ipv4 " };
    let target = format!("counter queue flags bypass to {queue}");
    let ports: Vec<String> = options.sip_ports.iter().map(u16::to_string).collect();
    let ports = ports.join(", ");
    // Made, emptied and made again in one step, so that there is one of it.
    let mut text = format!("table inet {name}\ndelete table inet {name}\ntable inet {name} {{\n");
    for chain in &options.chains {
        let hook = match chain {
            Chain::Forward => "forward",
            Chain::Input => "input",
            Chain::Output => "output",
        };
        let _ =
            writeln!(text, "  chain {hook} {{\n    type filter hook {hook} priority mangle; policy accept;");
        if !ports.is_empty() {
            let _ = writeln!(text, "    {family}udp dport {{ {ports} }} {target}");
            let _ = writeln!(text, "    {family}udp sport {{ {ports} }} {target}");
        }
        if options.sctp {
            let _ = writeln!(text, "    {family}meta l4proto sctp {target}");
        }
        text.push_str("  }\n");
    }
    text.push_str("}\n");
    text
}

fn run_script(tool: Tool, script: &str) -> io::Result<()> {
    if tool == Tool::Nft {
        return run("nft", &["-f", "-"], script).map(drop);
    }
    for line in script.lines() {
        let mut words = line.split(' ');
        let program = words.next().unwrap_or_default();
        run(program, &words.collect::<Vec<_>>(), "")?;
    }
    Ok(())
}

/// What is not there need not be removed.
fn remove(tool: Tool, options: &RuleOptions) {
    if tool == Tool::Nft {
        let _ = run("nft", &["delete", "table", "inet", &table_name(options)], "");
        return;
    }
    let name = chain_name(options);
    for program in programs(options) {
        for chain in &options.chains {
            let jump = ["-w", "-t", "mangle", "-D", iptables_chain(*chain), "-j", &name];
            let _ = run(program, &jump, "");
        }
        for action in ["-F", "-X"] {
            let _ = run(program, &["-w", "-t", "mangle", action, &name], "");
        }
    }
}

/// Runs a program; what it printed.
fn run(program: &str, arguments: &[&str], input: &str) -> io::Result<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{program}: {}", said.lines().next().unwrap_or("failed"))))
}

fn programs(options: &RuleOptions) -> &'static [&'static str] {
    if options.ipv6 { &["iptables", "ip6tables"] } else { &["iptables"] }
}

const fn iptables_chain(chain: Chain) -> &'static str {
    match chain {
        Chain::Forward => "FORWARD",
        Chain::Input => "INPUT",
        Chain::Output => "OUTPUT",
    }
}

fn chain_name(options: &RuleOptions) -> String {
    format!("TOLLGATE-{}", options.queue)
}

fn table_name(options: &RuleOptions) -> String {
    format!("tollgate_{}", options.queue)
}

fn first_number(text: &str) -> Option<u64> {
    text.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_can_install_them() {
        let options =
            RuleOptions { queue: 7, sip_ports: vec![5060, 5080], ipv6: false, ..RuleOptions::default() };
        assert_eq!(
            text(Tool::Iptables, &options),
            "iptables -w -t mangle -N TOLLGATE-7\n\
             iptables -w -t mangle -A TOLLGATE-7 -p udp --dport 5060 -j NFQUEUE --queue-num 7 --queue-bypass\n\
             iptables -w -t mangle -A TOLLGATE-7 -p udp --sport 5060 -j NFQUEUE --queue-num 7 --queue-bypass\n\
             iptables -w -t mangle -A TOLLGATE-7 -p udp --dport 5080 -j NFQUEUE --queue-num 7 --queue-bypass\n\
             iptables -w -t mangle -A TOLLGATE-7 -p udp --sport 5080 -j NFQUEUE --queue-num 7 --queue-bypass\n\
             iptables -w -t mangle -A TOLLGATE-7 -p sctp -j NFQUEUE --queue-num 7 --queue-bypass\n\
             iptables -w -t mangle -I FORWARD 1 -j TOLLGATE-7\n"
        );
        let options = RuleOptions { chains: vec![Chain::Input, Chain::Output], ..options };
        let nft = text(Tool::Nft, &options);
        assert!(
            nft.starts_with("table inet tollgate_7\ndelete table inet tollgate_7\ntable inet tollgate_7 {\n"),
            "{nft}"
        );
        let rule = "    meta nfproto ipv4 udp dport { 5060, 5080 } counter queue flags bypass to 7\n";
        assert_eq!(nft.matches(rule).count(), 2, "{nft}");
        assert_eq!(nft.matches('{').count(), nft.matches('}').count());
    }
}
