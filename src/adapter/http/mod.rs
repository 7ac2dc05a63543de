//! Decisions over HTTP, for softswitches, IN platforms and mediation: `POST /v1/decisions`; and the feed of finished
//! calls: `POST /v1/feed`. `docs/openapi.json` describes it, and is served at `/v1/openapi.json`.
//!
//! In: setups in JSON, call records. Out: decisions in their order, within one deadline. One thread of its own, on which
//! nothing waits but for the network. What limits it answers with a problem (RFC 9457); a client that gets none of its
//! decisions lets the call pass. Must not: judge.

mod answer;
pub mod decisions;
mod listen;
mod openapi;
mod problem;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::Sender;
use prometheus::{IntCounterVec, Opts, Registry};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, oneshot};

use crate::adapter::{Adapter, Gate};
use crate::call::Told;
use crate::token::Token;

pub use openapi::DOCUMENT;

/// How the HTTP interface listens, and its limits.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Address to listen on; port 0 for any that is free.
    pub listen: SocketAddr,
    /// File with the bearer token that clients must show; `None`: none is asked for.
    pub token_file: Option<PathBuf>,
    /// Whether to listen on an address that others reach without asking for a token.
    pub allow_without_token: bool,
    /// Longest wait for a decision; a request may ask for less. Default 50 ms.
    pub deadline: Duration,
    /// Largest body of a request, octets. Default 1 MiB.
    pub body_max: usize,
    /// Requests for decisions that are worked on at once; more are refused. Default 256.
    pub requests_max: usize,
    /// Requests of the feed that are worked on at once; more are refused. Default 4.
    pub feeds_max: usize,
    /// Connections held at once; more wait to be accepted. Default 512.
    pub connections_max: usize,
    /// Longest time without an octet from a client before its connection is closed. Default 30 s.
    pub idle: Duration,
    /// Longest time for a request's body to come. Default 5 s.
    pub body_wait: Duration,
}

impl HttpOptions {
    /// The defaults, on this address.
    #[must_use]
    pub const fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            token_file: None,
            allow_without_token: false,
            deadline: Duration::from_millis(50),
            body_max: 1024 * 1024,
            requests_max: 256,
            feeds_max: 4,
            connections_max: 512,
            idle: Duration::from_secs(30),
            body_wait: Duration::from_secs(5),
        }
    }
}

/// The interface, running. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What requests share.
struct Shared {
    gate: Gate,
    options: HttpOptions,
    token: Option<Token>,
    requests: Semaphore,
    feeds: Arc<Semaphore>,
    feed: Sender<Vec<Told>>,
    responses: IntCounterVec,
    lines: IntCounterVec,
}

impl Server {
    /// Listens, and answers on a thread of its own. Finished calls go to `feed`, in batches of a request each; counts
    /// beyond those of the gate go to `registry`.
    ///
    /// # Errors
    /// When the token cannot be read, the address not be listened on, or the thread not be started; when others reach the
    /// address and no token is asked for.
    pub fn start(
        options: HttpOptions,
        gate: Gate,
        feed: Sender<Vec<Told>>,
        registry: &Registry,
    ) -> io::Result<Self> {
        if !options.listen.ip().is_loopback() && options.token_file.is_none() && !options.allow_without_token
        {
            let message = format!(
                "{} is reached by others: name a file with a token that they must show",
                options.listen
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let token = options.token_file.as_deref().map(Token::open).transpose()?;
        let listener = TcpListener::bind(options.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let lines = counters(
            registry,
            "tollgate_feed_lines_total",
            "Lines of call records, by what became of them",
            &["result"],
        )?;
        // An increase is seen from a count that was there before.
        for result in ["accepted", "refused", "deferred"] {
            lines.with_label_values(&[result]);
        }
        let shared = Arc::new(Shared {
            requests: Semaphore::new(options.requests_max),
            feeds: Arc::new(Semaphore::new(options.feeds_max)),
            responses: counters(
                registry,
                "tollgate_http_responses_total",
                "Responses, by path and status",
                &["path", "status"],
            )?,
            lines,
            gate,
            options,
            token,
            feed,
        });
        let runtime =
            Builder::new_current_thread().enable_io().enable_time().max_blocking_threads(2).build()?;
        let (stop, stopped) = oneshot::channel();
        let serve = move || serve(&runtime, listener, &shared, stopped);
        let thread = thread::Builder::new().name("http".to_owned()).spawn(serve)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Adapter for Server {
    fn name(&self) -> &'static str {
        "http"
    }

    fn trouble(&self) -> Option<String> {
        let is_over = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
        is_over.then(|| format!("nobody listens on {} any more", self.address))
    }

    fn stop(self: Box<Self>) {}
}

impl Drop for Server {
    /// Answers what was asked, takes nothing new, and ends the thread.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What is given to requests that are under way when the server stops.
const LAST_REQUESTS: Duration = Duration::from_secs(1);

fn serve(runtime: &Runtime, listener: TcpListener, shared: &Arc<Shared>, stopped: oneshot::Receiver<()>) {
    runtime.block_on(async {
        let options = &shared.options;
        let listener = match listen::Bounded::new(listener, options.connections_max, options.idle) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(%error, "the HTTP interface cannot listen");
                return;
            }
        };
        let (ending, ended) = oneshot::channel::<()>();
        let stop = async move {
            let _ = stopped.await;
            drop(ending);
        };
        let server = axum::serve(listener, answer::router(Arc::clone(shared))).with_graceful_shutdown(stop);
        let last = async {
            let _ = ended.await;
            tokio::time::sleep(LAST_REQUESTS).await;
        };
        tokio::select! {
            _ = server => {}
            () = last => {}
        }
    });
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> io::Result<IntCounterVec> {
    let counters = IntCounterVec::new(Opts::new(name, help), labels).map_err(io::Error::other)?;
    registry.register(Box::new(counters.clone())).map_err(io::Error::other)?;
    Ok(counters)
}
