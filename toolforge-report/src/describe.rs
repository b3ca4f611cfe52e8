//! Macros that define the types of documents together with the description for the reference page.

/// The description of a type: its own documentation and its fields or codes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Description {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static [&'static str],
    pub(crate) content: Content,
}

/// What a type consists of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content {
    Fields(&'static [Field]),
    Codes(&'static [Code]),
}

/// A field of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// The name in Rust; in JSON it is in camel case.
    pub(crate) name: &'static str,
    /// The type in Rust.
    pub(crate) type_name: &'static str,
    pub(crate) doc: &'static [&'static str],
}

/// One value of an enumeration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code {
    pub(crate) code: &'static str,
    pub(crate) doc: &'static [&'static str],
}

/// Defines structs whose fields are written in camel case; `null` stands for `None`.
macro_rules! structs {
    ($($(#[doc = $doc:literal])+ pub struct $name:ident {
        $($(#[doc = $field_doc:literal])+ pub $field:ident: $type:ty,)*
    })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $($(#[doc = $field_doc])+ pub $field: $type,)*
        }

        impl $name {
            pub(crate) const DESCRIPTION: crate::describe::Description = crate::describe::Description {
                name: stringify!($name),
                doc: &[$($doc),+],
                content: crate::describe::Content::Fields(&[$(crate::describe::Field {
                    name: stringify!($field),
                    type_name: stringify!($type),
                    doc: &[$($field_doc),+],
                }),*]),
            };
        }
    )+};
}

/// Defines an enumeration that is written as a kebab-case code, with `Other` for codes of newer versions.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ pub enum $name:ident {
        $($(#[doc = $code_doc:literal])+ $variant:ident = $code:literal,)*
    })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[doc = $code_doc])+ $variant,)*
            /// A code that this version does not know.
            Other,
        }

        impl $name {
            /// Returns the code.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                    Self::Other => "other",
                }
            }

            /// Returns the value of a code, or `Other` if it is unknown.
            #[must_use]
            pub fn from_code(code: &str) -> Self {
                match code {
                    $($code => Self::$variant,)*
                    _ => Self::Other,
                }
            }

            pub(crate) const DESCRIPTION: crate::describe::Description = crate::describe::Description {
                name: stringify!($name),
                doc: &[$($doc),+],
                content: crate::describe::Content::Codes(&[$(crate::describe::Code {
                    code: $code,
                    doc: &[$($code_doc),+],
                }),*]),
            };
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let code = <String as serde::Deserialize>::deserialize(deserializer)?;
                Ok(Self::from_code(&code))
            }
        }
    )+};
}

pub(crate) use {codes, structs};
