//! The name of a request in errors.

use http::Request;
use http::uri::PathAndQuery;
use toolforge_model::Untrusted;

/// Returns the method, path and query of a request.
pub(crate) fn name<B>(request: &Request<B>) -> Untrusted {
    let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
    Untrusted::new(format!("{} {}", request.method(), tidy(path)))
}

/// Returns a path without the leftovers of kube's request builder: a trailing `?`, and `?&`.
pub(crate) fn tidy(path: &str) -> String {
    let path = path.replacen("?&", "?", 1);
    path.strip_suffix('?').map(str::to_owned).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tidy_drops_empty_query_parts() {
        for (path, expected) in [("/p?&limit=500", "/p?limit=500"), ("/p?", "/p"), ("/p", "/p")] {
            assert_eq!(tidy(path), expected);
        }
    }
}
