//! `tollgate.toml`, the file of a running service: what it listens to, whom it answers, where it writes. Beside it, in the
//! same directory, are the network file and the rules. `docs/service.md` describes it.

mod adapters;
mod range;
mod sources;
mod switches;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::adapter::dip::DipOptions;
use crate::adapter::http::HttpOptions;
use crate::adapter::proxy::ProxyOptions;
use crate::config::error::{Error, read_text};
use crate::config::raw::Findings;
use crate::service::inline::PathOptions;
use crate::service::log::LogFormat;
use crate::service::records::RecordsOptions;
use crate::service::{StateOptions, admin};
use crate::source::growing::GrowingOptions;
use crate::source::hep::HepOptions;
use crate::source::live::LiveOptions;

pub use adapters::{Feed, PushTarget};
pub use range::{Count, Span};

/// Name of the file in its directory.
pub const FILE: &str = "tollgate.toml";

/// What the file says, with what holds where it says nothing. Paths are as they are to be opened.
#[derive(Clone, Debug)]
pub struct Service {
    /// The network file.
    pub network: PathBuf,
    /// The directory of rules; those shipped without it.
    pub rules: Option<PathBuf>,
    /// The listener for operators.
    pub admin: admin::AdminOptions,
    /// Records.
    pub records: RecordsOptions,
    /// What was learned.
    pub state: Option<StateOptions>,
    /// Which log lines.
    pub log_filter: String,
    /// Their form.
    pub log_format: LogFormat,
    /// Limits of calls.
    pub calls: Calls,
    /// How calls are told of by call records, where they are.
    pub feed: Option<Feed>,
    /// Live captures.
    pub captures: Vec<LiveOptions>,
    /// Listeners for capture agents.
    pub agents: Vec<HepOptions>,
    /// Files that grow.
    pub followed: Vec<GrowingOptions>,
    /// Who may ask over HTTP.
    pub http: Option<HttpOptions>,
    /// Switches that ask by SIP redirect.
    pub dip: Option<DipOptions>,
    /// A proxy between carriers and core.
    pub proxy: Option<ProxyOptions>,
    /// Packets between switches.
    pub inline: Option<PathOptions>,
    /// Whom lists are pushed to.
    pub push: Vec<PushTarget>,
}

/// `[calls]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Calls {
    /// Most calls held at once, live or lingering.
    pub live_max: Count<10, 10_000_000>,
    /// Within what time a call that was asked about and one seen on a tap, of the same numbers, are the same.
    pub join: Span<100, 60_000, true>,
    /// Most questions of switches waiting to be judged.
    pub queue_max: Count<1, 100_000>,
}

impl Default for Calls {
    fn default() -> Self {
        Self { live_max: Count(400_000), join: Span(Duration::from_secs(5)), queue_max: Count(2_000) }
    }
}

/// How long a switch waits.
type Patience = Span<1, 10_000>;
/// How long a proxy may hold a call: it is in the path of all of them.
type ProxyPatience = Span<1, 250>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Raw {
    #[serde(default)]
    network: Option<Spanned<PathBuf>>,
    #[serde(default)]
    rules: Option<Spanned<PathBuf>>,
    #[serde(default)]
    admin: RawAdmin,
    records: RawRecords,
    #[serde(default)]
    state: Option<RawState>,
    #[serde(default)]
    log: RawLog,
    #[serde(default)]
    calls: Calls,
    #[serde(default)]
    feed: Option<Spanned<Feed>>,
    #[serde(default)]
    capture: Vec<sources::RawCapture>,
    #[serde(default)]
    hep: Vec<Spanned<sources::RawHep>>,
    #[serde(default)]
    follow: Vec<sources::RawFollow>,
    #[serde(default)]
    http: Option<adapters::RawHttp>,
    #[serde(default)]
    dip: Option<Spanned<switches::RawDip>>,
    #[serde(default)]
    proxy: Option<switches::RawProxy>,
    #[serde(default)]
    inline: Option<adapters::RawInline>,
    #[serde(default)]
    push: Vec<Spanned<adapters::RawPush>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawAdmin {
    listen: SocketAddr,
}

impl Default for RawAdmin {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 9464)) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawRecords {
    directory: Spanned<PathBuf>,
    #[serde(default = "a_second")]
    sync: Span<10, 60_000>,
    #[serde(default = "records_queue")]
    queue_max: Count<100, 1_000_000>,
}

fn a_second() -> Span<10, 60_000> {
    Span(Duration::from_secs(1))
}

fn records_queue() -> Count<100, 1_000_000> {
    Count(65_536)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawState {
    file: Spanned<PathBuf>,
    #[serde(default = "a_quarter")]
    every: Span<1_000, 86_400_000>,
}

fn a_quarter() -> Span<1_000, 86_400_000> {
    Span(Duration::from_secs(900))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawLog {
    filter: String,
    format: RawFormat,
}

impl Default for RawLog {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: RawFormat::Json }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawFormat {
    Json,
    Text,
}

/// Reads `tollgate.toml` of a directory.
///
/// # Errors
/// The file that cannot be read; what is wrong in it, each at its place.
pub fn load_service(directory: &Path) -> Result<Service, Error> {
    let path = directory.join(FILE);
    parse(&path, directory, &read_text(&path)?)
}

fn parse(path: &Path, directory: &Path, text: &str) -> Result<Service, Error> {
    let shown = path.display().to_string();
    let mut findings = Findings::new(&shown, text);
    let raw: Raw = match toml::from_str(text) {
        Ok(raw) => raw,
        Err(error) => {
            findings.add(error.span().unwrap_or(0..0), error.message(), "");
            return Err(invalid(findings));
        }
    };
    check(&raw, directory, &mut findings);
    sources::check((&raw.capture, &raw.hep, &raw.follow), &mut findings);
    let mut push = Vec::new();
    for raw in raw.push {
        let span = raw.span();
        match raw.into_inner().target(directory) {
            Some(target) => push.push(target),
            None => findings.add(span, "a push has a `kamailio` or a `webhook`", ""),
        }
    }
    let dip = raw.dip.and_then(|raw| {
        let span = raw.span();
        let wrong = raw.into_inner().options(directory);
        wrong.map_err(|wrong| wrong.into_iter().for_each(|wrong| findings.add(span.clone(), wrong, ""))).ok()
    });
    let mut agents = Vec::new();
    for raw in raw.hep {
        let span = raw.span();
        match raw.into_inner().options(directory) {
            Ok(options) => agents.push(options),
            Err(wrong) => findings.add(span, wrong, ""),
        }
    }
    let service = Service {
        network: directory.join(raw.network.map_or("network.toml".into(), Spanned::into_inner)),
        rules: raw.rules.map(|rules| directory.join(rules.into_inner())),
        admin: admin::AdminOptions { listen: raw.admin.listen },
        records: RecordsOptions {
            directory: directory.join(raw.records.directory.into_inner()),
            sync_every: raw.records.sync.0,
            queue: raw.records.queue_max.size(),
        },
        state: raw.state.map(|state| StateOptions {
            path: directory.join(state.file.into_inner()),
            every: state.every.0,
        }),
        log_filter: raw.log.filter,
        log_format: match raw.log.format {
            RawFormat::Json => LogFormat::Json,
            RawFormat::Text => LogFormat::Text,
        },
        calls: raw.calls,
        feed: raw.feed.map(Spanned::into_inner),
        captures: raw.capture.into_iter().map(LiveOptions::from).collect(),
        agents,
        http: raw.http.map(|http| http.options(directory)),
        dip,
        proxy: raw.proxy.map(ProxyOptions::from),
        inline: raw.inline.map(PathOptions::from),
        push,
        followed: raw.follow.into_iter().map(|follow| follow.options(directory)).collect(),
    };
    let found = invalid(findings);
    if matches!(&found, Error::Invalid(list) if list.is_empty()) { Ok(service) } else { Err(found) }
}

fn invalid(findings: Findings<'_>) -> Error {
    Error::Invalid(findings.into_sorted().iter().map(ToString::to_string).collect())
}

/// What can be told from the file alone.
fn check(raw: &Raw, directory: &Path, findings: &mut Findings<'_>) {
    let mut must_be = |place: &Spanned<PathBuf>, is_there: fn(&Path) -> bool, what: &str, help: &str| {
        let path = directory.join(place.get_ref());
        if !is_there(&path) {
            findings.add(place.span(), format!("{}: no such {what}", path.display()), help);
        }
    };
    if let Some(network) = &raw.network {
        must_be(network, Path::is_file, "file", "paths are relative to this file");
    }
    if let Some(rules) = &raw.rules {
        must_be(rules, Path::is_dir, "directory", "leave `rules` out for the rules that are built in");
    }
    must_be(&raw.records.directory, Path::is_dir, "directory", "make it, writable for the service's user");
    if let Some(state) = &raw.state {
        let parent = |path: &Path| {
            path.parent().is_some_and(|parent| parent.as_os_str().is_empty() || parent.is_dir())
        };
        must_be(
            &state.file,
            parent,
            "directory to put a file in",
            "make it, writable for the service's user",
        );
    }
    if let (Some(feed), None) = (&raw.feed, &raw.http) {
        findings.add(feed.span(), "a `feed` without `http`", "call records come in over `[http]`");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::Wrappers;

    fn read(text: &str) -> Result<Service, Error> {
        parse(Path::new("/etc/tollgate/tollgate.toml"), Path::new("/"), text)
    }

    #[test]
    fn little_is_needed() {
        let service = read("[records]\ndirectory = \"tmp\"\n").unwrap();
        assert_eq!(service.admin.listen.to_string(), "127.0.0.1:9464");
        assert_eq!(service.records.directory, Path::new("/tmp"));
        assert_eq!((service.calls.live_max, service.calls.join.0), (Count(400_000), Duration::from_secs(5)));
        assert!(service.state.is_none() && service.rules.is_none());
        let text =
            "[records]\ndirectory = \"tmp\"\n[http]\nlisten = \"127.0.0.1:0\"\n[feed]\nwait = \"2h\"\n";
        let feed = read(text).unwrap().feed.unwrap();
        assert_eq!((feed.wait.0, feed.remember_max.size()), (Duration::from_secs(7200), 500_000));
    }

    /// A key with a range: the table it is in, the key, values beyond the range and at its ends, the range.
    type Ranged<'a> = (&'a str, &'a str, &'a [&'a str], &'a [&'a str], &'a str);

    const RANGES: [Ranged<'static>; 23] = [
        ("[records]", "sync", &["0s", "9ms", "61s", "1h"], &["10ms", "1m"], "`10ms` to `1m`"),
        ("[records]", "queue-max", &["0", "99", "1000001", "-1"], &["100", "1000000"], "100 to 1000000"),
        ("[state]", "every", &["0s", "999ms", "25h"], &["1s", "24h"], "`1s` to `24h`"),
        ("[calls]", "live-max", &["0", "9", "10000001"], &["10", "10000000"], "10 to 10000000"),
        ("[calls]", "join", &["1ms", "61s"], &["0s", "100ms", "1m"], "`100ms` to `1m`, or `0s`"),
        ("[calls]", "queue-max", &["0", "100001"], &["1", "100000"], "1 to 100000"),
        ("[dip]", "deadline", &["0ms", "11s", "1h"], &["1ms", "10s"], "`1ms` to `10s`"),
        ("[feed]", "wait", &["0s", "59s", "49h"], &["1m", "48h"], "`1m` to `48h`"),
        ("[feed]", "remember", &["0s", "59s", "169h"], &["1m", "168h"], "`1m` to `168h`"),
        ("[feed]", "remember-max", &["0", "999", "10000001"], &["1000", "10000000"], "1000 to 10000000"),
        ("[http]", "deadline", &["0ms", "11s", "1h"], &["1ms", "10s"], "`1ms` to `10s`"),
        ("[proxy]", "deadline", &["0ms", "251ms", "1h"], &["1ms", "250ms"], "`1ms` to `250ms`"),
        ("[proxy]", "probe-every", &["1ms", "11m"], &["0s", "100ms", "10m"], "`100ms` to `10m`, or `0s`"),
        ("[inline]", "deadline", &["0ms", "11s", "1h"], &["1ms", "10s"], "`1ms` to `10s`"),
        ("[inline]", "packets-max", &["0", "15", "1000001"], &["16", "1000000"], "16 to 1000000"),
        ("[inline]", "mtu", &["0", "575", "65536"], &["576", "65535"], "576 to 65535"),
        ("[[push]]", "entries-max", &["0", "10000001"], &["1", "10000000"], "1 to 10000000"),
        ("[[push]]", "per-second", &["0", "100001"], &["1", "100000"], "1 to 100000"),
        ("[[capture]]", "snap-length", &["0", "127", "262145"], &["128", "262144"], "128 to 262144"),
        ("[[capture]]", "buffer-mib", &["0", "2048"], &["1", "2047"], "1 to 2047"),
        ("[[capture]]", "sockets", &["0", "65"], &["1", "64"], "1 to 64"),
        ("[[hep]]", "connections-max", &["0", "10001"], &["1", "10000"], "1 to 10000"),
        ("[[hep]]", "silence-max", &["0s", "999ms", "25h"], &["1s", "24h"], "`1s` to `24h`"),
    ];

    /// A file in which one key of a table has this value, and the line that it is in.
    fn with(table: &str, key: &str, value: &str) -> (String, usize) {
        let needed = match table {
            "[dip]" => "udp = [\"127.0.0.1:5070\"]\n",
            "[http]" => "listen = \"127.0.0.1:8081\"\n",
            "[proxy]" => {
                "carriers = { listen = \"127.0.0.1:5060\" }\ncore = { listen = \"127.0.0.1:5061\" }\n"
            }
            "[records]" => "directory = \"tmp\"\n",
            "[state]" => "file = \"tmp/state\"\n",
            "[[capture]]" => "interfaces = [\"lo\"]\n",
            "[[push]]" => "name = \"one\"\nwebhook = { url = \"http://127.0.0.1:1/\" }\n",
            _ => "",
        };
        let is_number = value.parse::<i64>().is_ok();
        let value = if is_number { value.to_owned() } else { format!("\"{value}\"") };
        let before = format!("{table}\n{needed}");
        let records = if table == "[records]" { "" } else { "[records]\ndirectory = \"tmp\"\n" };
        let http = if table == "[feed]" { "[http]\nlisten = \"127.0.0.1:8081\"\n" } else { "" };
        (format!("{before}{key} = {value}\n{records}{http}"), before.lines().count() + 1)
    }

    #[test]
    fn what_makes_no_sense_is_refused_at_its_place() {
        let document = include_str!("../../docs/service.md");
        for (table, key, beyond, within, range) in RANGES {
            for value in beyond {
                let (text, line) = with(table, key, value);
                let shown = read(&text).unwrap_err().to_string();
                let place = format!("/etc/tollgate/tollgate.toml:{line}:{}: ", key.len() + 4);
                assert!(shown.starts_with(&place), "{text}\n{shown}");
                let fix = format!("out of range: write {}", range.replace('`', "\""));
                assert!(shown.contains(&fix), "{text}\n{shown}");
            }
            for value in within {
                let (text, _) = with(table, key, value);
                assert!(read(&text).is_ok(), "{text}\n{:?}", read(&text));
            }
            let row = format!("| `{table}` | `{key}` | {range} |");
            assert!(document.contains(&row), "not in docs/service.md: {row}");
        }
    }

    #[test]
    fn who_may_wrap_is_anybody_until_named() {
        let wrappers = |key: &str| {
            let text = format!(
                "[[capture]]\ninterfaces = [\"lo\"]\n{key}\n[[follow]]\npath = \"spool\"\n{key}\n\
                 [[hep]]\n{key}\n[records]\ndirectory = \"tmp\"\n"
            );
            let service = read(&text).unwrap();
            let (captured, followed) = (&service.captures[0].feed, &service.followed[0].feed);
            assert_eq!(captured.assemble.wrappers, followed.assemble.wrappers);
            assert_eq!(captured.assemble.wrappers, service.agents[0].feed.assemble.wrappers);
            captured.assemble.wrappers.clone()
        };
        let networks = |named: &[&str]| named.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>();
        assert_eq!(wrappers(""), Wrappers::default());
        assert_eq!(wrappers("wrapped-from = []"), Wrappers::only(&[]));
        assert_eq!(
            wrappers("wrapped-from = [\"192.0.2.5\", \"2001:db8::/64\"]"),
            Wrappers::only(&networks(&["192.0.2.5/32", "2001:db8::/64"]))
        );
    }

    #[test]
    fn a_network_that_is_none_is_refused_at_its_place() {
        for (named, expected) in [
            ("192.0.2.0/33", "`192.0.2.0/33` is not an address or network"),
            ("probe-1", "`probe-1` is not an address or network"),
            ("192.0.2.5/24", "`192.0.2.5/24` has bits beyond its prefix length"),
            ("::ffff:192.0.2.5", "`::ffff:192.0.2.5` is an address of IPv4 in one of IPv6"),
        ] {
            for table in
                ["[[capture]]\ninterfaces = [\"lo\"]", "[[follow]]\npath = \"spool\"", "[[hep]]\nkey = \"x\""]
            {
                let key = format!("wrapped-from = [\"192.0.2.5\",\n  \"{named}\"]");
                let text = format!("{table}\n{key}\n[records]\ndirectory = \"tmp\"\n");
                let shown = read(&text).unwrap_err().to_string();
                let expected = format!("/etc/tollgate/tollgate.toml:4:3: {expected}");
                assert!(shown.starts_with(&expected), "{text}\n{shown}");
            }
        }
    }

    #[test]
    fn agents_are_heard_where_it_says_and_over_tls_with_certificates() {
        let of = |hep: &str| read(&format!("[[hep]]\n{hep}\n[records]\ndirectory = \"tmp\"\n"));
        let default = of("").unwrap().agents.remove(0);
        assert_eq!((default.udp, default.tcp, default.tls), (default.udp, default.udp, None));
        assert_eq!(default.udp.unwrap().port(), 9060);
        let files = "certificate = \"a.pem\"\ncertificate-key = \"/k\"\nclient-ca = \"b.pem\"";
        let tls = of(&format!("tls = \"[::]:9061\"\n{files}")).unwrap().agents.remove(0);
        assert_eq!((tls.udp, tls.tcp, tls.tls.unwrap().port()), (None, None, 9061));
        let read = tls.certificates.unwrap();
        let read = [Some(read.certificate), Some(read.key), read.client_ca].map(Option::unwrap);
        assert_eq!(read.map(|path| path.display().to_string()), ["/a.pem", "/k", "/b.pem"]);
        for (wrong, expected) in [
            ("tls = \"[::]:9061\"", "/etc/tollgate/tollgate.toml:1:1: `tls` needs a `certificate`"),
            (files, "/etc/tollgate/tollgate.toml:1:1: `certificate`, `certificate-key` and"),
        ] {
            let shown = of(wrong).unwrap_err().to_string();
            assert!(shown.starts_with(expected), "{shown}");
        }
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        for (text, expected) in [
            ("", "/etc/tollgate/tollgate.toml:1:1: missing field `records`"),
            (
                "[records]\ndirectory = \"nowhere\"\n",
                "/etc/tollgate/tollgate.toml:2:13: /nowhere: no such directory",
            ),
            (
                "[records]\ndirectory = \"tmp\"\nsync = \"1\"\n",
                "/etc/tollgate/tollgate.toml:3:8: invalid value: string \"1\", expected a span of time",
            ),
            (
                "[records]\ndirectory = \"tmp\"\n[calls]\njoins = \"1s\"\n",
                "/etc/tollgate/tollgate.toml:4:1: unknown field `joins`, expected one of",
            ),
            (
                "[records]\ndirectory = \"tmp\"\n[feed]\nwait = \"1h\"\n",
                "/etc/tollgate/tollgate.toml:3:1: a `feed` without `http`",
            ),
        ] {
            let shown = read(text).unwrap_err().to_string();
            assert!(shown.starts_with(expected), "{text}\n{shown}");
        }
    }
}
