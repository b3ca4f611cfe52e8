//! The reference page is that of the program.

use toolforge_cli::reference_page;

#[test]
fn reference_matches_the_program() {
    toolforge_fixtures::same_as_generated(
        "../docs/reference/webservice.md",
        &reference_page(webservice::command()),
    );
}
