//! Whom a replay asks where subscribers are: a server, or the answers of an earlier run.

use std::fs;
use std::time::Duration;

use crate::cli::{Failure, ReplayArguments};
use crate::lookup::{Client, Options, Pool, Source, parse_answers};

/// How long answers hold when the network file says nothing of look-ups.
pub const HOLD: Duration = Duration::from_secs(60);

/// Whoever answers, and how long the answers hold.
type Asked = (Box<dyn Source>, Duration);

/// The source; `None` when nobody is to be asked.
pub fn source(arguments: &ReplayArguments, options: Option<Options>) -> Result<Option<Asked>, Failure> {
    let hold = options.as_ref().map_or(HOLD, |options| options.hold);
    if let Some(path) = &arguments.roaming_answers {
        let text = fs::read_to_string(path).map_err(|error| Failure::input(path, &error))?;
        let recorded = parse_answers(&text)
            .map_err(|(line, why)| Failure::new(65, format!("{}:{line}: {why}", path.display())))?;
        return Ok(Some((Box::new(recorded), hold)));
    }
    let Some(options) = options else { return Ok(None) };
    let client = Client::new(&options.client).map_err(|(path, error)| Failure::input(&path, &error))?;
    let pool = Pool::start(client, options.concurrency, options.deadline)
        .map_err(|error| Failure::new(71, format!("no thread for look-ups: {error}")))?;
    Ok(Some((Box::new(pool), hold)))
}
