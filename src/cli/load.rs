//! What a command is given: the network file, or none; the rules of a directory, or those shipped.

use std::path::Path;
use std::sync::Arc;

use crate::base::map::Seed;
use crate::base::network::Network;
use crate::call::LegOptions;
use crate::campaign::Labels;
use crate::cli::Failure;
use crate::config::{self, Loaded};
use crate::engine::Options;
use crate::feature::{Limits, fields};
use crate::judge::{Judge, SeedMark};
use crate::pipeline::{self, Threads};
use crate::rule::{Ruleset, Source};
use crate::simulate::Traffic;

/// Seed of hashes in a run that keeps nothing. It is fixed, so that the same capture gives the same bytes; nobody who
/// could choose keys waits for an answer.
pub const SEED: Seed = Seed(0x1f0a_2be5_7c11_90d3);

/// The rules in `rules/`, as they were when the program was built.
const SHIPPED: [(&str, &str); 8] = [
    ("10-identity.toml", include_str!("../../rules/10-identity.toml")),
    ("20-flash.toml", include_str!("../../rules/20-flash.toml")),
    ("30-wangiri.toml", include_str!("../../rules/30-wangiri.toml")),
    ("40-white-routes.toml", include_str!("../../rules/40-white-routes.toml")),
    ("50-robocalls.toml", include_str!("../../rules/50-robocalls.toml")),
    ("60-toll-fraud.toml", include_str!("../../rules/60-toll-fraud.toml")),
    ("70-bypass.toml", include_str!("../../rules/70-bypass.toml")),
    ("80-scan-tdos.toml", include_str!("../../rules/80-scan-tdos.toml")),
];

/// The network of a file; without one, a network with no home and no routes.
pub fn network(path: Option<&Path>) -> Result<Loaded, Failure> {
    match path {
        Some(path) => config::load_network(path).map_err(|error| Failure::new(error.exit_code(), error)),
        None => Ok(Loaded {
            network: Network::unknown(),
            rate_card: None,
            look_ups: None,
            stir: None,
            labels: Labels::default(),
            legs: LegOptions::default(),
            subscribers: config::SUBSCRIBERS,
        }),
    }
}

/// What calls are judged with: limits, threads, and a judge with the marks that the network file's labels give it.
pub struct SetUp {
    /// Limits and timers, with the network file's.
    pub options: Options,
    /// How the work is cut.
    pub threads: Threads,
    /// The judge.
    pub judge: Judge,
}

/// How much is kept at most, as the network file says.
pub fn limits(loaded: &Loaded) -> Limits {
    let mut limits = Limits::for_subscribers(loaded.subscribers);
    if let Some(look_ups) = &loaded.look_ups {
        limits.presence.answers = look_ups.answers_max;
    }
    limits
}

/// The same for every command that judges calls, so that they judge the same.
pub fn set_up(
    (network, ruleset): (&Arc<Network>, &Arc<Ruleset>),
    (marks, limits, legs): (&[SeedMark], Limits, LegOptions),
    (shards, seed): (u8, Seed),
) -> SetUp {
    let mut options = Options::default().seeded(seed);
    options.judge.features = limits;
    options.call.legs = legs;
    let threads = Threads { shards: usize::from(shards), ..Threads::default() };
    let mut judge = pipeline::judge(network, ruleset, (&options, threads));
    judge.seed_marks(marks);
    SetUp { options, threads, judge }
}

/// The network of made traffic, as if its files were on a disk.
pub fn made_network(traffic: &Traffic) -> Result<Network, Failure> {
    let read = |path: &Path| match path.to_str() {
        Some("network.toml") => Ok(traffic.network_toml()),
        Some("roaming.csv") => Ok(traffic.roaming_csv().collect()),
        Some("cli-exempt.csv") => Ok(traffic.exempt_csv().unwrap_or_default()),
        Some("rates.csv") => Ok(traffic.rates_csv().unwrap_or_default()),
        _ => Err(config::Error::Missing(path.to_owned())),
    };
    let loaded = config::load_network_by(Path::new("network.toml"), &read);
    loaded.map(|loaded| loaded.network).map_err(|error| Failure::new(error.exit_code(), error))
}

/// The rules of a directory, or those shipped.
pub fn rules(directory: Option<&Path>) -> Result<Ruleset, Failure> {
    compile(&rule_sources(directory)?)
}

/// Their files.
pub fn rule_sources(directory: Option<&Path>) -> Result<Vec<Source>, Failure> {
    match directory {
        Some(directory) => {
            config::read_rules(directory).map_err(|error| Failure::new(error.exit_code(), error))
        }
        None => Ok(SHIPPED
            .into_iter()
            .map(|(path, text)| Source { path: path.to_owned(), text: text.to_owned() })
            .collect()),
    }
}

/// Checked and ready.
pub fn compile(sources: &[Source]) -> Result<Ruleset, Failure> {
    Ruleset::compile(sources, &fields::FIELDS).map_err(|findings| {
        let findings = findings.iter().map(ToString::to_string).collect();
        let error = config::Error::Invalid(findings);
        Failure::new(error.exit_code(), error)
    })
}
