//! The command line: what the program can be asked to do, and the exit code of each outcome.
//!
//! Exit codes: 0 done; 1 a run that failed; 2 wrong usage; 3 configuration or rules with errors; 65 bad data; 66 no such
//! file; 73 output cannot be made; 74 input or output failed; 77 not permitted (sysexits.h); 130 ended early by Ctrl-C or
//! SIGTERM, also when what was read is written.

mod campaign;
mod check;
mod decode;
mod evaluate;
mod failure;
mod feed;
mod fields;
mod interrupt;
mod load;
mod look_ups;
mod manual;
mod progress;
mod records;
mod replay;
mod report;
mod run;
mod selftest;
mod signatures;
mod simulate;
mod state;
mod text;
mod top;
mod verify;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;

use crate::cli::failure::Failure;
use crate::evaluate::sweep::Sweep;

/// Voice firewall for mobile operators: reads SIP and ISUP signalling, finds flash calls, Wangiri and spoofed calling
/// numbers, and decides block, monetise or allow for every call.
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read captures, judge every call in them, and write records, bills, metrics and a report
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(ReplayArguments),
    /// Run as a service, beside or in the path of switches
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArguments),
    /// Check a network file and rules, or all of a service's configuration, without running anything
    Check(CheckArguments),
    /// Show every signalling message of captures: one a line, as JSON, or one call as a ladder
    #[command(after_help = DECODE_EXAMPLES)]
    Decode(DecodeArguments),
    /// Watch routes, verdicts and calls on a terminal: of an interface, of capture agents, of a capture played back
    #[command(after_help = TOP_EXAMPLES)]
    Top(TopArguments),
    /// Hold the judgement of captures, or of made traffic, against what each call truly was
    #[command(after_help = EVALUATE_EXAMPLES)]
    Evaluate(EvaluateArguments),
    /// Labels of test-call campaigns: import them, and measure recall with them
    #[command(subcommand)]
    Campaign(CampaignCommand),
    /// Tell a running Tollgate what became of calls: a switch's call records
    #[command(after_help = FEED_EXAMPLES)]
    Feed(FeedArguments),
    /// List the fields that rules can read
    Fields {
        /// Only those with this word in their name or meaning
        word: Option<String>,
    },
    /// Make traffic from a scenario: a capture, the network file for it, and the truth about every call
    #[command(after_help = SIMULATE_EXAMPLES)]
    Simulate(SimulateArguments),
    /// Prove on a live trunk that a switch ends blocked calls and goes on with allowed ones
    #[command(after_help = SELFTEST_EXAMPLES)]
    Selftest(SelftestArguments),
    /// Verify the hash chain of billing files
    Verify {
        /// The `billing.jsonl` of a run, or a service's files in order, one a day
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The last hash of the file before the first of these
        #[arg(long, value_name = "HASH")]
        after: Option<String>,
        /// The last hash that the run's report shows; tells whether lines were cut off the end
        #[arg(long, value_name = "HASH")]
        last: Option<String>,
    },
    /// Write manual pages, one for each command
    #[command(hide = true)]
    Man {
        /// Directory to write them to
        directory: PathBuf,
    },
    /// Print what completes commands and options in a shell
    #[command(hide = true)]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

const RUN_EXAMPLES: &str = "\
Examples:
  tollgate check --config /etc/tollgate
      Find everything that is wrong with the configuration.
  tollgate run --config /etc/tollgate
      Judge calls until SIGTERM. SIGHUP reads rules and prices again.
  curl http://127.0.0.1:9464/readyz
      Is it ready, and if not, why?";

const SELFTEST_EXAMPLES: &str = "\
A rule of the running Tollgate must block the one calling number, and none the
other. The called number must have a route through the switch; best one that
leads back here, to --far-end.

Examples:
  tollgate selftest --switch 192.0.2.1:5060 --called +48601234567
      Two calls; the allowed one rings and is cancelled at once.
  tollgate selftest --switch 192.0.2.1:5060 --called +99100000009 \\
    --far-end 192.0.2.99:5070
      The switch routes the called number to this machine; nobody's telephone
      rings.";

#[derive(Debug, clap::Args)]
struct SelftestArguments {
    /// Address of the switch, to which calls are sent over UDP
    #[arg(long, value_name = "ADDRESS:PORT")]
    switch: SocketAddr,
    /// Number to call
    #[arg(long, value_name = "NUMBER", value_parser = selftest::parse_number)]
    called: String,
    /// Calling number that a rule of the running Tollgate blocks; ITU-T E.164.2 keeps +991 for trials, and the shipped
    /// rules block what comes from abroad with a country code that nobody has
    #[arg(long, value_name = "NUMBER", default_value = "+99100000001", value_parser = selftest::parse_number)]
    blocked: String,
    /// Calling number that no rule blocks; Ofcom keeps +44 7700 900000 to 900999 for fiction
    #[arg(long, value_name = "NUMBER", default_value = "+447700900123", value_parser = selftest::parse_number)]
    allowed: String,
    /// Address at which to wait for the calls behind the switch; busy is answered there
    #[arg(long, value_name = "ADDRESS:PORT")]
    far_end: Option<SocketAddr>,
    /// Status that the blocked call must be refused with; any refusal will do when not given
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(300..=699))]
    expect: Option<u16>,
    /// Port to call from; any free one when not given
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
    /// Seconds to wait for the outcome of a call
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=120))]
    wait: u64,
}

const REPLAY_EXAMPLES: &str = "\
Examples:
  tollgate replay trunk.pcap
      Report on a capture with the shipped rules; every call is on the route
      `unknown`.
  tollgate replay --network network.toml --out out monday.pcap tuesday.pcap.zst
      Two captures as one run, merged by time; records, bills and metrics go to
      out/.
  tcpdump -w - -i tap0 'udp port 5060 or sctp or (ip[6:2] & 0x1fff != 0)' |
    tollgate replay --network network.toml -
      What tcpdump sees, until it ends or you press Ctrl-C.";

const DECODE_EXAMPLES: &str = "\
A call is named by the end of its id in records (the column before the text),
by its Call-ID, or by its circuit: OPC-DPC-CIC.

A filter is written as `when` is in rules. Its fields: protocol transport kind
method status reason type src dst src_port dst_port opc dpc cic from to calling
called route call call_id cseq cause user_agent faulty frame. A field that a
message does not have never matches.

Examples:
  tollgate decode trunk.pcap
      Every message, one a line.
  tollgate decode trunk.pcap --number +4860 --filter 'kind == INVITE'
      INVITEs of calls from or to numbers that begin with 4860.
  tollgate decode trunk.pcap --filter 'status >= 500 or cause in {34, 38}' \\
    --write failed.pcapng
      What failed, and all frames of those calls, for another tool.
  tollgate decode trunk.pcap --ladder 8PS52CN0
      One call, drawn.
  tcpdump -U -w - -i tap0 'udp port 5060 or sctp' | tollgate decode -
      As it happens.
  tollgate decode --json trunk.pcap | jq -r 'select(.cause == 34) | .call'
      For programs; docs/decode.md has the keys.";

#[derive(Debug, clap::Args)]
struct DecodeArguments {
    /// Only messages of which this is true, such as 'method == INVITE and src == "198.51.100.20"'
    #[arg(long, value_name = "EXPR")]
    filter: Option<String>,
    /// Only messages of this call: id in records or its end, Call-ID, or OPC-DPC-CIC; may be given several times
    #[arg(long, value_name = "CALL")]
    call: Vec<String>,
    /// Only calls from or to numbers that begin so; may be given several times
    #[arg(long, value_name = "PREFIX", value_parser = decode::select::parse_number, allow_hyphen_values = true)]
    number: Vec<String>,
    /// Only messages from or to this address or network; may be given several times
    #[arg(long, value_name = "HOST", value_parser = decode::select::parse_host)]
    host: Vec<IpNet>,
    /// Also what is no message: management of SCTP and M3UA, keep-alives, media, and what could not be read
    #[arg(long, conflicts_with_all = ["filter", "call", "number", "host", "ladder"])]
    all: bool,
    /// One JSON object a line
    #[arg(long, conflicts_with_all = ["verbose", "relative", "ladder"])]
    json: bool,
    /// Draw one call: participants side by side, time going down
    #[arg(long, value_name = "CALL", conflicts_with_all = ["call", "verbose", "relative"])]
    ladder: Option<String>,
    /// Draw the ladder in ASCII
    #[arg(long, requires = "ladder")]
    ascii: bool,
    /// Columns of the ladder, instead of the terminal's
    #[arg(long, value_name = "COLUMNS", requires = "ladder", value_parser = clap::value_parser!(u16).range(40..=1_000))]
    width: Option<u16>,
    /// Write the frames of the calls of these messages into a pcapng file
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Seconds since the first message, instead of the time in UTC
    #[arg(long)]
    relative: bool,
    /// Headers or octets beneath each line
    #[arg(long, short)]
    verbose: bool,
    /// Your network: routes, and how national numbers are read (see docs/network-file.md)
    #[arg(long, value_name = "FILE")]
    network: Option<PathBuf>,
    /// Whether lines are coloured
    #[arg(long, visible_alias = "colour", value_enum, value_name = "WHEN", default_value_t = decode::paint::Colour::Auto)]
    color: decode::paint::Colour,
    /// pcap or pcapng files, plain or packed with gzip or zstd; `-` is standard input
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
}

const TOP_EXAMPLES: &str = "\
Calls are judged by the rules given, and nobody is told: it shows what a
service would say. Up and Down select a call, Enter draws its ladder,
/ filters, p stops the screen, ? lists the keys, q leaves.

Examples:
  tollgate top --interface tap0 --network network.toml
      What passes on a mirror port. It needs the right to capture.
  tollgate top --hep 0.0.0.0:9060
      What capture agents send.
  tollgate top --speed 10x --network network.toml trunk.pcap
      A capture, ten times as fast as it was taken.";

#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("input").required(true).args(["interface", "hep", "captures"])))]
struct TopArguments {
    /// Interface to capture on, or `any`
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// Which of its frames, in the language of pcap-filter(7)
    #[arg(long, value_name = "FILTER", requires = "interface")]
    bpf: Option<String>,
    /// Address to listen at for HEP of capture agents, UDP and TCP
    #[arg(long, value_name = "ADDRESS:PORT")]
    hep: Option<SocketAddr>,
    /// How fast captures are played: 1x as they were taken, 10x, 0.5x, or max
    #[arg(long, value_name = "SPEED", default_value = "1x")]
    speed: top::Speed,
    /// Your network: home country, routes (see docs/network-file.md)
    #[arg(long, value_name = "FILE")]
    network: Option<PathBuf>,
    /// Directory of rule files; the shipped rules when not given
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// pcap or pcapng files, plain or packed with gzip or zstd
    #[arg(value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
}

const EVALUATE_EXAMPLES: &str = "\
Each DIR holds captures (*.pcap*), their network.toml, and truth.csv.
docs/evaluate.md defines every figure.

Examples:
  tollgate evaluate --truth captures/interconnect
      The figures as text.
  tollgate evaluate --truth monday tuesday --out out --require bounds.toml
      Two runs and their sum; out/evaluation.json and out/report.html; fails
      when a figure is out of bounds.
  tollgate evaluate --scenario scenarios/small.toml --seeds 1..5
      Traffic made and judged at once, five times; the spread of every figure.
  tollgate evaluate --truth captures/interconnect \\
    --sweep FC-200:caller_range.purity=90%,96%,99%
      How false positives and leak move with one bound of a rule.";

#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("calls").required(true).args(["truth", "scenario"])))]
struct EvaluateArguments {
    /// Directories of captures with their truth
    #[arg(long, value_name = "DIR", num_args = 1..)]
    truth: Vec<PathBuf>,
    /// Scenario to make traffic of, as for `simulate`
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Seeds to play the scenario with: one, or the first and the last as in 1..5
    #[arg(long, value_name = "FIRST..LAST", default_value = "1", requires = "scenario", conflicts_with = "truth",
        allow_negative_numbers = true,
        value_parser = evaluate::parse_seeds)]
    seeds: RangeInclusive<u64>,
    /// Directory of rule files; the shipped rules when not given
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Families of attacks that the rules were made without; they are reported in a group of their own
    #[arg(long, value_name = "FAMILY", value_delimiter = ',')]
    hold_out: Vec<String>,
    /// Judge again with each of these values for one bound of a rule; may be given several times
    #[arg(long, value_name = "RULE:FIELD=VALUE,...")]
    sweep: Vec<Sweep>,
    /// TOML file of bounds on figures; the exit code is 1 when one is not kept
    #[arg(long, value_name = "FILE")]
    require: Option<PathBuf>,
    /// Directory to write evaluation.json and report.html to; made when missing
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write the report as Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Form of the report on standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Of how many unwanted calls one reaches a number kept for tests
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    test_calls: u64,
    /// Threads that decode and follow calls
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    shards: u8,
}

#[derive(Debug, clap::Args)]
struct ReplayArguments {
    /// Your network: home country, routes, roaming states (see docs/network-file.md)
    #[arg(long, value_name = "FILE")]
    network: Option<PathBuf>,
    /// Directory of rule files; the shipped rules when not given
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Answers about roaming that an earlier run wrote, `roaming-answers.jsonl`: nobody is asked again
    #[arg(long, value_name = "FILE")]
    roaming_answers: Option<PathBuf>,
    /// Verdicts on signatures that an earlier run wrote, `stir-answers.jsonl`: nothing is verified or fetched again
    #[arg(long, value_name = "FILE")]
    stir_answers: Option<PathBuf>,
    /// Directory to write calls.jsonl, billing.jsonl and metrics.prom to; made when missing
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Form of the report on standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Threads that decode and follow calls; the output does not depend on it, as long as no limit of calls is reached
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    shards: u8,
    /// State file: what earlier runs learned is read from it, if it is there, and what this run adds is written at its end
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Key of the hashes of a state file that is not there yet, instead of one that is drawn: for tests that compare
    #[arg(long, value_name = "N", requires = "state", hide = true)]
    state_seed: Option<u64>,
    /// pcap or pcapng files, plain or packed with gzip or zstd; `-` is standard input
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
}

const SIMULATE_EXAMPLES: &str = "\
Examples:
  tollgate simulate --scenario scenarios/small.toml --out made
      Twelve minutes of a small operator. In made/: capture.pcap, network.toml,
      roaming.csv, truth.csv.
  tollgate replay --network made/network.toml --out judged made/capture.pcap
      What Tollgate makes of it; truth.csv says what each call was, by call_key
      and setup_at.
  tollgate simulate --scenario scenarios/small.toml --out eve \\
    --seed 7 --start 2026-12-24T20:00:00+01:00
      Other calls of the same kind, on another evening.

The same scenario and seed give the same bytes. Every key of a scenario is in
docs/simulate.md.";

#[derive(Debug, clap::Args)]
struct SimulateArguments {
    /// Scenario: operator, trunks, populations, attacks (see docs/simulate.md)
    #[arg(long, value_name = "FILE")]
    scenario: PathBuf,
    /// Any whole number from 0 on; another one gives other calls of the same kind
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = simulate::parse_seed)]
    seed: u64,
    /// Directory to write to; made when missing, files of the same names replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// When it begins, instead of the scenario's `start`, such as 2026-11-16T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = simulate::parse_start)]
    start: Option<toml::value::Datetime>,
}

#[derive(Debug, Subcommand)]
enum CampaignCommand {
    /// Add test calls or published prefixes to the labels (see docs/campaigns.md)
    Import(ImportArguments),
    /// Say how many of the test calls were recognised
    Recall(RecallArguments),
}

#[derive(Debug, clap::Args)]
struct ImportArguments {
    /// Test calls (called, at, service, seen_cli, expected_prefix) or prefixes (prefix, service, code_length, at);
    /// CSV with a header, or JSON lines
    file: PathBuf,
    /// Labels to add to; made when missing
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    /// Days for which a label holds after it was last seen
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=366))]
    expires: u16,
}

#[derive(Debug, clap::Args)]
struct RecallArguments {
    /// Labels with test calls
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    /// The `calls.jsonl` of a run that saw them
    #[arg(long, value_name = "FILE")]
    calls: PathBuf,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

const FEED_EXAMPLES: &str = "\
Examples:
  tollgate feed cdr-2026-11-21.csv --to http://127.0.0.1:8081
      The records of a day; docs/feed.md has the columns.
  tail -F calls.jsonl | tollgate feed - --to http://127.0.0.1:8081 --batch 1
      JSON lines as they are written.
  tollgate feed cdr.csv --to http://127.0.0.1:8081 --from-line 70001
      The rest of a file, from the line on that an earlier run named.";

#[derive(Debug, clap::Args)]
struct FeedArguments {
    /// Call records: CSV with a header, or JSON lines; `-` is standard input
    file: PathBuf,
    /// The Tollgate to tell, such as http://127.0.0.1:8081
    #[arg(long, value_name = "URL")]
    to: String,
    /// File with the bearer token it asks for
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Form of the records; csv when the file's name ends so, else jsonl
    #[arg(long, value_enum)]
    format: Option<FeedForm>,
    /// First line to send; a CSV header is read in any case
    #[arg(long, value_name = "N", default_value_t = 1)]
    from_line: u64,
    /// Most lines sent at once
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=5_000))]
    batch: u16,
    /// Seconds for which a batch is sent again while it is not taken
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    give_up_after: u64,
}

/// Form of call records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FeedForm {
    /// With a header
    Csv,
    /// One object a line
    Jsonl,
}

#[derive(Debug, clap::Args)]
struct RunArguments {
    /// Directory of tollgate.toml, and of what it names
    #[arg(long, value_name = "DIR", default_value = "/etc/tollgate")]
    config: PathBuf,
}

#[derive(Debug, clap::Args)]
struct CheckArguments {
    /// Directory of a service's configuration
    #[arg(long, value_name = "DIR", conflicts_with_all = ["network", "rules"])]
    config: Option<PathBuf>,
    /// Network file to check
    #[arg(long, value_name = "FILE")]
    network: Option<PathBuf>,
    /// Directory of rule files; the shipped rules when not given
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
}

/// Form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Runs the command that `arguments` (with the program's name first) ask for.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Printing help to a closed pipe is no failure.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let outcome = match arguments.command {
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Decode(arguments) => decode::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Campaign(CampaignCommand::Import(arguments)) => campaign::import(&arguments),
        Command::Campaign(CampaignCommand::Recall(arguments)) => campaign::recall(&arguments),
        Command::Feed(arguments) => feed::run(&arguments),
        Command::Fields { word } => fields::run(word.as_deref()),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Selftest(arguments) => selftest::run(&arguments),
        Command::Top(arguments) => top::run(&arguments),
        Command::Verify { files, after, last } => {
            verify::run(&files, verify::Ends { after: after.as_deref(), last: last.as_deref() })
        }
        Command::Man { directory } => manual::pages(&directory),
        Command::Completions { shell } => manual::completions(shell),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure::say(failure.message.trim_end());
            ExitCode::from(failure.code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer lines are wrapped by whoever prints the help, and then cannot be copied.
    #[test]
    fn examples_fit_a_terminal() {
        for text in [
            RUN_EXAMPLES,
            DECODE_EXAMPLES,
            TOP_EXAMPLES,
            REPLAY_EXAMPLES,
            EVALUATE_EXAMPLES,
            FEED_EXAMPLES,
            SIMULATE_EXAMPLES,
        ] {
            let long: Vec<&str> = text.lines().filter(|line| line.chars().count() > 79).collect();
            assert!(long.is_empty(), "{long:?}");
        }
    }
}
