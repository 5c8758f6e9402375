//! Puts the pages' assets into the executable, when asked to by the feature `embed`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "embed")]
    memory_serve::load_directory_with_embed("target/site", true);
}
