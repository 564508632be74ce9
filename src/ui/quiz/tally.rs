//! What the answers of a blind test say.

use crate::event::QuizAnswer;

/// Answers counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Answers.
    pub answers: usize,
    /// Right ones.
    pub right: usize,
    /// Fakes that were taken for real, and fakes.
    pub passed: usize,
    /// Fakes.
    pub fakes: usize,
    /// Agreement beyond chance, from -1 to 1, 0 for guessing; nothing where all images or all answers are of one kind.
    pub kappa: Option<f64>,
}

impl Tally {
    /// Of some answers.
    pub fn of<'a>(answers: impl Iterator<Item = &'a QuizAnswer>) -> Self {
        let (mut tally, mut said) = (Self::default(), 0);
        for answer in answers {
            tally.answers += 1;
            tally.right += usize::from(answer.right());
            tally.fakes += usize::from(answer.fake);
            tally.passed += usize::from(answer.fake && !answer.said_fake);
            said += usize::from(answer.said_fake);
        }
        // Cohen 1960: what two raters, the truth and the reader, agree on beyond what their habits make agree.
        let all = tally.answers as f64;
        let (fakes, said) = (tally.fakes as f64 / all, said as f64 / all);
        let chance = fakes * said + (1.0 - fakes) * (1.0 - said);
        tally.kappa = (tally.answers > 0 && chance < 1.0).then(|| (tally.accuracy() - chance) / (1.0 - chance));
        tally
    }

    /// The share of right answers; 0 of none.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.answers.max(1) as f64
    }

    /// Where the accuracy lies with 95 % (Wilson 1927).
    pub fn interval(&self) -> [f64; 2] {
        const Z: f64 = 1.959_963_984_540_054;
        let n = self.answers as f64;
        if self.answers == 0 {
            return [0.0, 1.0];
        }
        let (p, square) = (self.accuracy(), Z * Z / n);
        let middle = p + square / 2.0;
        let half = Z * (p * (1.0 - p) / n + square / (4.0 * n)).sqrt();
        // Rounding may lead out of the range by a last digit.
        [middle - half, middle + half].map(|end| (end / (1.0 + square)).clamp(0.0, 1.0))
    }

    /// In words what the whole means.
    pub fn meaning(&self) -> &'static str {
        let [low, high] = self.interval();
        if self.answers < 20 {
            "Too few answers to tell; 40 or more say something"
        } else if low > 0.5 {
            "Fakes can be told from real images"
        } else if high < 0.5 {
            "Fakes are told from real images, but taken for the real ones: something marks them"
        } else {
            "No better than chance: by these answers fakes cannot be told from real images"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(counts: [usize; 4]) -> Vec<QuizAnswer> {
        let kinds = [(true, true), (true, false), (false, true), (false, false)];
        let of = |((fake, said_fake), count): ((bool, bool), usize)| {
            vec![QuizAnswer { fake, said_fake, ..QuizAnswer::default() }; count]
        };
        kinds.into_iter().zip(counts).flat_map(of).collect()
    }

    #[test]
    fn accuracy_interval_and_kappa_are_those_of_the_books() {
        // Fleiss' worked kind of table: 20 + 15 right of 50.
        let tally = Tally::of(answers([20, 5, 10, 15]).iter());
        assert_eq!((tally.answers, tally.right, tally.fakes, tally.passed), (50, 35, 25, 5));
        assert!((tally.kappa.unwrap() - 0.4).abs() < 1e-12);
        let [low, high] = tally.interval();
        assert!((low - 0.5624).abs() < 1e-4 && (high - 0.8090).abs() < 1e-4, "{low} {high}");
        assert_eq!(tally.meaning(), "Fakes can be told from real images");
    }

    #[test]
    fn chance_too_few_and_one_sided_answers_are_told() {
        assert!(Tally::of(answers([10, 10, 10, 10]).iter()).meaning().starts_with("No better than chance"));
        assert!(Tally::of(answers([1, 1, 1, 1]).iter()).meaning().starts_with("Too few"));
        assert!(Tally::of(answers([2, 18, 18, 2]).iter()).meaning().contains("something marks them"));
        // Always the same answer agrees with the truth by chance alone.
        assert_eq!(Tally::of(answers([5, 0, 5, 0]).iter()).kappa, Some(0.0));
        assert_eq!(Tally::of(answers([5, 0, 0, 0]).iter()).kappa, None);
        assert_eq!(Tally::of(answers([0; 4]).iter()).interval(), [0.0, 1.0]);
    }
}
