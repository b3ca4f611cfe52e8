//! The connection, with a local server that speaks TLS and HTTP/2 like an API server.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's own function may stop the test")]

#[path = "server/mod.rs"]
mod server;

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;
use toolforge_client::{
    Client, ConnectError, ConnectOptions, Error, Kubeconfig, ObjectPath, ResourceType, TransportError,
};

use server::{Authority, Home, Server, Style};

fn pod() -> ObjectPath {
    ResourceType::of::<Pod>().in_namespace("tool-x").named("x")
}

fn client(home: &Home) -> Client {
    let kubeconfig = Kubeconfig::load(&[home.kubeconfig()]).unwrap();
    Client::connect(&kubeconfig, &ConnectOptions::new("webservice/0.1.0")).unwrap()
}

async fn error(home: &Home) -> TransportError {
    match client(home).get::<Value>(&pod()).await {
        Err(Error::Transport(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn requests_share_one_connection() {
    let authority = Authority::new();
    let server = Server::start(&authority, Style::default()).await;
    let home = Home::new(&authority, &server.url("localhost"));
    let client = client(&home);
    let pod = pod();
    let get = || client.get::<Value>(&pod);
    let answers = tokio::try_join!(get(), get(), get(), get(), get(), get(), get(), get()).unwrap();
    assert_eq!(answers.0["version"], "HTTP/2.0");
    assert_eq!(answers.7["path"], "/api/v1/namespaces/tool-x/pods/x");
    assert_eq!(answers.0["userAgent"], "webservice/0.1.0");
    assert_eq!(answers.0["client"], true);
    assert_eq!(server.handshakes(), 1);
    get().await.unwrap();
    assert_eq!(server.handshakes(), 1);
}

#[tokio::test]
async fn server_without_http2_gets_http1() {
    let authority = Authority::new();
    let server = Server::start(&authority, Style { http2: false, ..Style::default() }).await;
    let home = Home::new(&authority, &server.url("localhost"));
    let client = client(&home);
    let pod = pod();
    let get = || client.get::<Value>(&pod);
    let answers = tokio::try_join!(get(), get(), get()).unwrap();
    assert_eq!(answers.2["version"], "HTTP/1.1");
    let before = server.handshakes();
    for _ in 0..5 {
        get().await.unwrap();
    }
    assert_eq!(server.handshakes(), before, "open connections are used again");
}

#[tokio::test]
async fn plain_http_and_path_prefix_work() {
    let authority = Authority::new();
    let server = Server::start(&authority, Style { tls: false, ..Style::default() }).await;
    let url = format!("http://127.0.0.1:{}/k8s/clusters/c-1/", server.port());
    let answer = client(&Home::new(&authority, &url)).get::<Value>(&pod()).await.unwrap();
    assert_eq!(answer["path"], "/k8s/clusters/c-1/api/v1/namespaces/tool-x/pods/x");
    assert_eq!(answer["version"], "HTTP/1.1");
}

#[tokio::test]
async fn closed_connection_is_replaced() {
    let authority = Authority::new();
    let server = Server::start(&authority, Style { closes: true, ..Style::default() }).await;
    let home = Home::new(&authority, &server.url("localhost"));
    let client = client(&home);
    for count in 1..=3 {
        client.get::<Value>(&pod()).await.unwrap();
        assert_eq!(server.handshakes(), count);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn impersonation_headers_are_sent() {
    let authority = Authority::new();
    let server = Server::start(&authority, Style::default()).await;
    let home = Home::new(&authority, &server.url("localhost"));
    let kubeconfig = Kubeconfig::load(&[home.kubeconfig()]).unwrap();
    let options = ConnectOptions::new("a/1").with_impersonate(Some("tf-y".to_owned()));
    let answer = Client::connect(&kubeconfig, &options).unwrap().get::<Value>(&pod()).await.unwrap();
    assert_eq!(answer["impersonate"], "tf-y");
    let hostile = ConnectOptions::new("a/1").with_impersonate(Some("x\r\ny".to_owned()));
    assert!(matches!(Client::connect(&kubeconfig, &hostile), Err(ConnectError::Header { .. })));
}

#[tokio::test]
async fn foreign_authority_is_rejected() {
    let server = Server::start(&Authority::new(), Style::default()).await;
    let home = Home::new(&Authority::new(), &server.url("localhost"));
    let error = error(&home).await;
    assert!(matches!(error, TransportError::ForeignAuthority { .. }), "{error:?}");
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn certificate_for_another_name_is_rejected() {
    let authority = Authority::new();
    let server = Server::start(&authority, Style { name: "other.example", ..Style::default() }).await;
    let text = error(&Home::new(&authority, &server.url("localhost"))).await.to_string();
    assert!(text.contains("is for") && text.contains("other.example"), "{text}");
    let named = Home::with(&authority, &server.url("localhost"), ", tls-server-name: other.example", 2040);
    client(&named).get::<Value>(&pod()).await.unwrap();
}

#[tokio::test]
async fn server_certificate_must_be_valid_now() {
    let authority = Authority::new();
    let server = Server::start(&authority, Style { until: 2021, ..Style::default() }).await;
    let expired = error(&Home::new(&authority, &server.url("localhost"))).await;
    assert!(matches!(expired, TransportError::ServerCertificateExpired { .. }), "{expired:?}");
    let server = Server::start(&authority, Style { from: 2050, until: 2060, ..Style::default() }).await;
    let early = error(&Home::new(&authority, &server.url("localhost"))).await;
    assert!(matches!(early, TransportError::ServerCertificateNotYetValid { .. }), "{early:?}");
}

#[tokio::test]
async fn insecure_needs_kubeconfig_and_option() {
    let authority = Authority::new();
    let server =
        Server::start(&authority, Style { name: "other.example", until: 2021, ..Style::default() }).await;
    let home = Home::with(&authority, &server.url("localhost"), ", insecure-skip-tls-verify: true", 2040);
    let kubeconfig = Kubeconfig::load(&[home.kubeconfig()]).unwrap();
    let options = ConnectOptions::new("a/1");
    assert_eq!(Client::connect(&kubeconfig, &options).err(), Some(ConnectError::Insecure));
    let options = options.with_allow_insecure();
    Client::connect(&kubeconfig, &options).unwrap().get::<Value>(&pod()).await.unwrap();
}

#[tokio::test]
async fn rejected_client_certificate_shows_the_alert() {
    let authority = Authority::new();
    let server =
        Server::start(&authority, Style { believes: Some(Authority::new()), ..Style::default() }).await;
    let refused = error(&Home::new(&authority, &server.url("localhost"))).await;
    assert!(matches!(refused, TransportError::ClientCertificateRefused { .. }), "{refused:?}");
}

#[tokio::test]
async fn unauthorized_names_the_expired_certificate() {
    let authority = Authority::new();
    let date = "Tue, 24 Nov 2043 11:09:55 GMT";
    let server = Server::start(&authority, Style { code: 401, date: Some(date), ..Style::default() }).await;
    let home = Home::new(&authority, &server.url("localhost"));
    let error = client(&home).get::<Value>(&pod()).await.unwrap_err();
    assert!(matches!(error, Error::CertificateExpired { .. }), "{error:?}");
    assert!(error.to_string().ends_with("client.crt expired at 2040-02-03T00:00:00Z"), "{error}");

    let server = Server::start(&authority, Style { code: 401, ..Style::default() }).await;
    let error =
        client(&Home::new(&authority, &server.url("localhost"))).get::<Value>(&pod()).await.unwrap_err();
    assert!(matches!(error, Error::Api(_)), "{error:?}");
}

#[tokio::test]
async fn connection_failures_have_distinct_errors() {
    let authority = Authority::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refused = error(&Home::new(&authority, &format!("https://localhost:{closed}"))).await;
    assert_eq!(
        refused.to_string(),
        format!("localhost:{closed} refused the connection; nothing is listening on that port")
    );

    let unknown = error(&Home::new(&authority, "https://no-such-host.invalid:6443")).await;
    assert!(matches!(unknown, TransportError::NameNotFound { .. }), "{unknown:?}");

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let closed = error(&Home::new(&authority, &url)).await;
    assert!(matches!(closed, TransportError::NoRoute { .. }), "{closed:?}");

    let plain = Server::start(&authority, Style { tls: false, ..Style::default() }).await;
    let not_tls = error(&Home::new(&authority, &plain.url("localhost"))).await;
    assert!(matches!(not_tls, TransportError::NotTls { .. }), "{not_tls:?}");
}

#[tokio::test]
async fn silent_server_times_out_while_connecting() {
    let authority = Authority::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://127.0.0.1:{}", silent.local_addr().unwrap().port());
    let home = Home::new(&authority, &url);
    let kubeconfig = Kubeconfig::load(&[home.kubeconfig()]).unwrap();
    let options = ConnectOptions::new("a/1").with_timeout(Duration::from_millis(300));
    let start = Instant::now();
    let error = Client::connect(&kubeconfig, &options).unwrap().get::<Value>(&pod()).await.unwrap_err();
    assert!(matches!(error, Error::Transport(TransportError::ConnectTimeout { .. })), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[tokio::test]
async fn silent_server_times_out_after_a_request() {
    let authority = Authority::new();
    let server = Server::start(&authority, Style { hangs: true, ..Style::default() }).await;
    let home = Home::new(&authority, &server.url("localhost"));
    let kubeconfig = Kubeconfig::load(&[home.kubeconfig()]).unwrap();
    let options = ConnectOptions::new("a/1").with_silence(Duration::from_millis(500));
    let start = Instant::now();
    let error = Client::connect(&kubeconfig, &options).unwrap().get::<Value>(&pod()).await.unwrap_err();
    assert!(matches!(error, Error::Transport(TransportError::Silent)), "{error:?}");
    // Nothing was written.
    assert!(!error.outcome_unknown());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}
