//! `tollgate top`: routes, verdicts and the newest calls as they happen, on a terminal.

mod feed;
mod keys;
mod screen;
mod state;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event};

use self::feed::{Feed, Taker, locked};
use self::keys::Looking;
use self::screen::Picture;
use self::state::State;
use crate::assemble::AssembleOptions;
use crate::base::frame::MtpPlan;
use crate::base::network::Network;
use crate::capture::Capture;
use crate::cli::decode::paint::Colour;
use crate::cli::{Failure, TopArguments, interrupt, load};
use crate::source::hep::{HepOptions, Listener};
use crate::source::live::{self, LiveError, LiveOptions};
use crate::source::{FeedOptions, Inlet, Running, queue};

/// Between two pictures.
const EVERY: Duration = Duration::from_millis(100);
/// Batches of a source under way.
const DEPTH: usize = 64;

/// Shows what happens until a key ends it.
pub fn run(arguments: &TopArguments) -> Result<(), Failure> {
    if !io::stdout().is_terminal() {
        return Err(Failure::new(2, "`top` draws on a terminal; `tollgate decode` writes lines"));
    }
    let loaded = load::network(arguments.network.as_deref())?;
    let ruleset = Arc::new(load::rules(arguments.rules.as_deref())?);
    let (marks, limits) = (loaded.labels.seeds(), load::limits(&loaded));
    let network = Arc::new(loaded.network);
    let set_up = load::set_up((&network, &ruleset), (&marks, limits, loaded.legs), (1, load::SEED));
    let state = Arc::new(Mutex::new(State::new(network.routes.all().len(), load::SEED)));
    let taker = Taker::new(set_up, (&network, ruleset), Arc::clone(&state));
    let interrupted = interrupt::watch()?;
    let started = |error: io::Error| Failure::new(1, format!("cannot start: {error}"));
    let (name, feed) = match sources(arguments, network.mtp)? {
        Some((source, inlet)) => (source.name().to_owned(), Feed::of_source(source, inlet, taker)),
        None => {
            let capture =
                Capture::open(&arguments.captures).map_err(|error| Failure::new(error.exit_code(), error))?;
            let names: Vec<String> =
                arguments.captures.iter().map(|path| path.display().to_string()).collect();
            let is_pipe = arguments.captures.iter().any(|path| !path.is_file());
            (names.join(" "), Feed::of_capture((capture, is_pipe), arguments.speed.0, taker))
        }
    };
    let feed = feed.map_err(started)?;
    let coloured = Colour::Auto.is_wanted();
    // Whatever ends the program, a panic too, gives the terminal back as it was.
    let mut terminal = ratatui::try_init().map_err(started)?;
    let mut looking = Looking::default();
    let outcome = loop {
        if interrupted.load(Ordering::Relaxed) {
            break Ok(());
        }
        match turn(&mut terminal, &mut looking, (&state, &network), (&name, coloured)) {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(error) => break Err(Failure::new(74, format!("terminal: {error}"))),
        }
    };
    ratatui::restore();
    drop(feed);
    outcome
}

/// Draws, then waits for a key; false when one ends the program.
fn turn(
    terminal: &mut ratatui::DefaultTerminal,
    looking: &mut Looking,
    (state, network): (&Mutex<State>, &Network),
    (source, coloured): (&str, bool),
) -> io::Result<bool> {
    {
        let now = locked(state);
        let state = looking.paused.as_deref().unwrap_or(&now);
        let picture = Picture { state, looking, network, source, coloured };
        terminal.draw(|frame| picture.draw(frame))?;
    }
    if !event::poll(EVERY)? {
        return Ok(true);
    }
    let Event::Key(key) = event::read()? else { return Ok(true) };
    let (paused, now) = (looking.paused.clone(), locked(state));
    Ok(looking.take(key, paused.as_deref().unwrap_or(&now), network))
}

/// An interface or agents, when asked for.
fn sources(arguments: &TopArguments, mtp: MtpPlan) -> Result<Option<(Running, Inlet)>, Failure> {
    let (outlet, inlet) = queue(DEPTH);
    let assemble = AssembleOptions { mtp, ..AssembleOptions::default() };
    let feed = FeedOptions { assemble, ..FeedOptions::default() };
    if let Some(interface) = &arguments.interface {
        let options = LiveOptions {
            interfaces: vec![interface.clone()],
            filter: arguments.bpf.clone().unwrap_or_default(),
            feed,
            ..LiveOptions::default()
        };
        let running = live::run(&options, &outlet).map_err(|error| {
            let code = match error {
                LiveError::BadFilter { .. } => 2,
                LiveError::Denied { .. } => 77,
                LiveError::NoSuchInterface { .. } => 66,
                _ => 74,
            };
            Failure::new(code, error)
        })?;
        return Ok(Some((running, inlet)));
    }
    if let Some(address) = arguments.hep {
        let options = HepOptions { udp: Some(address), tcp: Some(address), feed, ..HepOptions::default() };
        let failed = |error: io::Error| Failure::new(74, format!("{address}: {error}"));
        let running = Listener::bind(options).and_then(|hep| hep.run(&outlet)).map_err(failed)?;
        return Ok(Some((running, inlet)));
    }
    Ok(None)
}

/// How fast a capture is played: `1x`, `10x`, `0.5x`, or `max`.
#[derive(Clone, Copy, Debug)]
pub struct Speed(Option<f64>);

impl std::str::FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self(None));
        }
        let times = text.strip_suffix('x').and_then(|times| times.parse::<f64>().ok());
        let times = times.filter(|times| (0.01..=100_000.0).contains(times));
        times.map(|times| Self(Some(times))).ok_or_else(|| "such as 1x, 10x, 0.5x, or max".to_owned())
    }
}
