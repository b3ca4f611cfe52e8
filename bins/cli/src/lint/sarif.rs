//! Findings in the Static Analysis Results Interchange Format (SARIF) 2.1.0 of OASIS.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use toolforge_render::lint::{Edit, Finding, Rule};

use super::checked::Checked;

/// The characters of a path that a URI reference may have.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Returns the log of all files.
pub(super) fn log(files: &[Checked]) -> Value {
    let rules: Vec<Value> = Rule::ALL.iter().map(|rule| described(*rule)).collect();
    let results = files
        .iter()
        .flat_map(|file| file.findings.iter().map(|finding| result(file, &file.without_secrets(finding))));
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "toolforge-lint",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

fn described(rule: Rule) -> Value {
    json!({
        "id": rule.id(),
        "shortDescription": {"text": rule.summary()},
        "fullDescription": {"text": rule.explanation()},
        "help": {"text": rule.remedy()},
        "defaultConfiguration": {"level": rule.level().as_str()},
    })
}

fn result(file: &Checked, finding: &Finding) -> Value {
    let artifact = artifact(file);
    let text = match &finding.answer {
        Some(answer) => format!("{}\n{}", finding.message.as_raw(), answer.as_raw()),
        None => finding.message.as_raw().to_owned(),
    };
    let index = Rule::ALL.iter().position(|rule| *rule == finding.rule);
    let mut result = json!({
        "ruleId": finding.rule.id(),
        "ruleIndex": index,
        "level": finding.level().as_str(),
        "message": {"text": text},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": region(finding)}}],
    });
    if let Some(fix) = &finding.fix {
        let replacements: Vec<Value> = fix.edits.iter().map(replacement).collect();
        result["fixes"] = json!([{
            "description": {"text": fix.title.as_raw()},
            "artifactChanges": [{"artifactLocation": artifact, "replacements": replacements}],
        }]);
    }
    result
}

fn artifact(file: &Checked) -> Value {
    json!({"uri": utf8_percent_encode(file.name.as_raw(), PATH).to_string()})
}

fn region(finding: &Finding) -> Value {
    json!({
        "startLine": finding.location.line,
        "startColumn": finding.location.column,
        "byteOffset": finding.span.start,
        "byteLength": finding.span.len(),
    })
}

fn replacement(edit: &Edit) -> Value {
    json!({
        "deletedRegion": {"byteOffset": edit.span.start, "byteLength": edit.span.len()},
        "insertedContent": {"text": edit.replacement},
    })
}

#[cfg(test)]
mod tests {
    use toolforge_render::lint::{LintContext, Secrets, lint};

    use super::*;

    /// Returns where a value violates a JSON Schema of draft 7, with the keywords that the schema of SARIF has.
    fn violations(root: &Value, schema: &Value, value: &Value, path: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut broken = |keyword: &str| found.push(format!("{path}: {keyword}"));
        let of_type = |name: &str| match name {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            other => panic!("type {other}"),
        };
        let count = || value.as_array().map(Vec::len);
        let mut inner: Vec<(&Value, &Value, String)> = Vec::new();
        for (keyword, rule) in schema.as_object().unwrap() {
            match keyword.as_str() {
                "type" if !of_type(rule.as_str().unwrap()) => broken(keyword),
                "required" => {
                    let names = rule.as_array().unwrap().iter().filter_map(Value::as_str);
                    names.filter(|name| value.is_object() && value[name].is_null()).for_each(&mut broken);
                }
                "enum" if !rule.as_array().unwrap().contains(value) => broken(keyword),
                "minItems"
                    if count()
                        .is_some_and(|count| count < usize::try_from(rule.as_u64().unwrap()).unwrap()) =>
                {
                    broken(keyword);
                }
                "uniqueItems" => {
                    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
                    if items.iter().enumerate().any(|(index, item)| items[..index].contains(item)) {
                        broken(keyword);
                    }
                }
                "minimum" if value.as_i64().is_some_and(|number| number < rule.as_i64().unwrap()) => {
                    broken(keyword);
                }
                "maximum" if value.as_i64().is_some_and(|number| number > rule.as_i64().unwrap()) => {
                    broken(keyword);
                }
                "$ref" => inner.push((
                    &root["definitions"][rule.as_str().unwrap().rsplit('/').next().unwrap()],
                    value,
                    path.to_owned(),
                )),
                "anyOf" => {
                    let fits = |schema: &Value| violations(root, schema, value, path).is_empty();
                    if !rule.as_array().unwrap().iter().any(fits) {
                        broken(keyword);
                    }
                }
                "items" => {
                    let items = value.as_array().into_iter().flatten().enumerate();
                    inner.extend(items.map(|(index, item)| (rule, item, format!("{path}/{index}"))));
                }
                "properties" => {
                    let fields = value.as_object().into_iter().flatten();
                    inner.extend(fields.filter_map(|(name, field)| {
                        Some((rule.get(name)?, field, format!("{path}/{name}")))
                    }));
                }
                "additionalProperties" => {
                    let known = schema["properties"].as_object();
                    let fields = value.as_object().into_iter().flatten();
                    let others =
                        fields.filter(|(name, _)| known.is_none_or(|known| !known.contains_key(*name)));
                    for (name, field) in others {
                        if rule == &json!(false) {
                            broken(name);
                        } else if rule.is_object() {
                            inner.push((rule, field, format!("{path}/{name}")));
                        }
                    }
                }
                "type" | "enum" | "minItems" | "minimum" | "maximum" | "description" | "default"
                | "title" | "$schema" | "$id" | "definitions" | "format" | "pattern" => {}
                other => panic!("keyword {other}"),
            }
        }
        for (schema, value, path) in inner {
            found.extend(violations(root, schema, value, &path));
        }
        found
    }

    #[test]
    fn log_is_valid_sarif() {
        let schema: Value =
            serde_json::from_str(&toolforge_fixtures::read("lint/sarif-schema-2.1.0.json")).unwrap();
        let context = LintContext::offline(None);
        let checked = |name: &str, text: String| Checked {
            name: name.into(),
            findings: lint(&text, &context),
            secrets: Secrets::of(&text),
            text,
            fixes: None,
        };
        let files = [
            checked("seed/cronjobs.yaml", toolforge_fixtures::read("lint/seed/cronjobs.yaml")),
            checked("my files/é%\u{1b}.yaml", "\u{feff}a: b: c".to_owned()),
            checked("-", "kind: Deployment\nmetadata: {name: 1}\n".to_owned()),
            checked("clean.yaml", toolforge_fixtures::read("lint/clean.yaml")),
        ];
        let log = log(&files);
        assert_eq!(violations(&schema, &schema, &log, ""), [""; 0]);
        assert!(log["runs"][0]["results"].as_array().unwrap().len() > 5);
        let broken = json!({"version": "2.1", "runs": [{"results": [{"ruleIndex": -2, "levl": 1}]}]});
        assert_eq!(violations(&schema, &schema, &broken, "").len(), 5);
    }
}
