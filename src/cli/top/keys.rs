//! What a key does to what is looked at.

use std::sync::Arc;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::base::network::Network;
use crate::call::CallId;
use crate::cli::top::state::{Row, State};

/// Longest filter, in characters.
const FILTER_MAX: usize = 40;
/// Rows of a leap.
const PAGE: usize = 10;

/// What is on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Routes and the newest calls.
    Calls,
    /// Keys.
    Help,
    /// One call.
    Ladder,
}

/// What is looked at, and how.
#[derive(Debug)]
pub struct Looking {
    /// What is on the screen.
    pub view: View,
    /// The selected call; none follows the newest.
    pub selected: Option<CallId>,
    /// Only calls whose row contains this, in small letters.
    pub filter: String,
    /// The filter is being written.
    pub typing: bool,
    /// The screen as it stood when it was stopped.
    pub paused: Option<Arc<State>>,
    /// First line of the ladder that is shown.
    pub scroll: usize,
}

impl Default for Looking {
    fn default() -> Self {
        Self {
            view: View::Calls,
            selected: None,
            filter: String::new(),
            typing: false,
            paused: None,
            scroll: 0,
        }
    }
}

impl Looking {
    /// The calls that are listed, the newest first.
    pub fn rows<'s>(&'s self, state: &'s State, network: &'s Network) -> impl Iterator<Item = &'s Row> {
        let all = self.filter.is_empty();
        state.rows().filter(move |row| all || row.contains(&self.filter, network))
    }

    /// The selected call, else the newest.
    pub fn current<'s>(&'s self, state: &'s State, network: &'s Network) -> Option<&'s Row> {
        let selected = self.selected.and_then(|id| state.row(id));
        selected.or_else(|| self.rows(state, network).next())
    }

    /// Takes a key; false when it ends the program.
    pub fn take(&mut self, key: KeyEvent, state: &State, network: &Network) -> bool {
        if key.kind == KeyEventKind::Release {
            return true;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return key.code != KeyCode::Char('c');
        }
        if self.typing {
            self.write(key.code);
            return true;
        }
        match (key.code, self.view) {
            (KeyCode::Char('q'), View::Calls) => return false,
            (KeyCode::Char('q') | KeyCode::Esc, View::Help | View::Ladder) => self.view = View::Calls,
            (KeyCode::Esc, View::Calls) => (self.selected, self.filter) = (None, String::new()),
            (KeyCode::Char('?'), _) => self.view = View::Help,
            (KeyCode::Char('/'), View::Calls) => self.typing = true,
            (KeyCode::Char('p'), _) => self.pause(state),
            (KeyCode::Enter, View::Calls) => self.open(state, network),
            (KeyCode::Enter, _) => self.view = View::Calls,
            (code, View::Calls) => self.select(code, state, network),
            (code, View::Ladder) => self.scroll(code, state, network),
            (_, View::Help) => {}
        }
        true
    }

    fn write(&mut self, code: KeyCode) {
        match code {
            KeyCode::Char(letter) if self.filter.chars().count() < FILTER_MAX && !letter.is_control() => {
                self.filter.extend(letter.to_lowercase());
                self.selected = None;
            }
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Enter => self.typing = false,
            KeyCode::Esc => (self.typing, self.filter) = (false, String::new()),
            _ => {}
        }
    }

    fn pause(&mut self, state: &State) {
        self.paused = match self.paused.take() {
            Some(_) => None,
            None => Some(Arc::new(state.clone())),
        };
    }

    fn open(&mut self, state: &State, network: &Network) {
        if let Some(id) = self.current(state, network).map(|row| row.id) {
            (self.selected, self.view, self.scroll) = (Some(id), View::Ladder, 0);
        }
    }

    fn select(&mut self, code: KeyCode, state: &State, network: &Network) {
        let ids: Vec<CallId> = self.rows(state, network).map(|row| row.id).collect();
        let at = self.selected.and_then(|id| ids.iter().position(|other| *other == id));
        let now = at.unwrap_or(0);
        let to = match code {
            KeyCode::Up | KeyCode::Char('k') => now.checked_sub(1),
            KeyCode::Down | KeyCode::Char('j') => Some(at.map_or(0, |now| now + 1)),
            KeyCode::PageUp => now.checked_sub(PAGE),
            KeyCode::PageDown => Some(now + PAGE),
            KeyCode::Home => None,
            KeyCode::End => Some(ids.len()),
            _ => return,
        };
        // Above the first row is the newest call, whichever that will be.
        self.selected = to.and_then(|to| ids.get(to.min(ids.len().saturating_sub(1)))).copied();
    }

    fn scroll(&mut self, code: KeyCode, state: &State, network: &Network) {
        let last = self.current(state, network).map_or(0, |row| row.ladder.len());
        let scroll = match code {
            KeyCode::Up | KeyCode::Char('k') => self.scroll.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.scroll + 1,
            KeyCode::PageUp => self.scroll.saturating_sub(PAGE),
            KeyCode::PageDown => self.scroll + PAGE,
            KeyCode::Home => 0,
            KeyCode::End => last,
            _ => self.scroll,
        };
        self.scroll = scroll.min(last);
    }
}
