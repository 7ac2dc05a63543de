//! `tollgate.toml`, the file of a running service: what it listens to, whom it answers, where it writes. Beside it, in the
//! same directory, are the network file and the rules. `docs/service.md` describes it.

mod adapters;
mod sources;
mod switches;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
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

pub use adapters::PushTarget;

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
    pub live_max: usize,
    /// Within what time a call that was asked about and one seen on a tap, of the same numbers, are the same.
    pub join: Span,
    /// Most questions of switches waiting to be judged.
    pub queue_max: usize,
}

impl Default for Calls {
    fn default() -> Self {
        Self { live_max: 400_000, join: Span(Duration::from_secs(5)), queue_max: 2_000 }
    }
}

/// A span of time as written: `50ms`, `10s`, `15m`, `1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a span of time such as \"50ms\", \"10s\", \"15m\" or \"1h\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
                let parsed = units.iter().find_map(|(unit, milliseconds)| {
                    let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
                    count.checked_mul(*milliseconds).map(Duration::from_millis)
                });
                parsed.map(Span).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

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
    capture: Vec<sources::RawCapture>,
    #[serde(default)]
    hep: Vec<sources::RawHep>,
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
    sync: Span,
    #[serde(default = "records_queue")]
    queue_max: usize,
}

fn a_second() -> Span {
    Span(Duration::from_secs(1))
}

fn records_queue() -> usize {
    65_536
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawState {
    file: Spanned<PathBuf>,
    #[serde(default = "a_quarter")]
    every: Span,
}

fn a_quarter() -> Span {
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
    let service = Service {
        network: directory.join(raw.network.map_or("network.toml".into(), Spanned::into_inner)),
        rules: raw.rules.map(|rules| directory.join(rules.into_inner())),
        admin: admin::AdminOptions { listen: raw.admin.listen },
        records: RecordsOptions {
            directory: directory.join(raw.records.directory.into_inner()),
            sync_every: raw.records.sync.0,
            queue: raw.records.queue_max,
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
        captures: raw.capture.into_iter().map(LiveOptions::from).collect(),
        agents: raw.hep.into_iter().map(HepOptions::from).collect(),
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Service, Error> {
        parse(Path::new("/etc/tollgate/tollgate.toml"), Path::new("/"), text)
    }

    #[test]
    fn little_is_needed() {
        let service = read("[records]\ndirectory = \"tmp\"\n").unwrap();
        assert_eq!(service.admin.listen.to_string(), "127.0.0.1:9464");
        assert_eq!(service.records.directory, Path::new("/tmp"));
        assert_eq!((service.calls.live_max, service.calls.join.0), (400_000, Duration::from_secs(5)));
        assert!(service.state.is_none() && service.rules.is_none());
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
        ] {
            let shown = read(text).unwrap_err().to_string();
            assert!(shown.starts_with(expected), "{text}\n{shown}");
        }
    }
}
