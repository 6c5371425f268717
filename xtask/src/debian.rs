//! Unpacks Debian packages into a folder: without root, without changing the system, without starting services.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::Result;
use crate::run::{command, quietly};

/// The source of packages.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Release<'a> {
    /// The installed release, from the system's own list of sources.
    Installed,
    /// Another release, by name, from the mirror in the system's sources.
    Named(&'a str),
}

/// Unpacks packages, and their dependencies that are not installed, into `home/root`; their versions go into `home/versions`. `name:arm64` is a package for another
/// architecture. The lists and downloads of `apt-get` go into `home` too, so that the system's own state is only read.
pub(crate) fn unpack(home: &Path, release: Release<'_>, packages: &[&str]) -> Result {
    let root = home.join("root");
    for folder in ["lists/partial", "cache/archives/partial", "root"] {
        fs::create_dir_all(home.join(folder)).map_err(|error| format!("{}: {error}", home.display()))?;
    }

    let mut configuration = format!(
        "Dir::State::Lists \"{home}/lists\";\n\
         Dir::Cache \"{home}/cache\";\n\
         APT::Sandbox::User \"\";\n\
         APT::Keep-Downloaded-Packages \"true\";\n\
         Debug::NoLocking \"true\";\n",
        home = home.display()
    );
    for architecture in packages.iter().filter_map(|package| Some(package.split_once(':')?.1)) {
        let _ = writeln!(configuration, "APT::Architectures:: \"{architecture}\";");
    }
    if let Release::Named(name) = release {
        let list = home.join("sources.list");
        let mirror = mirror()?;
        write(
            &list,
            &format!("deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror} {name} main\n"),
        )?;
        let list = list.display();
        let _ = write!(configuration, "Dir::Etc::SourceList \"{list}\";\nDir::Etc::SourceParts \"-\";\n");
    }
    let file = home.join("apt.conf");
    write(&file, &configuration)?;

    let apt = |arguments: &[&str]| quietly(command("apt-get", arguments).env("APT_CONFIG", &file));
    apt(&["--quiet=2", "update"])?;
    let mut install = vec!["--quiet=2", "--yes", "--no-install-recommends", "--download-only", "install"];
    install.extend(packages);
    apt(&install)?;

    let archives = home.join("cache/archives");
    let mut versions = String::new();
    let entries = fs::read_dir(&archives).map_err(|error| format!("{}: {error}", archives.display()))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.extension().is_some_and(|extension| extension == "deb") {
            let (path, root) = (path.to_string_lossy(), root.to_string_lossy());
            quietly(&mut command("dpkg-deb", &["--extract", &path, &root]))?;
            let form = "--showformat=${Package} ${Version}\\n";
            versions += &quietly(&mut command("dpkg-deb", &["--show", form, &path]))?;
        }
    }
    write(&home.join("versions"), &versions)?;
    // What was unpacked is all that is needed from here on.
    fs::remove_dir_all(home.join("cache")).map_err(|error| format!("{}: {error}", home.display()))
}

/// The Debian mirror of this machine.
fn mirror() -> Result<String> {
    let mut files = vec!["/etc/apt/sources.list".into()];
    files.extend(
        fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten().map(|entry| entry.path()),
    );
    files
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok())
        .flat_map(|text| {
            let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
            lines.flat_map(str::split_whitespace).map(str::to_owned).collect::<Vec<_>>()
        })
        .find(|word| word.starts_with("http") && word.trim_end_matches('/').ends_with("/debian"))
        .ok_or_else(|| "the machine's apt sources name no Debian mirror".to_owned())
}

fn write(path: &Path, text: &str) -> Result {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
