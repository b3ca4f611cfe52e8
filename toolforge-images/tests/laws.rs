//! Laws that hold for every text.

use proptest::prelude::*;
use toolforge_images::Catalog;

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        if let Err(error) = Catalog::parse(&text) {
            prop_assert!(!error.to_string().chars().any(char::is_control));
        }
    }

    #[test]
    fn a_good_entry_is_read_whatever_stands_beside_it(other in "[a-z]{1,8}", junk in "[a-z0-9\\[\\]{}, ]{0,20}") {
        prop_assume!(other != "good");
        let good = "good: {state: stable, image: registry/toolforge-good-web}\n";
        let text = format!("{good}{other}: {{state: {junk:?}, image: [1, 2]}}\n");
        let catalog = Catalog::parse(&text).unwrap();
        prop_assert!(catalog.types().any(|image_type| image_type.name.as_str() == "good"));
        prop_assert_eq!(catalog.types().count() + catalog.problems().len(), 2);
    }

    #[test]
    fn every_name_gets_an_answer(name in "[A-Za-z0-9._-]{1,63}") {
        let catalog = Catalog::bundled();
        if let Err(error) = catalog.web(&name.parse().unwrap()) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
