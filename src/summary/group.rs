//! Runs that belong together, and the mean and spread of what they came to.

/// What puts runs into one group.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Grouping {
    /// Every run stands for itself.
    #[default]
    None,
    /// All settings but the seed.
    Seeds,
    /// The value of one setting.
    Key(String),
}

impl Grouping {
    /// Its name in the window.
    pub fn name(&self) -> String {
        match self {
            Self::None => "each run".to_owned(),
            Self::Seeds => "same but for the seed".to_owned(),
            Self::Key(key) => key.clone(),
        }
    }

    /// What is the same in all runs of a group, as text; runs without a group are told apart by `alone`.
    pub fn key_of(&self, settings: &[(String, String)], alone: &str) -> String {
        match self {
            Self::None => alone.to_owned(),
            Self::Seeds => {
                let others = settings.iter().filter(|(key, _)| key != "train.seed");
                others.map(|(key, value)| format!("{key}={value}\n")).collect()
            }
            Self::Key(key) => {
                settings.iter().find(|(known, _)| known == key).map_or_else(String::new, |(_, value)| value.clone())
            }
        }
    }
}

/// The mean and spread of some numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Their mean.
    pub mean: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// The standard deviation (with n - 1); 0 for one.
    pub deviation: f64,
}

impl Spread {
    /// Of values, where there is one.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        if values.is_empty() {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count;
        let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        let deviation = if values.len() > 1 { (squares / (count - 1.0)).sqrt() } else { 0.0 };
        let min = values.iter().copied().fold(f64::INFINITY, f64::min);
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Some(Self { mean, min, max, deviation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_mean_ends_and_deviation() {
        let spread = Spread::of(&[1.0, 2.0, 6.0]).unwrap();
        // statistics.stdev([1, 2, 6]) = sqrt(7)
        assert_eq!((spread.mean, spread.min, spread.max), (3.0, 1.0, 6.0));
        assert!((spread.deviation - 7.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(Spread::of(&[4.0]).map(|spread| spread.deviation), Some(0.0));
        assert_eq!(Spread::of(&[]), None);
    }
}
