//! Requests → responses.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::routing::{get, post};
use crossbeam_channel::TrySendError;
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::adapter::feed::{self, Form, Refused};
use crate::adapter::http::decisions::{Body as Asks, Decided, EMERGENCY, Request as Setup};
use crate::adapter::http::problem::{Problem, json};
use crate::adapter::http::{DOCUMENT, Shared};
use crate::adapter::{Asked, Query, Reply, Waker};
use crate::base::class::Decision;
use crate::base::fail_open::FailOpen;
use crate::clock::{self, Deadline, Stopwatch};
use crate::judge::Answer;

/// Every path.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/decisions", post(decisions))
        .route("/v1/feed", post(take_feed))
        .route("/v1/openapi.json", get(document))
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_so)
        .with_state(shared)
}

async fn decisions(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let result = decide(&shared, request).await;
    counted(&shared, "decisions", result)
}

async fn take_feed(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let result = feed(&shared, request).await;
    counted(&shared, "feed", result)
}

async fn document() -> Response<Body> {
    let mut response = Response::new(Body::from(DOCUMENT));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn nothing_here() -> Response<Body> {
    Problem::new(StatusCode::NOT_FOUND, "no_such_path", "see /v1/openapi.json for what there is").response()
}

async fn not_so() -> Response<Body> {
    let detail = "POST decisions and feed; GET the document";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", detail).response()
}

fn counted(shared: &Shared, path: &str, result: Result<Response<Body>, Problem>) -> Response<Body> {
    let response = result.unwrap_or_else(|problem| problem.response());
    shared.responses.with_label_values(&[path, response.status().as_str()]).inc();
    response
}

async fn decide(shared: &Shared, request: Request) -> Result<Response<Body>, Problem> {
    let since = Stopwatch::start();
    let refused = |why: FailOpen| shared.gate.metrics.failed_open(why, since.seconds());
    authorize(shared, request.headers())?;
    let Ok(_permit) = shared.requests.try_acquire() else {
        refused(FailOpen::StateFull);
        return Err(Problem::for_now("busy", "as many requests as may be are being answered"));
    };
    if media_type(request.headers()).is_some_and(|name| !name.eq_ignore_ascii_case("application/json")) {
        refused(FailOpen::NotUnderstood);
        let detail = "Content-Type is application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", detail));
    }
    let body = body(shared, request).await.inspect_err(|_| refused(FailOpen::NotUnderstood))?;
    let asks = Asks::read(&body).map_err(|detail| {
        refused(FailOpen::NotUnderstood);
        Problem::new(StatusCode::BAD_REQUEST, "malformed", detail)
    })?;
    let most = shared.options.deadline;
    let deadline = asks.deadline_ms().map_or(most, |wanted| Duration::from_millis(wanted).min(most));
    let deadline = Deadline::after(deadline);
    match asks {
        Asks::One(setup) => {
            let decided = ask(shared, *setup, deadline).await;
            match decided.detail {
                Some(detail) => Err(Problem::new(StatusCode::BAD_REQUEST, "malformed", detail)),
                None => Ok(json(&decided)),
            }
        }
        Asks::Many { calls, .. } => {
            // All are asked before the first answer is waited for.
            let waiting: Vec<_> =
                calls.into_iter().map(|call| ask_one_of_many(shared, call, deadline)).collect();
            let mut decisions = Vec::with_capacity(waiting.len());
            for one in waiting {
                decisions.push(one.await);
            }
            Ok(json(&Decisions { decisions }))
        }
    }
}

#[derive(Serialize)]
struct Decisions {
    decisions: Vec<Decided>,
}

fn ask_one_of_many(
    shared: &Shared,
    call: Result<Setup, String>,
    deadline: Deadline,
) -> impl Future<Output = Decided> + use<'_> {
    let asked = match call {
        Ok(setup) => Ok(ask(shared, setup, deadline)),
        Err(detail) => {
            shared.gate.metrics.failed_open(FailOpen::NotUnderstood, 0.0);
            Err(Decided::failed_open(String::new(), FailOpen::NotUnderstood, Some(detail)))
        }
    };
    async move {
        match asked {
            Ok(asked) => asked.await,
            Err(decided) => decided,
        }
    }
}

/// Asks at once; what it returns waits for the answer.
fn ask(shared: &Shared, setup: Setup, deadline: Deadline) -> impl Future<Output = Decided> + use<'_> {
    let since = Stopwatch::start();
    let step = put(shared, &setup, deadline);
    let call_id = setup.call_id;
    async move {
        let answer = match step {
            Step::Emergency => {
                shared.gate.metrics.answered(Decision::Allow, since.seconds());
                return Decided::unjudged(call_id, EMERGENCY, None);
            }
            Step::NotUnderstood(detail) => {
                let _ = shared.gate.settle(Err(FailOpen::NotUnderstood), since);
                return Decided::failed_open(call_id, FailOpen::NotUnderstood, Some(detail));
            }
            Step::Asked(answer) => match timeout(deadline.left(), answer).await {
                Err(_) => Err(FailOpen::Deadline),
                Ok(Err(_)) => Err(FailOpen::Stopped),
                Ok(Ok(answer)) => answer,
            },
        };
        let why = answer.as_ref().err().copied();
        let answer = shared.gate.settle(answer, since);
        match why {
            None => Decided::judged(call_id, &answer),
            Some(why) => Decided::failed_open(call_id, why, None),
        }
    }
}

/// How far a question came.
enum Step {
    Asked(oneshot::Receiver<Result<Answer, FailOpen>>),
    Emergency,
    NotUnderstood(String),
}

fn put(shared: &Shared, request: &Setup, deadline: Deadline) -> Step {
    let network = shared.gate.network();
    let setup = match request.setup(network) {
        Ok(setup) => setup,
        Err(detail) => return Step::NotUnderstood(detail),
    };
    if network.is_emergency(&setup.called) {
        return Step::Emergency;
    }
    let (slot, answer) = oneshot::channel();
    let asked = Asked::Setup { call_id: request.call_id.as_bytes().into(), setup: Box::new(setup) };
    shared.gate.ask(Query { asked, deadline, reply: Box::new(Slot(slot)) });
    Step::Asked(answer)
}

struct Slot(oneshot::Sender<Result<Answer, FailOpen>>);

impl Reply for Slot {
    fn hand_over(self: Box<Self>, answer: Result<Answer, FailOpen>) -> Option<Arc<Waker>> {
        // Nobody waits any more: the deadline has answered.
        let _ = self.0.send(answer);
        None
    }
}

/// What became of a request of the feed.
#[derive(Serialize)]
struct Taken {
    accepted: usize,
    refused: u64,
    errors: Vec<Refused>,
}

async fn feed(shared: &Arc<Shared>, request: Request) -> Result<Response<Body>, Problem> {
    authorize(shared, request.headers())?;
    let Ok(permit) = Arc::clone(&shared.feeds).try_acquire_owned() else {
        return Err(Problem::for_now("busy", "as many requests as may be are being read"));
    };
    let Some(form) = media_type(request.headers()).and_then(Form::of_media_type) else {
        let detail = "Content-Type is text/csv or application/x-ndjson";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", detail));
    };
    let body = body(shared, request).await?;
    // Reading a thousand lines takes milliseconds, which decisions shall not wait for.
    let network = Arc::clone(shared.gate.network());
    let now = clock::now();
    let read = tokio::task::spawn_blocking(move || feed::read(&body, form, &network, now)).await;
    drop(permit);
    let batch = match read {
        Ok(Ok(batch)) => batch,
        Ok(Err(Refused { line, what, fix })) => {
            let detail = format!("line {line}: {what}; {fix}");
            return Err(Problem::new(StatusCode::BAD_REQUEST, "malformed", detail));
        }
        Err(_) => return Err(Problem::for_now("stopping", "the server is about to end")),
    };
    let accepted = batch.told.len();
    let count = |result, lines| shared.lines.with_label_values(&[result]).inc_by(lines);
    if accepted > 0
        && let Err(error) = shared.feed.try_send(batch.told)
    {
        count("deferred", accepted as u64);
        return Err(match error {
            TrySendError::Full(_) => {
                Problem::for_now("queue_full", "calls come in faster than they are joined")
            }
            TrySendError::Disconnected(_) => Problem::for_now("stopping", "the server is about to end"),
        });
    }
    count("accepted", accepted as u64);
    count("refused", batch.refused);
    Ok(json(&Taken { accepted, refused: batch.refused, errors: batch.errors }))
}

fn authorize(shared: &Shared, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(token) = &shared.token else { return Ok(()) };
    let shown = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().split_at_checked(7));
    match shown {
        Some((scheme, shown)) if scheme.eq_ignore_ascii_case(b"bearer ") && token.admits(shown) => Ok(()),
        _ => {
            Err(Problem::new(StatusCode::UNAUTHORIZED, "token", "show the token: Authorization: Bearer ..."))
        }
    }
}

fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(CONTENT_TYPE)?.to_str().unwrap_or("unreadable");
    value.split(';').next().map(str::trim)
}

async fn body(shared: &Shared, request: Request) -> Result<Vec<u8>, Problem> {
    let most = shared.options.body_max;
    match timeout(shared.options.body_wait, to_bytes(request.into_body(), most)).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(error)) => {
            let text = std::error::Error::source(&error).map_or(String::new(), ToString::to_string);
            if text.contains("limit") {
                let detail = format!("a body has at most {most} octets");
                return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail));
            }
            Err(Problem::new(StatusCode::BAD_REQUEST, "broken_off", "the body ended early"))
        }
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "slow", "the body did not come in time")),
    }
}
