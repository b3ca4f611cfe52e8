//! The reference page is that of the program.

use toolforge_cli::reference_page;

#[test]
fn reference_matches_the_program() {
    toolforge_fixtures::same_as_generated(
        "../docs/reference/quota-check.md",
        &reference_page(quota_check::command()),
    );
}
