//! The screen: a head, routes, calls; or one call; or the keys.

use ratatui::Frame;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::base::class::Decision;
use crate::base::network::Network;
use crate::base::text::grouped;
use crate::base::time::At;
use crate::cli::top::keys::{Looking, View};
use crate::cli::top::state::{Counts, Phase, Row, State};
use crate::inspect::Tone;
use crate::inspect::ladder::Paper;

/// Routes shown at most, those with most calls.
const ROUTES_MAX: usize = 6;
/// From so many columns on there is room for long names of routes.
const WIDE: usize = 100;

const HELP: &[(&str, &str)] = &[
    ("Up Down PgUp PgDn", "select a call; in a ladder, scroll"),
    ("Home", "follow the newest call"),
    ("Enter", "the ladder of the selected call, and back"),
    ("/", "show only calls with these letters in their row"),
    ("Esc", "forget selection and filter; leave a ladder"),
    ("p", "stop the screen, and let it go on; counting goes on"),
    ("?", "these keys"),
    ("q, Ctrl-C", "leave"),
];

/// What a screen is made of.
pub struct Picture<'p> {
    /// Counts and calls.
    pub state: &'p State,
    /// What is looked at.
    pub looking: &'p Looking,
    /// Names of routes.
    pub network: &'p Network,
    /// Where the messages come from.
    pub source: &'p str,
    /// Whether there are colours.
    pub coloured: bool,
}

impl Picture<'_> {
    /// Draws it.
    pub fn draw(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        let (width, height) = (usize::from(area.width), usize::from(area.height));
        let mut lines = self.head(width);
        match self.looking.view {
            View::Calls => self.calls(&mut lines, (width, height)),
            View::Help => self.help(&mut lines),
            View::Ladder => self.ladder(&mut lines, (width, height)),
        }
        lines.truncate(height.saturating_sub(1));
        lines.resize(height.saturating_sub(1), Line::default());
        lines.push(self.foot(width));
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn head(&self, width: usize) -> Vec<Line<'static>> {
        let State { now, messages, faulty, live, total, has_ended, .. } = self.state;
        let standing = match (self.looking.paused.is_some(), has_ended) {
            (true, _) => "  stopped",
            (false, true) => "  ended",
            (false, false) => "",
        };
        let time = if *now == At::default() { "" } else { &now.rfc3339()[..19] };
        let title = format!("tollgate top  {}  {time}{standing}", self.source);
        let (message_rate, call_rate) = self.state.rates();
        let share = |part: u64| 100.0 * part as f64 / (total.calls.max(1)) as f64;
        let blocked = total.decisions[Decision::Block as usize];
        let calls = format!(
            "{} calls ({call_rate:.1}/s), {} live   answered {:.1} %  blocked {:.1} %",
            grouped(total.calls),
            grouped(*live),
            share(total.answered),
            share(blocked),
        );
        let mut read = format!("{} messages ({message_rate:.1}/s)", grouped(*messages));
        if *faulty > 0 {
            read += &format!(", {} faulty", grouped(*faulty));
        }
        let strong = Style::default().add_modifier(Modifier::BOLD);
        let cut = |text: String| text.chars().take(width).collect::<String>();
        vec![Line::styled(cut(title), strong), Line::raw(cut(calls)), Line::raw(cut(read)), Line::default()]
    }

    fn calls(&self, lines: &mut Vec<Line<'static>>, (width, height): (usize, usize)) {
        let dim = Style::default().add_modifier(Modifier::DIM);
        lines.push(Line::styled(
            format!(
                "{:<22}{:>8}{:>9}{:>9}{:>9}{:>10}",
                "Route", "calls", "answered", "allowed", "blocked", "monetised"
            ),
            dim,
        ));
        let mut routes: Vec<(usize, &Counts)> =
            self.state.routes.iter().enumerate().filter(|(_, counts)| counts.calls > 0).collect();
        routes.sort_by_key(|(index, counts)| (std::cmp::Reverse(counts.calls), *index));
        for (index, counts) in routes.into_iter().take(ROUTES_MAX) {
            lines.push(Line::raw(self.route(index, counts)));
        }
        lines.push(Line::default());
        let route_width = self.route_width(width);
        lines.push(Line::styled(
            format!(
                "{:<9}{:<15}{:<15}{:<route_width$}{:<9}{:<9}{}",
                "Call", "from", "to", "route", "state", "verdict", "taken for"
            ),
            dim,
        ));
        let room = height.saturating_sub(lines.len() + 1);
        let selected = self.looking.selected;
        let rows: Vec<&Row> = self.looking.rows(self.state, self.network).collect();
        let at = selected.and_then(|id| rows.iter().position(|row| row.id == id)).unwrap_or(0);
        // The selected row stays in sight.
        let start = (at + 1).saturating_sub(room);
        for row in rows.iter().skip(start).take(room) {
            let style = self.style(row);
            let style = if selected == Some(row.id) { style.add_modifier(Modifier::REVERSED) } else { style };
            lines.push(Line::styled(self.row(row, route_width), style));
        }
        if rows.is_empty() {
            lines.push(Line::raw(if self.state.messages == 0 { "No message yet." } else { "No such call." }));
        }
    }

    fn route(&self, index: usize, counts: &Counts) -> String {
        let name = self.network.routes.all().get(index).map_or("", |route| &route.name);
        let of = |decision: Decision| grouped(counts.decisions[decision as usize]);
        format!(
            "{:<22}{:>8}{:>9}{:>9}{:>9}{:>10}",
            fit(name, 21),
            grouped(counts.calls),
            grouped(counts.answered),
            of(Decision::Allow),
            of(Decision::Block),
            of(Decision::Monetise),
        )
    }

    /// Columns for the names of routes in a list of calls: as many as they need, if there is room.
    fn route_width(&self, width: usize) -> usize {
        let longest = self.network.routes.all().iter().map(|route| route.name.chars().count()).max();
        (longest.unwrap_or_default() + 1).clamp(10, if width < WIDE { 14 } else { 22 })
    }

    fn row(&self, row: &Row, route_width: usize) -> String {
        let route = &self.network.routes.route(row.route).name;
        let end = row.end_at.unwrap_or(self.state.now);
        let spent = row.answer_at.map_or_else(
            || row.phase.name().to_owned(),
            |answer| {
                format!(
                    "{}{:.0} s",
                    if row.phase == Phase::Ended { "" } else { "+" },
                    end.since(answer).as_secs_f64()
                )
            },
        );
        let rule = row.rule.as_deref().unwrap_or("");
        format!(
            "{:<9}{:<15}{:<15}{:<route_width$}{:<9}{:<9}{} {rule}",
            &row.setup_at.rfc3339()[11..19],
            fit(&row.numbers[0], 14),
            fit(&row.numbers[1], 14),
            fit(route, route_width - 1),
            spent,
            row.decision.name(),
            row.class.name(),
        )
    }

    fn style(&self, row: &Row) -> Style {
        let style = Style::default();
        match (self.coloured, row.decision) {
            (true, Decision::Block) => style.fg(Color::Red),
            (true, Decision::Monetise) => style.fg(Color::Yellow),
            (true, _) if row.phase == Phase::Answered => style.fg(Color::Green),
            _ => style,
        }
    }

    fn ladder(&self, lines: &mut Vec<Line<'static>>, (width, height): (usize, usize)) {
        let Some(row) = self.looking.current(self.state, self.network) else {
            lines.push(Line::raw("That call is no longer among the newest."));
            return;
        };
        let rule = row.rule.as_deref().unwrap_or("no rule");
        lines.push(Line::raw(fit(
            &format!(
                "{}  {} > {}  {}: {} ({rule})",
                row.id,
                row.numbers[0],
                row.numbers[1],
                row.decision.name(),
                row.class.name()
            ),
            width,
        )));
        let drawn = row.ladder.draw(Paper { width, ascii: false });
        let is_cut = row.ladder.left_out() > 0;
        let room = height.saturating_sub(lines.len() + 1 + usize::from(is_cut));
        let start = self.looking.scroll.min(drawn.len().saturating_sub(room));
        for line in drawn.into_iter().skip(start).take(room) {
            lines.push(Line::styled(line.text, self.tone(line.tone)));
        }
        if is_cut {
            lines.push(Line::raw(format!("{} messages more", row.ladder.left_out())));
        }
    }

    fn tone(&self, tone: Tone) -> Style {
        let style = Style::default();
        match (self.coloured, tone) {
            (_, Tone::Setup) => style.add_modifier(Modifier::BOLD),
            (true, Tone::Failure) => style.fg(Color::Red),
            (true, Tone::Faulty) => style.fg(Color::Magenta),
            (true, Tone::Progress) => style.fg(Color::Cyan),
            (true, Tone::Success) => style.fg(Color::Green),
            _ => style,
        }
    }

    fn help(&self, lines: &mut Vec<Line<'static>>) {
        for (keys, meaning) in HELP {
            let keys = Span::styled(format!("  {keys:<20}"), Style::default().add_modifier(Modifier::BOLD));
            lines.push(Line::from(vec![keys, Span::raw(*meaning)]));
        }
    }

    fn foot(&self, width: usize) -> Line<'static> {
        let text = match (self.looking.typing, self.looking.view, self.looking.filter.is_empty()) {
            (true, ..) => format!("/{}_", self.looking.filter),
            (false, View::Calls, false) => format!("calls with `{}`; Esc shows all", self.looking.filter),
            (false, View::Calls, true) => "q leave  Enter ladder  / filter  p stop  ? help".to_owned(),
            (false, View::Ladder, _) => "q back  Up Down scroll  p stop".to_owned(),
            (false, View::Help, _) => "q back".to_owned(),
        };
        Line::styled(
            format!("{:<width$}", fit(&text, width)),
            Style::default().add_modifier(Modifier::REVERSED),
        )
    }
}

/// No wider than so many columns.
fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}
