//! The allowed imports: which module may use which. A cycle begins with one shared type parked in the wrong place.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Module → modules it may use, besides itself.
const ALLOWED: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("wire", &["base"]),
    ("rule", &["base"]),
    ("assemble", &["base", "wire"]),
    ("signal", &["base", "wire"]),
    ("call", &["base", "signal"]),
    ("feature", &["base", "call"]),
    ("judge", &["base", "call", "feature", "rule"]),
    ("engine", &["base", "wire", "rule", "assemble", "signal", "call", "feature", "judge"]),
    ("inspect", &["base", "wire", "assemble", "signal", "call", "engine", "rule"]),
    ("simulate", &["base", "wire"]),
    ("campaign", &["base", "judge"]),
    ("clock", &["base"]),
    ("capture", &["base", "wire", "clock"]),
    ("tls", &[]),
    ("source", &["base", "wire", "assemble", "signal", "engine", "capture", "clock", "tls"]),
    ("token", &["clock"]),
    ("lookup", &["base", "call", "judge", "clock", "token"]),
    ("stir", &["base", "wire", "signal", "call", "judge", "clock", "lookup"]),
    ("billing", &["base", "call", "judge"]),
    ("metrics", &["base", "call", "judge", "rule"]),
    ("inline", &["base", "wire", "signal", "judge"]),
    ("adapter", &["base", "wire", "signal", "call", "judge", "inline", "clock", "metrics", "tls", "token"]),
    (
        "service",
        &[
            "base", "wire", "rule", "assemble", "signal", "call", "feature", "judge", "engine", "clock",
            "capture", "source", "lookup", "stir", "billing", "metrics", "journal", "inline", "adapter",
            "tls",
        ],
    ),
    ("journal", &["base", "call", "feature", "judge", "rule"]),
    (
        "pipeline",
        &[
            "base", "wire", "rule", "assemble", "signal", "call", "feature", "judge", "engine", "clock",
            "capture", "lookup", "billing", "metrics", "journal", "simulate",
        ],
    ),
    ("evaluate", &["base", "rule", "call", "feature", "judge", "engine", "clock", "pipeline", "simulate"]),
];

/// Modules that may use anything, and that nobody uses.
const TOP: &[&str] = &["config", "cli"];

#[test]
fn modules_use_only_what_they_may() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for file in rust_files(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let relative = file.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap().to_owned();
        let module = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        if ["lib", "main"].contains(&module.as_str()) || TOP.contains(&module.as_str()) {
            continue;
        }
        let Some(may) = allowed.get(module.as_str()) else {
            wrong.push(format!(
                "{}: module `{module}` is not in the table of allowed imports",
                relative.display()
            ));
            continue;
        };
        for (line, used) in uses(&fs::read_to_string(&file).unwrap()) {
            seen += 1;
            if used != module && !may.contains(&used.as_str()) {
                wrong.push(format!("{}:{line}: `{module}` may not use `{used}`", relative.display()));
            }
        }
    }
    assert!(seen > 100, "only {seen} imports found: the test no longer sees them");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Line and first segment of every `crate::` path in code, not in comments.
fn uses(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for rest in code.split("crate::").skip(1) {
            if rest.starts_with('{') {
                found.push((index + 1, "a group of modules; write one path a line".to_owned()));
            } else {
                found.push((
                    index + 1,
                    rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect(),
                ));
            }
        }
    }
    found
}

fn rust_files(dir: PathBuf) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn pure_modules_touch_no_file_socket_thread_or_clock() {
    const PURE: &[&str] = &[
        "base",
        "wire",
        "rule",
        "assemble",
        "signal",
        "call",
        "feature",
        "judge",
        "engine",
        "engine.rs",
        "inline",
        "inspect",
        "simulate",
    ];
    const BANNED: &[&str] =
        &["std::fs", "std::io", "std::thread", "std::process", "std::env", "println!", "eprintln!"];
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for module in PURE {
        let path = source.join(module);
        let files = if path.is_dir() { rust_files(path) } else { vec![path] };
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for (index, line) in code.lines().enumerate() {
                for banned in BANNED
                    .iter()
                    .filter(|banned| line.split("//").next().unwrap_or_default().contains(**banned))
                {
                    wrong.push(format!("{}:{}: {banned} in a pure module", file.display(), index + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
