//! Folds the news of reading a data folder into what the panels show about the data.

use crate::config::{Config, Level, Problem, ScanRules, SliceAxis, SplitBy, options};
use crate::event::{DataSummary, Finding, GridPicture, JobEvent};
use crate::guard::lines;

/// How far reading the data is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// Not asked for yet.
    #[default]
    Nothing,
    /// Under way.
    Busy {
        /// Files done.
        done: usize,
        /// Of how many, where that is known already.
        total: usize,
    },
    /// Read.
    Done,
    /// Impossible, with the reason.
    Failed(String),
}

/// What of a configuration decides what is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    source: String,
    /// Image size, channels and bits: images are shown as the networks will see them.
    look: (usize, usize, usize),
    /// Images a class of the drawn set.
    drawn: Option<usize>,
    /// How scans are read: the rules, and the name and the bits of the window, so that what is no number is like itself.
    scans: (ScanRules, Option<&'static str>, Option<(u64, u64)>),
    /// How volumes and slides are cut.
    cut: (SliceAxis, usize, usize),
    /// What decides which images are held out; nothing where none are.
    split: Option<(u64, u64, String, SplitBy)>,
    /// How a table is read.
    table: [String; 3],
    /// Which files are left out.
    left_out: (Vec<String>, Vec<String>, bool),
}

impl Source {
    /// The source that a configuration names.
    pub fn of(config: &Config) -> Self {
        let data = &config.data;
        let window = data.window.values().map(|(centre, width)| (centre.to_bits(), width.to_bits()));
        let split = (data.held_out.to_bits(), data.split_seed, data.group_by.clone(), data.split_by);
        Self {
            source: data.source.clone(),
            look: (config.image_size, config.channels, data.depth),
            drawn: data.is_demo().then_some(data.demo_images),
            scans: (data.scans, data.window.name(), window),
            cut: (data.slice_axis, data.slice_every, data.tile),
            split: (data.held_out > 0.0).then_some(split),
            table: [&data.table_file, &data.table_label, &data.table_encoding].map(Clone::clone),
            left_out: (data.exclude.clone(), data.include.clone(), data.drop_duplicates),
        }
    }
}

/// Everything that is shown about the data of the set-up. [`DataView::apply`] alone changes what was read.
#[derive(Clone, Debug, Default)]
pub struct DataView {
    asked: Option<Source>,
    reading: Reading,
    summary: Option<DataSummary>,
    samples: Option<GridPicture>,
    problems: Vec<Problem>,
}

impl DataView {
    /// Remembers that this source is being read.
    pub fn ask(&mut self, source: Source) {
        // Images of the same source stay until the new ones are there, so that nothing flickers.
        if self.asked.as_ref().is_none_or(|asked| asked.source != source.source) {
            (self.summary, self.samples) = (None, None);
            self.problems.clear();
        }
        self.asked = Some(source);
        self.reading = Reading::Busy { done: 0, total: 0 };
    }

    /// Takes in news from the reader.
    pub fn apply(&mut self, event: JobEvent) {
        match event {
            JobEvent::Progress { done, total } => self.reading = Reading::Busy { done, total },
            JobEvent::Preview { summary, samples } => {
                self.reading = Reading::Done;
                self.problems = problems(&summary);
                self.summary = Some(*summary);
                self.samples = Some(samples);
            }
            JobEvent::Failed { message } => self.fail(Finding { message, ..Finding::default() }),
            JobEvent::Refused(finding) => self.fail(finding),
            JobEvent::Cancelled => self.reading = Reading::Nothing,
            JobEvent::Scoring(_)
            | JobEvent::BrowsePage(_)
            | JobEvent::Exported(_)
            | JobEvent::Rescored { .. }
            | JobEvent::Quiz(_)
            | JobEvent::Probed(_) => {}
        }
    }

    fn fail(&mut self, finding: Finding) {
        let finding = Finding { message: lines(&finding.message).into_owned(), ..finding };
        let text = format!("The data could not be read: {}", finding.message);
        self.problems = vec![Problem { level: Level::Error, message: text, ..doubt(&finding) }];
        self.reading = Reading::Failed(finding.message);
        (self.summary, self.samples) = (None, None);
    }

    /// Whether this source still has to be read.
    pub fn is_stale(&self, source: &Source) -> bool {
        self.asked.as_ref() != Some(source)
    }

    /// What is wrong or doubtful with what was found.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// How far reading is.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// What was found.
    pub fn summary(&self) -> Option<&DataSummary> {
        self.summary.as_ref()
    }

    /// Real images, one row a class.
    pub fn samples(&self) -> Option<&GridPicture> {
        self.samples.as_ref()
    }

    /// Number of classes, where known.
    pub fn classes(&self) -> Option<usize> {
        self.summary.as_ref().map(|summary| summary.classes.len())
    }
}

/// The key that names the data.
const SOURCE: &str = "data.source";

/// What whoever trains on this data should know first.
fn problems(summary: &DataSummary) -> Vec<Problem> {
    let single = summary.classes.iter().filter(|class| class.images == 1);
    let single = single.map(|class| {
        format!(
            "the class {} has one image, and nothing to vary between: the generator can only copy it. Add images, or leave the class out",
            class.name
        )
    });
    let contradicting = (summary.contradicting > 0).then(|| {
        let (groups, have, their) = match summary.contradicting {
            1 => ("1 group of files".to_owned(), "has", "its"),
            many => (format!("{many} groups of files"), "have", "their"),
        };
        format!("{groups} {have} the same pixels in different classes, so that {their} labels contradict each other; the Data page names them")
    });
    let plain = single.chain(contradicting).map(|text| Problem::new(Level::Warning, SOURCE, text));
    plain.map(shown).chain(summary.findings.iter().map(doubt).map(shown)).collect()
}

/// The same in letters that are all seen: names of files and classes are anybody's.
fn shown(problem: Problem) -> Problem {
    Problem { message: lines(&problem.message).into_owned(), ..problem }
}

/// What was found doubtful, with the click that mends it.
fn doubt(finding: &Finding) -> Problem {
    let known = |(key, value): &(String, String)| Some((options::find(key)?.key, value.clone()));
    let fix: Vec<(&'static str, String)> = finding.fix.iter().filter_map(known).collect();
    let key = fix.first().map_or(SOURCE, |(key, _)| key);
    Problem { fix, ..Problem::new(Level::Warning, key, finding.message.clone()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ClassCount;

    #[test]
    fn only_what_is_read_makes_the_data_stale() {
        let mut config = Config::default();
        let mut view = DataView::default();
        assert!(view.is_stale(&Source::of(&config)));
        view.ask(Source::of(&config));
        config.train.steps = 1;
        assert!(!view.is_stale(&Source::of(&config)));
        config.image_size = 32;
        assert!(view.is_stale(&Source::of(&config)));
        config.data.source = "/cells".to_owned();
        view.ask(Source::of(&config));
        config.data.demo_images += 1;
        config.data.split_seed = 3;
        assert!(!view.is_stale(&Source::of(&config)), "nothing is held out, and nothing drawn");
        for change in [|c: &mut Config| c.image_size = 128, |c: &mut Config| c.channels = 1] {
            let mut other = config.clone();
            change(&mut other);
            assert!(view.is_stale(&Source::of(&other)), "images are shown as the networks see them");
        }
        config.data.held_out = 0.2;
        assert!(view.is_stale(&Source::of(&config)));
    }

    #[test]
    fn a_failure_forgets_what_was_read_before() {
        let mut view = DataView { summary: Some(DataSummary::default()), ..DataView::default() };
        view.apply(JobEvent::Failed { message: "no such folder".to_owned() });
        assert_eq!((view.reading(), view.classes()), (&Reading::Failed("no such folder".to_owned()), None));
    }
    #[test]
    fn what_is_wrong_with_the_data_is_a_problem_of_the_set_up() {
        let class = |name: &str, images| ClassCount { name: name.to_owned(), images, held_out: 0 };
        let classes = vec![class("many", 40), class("one", 1)];
        let found = problems(&DataSummary { classes, contradicting: 19, ..DataSummary::default() });
        assert!(found[0].message.contains("the class one has one image"), "{found:?}");
        assert!(
            found[1].message.starts_with("19 groups of files have the same pixels in different classes"),
            "{found:?}"
        );
        assert!(problems(&DataSummary { classes: vec![class("many", 40)], ..DataSummary::default() }).is_empty());
        let mut view = DataView::default();
        view.apply(JobEvent::Failed { message: "no such folder".to_owned() });
        assert_eq!((view.problems()[0].level, view.problems()[0].fix_name()), (Level::Error, None));
        let fix = vec![("data.exclude".to_owned(), r#"["empty/*"]"#.to_owned())];
        view.apply(JobEvent::Refused(Finding {
            message: "the class `empty` has none".to_owned(),
            fix,
            ..Finding::default()
        }));
        assert_eq!((view.problems().len(), view.problems()[0].level), (1, Level::Error));
        let mended = view.problems()[0].fixed(&Config::default()).unwrap();
        assert_eq!(mended.data.exclude, ["empty/*"]);
        assert!(view.is_stale(&Source::of(&mended)), "it is read again");
    }

    #[test]
    fn what_was_found_is_mended_with_one_click() {
        let value = "[\"*_mask.*\"]".to_owned();
        let masks = Finding {
            message: "8 masks".to_owned(),
            fix: vec![("data.exclude".to_owned(), value)],
            ..Finding::default()
        };
        let copies =
            Finding { fix: vec![("data.drop_duplicates".to_owned(), "true".to_owned())], ..Finding::default() };
        let found =
            problems(&DataSummary { findings: vec![masks, copies, Finding::default()], ..DataSummary::default() });
        let keys: Vec<&str> = found.iter().map(|problem| problem.key).collect();
        assert_eq!(keys, ["data.exclude", "data.drop_duplicates", "data.source"]);
        let config = found[0].fixed(&Config::default()).unwrap();
        assert_eq!(config.data.exclude, ["*_mask.*"]);
        assert!(found[1].fixed(&config).unwrap().data.drop_duplicates && found[2].fix_name().is_none());
        assert!(
            config != Config::default() && Source::of(&config) != Source::of(&Config::default()),
            "it is read again"
        );
    }
}
