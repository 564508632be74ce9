//! The pages below `docs` that are made from the program say what the program says.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;
use std::path::Path;

use gandle::config::{Config, options};

/// Every option in the words of the window and of `run.toml`.
fn options() -> String {
    let mut page = String::from(
        "# Every option\n\nThe keys of `run.toml`, which are those of `--set KEY=VALUE`. The window shows the same text beside each option. This page is generated from\nthe program: `GANDLE_WRITE_DOCS=1 cargo test --release --test docs` rewrites it.\n",
    );
    let plain = Config::default();
    let mut section = None;
    for explanation in options::ALL.iter() {
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

/// Where an option departs from what it cites, or promises less than its name, its text says so: the option, words that are in its
/// text, and words that are not.
const CAVEATS: &[(&str, &[&str], &[&str])] = &[
    ("optimizer.ema_decay", &["batch normalisation are recomputed"], &[]),
    (
        "discriminator.spectral_norm",
        &["Attention is bounded in the form `sagan` alone", "transposed convolution"],
        &["each layer"],
    ),
    ("discriminator.attention_form", &["steeper than spectral normalisation promises"], &[]),
    ("score.metrics", &["can escape all three"], &["show images that were learnt by heart"]),
    (
        "loss.lecam",
        &["with `hinge`, where the authors use 0.3", "0.000001 and less", "`lecam_one_sided` and `lecam_start`"],
        &[],
    ),
    ("discriminator.scales", &["one logit per image", "feature-matching loss"], &[]),
    ("discriminator.scale_edge", &["grey frame round bright"], &[]),
    ("score.extractor", &["only for as many images (most use 50000 fakes) of the same size"], &[]),
    ("discriminator.conditioning", &["classes of real images alone", "`loss.auxiliary_fakes`"], &[]),
    ("generator.skip", &["LeakyReLU of 0.1 and no spectral normalisation", "Swish"], &[]),
    ("augment.adaptive", &["anisotropic scaling, subpixel shifts, luma flips and hue rotation are missing"], &[]),
    ("augment.scale", &["which the authors' code mirrors", "without the paper's wavelet filter"], &[]),
    ("augment.rotation", &["mirror"], &[]),
    ("optimizer.ema_half_life", &["half-life of the average, in images"], &["Progressive"]),
    ("loss.r1_every", &["StyleGAN2 gives it an Adam step of its own"], &[]),
];

#[test]
fn options_say_where_they_depart_from_what_they_cite() {
    for (key, said, unsaid) in CAVEATS {
        let known = options::find(key).unwrap();
        let text = format!("{} {}", known.text, known.paper);
        said.iter().for_each(|words| assert!(text.contains(words), "{key}: {words:?} in {text}"));
        unsaid.iter().for_each(|words| assert!(!text.contains(words), "{key}: {words:?} in {text}"));
    }
    let authentic = gandle::config::Metric::AuthenticPercent;
    let text = gandle::config::Choice::about(authentic);
    assert!(text.contains("often 60 to 85") && text.contains("held-out") && !text.contains("about 50"), "{text}");
    let recall = gandle::config::Choice::about(gandle::config::Metric::Recall);
    assert!(recall.contains("Scattered fakes") && recall.contains("coverage"), "{recall}");
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
