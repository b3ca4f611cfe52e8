use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value;
use toolforge_model::Untrusted;
use tower_service::Service;

use crate::scripted::answer::{Answer, PlayedBody};
use crate::transport::TransportError;
use crate::{Client, RetryPolicy};

/// The responses to requests.
#[derive(Debug, Default)]
pub struct Script {
    answers: HashMap<String, VecDeque<Answer>>,
}

impl Script {
    /// Returns an empty script.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a response to a request, which is written as its method, one space and its path.
    ///
    /// A path with a query matches only this query, in any order of its parameters; one without matches all queries that have
    /// no response of their own. Several responses to the same request are returned one after the other; the last one is
    /// repeated.
    #[must_use]
    pub fn answer(mut self, request: &str, answer: Answer) -> Self {
        self.answers.entry(sorted(request)).or_default().push_back(answer);
        self
    }

    /// Returns a client that plays the script, and its recorded requests.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn client(self) -> (Client, Requests) {
        let requests = Requests::default();
        let player = Player { script: Arc::new(Mutex::new(self)), requests: requests.clone() };
        let client = Client::from_kube(kube::Client::new(player, "default"));
        (client.with_retry(RetryPolicy::seeded(0)), requests)
    }

    fn take(&mut self, request: &str) -> Option<Answer> {
        let without_query = request.split('?').next().unwrap_or(request);
        let key = if self.answers.contains_key(request) { request } else { without_query };
        let answers = self.answers.get_mut(key)?;
        if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
    }
}

/// The recorded requests, in order.
///
/// Its `Display` has one line for each, with method and path, for a snapshot.
#[derive(Clone, Debug, Default)]
pub struct Requests(Arc<Mutex<Vec<Recorded>>>);

#[derive(Clone, Debug)]
struct Recorded {
    method: String,
    path: String,
    body: String,
}

impl Requests {
    /// Returns the number of requests.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.0).len()
    }

    /// Returns the requests that write: one line for each, followed by its JSON.
    #[must_use]
    pub fn writes(&self) -> String {
        let mut text = String::new();
        for Recorded { method, path, body } in lock(&self.0).iter().filter(|one| one.method != "GET") {
            let json = serde_json::from_str::<Value>(body);
            let body = json.map_or_else(|_| body.clone(), |json| format!("{json:#}"));
            text.push_str(&format!("{method:<5} {path}\n{body}\n"));
        }
        text
    }
}

impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        lock(&self.0).iter().try_for_each(|Recorded { method, path, .. }| writeln!(f, "{method:<5} {path}"))
    }
}

#[derive(Clone)]
struct Player {
    script: Arc<Mutex<Script>>,
    requests: Requests,
}

impl Service<Request<Body>> for Player {
    type Response = Response<PlayedBody>;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let player = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let other = |reason: String| TransportError::Other { reason: Untrusted::new(reason) };
            let body = body.collect().await.map_err(|error| other(error.to_string()))?.to_bytes();
            let recorded = Recorded {
                method: parts.method.to_string(),
                path: sorted(&parts.uri.to_string()),
                body: String::from_utf8_lossy(&body).into_owned(),
            };
            let request = format!("{} {}", recorded.method, recorded.path);
            lock(&player.requests.0).push(recorded);
            let answer = lock(&player.script).take(&request);
            answer.ok_or_else(|| other(format!("the script has no answer to {request}")))?.play().await
        })
    }
}

/// Returns a path with its query's parameters in alphabetical order: the API server ignores the order of their names.
fn sorted(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else { return path.to_owned() };
    let mut parameters: Vec<&str> = query.split('&').collect();
    parameters.sort_by_key(|parameter| parameter.split('=').next());
    format!("{path}?{}", parameters.join("&"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
