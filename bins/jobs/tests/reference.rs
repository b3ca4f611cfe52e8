//! The reference page is as it is generated.

use toolforge_cli::reference_page;

#[test]
fn reference_pages_match_the_command_line() {
    toolforge_fixtures::same_as_generated("../docs/reference/jobs.md", &reference_page(jobs::command()));
}

#[test]
fn jobs_file_page_is_complete() {
    let page = toolforge_fixtures::read("../docs/jobs-file.md");
    for &key in toolforge_model::JobField::ALL {
        assert!(page.contains(&format!("`{key}`")), "{key} is not documented");
    }
    let tool = "tf-test".parse().unwrap();
    let examples: Vec<&str> =
        page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 2);
    for example in examples {
        let file = toolforge_model::JobsFile::parse(example, &tool).unwrap();
        assert!(!file.jobs.is_empty() && file.warnings.is_empty(), "{:?}", file.warnings);
    }
}
