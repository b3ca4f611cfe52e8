//! The memory that a dump of many quotas takes, in each format.

use std::io::{BufWriter, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

/// The numbers of namespaces that are compared.
const FEW: usize = 3000;
const MANY: usize = 30_000;

/// How many KiB more the larger dump may take where no row is held; the names of quotas are, for Prometheus.
const FLAT: u64 = 3072;

/// Returns the quota of a namespace.
fn quota(index: usize) -> String {
    let hard = json!({"pods": "10", "limits.cpu": "2", "limits.memory": "8Gi", "services": "1", "count/jobs.batch": "15"});
    let used = json!({
        "pods": (index % 11).to_string(), "limits.cpu": "1", "limits.memory": format!("{}Mi", index * 37 % 8192),
        "services": "1", "count/jobs.batch": "2",
    });
    let name = format!("tool-fleet-{index}");
    let metadata = json!({"name": name, "namespace": name});
    json!({"kind": "ResourceQuota", "metadata": metadata, "status": {"hard": hard, "used": used}}).to_string()
}

/// Returns the peak memory in KiB of a run over a dump of a number of namespaces.
fn peak(options: &str, count: usize) -> u64 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quota-check"));
    command
        .env_clear()
        .env("HOME", "/nonexistent")
        .args(["--all", "--from", "-"])
        .args(options.split_whitespace());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut input = BufWriter::new(child.stdin.take().unwrap());
    let writer = std::thread::spawn(move || {
        write!(input, "{{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [").unwrap();
        for index in 0..count {
            let separator = if index == 0 { "" } else { "," };
            write!(input, "{separator}\n{}", quota(index)).unwrap();
        }
        write!(input, "]}}").unwrap();
        input.flush().unwrap();
    });
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    let exit_code = loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let field = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        most = most.max(field.and_then(|text| text.trim().split(' ').next()?.parse().ok()).unwrap_or(0));
        if let Some(exit_code) = child.try_wait().unwrap() {
            break exit_code;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    writer.join().unwrap();
    assert!(exit_code.success(), "{options}");
    most
}

#[test]
#[ignore = "it takes some minutes"]
fn memory_does_not_grow_with_the_fleet() {
    let mut grown = Vec::new();
    for format in ["table", "json", "yaml", "ndjson", "csv", "markdown", "prometheus", "junit", "html"] {
        let (few, many) =
            (peak(&format!("--output {format}"), FEW), peak(&format!("--output {format}"), MANY));
        eprintln!("{format}: {few} KiB, {many} KiB");
        if many > few + FLAT {
            grown.push(format);
        }
    }
    assert_eq!(grown, [""; 0]);
}

#[test]
#[ignore = "it takes some minutes"]
fn sorted_rows_are_small() {
    // They are kept in memory, each with the fields that the format shows.
    for (format, bytes) in [("table", 500), ("html", 850), ("json", 950)] {
        let options = format!("--output {format} --sort share");
        let (few, many) = (peak(&options, FEW), peak(&options, MANY));
        eprintln!("{format}, sorted: {few} KiB, {many} KiB");
        assert!((many - few) * 1024 < bytes * (MANY - FEW) as u64, "{format}: {few} KiB, {many} KiB");
    }
}
