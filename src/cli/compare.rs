//! `gandle compare`: runs beside each other, as the page Compare of the window has them.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::print::{json, note, out, say};
use super::usage::Usage;
use crate::chart::{duration, score};
use crate::config::{Metric, options};
use crate::guard::{self, csv_cell};
use crate::session::{self, Stored};
use crate::summary::{BestScore, Brief, Grouping, Spread, differing};

/// Characters of a name or a value in a table that is read by people; longer ones are cut.
const MOST: usize = 28;
/// The setting in which the runs of a group differ.
const SEED: &str = "train.seed";
/// Settings that have a column each at most; more are told as changes of the first run.
const MOST_COLUMNS: usize = 6;

#[derive(Args)]
pub(super) struct CompareArgs {
    /// Folders of sessions, or folders that hold sessions, such as that of a sweep.
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// What puts runs into one group, whose mean and spread are told: `seeds` (all settings but the seed), `none`, or the key of a
    /// setting.
    #[arg(long, value_name = "KEY", default_value = "seeds")]
    group: String,
    /// Further scores to tell beside the one that each run goes by: precision,recall. Of each, its own best value.
    #[arg(long, value_name = "SCORE[,SCORE]...", value_delimiter = ',')]
    scores: Vec<String>,
    /// Print one JSON object.
    #[arg(long, conflicts_with_all = ["csv", "markdown"])]
    json: bool,
    /// Print a table with a line for each run, separated by commas.
    #[arg(long, conflicts_with = "markdown")]
    csv: bool,
    /// Print tables in Markdown.
    #[arg(long)]
    markdown: bool,
}

/// A run, as it is told.
#[derive(Debug, Serialize)]
struct Run {
    session: String,
    folder: PathBuf,
    state: &'static str,
    step: usize,
    steps: usize,
    /// Seconds of training.
    seconds: Option<f64>,
    /// The best value of the score that the run goes by, and its step.
    best: Option<Best>,
    /// The best values of further scores that were asked for, where the run has them.
    scores: Vec<Option<Best>>,
    seed: u64,
    /// The number of its group, from 1.
    group: usize,
    /// The settings in which the runs differ, beside the seed.
    settings: Vec<Setting>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Best {
    metric: String,
    extractor: String,
    samples: usize,
    step: usize,
    value: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Setting {
    key: String,
    value: String,
}

/// Runs that belong together.
#[derive(Debug, Serialize)]
struct Group {
    group: usize,
    /// What the names of its runs begin with, before their seeds.
    name: Option<String>,
    runs: usize,
    finished: usize,
    /// The score that they are compared by.
    metric: Option<String>,
    /// Of the best values of that score; those of other scores, or of other numbers of images, are left out.
    scores: usize,
    mean: Option<f64>,
    /// The standard deviation (with n - 1).
    deviation: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    /// The mean of the differences from the first group, seed by seed, where both have the same score of the same seeds.
    difference: Option<f64>,
    /// Means of the further scores.
    further: Vec<Option<f64>>,
    /// Settings that are the same in the group, and others elsewhere.
    settings: Vec<Setting>,
}

#[derive(Debug, Serialize)]
struct Table {
    /// Names of the further scores.
    scores: Vec<String>,
    runs: Vec<Run>,
    groups: Vec<Group>,
}

pub(super) fn run(args: &CompareArgs) -> anyhow::Result<()> {
    let grouping = match args.group.as_str() {
        "seeds" => Grouping::Seeds,
        "none" => Grouping::None,
        key if options::find(key).is_some() => Grouping::Key(key.to_owned()),
        key => return Err(Usage(format!("--group {key}: neither `seeds`, `none` nor a setting")).into()),
    };
    let mut read = Vec::new();
    for folder in &args.folders {
        read.extend(sessions(folder)?);
    }
    for name in &args.scores {
        if Metric::named(name).is_none() {
            return Err(Usage(format!("--scores {name}: there is no such score; docs/scores.md lists them")).into());
        }
    }
    let table = Table::of(&read, &grouping, &args.scores);
    if args.json {
        return json(&table);
    }
    if args.csv {
        return Ok(table.csv()?);
    }
    let style = if args.markdown { Style::Markdown } else { Style::Plain };
    Ok(table.print(style)?)
}

/// A session that was read.
struct Read {
    folder: PathBuf,
    brief: Brief,
    busy: bool,
}

/// The session of a folder, or those that lie in it, by their names.
fn sessions(folder: &Path) -> anyhow::Result<Vec<Read>> {
    let read = |folder: PathBuf| -> anyhow::Result<Read> {
        let stored = Stored::outline(&folder)?;
        let busy = !session::is_free(&folder);
        Ok(Read { folder, brief: Brief::new(stored.config, stored.events), busy })
    };
    if session::has_run(folder) {
        return Ok(vec![read(folder.to_owned())?]);
    }
    let mut inside: Vec<PathBuf> = session::list_in(folder).into_iter().map(|listed| listed.folder).collect();
    if inside.is_empty() {
        return Err(Usage(format!("{}: neither a session nor a folder that holds any", folder.display())).into());
    }
    inside.sort_by_key(|folder| by_numbers(folder));
    let told = inside.into_iter().filter_map(|folder| {
        let name = folder.display().to_string();
        read(folder).inspect_err(|err| note!("{name} is left out: {err:#}")).ok()
    });
    Ok(told.collect())
}

/// What names are sorted by: `seed10` comes after `seed9`.
fn by_numbers(folder: &Path) -> Vec<(u64, String)> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let mut parts: Vec<(u64, String)> = Vec::new();
    for piece in name.split_inclusive(|letter: char| !letter.is_ascii_digit()) {
        let digits: String = piece.chars().take_while(char::is_ascii_digit).collect();
        let rest = piece[digits.len()..].to_owned();
        parts.push((digits.parse().unwrap_or(0), rest));
    }
    parts
}

impl Table {
    fn of(read: &[Read], grouping: &Grouping, scores: &[String]) -> Self {
        let settings: Vec<&[(String, String)]> = read.iter().map(|read| read.brief.settings.as_slice()).collect();
        let differing: Vec<(String, Vec<String>)> =
            differing(&settings).into_iter().filter(|(key, _)| key != SEED).collect();
        let mut keys: Vec<String> = Vec::new();
        let mut run = |(at, read): (usize, &Read)| {
            let Read { folder, brief, busy } = read;
            let key = grouping.key_of(&brief.settings, &folder.display().to_string());
            let group = keys.iter().position(|known| *known == key).unwrap_or_else(|| {
                keys.push(key);
                keys.len() - 1
            });
            let further = |name: &String| brief.scores.iter().find(|best| best.metric == *name).map(Best::of);
            let setting =
                |(key, values): &(String, Vec<String>)| Setting { key: key.clone(), value: values[at].clone() };
            Run {
                session: folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned(),
                folder: folder.clone(),
                state: brief.state(*busy),
                step: brief.step,
                steps: brief.config.train.steps,
                seconds: brief.seconds,
                best: brief.best().map(Best::of),
                scores: scores.iter().map(further).collect(),
                seed: brief.config.train.seed,
                group: group + 1,
                settings: differing.iter().map(setting).collect(),
            }
        };
        let runs: Vec<Run> = read.iter().enumerate().map(&mut run).collect();
        let groups = (1..=keys.len()).map(|group| Group::of(group, &runs)).collect();
        Self { scores: scores.to_vec(), runs, groups }
    }

    /// Names of the columns of settings, and the cells of each run. Where there are too many, one column says what differs from the
    /// first run.
    fn settings(&self) -> (Vec<&str>, Vec<Vec<String>>) {
        let Some(first) = self.runs.first().map(|run| &run.settings) else { return (Vec::new(), Vec::new()) };
        if first.len() <= MOST_COLUMNS {
            let keys = first.iter().map(|setting| setting.key.as_str()).collect();
            let cells = |run: &Run| run.settings.iter().map(|setting| setting.value.clone()).collect();
            return (keys, self.runs.iter().map(cells).collect());
        }
        let changes = |run: &Run| {
            let changed = run.settings.iter().zip(first).filter(|(mine, first)| mine.value != first.value);
            let told: Vec<String> = changed.map(|(mine, _)| format!("{}={}", mine.key, mine.value)).collect();
            vec![told.join(", ")]
        };
        (vec!["changes of the first run"], self.runs.iter().map(changes).collect())
    }

    /// Whether all runs are scored by the same score, which is then told once.
    fn metric(&self) -> Option<&str> {
        let mut metrics = self.runs.iter().filter_map(|run| run.best.as_ref()).map(|best| best.metric.as_str());
        let first = metrics.next()?;
        metrics.all(|metric| metric == first).then_some(first)
    }

    fn print(&self, style: Style) -> std::io::Result<()> {
        let metric = self.metric();
        let named = |metric: &str, value: f64| match self.metric() {
            Some(_) => score(value),
            None => format!("{} ({metric})", score(value)),
        };
        let (keys, settings) = self.settings();
        let best = format!("best {}", metric.unwrap_or("score"));
        let further = |value: Option<f64>| value.map_or_else(String::new, score);
        let mut head = vec!["session", "state", "step", best.as_str(), "at step"];
        head.extend(self.scores.iter().map(String::as_str));
        head.extend(["time", "seed"]);
        head.extend(&keys);
        let rows = self.runs.iter().zip(&settings).map(|(run, settings)| {
            let best = run.best.as_ref();
            let mut row = vec![
                run.session.clone(),
                run.state.to_owned(),
                format!("{}/{}", run.step, run.steps),
                best.map_or_else(String::new, |best| named(&best.metric, best.value)),
                best.map_or_else(String::new, |best| best.step.to_string()),
            ];
            row.extend(run.scores.iter().map(|best| further(best.as_ref().map(|best| best.value))));
            row.extend([run.seconds.map_or_else(String::new, duration), run.seed.to_string()]);
            row.extend(settings.iter().cloned());
            row
        });
        style.print(&head, &rows.collect::<Vec<_>>())?;
        if self.groups.len() == self.runs.len() {
            return Ok(());
        }
        say!("");
        let told = |any: bool, name: &'static str| any.then_some(name);
        let names = told(self.groups.iter().any(|group| group.name.is_some()), "group");
        let differences = told(self.groups.iter().any(|group| group.difference.is_some()), "from the first");
        let mut head: Vec<&str> = names.into_iter().chain(["runs", "finished", &best, "sd", "min", "max"]).collect();
        head.extend(differences);
        head.extend(self.scores.iter().map(String::as_str));
        head.extend(&keys);
        let rows = self.groups.iter().map(|group| {
            let mean = group.mean.map(|mean| named(group.metric.as_deref().unwrap_or_default(), mean));
            let mut row: Vec<String> = names.map(|_| group.name.clone().unwrap_or_default()).into_iter().collect();
            row.extend([
                group.runs.to_string(),
                group.finished.to_string(),
                mean.map_or_else(String::new, |mean| {
                    if group.scores == group.runs { mean } else { format!("{mean} (of {})", group.scores) }
                }),
            ]);
            row.extend([group.deviation, group.min, group.max].map(further));
            row.extend(differences.map(|_| {
                let sign = |value: f64| if value > 0.0 { format!("+{}", score(value)) } else { score(value) };
                group.difference.map_or_else(String::new, sign)
            }));
            row.extend(group.further.iter().copied().map(further));
            let mine = self.runs.iter().zip(&settings).filter(|(run, _)| run.group == group.group);
            let mine: Vec<&Vec<String>> = mine.map(|(_, settings)| settings).collect();
            let shared = |at: usize| {
                let first = mine.first().map(|first| first[at].clone())?;
                mine.iter().all(|settings| settings[at] == first).then_some(first)
            };
            row.extend((0..keys.len()).map(|at| shared(at).unwrap_or_else(|| "(several)".to_owned())));
            row
        });
        style.print(&head, &rows.collect::<Vec<_>>())
    }

    fn csv(&self) -> std::io::Result<()> {
        let mut head = "session,state,step,steps,metric,extractor,images,best,best_step,seconds,seed,group".to_owned();
        for setting in self.runs.first().map_or(&[][..], |run| &run.settings) {
            head = format!("{head},{}", csv_cell(&setting.key));
        }
        for name in &self.scores {
            head = format!("{head},{}", csv_cell(name));
        }
        head += ",group_runs,group_mean,group_sd";
        say!("{head}");
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        for run in &self.runs {
            let best = run.best.as_ref();
            let of = |part: &dyn Fn(&Best) -> String| best.map_or_else(String::new, part);
            let mut cells = vec![
                run.session.clone(),
                run.state.to_owned(),
                run.step.to_string(),
                run.steps.to_string(),
                of(&|best| best.metric.clone()),
                of(&|best| best.extractor.clone()),
                of(&|best| best.samples.to_string()),
                of(&|best| best.value.to_string()),
                of(&|best| best.step.to_string()),
                number(run.seconds),
                run.seed.to_string(),
                run.group.to_string(),
            ];
            cells.extend(run.settings.iter().map(|setting| setting.value.clone()));
            cells.extend(run.scores.iter().map(|best| number(best.as_ref().map(|best| best.value))));
            if let Some(group) = self.groups.get(run.group - 1) {
                cells.extend([group.runs.to_string(), number(group.mean), number(group.deviation)]);
            }
            let cells: Vec<_> = cells.iter().map(|cell| csv_cell(cell)).collect();
            say!("{}", cells.join(","));
        }
        Ok(())
    }
}

impl Best {
    fn of(best: &BestScore) -> Self {
        Self {
            metric: best.metric.clone(),
            extractor: best.extractor.clone(),
            samples: best.samples,
            step: best.step,
            value: best.value,
        }
    }

    /// Whether two values say the same thing of the same number of images.
    fn is_like(&self, other: &Self) -> bool {
        (&self.metric, &self.extractor, self.samples) == (&other.metric, &other.extractor, other.samples)
    }
}

impl Group {
    fn of(group: usize, runs: &[Run]) -> Self {
        let mine: Vec<&Run> = runs.iter().filter(|run| run.group == group).collect();
        let bests: Vec<&Best> = mine.iter().filter_map(|run| run.best.as_ref()).collect();
        let first = bests.first();
        let same = |best: &&&Best| first.is_some_and(|first| best.is_like(first));
        let values: Vec<f64> = bests.iter().filter(same).map(|best| best.value).collect();
        let spread = Spread::of(&values);
        let shared = |setting: &&Setting| mine.iter().all(|run| run.settings.contains(setting));
        // Runs of the first group with the same seed.
        let of_first = |run: &&&Run| runs.iter().find(|other| other.group == 1 && other.seed == run.seed);
        let differences: Vec<f64> = mine
            .iter()
            .filter(|run| run.group != 1)
            .filter_map(|run| {
                let (mine, first) = (run.best.as_ref()?, of_first(&run)?.best.as_ref()?);
                mine.is_like(first).then_some(mine.value - first.value)
            })
            .collect();
        let further = |at: usize| {
            let values: Vec<f64> =
                mine.iter().filter_map(|run| run.scores[at].as_ref()).map(|best| best.value).collect();
            Spread::of(&values).filter(|_| values.len() == mine.len()).map(|spread| spread.mean)
        };
        let name = |run: &Run| Some(run.session.strip_suffix(&format!("_seed-{}", run.seed))?.to_owned());
        let first_name = mine.first().and_then(|run| name(run));
        Self {
            group,
            name: first_name.filter(|first| mine.iter().all(|run| name(run).as_ref() == Some(first))),
            difference: Spread::of(&differences).map(|spread| spread.mean),
            further: (0..mine.first().map_or(0, |run| run.scores.len())).map(further).collect(),
            runs: mine.len(),
            finished: mine.iter().filter(|run| run.state == "finished").count(),
            metric: first.map(|best| best.metric.clone()),
            scores: values.len(),
            mean: spread.map(|spread| spread.mean),
            deviation: spread.filter(|_| values.len() > 1).map(|spread| spread.deviation),
            min: spread.map(|spread| spread.min),
            max: spread.map(|spread| spread.max),
            settings: mine.first().map_or(&[][..], |run| &run.settings).iter().filter(shared).cloned().collect(),
        }
    }
}

/// How a table looks.
#[derive(Clone, Copy)]
pub(super) enum Style {
    /// Columns of one width, for the terminal.
    Plain,
    Markdown,
}

impl Style {
    /// Prints a table whose rows have as many cells as its head.
    pub fn print(self, head: &[&str], rows: &[Vec<String>]) -> std::io::Result<()> {
        match self {
            Self::Plain => {
                let cut = |cell: &str| {
                    let cell = guard::line(cell);
                    if cell.chars().count() <= MOST {
                        return cell.to_string();
                    }
                    cell.chars().take(MOST - 1).chain(['\u{2026}']).collect::<String>()
                };
                let head: Vec<String> = head.iter().map(|cell| cut(cell)).collect();
                let rows: Vec<Vec<String>> =
                    rows.iter().map(|row| row.iter().map(|cell| cut(cell)).collect()).collect();
                let width = |at: usize| {
                    let cells = std::iter::once(&head).chain(&rows).map(|row| row[at].chars().count());
                    cells.max().unwrap_or(0)
                };
                let widths: Vec<usize> = (0..head.len()).map(width).collect();
                for row in std::iter::once(&head).chain(&rows) {
                    let cells: Vec<String> =
                        row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
                    out(format_args!("{}", cells.join("  ").trim_end()))?;
                }
            }
            Self::Markdown => {
                let line = |cells: &mut dyn Iterator<Item = &str>| {
                    let cells: Vec<String> = cells.map(|cell| cell.replace('|', "\\|")).collect();
                    format!("| {} |", cells.join(" | "))
                };
                say!("{}", line(&mut head.iter().copied()));
                say!("|{}", "---|".repeat(head.len()));
                for row in rows {
                    say!("{}", line(&mut row.iter().map(String::as_str)));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::event::{Event, Score, Step};

    fn read(name: &str, set: &[&str], value: Option<f64>) -> Read {
        let set: Vec<String> = set.iter().map(|entry| (*entry).to_owned()).collect();
        let config = Config::default().with(&set).unwrap();
        let score =
            |value| Event::Score(Score { step: 10, metric: "frechet-distance".into(), value, ..Score::default() });
        let step = Event::Step(Step::of(10, 5.0, []));
        let events = [step].into_iter().chain(value.map(score)).chain([Event::Finished { step: 10 }]);
        Read { folder: PathBuf::from(name), brief: Brief::new(config, events), busy: false }
    }

    #[test]
    fn runs_that_differ_in_their_seed_alone_have_one_mean() {
        let runs = [
            read("a", &["loss.r1=1", "train.seed=1"], Some(1.0)),
            read("b", &["loss.r1=1", "train.seed=2"], Some(2.0)),
            read("c", &["loss.r1=1", "train.seed=3"], Some(6.0)),
            read("d", &["loss.r1=2", "train.seed=1"], None),
        ];
        let table = Table::of(&runs, &Grouping::Seeds, &[]);
        let groups: Vec<_> = table.runs.iter().map(|run| run.group).collect();
        assert_eq!(groups, [1, 1, 1, 2]);
        let [first, second] = &table.groups[..] else { panic!("{:?}", table.groups) };
        assert_eq!((first.runs, first.finished, first.scores, first.mean), (3, 3, 3, Some(3.0)));
        // statistics.stdev([1, 2, 6])
        assert!((first.deviation.unwrap() - 7.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!((second.scores, second.mean, second.deviation), (0, None, None));
        let r1 = |value: &str| vec![Setting { key: "loss.r1".to_owned(), value: value.to_owned() }];
        assert_eq!((&first.settings, &second.settings), (&r1("1.0"), &r1("2.0")));
        // By another key the seeds come together, and what differs among them is no part of the group.
        let table = Table::of(&runs, &Grouping::Key(SEED.to_owned()), &[]);
        assert_eq!((table.groups.len(), table.groups[0].runs, table.groups[0].settings.len()), (3, 2, 0));
        assert_eq!(Table::of(&runs, &Grouping::None, &[]).groups.len(), 4);
    }

    #[test]
    fn groups_of_a_sweep_have_names_and_differences_seed_by_seed() {
        let runs = [
            read("base_seed-1", &["train.seed=1"], Some(5.0)),
            read("base_seed-2", &["train.seed=2"], Some(7.0)),
            read("bce_seed-2", &["train.seed=2", "loss.kind=bce"], Some(10.0)),
            read("bce_seed-3", &["train.seed=3", "loss.kind=bce"], Some(99.0)),
        ];
        let scores = ["frechet-distance".to_owned(), "recall".to_owned()];
        let table = Table::of(&runs, &Grouping::Seeds, &scores);
        let told = |group: &Group| (group.name.clone(), group.difference, group.further.clone());
        assert_eq!(told(&table.groups[0]), (Some("base".to_owned()), None, vec![Some(6.0), None]));
        // Of seed 2 alone there are two.
        assert_eq!(told(&table.groups[1]), (Some("bce".to_owned()), Some(3.0), vec![Some(54.5), None]));
        let (keys, settings) = table.settings();
        assert_eq!((keys, settings[2].clone()), (vec!["loss.kind"], vec!["bce".to_owned()]));

        let set =
            ["r1=1", "lecam=2", "kind=bce", "label_smoothing=0.2", "perceptual=1", "texture=1", "consistency_real=10"];
        let set: Vec<String> = set.iter().map(|entry| format!("loss.{entry}")).collect();
        let set: Vec<&str> = set.iter().map(String::as_str).collect();
        let runs = [read("a", &[], None), read("b", &set, None)];
        let table = Table::of(&runs, &Grouping::None, &[]);
        let (keys, settings) = table.settings();
        assert_eq!((keys.len(), settings[0][0].as_str()), (1, ""));
        assert!(settings[1][0].contains("loss.kind=bce"), "{settings:?}");
    }

    #[test]
    fn scores_of_other_numbers_of_images_have_no_part_in_a_mean() {
        let mut runs = [read("a", &["train.seed=1"], Some(1.0)), read("b", &["train.seed=2"], Some(3.0))];
        runs[1].brief.scores[0].samples = 7;
        let table = Table::of(&runs, &Grouping::Seeds, &[]);
        assert_eq!((table.groups[0].runs, table.groups[0].scores, table.groups[0].mean), (2, 1, Some(1.0)));
    }

    #[test]
    fn names_are_sorted_by_their_numbers() {
        let mut names = ["r1-seed10", "r1-seed9", "r1-seed1"].map(PathBuf::from);
        names.sort_by_key(|name| by_numbers(name));
        assert_eq!(names, ["r1-seed1", "r1-seed9", "r1-seed10"].map(PathBuf::from));
    }
}
