//! Files that sources include. The build of a package sees only those of its default features and without tests and doc tests:
//! here each one must be in the package.

/// What includes a file at compile time, up to the path.
const INCLUDES: [&str; 4] = ["include_str!(", "include_bytes!(", "include!(", "#[path = "];
const MANIFEST: &str = r#"env!("CARGO_MANIFEST_DIR"),"#;

/// The sentence for each include in the source `path` that leads to none of the package's `files`.
pub(super) fn missing(files: &[&str], path: &str, source: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, line) in source.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for (at, start) in INCLUDES.iter().filter_map(|start| Some((line.find(start)?, start))) {
            // A comment, or a text about includes.
            if at < code.len() && code[..at].matches('"').count() % 2 == 0 {
                let fault = fault(files, path, &line[at + start.len()..]);
                faults.extend(fault.map(|fault| format!("{path}:{}: {fault}", number + 1)));
            }
        }
    }
    faults
}

/// What is wrong with one include; `argument` begins with its path.
fn fault(files: &[&str], path: &str, argument: &str) -> Option<String> {
    let (argument, is_start) = match argument.strip_prefix("concat!(") {
        Some(rest) => (rest.trim_start(), true),
        None => (argument, false),
    };
    let (argument, folder) = match argument.strip_prefix(MANIFEST) {
        Some(rest) => (rest.trim_start(), ""),
        None => (argument, path.rsplit_once('/').map_or("", |(folder, _)| folder)),
    };
    let Some(included) = argument.strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
        return Some(
            "the path of the included file is not written out, so that it cannot be checked".to_owned(),
        );
    };
    // Of a path in pieces, the folder is checked.
    let whole = !is_start || argument[included.len() + 2..].starts_with(')');
    let included = if whole { included } else { included.rsplit_once('/').map_or("", |(start, _)| start) };
    let Some(target) = resolve(folder, included) else {
        return Some(format!("{included} is outside of the package"));
    };
    let found = files.iter().any(|file| {
        file.strip_prefix(&*target)
            .is_some_and(|rest| if whole { rest.is_empty() } else { rest.starts_with('/') })
    });
    (!found).then(|| format!("{target} is not in the package"))
}

/// The path from the root of the package; `None` if it leaves it.
fn resolve(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::missing;

    const FILES: [&str; 4] = ["README.md", "src/lib.rs", "src/a/b.rs", "data/en/one.txt"];

    #[test]
    fn what_is_in_the_package_may_be_included() {
        for line in [
            r#"#[doc = include_str!("../README.md")]"#,
            r#"const A: &[u8] = include_bytes!("../data/en/one.txt");"#,
            r#"const A: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/en/one.txt"));"#,
            r#"macro_rules! a { ($file:literal) => { include_str!(concat!("../data/en/", $file, ".txt")) } }"#,
            r#"#[path = "a/b.rs"]"#,
            r#"// include_str!("../../nothing")"#,
            r#"let says = "include_str!(x)";"#,
        ] {
            assert_eq!(missing(&FILES, "src/lib.rs", line), [""; 0], "{line}");
        }
        assert_eq!(missing(&FILES, "src/a/b.rs", r#"include_str!("../../README.md")"#), [""; 0]);
    }

    #[test]
    fn what_is_not_is_named() {
        for (line, fault) in [
            (r#"#[doc = include_str!("../../README.md")]"#, "../../README.md is outside of the package"),
            (r#"include_str!("../data/en/two.txt")"#, "data/en/two.txt is not in the package"),
            (r#"include_str!("../data/en")"#, "data/en is not in the package"),
            (r#"include_str!(concat!("../data/fr/", $file))"#, "data/fr is not in the package"),
            (
                r#"include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/x.txt"))"#,
                "tests/x.txt is not in the package",
            ),
            (r#"include_bytes!(concat!("../../docs/", $file))"#, "../../docs is outside of the package"),
            (r#"    #[path = "../tests/common.rs"]"#, "tests/common.rs is not in the package"),
            (
                "include_str!($path)",
                "the path of the included file is not written out, so that it cannot be checked",
            ),
        ] {
            let source = format!("//! A crate.\n{line}");
            assert_eq!(missing(&FILES, "src/lib.rs", &source), [format!("src/lib.rs:2: {fault}")]);
        }
    }
}
