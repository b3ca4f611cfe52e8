//! What a file requests.

use std::collections::BTreeMap;

use toolforge_images::Catalog;
use toolforge_model::{
    Diagnostic, DocumentKind, ExpectedDocument, FileJob, JobsFile, JobsFileFindings, Location,
    ServiceTemplate, ToolName,
};

use crate::manifest::{FileDocument, Manifest, Manifests, file_documents};

/// The most documents of a file; the largest namespaces have a few hundred objects.
const MOST_DOCUMENTS: usize = 10_000;

/// The kinds of documents that are read.
pub(crate) const ANY_DOCUMENT: &str =
    "a list of jobs, a service.template, or an object with `apiVersion` and `kind`";

/// What one file requests, regardless of its name, with its errors.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FileContents {
    /// The lists of jobs.
    pub jobs: Vec<FileJobs>,
    /// The templates of the web service.
    pub templates: Vec<FileTemplate>,
    /// The objects of manifests.
    pub manifests: Vec<Manifest>,
    /// The errors, in the order of the file.
    pub errors: Vec<Diagnostic>,
    /// The warnings, in the order of the file.
    pub warnings: Vec<Diagnostic>,
}

/// The jobs of one document.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FileJobs {
    /// Where the list begins.
    pub location: Location,
    /// The jobs.
    pub jobs: Vec<FileJob>,
}

/// The template of one document.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FileTemplate {
    /// Where it begins.
    pub location: Location,
    /// The template.
    pub template: ServiceTemplate,
    /// How many lines of the file are before the document.
    lines_before: u64,
}

impl FileTemplate {
    /// Returns the location of a key such as `mem` in the file, if the template sets it.
    #[must_use]
    pub(crate) fn location_of(&self, key: &str) -> Option<Location> {
        Some(self.template.location(key)?.moved_down(self.lines_before))
    }
}

impl FileContents {
    /// Reads a file of a tool: YAML documents, or JSON values one after the other. A list is a list of jobs, a mapping with
    /// `apiVersion` or `kind` an object, and one with keys of `service.template` a template.
    #[must_use]
    pub fn parse(text: &str, tool: &ToolName) -> Self {
        Self::parse_expected(text, tool, ExpectedDocument::Any)
    }

    /// Reads a file as [`parse`](Self::parse), given what its name says about it.
    #[must_use]
    pub fn parse_expected(text: &str, tool: &ToolName, expected: ExpectedDocument) -> Self {
        Self::parse_with(text, tool, expected, &|text| JobsFile::check(text, tool, None))
    }

    /// Reads a file as [`parse_expected`](Self::parse_expected), with an error for each job whose image a catalog lacks, even if
    /// the job has other errors; `repository` is that of the build service.
    #[must_use]
    pub fn parse_with_catalog(
        text: &str,
        tool: &ToolName,
        expected: ExpectedDocument,
        catalog: &Catalog,
        repository: &str,
    ) -> Self {
        Self::parse_with(text, tool, expected, &|text| catalog.check_jobs_file(text, tool, repository))
    }

    fn parse_with(
        text: &str,
        tool: &ToolName,
        expected: ExpectedDocument,
        check_jobs: &dyn Fn(&str) -> JobsFileFindings,
    ) -> Self {
        let read = file_documents(text);
        let mut contents = Self { errors: read.errors, ..Self::default() };
        let mut manifests = Manifests::default();
        if read.documents.is_empty() && contents.errors.is_empty() {
            let message = "this file has no content; expected a jobs file, a service.template or a manifest";
            contents.errors.push(Diagnostic::new(Location::START, message));
        }
        for document in read.documents.iter().take(MOST_DOCUMENTS) {
            match expected.kind_of(&document.node) {
                DocumentKind::Manifest => manifests.read(&document.node, tool),
                DocumentKind::ServiceTemplate => contents.add_template(document),
                DocumentKind::JobsFile => contents.add_jobs(document, check_jobs),
                kind => {
                    let message = kind.unexpected(ANY_DOCUMENT, &document.node.describe());
                    contents.errors.push(Diagnostic::new(document.node.location, message));
                }
            }
        }
        if let Some(next) = read.documents.get(MOST_DOCUMENTS) {
            let message = format!("more than {MOST_DOCUMENTS} documents; check fewer at once");
            contents.errors.push(Diagnostic::new(next.node.location, message));
        }
        contents.errors.extend(manifests.errors);
        contents.warnings.extend(manifests.warnings);
        contents.errors.extend(repeated(&manifests.manifests));
        contents.manifests = manifests.manifests;
        contents.errors.sort_by_key(|error| error.location);
        contents.warnings.sort_by_key(|warning| warning.location);
        contents
    }

    /// Adds a list of jobs.
    fn add_jobs(&mut self, document: &FileDocument, check_jobs: &dyn Fn(&str) -> JobsFileFindings) {
        let location = document.node.location;
        let findings = check_jobs(&document.text);
        self.errors.extend(findings.errors.iter().map(|error| document.in_file(error)));
        self.warnings.extend(findings.warnings.iter().map(|warning| document.in_file(warning)));
        let moved = |mut job: FileJob| {
            job.location = job.location.moved_down(document.lines_before);
            job.image_location = job.image_location.moved_down(document.lines_before);
            job
        };
        let jobs = findings.jobs.into_iter().map(moved).collect();
        self.jobs.push(FileJobs { location, jobs });
    }

    /// Adds a template.
    fn add_template(&mut self, document: &FileDocument) {
        match ServiceTemplate::parse(&document.text) {
            Ok(template) => {
                let unknown = template.unknown_keys.iter().map(|key| document.in_file(key));
                self.warnings.extend(unknown);
                let conflicts = template.conflicts();
                if conflicts.is_empty() {
                    let (location, lines_before) = (document.node.location, document.lines_before);
                    self.templates.push(FileTemplate { location, template, lines_before });
                }
                self.errors.extend(conflicts.iter().map(|conflict| document.in_file(conflict)));
            }
            Err(errors) => self.errors.extend(errors.iter().map(|error| document.in_file(error))),
        }
    }
}

/// Returns an error for each object that the file repeats.
fn repeated(manifests: &[Manifest]) -> Vec<Diagnostic> {
    let mut first: BTreeMap<(&str, &str, &str), Location> = BTreeMap::new();
    let mut errors = Vec::new();
    for manifest in manifests.iter().filter(|manifest| !manifest.is_name_generated) {
        let id = (manifest.kind.group.as_str(), manifest.kind.kind.as_str(), manifest.name.as_str());
        if let Some(before) = first.get(&id) {
            let message = format!("{manifest} is already in this file");
            errors.push(Diagnostic::new(manifest.location, message).with_related(*before));
        } else {
            first.insert(id, manifest.location);
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what a file asks for, then its errors and warnings.
    fn shown(text: &str) -> String {
        let FileContents { jobs, templates, manifests, errors, warnings } =
            FileContents::parse(text, &"stashbot".parse().unwrap());
        let jobs = jobs.iter().flat_map(|list| &list.jobs);
        let jobs = jobs.map(|job| format!("{}: job {}", job.location.line, job.request.name));
        let templates = templates.iter().map(|found| format!("{}: template", found.location.line));
        let manifests = manifests.iter().map(|found| format!("{}: {found}", found.location.line));
        let found = errors.iter().chain(&warnings).map(ToString::to_string);
        jobs.chain(templates).chain(manifests).chain(found).collect::<Vec<_>>().join("\n")
    }

    const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n";

    #[test]
    fn files_are_recognized_by_content() {
        let job = "- {name: bot, command: x, image: bookworm}\n";
        insta::assert_snapshot!(shown(&format!("{job}---\ntype: php8.2\nmem: 1Gi\n---\n{SECRET}")), @"
        1: job bot
        3: template
        6: Secret a
        ");
    }

    #[test]
    fn other_documents_are_explained() {
        for text in [
            "",
            "just text\n",
            "components: {}\n",
            "jobs: []\n",
            "name: x\nimage: y\n",
            "x: 1\n",
            "5\n",
            "[]\n",
        ] {
            let found = shown(text);
            assert!(text == "[]\n" || found.contains("expected"), "{text}: {found}");
        }
        insta::assert_snapshot!(shown("jobs: []\n---\nname: x\nimage: bookworm\n"), @"
        line 1, column 1: expected a list of jobs, a service.template, or an object with `apiVersion` and `kind`; the list of jobs must be the whole file: remove the key `jobs` and the indentation below it
        line 3, column 1: expected a list of jobs, a service.template, or an object with `apiVersion` and `kind`; this is one job: write `- ` before its first key, and indent the others by two spaces
        ");
    }

    #[test]
    fn templates_that_no_start_accepts_are_errors() {
        insta::assert_snapshot!(shown("type: php8.2\n---\ntype: node20\nmount: none\nbackend: gridengine\n"), @r#"
        1: template
        line 4, column 1: type node20 cannot run without the tool's home; only buildservice can be mounted `none`
        line 5, column 1: backend "gridengine" no longer exists; only Kubernetes is supported
        "#);
    }

    #[test]
    fn errors_of_all_documents_are_reported() {
        let text = format!(
            "- {{name: bot, comand: x, image: bookworm}}\n---\ntype: php8.2\nmem: lots\nother: 1\n---\n\
             {SECRET}---\n{SECRET}---\na: [\n---\nkind: Pod\n"
        );
        insta::assert_snapshot!(shown(&text), @r#"
        7: Secret a
        11: Secret a
        line 1, column 15: unknown key "comand"; did you mean "command"?
        line 4, column 6: mem: "lots" is not an amount of memory; write it like 512Mi, 1.5Gi or 1G
        line 11, column 1: Secret a is already in this file at line 7, column 1
        line 15, column 4: invalid YAML: unclosed bracket '['
        line 17, column 1: no apiVersion; expected a line like `apiVersion: v1`
        "#);
    }
}
