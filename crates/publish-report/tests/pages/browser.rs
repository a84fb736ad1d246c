//! The pages in a real browser. Where no Chromium is installed, the test says so and checks nothing;
//! `MILLRACE_CHROMIUM` names one, or asks for it: with `required`, its absence is a failure.

use crate::{FAILURES, ended, failed, lake, text};
use ::lake::{MemoryStore, keys};
use contract::states::Outcome;
use serde::Deserialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const WIDTHS: [u32; 4] = [320, 390, 768, 1280];

/// What a page does at a width.
#[derive(Debug, Deserialize)]
struct Seen {
    page: String,
    width: u32,
    /// Elements that reach beyond the page.
    overflow: Vec<String>,
    /// Texts that are hard to read.
    faint: Vec<String>,
    /// What it asked for.
    requests: Vec<String>,
    texts: u32,
}

fn chromium() -> Option<PathBuf> {
    let named = std::env::var("MILLRACE_CHROMIUM").ok();
    let named = named.filter(|it| it != "required").map(PathBuf::from);
    let known = [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
    ];
    named.or_else(|| {
        known
            .into_iter()
            .map(PathBuf::from)
            .find(|path| path.exists())
    })
}

fn browse(chromium: &Path, profile: &Path, more: &[&str]) -> (String, String) {
    let output = Command::new(chromium)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args([
            "--hide-scrollbars",
            "--allow-file-access-from-files",
            "--enable-logging=stderr",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(more)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (text(output.stdout), text(output.stderr))
}

/// The pages, by the name of their files.
async fn pages(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut add = |name: &str, page: String| {
        std::fs::write(folder.join(format!("{name}.html")), page).unwrap();
        names.push(name.to_owned());
    };
    let page = run_page_of;
    let good = ended(&lake::films(), 0.6222, Outcome::Deployed).await;
    add("good", page(&good).await);
    add("runs", text(&good, &keys::runs_page("default")).await);
    let kept = ended(&lake::films(), 0.67, Outcome::KeptChampion).await;
    add("kept", page(&kept).await);
    let hostile = ended(&lake::hostile(), 0.6222, Outcome::Deployed).await;
    add("hostile", page(&hostile).await);
    for (step, error, cause) in FAILURES {
        let (store, _) = failed(step, error, cause).await;
        add(&format!("failed-{step}"), page(&store).await);
    }
    names
}

async fn run_page_of(store: &MemoryStore) -> String {
    text(store, &lake::run_keys().page()).await
}

/// A page that loads all others in frames of each width, and writes down what it sees.
fn harness(names: &[String]) -> String {
    let mut frames = String::new();
    for name in names {
        for width in WIDTHS {
            let _ = writeln!(
                frames,
                "<iframe src=\"{name}.html\" data-page=\"{name}\" style=\"width:{width}px;height:900px;border:0\" \
                 data-width=\"{width}\"></iframe>"
            );
        }
    }
    format!(
        "<!doctype html><meta charset=utf-8>\n{frames}<pre id=seen></pre><script>{}</script>",
        include_str!("look.js")
    )
}

#[tokio::test]
async fn the_pages_are_whole_in_a_browser() {
    let Some(chromium) = chromium() else {
        let required = std::env::var("MILLRACE_CHROMIUM").is_ok();
        assert!(
            !required,
            "MILLRACE_CHROMIUM asks for a Chromium, and there is none"
        );
        println!(
            "SKIPPED: no Chromium is installed; apt-get install chromium, or set MILLRACE_CHROMIUM"
        );
        return;
    };
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = workspace.join("target/pages");
    std::fs::create_dir_all(&folder).unwrap();
    let names = pages(&folder).await;
    std::fs::write(folder.join("look.html"), harness(&names)).unwrap();
    for (scheme, setting) in [("light", 1), ("dark", 0)] {
        let profile = tempfile::tempdir().unwrap();
        let address = format!(
            "file://{}/look.html",
            folder.canonicalize().unwrap().display()
        );
        let setting = format!("--blink-settings=preferredColorScheme={setting}");
        let (dom, log) = browse(
            &chromium,
            profile.path(),
            &["--dump-dom", &setting, &address],
        );
        let found = dom
            .split_once("<pre id=\"seen\">")
            .and_then(|it| it.1.split_once("</pre>"));
        let (json, _) = found.unwrap_or_else(|| panic!("{scheme}: the browser said\n{dom}\n{log}"));
        let json = json
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&");
        let seen: Vec<Seen> =
            serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
        assert_eq!(seen.len(), names.len() * WIDTHS.len());
        for it in &seen {
            let place = format!("{scheme}, {}, {} px", it.page, it.width);
            assert!(it.texts > 20, "{place}: {} texts", it.texts);
            assert!(
                it.overflow.is_empty(),
                "{place}: {:#?} reach beyond the page",
                it.overflow
            );
            assert!(
                it.faint.is_empty(),
                "{place}: {:#?} are hard to read",
                it.faint
            );
            assert!(
                it.requests.is_empty(),
                "{place}: {:?} were asked for",
                it.requests
            );
        }
        let errors: Vec<&str> = log
            .lines()
            .filter(|line| line.contains("CONSOLE"))
            .collect();
        assert!(errors.is_empty(), "{scheme}: {errors:#?}");
    }
    if std::env::var("MILLRACE_WRITE").is_ok() {
        picture(&chromium, &folder, &workspace);
    }
}

/// The picture of the documents: the page of a good run, as far as a screen shows it.
fn picture(chromium: &Path, folder: &Path, workspace: &Path) {
    let profile = tempfile::tempdir().unwrap();
    let images = workspace.join("docs/src/images").canonicalize().unwrap();
    let to = format!("--screenshot={}", images.join("run-page.png").display());
    let address = format!(
        "file://{}/good.html",
        folder.canonicalize().unwrap().display()
    );
    browse(
        chromium,
        profile.path(),
        &[
            &to,
            "--window-size=1000,1250",
            "--blink-settings=preferredColorScheme=1",
            &address,
        ],
    );
}
