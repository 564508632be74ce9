//! What is wrong with `[augment]` and with consistency.

use crate::config::augment::{LEAKS, pixels};
use crate::config::problem::ProblemList;
use crate::config::{Config, LossKind};

impl Config {
    /// What is wrong with `[augment]` and with consistency, alone and beside other sections.
    pub(in crate::config) fn check_augmentation(&self, list: &mut ProblemList) {
        self.augment.check(list);
        let (a, l) = (&self.augment, &self.loss);
        if a.adaptive && l.kind == LossKind::WassersteinGp {
            let problem = list.error("augment.adaptive", "it goes by the sign of the discriminator's logits, and a Wasserstein critic's have no zero. Use another loss, or a fixed probability").fix("augment.adaptive", false);
            if a.turns() && a.probability > LEAKS {
                problem.fix("augment.probability", LEAKS);
            }
        }
        for (key, share) in [("augment.translation", a.translation), ("augment.cutout", a.cutout)] {
            if share > 0.0 && pixels(share, self.image_size) == 0 {
                list.error(
                    key,
                    format!("{share} of {} px is less than half a pixel, so it would change nothing", self.image_size),
                )
                .fix(key, 0);
            }
        }
        let one_pixel = 1.0 / self.image_size.max(2) as f64;
        let consistent = l.consistency_real > 0.0 || l.consistency_fake > 0.0;
        if consistent && !l.consistency_flip && pixels(l.consistency_shift, self.image_size) == 0 {
            let shift = l.consistency_shift;
            list.error("loss.consistency_shift", format!("{shift} of {} px and no flip leave the second view unchanged, so there is nothing to compare. Set a larger share, or consistency_flip", self.image_size)).fix("loss.consistency_shift", one_pixel);
        }
        if consistent && (l.consistency_real == 0.0 || l.consistency_fake == 0.0) {
            let key = if l.consistency_real == 0.0 { "loss.consistency_real" } else { "loss.consistency_fake" };
            list.warning(key, "consistency on one side alone lets the discriminator tell real from fake by how it treats shifts. Balanced consistency uses both").fix(key, l.consistency_real.max(l.consistency_fake));
        }
        if !self.data.is_demo() {
            let sided = "mirrored images pass for real ones, which breaks left-right anatomy: hearts will turn up on the right. Keep it for images without sides, such as cells";
            if a.flip {
                list.warning("augment.flip", sided).fix("augment.flip", false);
            }
            if consistent && l.consistency_flip {
                let problem = list.warning("loss.consistency_flip", sided).fix("loss.consistency_flip", false);
                if pixels(l.consistency_shift, self.image_size) == 0 {
                    problem.fix("loss.consistency_shift", one_pixel);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Level;
    use crate::config::problem::tests::problems;

    #[test]
    fn what_cannot_work_is_refused() {
        use Level::{Error, Warning};
        assert_eq!(problems(&["augment.color=1", "augment.translation=0.125", "augment.cutout=0.5"]), []);
        assert_eq!(problems(&["augment.adaptive=true"]), [(Error, "augment.adaptive")]);
        assert_eq!(problems(&["augment.adaptive=true", "augment.rotate90=true"]), []);
        let critic = ["augment.adaptive=true", "augment.color=1", "loss.kind=wasserstein-gp"];
        assert_eq!(problems(&critic), [(Error, "augment.adaptive")]);
        assert_eq!(problems(&["augment.color=1", "augment.probability=0"]), [(Warning, "augment.probability")]);
        assert_eq!(problems(&["augment.flip=true"]), [(Warning, "augment.probability")]);
        assert_eq!(problems(&["augment.flip=true", "augment.probability=0.5"]), []);
        let free = ["augment.rotation=90", "augment.adaptive=true", "augment.limit=1"];
        assert_eq!(problems(&free), [(Warning, "augment.limit")]);
        assert_eq!(problems(&["augment.cutout=0.001"]), [(Error, "augment.cutout")]);
        let off = [
            "augment.color=2",
            "augment.translation=0.6",
            "augment.cutout=nan",
            "augment.scale=-1",
            "augment.rotation=181",
            "augment.probability=1.1",
            "augment.target=2",
            "augment.adaptive_images=0",
            "augment.adaptive_every=0",
            "augment.limit=-0.1",
        ];
        let wanted: Vec<_> = off.iter().filter_map(|entry| Some((Error, entry.split_once('=')?.0))).collect();
        let errors: Vec<_> = problems(&off).into_iter().filter(|(level, _)| *level == Error).collect();
        assert_eq!(errors, wanted);
    }

    #[test]
    fn consistency_wants_both_sides_and_something_to_compare() {
        use Level::{Error, Warning};
        let both = ["loss.consistency_real=10", "loss.consistency_fake=10"];
        assert_eq!(problems(&both), []);
        assert_eq!(problems(&both[..1]), [(Warning, "loss.consistency_fake")]);
        let nothing = [&both[..], &["loss.consistency_shift=0"]].concat();
        assert_eq!(problems(&nothing), [(Error, "loss.consistency_shift")]);
        assert_eq!(problems(&[&nothing[..], &["loss.consistency_flip=true"]].concat()), []);
        let folder = [&both[..], &["loss.consistency_flip=true", "augment.flip=true", "data.source=/lungs"]].concat();
        let told = problems(&[&folder[..], &["augment.probability=0.5"]].concat());
        assert_eq!(told, [(Warning, "augment.flip"), (Warning, "loss.consistency_flip")]);
    }
}
