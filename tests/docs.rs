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
