//! The reference page and the man page are as they are generated.

use toolforge_cli::{Generated, reference_page};

#[test]
fn the_reference_pages_are_as_the_command_line_is() {
    toolforge_fixtures::same_as_generated("../docs/reference/jobs.md", &reference_page(jobs::command()));
    toolforge_fixtures::same_as_generated(
        "../docs/reference/jobs.1",
        &Generated::ManPage.text(jobs::command()),
    );
}
