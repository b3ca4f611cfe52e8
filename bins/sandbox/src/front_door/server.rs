//! The HTTP server of the front door: it forwards each request to a pod, or returns an error page.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use kube::Client;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpStream, UnixListener};
use tokio::time::{sleep, timeout};

use super::destination::{Missing, destination};
use crate::directory::Sandbox;
use crate::failure::Failure;
use crate::saved_state::Settings;

type Body = BoxBody<Bytes, hyper::Error>;

/// Pause after a connection could not be accepted, for example because no file descriptors are left.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a pod may take to accept a connection. A running pod accepts immediately.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves pages on a socket, by the cluster's routes at the time of each request. Returns only on an error.
pub(crate) async fn serve(
    listener: UnixListener,
    client: Client,
    settings: Settings,
    sandbox: Sandbox,
) -> Result<(), Failure> {
    let sandbox = Rc::new(sandbox);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        let (client, settings, sandbox) = (client.clone(), settings.clone(), Rc::clone(&sandbox));
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| {
                let (client, settings, sandbox) = (client.clone(), settings.clone(), Rc::clone(&sandbox));
                async move { Ok::<_, hyper::Error>(answer(request, &client, &settings, &sandbox).await) }
            });
            // A browser that disconnects must not affect the others.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades()
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    client: &Client,
    settings: &Settings,
    sandbox: &Sandbox,
) -> Response<Body> {
    let name = host_name(request.headers().get(HOST));
    let path = request.uri().path().to_owned();
    match destination(client, settings, (&name, &path)).await {
        Ok(found) => forward(request, found).await.unwrap_or_else(|error| {
            page(
                StatusCode::BAD_GATEWAY,
                &format!("the pod of {name} does not respond: {error}"),
                "Check that it listens on port 8000: `webservice status`.",
            )
        }),
        Err(Missing::Tool) => page(
            StatusCode::NOT_FOUND,
            &format!("\"{name}\" is not the host name of a tool in this sandbox"),
            &format!(
                "The page of a tool is at NAME.localhost, with this port. `{}` lists the tools, `{}` creates one.",
                sandbox.typed("tool list"),
                sandbox.typed("tool add NAME")
            ),
        ),
        Err(Missing::Route) => page(
            StatusCode::NOT_FOUND,
            &format!("no route matches {name} and {path}"),
            "Start the web service: `webservice php8.2 start`. Then check it: `webservice status`.",
        ),
        Err(Missing::Endpoint) => page(
            StatusCode::BAD_GATEWAY,
            &format!("{name} has a route, but no ready pod"),
            "`webservice status` shows why.",
        ),
        Err(Missing::Cluster(error)) => page(
            StatusCode::BAD_GATEWAY,
            &format!("the cluster does not respond: {error}"),
            &format!("`{}` shows the components.", sandbox.typed("status")),
        ),
    }
}

/// Returns the requested host name in lowercase, without the port and a trailing dot.
fn host_name(header: Option<&HeaderValue>) -> String {
    let host = header.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.split(':').next().unwrap_or_default();
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

async fn forward(mut request: Request<Incoming>, to: SocketAddr) -> Result<Response<Body>, Failure> {
    let failed = |error: hyper::Error| Failure::new(error.to_string());
    let connected = timeout(PATIENCE, TcpStream::connect(to)).await;
    let stream = connected.map_err(|_| Failure::new(format!("{to} does not accept connections")))??;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    tokio::task::spawn_local(connection.with_upgrades());
    request.headers_mut().insert("x-forwarded-proto", HeaderValue::from_static("http"));
    let to_browser = hyper::upgrade::on(&mut request);
    let mut response = sender.send_request(request).await.map_err(failed)?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let to_pod = hyper::upgrade::on(&mut response);
        tokio::task::spawn_local(async move {
            // An upgraded connection, such as a WebSocket: from here on, only copy bytes.
            if let Ok((browser, pod)) = tokio::try_join!(to_browser, to_pod) {
                let _ = copy_bidirectional(&mut TokioIo::new(browser), &mut TokioIo::new(pod)).await;
            }
        });
    }
    Ok(response.map(BodyExt::boxed))
}

/// Returns an error page with advice.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_name_is_normalized() {
        for (header, name) in [
            ("x.localhost:8080", "x.localhost"),
            ("X.LocalHost", "x.localhost"),
            ("x.localhost.:8080", "x.localhost"),
            ("", ""),
        ] {
            assert_eq!(host_name(Some(&HeaderValue::from_static(header))), name);
        }
        assert_eq!(host_name(None), "");
    }

    #[test]
    fn error_page_escapes_html() {
        let body = page(StatusCode::NOT_FOUND, "<script>alert(1)</script>", "a & b");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let text = runtime.block_on(body.into_body().collect()).unwrap().to_bytes();
        let text = String::from_utf8_lossy(&text);
        assert!(text.contains("&lt;script&gt;") && text.contains("a &amp; b"), "{text}");
    }
}
