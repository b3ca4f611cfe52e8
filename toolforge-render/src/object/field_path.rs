//! The path of a field in a Kubernetes object.

use std::fmt::{self, Write as _};

use serde_json::Value;
use toolforge_model::platform;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathSegment {
    /// A field, or a key of a map.
    Field(String),
    /// An item of a list.
    Item {
        /// Its index in the wanted object, from 0.
        index: usize,
        /// Its `name`, by which Kubernetes merges lists of named items.
        name: Option<String>,
    },
}

/// The path of a field in a Kubernetes object.
///
/// Its `Display` is the form of Kubernetes' own messages, `spec.template.spec.containers[webservice].image`;
/// [`FieldPath::pointer`] is for programs.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(Vec<PathSegment>);

impl FieldPath {
    /// Returns the path of nested fields.
    #[must_use]
    pub fn of(fields: &[&str]) -> Self {
        Self(fields.iter().map(|&field| PathSegment::Field(field.to_owned())).collect())
    }

    /// Returns the path of a field below this one.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        self.with(PathSegment::Field(name.to_owned()))
    }

    /// Returns the path of a list's item below this one.
    #[must_use]
    pub fn item(&self, index: usize, name: Option<&str>) -> Self {
        self.with(PathSegment::Item { index, name: name.map(str::to_owned) })
    }

    fn with(&self, segment: PathSegment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    /// Returns the steps of the path.
    #[must_use]
    pub fn segments(&self) -> &[PathSegment] {
        &self.0
    }

    /// Returns the name of the value at the path: the last field, or the variable whose value it is.
    pub(crate) fn value_name(&self) -> &str {
        match self.0.as_slice() {
            [.., PathSegment::Item { name: Some(name), .. }, PathSegment::Field(field)]
                if field == "value" =>
            {
                name
            }
            [.., PathSegment::Field(field)] => field,
            _ => "",
        }
    }

    /// Returns the path as a JSON Pointer (RFC 6901).
    #[must_use]
    pub fn pointer(&self) -> String {
        let mut pointer = String::new();
        for segment in &self.0 {
            // Writing to a String cannot fail.
            let _ = match segment {
                PathSegment::Field(name) => {
                    write!(pointer, "/{}", name.replace('~', "~0").replace('/', "~1"))
                }
                PathSegment::Item { index, name: _ } => write!(pointer, "/{index}"),
            };
        }
        pointer
    }

    /// Returns the path without the names of its items, which then have only their index.
    pub(crate) fn without_names(&self) -> Self {
        let without_name = |segment: &PathSegment| match segment {
            PathSegment::Item { index, name: _ } => PathSegment::Item { index: *index, name: None },
            PathSegment::Field(_) => segment.clone(),
        };
        Self(self.0.iter().map(without_name).collect())
    }

    /// Returns whether the path is another one or lies below it.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Returns the path of the value that has the field or item; `None` for the whole object.
    pub(crate) fn parent(&self) -> Option<Self> {
        let (_, parents) = self.0.split_last()?;
        Some(Self(parents.to_vec()))
    }

    /// Returns the value at the path in an object.
    pub(crate) fn value<'v>(&self, object: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(object, |value, segment| match segment {
            PathSegment::Field(name) => value.get(name),
            PathSegment::Item { index, name: _ } => value.get(*index),
        })
    }

    /// Returns whether the path lies below the fields.
    fn starts_with(&self, fields: &[&str]) -> bool {
        self.0.len() >= fields.len()
            && self.0.iter().zip(fields).all(|(segment, field)| segment.is_field(field))
    }

    /// Returns whether a change of the field replaces the pods of a Deployment.
    pub(crate) fn is_in_pod_template(&self) -> bool {
        self.starts_with(&["spec", "template"])
    }

    /// Returns whether the field is part of the spec.
    pub(crate) fn is_in_spec(&self) -> bool {
        self.starts_with(&["spec"])
    }

    /// Returns whether the field belongs to the selector of a workload's pods.
    pub(crate) fn is_selector(&self) -> bool {
        self.starts_with(&["spec", "selector"])
    }

    /// Returns whether the field belongs to the rollout strategy of a Deployment.
    pub(crate) fn is_rollout_strategy(&self) -> bool {
        self.starts_with(&["spec", "strategy"])
    }

    /// Returns whether the field is one of the object's own annotations.
    pub(crate) fn is_annotation(&self) -> bool {
        self.starts_with(&["metadata", "annotations"])
    }

    /// Returns whether the field only records details of the request, so a change of it is not shown.
    pub(crate) fn is_bookkeeping(&self) -> bool {
        match self.0.as_slice() {
            [_, _, PathSegment::Field(key)] if self.is_annotation() => {
                platform::BOOKKEEPING_ANNOTATIONS.contains(&key.as_str())
            }
            _ => false,
        }
    }

    /// Returns the field of a container that the path leads to: `readinessProbe`.
    pub(crate) fn container_field(&self) -> Option<&str> {
        let mut segments = self.0.iter().skip_while(|segment| !segment.is_field("containers")).skip(1);
        match (segments.next()?, segments.next()?) {
            (PathSegment::Item { .. }, PathSegment::Field(field)) => Some(field),
            (PathSegment::Item { .. } | PathSegment::Field(_), _) => None,
        }
    }

    /// Returns the resource if the path is that of a limit or a request: `memory`.
    pub(crate) fn resource(&self) -> Option<&str> {
        match self.0.as_slice() {
            [.., resources, bound, PathSegment::Field(resource)]
                if resources.is_field("resources")
                    && (bound.is_field("limits") || bound.is_field("requests")) =>
            {
                Some(resource)
            }
            _ => None,
        }
    }
}

impl PathSegment {
    fn is_field(&self, name: &str) -> bool {
        matches!(self, Self::Field(field) if field == name)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            match segment {
                // A key with a dot or a slash is that of a label or an annotation.
                PathSegment::Field(name) if name.contains(['.', '/']) => write!(f, "[{name}]")?,
                PathSegment::Field(name) if index == 0 => f.write_str(name)?,
                PathSegment::Field(name) => write!(f, ".{name}")?,
                PathSegment::Item { index: _, name: Some(name) } => write!(f, "[{name}]")?,
                PathSegment::Item { index, name: None } => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container() -> FieldPath {
        FieldPath::of(&["spec", "template", "spec", "containers"]).item(0, Some("webservice"))
    }

    #[test]
    fn pointers_escape_slashes_in_keys() {
        let annotation = FieldPath::of(&["metadata", "annotations", "cli.toolforge.org/a~b"]);
        assert_eq!(annotation.pointer(), "/metadata/annotations/cli.toolforge.org~1a~0b");
        assert_eq!(annotation.to_string(), "metadata.annotations[cli.toolforge.org/a~b]");
        let image = container().field("image");
        assert_eq!(image.pointer(), "/spec/template/spec/containers/0/image");
        assert_eq!(image.to_string(), "spec.template.spec.containers[webservice].image");
    }

    #[test]
    fn fields_of_the_pod_template_replace_pods() {
        for (path, expected) in [
            (container().field("image"), true),
            (FieldPath::of(&["spec", "template"]), true),
            (FieldPath::of(&["spec", "replicas"]), false),
            (FieldPath::of(&["spec", "templates"]), false),
            (FieldPath::of(&["metadata", "annotations", "spec.template"]), false),
        ] {
            assert_eq!(path.is_in_pod_template(), expected, "{path}");
        }
    }

    #[test]
    fn only_our_annotations_are_bookkeeping() {
        for (key, expected) in [
            (platform::ANNOTATION_TYPE, true),
            (platform::ANNOTATION_FILE, true),
            ("cli.toolforge.org/of-others", false),
            (platform::ANNOTATION_STARTED_AT, false),
        ] {
            let path = FieldPath::of(&["metadata", "annotations", key]);
            assert_eq!(path.is_bookkeeping(), expected, "{key}");
            let in_template = FieldPath::of(&["spec", "template", "metadata", "annotations", key]);
            assert!(!in_template.is_bookkeeping(), "{key}");
        }
    }

    #[test]
    fn resource_is_found_in_limits_and_requests() {
        let limits = container().field("resources").field("limits");
        assert_eq!(limits.field("memory").resource(), Some("memory"));
        assert_eq!(limits.resource(), None);
        assert_eq!(container().field("env").field("cpu").resource(), None);
        assert_eq!(limits.field("memory").container_field(), Some("resources"));
    }
}
