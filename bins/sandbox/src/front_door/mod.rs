//! The front door: `http://NAME.localhost:PORT/` leads to the tool's route, its Service and a ready pod.

mod destination;

use std::net::SocketAddr;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use kube::Client;
use tokio::net::{TcpStream, UnixListener};

use crate::failure::Failure;
use crate::settings::Settings;
use destination::{Missing, destination};

type Body = BoxBody<Bytes, hyper::Error>;

/// Serves pages on a socket, by what the cluster's routes say at the time of each request.
pub(crate) async fn serve(listener: UnixListener, client: Client, settings: Settings) -> Result<(), Failure> {
    loop {
        let (stream, _) = listener.accept().await?;
        let (client, settings) = (client.clone(), settings.clone());
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| {
                let (client, settings) = (client.clone(), settings.clone());
                async move { Ok::<_, hyper::Error>(answer(request, &client, &settings).await) }
            });
            // A browser that goes away is none of the others' business.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(request: Request<Incoming>, client: &Client, settings: &Settings) -> Response<Body> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
    let name = host.split(':').next().unwrap_or_default();
    let found = match destination(client, settings, name).await {
        Ok(found) => found,
        Err(Missing::Route) => {
            return page(
                StatusCode::NOT_FOUND,
                &format!("no route leads to {name}"),
                "Has the tool started its web service? `webservice php8.2 start`, then `webservice status`.",
            );
        }
        Err(Missing::Endpoint) => {
            return page(
                StatusCode::BAD_GATEWAY,
                &format!("{name} has a route, but no pod is ready behind it"),
                "`webservice status` tells why.",
            );
        }
        Err(Missing::Cluster(error)) => {
            return page(
                StatusCode::BAD_GATEWAY,
                &format!("the cluster does not answer: {error}"),
                "`cargo sandbox status`",
            );
        }
    };
    match pass_on(request, found).await {
        Ok(response) => response,
        Err(error) => page(
            StatusCode::BAD_GATEWAY,
            &format!("the pod of {name} does not answer: {error}"),
            "Does it listen on port 8000? `webservice status` tells.",
        ),
    }
}

async fn pass_on(mut request: Request<Incoming>, to: SocketAddr) -> Result<Response<Body>, Failure> {
    let failed = |error: hyper::Error| Failure::new(error.to_string());
    let stream = TcpStream::connect(to).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    tokio::task::spawn_local(connection);
    request.headers_mut().insert("x-forwarded-proto", HeaderValue::from_static("http"));
    let response = sender.send_request(request).await.map_err(failed)?;
    Ok(response.map(BodyExt::boxed))
}

/// Returns a page that says what is missing and what to do.
fn page(status: StatusCode, what: &str, advice: &str) -> Response<Body> {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let (what, advice) = (escaped(what), escaped(advice));
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{status}</title>\
         <body style=\"font-family: sans-serif; margin: 3em\"><h1>{status}</h1><p>{what}</p><p>{advice}</p></body></html>\n"
    );
    let body = Full::new(Bytes::from(html)).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}
