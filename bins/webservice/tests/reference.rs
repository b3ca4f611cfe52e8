//! The reference page and the man page are those of the program.

use toolforge_cli::{Generated, reference_page};

#[test]
fn reference_matches_the_program() {
    toolforge_fixtures::same_as_generated(
        "../docs/reference/webservice.md",
        &reference_page(webservice::command()),
    );
    toolforge_fixtures::same_as_generated(
        "../docs/reference/webservice.1",
        &Generated::ManPage.text(webservice::command()),
    );
}
