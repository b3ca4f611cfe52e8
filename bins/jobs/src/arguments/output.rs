use clap::ValueEnum;
use toolforge_cli::OutputFormat;

/// How an answer is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum JobsFormat {
    /// For people.
    #[default]
    Table,
    /// For people who have the room.
    Wide,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
    /// Names alone, a line each.
    Name,
    /// As the platform's tool prints a list.
    Normal,
    /// As the platform's tool prints a long list.
    Long,
}

impl JobsFormat {
    /// Returns what a document is printed as, which has one text for people.
    pub(crate) fn of_document(self) -> OutputFormat {
        match self {
            Self::Json => OutputFormat::Json,
            Self::Yaml => OutputFormat::Yaml,
            Self::Table | Self::Wide | Self::Name | Self::Normal | Self::Long => OutputFormat::Table,
        }
    }
}
