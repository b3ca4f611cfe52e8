use clap::ValueEnum;
use toolforge_cli::{LintFormat, OutputFormat};

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
    /// The list format of the platform's tool.
    Normal,
    /// The long list format of the platform's tool.
    Long,
    /// One SARIF 2.1.0 document, for code review tools; for `lint` only.
    Sarif,
}

impl JobsFormat {
    /// Returns the format for a document with one text for people.
    pub(crate) fn of_document(self) -> OutputFormat {
        match self {
            Self::Json => OutputFormat::Json,
            Self::Yaml => OutputFormat::Yaml,
            Self::Table | Self::Wide | Self::Name | Self::Normal | Self::Long | Self::Sarif => {
                OutputFormat::Table
            }
        }
    }

    /// Returns the format as it is written.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Wide => "wide",
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Name => "name",
            Self::Normal => "normal",
            Self::Long => "long",
            Self::Sarif => "sarif",
        }
    }

    /// Returns the format of findings.
    pub(crate) fn of_findings(self) -> LintFormat {
        match self {
            Self::Json => LintFormat::Json,
            Self::Yaml => LintFormat::Yaml,
            Self::Sarif => LintFormat::Sarif,
            Self::Table | Self::Wide | Self::Name | Self::Normal | Self::Long => LintFormat::Table,
        }
    }
}
