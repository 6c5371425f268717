//! `cargo xtask package`: what a registry gets. Each crate must say what a registry shows, and its package must build from its
//! own files alone.

mod includes;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Result;
use crate::run::{self, cargo, quietly, root};

/// The most keywords that a registry takes, and the longest.
const KEYWORDS: usize = 5;
const KEYWORD: usize = 20;

/// Checks the metadata of each crate that is published, and builds all of them from their packages. What is not committed is
/// packaged, too.
pub(crate) fn run() -> Result {
    let packages = packages()?;
    let mut faults: Vec<String> =
        packages.iter().filter(|package| published(package)).flat_map(faults).collect();
    for package in packages.iter().filter(|package| published(package)) {
        faults.extend(included(package)?);
    }
    if !faults.is_empty() {
        return Err(faults.join("\n"));
    }
    // They depend on one another, and none is in a registry yet: cargo builds each against the packages of the others.
    let published: Vec<&Value> = packages.iter().filter(|package| published(package)).collect();
    forget(&published);
    let mut package = cargo(&["package", "--workspace", "--allow-dirty", "--quiet"]);
    for package_aside in packages.iter().filter(|package| !self::published(package)) {
        package.args(["--exclude", package_aside["name"].as_str().unwrap_or_default()]);
    }
    run::run(&mut package)
}

/// What the sources of a package include, and the package does not contain.
fn included(package: &Value) -> Result<Vec<String>> {
    let name = package["name"].as_str().unwrap_or_default();
    let list = quietly(&mut cargo(&["package", "--list", "--allow-dirty", "--package", name]))?;
    let files: Vec<&str> = list.lines().collect();
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| Path::new(file).extension().is_some_and(|kind| kind == "rs")) {
        let path = root().join("crates").join(name).join(file);
        let source = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        faults
            .extend(includes::missing(&files, file, &source).iter().map(|fault| format!("{name}: {fault}")));
    }
    Ok(faults)
}

/// Removes what is left of an earlier run. Cargo takes what it once unpacked or built from a registry for unchangeable, and
/// our packages change without a new version.
fn forget(packages: &[&Value]) {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let unpacked = home.map(|home| entries(&home.join("registry/src"))).unwrap_or_default();
    let built = entries(&root().join("target/debug/deps"));
    for package in packages {
        let [name, version] = ["name", "version"].map(|field| package[field].as_str().unwrap_or_default());
        for registry in &unpacked {
            let _ = fs::remove_dir_all(registry.join(format!("{name}-{version}")));
        }
        // The list of sources of a library tells where it comes from.
        let start = format!("{}-", name.replace('-', "_"));
        for list in built.iter().filter(|path| path.extension().is_some_and(|extension| extension == "d")) {
            let Some(stem) = list.file_stem().and_then(|stem| stem.to_str()) else { continue };
            let foreign = |text: String| text.contains(&format!("{name}-{version}/src/"));
            if stem.starts_with(&start) && fs::read_to_string(list).is_ok_and(foreign) {
                for kind in ["rlib", "rmeta"] {
                    let _ = fs::remove_file(list.with_file_name(format!("lib{stem}.{kind}")));
                }
            }
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// The packages of the workspace, as `cargo metadata` has them.
pub(crate) fn packages() -> Result<Vec<Value>> {
    let metadata = quietly(&mut cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value =
        serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    metadata["packages"].as_array().cloned().ok_or_else(|| "cargo metadata: no packages".to_owned())
}

/// `publish = false` is an empty list of registries.
pub(crate) fn published(package: &Value) -> bool {
    package["publish"].as_array().is_none_or(|registries| !registries.is_empty())
}

/// What a registry, or a reader of it, would miss.
fn faults(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let mut faults = Vec::new();
    let mut fault = |what: &str| faults.push(format!("{name}: {what}"));
    for field in ["description", "license", "repository", "homepage", "rust_version"] {
        if package[field].as_str().is_none_or(str::is_empty) {
            fault(&format!("`{}` is missing", field.replace('_', "-")));
        }
    }
    // Cargo follows a link only where it leads to a file.
    for file in ["README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        if !root().join("crates").join(name).join(file).is_file() {
            fault(&format!("the file {file} is missing"));
        }
    }
    let words = |field: &str| -> Vec<String> {
        let list = package[field].as_array().into_iter().flatten();
        list.filter_map(|word| word.as_str().map(str::to_owned)).collect()
    };
    let keywords = words("keywords");
    if keywords.is_empty() || keywords.len() > KEYWORDS {
        fault(&format!("{} keywords: 1 to {KEYWORDS} are needed", keywords.len()));
    }
    for word in keywords.iter().filter(|word| word.len() > KEYWORD) {
        fault(&format!("the keyword {word} is longer than {KEYWORD} bytes"));
    }
    if words("categories").is_empty() {
        fault("`categories` is missing");
    }
    let library =
        package["targets"].as_array().into_iter().flatten().any(|target| target["kind"][0] == "lib");
    if library && package["metadata"]["docs"]["rs"]["all-features"] != true {
        fault("`all-features` of `package.metadata.docs.rs` is not set");
    }
    faults
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn complete() -> Value {
        json!({
            "name": "framewise-rules", "description": "d", "license": "l", "repository": "r", "homepage": "h",
            "rust_version": "1.89", "keywords": ["websocket"], "categories": ["no-std"], "publish": null,
            "metadata": { "docs": { "rs": { "all-features": true } } }, "targets": [{ "kind": ["lib"] }],
        })
    }

    #[test]
    fn a_complete_package_has_no_faults() {
        assert_eq!(faults(&complete()), [""; 0]);
    }

    #[test]
    fn each_thing_that_is_missing_is_a_fault() {
        for field in [
            "description",
            "license",
            "repository",
            "homepage",
            "rust_version",
            "keywords",
            "categories",
            "metadata",
        ] {
            let mut package = complete();
            package[field] = Value::Null;
            assert_eq!(faults(&package).len(), 1, "{field}");
        }
        for keywords in [json!(["a", "b", "c", "d", "e", "f"]), json!(["a keyword that is too long"])] {
            let mut package = complete();
            package["keywords"] = keywords;
            assert_eq!(faults(&package).len(), 1, "{package}");
        }
    }

    #[test]
    fn only_an_empty_list_of_registries_is_unpublished() {
        for (publish, expected) in [(json!(null), true), (json!(["private"]), true), (json!([]), false)] {
            assert_eq!(published(&json!({ "publish": publish })), expected);
        }
    }
}
