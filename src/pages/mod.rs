//! People HTTP: pages that work with no script at all.

pub mod parts;
