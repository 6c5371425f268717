//! Replaces tokio-tungstenite and tungstenite in a manifest, in the form that registries have.

use std::fmt::Write as _;
use std::path::Path;

use crate::Result;
use crate::run::root;

/// Replaces them in this file. `names` is a crate that stands for tungstenite.
///
/// Errors: it depends on neither of them.
pub(super) fn replace(manifest: &Path, names: &Path) -> Result {
    let ours = root().join("crates/framewise-tungstenite");
    let text = super::read(manifest)?;
    match replaced(&text, &ours, names) {
        Some(replaced) => super::write(manifest, &replaced),
        None => Err(format!("{} does not depend on tokio-tungstenite", manifest.display())),
    }
}

/// The manifest with the dependencies replaced; `None` if there was none.
fn replaced(manifest: &str, ours: &Path, names: &Path) -> Option<String> {
    let mut found = false;
    let mut inside = false;
    let mut text = String::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = false;
        }
        if inside && line.starts_with("version") {
            continue;
        }
        text.push_str(line);
        text.push('\n');
        let table = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')).unwrap_or_default();
        let package = [
            ("tokio-tungstenite", "framewise-tungstenite", ours),
            ("tungstenite", "tungstenite-names", names),
        ]
        .into_iter()
        .find(|(theirs, ..)| table.ends_with(&format!("dependencies.{theirs}")));
        if let Some((_, package, path)) = package {
            (found, inside) = (true, true);
            let path = path.display();
            // Writing to a String cannot fail.
            let _ = write!(text, "package = \"{package}\"\npath = '{path}'\n");
        }
    }
    found.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_of_a_dependency_gets_another_package() {
        let before = "[package]\nversion = \"1.0.0\"\n\n[dependencies.tokio-tungstenite]\nversion = \"0.30\"\noptional = true\n\n\
                      [dependencies.tokio-util]\nversion = \"0.7\"\n\n[dev-dependencies.tungstenite]\nversion = \"0.30\"\n";
        let after = "[package]\nversion = \"1.0.0\"\n\n[dependencies.tokio-tungstenite]\npackage = \"framewise-tungstenite\"\n\
                     path = '/ours'\noptional = true\n\n[dependencies.tokio-util]\nversion = \"0.7\"\n\n\
                     [dev-dependencies.tungstenite]\npackage = \"tungstenite-names\"\npath = '/names'\n";
        assert_eq!(replaced(before, Path::new("/ours"), Path::new("/names")).as_deref(), Some(after));
    }

    #[test]
    fn a_manifest_without_it_is_not_changed() {
        let manifest = "[dependencies.async-tungstenite]\nversion = \"0.30\"\n";
        assert_eq!(replaced(manifest, Path::new("/ours"), Path::new("/names")), None);
    }
}
