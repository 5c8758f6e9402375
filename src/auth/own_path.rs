use axum::http::header::REFERER;
use axum::http::{HeaderMap, Uri};

/// Whether a path leads to this site and nowhere else: it begins with one slash, and holds nothing
/// that a browser would read as another host.
pub fn is_own_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 2_000
        && !path.contains('\\')
        && !path.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// The path of this site on which a form was sent, as its browser says (`Referrer-Policy: same-origin`).
pub fn sent_from(headers: &HeaderMap) -> Option<String> {
    let page: Uri = headers.get(REFERER)?.to_str().ok()?.parse().ok()?;
    let path = page.path_and_query()?.to_string();
    is_own_path(&path).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_gone_back_to() {
        for own in ["/", "/integrations/int_1?x=1", "/a//b"] {
            assert!(is_own_path(own), "{own}");
        }
        for other in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "evil",
        ] {
            assert!(!is_own_path(other), "{other}");
        }
    }
}
