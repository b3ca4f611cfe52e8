//! The labels of a web service's objects.

use toolforge_model::{WebServiceRequest, platform};

use crate::object::Labels;

/// Returns the four labels that every object of a web service carries (webservice 0.98).
pub(crate) fn labels(request: &WebServiceRequest) -> Labels {
    [
        (platform::LABEL_COMPONENT, platform::COMPONENT_WEB),
        (platform::LABEL_MANAGED_BY, platform::MANAGED_BY_WEBSERVICE),
        (platform::LABEL_TOOLFORGE, platform::TOOLFORGE_TOOL),
        (platform::LABEL_NAME, request.tool.as_str()),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}
