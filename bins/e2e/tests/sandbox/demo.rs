//! `cargo sandbox demo`, the first command of the README.

use std::time::{Duration, Instant};

use toolforge_e2e::TemporarySandbox;

#[test]
fn demo_serves_a_page_and_repeats_quickly() {
    let sandbox = TemporarySandbox::new("demo");
    let first = sandbox.run(&["demo"]);
    let text = String::from_utf8(first.stdout).unwrap();
    assert!(first.status.success(), "{text}{}", String::from_utf8_lossy(&first.stderr));
    for expected in [
        "$ webservice php8.2 start",
        "Hello from PHP 8.2",
        "is running on backend kubernetes",
        "$ quota-check",
    ] {
        assert!(text.contains(expected), "`{expected}` is not in\n{text}");
    }
    let begun = Instant::now();
    let second = sandbox.run(&["demo"]);
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    assert!(String::from_utf8(second.stdout).unwrap().contains("is already running"));
    // This is not a measurement: a demo that rebuilt or restarted anything would take far longer.
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}
