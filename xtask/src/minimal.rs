//! `cargo xtask minimal`: the oldest versions of the dependencies that the manifests allow must build.

use std::fs;
use std::path::Path;

use crate::package::published;
use crate::run::{self, cargo, root};
use crate::{Result, package};

/// Tables of a manifest that only tests need, and that bring newer versions than what is checked.
const ASIDE: [&str; 4] = ["[dev-dependencies", "[[example]]", "[[test]]", "[[bench]]"];
/// Folders of a package that only tests need.
const FOLDERS: [&str; 3] = ["tests", "examples", "benches"];

/// The library and what it depends on. Its dependents choose among many versions of its dependencies, so that its smallest
/// versions are its own, not those of the tools.
const LIBRARY: [&str; 4] = ["framewise", "framewise-proto", "framewise-rules", "framewise-simd"];

/// Builds the published crates, without their tests, against lock files that have the smallest version of each of their own
/// dependencies: the library, and the tools on top of it.
pub(crate) fn run() -> Result {
    let copy = root().join("target/minimal-versions");
    let manifest = read(&root().join("Cargo.toml"))?;
    let packages = package::packages()?;
    for workspace in ["library", "tools"] {
        let folder = copy.join(workspace);
        let _ = fs::remove_dir_all(&folder);
        write(&folder.join("Cargo.toml"), &root_manifest(&manifest)?)?;
        let names = packages.iter().filter(|package| published(package)).filter_map(|p| p["name"].as_str());
        for name in names.filter(|name| LIBRARY.contains(name) == (workspace == "library")) {
            copy_package(&root().join("crates").join(name), &folder.join("crates").join(name))?;
        }
    }
    for workspace in ["library", "tools"] {
        let folder = copy.join(workspace);
        // The resolver of stable cargo can do it; only its flag is not stable.
        let mut lock = cargo(&["generate-lockfile", "-Z", "direct-minimal-versions", "--quiet"]);
        run::run(lock.env("RUSTC_BOOTSTRAP", "1").current_dir(&folder))?;
        let mut check = cargo(&["check", "--workspace", "--all-features", "--locked", "--target-dir"]);
        run::run(check.arg(copy.join("target")).current_dir(&folder))?;
    }
    Ok(())
}

/// The manifest of the workspace for copied packages. Those of the library are in a workspace of their own.
fn root_manifest(manifest: &str) -> Result<String> {
    let rest = manifest.find("[workspace.package]").ok_or("Cargo.toml has no [workspace.package]")?;
    let rest = LIBRARY.iter().fold(manifest[rest..].to_owned(), |rest, name| {
        rest.replace(&format!("\"crates/{name}\""), &format!("\"../library/crates/{name}\""))
    });
    Ok(format!("[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n\n{rest}"))
}

/// A package's manifest without the tables of its tests.
fn without_tests(manifest: &str) -> String {
    let mut kept = String::new();
    let mut aside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            aside = ASIDE.iter().any(|table| line.starts_with(table));
        }
        if !aside {
            kept += line;
            kept.push('\n');
        }
    }
    kept
}

fn copy_package(from: &Path, to: &Path) -> Result {
    write(&to.join("Cargo.toml"), &without_tests(&read(&from.join("Cargo.toml"))?))?;
    copy_folder(from, to)
}

/// Copies the files that are not there yet.
fn copy_folder(from: &Path, to: &Path) -> Result {
    let fault = |error: std::io::Error| format!("{}: {error}", from.display());
    fs::create_dir_all(to).map_err(fault)?;
    for entry in fs::read_dir(from).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let (path, name) = (entry.path(), entry.file_name());
        let target = to.join(&name);
        // A link to a licence is followed.
        if path.is_dir() {
            if !FOLDERS.iter().any(|folder| name == *folder) || from.ends_with("src") {
                copy_folder(&path, &target)?;
            }
        } else if !target.exists() {
            fs::copy(&path, &target).map_err(fault)?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result {
    let fault = |error: std::io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(path.parent().unwrap_or(path)).map_err(fault)?;
    fs::write(path, text).map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tables_of_tests_are_left_out() {
        let manifest = "[package]\nname = \"a\"\n\n[dependencies]\nx = \"1.2\"\n\n[dev-dependencies]\ny = \"1\"\n\n\
                        [[example]]\nname = \"e\"\n\n[dev-dependencies.z]\nversion = \"1\"\n\n[lints]\nworkspace = true\n";
        let kept = "[package]\nname = \"a\"\n\n[dependencies]\nx = \"1.2\"\n\n[lints]\nworkspace = true\n";
        assert_eq!(without_tests(manifest), kept);
    }

    #[test]
    fn a_workspace_has_the_copied_packages_as_its_members_and_the_library_beside_it() {
        let manifest = "[workspace]\nmembers = [\"a\"]\n\n[workspace.package]\nversion = \"1.0.0\"\n\n[workspace.dependencies]\n\
                        framewise = { path = \"crates/framewise\" }\nframewise-live = { path = \"crates/framewise-live\" }\n";
        let copied = "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n\n[workspace.package]\nversion = \"1.0.0\"\n\n\
                      [workspace.dependencies]\nframewise = { path = \"../library/crates/framewise\" }\n\
                      framewise-live = { path = \"crates/framewise-live\" }\n";
        assert_eq!(root_manifest(manifest).unwrap_or_default(), copied);
        assert!(root_manifest("[workspace]\n").is_err());
    }
}
