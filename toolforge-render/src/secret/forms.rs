//! How secrets are written: in variables, arguments, lines of files and URLs.

use toolforge_model::split_words;

/// Parts of the names of secrets.
const SECRETS: [&str; 10] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "APIKEY",
    "API_KEY",
    "PRIVATE_KEY",
    "ACCESS_KEY",
    "CREDENTIAL",
];

/// Endings of the names of secrets.
const SECRET_ENDS: [&str; 5] = ["PASS", "_PWD", "_PW", "_PSW", "AUTHORIZATION"];

/// Endings of names that are not secrets, although they end like these.
const OTHER_ENDS: [&str; 9] = [
    "BYPASS",
    "COMPASS",
    "SURPASS",
    "TRESPASS",
    "OLD_PWD",
    "FIRST_PASS",
    "ONE_PASS",
    "TWO_PASS",
    "MULTI_PASS",
];

/// Endings of names that are not secrets themselves.
const NOT_SECRET: [&str; 16] = [
    "_FILE", "_PATH", "_URL", "_URI", "_NAME", "_DIR", "_USER", "_ID", "_TTL", "_LENGTH", "_TYPE",
    "_TIMEOUT", "_SECONDS", "_HOST", "_HEADER", "TOKENS",
];

/// Beginnings of names that say whether there is a secret.
const ABOUT_SECRETS: [&str; 7] = ["NO_", "USE_", "ASK_", "PROMPT_", "REQUIRE_", "ENABLE_", "SKIP_"];

/// What is written in place of a secret.
const PLACEHOLDERS: [&str; 24] = [
    "changeme",
    "disabled",
    "empty",
    "enabled",
    "example",
    "false",
    "hidden",
    "insertpassword",
    "none",
    "null",
    "optional",
    "pass",
    "passwd",
    "password",
    "placeholder",
    "redacted",
    "removed",
    "replaceme",
    "required",
    "secret",
    "todo",
    "token",
    "true",
    "undefined",
];

/// The programs whose option `-p` has the password attached.
const PASSWORD_PROGRAMS: [&str; 9] = [
    "mariadb",
    "mariadb-admin",
    "mariadb-dump",
    "mysql",
    "mysqladmin",
    "mysqlcheck",
    "mysqldump",
    "mysqlimport",
    "sshpass",
];

/// The minimum number of characters of a secret.
pub(crate) const SHORTEST: usize = 4;

/// Returns whether a variable, an option or a key is a secret that is written out.
pub(crate) fn is_secret(name: &str, value: &str) -> bool {
    is_secret_name(name) && is_written_out(value)
}

pub(crate) fn is_secret_name(name: &str) -> bool {
    // It may be misspelled.
    let name = upper_snake_case(name.trim_matches(|c: char| !c.is_alphanumeric()));
    (SECRETS.iter().any(|word| name.contains(word)) || has_secret_end(&name))
        && !NOT_SECRET.iter().any(|end| name.ends_with(end))
        && !ABOUT_SECRETS.iter().any(|start| name.starts_with(start))
}

fn has_secret_end(name: &str) -> bool {
    SECRET_ENDS.iter().any(|end| name.ends_with(end)) && !OTHER_ENDS.iter().any(|end| name.ends_with(end))
}

/// Returns a name in the form of a variable's: `botToken` and `bot-token` as `BOT_TOKEN`.
fn upper_snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut was_lower = false;
    for c in name.chars() {
        if c.is_uppercase() && was_lower {
            out.push('_');
        }
        was_lower = c.is_lowercase();
        match c {
            '-' | '.' => out.push('_'),
            c => out.extend(c.to_uppercase()),
        }
    }
    out
}

/// Returns whether a value is itself the secret: not a path, another variable, the output of a command, or a placeholder.
pub(crate) fn is_written_out(value: &str) -> bool {
    value.chars().count() >= SHORTEST
        && !value.starts_with(['/', '$', '~', '.', '`', '<', '{', '['])
        && !["%s", "%(", "%{"].iter().any(|start| value.starts_with(start))
        && !is_placeholder(value)
}

fn is_placeholder(value: &str) -> bool {
    let mut characters = value.chars();
    let first = characters.next();
    // As in `****` and `xxxxxxxx`.
    if characters.all(|c| Some(c) == first) {
        return true;
    }
    let letters: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
    let letters = letters.to_ascii_lowercase();
    PLACEHOLDERS.contains(&letters.as_str())
        || letters.starts_with("your")
        || letters.contains("changeme")
        || letters.contains("placeholder")
}

/// Returns the passwords of the URLs in a text: `SCHEME://USER:PASSWORD@HOST`.
pub(crate) fn passwords_of_urls(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("://").filter_map(|(index, separator)| {
        let rest = text.get(index + separator.len()..)?;
        let is_end = |c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '<' | '>' | ',');
        let authority = rest.split(is_end).next()?;
        let (user_and_password, _) = authority.rsplit_once('@')?;
        let (_, password) = user_and_password.split_once(':')?;
        is_written_out(password).then_some(password)
    })
}

/// A secret in a text, with the option or key that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// The option or the key; empty for a URL.
    pub(crate) name: String,
    /// The secret.
    pub(crate) secret: String,
}

impl Written {
    fn new(name: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { name: name.into(), secret: secret.into() }
    }
}

/// Returns the secrets in the arguments of a command, with the index of the argument that has each.
pub(crate) fn of_arguments(words: &[&str]) -> Vec<(usize, Written)> {
    let mut found = of_words(words);
    for (index, word) in words.iter().enumerate() {
        // A script of a shell, or one argument with spaces.
        if word.contains(char::is_whitespace) && !found.iter().any(|(other, _)| *other == index) {
            found.extend(of_command_line(word).into_iter().map(|written| (index, written)));
        }
        found.extend(passwords_of_urls(word).map(|secret| (index, Written::new("", secret))));
    }
    found
}

/// Returns the secrets in a command line.
pub(crate) fn of_command_line(line: &str) -> Vec<Written> {
    let words = split_words(line).unwrap_or_else(|_| line.split_whitespace().map(str::to_owned).collect());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    of_words(&words).into_iter().map(|(_, written)| written).collect()
}

fn of_words(words: &[&str]) -> Vec<(usize, Written)> {
    let mut found = Vec::new();
    let mut program = "";
    for (index, word) in words.iter().enumerate() {
        let ends_command = |word: &&str| word.ends_with(';') || matches!(*word, "&&" | "||" | "|");
        if index.checked_sub(1).and_then(|before| words.get(before)).is_some_and(ends_command) {
            program = "";
        }
        let name = word.rsplit('/').next().unwrap_or_default();
        if PASSWORD_PROGRAMS.contains(&name) || name == "curl" {
            program = name;
            continue;
        }
        let next = words.get(index + 1).copied().filter(|next| !next.starts_with('-'));
        if let Some(written) = of_header(word) {
            found.push((index, written));
            continue;
        }
        // The rest is another program.
        if program == "sshpass" && !word.starts_with('-') {
            program = "";
        }
        let attached = word.strip_prefix("-u").or_else(|| word.strip_prefix("--user="));
        if let Some((_, password)) =
            attached.filter(|_| program == "curl").and_then(|user| user.split_once(':'))
        {
            found.extend(is_written_out(password).then(|| (index, Written::new("-u", password))));
            continue;
        }
        match word.split_once('=') {
            Some((name, value)) => {
                let option = name.trim_start_matches('-');
                if is_identifier(option) && is_secret(option, value) {
                    found.push((index, Written::new(name, value)));
                }
            }
            None if word.starts_with('-') && is_secret_option(word) => {
                let value = next.filter(|value| is_written_out(value));
                found.extend(value.map(|value| (index + 1, Written::new(*word, value))));
            }
            None if *word == "-p" && program == "sshpass" => {
                let value = next.filter(|value| is_written_out(value));
                found.extend(value.map(|value| (index + 1, Written::new("-p", value))));
                program = "";
            }
            None if matches!(*word, "-u" | "--user") && program == "curl" => {
                let value = next.and_then(|user| user.split_once(':')).map(|(_, password)| password);
                let value = value.filter(|value| is_written_out(value));
                found.extend(value.map(|value| (index + 1, Written::new(*word, value))));
            }
            None if !program.is_empty() && program != "curl" => {
                let value = word.strip_prefix("-p").filter(|value| is_written_out(value));
                found.extend(value.map(|value| (index, Written::new("-p", value))));
            }
            None => {}
        }
    }
    found
}

/// Returns the secret in a header of HTTP: `Authorization: Bearer …`, `-HX-Api-Key: …`.
fn of_header(word: &str) -> Option<Written> {
    let header = word.strip_prefix("-H").or_else(|| word.strip_prefix("--header=")).unwrap_or(word);
    let (name, value) = header.split_once(':')?;
    let (name, value) = (name.trim(), value.trim());
    if !is_identifier(name) || !is_secret_name(name) {
        return None;
    }
    let scheme = ["bearer ", "basic ", "token ", "bot ", "oauth "]
        .into_iter()
        .find(|scheme| value.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let value = value.get(scheme.map_or(0, str::len)..)?.trim();
    is_written_out(value).then(|| Written::new(name, value))
}

/// Returns whether the value of an option that is the next argument is a secret: its name ends like that of a secret.
fn is_secret_option(option: &str) -> bool {
    let name = upper_snake_case(option.trim_start_matches('-'));
    is_secret_name(&name) && (SECRETS.iter().any(|word| name.ends_with(word)) || has_secret_end(&name))
}

pub(crate) fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// Returns the words that follow names of secrets anywhere in a text: `… password = WORD …`.
pub(crate) fn assigned(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (index, mark) in text.match_indices([':', '=']) {
        let before = text.get(..index).unwrap_or_default().trim_end();
        let name =
            before.rsplit(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.')).next();
        if name.is_some_and(|name| !name.is_empty() && is_secret_name(name)) {
            let rest = text.get(index + mark.len()..).unwrap_or_default();
            let word = rest.split_whitespace().next().unwrap_or_default();
            let word = word.trim_matches(|c| matches!(c, '"' | '\'' | ',' | ';' | '}'));
            found.extend(is_written_out(word).then(|| word.to_owned()));
        }
    }
    found
}

/// Returns the secrets in the lines of a configuration file: `password = "…"`, `API_TOKEN=…`, `password: …`.
pub(crate) fn of_lines(text: &str) -> Vec<Written> {
    text.lines().filter_map(of_line).collect()
}

fn of_line(line: &str) -> Option<Written> {
    let line = line.trim().trim_start_matches("- ").trim_start_matches("export ");
    let (name, value) = line.split_at(line.find([':', '='])?);
    let name = name.trim().trim_matches(['"', '\'']);
    let value = value.get(1..)?;
    let is_attached = !value.starts_with(char::is_whitespace);
    let is_mapping = line.contains(": ");
    let value = value.trim().trim_end_matches([',', ';']);
    if !is_identifier(name) || !is_secret_name(name) {
        return None;
    }
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            let inner = rest.split(quote).next()?;
            return is_written_out(inner).then(|| Written::new(name, inner));
        }
    }
    let value = value.split(" #").next().unwrap_or_default().trim_end();
    // An expression of a program is not a secret: `token = other`, `token = read(file)`.
    let is_word =
        !value.contains(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '{' | '}'));
    let is_literal = is_attached || is_mapping || value.contains(|c: char| c.is_ascii_digit());
    (is_word && is_literal && is_written_out(value)).then(|| Written::new(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_from_settings() {
        for (name, value, expected) in [
            ("DB_PASSWORD", "hunter2", true),
            ("botToken", "abcd", true),
            ("bot.api-key", "a1b2c3", true),
            ("PASSWORD_FILE", "/data/project/x/pw", false),
            ("PASSWORD", "/data/project/x/pw", false),
            ("PASSWORD", "$(OTHER)", false),
            ("PASSWORD", "${OTHER}", false),
            ("PASSWORD", "`cat pw`", false),
            ("PASSWORD", "", false),
            ("PASSWORD", "changeme", false),
            ("PASSWORD", "CHANGE_ME", false),
            ("PASSWORD", "<password>", false),
            ("PASSWORD", "{{ password }}", false),
            ("PASSWORD", "********", false),
            ("PASSWORD", "your-password-here", false),
            ("USE_PASSWORD", "always", false),
            ("MAX_TOKENS", "4096", false),
            ("tokenUrl", "https://example.org", false),
            ("HOME", "hunter2", false),
            ("DB_PASS", "hunter2", true),
            ("dbpass", "hunter2", true),
            ("MYSQL_PWD", "hunter2", true),
            ("PWD", "hunter2", false),
            ("OLDPWD", "hunter2", false),
            ("BYPASS", "hunter2", false),
        ] {
            assert_eq!(is_secret(name, value), expected, "{name}={value}");
        }
    }

    fn shown(found: &[Written]) -> String {
        found.iter().map(|found| format!("{}:{}", found.name, found.secret)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn secrets_in_command_lines_are_found() {
        for (line, expected) in [
            ("./bot.py --password=hunter2", "--password:hunter2"),
            ("./bot.py --password hunter2 --all", "--password:hunter2"),
            ("./bot.py --api-key 'hunter 2'", "--api-key:hunter 2"),
            ("env BOT_TOKEN=hunter2 ./bot.py", "BOT_TOKEN:hunter2"),
            ("mysql -u me -phunter2 db", "-p:hunter2"),
            ("cd x && /usr/bin/mysqldump -phunter2", "-p:hunter2"),
            ("curl -s -u me:hunter2 https://example.org", "-u:hunter2"),
            ("./bot.py --password=$PASSWORD --token $(cat token) --secret \"${A}\"", ""),
            ("./bot.py --password-file=hunter2 --no-password hunter2 --token-type bearer", ""),
            ("./bot.py --password --all", ""),
            ("ssh -phunter2 host; grep -pattern x", ""),
            ("mysql x | grep -pattern", ""),
            ("mysql -p db", ""),
            ("./bot.py --pass=hunter2", "--pass:hunter2"),
            ("MYSQL_PWD=hunter2 mysql", "MYSQL_PWD:hunter2"),
            ("sshpass -p hunter2 ssh -p 2222 host", "-p:hunter2"),
            ("sshpass -phunter2 ssh -p2222 host", "-p:hunter2"),
            ("curl -H \"Authorization: Bearer hunter2\" https://x", "Authorization:hunter2"),
            ("curl '-HX-Api-Key: hunter2' https://x", "X-Api-Key:hunter2"),
            ("curl -H \"Authorization: Bearer $TOKEN\" -H 'Accept: text/html'", ""),
            ("curl -ume:hunter2 --user=me:hunter3 x", "-u:hunter2 -u:hunter3"),
            ("tar -u a:hunter2; ls -ua:hunter2", ""),
        ] {
            assert_eq!(shown(&of_command_line(line)), expected, "{line}");
        }
    }

    #[test]
    fn passwords_of_urls_are_found() {
        let found = |text: &str| passwords_of_urls(text).collect::<Vec<_>>().join(" ");
        assert_eq!(found("mysql://me:hunter2@db:3306/x and https://a:b2c3@c"), "hunter2 b2c3");
        for text in [
            "https://example.org/a:b@c",
            "https://me@example.org",
            "mysql://me:$PASSWORD@db",
            "mysql://me:<password>@db",
            "mysql://user:password@host",
            "a:b2c3@d",
        ] {
            assert_eq!(found(text), "", "{text}");
        }
    }

    #[test]
    fn secrets_in_configuration_files_are_found() {
        let text = "[client]\npassword = hunter2\nuser = me\n\"apiKey\": \"hunter 2\",\n- token: correct\nexport BOT_TOKEN=abcd\n\
                    password = get_password()\ntoken = other\ntoken = os.environ['TOKEN']\npassword: $PASSWORD\n# password: see wiki\n";
        assert_eq!(shown(&of_lines(text)), "password:hunter2 apiKey:hunter 2 token:correct BOT_TOKEN:abcd");
    }
}
