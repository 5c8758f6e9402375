//! The pages' assets: the browser part, the stylesheet and `public/`, assembled in `target/site`.
//!
//! With the feature `embed` they are inside the executable, precompressed, and never change: they
//! are served under a folder named after their content and may be kept for a year. Without it they
//! are read from `target/site` of this checkout at every request, so that an edit shows at once.
//! The addresses have one shape in both: `ROOT/pkg/rollcall.css`, `ROOT/fonts/…`; a stylesheet
//! refers to its neighbours relatively (`url("../fonts/…")`).
//!
//! How `web` uses this:
//! ```ignore
//! let app = Router::new().merge(assets::router()); // outside of sessions and of the CSRF guard
//! let options = assets::options();                 // also the LeptosOptions of the state
//! view! {
//!     <HashedStylesheet options=options.clone() root=assets::root()/>
//!     <HydrationScripts options islands=true root=assets::root()/>
//!     <link rel="icon" href=assets::url("favicon.svg")/>
//! }
//! ```

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, Uri, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use leptos::config::LeptosOptions;
use std::sync::LazyLock;
use tower::ServiceExt;

/// What browsers and robots ask for at the top, by convention, and the file they get.
const AT_THE_TOP: [(&str, &str); 2] = [
    ("/favicon.ico", "/favicon.svg"),
    ("/robots.txt", "/robots.txt"),
];

/// Those addresses outlive a release, so they are kept for a day only.
const FOR_A_DAY: HeaderValue = HeaderValue::from_static("max-age=86400");

static ROOT: LazyLock<String> = LazyLock::new(|| format!("/assets/{}", source::digest()));

/// The folder of the assets, as the path of an address: `/assets/<digest>`, no slash at the end.
pub fn root() -> &'static str {
    &ROOT
}

/// The address of one asset, by its path in `public/`, such as `favicon.svg`.
pub fn url(path: &str) -> String {
    format!("{}/{path}", root())
}

/// What Leptos needs to know to link the browser part and the stylesheet.
pub fn options() -> LeptosOptions {
    LeptosOptions::builder()
        .output_name(env!("LEPTOS_OUTPUT_NAME"))
        .site_root("target/site")
        .site_pkg_dir("pkg")
        .build()
}

/// Serves the assets under [`root`], and the conventional few at the top. Call it once.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let files = source::files();
    let mut top = Router::new();
    for (address, file) in AT_THE_TOP {
        let files = files.clone();
        let serve = move |mut request: Request| async move {
            *request.uri_mut() = Uri::from_static(file);
            let mut response = files
                .oneshot(request)
                .await
                .unwrap_or_else(|never| match never {});
            if response.status().is_success() {
                let headers = response.headers_mut();
                headers.insert(header::CACHE_CONTROL, FOR_A_DAY);
            }
            response
        };
        top = top.route(address, get(serve));
    }
    top.nest(root(), files)
        .layer(map_response(no_sniffing))
        .with_state(())
}

/// A file is what its type says, whatever its bytes look like.
async fn no_sniffing(mut response: Response) -> Response {
    let value = HeaderValue::from_static("nosniff");
    response
        .headers_mut()
        .insert(header::X_CONTENT_TYPE_OPTIONS, value);
    response
}

/// Inside the executable.
#[cfg(feature = "embed")]
mod source {
    use axum::Router;
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
    use memory_serve::{CacheControl, MemoryServe};

    fn embedded() -> MemoryServe {
        memory_serve::load!()
            .index_file(None)
            .enable_brotli(true)
            .enable_gzip(true)
    }

    /// Names the content: of every file its path and the digest of its bytes.
    pub fn digest() -> String {
        let manifest = embedded().enable_hashed_routes(true).manifest();
        let mut routes: Vec<&str> = manifest.iter().map(|(_, hashed)| hashed).collect();
        routes.sort_unstable();
        let digest =
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, routes.join("\n").as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(&digest.as_ref()[..9])
    }

    pub fn files() -> Router {
        let keep = CacheControl::Custom("public, max-age=31536000, immutable");
        embedded()
            .cache_control(keep)
            .html_cache_control(keep)
            .into_router()
    }
}

/// From the checkout.
#[cfg(not(feature = "embed"))]
mod source {
    use axum::Router;
    use axum::http::{HeaderValue, header};
    use axum::middleware::map_response;
    use axum::response::Response;
    use tower_http::services::ServeDir;

    pub fn digest() -> &'static str {
        "dev"
    }

    pub fn files() -> Router {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/target/site");
        Router::new()
            .fallback_service(ServeDir::new(folder))
            .layer(map_response(revalidate))
    }

    async fn revalidate(mut response: Response) -> Response {
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::StatusCode;

    async fn get(path: &str) -> Response {
        let request = Request::get(path)
            .header(header::ACCEPT_ENCODING, "br")
            .body(Body::empty());
        let router: Router = router();
        router
            .oneshot(request.expect("a request"))
            .await
            .expect("an answer")
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_not_found() {
        for path in [
            url("no-such-file.css"),
            url("../Cargo.toml"),
            url("%2e%2e/%2e%2e/Cargo.toml"),
        ] {
            assert_eq!(get(&path).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[cfg(feature = "embed")]
    #[tokio::test]
    async fn an_embedded_file_is_compressed_and_kept_for_good() {
        let response = get(&url("pkg/rollcall.wasm")).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/wasm");
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "br");
        let keep = response.headers()[header::CACHE_CONTROL]
            .to_str()
            .expect("text");
        assert!(keep.ends_with("immutable"), "{keep}");
        assert_eq!(
            response.headers()[header::X_CONTENT_TYPE_OPTIONS],
            "nosniff"
        );
    }
}
