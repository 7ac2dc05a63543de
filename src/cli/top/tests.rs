//! The screen on a terminal of 80 by 24 that is none.

use std::fs;
use std::path::Path;

use crossbeam_channel::bounded;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::*;
use crate::capture::Capture;
use crate::cli::top::keys::View;

/// A state that has seen a whole case, and its network.
fn seen(case: &str) -> (State, Arc<Network>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(case);
    let loaded = load::network(Some(&folder.join("network.toml"))).unwrap();
    let ruleset = Arc::new(load::rules(None).unwrap());
    let limits = load::limits(&loaded);
    let network = Arc::new(loaded.network);
    let set_up = load::set_up((&network, &ruleset), (&[], limits, loaded.legs), (1, load::SEED));
    let state = Arc::new(Mutex::new(State::new(network.routes.all().len(), load::SEED)));
    let taker = Taker::new(set_up, (&network, ruleset), Arc::clone(&state));
    let capture = Capture::open(&[folder.join("input.pcap.zst")]).unwrap();
    let (_stop, stopped) = bounded(0);
    feed::play(capture, None, (taker, stopped));
    let state = locked(&state).clone();
    (state, network)
}

/// What stands on the screen.
fn screen(state: &State, looking: &Looking, network: &Network, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let picture = Picture { state, looking, network, source: "sip-flash-cancel", coloured: true };
    terminal.draw(|frame| picture.draw(frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for row in buffer.content().chunks(usize::from(width).max(1)) {
        let line: String = row.iter().map(|cell| cell.symbol()).collect();
        text += line.trim_end();
        text.push('\n');
    }
    text
}

fn key(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}

/// Compares a part of the document, or renews it.
fn holds(mark: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/decode.md");
    let document = fs::read_to_string(&path).unwrap();
    let (start, end) =
        (format!("<!-- {mark}: src/cli/top/tests.rs -->\n"), format!("<!-- end of {mark} -->"));
    let (before, rest) = document.split_once(&start).unwrap();
    let (shown, after) = rest.split_once(&end).unwrap();
    let block = format!("```\n{}\n```\n", text.trim_end());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, format!("{before}{start}{block}{end}{after}")).unwrap();
    } else {
        assert!(shown == block, "{mark}: renew with UPDATE_EXPECT=1 cargo test --lib top; now:\n{text}");
    }
}

#[test]
fn calls_their_verdicts_and_a_ladder_fit_a_small_terminal() {
    let (state, network) = seen("sip-flash-cancel");
    let mut looking = Looking::default();
    let all = screen(&state, &looking, &network, (80, 24));
    assert!(all.contains("block") && all.contains("flash") && all.contains("ended"), "{all}");
    holds("top", &all);

    assert!(looking.take(key(KeyCode::Down), &state, &network));
    assert!(looking.take(key(KeyCode::Enter), &state, &network));
    assert_eq!(looking.view, View::Ladder);
    let ladder = screen(&state, &looking, &network, (80, 24));
    assert!(ladder.contains("INVITE +48") && ladder.contains("▶│"), "{ladder}");
    assert!(looking.take(key(KeyCode::Char('?')), &state, &network));
    let help = screen(&state, &looking, &network, (80, 24));
    assert!(help.contains("follow the newest call"), "{help}");
    assert!(looking.take(key(KeyCode::Esc), &state, &network));
    assert!(!looking.take(key(KeyCode::Char('q')), &state, &network));
    // Any size is drawn on, the smallest, too.
    for size in [(1, 1), (10, 3), (200, 5), (40, 60)] {
        for view in [View::Calls, View::Help, View::Ladder] {
            looking.view = view;
            let _ = screen(&state, &looking, &network, size);
        }
    }
}

#[test]
fn a_filter_leaves_the_calls_that_contain_it() {
    let (state, network) = seen("sip-flash-cancel");
    let mut looking = Looking::default();
    let all = looking.rows(&state, &network).count();
    assert_eq!(all as u64, state.total.calls);
    looking.take(key(KeyCode::Char('/')), &state, &network);
    for letter in "BlockX".chars() {
        looking.take(key(KeyCode::Char(letter)), &state, &network);
    }
    assert_eq!(looking.rows(&state, &network).count(), 0);
    assert!(screen(&state, &looking, &network, (80, 24)).contains("No such call."));
    looking.take(key(KeyCode::Backspace), &state, &network);
    looking.take(key(KeyCode::Enter), &state, &network);
    let blocked = looking.rows(&state, &network).count();
    assert!(blocked > 0 && blocked < all, "{blocked} of {all}");
    assert_eq!(blocked as u64, state.total.decisions[1]);
    // What is selected stays selected; what is stopped stays.
    looking.take(key(KeyCode::End), &state, &network);
    let last = looking.selected.unwrap();
    assert_eq!(looking.current(&state, &network).unwrap().id, last);
    looking.take(key(KeyCode::Char('p')), &state, &network);
    assert_eq!(looking.paused.as_ref().unwrap().messages, state.messages);
    looking.take(key(KeyCode::Char('p')), &state, &network);
    assert!(looking.paused.is_none());
    looking.take(key(KeyCode::Esc), &state, &network);
    assert_eq!(looking.rows(&state, &network).count(), all);
}

#[test]
fn only_the_newest_calls_are_kept() {
    let (state, _) = seen("interconnect");
    assert!(state.total.calls > state::CALLS_MAX as u64);
    assert_eq!(state.rows().count(), state::CALLS_MAX);
    assert!(state.rows().all(|row| state.row(row.id).is_some_and(|found| found.id == row.id)));
    assert!(state.rows().all(|row| !row.ladder.is_empty() && row.ladder.len() <= 64));
    assert_eq!(state.total.decisions.iter().sum::<u64>(), state.total.calls);
    let of_routes: u64 = state.routes.iter().map(|counts| counts.calls).sum();
    assert_eq!(of_routes, state.total.calls);
}

#[test]
fn speeds_are_read() {
    assert_eq!("10x".parse::<Speed>().unwrap().0, Some(10.0));
    assert!("max".parse::<Speed>().unwrap().0.is_none());
    for text in ["", "x", "0x", "-1x", "1", "NaNx", "infx"] {
        assert!(text.parse::<Speed>().is_err(), "{text}");
    }
}
