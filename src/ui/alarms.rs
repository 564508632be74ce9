//! What goes wrong with the training of a run: kept by the fold, shown until it is over or dismissed.

use egui::Ui;

use super::{format, widgets};
use crate::event::{Alarm, AlarmKind, OfStep, Recovered, Started};

/// Those that have a banner, in the order of the banners.
pub(super) const KINDS: [AlarmKind; 4] =
    [AlarmKind::BlankImages, AlarmKind::SaturatedDiscriminator, AlarmKind::ClassCollapse, AlarmKind::Copies];

/// An alarm, and when it was over.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmEntry {
    /// What was told.
    pub alarm: Alarm,
    /// The step from which on it held no more.
    pub until: Option<usize>,
}

impl OfStep for AlarmEntry {
    fn step(&self) -> usize {
        self.alarm.step
    }
}

impl AlarmEntry {
    /// Its title and its steps.
    pub fn summary(&self) -> String {
        let title = title(self.alarm.kind, self.alarm.subject.as_deref());
        let from = format::count(self.alarm.step);
        match self.until {
            Some(until) => format!("{title}, steps {from} to {}", format::count(until)),
            None => format!("{title}, from step {from}"),
        }
    }
}

/// The alarms of a run, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alarms(Vec<AlarmEntry>);

impl Alarms {
    pub(super) fn raise(&mut self, alarm: Alarm) {
        // A step that is taken again raises the same alarm again.
        let same = |old: &Alarm| (old.step, old.kind, &old.subject) == (alarm.step, alarm.kind, &alarm.subject);
        self.0.retain(|entry| !same(&entry.alarm));
        self.0.push(AlarmEntry { alarm, until: None });
    }

    pub(super) fn end(&mut self, recovered: &Recovered) {
        let same = |alarm: &Alarm| alarm.kind == recovered.kind && alarm.subject == recovered.subject;
        for entry in self.0.iter_mut().filter(|entry| entry.until.is_none() && same(&entry.alarm)) {
            entry.until = Some(recovered.step);
        }
    }

    /// A run that goes on from a checkpoint takes the steps after it again: what happened in them is forgotten.
    pub(super) fn restart(&mut self, started: &Started) {
        started.leave(&mut self.0);
        for entry in &mut self.0 {
            entry.until.take_if(|until| started.voids(*until));
        }
    }

    /// Oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &AlarmEntry> {
        self.0.iter()
    }

    /// Draws a banner for each kind of alarm that is not over, of those that came after the first `dismissed` of all. A
    /// divergence has none: the failure that it ends the run with says the same.
    pub(super) fn ui(&self, ui: &mut Ui, dismissed: &mut [usize; KINDS.len()]) {
        let p = widgets::palette(ui);
        // A run that went on may have fewer.
        dismissed.iter_mut().for_each(|dismissed| *dismissed = self.0.len().min(*dismissed));
        for (kind, dismissed) in KINDS.into_iter().zip(dismissed) {
            let open = self.0.iter().skip(*dismissed).filter(|entry| entry.alarm.kind == kind && entry.until.is_none());
            let alarms: Vec<&Alarm> = open.map(|entry| &entry.alarm).collect();
            let Some((newest, before)) = alarms.split_last() else { continue };
            let others: Vec<&str> = before.iter().filter_map(|alarm| alarm.subject.as_deref()).collect();
            let also =
                if others.is_empty() { String::new() } else { format!(" The same holds for {}.", others.join(", ")) };
            let title = format!("{}, step {}", title(kind, None), format::count(newest.step));
            let text = format!("{}{also} {}", newest.message, newest.advice);
            let closed = widgets::banner(ui, p.warning, p.warning_faint, &title, &text, |ui| {
                widgets::small(ui, format::duration(newest.seconds)).on_hover_text("Training time when it was seen");
            });
            if closed {
                *dismissed = self.0.len();
            }
        }
    }
}

/// A few words for an alarm.
pub(super) fn title(kind: AlarmKind, subject: Option<&str>) -> String {
    let name = match kind {
        AlarmKind::Divergence => "Divergence",
        AlarmKind::SaturatedDiscriminator => "Discriminator saturated",
        AlarmKind::ClassCollapse => "Class collapse",
        AlarmKind::Copies => "Near copies",
        AlarmKind::BlankImages => "Blank images",
    };
    subject.map_or_else(|| name.to_owned(), |subject| format!("{name}: {subject}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(step: usize, class: &str) -> Alarm {
        let (kind, subject) = (AlarmKind::ClassCollapse, Some(class.to_owned()));
        Alarm { step, kind, subject, message: "seen".to_owned(), advice: "helps".to_owned(), seconds: 0.0 }
    }

    #[test]
    fn an_alarm_lasts_until_its_own_recovery_and_a_new_start_takes_both_back() {
        let mut alarms = Alarms::default();
        let until = |alarms: &Alarms| alarms.iter().map(|entry| entry.until).collect::<Vec<_>>();
        for (step, class) in [(100, "a"), (200, "b"), (300, "c")] {
            alarms.raise(alarm(step, class));
        }
        alarms.end(&Recovered { step: 250, kind: AlarmKind::ClassCollapse, subject: Some("b".to_owned()) });
        assert_eq!(until(&alarms), [None, Some(250), None]);
        let summaries: Vec<String> = alarms.iter().map(AlarmEntry::summary).collect();
        assert_eq!(summaries[..2], ["Class collapse: a, from step 100", "Class collapse: b, steps 200 to 250"]);
        alarms.restart(&Started { step: 260, ..Started::default() });
        assert_eq!(until(&alarms), [None, Some(250)]);
        alarms.raise(alarm(200, "b"));
        assert_eq!(until(&alarms), [None, None]);
        alarms.end(&Recovered { step: 250, kind: AlarmKind::ClassCollapse, subject: Some("b".to_owned()) });
        alarms.restart(&Started { step: 220, ..Started::default() });
        assert_eq!(until(&alarms), [None, None]);
    }
}
