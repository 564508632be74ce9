//! What should perhaps not train: what the settings leave out, and what they might, with the setting for it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::LazyLock;

use regex::Regex;

use super::DataError;
use super::fact::Fact;
use super::listing::{File, Tree};
use super::source::folded;
use crate::config::{Config, Data, escaped, patterns, toml_list};
use crate::event::Finding;

/// Files that a finding names.
const NAMED: usize = 20;

/// Names that are left out one by one where no pattern fits them.
const ONE_BY_ONE: usize = 100;

/// Leaves out what `data.exclude` and `data.include` say.
///
/// # Errors
/// Where one of them is no pattern, or nothing is left.
pub(super) fn by_patterns(tree: &mut Tree, data: &Data) -> Result<(), DataError> {
    if data.exclude.is_empty() && data.include.is_empty() {
        return Ok(());
    }
    let set =
        |key: &'static str, list: &[String]| patterns(list).map_err(|message| DataError::Settings { key, message });
    let (exclude, include) = (set("data.exclude", &data.exclude)?, set("data.include", &data.include)?);
    let keep = |name: &str| !exclude.is_match(name) && (include.is_empty() || include.is_match(name));
    let left = tree.retain(|file| keep(&file.name));
    // A class without files goes where one in its folder would.
    let gone = tree.drop_empty(|class| exclude.is_match(inside(class)));
    tree.skipped.retain(|skipped| keep(&skipped.file));
    let keys = match (data.exclude.is_empty(), data.include.is_empty()) {
        (false, true) => "data.exclude",
        (true, _) => "data.include",
        (false, false) => "data.exclude and data.include",
    };
    if tree.files.is_empty() {
        let key = if data.exclude.is_empty() { "data.include" } else { "data.exclude" };
        let message = format!(
            "{keys} leaves out all of {left} files: patterns are held against names below the data folder, such as a/1.png"
        );
        return Err(DataError::Settings { key, message });
    }
    if left > 0 || gone.is_empty() {
        tree.notes.push(match left {
            0 => format!("{keys} leaves out nothing: no file fits"),
            1 => format!("1 file is left out by {keys}"),
            many => format!("{many} files are left out by {keys}"),
        });
    }
    tree.notes.extend(gone.into_iter().map(|class| format!("the empty class {class} is left out by data.exclude")));
    Ok(())
}

/// The folder of a class, as the names of its files begin.
fn inside(class: &str) -> String {
    format!("{class}/")
}

/// The change that leaves out these classes, of which no image is usable; nothing where no pattern fits theirs alone.
pub(super) fn leaving_out(empty: &[usize], tree: &Tree, data: &Data) -> Option<(String, String)> {
    let (theirs, others): (Vec<&File>, Vec<&File>) = tree.files.iter().partition(|file| empty.contains(&file.class));
    let mut more = Vec::new();
    for class in empty {
        let folder = inside(&tree.classes[*class]);
        let of_class = || theirs.iter().filter(move |file| file.class == *class);
        if of_class().all(|file| file.name.starts_with(&folder)) {
            more.push(format!("{}*", escaped(&folder)));
        } else {
            more.extend(of_class().map(|file| escaped(&file.name)));
        }
    }
    let set = patterns(&more).ok().filter(|_| more.len() <= ONE_BY_ONE)?;
    let list: Vec<String> = data.exclude.iter().cloned().chain(more).collect();
    let alone = others.iter().all(|file| !set.is_match(&file.name));
    (alone && !others.is_empty()).then(|| ("data.exclude".to_owned(), toml_list(&list)))
}

/// Leaves out copies, with `data.drop_duplicates`: all but the first image of each group of the same pixels (or the first of those
/// that the source holds out), and all of a group that is in several classes.
pub(super) fn duplicates(tree: &Tree, outcomes: &mut [Result<Fact, String>], data: &Data) {
    if !data.drop_duplicates {
        return;
    }
    // Which is kept, and whether all are of its class.
    let mut first: BTreeMap<[u8; 32], (usize, bool)> = BTreeMap::new();
    for (at, (file, outcome)) in tree.files.iter().zip(outcomes.iter()).enumerate() {
        let Ok(fact) = outcome else { continue };
        let (kept, one_class) = first.entry(fact.digest).or_insert((at, true));
        *one_class &= tree.files[*kept].class == file.class;
        if file.reserved && !tree.files[*kept].reserved {
            *kept = at;
        }
    }
    let mut dropped = BTreeMap::new();
    for (at, outcome) in outcomes.iter().enumerate() {
        let Some(&(kept, one_class)) = outcome.as_ref().ok().and_then(|fact| first.get(&fact.digest)) else { continue };
        let name = tree.files[kept].title();
        if !one_class {
            dropped.insert(at, "the same pixels in several classes; left out by data.drop_duplicates".to_owned());
        } else if kept != at {
            dropped.insert(at, format!("the same pixels as {name}; left out by data.drop_duplicates"));
        }
    }
    for (at, reason) in dropped {
        outcomes[at] = Err(reason);
    }
}

/// The end of a name that says what a file is beside the image of the name before it.
static MARKED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words =
        "masks?|seg|segs|segmentation|segmented|annotations?|groundtruth|ground_truth|gt|thumbs?|thumbnails?|preview";
    Regex::new(&format!(r"(?i)^(.+?)([ _.-](?:{words}))([ _-]?)([0-9]*)$")).ok()
});

/// A file as it is looked at: its name without extension, the folder before it, and what stands behind the name of its image.
struct Look<'a> {
    file: &'a File,
    fact: &'a Fact,
    folder: &'a str,
    stem: &'a str,
    extension: &'a str,
    /// The image's name, the mark, and what stands between it and a number.
    marked: Option<(&'a str, &'a str, &'a str, bool)>,
}

impl<'a> Look<'a> {
    fn at(file: &'a File, fact: &'a Fact) -> Self {
        let (folder, base) = file.name.rsplit_once('/').unwrap_or(("", &file.name));
        let (stem, extension) = base.rsplit_once('.').unwrap_or((base, ""));
        let marked = MARKED.as_ref().and_then(|marked| marked.captures(stem)).map(|found| {
            let part = |at: usize| found.get(at).map_or("", |part| part.as_str());
            (part(1), part(2), part(3), !part(4).is_empty())
        });
        Self { file, fact, folder, stem, extension, marked }
    }

    /// The pattern of all files that are marked like this one.
    fn pattern(&self) -> Option<String> {
        let (_, mark, between, numbered) = self.marked?;
        let number = if numbered { format!("{}[0-9]*", escaped(between)) } else { String::new() };
        let end = if self.extension.is_empty() { "" } else { ".*" };
        Some(format!("*{}{number}{end}", escaped(mark)))
    }
}

/// What is doubtful about what was found.
pub(super) fn findings(tree: &Tree, outcomes: &[Result<Fact, String>], config: &Config) -> Vec<Finding> {
    let usable = tree.files.iter().zip(outcomes).filter_map(|(file, outcome)| Some((file, outcome.as_ref().ok()?)));
    let all: Vec<Look<'_>> = usable.map(|(file, fact)| Look::at(file, fact)).collect();
    let mut found = tree.findings.clone();
    let beside = beside(&all, config.image_size);
    found.extend(beside.into_iter().filter_map(|(what, flagged)| finding(&all, &flagged, what, &config.data)));
    found.extend(colourless(&all, config.channels));
    found.extend(copies(&all));
    found.extend(alike(&tree.classes));
    found
}

/// Masks and thumbnails: what they are told as, and a flag for each image.
fn beside(all: &[Look<'_>], size: usize) -> [(&'static str, Vec<bool>); 2] {
    let images: HashSet<(&str, &str)> = all.iter().map(|look| (look.folder, look.stem)).collect();
    // A name alone may be that of a class (`with_mask_1`): there must be an image that it belongs to.
    let belongs = |look: &Look<'_>| look.marked.is_some_and(|(image, ..)| images.contains(&(look.folder, image)));
    let is_small = |look: &Look<'_>| {
        look.marked.is_some_and(|(_, mark, ..)| {
            let mark = mark[1..].to_lowercase();
            mark.starts_with("thumb") || mark == "preview"
        })
    };
    let flags = |flag: &dyn Fn(&Look<'_>) -> bool| all.iter().map(flag).collect::<Vec<bool>>();
    let two_valued = all.iter().filter(|look| look.fact.two_valued).count();
    // Where nearly all images have two values, that is what they are like.
    let masks_stand_out = two_valued * 5 < all.len() * 4;
    let mask = |look: &Look<'_>| (belongs(look) && !is_small(look)) || (look.fact.two_valued && masks_stand_out);
    let side = |look: &Look<'_>| look.fact.width.max(look.fact.height);
    let mut sides: Vec<u32> = all.iter().map(side).collect();
    sides.sort_unstable();
    let usual = sides.get(sides.len() / 2).copied().unwrap_or(0);
    let tiny = |look: &Look<'_>| side(look).saturating_mul(4) < usual && (side(look) as usize) < size;
    let thumb = |look: &Look<'_>| !mask(look) && ((belongs(look) && is_small(look)) || tiny(look));
    [("look like masks, not images", flags(&mask)), ("look like thumbnails of others", flags(&thumb))]
}

fn finding(all: &[Look<'_>], flags: &[bool], what: &str, data: &Data) -> Option<Finding> {
    let flagged: Vec<&Look<'_>> = all.iter().zip(flags).filter(|(_, flag)| **flag).map(|(look, _)| look).collect();
    let others: Vec<&Look<'_>> = all.iter().zip(flags).filter(|(_, flag)| !**flag).map(|(look, _)| look).collect();
    if flagged.is_empty() || others.is_empty() {
        return None;
    }
    let files: Vec<String> = flagged.iter().take(NAMED).map(|look| look.file.title()).collect();
    let (images, them) = if flagged.len() == 1 { ("image", "it") } else { ("images", "them") };
    let message = format!("{} {images} {what} ({}, ...): leave {them} out with data.exclude", flagged.len(), files[0]);
    let fix = excluding(&flagged, &others).map(|more| {
        let list: Vec<String> = data.exclude.iter().cloned().chain(more).collect();
        ("data.exclude".to_owned(), toml_list(&list))
    });
    Some(Finding { message, files, fix: fix.into_iter().collect() })
}

/// Patterns that fit all of the flagged files and none of the others; nothing where there would be too many.
fn excluding(flagged: &[&Look<'_>], others: &[&Look<'_>]) -> Option<Vec<String>> {
    let fits_others = |pattern: &String| {
        patterns(std::slice::from_ref(pattern))
            .map_or(true, |set| others.iter().any(|look| set.is_match(&look.file.name)))
    };
    let mut list: BTreeSet<String> = flagged.iter().filter_map(|look| look.pattern()).collect();
    list.retain(|pattern| !fits_others(pattern));
    let set = patterns(&list.iter().cloned().collect::<Vec<_>>()).ok()?;
    let rest: BTreeSet<&str> =
        flagged.iter().map(|look| look.file.name.as_str()).filter(|name| !set.is_match(name)).collect();
    let ending = ending(&rest).map(|ending| format!("*{}", escaped(ending))).filter(|pattern| !fits_others(pattern));
    match ending {
        Some(pattern) => _ = list.insert(pattern),
        None if rest.len() > ONE_BY_ONE => return None,
        None => list.extend(rest.into_iter().map(escaped)),
    }
    Some(list.into_iter().collect())
}

/// The letters that several names end in, beyond their extension.
fn ending<'a>(names: &BTreeSet<&'a str>) -> Option<&'a str> {
    let first = names.first().filter(|_| names.len() > 1)?;
    let same = |other: &str| {
        first
            .chars()
            .rev()
            .zip(other.chars().rev())
            .take_while(|(a, b)| a == b)
            .map(|(a, _)| a.len_utf8())
            .sum::<usize>()
    };
    let length = names.iter().map(|other| same(other)).min()?;
    let ending = &first[first.len() - length..];
    let ending = &ending[ending.find('/').map_or(0, |at| at + 1)..];
    (ending.find('.').unwrap_or(ending.len()) >= 2).then_some(ending)
}

/// Images with the pixels of others.
fn copies(all: &[Look<'_>]) -> Option<Finding> {
    let mut seen = HashSet::new();
    let again: Vec<&Look<'_>> = all.iter().filter(|look| !seen.insert(look.fact.digest)).collect();
    let first = again.first()?;
    let (images, have, are, they) =
        if again.len() == 1 { ("image", "has", "is", "it") } else { ("images", "have", "are", "they") };
    Some(Finding {
        message: format!(
            "{} {images} {have} the pixels of another ({}, ...), and {are} shown as often as if {they} were new: data.drop_duplicates leaves copies out",
            again.len(),
            first.file.title()
        ),
        files: again.iter().take(NAMED).map(|look| look.file.title()).collect(),
        fix: vec![("data.drop_duplicates".to_owned(), "true".to_owned())],
    })
}

/// Images without colour, of which coloured ones are to be drawn.
fn colourless(all: &[Look<'_>], channels: usize) -> Option<Finding> {
    if channels == 1 || all.is_empty() || !all.iter().all(|look| look.fact.grey) {
        return None;
    }
    let images = if all.len() == 1 { "the only image is".to_owned() } else { format!("all {} images are", all.len()) };
    let message = format!(
        "{images} grey, while the networks are set to draw in colour: they would have to learn that red, green and blue are always equal, and draw tinted images until they do"
    );
    let fix = vec![("channels".to_owned(), "1".to_owned())];
    Some(Finding { message, files: Vec::new(), fix })
}

/// Classes that a reader would take for one.
fn alike(classes: &[String]) -> Vec<Finding> {
    let mut same: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    for class in classes {
        same.entry(folded(class.trim())).or_default().push(class);
    }
    let told = |names: Vec<&String>| {
        let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
        let message = format!(
            "the classes {} differ in nothing but upper and lower case, spaces or how accents are stored: where they are one, give them one name",
            names.join(" and ")
        );
        Finding { message, files: Vec::new(), fix: Vec::new() }
    };
    same.into_values().filter(|names| names.len() > 1).map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(files: &[(&str, u32, bool)], data: &Data) -> Vec<Finding> {
        let file = |(name, ..): &(&str, u32, bool)| File { name: (*name).to_owned(), ..File::default() };
        let tree = Tree { classes: vec!["a".to_owned()], files: files.iter().map(file).collect(), ..Tree::default() };
        let fact = |(at, (_, side, two)): (usize, &(&str, u32, bool))| Ok(Fact::made(*side, [at as u8; 32], *two));
        let outcomes: Vec<Result<Fact, String>> = files.iter().enumerate().map(fact).collect();
        findings(&tree, &outcomes, &Config { data: data.clone(), image_size: 64, ..Config::default() })
    }

    fn fix(finding: &Finding) -> &str {
        finding.fix.first().map_or("", |(_, value)| value)
    }

    #[test]
    fn masks_beside_their_images_are_found_and_left_out_by_a_pattern() {
        let busi = [
            ("benign/benign (1).png", 100, false),
            ("benign/benign (1)_mask.png", 100, true),
            ("benign/benign (1)_mask_1.png", 100, false),
            ("benign/benign (2).png", 100, false),
            ("benign/benign (2)_mask.png", 100, true),
        ];
        let data = Data { exclude: vec!["*.tmp".to_owned()], ..Data::default() };
        let found = look(&busi, &data);
        assert!(found[0].message.starts_with("3 images look like masks"), "{found:?}");
        assert_eq!(fix(&found[0]), r#"["*.tmp", "*_mask.*", "*_mask_[0-9]*.*"]"#);
        // A class of that name is none.
        assert_eq!(look(&[("with_mask/with_mask_1.png", 100, false), ("b/without_mask_1.png", 100, false)], &data), []);
        assert_eq!(look(&[("a/1.png", 100, true), ("a/2.png", 100, true)], &data), [], "a set of drawings");
    }

    #[test]
    fn images_of_two_values_are_found_by_their_pixels() {
        let files =
            [("a/1.png", 100, false), ("a/1-b.png", 100, true), ("a/2.png", 100, false), ("a/2-b.png", 100, true)];
        assert_eq!(fix(&look(&files, &Data::default())[0]), r#"["*-b.png"]"#);
        let odd = [("a/1.png", 100, false), ("a/[x].png", 100, true), ("a/2.png", 100, false)];
        let found = look(&odd, &Data::default());
        assert!(fix(&found[0]).contains("[[]x[]]"), "{found:?}");
    }

    #[test]
    fn grey_images_are_told_where_colour_is_to_be_drawn() {
        let of = |greys: &[bool], channels: usize| {
            let file = |at: usize| File { name: format!("a/{at}.png"), ..File::default() };
            let tree =
                Tree { classes: vec!["a".to_owned()], files: (0..greys.len()).map(file).collect(), ..Tree::default() };
            let fact = |(at, grey): (usize, &bool)| Ok(Fact { grey: *grey, ..Fact::made(100, [at as u8; 32], false) });
            let outcomes: Vec<Result<Fact, String>> = greys.iter().enumerate().map(fact).collect();
            findings(&tree, &outcomes, &Config { channels, ..Config::default() })
        };
        let found = of(&[true; 3], 3);
        assert!(found.len() == 1 && found[0].message.starts_with("all 3 images are grey"), "{found:?}");
        assert_eq!(found[0].fix, [("channels".to_owned(), "1".to_owned())]);
        assert_eq!((of(&[true, false], 3), of(&[true; 3], 1), of(&[], 3)), (Vec::new(), Vec::new(), Vec::new()));
    }

    #[test]
    fn empty_classes_are_left_out_by_patterns_that_fit_nothing_else() {
        let tree = |files: &[(usize, &str)]| {
            let classes = ["a", "b [1]", "c"].map(str::to_owned).to_vec();
            let file =
                |(class, name): &(usize, &str)| File { name: (*name).to_owned(), class: *class, ..File::default() };
            Tree { classes, files: files.iter().map(file).collect(), ..Tree::default() }
        };
        let list = |text: &str| Data { exclude: vec![text.to_owned()], ..Data::default() };
        let fix = |files: &[(usize, &str)]| {
            leaving_out(&[1, 2], &tree(files), &list("*.tmp")).map(|(key, value)| format!("{key}={value}"))
        };
        let broken = [(0, "a/1.png"), (2, "c/1.png")];
        let told = fix(&broken).unwrap();
        assert_eq!(told, r#"data.exclude=["*.tmp", "b [[]1[]]/*", "c/*"]"#);
        // It mends what it is told to mend, also where the folder of a class is empty.
        let data = Config::default().with(&[told]).unwrap().data;
        let mut left = tree(&broken);
        by_patterns(&mut left, &data).unwrap();
        assert_eq!((left.classes.as_slice(), left.files.len()), (&["a".to_owned()][..], 1));
        assert_eq!(
            left.notes,
            ["1 file is left out by data.exclude", "the empty class b [1] is left out by data.exclude"]
        );
        // Where classes are no folders, by the names of the files.
        assert!(fix(&[(0, "1.png"), (1, "2.png"), (2, "3.png")]).unwrap().ends_with(r#""2.png", "3.png"]"#));
        assert_eq!(fix(&[(0, "C/1.png")]), None, "the other class would go too");
        assert_eq!(fix(&[(2, "c/1.png")]), None, "nothing would be left");
        let mut kept = tree(&broken);
        by_patterns(&mut kept, &list("*.tmp")).unwrap();
        assert_eq!((kept.classes.len(), kept.notes[0].as_str()), (3, "data.exclude leaves out nothing: no file fits"));
    }

    #[test]
    fn thumbnails_are_found_by_name_and_by_size() {
        let files =
            [("a/1.png", 400, false), ("a/1_thumb.png", 120, false), ("a/2.png", 400, false), ("a/s.png", 40, false)];
        let found = look(&files, &Data::default());
        assert!(found[0].message.starts_with("2 images look like thumbnails"), "{found:?}");
        assert_eq!(fix(&found[0]), r#"["*_thumb.*", "a/s.png"]"#);
    }

    #[test]
    fn classes_that_look_the_same_are_told() {
        let names = ["Caf\u{e9}", "cafe\u{301}", "tea"].map(str::to_owned);
        let found = alike(&names);
        assert!(found.len() == 1 && found[0].message.contains("`Caf\u{e9}` and `cafe\u{301}`"), "{found:?}");
    }

    #[test]
    fn copies_go_but_for_the_first_and_contradictions_go_all() {
        let mut tree = Tree { classes: vec!["a".to_owned(), "b".to_owned()], ..Tree::default() };
        for (name, class) in [("a/1", 0), ("a/2", 0), ("a/3", 0), ("b/1", 1), ("b/2", 1)] {
            tree.files.push(File { name: name.to_owned(), class, ..File::default() });
        }
        let outcomes = || [1, 1, 2, 2, 3].map(|digest| Ok::<_, String>(Fact::made(9, [digest; 32], false)));
        let mut kept = outcomes();
        duplicates(&tree, &mut kept, &Data::default());
        assert!(kept.iter().all(Result::is_ok));
        let drop = Data { drop_duplicates: true, ..Data::default() };
        duplicates(&tree, &mut kept, &drop);
        assert_eq!(kept.each_ref().map(Result::is_ok), [true, false, false, false, true]);
        assert!(kept[1].as_ref().err().is_some_and(|reason| reason.contains("as a/1")));
        tree.files[1].reserved = true;
        let mut kept = outcomes();
        duplicates(&tree, &mut kept, &drop);
        assert_eq!(kept.each_ref().map(Result::is_ok), [false, true, false, false, true], "what is held out stays");
    }

    #[test]
    fn patterns_leave_out_and_keep() {
        let mut tree = Tree { classes: vec!["a".to_owned(), "b".to_owned()], ..Tree::default() };
        for (name, class) in [("a/1.png", 0), ("a/1_mask.png", 0), ("b/1.png", 1)] {
            tree.files.push(File { name: name.to_owned(), class, ..File::default() });
        }
        let list = |text: &str| vec![text.to_owned()];
        by_patterns(&mut tree, &Data { exclude: list("*_mask.*"), ..Data::default() }).unwrap();
        assert_eq!((tree.files.len(), tree.notes[0].as_str()), (2, "1 file is left out by data.exclude"));
        by_patterns(&mut tree, &Data { include: list("a/*"), ..Data::default() }).unwrap();
        assert_eq!(tree.classes, ["a"]);
        let none = by_patterns(&mut tree, &Data { exclude: list("*"), ..Data::default() }).unwrap_err().to_string();
        assert!(none.contains("data.exclude"), "{none}");
        assert!(by_patterns(&mut tree, &Data { exclude: list("["), ..Data::default() }).is_err());
    }
}
