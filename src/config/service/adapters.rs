//! `[http]` and `[[push]]`: who may ask over HTTP, and whom lists are pushed to.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::adapter::http::HttpOptions;
use crate::adapter::push::PushOptions;
use crate::adapter::push::client::ClientOptions;
use crate::base::class::{Class, Subject};
use crate::config::service::Span;

/// `[http]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawHttp {
    listen: SocketAddr,
    token_file: Option<PathBuf>,
    #[serde(default)]
    allow_without_token: bool,
    deadline: Option<Span>,
}

impl RawHttp {
    /// As it is meant, relative to the directory of the file.
    pub fn options(self, directory: &Path) -> HttpOptions {
        let default = HttpOptions::new(self.listen);
        HttpOptions {
            token_file: self.token_file.map(|file| directory.join(file)),
            allow_without_token: self.allow_without_token,
            deadline: self.deadline.map_or(default.deadline, |span| span.0),
            ..default
        }
    }
}

/// A switch that is pushed a list, and how it is told.
#[derive(Clone, Debug)]
pub struct PushTarget {
    /// What, and how fast.
    pub options: PushOptions,
    /// Where to.
    pub client: ClientOptions,
    /// Kamailio's table; a webhook without it.
    pub table: Option<String>,
}

/// `[[push]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawPush {
    name: String,
    kamailio: Option<RawKamailio>,
    webhook: Option<RawWebhook>,
    #[serde(default)]
    classes: Option<Vec<Class>>,
    #[serde(default)]
    subjects: Option<Vec<Subject>>,
    entries_max: Option<usize>,
    per_second: Option<u32>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawKamailio {
    url: String,
    table: String,
    token_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawWebhook {
    url: String,
    token_file: Option<PathBuf>,
}

impl RawPush {
    /// As it is meant, relative to the directory of the file; `None` unless it names one kind of switch.
    pub fn target(self, directory: &Path) -> Option<PushTarget> {
        let (url, token_file, table) = match (self.kamailio, self.webhook) {
            (Some(kamailio), None) => (kamailio.url, kamailio.token_file, Some(kamailio.table)),
            (None, Some(webhook)) => (webhook.url, webhook.token_file, None),
            _ => return None,
        };
        let default = PushOptions::new(&self.name);
        let options = PushOptions {
            classes: self.classes.unwrap_or_else(|| default.classes.clone()),
            subjects: self.subjects.unwrap_or_else(|| default.subjects.clone()),
            entries_max: self.entries_max.unwrap_or(default.entries_max),
            per_second: self.per_second.unwrap_or(default.per_second),
            dry_run: self.dry_run,
            ..default
        };
        let token_file = token_file.map(|file| directory.join(file));
        Some(PushTarget { options, client: ClientOptions { token_file, ..ClientOptions::new(&url) }, table })
    }
}
