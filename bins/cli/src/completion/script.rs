//! The scripts that make a shell call the program.

use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};

/// The variable that makes a program print candidates instead of running. Its value is a shell's name.
pub(super) const VARIABLE: &str = "TOOLFORGE_COMPLETE";

/// A shell that can complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// Bash 4.4 or later.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish.
    Fish,
}

impl Shell {
    /// Every shell.
    pub const ALL: [Self; 3] = [Self::Bash, Self::Zsh, Self::Fish];

    /// Returns the shell's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }

    /// Returns the line that loads a program's completions whenever the shell starts.
    #[must_use]
    pub fn set_up(self, program: &str) -> String {
        match self {
            Self::Bash => format!("echo 'source <({program} generate bash)' >> ~/.bashrc"),
            Self::Zsh => format!("echo 'source <({program} generate zsh)' >> ~/.zshrc"),
            Self::Fish => format!("echo '{program} generate fish | source' >> ~/.config/fish/config.fish"),
        }
    }

    fn registration(self, program: &str) -> String {
        let shell: &dyn EnvCompleter = match self {
            Self::Bash => &Bash,
            Self::Zsh => &Zsh,
            Self::Fish => &Fish,
        };
        let mut script = Vec::new();
        // Writing to a vector cannot fail.
        let _ = shell.write_registration(VARIABLE, program, program, program, &mut script);
        String::from_utf8_lossy(&script).into_owned()
    }
}

/// Returns the script for a program. `word` is the word for it after `toolforge`, if the platform's `toolforge` calls it:
/// `jobs` for `toolforge-jobs`.
#[must_use]
pub fn completion_script(shell: Shell, program: &str, word: Option<&str>) -> String {
    let script = shell.registration(program);
    let Some(word) = word else { return script };
    let dispatch = match shell {
        Shell::Bash => BASH_DISPATCH,
        Shell::Zsh => ZSH_DISPATCH,
        Shell::Fish => FISH_DISPATCH,
    };
    let function = program.replace('-', "_");
    let dispatch =
        dispatch.replace("@PROGRAM", program).replace("@FUNCTION", &function).replace("@WORD", word);
    format!("{script}\n{}", dispatch.trim_start())
}

/// Adds `toolforge WORD` in bash. Other words are left to the previous completion.
const BASH_DISPATCH: &str = r#"
if [[ "$(complete -p toolforge 2> /dev/null)" != *_toolforge_words* ]]; then
    _toolforge_before="$(complete -p toolforge 2> /dev/null | sed -n 's/.* -F \([^ ]*\) .*/\1/p')"
fi
_toolforge_words_@WORD=_clap_complete_@FUNCTION
_toolforge_words() {
    local name="_toolforge_words_${COMP_WORDS[1]//[^a-z]/_}"
    if (( COMP_CWORD > 1 )) && [[ -n "${!name}" ]]; then
        "${!name}" "$@"
    elif [[ -n "$_toolforge_before" ]]; then
        "$_toolforge_before" "$@"
    elif (( COMP_CWORD == 1 )); then
        COMPREPLY=( $(compgen -W "${!_toolforge_words_*}" -- "_toolforge_words_$2") )
        COMPREPLY=( "${COMPREPLY[@]#_toolforge_words_}" )
    fi
}
complete -o bashdefault -F _toolforge_words toolforge
"#;

/// Adds `toolforge WORD` in zsh.
const ZSH_DISPATCH: &str = r#"
if [[ "${_comps[toolforge]}" != _toolforge_words ]]; then
    typeset -g _toolforge_before="${_comps[toolforge]}"
    typeset -gA _toolforge_functions
fi
_toolforge_functions[@WORD]=_clap_dynamic_completer_@FUNCTION
function _toolforge_words() {
    if (( CURRENT > 2 )) && [[ -n "${_toolforge_functions[$words[2]]}" ]]; then
        "${_toolforge_functions[$words[2]]}"
    elif [[ -n "$_toolforge_before" ]]; then
        "$_toolforge_before"
    elif (( CURRENT == 2 )); then
        compadd -- ${(k)_toolforge_functions}
    fi
}
compdef _toolforge_words toolforge
"#;

/// Adds `toolforge WORD` in fish, which combines it with other completions.
const FISH_DISPATCH: &str = r#"
complete --exclusive --command toolforge --condition 'test (count (commandline --current-process --tokenize --cut-at-cursor)) -eq 1' --arguments @WORD
complete --keep-order --exclusive --command toolforge --condition 'set -l words (commandline --current-process --tokenize --cut-at-cursor); test "$words[2]" = @WORD' --arguments "(TOOLFORGE_COMPLETE=fish @PROGRAM -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
"#;
