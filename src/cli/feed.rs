//! `tollgate feed`: a file of call records to a running Tollgate, in batches that are sent until they are taken.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::never;
use serde::Deserialize;
use ureq::Agent;

use crate::adapter::feed::{Form, Refused};
use crate::cli::failure::say;
use crate::cli::progress::Line;
use crate::cli::{Failure, FeedArguments, FeedForm, interrupt};
use crate::clock::Deadline;
use crate::token::Token;

/// Longest line, octets.
const LINE_MAX: u64 = 64 * 1024;
/// Most octets of a batch, header apart.
const BATCH_OCTETS_MAX: usize = 512 * 1024;
/// Longest wait for an answer.
const ANSWER_WAIT: Duration = Duration::from_secs(30);
/// First and longest pause before a batch is sent again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

/// Sends the records of a file.
pub fn run(arguments: &FeedArguments) -> Result<(), Failure> {
    let interrupted = interrupt::watch()?;
    let mut lines = Lines::open(arguments)?;
    let sender = Sender::new(arguments, lines.form, interrupted)?;
    let mut total = Taken::default();
    let mut line = Line::of_octets(lines.octets);
    while let Some(batch) = lines.batch(arguments)? {
        if sender.is_interrupted() {
            line.finish();
            return Err(sender.stopped(interrupt::CODE, "ended early", &batch));
        }
        let taken = sender.send(&batch)?;
        sender.complain(&batch, &taken);
        total.accepted += taken.accepted;
        total.refused += taken.refused;
        line.show(lines.octets_read, total.accepted);
    }
    line.finish();
    let shown = arguments.file.display();
    println!("{shown}: {} records told, {} refused", total.accepted, total.refused + lines.too_long);
    match total.refused + lines.too_long {
        0 => Ok(()),
        refused => {
            Err(Failure::new(65, format!("{shown}: {refused} records were refused; the others were told")))
        }
    }
}

/// Lines of the file, in batches.
struct Lines {
    reader: BufReader<Box<dyn Read>>,
    form: Form,
    header: Option<Vec<u8>>,
    number: u64,
    octets: Option<u64>,
    octets_read: u64,
    too_long: u64,
}

/// Lines that are sent together.
#[derive(Default)]
struct Batch {
    body: Vec<u8>,
    /// Numbers in the file of the lines of the body, in order.
    numbers: VecDeque<u64>,
}

impl Lines {
    fn open(arguments: &FeedArguments) -> Result<Self, Failure> {
        let path = &arguments.file;
        let failed = |error: io::Error| Failure::input(path, &error);
        let is_standard = path == Path::new("-");
        let (input, octets): (Box<dyn Read>, _) = if is_standard {
            (Box::new(io::stdin()), None)
        } else {
            let file = File::open(path).map_err(failed)?;
            let octets = file.metadata().map_err(failed)?.len();
            (Box::new(file), Some(octets))
        };
        let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let form = match arguments.format {
            Some(FeedForm::Csv) => Form::Csv,
            Some(FeedForm::Jsonl) => Form::JsonLines,
            None if is_csv => Form::Csv,
            None => Form::JsonLines,
        };
        let reader = BufReader::new(input);
        let mut lines = Self { reader, form, header: None, number: 0, octets, octets_read: 0, too_long: 0 };
        if form == Form::Csv {
            lines.header = lines.next(path)?;
        }
        Ok(lines)
    }

    /// The next lines that are not empty, from the one on that is asked for.
    fn batch(&mut self, arguments: &FeedArguments) -> Result<Option<Batch>, Failure> {
        let mut batch = Batch { body: self.header.clone().unwrap_or_default(), ..Batch::default() };
        if self.header.is_some() {
            batch.numbers.push_back(1);
        }
        let (empty, most) = (batch.numbers.len(), batch.body.len() + BATCH_OCTETS_MAX);
        while batch.numbers.len() - empty < usize::from(arguments.batch) && batch.body.len() < most {
            let Some(line) = self.next(&arguments.file)? else { break };
            if self.number >= arguments.from_line && !line.trim_ascii().is_empty() {
                batch.body.extend_from_slice(&line);
                batch.numbers.push_back(self.number);
            }
        }
        Ok((batch.numbers.len() > empty).then_some(batch))
    }

    /// The next line, with a line feed at its end. One that is too long is said to be, and left out.
    fn next(&mut self, path: &Path) -> Result<Option<Vec<u8>>, Failure> {
        let failed = |error: io::Error| Failure::input(path, &error);
        loop {
            let mut line = Vec::new();
            let read = self.reader.by_ref().take(LINE_MAX).read_until(b'\n', &mut line).map_err(failed)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            self.octets_read += read as u64;
            if line.ends_with(b"\n") || (read as u64) < LINE_MAX {
                if !line.ends_with(b"\n") {
                    line.push(b'\n');
                }
                return Ok(Some(line));
            }
            self.octets_read += self.reader.skip_until(b'\n').map_err(failed)? as u64;
            self.too_long += 1;
            say(format_args!(
                "{}:{}: the line is too long: at most {LINE_MAX} octets",
                path.display(),
                self.number
            ));
        }
    }
}

/// What became of a batch.
#[derive(Default, Deserialize)]
struct Taken {
    accepted: u64,
    refused: u64,
    errors: Vec<Refused>,
}

/// What the server says is wrong (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

struct Sender<'a> {
    arguments: &'a FeedArguments,
    agent: Agent,
    url: String,
    form: Form,
    token: Option<Token>,
    interrupted: Arc<AtomicBool>,
}

impl<'a> Sender<'a> {
    fn new(arguments: &'a FeedArguments, form: Form, interrupted: Arc<AtomicBool>) -> Result<Self, Failure> {
        let open =
            |path: &std::path::PathBuf| Token::open(path).map_err(|error| Failure::input(path, &error));
        let token = arguments.token_file.as_ref().map(open).transpose()?;
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(ANSWER_WAIT))
            .user_agent(concat!("tollgate/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        let url = format!("{}/v1/feed", arguments.to.trim_end_matches('/'));
        Ok(Self { arguments, agent, url, form, token, interrupted })
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Sends until it is taken, or it is time to give up.
    fn send(&self, batch: &Batch) -> Result<Taken, Failure> {
        let end = Deadline::after(Duration::from_secs(self.arguments.give_up_after));
        let mut pause = PAUSE.0;
        loop {
            let why = match self.post(&batch.body) {
                Ok((200, body)) => match serde_json::from_slice(&body) {
                    Ok(taken) => return Ok(taken),
                    Err(error) => {
                        return Err(self.stopped(1, &format!("the answer makes no sense: {error}"), batch));
                    }
                },
                Ok((401, _)) => {
                    return Err(self.stopped(77, "the server asks for another token: --token-file", batch));
                }
                Ok((408 | 429 | 500.., body)) => detail(&body),
                Ok((400, body)) => return Err(self.stopped(65, &detail(&body), batch)),
                Ok((status, body)) => {
                    return Err(self.stopped(1, &format!("{status}: {}", detail(&body)), batch));
                }
                Err(error) => error.to_string(),
            };
            if self.is_interrupted() {
                return Err(self.stopped(interrupt::CODE, "ended early", batch));
            }
            if end.left().is_zero() {
                return Err(self.stopped(74, &why, batch));
            }
            self.wait(pause.min(end.left()));
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    fn post(&self, body: &[u8]) -> Result<(u16, Vec<u8>), ureq::Error> {
        let mut request = self.agent.post(&self.url).content_type(self.form.media_type());
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {}", token.value()));
        }
        let mut response = request.send(body)?;
        Ok((response.status().as_u16(), response.body_mut().read_to_vec()?))
    }

    /// Waits, but not for long when it is interrupted.
    fn wait(&self, pause: Duration) {
        let end = Deadline::after(pause);
        while !end.left().is_zero() && !self.is_interrupted() {
            let _ = never::<()>().recv_timeout(end.left().min(Duration::from_millis(100)));
        }
    }

    /// Says what is wrong with lines of a batch.
    fn complain(&self, batch: &Batch, taken: &Taken) {
        let shown = self.arguments.file.display();
        for Refused { line, what, fix } in &taken.errors {
            let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
            let number = batch.numbers.get(index).copied().unwrap_or_default();
            say(format_args!("{shown}:{number}: {what}: {fix}"));
        }
        let more = taken.refused.saturating_sub(taken.errors.len() as u64);
        if more > 0 {
            let last = batch.numbers.back().copied().unwrap_or_default();
            say(format_args!("{shown}: {more} more lines up to line {last} were refused"));
        }
    }

    /// Why it ends here, and how to go on.
    fn stopped(&self, code: u8, why: &str, batch: &Batch) -> Failure {
        let first = batch.numbers.get(usize::from(self.form == Form::Csv)).copied().unwrap_or(1);
        let shown = self.arguments.file.display();
        Failure::new(
            code,
            format!("{shown}:{first}: {}: {why}\ngo on with --from-line {first}", self.arguments.to),
        )
    }
}

fn detail(body: &[u8]) -> String {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => problem.detail,
        Err(_) => "no answer of a Tollgate".to_owned(),
    }
}
