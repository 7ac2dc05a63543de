//! The listener for operators: `/healthz`, `/readyz`, `/metrics`, and the switch that lets every call pass.
//!
//! It asks the decision loop for its counts and waits a second for them at most: a loop that is stuck must not hide that
//! it is.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use crossbeam_channel::Sender;
use serde::Deserialize;
use tokio::sync::{oneshot, watch};

use crate::adapter::Standing;
use crate::base::network::Network;
use crate::engine::Options;
use crate::metrics::Live;
use crate::service::decision::Order;
use crate::service::exposition::{self, Watched};
use crate::service::sources::Sources;
use crate::service::status::Status;

/// The listener.
#[derive(Clone, Copy, Debug)]
pub struct AdminOptions {
    /// Where it listens. Whoever reaches it can let every call pass: it belongs on the loopback interface or a
    /// management network.
    pub listen: SocketAddr,
}

/// What requests are answered from.
#[derive(Clone)]
pub struct Shown {
    /// Names of routes.
    pub network: Arc<Network>,
    /// Counts of parts.
    pub live: Live,
    /// How the service is.
    pub status: Arc<Status>,
    /// What adapters may do.
    pub standing: Arc<Standing>,
    /// To the loop.
    pub orders: Sender<Order>,
    /// Queues whose depth is shown.
    pub queues: Arc<[Watched]>,
    /// Counts of sources.
    pub sources: Arc<Sources>,
    /// Limits of tables.
    pub options: Options,
}

/// Longest wait for the loop's counts.
pub(super) const COUNT_WITHIN: Duration = Duration::from_secs(1);

/// The listener at work.
pub struct Admin {
    /// Where it listens; the port was chosen by the system if it was 0.
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Admin {
    /// Listens.
    ///
    /// # Errors
    /// As the operating system says: the address is in use, or not ours.
    pub fn start(options: AdminOptions, shown: Shown) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("admin".to_owned()).spawn(move || {
            let serve = async move {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                let (end, mut ended) = watch::channel(false);
                let wait = async move { drop(ended.wait_for(|is_over| *is_over).await) };
                let serve = axum::serve(listener, router(shown)).with_graceful_shutdown(wait);
                let last = async move {
                    let _ = stopped.await;
                    let _ = end.send(true);
                    // A client that does not listen holds up nobody.
                    tokio::time::sleep(COUNT_WITHIN).await;
                };
                tokio::select! {
                    _ = serve => {}
                    () = last => {}
                }
            };
            runtime.block_on(serve);
            runtime.shutdown_timeout(COUNT_WITHIN);
        })?;
        Ok(Self { address, stop, thread })
    }

    /// Answers what it has, and ends.
    pub fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

fn router(shown: Shown) -> Router {
    Router::new()
        .route("/healthz", get(healthy))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/bypass", post(bypass))
        .with_state(shown)
}

async fn healthy(State(shown): State<Shown>) -> Response {
    if shown.status.is_alive() {
        (StatusCode::OK, "alive\n").into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the decision loop is stuck\n").into_response()
    }
}

async fn ready(State(shown): State<Shown>) -> Response {
    let why = shown.status.unready();
    if why.is_empty() {
        return (StatusCode::OK, "ready\n").into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, why.join("\n") + "\n").into_response()
}

#[derive(Deserialize)]
struct Bypass {
    on: bool,
}

async fn bypass(State(shown): State<Shown>, Query(wanted): Query<Bypass>) -> Response {
    shown.standing.bypass(wanted.on);
    tracing::warn!(event = "bypass", on = wanted.on, "every call passes, or no longer");
    (StatusCode::OK, if wanted.on { "every call passes\n" } else { "calls are judged\n" }).into_response()
}

async fn metrics(State(shown): State<Shown>) -> Response {
    let counted = tokio::task::spawn_blocking(move || exposition::text(&shown)).await;
    match counted {
        Ok(Ok(text)) => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
        }
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
