//! `tollgate decode`: captures in, every signalling message in words out.

mod json;
mod lines;
pub mod paint;
mod relay;
pub mod select;
mod walk;
mod write;

use std::fmt::{self, Display};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::Arc;

use ratatui::crossterm::terminal;

use self::json::Json;
use self::lines::{Lines, Look};
use self::paint::Paint;
use self::select::Selection;
use self::walk::{Aside, Route, Visitor, Walked, walk};
use self::write::Calls;
use crate::base::network::Network;
use crate::base::text::grouped;
use crate::cli::failure::say;
use crate::cli::{DecodeArguments, Failure, interrupt, load};
use crate::inspect::Entry;
use crate::inspect::ladder::{Ladder, Paper};

/// Most messages of a ladder.
const LADDER_MAX: usize = 10_000;
/// Columns of a ladder where there is no terminal.
const WIDTH: usize = 120;

/// Decodes captures.
pub fn run(arguments: &DecodeArguments) -> Result<(), Failure> {
    let is_stdin = arguments.captures.iter().any(|path| path.as_os_str() == "-");
    if arguments.captures.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Failure::new(2, "standard input (-) can be read once; name it once"));
    }
    if arguments.write.is_some() && is_stdin {
        let help = "--write reads captures more than once; put standard input (-) into a file first";
        return Err(Failure::new(2, help));
    }
    let mut selection = Selection::new(arguments)?;
    if let Some(path) = &arguments.write {
        write::check(path, &arguments.captures)?;
    }
    let loaded = load::network(arguments.network.as_deref())?;
    let (network, legs) = (Arc::new(loaded.network), loaded.legs);
    let interrupted = interrupt::watch()?;
    let route = Route {
        captures: &arguments.captures,
        network: &network,
        legs,
        interrupted: &interrupted,
        // On a terminal the lines themselves are the progress.
        progress: !io::stdout().is_terminal(),
    };
    if selection.names_legs() && !is_stdin {
        relay::walk(&route, &mut Finder(&mut selection))?;
    }
    let mut view = View::new(arguments, (&selection, &network), is_stdin);
    // Whoever reads a pipe wants each message at once; of files many at a time go from one thread to another.
    let is_live = is_stdin || arguments.captures.iter().any(|path| !path.is_file());
    let walked = if is_live { walk(&route, &mut view)? } else { relay::walk(&route, &mut view)? };
    let shown = view.finish(&walked);
    let is_unread = shown.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
    if is_unread && arguments.write.is_none() {
        return Ok(());
    }
    Failure::printed(shown)?;
    let summary = Summary { walked: &walked, shown: view.shown, is_all: selection.is_all() };
    say(summary.to_string().trim_end());
    if walked.interrupted {
        return Err(Failure::new(interrupt::CODE, "interrupted: what was printed covers what was read"));
    }
    if let Some(path) = &arguments.write {
        say(write::write(path, &route, (&selection, &view.calls))?);
    }
    match &arguments.ladder {
        Some(call) if view.shown == 0 => Err(Failure::new(1, format!("no message of a call `{call}`"))),
        _ => Ok(()),
    }
}

/// Finds the calls whose legs were named.
struct Finder<'s>(&'s mut Selection);

impl Visitor for Finder<'_> {
    fn message(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        self.0.learn(entry);
        Ok(())
    }
}

/// How messages are shown.
enum Form {
    Json(Json),
    Ladder(Ladder, Paper, Paint),
    Lines(Lines),
}

/// Shows the messages that are wanted.
struct View<'v> {
    selection: &'v Selection,
    network: &'v Network,
    form: Form,
    /// Calls of the messages shown, where their frames are to be written.
    calls: Calls,
    collects: bool,
    all: bool,
    /// Nobody knows when the next message comes: each is shown at once.
    flushes: bool,
    /// Frames are to be written, whether or not anybody still reads what is printed.
    writes: bool,
    is_unread: bool,
    out: BufWriter<io::StdoutLock<'static>>,
    shown: u64,
}

impl<'v> View<'v> {
    fn new(
        arguments: &DecodeArguments,
        (selection, network): (&'v Selection, &'v Network),
        is_stdin: bool,
    ) -> Self {
        let paint = Paint(arguments.color.is_wanted());
        let form = if arguments.ladder.is_some() {
            Form::Ladder(Ladder::new(LADDER_MAX), paper(arguments), paint)
        } else if arguments.json {
            Form::Json(Json::default())
        } else {
            let (relative, verbose) = (arguments.relative, arguments.verbose);
            Form::Lines(Lines::new(Look { relative, verbose, paint }))
        };
        Self {
            selection,
            network,
            form,
            calls: Calls::new(),
            collects: arguments.write.is_some() && !selection.is_all(),
            all: arguments.all && selection.is_all(),
            flushes: is_stdin || io::stdout().is_terminal(),
            writes: arguments.write.is_some(),
            is_unread: false,
            out: BufWriter::with_capacity(1 << 16, io::stdout().lock()),
            shown: 0,
        }
    }

    /// What became of printing: that nobody reads it any more ends the walk only where nothing else is left to do.
    fn printed(&mut self, printed: io::Result<()>) -> io::Result<()> {
        match printed {
            Err(error) if self.writes && error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_unread = true;
                Ok(())
            }
            Ok(()) if self.flushes => self.out.flush(),
            other => other,
        }
    }

    /// Draws what is drawn at the end, and hands everything to the reader.
    fn finish(&mut self, walked: &Walked) -> io::Result<()> {
        if let Some(error) = &walked.stopped {
            return Err(error.kind().into());
        }
        if self.is_unread {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if let Form::Ladder(ladder, paper, paint) = &self.form
            && !ladder.is_empty()
        {
            for line in ladder.draw(*paper) {
                writeln!(self.out, "{}", paint.tone(line.tone, line.text))?;
            }
            if ladder.left_out() > 0 {
                writeln!(self.out, "{} messages more", grouped(ladder.left_out()))?;
            }
        }
        self.out.flush()
    }
}

impl Visitor for View<'_> {
    fn message(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        if !self.selection.is_all() && !self.selection.has(entry, self.network) {
            return Ok(());
        }
        self.shown += 1;
        if self.collects {
            self.calls.add(entry);
        }
        if self.is_unread {
            return Ok(());
        }
        let printed = match &mut self.form {
            Form::Json(json) => json.message(entry, self.network, &mut self.out),
            Form::Ladder(ladder, ..) => {
                let titled = if ladder.is_empty() { title(entry, &mut self.out) } else { Ok(()) };
                ladder.push(entry);
                titled
            }
            Form::Lines(lines) => lines.message(entry, &mut self.out),
        };
        self.printed(printed)
    }

    fn wants_asides(&self) -> bool {
        self.all && !matches!(self.form, Form::Ladder(..))
    }

    fn aside(&mut self, aside: &Aside) -> io::Result<()> {
        if self.is_unread {
            return Ok(());
        }
        let printed = match &mut self.form {
            Form::Json(json) => json.aside(aside, &mut self.out),
            Form::Ladder(..) => Ok(()),
            Form::Lines(lines) => lines.aside(aside, &mut self.out),
        };
        self.printed(printed)
    }
}

/// What stands above a ladder.
fn title(entry: &Entry<'_>, out: &mut impl Write) -> io::Result<()> {
    let Entry { pdu, said, id, .. } = entry;
    write!(out, "{}", &pdu.at.rfc3339()[..26])?;
    write!(out, "Z")?;
    if let Some(id) = id {
        write!(out, "  call {id}")?;
    }
    if let (Some(from), Some(to)) = (&said.from, &said.to) {
        write!(out, "  {from} > {to}")?;
    }
    writeln!(out, "\n")
}

fn paper(arguments: &DecodeArguments) -> Paper {
    let asked = arguments.width.map(usize::from);
    let of_terminal = || {
        let is_terminal = io::stdout().is_terminal();
        is_terminal.then(|| terminal::size().ok()).flatten().map(|(columns, _)| usize::from(columns))
    };
    Paper { width: asked.or_else(of_terminal).unwrap_or(WIDTH), ascii: arguments.ascii }
}

/// What is said at the end, on standard error.
struct Summary<'s> {
    walked: &'s Walked,
    shown: u64,
    is_all: bool,
}

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Walked { messages, calls, frames, faults, skips, problems, .. } = self.walked;
        let (messages, calls, frames) = (grouped(*messages), grouped(*calls), grouped(*frames));
        write!(f, "{messages} messages of {calls} calls in {frames} frames")?;
        if !self.is_all {
            write!(f, "; {} shown", grouped(self.shown))?;
        }
        writeln!(f)?;
        let skipped = skips.iter().filter(|(_, count)| *count > 0);
        list(f, "Without signalling", skipped.map(|(why, count)| format!("{why} {}", grouped(count))))?;
        let wrong = faults.nonzero().map(|(layer, kind, count)| format!("{layer} {kind} {}", grouped(count)));
        list(f, "Dropped or malformed", wrong)?;
        problems.iter().try_for_each(|problem| writeln!(f, "{problem}"))
    }
}

fn list(f: &mut fmt::Formatter<'_>, title: &str, items: impl Iterator<Item = String>) -> fmt::Result {
    let items: Vec<String> = items.collect();
    if items.is_empty() { Ok(()) } else { writeln!(f, "{title}: {}", items.join(" · ")) }
}
