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
use crate::tls::TlsOptions;

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
    tls: Option<SocketAddr>,
    certificate: Option<PathBuf>,
    certificate_key: Option<PathBuf>,
    client_ca: Option<PathBuf>,
    key: Option<String>,
    wrapped_from: Option<Vec<Spanned<String>>>,
    connections_max: Option<Count<1, 10_000>>,
    silence_max: Option<Span<1_000, 86_400_000>>,
}

impl RawHep {
    /// As it is meant, relative to the directory of the file, or what is wrong with it.
    pub fn options(self, directory: &Path) -> Result<HepOptions, &'static str> {
        let default = HepOptions::default();
        let is_somewhere = self.udp.is_some() || self.tcp.is_some() || self.tls.is_some();
        let certificates = match (self.certificate, self.certificate_key, self.tls) {
            (Some(certificate), Some(key), Some(_)) => Some(TlsOptions {
                certificate: directory.join(certificate),
                key: directory.join(key),
                client_ca: self.client_ca.map(|path| directory.join(path)),
            }),
            (None, None, None) if self.client_ca.is_none() => None,
            (_, _, Some(_)) => return Err("`tls` needs a `certificate` and its `certificate-key`"),
            _ => {
                return Err(
                    "`certificate`, `certificate-key` and `client-ca` are of `tls`, the address to listen at",
                );
            }
        };
        Ok(HepOptions {
            udp: if is_somewhere { self.udp } else { default.udp },
            tcp: if is_somewhere { self.tcp } else { default.tcp },
            tls: self.tls,
            certificates,
            key: self.key,
            connections_max: self.connections_max.map_or(default.connections_max, Count::size),
            silence_max: self.silence_max.map_or(default.silence_max, |span| span.0),
            feed: feed(default.feed, self.wrapped_from),
            ..default
        })
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
pub(super) fn check(
    (captures, agents, followed): (&[RawCapture], &[Spanned<RawHep>], &[RawFollow]),
    findings: &mut Findings<'_>,
) {
    let captures = captures.iter().filter_map(|capture| capture.wrapped_from.as_ref());
    let followed = followed.iter().filter_map(|follow| follow.wrapped_from.as_ref());
    let agents = agents.iter().filter_map(|agents| agents.get_ref().wrapped_from.as_ref());
    for named in captures.chain(agents).chain(followed).flatten() {
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
