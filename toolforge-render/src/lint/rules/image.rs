//! Images: registries, states and previous names.

use toolforge_images::{Catalog, ImageType, State};
use toolforge_model::{JobImage, platform, reference_host, reference_path};

use super::super::check::{Check, ContainerList, ContainerPath};
use super::super::edit::like;
use super::super::finding::Fix;
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::scope::Scope;

/// Checks the image of a container.
pub(crate) fn check(
    check: &mut Check<'_>,
    scope: Scope<'_>,
    path: ContainerPath,
    container: &Node,
    node: &Node,
) {
    let Some(reference) = node.string() else { return };
    let is_main = path.list == ContainerList::Main;
    if reference.trim() != reference || reference.contains(char::is_whitespace) {
        let field = scope.pods.field(format_args!("{path}.image"));
        check
            .at(Rule::InvalidValue, node, "the image has spaces")
            .answered(scope.object.invalid(format_args!("{field}: Invalid value: \"{reference}\"")));
        return;
    }
    if !is_allowed(check, reference) {
        // The platform's webhook checks no other containers.
        if is_main {
            let message = format!(
                "images of {} are not allowed; allowed are those of {}",
                host(reference),
                allowed(check).join(", ")
            );
            let webhook = "admission webhook \"registry-admission.tools.wmcloud.org\" denied the request: Only WMCS-approved \
                           docker registry allowed";
            check.at(Rule::ImageNotAllowed, node, message).answered(webhook);
        }
        return;
    }
    check_catalog(check, node, reference);
    let tag = reference_path(reference).rsplit_once(':').map(|(_, tag)| tag);
    let is_latest = !reference.contains('@') && tag.is_none_or(|tag| tag == "latest");
    if let Some(policy) = container.get("imagePullPolicy")
        && policy.text() == Some("IfNotPresent")
        && is_latest
    {
        let message = "the tag is latest, and nodes that have an older image do not look for a new one";
        check.at(Rule::LatestNotPulled, policy, message);
    }
}

fn allowed<'c>(check: &Check<'c>) -> Vec<&'c str> {
    let mut allowed: Vec<&str> = platform::ALLOWED_REGISTRIES.to_vec();
    let own = check.context.platform.build_service_repository.as_str();
    if !allowed.contains(&own) {
        allowed.push(own);
    }
    allowed
}

fn is_allowed(check: &Check<'_>, reference: &str) -> bool {
    let of = |registry: &str| reference.strip_prefix(registry).is_some_and(|rest| rest.starts_with('/'));
    let in_catalog =
        |image_type: &ImageType| image_type.images().any(|image| reference_host(image).is_some_and(of));
    allowed(check).into_iter().any(of) || check.context.catalog.types().any(in_catalog)
}

fn host(reference: &str) -> &str {
    reference_host(reference).unwrap_or("Docker Hub")
}

fn check_catalog(check: &mut Check<'_>, node: &Node, reference: &str) {
    if JobImage::Reference(reference.to_owned()).is_build_service() {
        return;
    }
    let catalog = &check.context.catalog;
    let renamed = catalog.renamed_image(reference);
    let today = renamed.as_deref().unwrap_or(reference);
    let Some((name, state)) = find_or_gone(catalog, today) else {
        let near = catalog
            .job_image(&JobImage::Reference(today.to_owned()), platform::DEFAULT_BUILD_SERVICE_REPOSITORY);
        let message = match near {
            Err(error) => error.to_string(),
            Ok(_) => format!("image \"{reference}\" is not in the catalog"),
        };
        check.at(Rule::UnknownImage, node, message).answered(back_off(reference));
        return;
    };
    let replacement = name.parse().ok().and_then(|name| catalog.replacement(&name));
    let replacement = replacement.map(|found| {
        // A manifest needs the whole reference.
        let reference = found.images().last().map(|image| format!(": {image}")).unwrap_or_default();
        format!("; {} replaces it{reference}", found.name)
    });
    let replacement = replacement.unwrap_or_default();
    match state {
        State::Deprecated => {
            check.at(Rule::DeprecatedImage, node, format!("the image of {name} is deprecated{replacement}"));
        }
        State::Gone => {
            let dated = if check.context.catalog.is_bundled() {
                ", as far as is known without the cluster"
            } else {
                ""
            };
            let message = format!(
                "the image of {name} is gone from the platform{dated}, so pods wait in ImagePullBackOff{replacement}"
            );
            check.at(Rule::ImageGone, node, message).answered(back_off(reference));
        }
        _ => {}
    }
    // Another name of a removed image does not help.
    let Some(renamed) = renamed.filter(|_| state != State::Gone) else { return };
    let message = format!("\"{reference}\" is an old name of {renamed}");
    let fix =
        Fix::replace(format_args!("write {renamed}"), node.span.clone(), like(check.text, node, &renamed));
    check.at(Rule::OldImageName, node, message).fixed(Some(fix));
}

/// Returns a node's message about an image that its registry does not have.
fn back_off(reference: &str) -> String {
    format!("ImagePullBackOff: Back-off pulling image \"{reference}\"")
}

/// Returns the type that has an image, even by an old name of it.
pub(crate) fn type_of_reference(check: &Check<'_>, reference: &str) -> Option<String> {
    let catalog = &check.context.catalog;
    let renamed = catalog.renamed_image(reference);
    find_or_gone(catalog, renamed.as_deref().unwrap_or(reference)).map(|(name, _)| name)
}

/// Returns the name and the state of the type that has an image; one that only the bundled catalog has is gone.
fn find_or_gone(catalog: &Catalog, reference: &str) -> Option<(String, State)> {
    let of_bundled = || find(&Catalog::bundled(), reference).map(|(name, _)| (name, State::Gone));
    match find(catalog, reference) {
        None if !catalog.is_bundled() => of_bundled(),
        found => found,
    }
}

/// Returns the name and the state of the type that has an image, in any of the registries and with any tag.
fn find(catalog: &Catalog, reference: &str) -> Option<(String, State)> {
    let found = catalog.type_of_image(reference)?;
    Some((found.name.as_str().to_owned(), found.state))
}
