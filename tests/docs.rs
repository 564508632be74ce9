//! The pages below `docs` that are made from the program say what the program says.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;
use std::path::Path;

use gandle::config::{Config, explain};

/// Every option in the words of the window and of `run.toml`.
fn options() -> String {
    let mut page = String::from(
        "# Every option\n\nThe keys of `run.toml`, which are those of `--set KEY=VALUE`. The window shows the same text beside each option. This page is generated from\nthe program: `GANDLE_WRITE_DOCS=1 cargo test --release --test docs` rewrites it.\n",
    );
    let plain = Config::default();
    let mut section = None;
    for explanation in explain::ALL.iter() {
        let head = explanation.key.rsplit_once('.').map_or("", |(head, _)| head);
        if section != Some(head) {
            section = Some(head);
            let title = if head.is_empty() { "Images".to_owned() } else { format!("`[{head}]`") };
            write!(page, "\n## {title}\n\n| key | default | values | what it does | paper |\n|---|---|---|---|---|\n")
                .unwrap();
        }
        let default = plain.value_of(explanation.key).unwrap();
        let cell = |text: &str| text.replace('|', "\\|");
        writeln!(
            page,
            "| `{}` | `{}` | {} | {} | {} |",
            explanation.key,
            default,
            cell(&explanation.values),
            cell(explanation.text),
            cell(explanation.paper)
        )
        .unwrap();
    }
    page
}

#[test]
fn the_page_of_options_is_what_the_program_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/options.md");
    let made = options();
    if std::env::var_os("GANDLE_WRITE_DOCS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap();
    assert!(stored == made, "docs/options.md is out of date: GANDLE_WRITE_DOCS=1 cargo test --release --test docs");
}

/// The pages that are written by hand, by their paths below the project.
fn pages() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = Vec::new();
    for below in ["", "docs/", "fuzz/"] {
        let names = std::fs::read_dir(root.join(below)).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.to_str().unwrap().to_owned()).filter(|name| name.ends_with(".md"));
        pages.extend(names.map(|name| format!("{below}{name}")));
    }
    pages
}

#[test]
fn links_lead_to_files_and_the_readme_to_every_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = pages();
    assert!(pages.len() > 12, "{pages:?}");
    let mut led_to = Vec::new();
    for page in &pages {
        let text = std::fs::read_to_string(root.join(page)).unwrap();
        let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        for link in links.filter(|link| !link.is_empty() && !link.starts_with("http")) {
            let target = root.join(page).parent().unwrap().join(link);
            assert!(target.exists(), "{page}: {link} is not there");
            if page == "README.md" {
                led_to.push(link.to_owned());
            }
        }
    }
    let own = |page: &&String| page.starts_with("docs/") || ["ARCHITECTURE.md", "SECURITY.md"].contains(&page.as_str());
    for page in pages.iter().filter(own) {
        assert!(led_to.contains(page), "README.md does not lead to {page}");
    }
}
