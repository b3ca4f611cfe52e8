//! What the rules have in common: the text, what is known, and the findings.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use toolforge_model::{Location, ToolName, Untrusted};
use toolforge_quota::ObjectName;

use super::context::LintContext;
use super::finding::{Finding, Fix};
use super::rule::Rule;
use super::syntax::Node;
use crate::object::{KnownKind, count_name};

/// Collects the findings of a text.
pub(crate) struct Check<'c> {
    /// The text.
    pub(crate) text: &'c str,
    /// What is known.
    pub(crate) context: &'c LintContext,
    /// What was found.
    pub(crate) findings: Vec<Finding>,
    /// The object that is checked, like `CronJob list-images`.
    pub(crate) object: Option<ObjectName>,
}

impl<'c> Check<'c> {
    pub(crate) fn new(text: &'c str, context: &'c LintContext) -> Self {
        Self { text, context, findings: Vec::new(), object: None }
    }

    /// Adds a finding about a value.
    pub(crate) fn at(&mut self, rule: Rule, node: &Node, message: impl fmt::Display) -> Note<'_> {
        self.add(rule, node.location, node.span.clone(), message)
    }

    /// Adds a finding about some bytes.
    pub(crate) fn add(
        &mut self,
        rule: Rule,
        location: Location,
        span: Range<usize>,
        message: impl fmt::Display,
    ) -> Note<'_> {
        let depends_on_limits = matches!(rule, Rule::QuotaExceeded | Rule::OutsideLimits);
        self.findings.push(Finding {
            rule,
            message: Untrusted::new(message.to_string()),
            answer: None,
            object: self.object.clone(),
            location,
            span,
            fix: None,
            is_assumed: depends_on_limits && self.context.assumes_limits,
        });
        Note(self.findings.last_mut())
    }
}

/// A finding that was just added.
pub(crate) struct Note<'f>(Option<&'f mut Finding>);

impl Note<'_> {
    /// Sets what the API server would answer.
    pub(crate) fn answered(mut self, answer: impl fmt::Display) -> Self {
        if let Some(finding) = &mut self.0 {
            finding.answer = Some(Untrusted::new(answer.to_string()));
        }
        self
    }

    /// Marks it as dependent on something that is not known here, so it is at most a warning.
    pub(crate) fn assumed(mut self) -> Self {
        if let Some(finding) = &mut self.0 {
            finding.is_assumed = true;
        }
        self
    }

    /// Marks it as independent of anything that is only assumed.
    pub(crate) fn certain(mut self) -> Self {
        if let Some(finding) = &mut self.0 {
            finding.is_assumed = false;
        }
        self
    }

    /// Sets its fix.
    pub(crate) fn fixed(mut self, fix: Option<Fix>) -> Self {
        if let Some(finding) = &mut self.0 {
            finding.fix = fix;
        }
        self
    }
}

/// An object of a known kind.
#[derive(Clone, Copy)]
pub(crate) struct Object<'n> {
    /// The whole object.
    pub(crate) node: &'n Node,
    /// Its kind.
    pub(crate) kind: &'static KnownKind,
}

impl<'n> Object<'n> {
    /// Returns the node of its name.
    pub(crate) fn name_node(&self) -> Option<&'n Node> {
        self.node.at(&["metadata", "name"])
    }

    /// Returns its name; empty if it has none.
    pub(crate) fn name(&self) -> &'n str {
        self.name_node().and_then(Node::text).unwrap_or_default()
    }

    /// Returns the names of the claims that each pod gets its own copy of, as volumes: those of a StatefulSet.
    pub(crate) fn claim_templates(&self) -> HashSet<&'n str> {
        let templates =
            self.node.at(&["spec", "volumeClaimTemplates"]).filter(|_| self.kind.name == "StatefulSet");
        let templates = templates.map(Node::items).unwrap_or_default().iter();
        templates.filter_map(|template| template.at(&["metadata", "name"])?.string()).collect()
    }

    /// Returns the value that represents the whole object: its kind.
    pub(crate) fn head(&self) -> &'n Node {
        self.node.get("kind").unwrap_or(self.node)
    }

    /// Returns its spec.
    pub(crate) fn spec(&self) -> Option<&'n Node> {
        self.node.get("spec")
    }

    /// Returns the kind with the group, as the API server names it in errors: `Deployment.apps`.
    pub(crate) fn kind_and_group(&self) -> String {
        count_name(self.kind.name, self.kind.group())
    }

    /// Returns how the API server begins to refuse an invalid object.
    pub(crate) fn invalid(&self, rest: impl fmt::Display) -> String {
        format!("The {} \"{}\" is invalid: {rest}", self.kind_and_group(), self.name())
    }

    /// Returns the tool that the object belongs to.
    pub(crate) fn tool(&self, context: &LintContext) -> Option<ToolName> {
        if let Some(tool) = &context.tool {
            return Some(tool.clone());
        }
        let namespace = self.node.at(&["metadata", "namespace"])?.text()?;
        ToolName::from_namespace(namespace)
    }

    /// Returns its pods.
    pub(crate) fn pods(&self) -> Option<Pods<'n>> {
        let path = self.kind.template?;
        let template = self.node.at(path)?;
        Some(Pods { template, spec: template.get("spec"), path })
    }
}

/// The pods of an object: a pod template, or a pod itself.
#[derive(Clone, Copy)]
pub(crate) struct Pods<'n> {
    /// The node with `metadata` and `spec`.
    pub(crate) template: &'n Node,
    /// The spec of the pods.
    pub(crate) spec: Option<&'n Node>,
    /// Where the template is.
    pub(crate) path: &'static [&'static str],
}

impl<'n> Pods<'n> {
    /// Returns the labels of the pods.
    pub(crate) fn labels(&self) -> Option<&'n Node> {
        self.template.at(&["metadata", "labels"])
    }

    /// Returns the value of a label.
    pub(crate) fn label(&self, key: &str) -> Option<&'n str> {
        self.labels()?.get(key)?.text()
    }

    /// Returns the path of a field of the pods' spec, as the API server writes it.
    pub(crate) fn field(&self, field: impl fmt::Display) -> String {
        let prefix: String = self.path.iter().map(|key| format!("{key}.")).collect();
        format!("{prefix}spec.{field}")
    }

    /// Returns all containers with their paths in the spec; those that run before the others first.
    pub(crate) fn containers(&self) -> impl Iterator<Item = (ContainerPath, &'n Node)> {
        let spec = self.spec;
        [ContainerList::Init, ContainerList::Main].into_iter().flat_map(move |list| {
            let items = spec.and_then(|spec| spec.get(list.as_str())).map(Node::items).unwrap_or_default();
            items.iter().enumerate().map(move |(index, node)| (ContainerPath { list, index }, node))
        })
    }
}

/// The list of a pod's spec that has a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContainerList {
    /// `initContainers`
    Init,
    /// `containers`
    Main,
}

impl ContainerList {
    fn as_str(self) -> &'static str {
        match self {
            Self::Init => "initContainers",
            Self::Main => "containers",
        }
    }
}

/// The path of a container in a pod's spec: `containers[0]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContainerPath {
    pub(crate) list: ContainerList,
    index: usize,
}

impl fmt::Display for ContainerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.list.as_str(), self.index)
    }
}
