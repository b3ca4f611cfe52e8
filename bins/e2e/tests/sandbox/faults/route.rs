//! Commands through proxies, many at the same time.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use toolforge_e2e::{Outcome, Tool};

use super::fault::{Fault, Scope};
use super::proxy::{Credentials, Proxy, SERVER, client_config};

/// When a command is killed, in seconds; its exit code is then 137.
const KILLED_AFTER: u64 = 150;

/// The runtime of the proxies, on a thread of its own.
pub(crate) struct Proxies(tokio::runtime::Handle);

impl Proxies {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        std::thread::spawn(move || Runtime::block_on(&runtime, std::future::pending::<()>()));
        Self(handle)
    }

    /// Starts a proxy for each fault before a tool's API server, and writes their kubeconfigs into the tool's home.
    pub(crate) fn add(&self, tool: &Tool, faults: impl IntoIterator<Item = (Fault, Scope)>) -> Vec<Route> {
        let config = tool.shell("cat ~/.kube/config").exits(0).stdout;
        let word_after = |key: &str| {
            let rest = config.split(key).nth(1).unwrap();
            rest.split_whitespace().next().unwrap().to_owned()
        };
        let server = word_after("server:");
        let data = word_after("certificate-authority-data:");
        let read = |command: &str| tool.shell(command).exits(0).stdout;
        let port = server.rsplit(':').next().unwrap().parse().unwrap();
        let tls = client_config(&Credentials {
            authority: read(&format!("echo {data} | base64 -d")),
            certificate: read("cat ~/.toolskube/client.crt"),
            key: read("cat ~/.toolskube/client.key"),
        });
        let proxies: Vec<Proxy> = faults
            .into_iter()
            .map(|(fault, scope)| {
                let (sender, receiver) = std::sync::mpsc::channel();
                let tls = tls.clone();
                self.0.spawn(async move {
                    let _ = sender.send(Proxy::start(fault, scope, tls, port).await);
                });
                receiver.recv().unwrap()
            })
            .collect();
        let config = config
            .replace(&format!("certificate-authority-data: {data}"), "certificate-authority: proxy.crt");
        tool.write(".kube/proxy.crt", &SERVER.0);
        tool.write(".kube/proxy", &config);
        let ports: Vec<String> = proxies.iter().map(|proxy| proxy.port.to_string()).collect();
        let ports = ports.join(" ");
        let line = format!(
            "cd ~/.kube && for port in {ports}; do sed \"s#{server}#https://127.0.0.1:$port#\" proxy > proxy-$port; done"
        );
        tool.shell(&line).exits(0).and_that_is_all();
        proxies.into_iter().map(|proxy| Route { proxy }).collect()
    }

    /// Starts one proxy.
    pub(crate) fn add_one(&self, tool: &Tool, fault: Fault, scope: Scope) -> Route {
        self.add(tool, [(fault, scope)]).remove(0)
    }
}

/// A proxy, and the kubeconfig that leads to it.
pub(crate) struct Route {
    proxy: Proxy,
}

impl Route {
    /// Runs a shell command line as the tool through the proxy, and returns how long it took.
    pub(crate) fn run(&self, tool: &Tool, line: &str) -> (Outcome, Duration) {
        let started = Instant::now();
        let config = self.kubeconfig(tool);
        let outcome = tool.shell(&format!("KUBECONFIG={config} exec timeout -s KILL {KILLED_AFTER} {line}"));
        (outcome, started.elapsed())
    }

    /// Runs a shell command line, and kills it when so many requests that write have been sent and another one is held.
    pub(crate) fn run_until_held(&self, tool: &Tool, line: &str, count: usize) -> Outcome {
        let file = format!("kill-{}", self.proxy.port);
        let config = self.kubeconfig(tool);
        let has_ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !has_ended.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(50));
                    if self.writes() > count {
                        // The server may get the request first.
                        std::thread::sleep(Duration::from_secs(1));
                        tool.write(&file, "");
                        return;
                    }
                }
            });
            let outcome = tool.shell(&format!(
                "KUBECONFIG={config} {line} & program=$!; \
                 while kill -0 $program 2>&- && [ ! -e {file} ]; do sleep 0.1; done; \
                 [ -e {file} ] && kill -KILL $program; wait $program"
            ));
            has_ended.store(true, Ordering::Relaxed);
            outcome
        })
    }

    fn kubeconfig(&self, tool: &Tool) -> String {
        format!("/data/project/{}/.kube/proxy-{}", tool.name(), self.proxy.port)
    }

    /// Returns the number of requests so far that write.
    pub(crate) fn writes(&self) -> usize {
        self.proxy.writes()
    }
}

/// Does all tasks, so many at the same time, in their order.
pub(crate) fn concurrently<T: Send>(
    threads: usize,
    tasks: impl IntoIterator<Item = T>,
    act: impl Fn(T) + Sync,
) {
    let queue: Mutex<VecDeque<T>> = Mutex::new(tasks.into_iter().collect());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(task) = { queue.lock().unwrap().pop_front() } {
                    act(task);
                }
            });
        }
    });
}
