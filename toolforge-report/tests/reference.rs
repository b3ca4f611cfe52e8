//! The reference page, and what readers rely on.

use serde_json::json;
use toolforge_report::{
    API_VERSION, Check, CheckCode, CheckLevel, Diagnosis, Document, ExitCode, ImageTypes, LocalCommand,
    QuotaState, reference,
};

#[test]
fn reference_page_is_generated() {
    toolforge_fixtures::same_as_generated("../docs/reference/json.md", &reference());
}

#[test]
fn documents_name_exit_codes_alike() {
    for document in
        ["README.md", "docs/help/exit-codes.txt", "docs/reference/jobs.md", "docs/reference/webservice.md"]
    {
        let text = std::fs::read_to_string(format!("../{document}")).unwrap();
        for code in ExitCode::ALL {
            let lines = [format!("| {code} | {} |", code.meaning()), format!("  {code}  {}", code.meaning())];
            assert!(text.lines().any(|line| lines.iter().any(|wanted| line == wanted)), "{document}: {code}");
        }
    }
}

#[test]
fn reference_page_describes_every_linked_type() {
    let page = reference();
    for link in page.split("](#").skip(1) {
        let anchor = link.split(')').next().unwrap();
        let heading =
            |line: &str| line.strip_prefix("### ").is_some_and(|name| name.to_lowercase() == anchor);
        assert!(page.lines().any(heading), "{anchor}");
    }
}

#[test]
fn documents_survive_a_round_trip() {
    let check = Check {
        code: CheckCode::Quota,
        level: CheckLevel::Skipped,
        message: "not checked".to_owned(),
        hints: Vec::new(),
    };
    let document = Document::new(Diagnosis { checks: vec![check] });
    let value = serde_json::to_value(&document).unwrap();
    assert_eq!(
        value,
        json!({
            "apiVersion": API_VERSION,
            "kind": "Diagnosis",
            "checks": [{"code": "quota", "level": "skipped", "message": "not checked", "hints": []}],
        })
    );
    assert_eq!(serde_json::from_value::<Document<Diagnosis>>(value).unwrap(), document);
}

#[test]
fn another_kind_is_refused() {
    let value = json!({"apiVersion": API_VERSION, "kind": "Diagnosis", "command": []});
    let error = serde_json::from_value::<Document<LocalCommand>>(value).unwrap_err();
    assert!(error.to_string().contains("expected cli.toolforge.org/v1 LocalCommand"), "{error}");
}

#[test]
fn unknown_fields_and_codes_are_accepted() {
    let value = json!({"apiVersion": API_VERSION, "kind": "ImageTypes", "types": [], "new": 1});
    let types: Document<ImageTypes> = serde_json::from_value(value).unwrap();
    assert_eq!(types.body.default_type, None);
    assert_eq!(serde_json::from_value::<QuotaState>(json!("brand-new")).unwrap(), QuotaState::Other);
}

#[test]
fn every_exit_code_is_read_back() {
    for code in 0..=u8::MAX {
        assert_eq!(ExitCode::from(code).code(), code);
    }
}
