//! Rollcall rotates an API's signing key without breaking the customers who are using it.
//!
//! ```text
//! model ← store ← rotation ← notify ← auth ← { api, pages } ← web ← cli      islands: the browser
//! ```
//! The arrow means "may import". ARCHITECTURE.md is the map.

#![recursion_limit = "256"] // the type of a page's view is as deep as the page

/// HTTP for machines: `/verify`, keys, health.
#[cfg(feature = "ssr")]
pub mod api;
/// Who asks: passwords, sessions, proofs.
#[cfg(feature = "ssr")]
pub mod auth;
/// The command: serve, demo, rotation and the rest.
#[cfg(feature = "ssr")]
pub mod cli;
/// One typed struct of settings.
#[cfg(feature = "ssr")]
pub mod config;
/// All code that runs in the browser.
pub mod islands;
/// The words of the domain.
#[cfg(feature = "ssr")]
pub mod model;
/// Mail to people.
#[cfg(feature = "ssr")]
pub mod notify;
/// Pages for people.
#[cfg(feature = "ssr")]
pub mod pages;
/// The rules and the use cases.
#[cfg(feature = "ssr")]
pub mod rotation;
/// All SQL.
#[cfg(feature = "ssr")]
pub mod store;
#[cfg(all(test, feature = "ssr"))]
mod tests;
/// The router and its layers.
#[cfg(feature = "ssr")]
pub mod web;

/// Wakes the islands of the page that loaded this module, sends its forms once, opens its dialogs, tells
/// local times, and minds a token that was not copied.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
    islands::guard_forms();
    islands::close_on_escape();
    islands::tell_local_times();
    islands::guard_token();
    islands::remember_language();
    islands::open_dialogs();
}
