//! The network file as written: every value with its place, needed keys there, keys and types known, meaning not checked.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::base::caret::{Caret, nearest};

/// What was found wrong in one file so far.
#[derive(Debug)]
pub struct Findings<'t> {
    path: &'t str,
    text: &'t str,
    list: Vec<Caret>,
}

impl<'t> Findings<'t> {
    /// None yet in the file `path` with this text.
    #[must_use]
    pub fn new(path: &'t str, text: &'t str) -> Self {
        Self { path, text, list: Vec::new() }
    }

    /// One more, without advice when `help` is empty.
    pub fn add(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        let (finding, help) = (Caret::new(self.path, self.text, span, message), help.into());
        self.list.push(if help.is_empty() { finding } else { finding.with_help(help) });
    }

    /// All, in the order of the file.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<Caret> {
        self.list.sort();
        self.list.dedup();
        self.list
    }
}

/// Network indicators by their value (ITU-T Q.704 §14.2.1).
pub const NETWORK_INDICATORS: [&str; 4] =
    ["international", "international-spare", "national", "national-spare"];

/// The file.
#[derive(Debug)]
pub struct RawNetwork {
    /// `home`
    pub home: Option<Spanned<String>>,
    /// `emergency`
    pub emergency: Vec<Spanned<String>>,
    /// `mtp`
    pub mtp: RawMtp,
    /// `[[route]]`
    pub routes: Vec<RawRoute>,
    /// `[roaming]`
    pub roaming: RawRoaming,
    /// `[stir]`
    pub stir: RawStir,
    /// `rate-card` of `[billing]`
    pub rate_card: Option<Spanned<String>>,
    /// `[lists]`
    pub lists: RawLists,
    /// `[legs]`
    pub legs: RawLegs,
    /// `labels` of `[campaigns]`
    pub labels: Option<Spanned<String>>,
    /// `subscribers`, as the text that stands for it.
    pub subscribers: Option<Spanned<String>>,
}

/// `[roaming]`
#[derive(Debug, Default)]
pub struct RawRoaming {
    /// Place of its head; nothing else is there without it.
    pub span: Option<Range<usize>>,
    /// `file`
    pub file: Option<Spanned<String>>,
    /// `url`
    pub url: Option<Spanned<String>>,
    /// `token-file`
    pub token_file: Option<Spanned<String>>,
    /// `ca-file`
    pub ca_file: Option<Spanned<String>>,
    /// `deadline`
    pub deadline: Option<Spanned<String>>,
    /// `cache`
    pub cache: Option<Spanned<String>>,
    /// `cache-max`, as the text that stands for it.
    pub cache_max: Option<Spanned<String>>,
    /// `concurrency`, as the text that stands for it.
    pub concurrency: Option<Spanned<String>>,
}

/// `[legs]`
#[derive(Debug, Default)]
pub struct RawLegs {
    /// `within`
    pub within: Option<Spanned<String>>,
    /// `numbers`
    pub numbers: Option<Spanned<String>>,
}

/// `[stir]`
#[derive(Debug, Default)]
pub struct RawStir {
    /// Place of its head; nothing else is there without it.
    pub span: Option<Range<usize>>,
    /// `anchors`
    pub anchors: Option<Spanned<String>>,
    /// `certificates`
    pub certificates: Option<Spanned<String>>,
    /// `fetch-from`
    pub fetch_from: Vec<Spanned<String>>,
    /// `ca-file`
    pub ca_file: Option<Spanned<String>>,
    /// `private-addresses`
    pub private_addresses: bool,
    /// `freshness`
    pub freshness: Option<Spanned<String>>,
    /// `deadline`
    pub deadline: Option<Spanned<String>>,
    /// `cache`
    pub cache: Option<Spanned<String>>,
    /// `cache-max`, as the text that stands for it.
    pub cache_max: Option<Spanned<String>>,
    /// `concurrency`, as the text that stands for it.
    pub concurrency: Option<Spanned<String>>,
    /// `threads`, as the text that stands for it.
    pub threads: Option<Spanned<String>>,
}

/// `[lists]`: the file of each.
#[derive(Debug, Default)]
pub struct RawLists {
    /// `dno`
    pub dno: Option<Spanned<String>>,
    /// `unallocated`
    pub unallocated: Option<Spanned<String>>,
    /// `protected`
    pub protected: Option<Spanned<String>>,
    /// `high-cost`
    pub high_cost: Option<Spanned<String>>,
    /// `known-good`
    pub known_good: Option<Spanned<String>>,
    /// `cli-exempt`
    pub cli_exempt: Option<Spanned<String>>,
}

/// `mtp`: one word for all networks, or a table with one for each.
#[derive(Debug, Default)]
pub struct RawMtp {
    /// The word.
    pub all: Option<Spanned<String>>,
    /// `international`, `international-spare`, `national`, `national-spare`
    pub networks: [Option<Spanned<String>>; 4],
}

/// One `[[route]]`.
#[derive(Debug)]
pub struct RawRoute {
    /// Place of its head.
    pub span: Range<usize>,
    /// `name`
    pub name: Option<Spanned<String>>,
    /// `class`
    pub class: Option<Spanned<String>>,
    /// `peers`
    pub peers: Vec<Spanned<String>>,
    /// `point-codes`; integers as the text that stands for them.
    pub point_codes: Vec<Spanned<String>>,
    /// `network-indicator`; an integer as the text that stands for it.
    pub network_indicator: Option<Spanned<String>>,
    /// `number-format`
    pub number_format: Option<Spanned<String>>,
    /// `progress-is-alerting`
    pub progress_is_alerting: bool,
    /// `sender`
    pub sender: Option<Spanned<String>>,
}

/// A whole number within a range, or what stands for one that is not given.
pub fn count(
    text: &Option<Spanned<String>>,
    otherwise: usize,
    range: std::ops::RangeInclusive<usize>,
    findings: &mut Findings<'_>,
) -> usize {
    let Some(text) = text else { return otherwise };
    match text.get_ref().parse() {
        Ok(count) if range.contains(&count) => count,
        _ => {
            findings.add(text.span(), format!("{} to {}", range.start(), range.end()), "");
            otherwise
        }
    }
}

impl RawNetwork {
    /// Reads the text as far as it can be read.
    pub fn read(text: &str, findings: &mut Findings<'_>) -> Self {
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            findings.add(error.span().unwrap_or_default(), error.message(), "");
        }
        let mut keys = Keys::new(table.into_inner());
        keys.require("home", "the network file", 0..0, findings);
        let file = Self {
            home: keys.text("home", findings),
            emergency: keys.texts("emergency", IsText::Always, findings),
            mtp: RawMtp::read(keys.take("mtp"), findings),
            routes: keys
                .tables("route", findings)
                .into_iter()
                .map(|route| RawRoute::read(route, findings))
                .collect(),
            roaming: RawRoaming::read(keys.table("roaming", findings), findings),
            stir: RawStir::read(keys.table("stir", findings), findings),
            rate_card: keys.only_key_of("billing", "rate-card", findings),
            lists: RawLists::read(keys.table("lists", findings), findings),
            legs: RawLegs::read(keys.table("legs", findings), findings),
            labels: keys.only_key_of("campaigns", "labels", findings),
            subscribers: keys.count("subscribers", findings),
        };
        keys.finish("the network file", findings);
        file
    }
}

impl RawMtp {
    fn read(value: Option<Spanned<DeValue<'_>>>, findings: &mut Findings<'_>) -> Self {
        let Some(value) = value else { return Self::default() };
        if !value.get_ref().is_table() {
            return Self { all: text_of("`mtp`", value, IsText::Always, findings), ..Self::default() };
        }
        let Some(table) = table_of("mtp", value, findings) else { return Self::default() };
        let mut keys = Keys::new(table.into_inner());
        let networks = NETWORK_INDICATORS.map(|name| keys.text(name, findings));
        keys.finish("`mtp`", findings);
        Self { all: None, networks }
    }
}

impl RawRoaming {
    fn read(table: Option<Spanned<DeTable<'_>>>, findings: &mut Findings<'_>) -> Self {
        let Some(table) = table else { return Self::default() };
        let span = table.span();
        let mut keys = Keys::new(table.into_inner());
        let roaming = Self {
            span: Some(span),
            file: keys.text("file", findings),
            url: keys.text("url", findings),
            token_file: keys.text("token-file", findings),
            ca_file: keys.text("ca-file", findings),
            deadline: keys.text("deadline", findings),
            cache: keys.text("cache", findings),
            cache_max: keys.count("cache-max", findings),
            concurrency: keys.count("concurrency", findings),
        };
        keys.finish("`roaming`", findings);
        roaming
    }
}

impl RawLegs {
    fn read(table: Option<Spanned<DeTable<'_>>>, findings: &mut Findings<'_>) -> Self {
        let Some(table) = table else { return Self::default() };
        let mut keys = Keys::new(table.into_inner());
        let legs = Self { within: keys.text("within", findings), numbers: keys.text("numbers", findings) };
        keys.finish("`legs`", findings);
        legs
    }
}

impl RawStir {
    fn read(table: Option<Spanned<DeTable<'_>>>, findings: &mut Findings<'_>) -> Self {
        let Some(table) = table else { return Self::default() };
        let span = table.span();
        let mut keys = Keys::new(table.into_inner());
        keys.require("anchors", "`stir`", span.clone(), findings);
        let stir = Self {
            span: Some(span),
            anchors: keys.text("anchors", findings),
            certificates: keys.text("certificates", findings),
            fetch_from: keys.texts("fetch-from", IsText::Always, findings),
            ca_file: keys.text("ca-file", findings),
            private_addresses: keys.flag("private-addresses", findings),
            freshness: keys.text("freshness", findings),
            deadline: keys.text("deadline", findings),
            cache: keys.text("cache", findings),
            cache_max: keys.count("cache-max", findings),
            concurrency: keys.count("concurrency", findings),
            threads: keys.count("threads", findings),
        };
        keys.finish("`stir`", findings);
        stir
    }
}

impl RawLists {
    fn read(table: Option<Spanned<DeTable<'_>>>, findings: &mut Findings<'_>) -> Self {
        let Some(table) = table else { return Self::default() };
        let mut keys = Keys::new(table.into_inner());
        let lists = Self {
            dno: keys.text("dno", findings),
            unallocated: keys.text("unallocated", findings),
            protected: keys.text("protected", findings),
            high_cost: keys.text("high-cost", findings),
            known_good: keys.text("known-good", findings),
            cli_exempt: keys.text("cli-exempt", findings),
        };
        keys.finish("`lists`", findings);
        lists
    }
}

impl RawRoute {
    fn read(table: Spanned<DeTable<'_>>, findings: &mut Findings<'_>) -> Self {
        let span = table.span();
        let mut keys = Keys::new(table.into_inner());
        keys.require("name", "a route", span.clone(), findings);
        keys.require("class", "a route", span.clone(), findings);
        let route = Self {
            span,
            name: keys.text("name", findings),
            class: keys.text("class", findings),
            peers: keys.texts("peers", IsText::Always, findings),
            point_codes: keys.texts("point-codes", IsText::OrInteger, findings),
            network_indicator: keys.count("network-indicator", findings),
            number_format: keys.text("number-format", findings),
            progress_is_alerting: keys.flag("progress-is-alerting", findings),
            sender: keys.text("sender", findings),
        };
        keys.finish("a route", findings);
        route
    }
}

/// Whether a value written as an integer passes for text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IsText {
    Always,
    OrInteger,
}

/// The keys of a table not yet read.
struct Keys<'t> {
    table: DeTable<'t>,
    known: Vec<&'static str>,
}

impl<'t> Keys<'t> {
    fn new(table: DeTable<'t>) -> Self {
        Self { table, known: Vec::new() }
    }

    fn take(&mut self, name: &'static str) -> Option<Spanned<DeValue<'t>>> {
        self.known.push(name);
        self.table.remove(name)
    }

    /// A finding at `span` when there is no such key.
    fn require(&self, name: &str, what: &str, span: Range<usize>, findings: &mut Findings<'_>) {
        if !self.table.contains_key(name) {
            findings.add(span, format!("{what} has no `{name}`"), "");
        }
    }

    fn text(&mut self, name: &'static str, findings: &mut Findings<'_>) -> Option<Spanned<String>> {
        let value = self.take(name)?;
        text_of(&format!("`{name}`"), value, IsText::Always, findings)
    }

    fn count(&mut self, name: &'static str, findings: &mut Findings<'_>) -> Option<Spanned<String>> {
        let value = self.take(name)?;
        text_of(&format!("`{name}`"), value, IsText::OrInteger, findings)
    }

    fn texts(
        &mut self,
        name: &'static str,
        is_text: IsText,
        findings: &mut Findings<'_>,
    ) -> Vec<Spanned<String>> {
        let what = format!("each of `{name}`");
        let values = self.list(name, findings).into_iter();
        values.filter_map(|value| text_of(&what, value, is_text, findings)).collect()
    }

    fn tables(&mut self, name: &'static str, findings: &mut Findings<'_>) -> Vec<Spanned<DeTable<'t>>> {
        let values = self.list(name, findings).into_iter();
        values.filter_map(|value| table_of(name, value, findings)).collect()
    }

    fn table(&mut self, name: &'static str, findings: &mut Findings<'_>) -> Option<Spanned<DeTable<'t>>> {
        self.take(name).and_then(|value| table_of(name, value, findings))
    }

    fn list(&mut self, name: &'static str, findings: &mut Findings<'_>) -> Vec<Spanned<DeValue<'t>>> {
        let Some(value) = self.take(name) else { return Vec::new() };
        let span = value.span();
        match value.into_inner() {
            DeValue::Array(list) => list.into_iter().collect(),
            other => {
                findings.add(span, format!("`{name}` is a list, not {}", kind(&other)), "");
                Vec::new()
            }
        }
    }

    fn flag(&mut self, name: &'static str, findings: &mut Findings<'_>) -> bool {
        let Some(value) = self.take(name) else { return false };
        value.get_ref().as_bool().unwrap_or_else(|| {
            findings.add(
                value.span(),
                format!("`{name}` is true or false, not {}", kind(value.get_ref())),
                "",
            );
            false
        })
    }

    /// The one key of a table that has no other.
    fn only_key_of(
        &mut self,
        name: &'static str,
        key: &'static str,
        findings: &mut Findings<'_>,
    ) -> Option<Spanned<String>> {
        let table = self.table(name, findings)?;
        let span = table.span();
        let mut keys = Keys::new(table.into_inner());
        keys.require(key, &format!("`{name}`"), span, findings);
        let text = keys.text(key, findings);
        keys.finish(&format!("`{name}`"), findings);
        text
    }

    /// A finding for each key that nobody took.
    fn finish(self, what: &str, findings: &mut Findings<'_>) {
        for key in self.table.keys() {
            let help = suggest(key.get_ref(), &self.known);
            findings.add(key.span(), format!("{what} has no key `{}`", key.get_ref()), help);
        }
    }
}

fn table_of<'t>(
    name: &str,
    value: Spanned<DeValue<'t>>,
    findings: &mut Findings<'_>,
) -> Option<Spanned<DeTable<'t>>> {
    let span = value.span();
    match value.into_inner() {
        DeValue::Table(table) => Some(Spanned::new(span, table)),
        other => {
            findings.add(span, format!("`{name}` is a table, not {}", kind(&other)), "");
            None
        }
    }
}

fn text_of(
    what: &str,
    value: Spanned<DeValue<'_>>,
    is_text: IsText,
    findings: &mut Findings<'_>,
) -> Option<Spanned<String>> {
    let span = value.span();
    match value.into_inner() {
        DeValue::String(text) => Some(Spanned::new(span, text.into_owned())),
        DeValue::Integer(integer) if is_text == IsText::OrInteger && integer.radix() == 10 => {
            Some(Spanned::new(span, integer.as_str().to_owned()))
        }
        other => {
            let or_integer = if is_text == IsText::OrInteger { " or a decimal integer" } else { "" };
            findings.add(span, format!("{what} is a string{or_integer}, not {}", kind(&other)), "");
            None
        }
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a decimal fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Advice on a word that is none of `words`: the nearest, or all of them when none is near.
#[must_use]
pub fn suggest(word: &str, words: &[&str]) -> String {
    match nearest(word, words.iter().copied()) {
        Some(known) => format!("did you mean `{known}`?"),
        None => format!("one of {}", words.join(", ")),
    }
}
