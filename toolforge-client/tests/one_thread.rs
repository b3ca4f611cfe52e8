//! Requests to a host name over TLS start no thread: this program has none apart from the one that runs `main`,
//! so it works under `ulimit -u 1`. It has no test harness, which would start threads.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

#[path = "server/mod.rs"]
#[expect(dead_code, reason = "the other test program uses the rest")]
mod server;

use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;
use toolforge_client::{Client, ConnectOptions, Kubeconfig, ResourceType};

use server::{Authority, Home, Server, Style};

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("Linux lists a process's threads").count()
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let authority = Authority::new();
        let server = Server::start(&authority, Style::default()).await;
        let home = Home::new(&authority, &server.url("localhost"));
        let kubeconfig = Kubeconfig::load(&[home.kubeconfig()]).expect("a kubeconfig");
        let client = Client::connect(&kubeconfig, &ConnectOptions::new("test/1")).expect("a client");
        let pod = ResourceType::of::<Pod>().in_namespace("tool-x").named("x");
        let get = || client.get::<Value>(&pod);
        tokio::try_join!(get(), get(), get()).expect("answers");
        assert_eq!(server.handshakes(), 1);
        assert_eq!(threads(), 1, "a request started a thread");
    });
}
