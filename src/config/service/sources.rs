//! `[[capture]]`, `[[hep]]` and `[[follow]]`: where signalling is read. `docs/sources.md` describes them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::assemble::{AssembleOptions, Wrappers};
use crate::config::network::read_network;
use crate::config::raw::Findings;
use crate::config::service::range::{Count, Span};
use crate::source::FeedOptions;
use crate::source::growing::{Begin, GrowingOptions};
use crate::source::hep::HepOptions;
use crate::source::live::LiveOptions;

/// `[[capture]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawCapture {
    interfaces: Vec<String>,
    #[serde(default)]
    filter: String,
    snap_length: Option<Count<128, 262_144>>,
    buffer_mib: Option<Count<1, 2_047>>,
    sockets: Option<Count<1, 64>>,
    promiscuous: Option<bool>,
    wrapped_from: Option<Vec<Spanned<String>>>,
}

impl From<RawCapture> for LiveOptions {
    fn from(raw: RawCapture) -> Self {
        let default = Self::default();
        Self {
            interfaces: raw.interfaces,
            filter: raw.filter,
            snap_length: raw.snap_length.map_or(default.snap_length, |count| count.0),
            buffer_bytes: raw.buffer_mib.map_or(default.buffer_bytes, |mib| mib.0 << 20),
            sockets: raw.sockets.map_or(default.sockets, |count| count.0 as u16),
            promiscuous: raw.promiscuous.unwrap_or(default.promiscuous),
            feed: feed(default.feed, raw.wrapped_from),
            timeout: default.timeout,
        }
    }
}

/// `[[hep]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawHep {
    udp: Option<SocketAddr>,
    tcp: Option<SocketAddr>,
    key: Option<String>,
    connections_max: Option<Count<1, 10_000>>,
    silence_max: Option<Span<1_000, 86_400_000>>,
}

impl From<RawHep> for HepOptions {
    fn from(raw: RawHep) -> Self {
        let default = Self::default();
        let is_somewhere = raw.udp.is_some() || raw.tcp.is_some();
        Self {
            udp: if is_somewhere { raw.udp } else { default.udp },
            tcp: if is_somewhere { raw.tcp } else { default.tcp },
            key: raw.key,
            connections_max: raw.connections_max.map_or(default.connections_max, Count::size),
            silence_max: raw.silence_max.map_or(default.silence_max, |span| span.0),
            ..default
        }
    }
}

/// `[[follow]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawFollow {
    path: PathBuf,
    #[serde(default)]
    begin: RawBegin,
    wrapped_from: Option<Vec<Spanned<String>>>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawBegin {
    All,
    #[default]
    Newest,
}

impl RawFollow {
    /// As it is meant, relative to the directory of the file.
    pub fn options(self, directory: &Path) -> GrowingOptions {
        let begin = match self.begin {
            RawBegin::All => Begin::AllFiles,
            RawBegin::Newest => Begin::NewestFile,
        };
        let default = GrowingOptions::default();
        let feed = feed(default.feed, self.wrapped_from);
        GrowingOptions { path: directory.join(self.path), begin, feed, poll: default.poll }
    }
}

/// Says of each network that is none where it stands.
pub(super) fn check(captures: &[RawCapture], followed: &[RawFollow], findings: &mut Findings<'_>) {
    let captures = captures.iter().filter_map(|capture| capture.wrapped_from.as_ref());
    let followed = followed.iter().filter_map(|follow| follow.wrapped_from.as_ref());
    for named in captures.chain(followed).flatten() {
        if let Err((message, help)) = read_network(named.get_ref()) {
            findings.add(named.span(), message, help);
        }
    }
}

/// Where those who may wrap are named, what others wrap stays closed.
fn feed(default: FeedOptions, wrapped_from: Option<Vec<Spanned<String>>>) -> FeedOptions {
    let wrappers = wrapped_from.map_or_else(Wrappers::default, |named| {
        let networks = named.iter().filter_map(|text| read_network(text.get_ref()).ok());
        Wrappers::only(&networks.collect::<Vec<_>>())
    });
    FeedOptions { assemble: AssembleOptions { wrappers, ..default.assemble }, ..default }
}
