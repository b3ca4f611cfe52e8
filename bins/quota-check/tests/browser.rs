//! The HTML page in a real browser: Chromium without a window.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// Sorts by pods, filters, and leaves the shown rows in the document.
const USE_THE_PAGE: &str = "<pre id=\"result\"></pre><script>
const tools = () => rows.filter((row) => !row.hidden).map((row) => row.cells[0].textContent.trim());
const pods = Array.from(table.tHead.rows[0].cells).find((cell) => cell.textContent === 'Pods');
const result = { all: tools(), shown: shown.textContent };
pods.querySelector('button').click();
result.most = tools();
pods.querySelector('button').click();
result.least = tools();
result.sorted = pods.getAttribute('aria-sort');
form.elements.state.value = 'blocked';
form.dispatchEvent(new Event('input'));
result.blocked = tools();
form.elements.state.value = '';
form.elements.text.value = 'ALPH';
form.dispatchEvent(new Event('input'));
result.found = tools();
result.foundText = shown.textContent;
document.getElementById('result').textContent = JSON.stringify(result);
</script>";

/// Runs axe and leaves its violations in the document.
const RUN_AXE: &str = "<script>axe.run(document, { resultTypes: ['violations'] }).then((found) => {
const result = document.createElement('pre');
result.id = 'result';
result.textContent = JSON.stringify(found.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]));
document.body.append(result);
});</script>";

fn directory() -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

fn page(name: &str) -> String {
    let quota = |namespace: &str, pods: &str| {
        let metadata = json!({"namespace": namespace, "name": namespace});
        let status = json!({"hard": {"pods": "10", "limits.memory": "8Gi"}, "used": {"pods": pods, "limits.memory": "1Gi"}});
        json!({"kind": "ResourceQuota", "metadata": metadata, "status": status})
    };
    let hostile = "<script>document.title='changed'</script>";
    let items =
        [quota("tool-alpha", "9"), quota("tool-beta", "10"), quota("tool-gamma", "1"), quota(hostile, "2")];
    let file = directory().join(format!("{name}.json"));
    std::fs::write(&file, json!({"kind": "List", "items": items}).to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_quota-check"));
    command.args(["--all", "--output", "html", "--from"]).arg(file).env_clear();
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the document after Chromium has loaded a page.
fn document(name: &str, page: &str, options: &[&str]) -> String {
    let file = directory().join(format!("{name}.html"));
    std::fs::write(&file, page).unwrap();
    let mut command = Command::new("chromium");
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=20000",
        "--dump-dom",
    ]);
    command.arg(format!("--user-data-dir={}", directory().join(format!("{name}.profile")).display()));
    command.args(options).arg(format!("file://{}", file.display()));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns what a script has left in the document.
fn result(document: &str) -> Value {
    let (_, result) = document.split_once("<pre id=\"result\">").unwrap();
    let text = result.split("</pre>").next().unwrap();
    serde_json::from_str(&text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")).unwrap()
}

#[test]
#[ignore = "needs Chromium; the gate installs it and runs it"]
fn page_sorts_and_filters() {
    let page = page("use").replace("</body>", &format!("{USE_THE_PAGE}</body>"));
    let found = result(&document("use", &page, &[]));
    let hostile = "<script>document.title='changed'</script>";
    assert_eq!(found["all"], json!(["alpha", "beta", "gamma", hostile]));
    assert_eq!(found["shown"], "4 of 4 shown");
    assert_eq!(found["most"], json!(["beta", "alpha", hostile, "gamma"]));
    assert_eq!(found["least"], json!(["gamma", hostile, "alpha", "beta"]));
    assert_eq!(found["sorted"], "ascending");
    assert_eq!(found["blocked"], json!(["beta"]));
    assert_eq!(found["found"], json!(["alpha"]));
    assert_eq!(found["foundText"], "1 of 4 shown");
}

#[test]
#[ignore = "needs Chromium; the gate installs it and runs it"]
fn page_can_be_read_without_scripts() {
    // Without scripts, Chromium cannot print the document, so the page itself forbids its script.
    let page = page("plain").replace("script-src 'unsafe-inline'", "script-src 'none'");
    let document = document("plain", &page, &[]);
    assert!(document.contains("<form id=\"filter\" hidden=\"\">"), "{document}");
    assert!(document.contains("<title>Quotas of Toolforge's tools</title>"), "{document}");
    assert!(document.contains("10 of 10"), "{document}");
}

#[test]
#[ignore = "needs Chromium and axe-core; the gate installs them and runs it"]
fn page_is_accessible() {
    let axe = std::env::var("TOOLFORGE_AXE").expect("TOOLFORGE_AXE is the path of axe.min.js");
    let axe = std::fs::read_to_string(axe).unwrap().replace("</script", "<\\/script");
    for (name, options) in [("light", &[][..]), ("dark", &["--blink-settings=preferredColorScheme=0"])] {
        let page = page(name).replace("</body>", &format!("<script>{axe}</script>{RUN_AXE}</body>"));
        assert_eq!(result(&document(name, &page, options)), json!([]), "{name}");
    }
}
