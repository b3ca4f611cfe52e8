//! The first of the two commands that a newcomer types: `cargo sandbox demo`.

use std::time::{Duration, Instant};

use toolforge_e2e::Sandbox;

struct Own(Sandbox);

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.0.run(&["down", "--delete"]);
    }
}

#[test]
fn the_demo_ends_with_a_page_and_again_in_seconds() {
    let own = Own(Sandbox::of_the_tests().beside("demo"));
    let first = own.0.run(&["demo"]);
    let said = String::from_utf8(first.stdout).unwrap();
    assert!(first.status.success(), "{said}{}", String::from_utf8_lossy(&first.stderr));
    for words in [
        "$ webservice php8.2 start",
        "Hello from PHP 8.2",
        "is running on backend kubernetes",
        "$ quota-check",
    ] {
        assert!(said.contains(words), "`{words}` is not in\n{said}");
    }
    let begun = Instant::now();
    let second = own.0.run(&["demo"]);
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    assert!(String::from_utf8(second.stdout).unwrap().contains("is already running"));
    // Not a measurement: a demo that built or started anything again would take far longer.
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}
