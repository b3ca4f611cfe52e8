//! A service that plays a script of answers and remembers the requests made: a test's stand-in for a connection,
//! never for an API server. It keeps no state, and a request that the script does not foresee is refused.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use kube::client::Body;

/// A script: answers to requests, and the requests made so far.
///
/// Answers to the same request are given one after the other, the last one again and again.
#[derive(Clone, Debug, Default)]
pub struct Script {
    answers: Arc<Mutex<Vec<Scene>>>,
    requests: Arc<Mutex<Vec<String>>>,
}

/// A request, and its answers one after the other.
type Scene = (String, VecDeque<Answer>);

#[derive(Clone, Debug)]
struct Answer {
    status: u16,
    body: String,
}

impl Script {
    /// Adds an answer to a request, given as `METHOD /path` without its query.
    #[must_use]
    pub fn answer(self, request: &str, status: u16, body: &str) -> Self {
        let answer = Answer { status, body: body.to_owned() };
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        match answers.iter_mut().find(|(known, _)| known == request) {
            Some((_, queue)) => queue.push_back(answer),
            None => answers.push((request.to_owned(), [answer].into())),
        }
        drop(answers);
        self
    }

    /// Adds another script's answers to the requests that this one has no answer to.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        let others = std::mem::take(&mut *other.answers.lock().unwrap_or_else(PoisonError::into_inner));
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        for (request, queue) in others {
            if !answers.iter().any(|(known, _)| *known == request) {
                answers.push((request, queue));
            }
        }
        drop(answers);
        self
    }

    /// Returns a client that plays the script. Needs a tokio runtime.
    #[must_use]
    pub fn client(&self) -> kube::Client {
        kube::Client::new(Player(self.clone()), "default")
    }

    /// Returns the requests made, one a line, sorted where they were made side by side.
    #[must_use]
    pub fn requests(&self) -> String {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    fn play(&self, method: &str, path: &str, query: Option<&str>) -> Answer {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(format!("{method:<6} {path}{query}"));
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let request = format!("{method} {path}");
        let found = answers.iter_mut().find(|(known, _)| *known == request).map(|(_, queue)| queue);
        match found {
            Some(queue) if queue.len() > 1 => queue.pop_front(),
            Some(queue) => queue.front().cloned(),
            None => None,
        }
        .unwrap_or_else(|| Answer { status: 501, body: format!("the script has no answer to {request}") })
    }
}

/// The script as a service that a `kube::Client` takes.
struct Player(Script);

impl tower_service::Service<Request<Body>> for Player {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Answer { status, body } =
            self.0.play(request.method().as_str(), request.uri().path(), request.uri().query());
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() =
            http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::NOT_IMPLEMENTED);
        ready(Ok(response))
    }
}
