//! The example of the README, which is also `cargo tour`.

#[path = "../examples/tour.rs"]
#[expect(dead_code, reason = "the test calls the function that its main prints")]
mod example;

use example::{JOBS, tour};

#[test]
fn tour_prints_what_the_readme_shows() {
    let text = tour(JOBS).unwrap();
    let readme = toolforge_fixtures::read("../README.md");
    let block = readme.split_once("$ cargo tour\n").unwrap().1.split_once("```").unwrap().0;
    let (begin, end) = block.split_once("[…]\n").unwrap();
    assert!(text.starts_with(begin), "{text}");
    assert!(text.ends_with(end), "{text}");
    assert!(text.contains("# images and limits: the bundled catalog of August 2025"), "{text}");
}
