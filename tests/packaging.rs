//! What is installed: the unit's hardening, the package's files, manual pages, completions, and files for containers.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tollgate");

/// Drop-ins that belong together, of those in `deploy/systemd`.
const VARIANTS: &[&[&str]] =
    &[&[], &["addresses"], &["tap"], &["nfqueue"], &["tap", "nfqueue"], &["tap", "nfqueue", "addresses"]];

#[test]
fn the_unit_exposes_little() {
    for variant in VARIANTS {
        let folder = tempfile::tempdir().unwrap();
        let unit = folder.path().join("tollgate.service");
        let parts = variant.iter().map(|name| read(&format!("deploy/systemd/{name}.conf")));
        let text = read("deploy/systemd/tollgate.service") + &parts.collect::<String>();
        fs::write(&unit, text.replace("/usr/bin/tollgate", PROGRAM)).unwrap();
        // Exposure 2.0 is 20 here.
        let mut command = Command::new("systemd-analyze");
        command.args(["security", "--offline=true", "--no-pager", "--threshold=20"]).arg(&unit);
        let Some(analysed) = output(&mut command) else { return };
        let text = String::from_utf8_lossy(&analysed.stdout);
        assert!(analysed.status.success(), "{variant:?}: {}", text.lines().last().unwrap_or_default());
        let mut command = Command::new("systemd-analyze");
        let verified = output(command.args(["verify", "--man=no"]).arg(&unit)).unwrap();
        let said = String::from_utf8_lossy(&verified.stderr);
        assert!(verified.status.success() && said.is_empty(), "{variant:?}: {said}");
    }
}

#[test]
fn manual_pages_are_well_made_and_tell_of_every_command() {
    let folder = tempfile::tempdir().unwrap();
    assert!(tollgate(&["man".as_ref(), folder.path()]).status.success());
    let pages: BTreeSet<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let help = String::from_utf8(tollgate(&["--help".as_ref()]).stdout).unwrap();
    let commands =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let commands: Vec<_> = commands
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.len() >= 8, "{commands:?}");
    for command in commands {
        assert!(pages.contains(&format!("tollgate-{command}.1")), "{command}: {pages:?}");
    }
    for page in &pages {
        let mut groff = Command::new("groff");
        let path = folder.path().join(page);
        let Some(set) = output(groff.args(["-man", "-Tutf8", "-ww", "-z"]).arg(path)) else { return };
        assert!(set.stderr.is_empty(), "{page}: {}", String::from_utf8_lossy(&set.stderr));
    }
}

#[test]
fn completions_are_shell() {
    for (shell, checks) in [("bash", true), ("zsh", false), ("fish", false)] {
        let made = tollgate(&["completions".as_ref(), shell.as_ref()]);
        assert!(made.status.success() && made.stdout.len() > 1_000, "{shell}");
        if checks {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&made.stdout).unwrap();
            let checked = output(Command::new("bash").arg("-n").arg(file.path())).unwrap();
            assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        }
    }
}

/// The configurations that are shipped are ones that start, but for the directories they name.
#[test]
fn shipped_configurations_are_accepted() {
    for place in ["deploy/debian", "deploy/compose/tollgate"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::create_dir_all(path.join("var/records")).unwrap();
        let state = path.join("var").display().to_string();
        let text = read(&format!("{place}/tollgate.toml"));
        assert!(text.contains("/var/lib/tollgate/records"));
        fs::write(path.join("tollgate.toml"), text.replace("/var/lib/tollgate", &state)).unwrap();
        fs::write(path.join("network.toml"), read(&format!("{place}/network.toml"))).unwrap();
        let checked = tollgate(&["check".as_ref(), "--config".as_ref(), path]);
        assert!(checked.status.success(), "{place}: {}", String::from_utf8_lossy(&checked.stderr));
    }
}

#[test]
fn files_for_containers_are_yaml_and_name_what_is_there() {
    let check = r#"
import pathlib, sys, yaml
root = pathlib.Path(sys.argv[1])
files = [f for d in ("compose", "helm/tollgate/files", "prometheus") for f in (root / "deploy" / d).rglob("*.y*ml")]
files += [root / "deploy/helm/tollgate" / name for name in ("Chart.yaml", "values.yaml")]
for file in files:
    assert yaml.safe_load(file.read_text()), file
compose = yaml.safe_load((root / "deploy/compose/compose.yaml").read_text())
assert set(compose["services"]) == {"tollgate", "prometheus", "grafana"}
for service in compose["services"].values():
    assert service["cap_drop"] == ["ALL"], service
    for mount in service["volumes"]:
        source = mount.split(":")[0]
        there = (root / "deploy/compose" / source).exists() if source.startswith(".") else source in compose["volumes"]
        assert there, mount
    for port in service["ports"]:
        assert port.startswith("127.0.0.1:"), port
build = compose["services"]["tollgate"]["build"]
assert (root / "deploy/compose" / build["context"] / build["dockerfile"]).exists()
print(len(files))
"#;
    let mut command = Command::new("python3");
    let Some(checked) = output(command.args(["-c", check]).arg(root())) else { return };
    let said = String::from_utf8_lossy(&checked.stderr);
    if said.contains("No module named 'yaml'") {
        skipped("python3-yaml is not there");
        return;
    }
    assert!(checked.status.success(), "{said}");
    // A chart holds its files: the rules are a copy.
    let rules = "tollgate-service-rules.yml";
    assert_eq!(
        read(&format!("deploy/helm/tollgate/files/{rules}")),
        read(&format!("deploy/prometheus/{rules}"))
    );
    // What an image is built from is there.
    for line in read("deploy/container/Containerfile").lines().filter_map(|line| line.strip_prefix("COPY ")) {
        for source in line.split(' ').filter(|_| !line.starts_with("--from")) {
            let is_target = line.ends_with(source);
            assert!(is_target || root().join(source).exists(), "{line}");
        }
    }
}

/// By Helm's own engine, where `python3` has it.
#[test]
fn the_chart_renders() {
    let python = std::env::var("TOLLGATE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut probe = Command::new(&python);
    match output(probe.args(["-c", "import helm_python, yaml"])) {
        Some(found) if found.status.success() => {}
        Some(_) => return skipped("helm-python-sdk is not there"),
        None => return,
    }
    let checked = output(Command::new(python).arg(root().join("deploy/helm/check.py"))).unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn the_package_holds_what_an_operator_needs() {
    if !Command::new("cargo").args(["deb", "--version"]).output().is_ok_and(|found| found.status.success()) {
        return skipped("cargo-deb is not there; `./dev package` installs it");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut build = Command::new("sh");
    build
        .arg(root().join("deploy/debian/build"))
        .args(["dev", "--fast", "--output"])
        .arg(path.join("tollgate.deb"));
    let built = output(&mut build).unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let unpacked = path.join("tree");
    let mut unpack = Command::new("dpkg-deb");
    let Some(done) = output(unpack.arg("-R").arg(path.join("tollgate.deb")).arg(&unpacked)) else { return };
    assert!(done.status.success());
    for name in [
        "DEBIAN/postinst",
        "etc/tollgate/tollgate.toml",
        "usr/lib/systemd/system/tollgate.service",
        "usr/lib/systemd/system/tollgate-replay.timer",
        "usr/bin/tollgate",
        "usr/lib/sysusers.d/tollgate.conf",
        "usr/lib/tmpfiles.d/tollgate.conf",
        "usr/share/bash-completion/completions/tollgate",
        "usr/share/doc/tollgate/copyright",
        "usr/share/doc/tollgate/examples/nfqueue.conf",
        "usr/share/man/man1/tollgate-run.1.gz",
        "usr/share/tollgate/grafana/tollgate-overview.json",
        "usr/share/tollgate/prometheus/tollgate-service-rules.yml",
        "usr/share/tollgate/rules/20-flash.toml",
    ] {
        assert!(unpacked.join(name).exists(), "{name}");
    }
    assert_eq!(
        fs::read_to_string(unpacked.join("DEBIAN/conffiles")).unwrap(),
        "/etc/tollgate/tollgate.toml\n"
    );
    // Neither installing nor upgrading starts or stops a service; only removing it does.
    let postinst = fs::read_to_string(unpacked.join("DEBIAN/postinst")).unwrap();
    assert!(!postinst.contains("deb-systemd-invoke"), "{postinst}");
    assert!(postinst.contains("systemd-sysusers ${DPKG_ROOT:+--root=\"$DPKG_ROOT\"} tollgate.conf"));
    let runs = output(Command::new(unpacked.join("usr/bin/tollgate")).arg("--version")).unwrap();
    assert!(runs.status.success());
}

fn tollgate(arguments: &[&Path]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

/// What a program says; `None`, said loudly, when it is not there.
fn output(command: &mut Command) -> Option<Output> {
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            skipped(&format!("{}: {error}", command.get_program().to_string_lossy()));
            None
        }
    }
}

/// Not `eprintln!`, whose output the harness keeps to itself when a test passes.
fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
