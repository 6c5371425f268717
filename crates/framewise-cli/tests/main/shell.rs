//! `framewise completions` and `framewise man`

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use crate::common::{path, run, run_with};

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

/// The flags of each command, as its help has them; those of `framewise` itself under "".
fn flags() -> BTreeMap<String, Vec<String>> {
    let commands = help(&[])
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
        .collect::<Vec<_>>();
    assert!(commands.len() >= 8, "{commands:?}");
    let mut flags: BTreeMap<_, _> =
        commands.into_iter().map(|command| (command.clone(), flags_in(&help(&[&command])))).collect();
    flags.insert(String::new(), flags_in(&help(&[])));
    flags
}

fn help(command: &[&str]) -> String {
    let done = run(&[command, &["--help"]].concat());
    assert_eq!(done.code, Some(0), "{done:?}");
    done.out
}

/// A line of help that describes a flag begins with it: `  -n, --name <VALUE>`. Text that mentions one is indented further.
fn flags_in(help: &str) -> Vec<String> {
    let flags: Vec<String> = help
        .lines()
        .skip_while(|line| *line != "Options:")
        .filter(|line| line.trim_start().starts_with('-') && !line.starts_with("        "))
        .filter_map(|line| line.split([' ', ',', '=', '[', '<']).find(|word| word.starts_with("--")))
        .map(str::to_owned)
        .collect();
    assert!(flags.contains(&"--color".to_owned()), "{help}");
    flags
}

#[test]
fn each_shell_gets_every_command_and_flag() {
    for shell in SHELLS {
        let done = run(&["completions", shell]);
        assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{shell}");
        for (command, flags) in flags() {
            assert!(done.out.contains(&command), "{shell}: {command}");
            for flag in flags {
                // fish has it without the hyphens.
                let flag = if shell == "fish" { format!("-l {}", &flag[2..]) } else { flag };
                assert!(done.out.contains(&flag), "{shell}: {command} {flag}");
            }
        }
    }
}

/// Bash itself completes: the flags of a command after its name, and no others.
#[test]
fn bash_completes_the_flags_of_the_command() {
    let script = path("completions.bash");
    std::fs::write(&script, run(&["completions", "bash"]).out).unwrap();
    let complete = |words: &[&str]| -> Vec<String> {
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", r#". "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _framewise framewise "${!#}" "${COMP_WORDS[COMP_CWORD-1]}"; printf '%s\n' "${COMPREPLY[@]}""#])
            .arg(&script)
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let done = run_with(&mut bash, b"");
        assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{words:?}");
        done.out.lines().map(str::to_owned).collect()
    };
    for (command, flags) in flags().into_iter().filter(|(command, _)| !command.is_empty()) {
        let mut expected = flags;
        expected.sort();
        let mut found = complete(&["framewise", &command, "--"]);
        found.sort();
        assert_eq!(found, expected, "{command}");
    }
    assert_eq!(complete(&["framewise", "ins"]), ["inspect"]);
    assert_eq!(complete(&["framewise", "read", "--format", "pc"]), ["pcap"]);
}

#[test]
fn each_command_has_a_manual_page_with_its_flags() {
    let dir = path("man");
    std::fs::create_dir_all(&dir).unwrap();
    let done = run(&["man", "--dir", dir.to_str().unwrap()]);
    assert_eq!((done.code, done.out.as_str()), (Some(0), ""), "{done:?}");
    for (command, flags) in flags() {
        let (name, printed) = if command.is_empty() {
            ("framewise.1".to_owned(), run(&["man"]))
        } else {
            (format!("framewise-{command}.1"), run(&["man", &command]))
        };
        let page = std::fs::read_to_string(dir.join(&name)).unwrap();
        assert_eq!(printed.out, page, "{name}");
        for flag in flags {
            // In roff a hyphen that is to stay one is escaped.
            assert!(page.contains(&flag.replace('-', "\\-")), "{name}: {flag}");
        }
    }
}

#[test]
fn what_cannot_be_printed_is_refused() {
    assert!(run(&["completions", "tcsh"]).refused().contains("bash"));
    assert!(run(&["man", "no-such-command"]).refused().contains("no-such-command is not a command"));
    assert!(
        run(&["man", "--dir", "/no/such/folder"])
            .refused()
            .contains("cannot write the pages to /no/such/folder")
    );
}
