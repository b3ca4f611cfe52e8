use crate::suggest;

/// A word that stands for a cron expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Macro {
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

impl Macro {
    const ALL: &'static [Self] = &[Self::Hourly, Self::Daily, Self::Weekly, Self::Monthly, Self::Yearly];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Hourly => "@hourly",
            Self::Daily => "@daily",
            Self::Weekly => "@weekly",
            Self::Monthly => "@monthly",
            Self::Yearly => "@yearly",
        }
    }

    pub(super) fn exact(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|name| name.as_str() == text)
    }

    /// Returns the names of all macros.
    pub(super) fn list() -> String {
        Self::names().collect::<Vec<_>>().join(", ")
    }

    /// Returns the macro that a mistyped text most likely stands for.
    pub(super) fn suggest(text: &str) -> Option<&'static str> {
        let text = text.trim().to_lowercase();
        match text.as_str() {
            "@midnight" => Some(Self::Daily.as_str()),
            "@annually" => Some(Self::Yearly.as_str()),
            // The word without its `@`; anything else is probably meant as fields.
            word if !word.starts_with('@') => Self::names().find(|name| name[1..] == *word),
            word => suggest(word, Self::names()),
        }
    }

    fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().map(|name| name.as_str())
    }
}
