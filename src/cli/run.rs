//! `tollgate run`: a service beside or in the path of switches.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::adapter::push::Switch;
use crate::adapter::push::kamailio::Kamailio;
use crate::adapter::push::webhook::Webhook;
use crate::base::network::Network;
use crate::call::LegOptions;
use crate::cli::{Failure, RunArguments, load, signatures};
use crate::config::service::PushTarget;
use crate::config::{self, Service};
use crate::engine::Options;
use crate::judge::JudgeOptions;
use crate::lookup::{self, Client, Pool, Source};
use crate::service::adapters::Target;
use crate::service::look_ups::LookUpOptions;
use crate::service::{self, Part, Reloaded, Settings, adapters, inline, log, sources};
use crate::stir;

/// Rounds of look-ups that may be under way at a time.
const ASKING: usize = 4;

/// Runs a service until it is told to end.
pub fn run(arguments: &RunArguments) -> Result<(), Failure> {
    let directory = arguments.config.as_path();
    let configured =
        config::load_service(directory).map_err(|error| Failure::new(error.exit_code(), error))?;
    let settings = settings(directory, &configured)?;
    log::start(&configured.log_filter, configured.log_format)
        .map_err(|error| Failure::new(3, format!("log.filter: {error}")))?;
    service::run(settings).map_err(|error| Failure::new(1, error))
}

/// Everything that can be wrong with the configuration is found before anything is started.
pub fn settings(directory: &Path, configured: &Service) -> Result<Settings, Failure> {
    let loaded = load::network(Some(&configured.network))?;
    let ruleset = Arc::new(load::rules(configured.rules.as_deref())?);
    let mut options = Options::default();
    options.call.calls_max = configured.calls.live_max.size();
    options.call.join = configured.calls.join.0;
    options.call.legs = LegOptions { calls_max: options.call.calls_max, ..loaded.legs };
    if configured.http.is_some() {
        // Whoever asks over HTTP may tell there too; only who says that he will is waited for.
        let feed = configured.feed.unwrap_or_default();
        options.call.told_wait = configured.feed.map_or(options.call.told_wait, |feed| feed.wait.0);
        options.call.told_hold = options.call.told_wait + feed.remember.0;
        options.call.told_max = feed.remember_max.size();
    }
    options.judge = JudgeOptions {
        features: load::limits(&loaded),
        verdicts_max: configured.calls.live_max.size(),
        findings_max: 0,
        ..options.judge
    };
    let network = Arc::new(loaded.network);
    Ok(Settings {
        look_ups: look_ups(loaded.look_ups.as_ref(), loaded.stir.as_ref(), &network)?,
        ruleset,
        rate_card: loaded.rate_card.unwrap_or_default(),
        seed_marks: loaded.labels.seeds(),
        network,
        options,
        state: configured.state.clone(),
        records: configured.records.clone(),
        admin: configured.admin,
        queries_max: configured.calls.queue_max.size(),
        lag: lag(configured),
        pushes_lists: !configured.push.is_empty(),
        parts: parts(configured)?,
        reload: reload(directory.to_owned()),
    })
}

/// Whoever is asked before a call is judged; `None` where nobody is.
fn look_ups(
    roaming: Option<&lookup::Options>,
    stir: Option<&stir::Options>,
    network: &Arc<Network>,
) -> Result<Option<LookUpOptions>, Failure> {
    if roaming.is_none() && stir.is_none() {
        return Ok(None);
    }
    let verifier = stir.map(|options| signatures::verifier(options, network)).transpose()?;
    Ok(Some(LookUpOptions {
        sources: roaming.map_or_else(|| Ok(Vec::new()), roaming_sources)?,
        deadline: roaming.map_or(Duration::ZERO, |options| options.deadline),
        hold: roaming.map_or(Duration::ZERO, |options| options.hold),
        verifier,
    }))
}

/// Several who ask, so that one slow answer does not hold up the next question.
fn roaming_sources(options: &lookup::Options) -> Result<Vec<Box<dyn Source>>, Failure> {
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    for _ in 0..ASKING {
        let client = Client::new(&options.client).map_err(|(path, error)| Failure::input(&path, &error))?;
        let threads = options.concurrency.div_ceil(ASKING);
        let pool = Pool::start(client, threads, options.deadline)
            .map_err(|error| Failure::new(71, format!("no thread for look-ups: {error}")))?;
        sources.push(Box::new(pool));
    }
    Ok(sources)
}

/// The lag of the slowest source.
fn lag(configured: &Service) -> Duration {
    let captures = configured.captures.iter().map(|options| options.feed.tick_lag);
    let agents = configured.agents.iter().map(|options| options.feed.tick_lag);
    let followed = configured.followed.iter().map(|options| options.feed.tick_lag);
    captures.chain(agents).chain(followed).max().unwrap_or_default()
}

/// Sources first: what a switch asks about may be on the wire already.
fn parts(configured: &Service) -> Result<Vec<Part>, Failure> {
    let captures = configured.captures.iter().cloned().map(sources::capture);
    let agents = configured.agents.iter().cloned().map(sources::hep);
    let followed = configured.followed.iter().cloned().map(sources::follow);
    let mut parts: Vec<Part> = captures.chain(agents).chain(followed).collect();
    parts.extend(configured.http.clone().map(adapters::http));
    parts.extend(configured.dip.clone().map(adapters::dip));
    parts.extend(configured.proxy.clone().map(adapters::proxy));
    parts.extend(configured.inline.clone().map(inline::path));
    if !configured.push.is_empty() {
        let targets = configured.push.iter().map(push_target).collect::<Result<_, _>>()?;
        parts.push(adapters::push(targets));
    }
    Ok(parts)
}

fn push_target(target: &PushTarget) -> Result<Target, Failure> {
    let unreadable = |error| Failure::new(66, format!("push {}: token: {error}", target.options.name));
    let switch: Box<dyn Switch> = match &target.table {
        Some(table) => Box::new(Kamailio::new(&target.client, table).map_err(unreadable)?),
        None => Box::new(Webhook::new(&target.client).map_err(unreadable)?),
    };
    Ok((target.options.clone(), switch))
}

/// Reads rules and prices again; routes, addresses and limits are those of the start.
fn reload(directory: PathBuf) -> Box<dyn FnMut() -> Result<Reloaded, String> + Send> {
    Box::new(move || {
        let configured = config::load_service(&directory).map_err(|error| error.to_string())?;
        let loaded = load::network(Some(&configured.network)).map_err(|failure| failure.message)?;
        let ruleset = load::rules(configured.rules.as_deref()).map_err(|failure| failure.message)?;
        Ok(Reloaded { ruleset: Arc::new(ruleset), rate_card: loaded.rate_card.unwrap_or_default() })
    })
}
