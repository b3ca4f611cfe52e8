use clap::ValueEnum;
use toolforge_cli::OutputFormat;

/// An output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum JobsFormat {
    /// Text for people.
    #[default]
    Table,
    /// Table with more columns.
    Wide,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
    /// Names only, one per line.
    Name,
    /// The list of the platform's tool.
    Normal,
    /// The long list of the platform's tool.
    Long,
}

impl JobsFormat {
    /// Returns the format for a document with one text for people.
    pub(crate) fn of_document(self) -> OutputFormat {
        match self {
            Self::Json => OutputFormat::Json,
            Self::Yaml => OutputFormat::Yaml,
            Self::Table | Self::Wide | Self::Name | Self::Normal | Self::Long => OutputFormat::Table,
        }
    }
}
