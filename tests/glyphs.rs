//! Every sign that the program itself writes has a glyph in the fonts that come with it.
#![cfg(feature = "gui")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use egui::FontFamily;
use gandle::ui::theme;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The signs beyond ASCII of a source text, as they are and as `\u{2026}`, without comments and tests.
fn signs(text: &str) -> Vec<char> {
    let own = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = own.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut found = Vec::new();
    for line in lines {
        found.extend(line.chars().filter(|sign| !sign.is_ascii()));
        let escaped =
            line.split("\\u{").skip(1).filter_map(|rest| u32::from_str_radix(rest.split('}').next()?, 16).ok());
        found.extend(escaped.filter_map(char::from_u32).filter(|sign| !sign.is_control()));
    }
    found
}

#[test]
fn every_sign_of_the_window_has_a_glyph() {
    let mut files = Vec::new();
    for room in ["ui", "app", "config", "event", "engine", "train", "data", "session", "metric"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room), &mut files);
    }
    let mut used: BTreeMap<char, PathBuf> = BTreeMap::new();
    for file in files {
        for sign in signs(&std::fs::read_to_string(&file).unwrap()) {
            // What replaces letters that no text may have, and marks of direction, are looked for and never shown.
            let is_shown = !matches!(sign, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
            if is_shown {
                used.entry(sign).or_insert_with(|| file.clone());
            }
        }
    }
    assert!(used.contains_key(&'\u{2026}') && used.len() > 5, "{used:?}");
    let ctx = egui::Context::default();
    theme::apply(&ctx);
    ctx.run_ui(egui::RawInput::default(), |_| {}).textures_delta.clear();
    for family in [FontFamily::Proportional, FontFamily::Monospace] {
        for (sign, file) in &used {
            let has = ctx.fonts_mut(|fonts| fonts.has_glyph(&egui::FontId::new(13.0, family.clone()), *sign));
            assert!(has, "{sign:?} (U+{:04X}) of {} is a box in {family}", u32::from(*sign), file.display());
        }
    }
}
