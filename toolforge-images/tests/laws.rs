//! Laws that hold for every text.

use std::sync::LazyLock;

use proptest::prelude::*;
use toolforge_images::Catalog;
use toolforge_model::TypeName;

static CATALOGS: LazyLock<[Catalog; 2]> =
    LazyLock::new(|| [Catalog::bundled(), Catalog::parse(GOOD).expect("a catalog")]);

const GOOD: &str = "good: {state: stable, image: registry/toolforge-good-web}";

/// A YAML value in flow style, of any kind, with the words that entries use.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("~".to_owned()),
        Just(".inf".to_owned()),
        "[0-9]{1,20}",
        "-?[0-9]{1,3}\\.[0-9]{1,3}",
        "[a-z]{1,6}",
        any::<String>().prop_map(|text| quoted(&text)),
        prop::sample::select(vec![
            "stable",
            "deprecated",
            "r/x-web",
            "generic",
            "jdk",
            "1Gi",
            "--type",
            "true",
            "''"
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let key = prop::sample::select(vec![
            "state",
            "aliases",
            "image",
            "variants",
            "webservice",
            "jobs-framework",
            "extra",
            "wstype",
            "resources",
            "webservice-defaults",
            "command",
            "port",
            "memory",
            "other",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::vec((key, inner), 0..5).prop_map(|pairs| {
                let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                format!("{{{}}}", pairs.join(", "))
            }),
        ]
    })
}

/// Returns a text as YAML in double quotes, every character as its code point.
fn quoted(text: &str) -> String {
    let escaped: String = text.chars().map(|c| format!("\\U{:08x}", u32::from(c))).collect();
    format!("\"{escaped}\"")
}

fn is_safe(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        if let Err(error) = Catalog::parse(&text) {
            prop_assert!(is_safe(&error.to_string()));
        }
    }

    #[test]
    fn no_yaml_like_text_panics(text in "[a-z:{}\\[\\]&*!|>,\"' \n#?~%@.-]{0,60}") {
        if let Err(error) = Catalog::parse(&text) {
            prop_assert!(is_safe(&error.to_string()));
        }
    }

    #[test]
    fn bad_entries_do_not_affect_others(values in prop::collection::vec(value(), 0..6)) {
        let mut text = format!("{GOOD}\n");
        for (number, value) in values.iter().enumerate() {
            text.push_str(&format!("x{number}: {value}\n"));
        }
        text.push_str(&GOOD.replace("good:", "last:"));
        let catalog = Catalog::parse(&text).map_err(|error| TestCaseError::fail(format!("{text}\n{error}")))?;
        prop_assert_eq!(catalog.types().count() + catalog.problems().len(), values.len() + 2);
        for name in ["good", "last"] {
            let name: TypeName = name.parse().expect("a name");
            prop_assert!(catalog.web(&name).is_ok());
        }
        for problem in catalog.problems() {
            prop_assert!(is_safe(&problem.to_string()));
        }
        // Whatever was accepted goes into manifests and onto terminals.
        for (_, web) in catalog.types().filter_map(|image_type| Some((image_type, image_type.web.as_ref()?))) {
            prop_assert!(web.reference().bytes().all(|b| b.is_ascii_graphic()));
            prop_assert!(web.default_memory.bytes() > 0);
            prop_assert!(catalog.with_web_image(&web.reference()).any(|(_, found)| found == web));
        }
    }

    #[test]
    fn reads_json_like_yaml(count in 0..5_usize) {
        let entries: Vec<String> = (0..count)
            .map(|number| format!("\"x{number}\": {{\"state\": \"stable\", \"image\": \"r/x{number}-web\"}}"))
            .collect();
        let json = format!("{{{}}}", entries.join(","));
        prop_assert_eq!(Catalog::parse(&json).map_or(0, |catalog| catalog.types().count()), count);
    }

    #[test]
    fn every_name_has_an_answer(name in "[A-Za-z0-9._-]{1,63}") {
        let name: TypeName = name.parse().expect("a name");
        for catalog in CATALOGS.iter() {
            if let Err(error) = catalog.web(&name) {
                prop_assert!(!error.to_string().is_empty());
            }
            // The replacement of a type can be started.
            if let Some(replacement) = catalog.replacement(&name) {
                prop_assert!(catalog.web(&replacement.name).is_ok());
                prop_assert_ne!(&replacement.name, &name);
            }
        }
    }
}
