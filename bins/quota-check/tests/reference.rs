//! The reference page and the man page are those of the program.

use toolforge_cli::{Generated, reference_page};

#[test]
fn reference_matches_the_program() {
    toolforge_fixtures::same_as_generated(
        "../docs/reference/quota-check.md",
        &reference_page(quota_check::command()),
    );
    toolforge_fixtures::same_as_generated(
        "../docs/reference/quota-check.1",
        &Generated::ManPage.text(quota_check::command()),
    );
}
