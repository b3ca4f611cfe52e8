//! Secrets that are known by their form: private keys, and tokens with a known beginning.

/// The beginnings of tokens, and the minimum number of characters after them.
const PREFIXES: [(&str, usize); 18] = [
    ("AIza", 35),
    ("AKIA", 16),
    ("github_pat_", 40),
    ("ghp_", 36),
    ("gho_", 36),
    ("ghs_", 36),
    ("ghu_", 36),
    ("ghr_", 36),
    ("glpat-", 20),
    ("hf_", 30),
    ("npm_", 36),
    ("pypi-", 50),
    ("sk_live_", 20),
    ("rk_live_", 20),
    ("xapp-", 20),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("ya29.", 30),
];

/// The minimum number of different characters after the beginning; examples have fewer.
const DIFFERENT: usize = 8;

const BEGIN: &str = "-----BEGIN ";
const PRIVATE_KEY: &str = "PRIVATE KEY";
const END: &str = "-----END ";

/// Returns the private keys and access tokens in a text, with what they are.
pub(crate) fn tokens(text: &str) -> Vec<(&'static str, &str)> {
    let keys = text.match_indices(BEGIN).filter_map(|(start, _)| {
        let rest = text.get(start..)?;
        let name = rest.get(BEGIN.len()..)?.split("-----").next()?;
        // Something follows the first line.
        let is_key = name.contains(PRIVATE_KEY) && rest.len() > BEGIN.len() + name.len() + 16;
        let end = rest.find(END).map_or(rest.len(), |end| end);
        is_key.then(|| rest.get(..end).map(|key| ("the private key", key.trim_end()))).flatten()
    });
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let words = text.split(|c| !is_part(c)).map(|word| word.trim_end_matches('.'));
    keys.chain(
        words.filter(|word| is_token(word) || is_json_web_token(word)).map(|word| ("the access token", word)),
    )
    .collect()
}

fn is_token(word: &str) -> bool {
    PREFIXES.iter().any(|(prefix, length)| {
        word.strip_prefix(prefix).is_some_and(|rest| {
            let is_long_enough = if *prefix == "AKIA" {
                rest.len() == *length
                    && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            } else {
                rest.len() >= *length && rest.contains(|c: char| c.is_ascii_digit())
            };
            is_long_enough && has_different_characters(rest)
        })
    })
}

/// Returns whether a word is a signed JSON Web Token: three parts in Base64, the first two of which are JSON objects.
fn is_json_web_token(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let [header, content, signature] = parts.as_slice() else { return false };
    [header, content].iter().all(|part| part.starts_with("eyJ") && part.len() >= 12)
        && signature.len() >= 20
        && has_different_characters(signature)
}

fn has_different_characters(text: &str) -> bool {
    let mut characters: Vec<char> = text.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    characters.len() >= DIFFERENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_by_their_form() {
        let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
        let access = "AKIAIOSFODNN7EXAMPLE";
        let web =
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
        for found in [token.as_str(), access, web] {
            for text in [found.to_owned(), format!("curl -H 'x: {found}' https://x"), format!("a={found}.")] {
                assert_eq!(tokens(&text), [("the access token", found)], "{text}");
            }
        }
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n";
        assert_eq!(
            tokens(&format!("{key}-----END RSA PRIVATE KEY-----\n")),
            [("the private key", key.trim_end())]
        );
    }

    #[test]
    fn other_values_are_not_tokens() {
        for text in [
            format!("ghp_{}", "x".repeat(36)),
            "ghp_short".to_owned(),
            "hf_hub_download_and_something_much_longer_here".to_owned(),
            "AKIA".to_owned(),
            "-----BEGIN CERTIFICATE-----\nMIIEowIBAAKCAQEAxyz\n-----END CERTIFICATE-----".to_owned(),
            "grep '-----BEGIN PRIVATE KEY-----'".to_owned(),
            "eyJ.eyJ.x".to_owned(),
            "docker-registry.svc.toolforge.org/toolforge-python311-sssd-base@sha256:0123456789abcdef"
                .to_owned(),
            "3f786850e387550fdab836ed7e6dc881de23001b".to_owned(),
        ] {
            assert_eq!(tokens(&text), [], "{text}");
        }
    }
}
