//! `docs/rules.md`: its files of rules are sound, its conditions can be written, and it names every subject of a mark.

use std::fs;
use std::path::Path;

use tollgate::base::class::Subject;
use tollgate::feature::fields::FIELDS;
use tollgate::rule::{Ruleset, Source};

fn document() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md")).unwrap()
}

fn findings(text: &str) -> Vec<String> {
    let source = Source { path: "docs/rules.md".to_owned(), text: text.to_owned() };
    let findings = Ruleset::compile(&[source], &FIELDS).err();
    findings.into_iter().flatten().map(|finding| finding.to_string()).collect()
}

/// A rule at the end with this condition and sentence.
fn rule(when: &str, because: &str) -> String {
    let (when, because) = (toml::Value::from(when), toml::Value::from(because));
    format!(
        "schema = 1\n[[rule]]\nid = \"T-1\"\nname = \"t\"\nphase = \"fraud\"\non = \"end\"\nclass = \"flash\"\n\
         when = {when}\nbecause = {because}\n"
    )
}

#[test]
fn whole_files_are_sound() {
    let document = document();
    let blocks = document.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut files = 0;
    for block in blocks {
        if block.starts_with("schema = 1\n") {
            files += 1;
            assert_eq!(findings(block), Vec::<String>::new());
        } else {
            // A key that stands alone: the sentence.
            let table: toml::Table = block.parse().unwrap();
            let because = table["because"].as_str().unwrap();
            assert_eq!(findings(&rule("not answered", because)), Vec::<String>::new());
        }
    }
    assert!(files > 0, "no whole file in the document");
}

#[test]
fn conditions_can_be_written() {
    let document = document();
    let (_, rest) = document.split_once("| Write | True when |\n|---|---|\n").unwrap();
    let cells = rest.lines().take_while(|line| line.starts_with("| `")).filter_map(|line| {
        let condition = line.trim_start_matches("| `").split('`').next()?;
        // Single letters stand for any condition.
        condition.contains(['.', '_']).then_some(condition)
    });
    let cells: Vec<&str> = cells.collect();
    assert!(cells.len() >= 5, "{cells:?}");
    for condition in cells {
        assert_eq!(findings(&rule(condition, "Nobody answered.")), Vec::<String>::new(), "{condition}");
    }
}

#[test]
fn every_subject_of_a_mark_is_named() {
    let document = document();
    let (_, marks) = document.split_once("### Marks\n").unwrap();
    let marks = marks.split("\n## ").next().unwrap();
    for name in Subject::NAMES {
        assert!(marks.contains(&format!("`{name}`")), "{name} is not in the section on marks");
    }
}
