//! Which image is shown when: endless epochs, each shuffled by its own stream of chance.

use rand::seq::SliceRandom as _;

use crate::config::rng::{Purpose, stream};

/// The order in which the images of a data set are shown. An epoch shows so many images of each class as its quota
/// says, all of them equally often, give or take one.
#[derive(Clone, Debug)]
pub(super) struct ShuffledSampler {
    seed: u64,
    /// Where each class's images begin, and where the last ends.
    bounds: Vec<usize>,
    /// Images of each class in an epoch.
    quotas: Vec<usize>,
    /// The epoch that was asked for last.
    epoch: Option<u64>,
    shuffled: Vec<u32>,
}

impl ShuffledSampler {
    /// An order of classes with so many images each, which stand one after the other, and of which an epoch shows
    /// `quotas`. At least one is not empty and has a quota above 0; an empty one is never shown.
    pub fn new(seed: u64, counts: &[usize], mut quotas: Vec<usize>) -> Self {
        let mut bounds = vec![0];
        for count in counts {
            bounds.push(bounds[bounds.len() - 1] + count);
        }
        for (quota, _) in quotas.iter_mut().zip(counts).filter(|(_, count)| **count == 0) {
            *quota = 0;
        }
        Self { seed, bounds, quotas, epoch: None, shuffled: Vec::new() }
    }

    /// Images shown in an epoch.
    pub fn epoch_len(&self) -> usize {
        self.quotas.iter().sum()
    }

    /// The image that is shown as the `sample`-th of all, counted through the epochs.
    pub fn image(&mut self, sample: u64) -> usize {
        let len = self.epoch_len() as u64;
        let (epoch, at) = (sample / len, (sample % len) as usize);
        if self.epoch != Some(epoch) {
            self.shuffled = self.shuffle(epoch);
            self.epoch = Some(epoch);
        }
        self.shuffled[at] as usize
    }

    /// An epoch's images in the order shown.
    fn shuffle(&self, epoch: u64) -> Vec<u32> {
        let mut rng = stream(self.seed, Purpose::Order, epoch);
        let mut order = Vec::with_capacity(self.epoch_len());
        for (pair, wanted) in self.bounds.windows(2).zip(&self.quotas) {
            let mut images: Vec<u32> = (pair[0]..pair[1]).map(|index| index as u32).collect();
            if images.is_empty() {
                continue;
            }
            for _ in 0..wanted / images.len() {
                order.extend_from_slice(&images);
            }
            // Who is shown once more than the others is drawn anew in each epoch.
            let rest = wanted % images.len();
            order.extend_from_slice(images.partial_shuffle(&mut rng, rest).0);
        }
        order.shuffle(&mut rng);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(order: &mut ShuffledSampler, images: usize, epoch: usize) -> Vec<usize> {
        let (len, mut times) = (order.epoch_len(), vec![0; images]);
        for at in epoch * len..(epoch + 1) * len {
            times[order.image(at as u64)] += 1;
        }
        times
    }

    #[test]
    fn an_epoch_shows_every_image_once() {
        let mut order = ShuffledSampler::new(7, &[5, 0, 3], vec![5, 9, 3]);
        assert_eq!(order.epoch_len(), 8);
        for epoch in 0..4 {
            assert_eq!(shown(&mut order, 8, epoch), [1; 8]);
        }
    }

    #[test]
    fn a_balanced_epoch_shows_each_class_equally_often_and_its_images_evenly() {
        let mut order = ShuffledSampler::new(7, &[11, 4], vec![11; 2]);
        let mut once_more = Vec::new();
        for epoch in 0..8 {
            let times = shown(&mut order, 15, epoch);
            assert_eq!(times[..11], [1; 11]);
            assert_eq!(times[11..].iter().sum::<usize>(), 11);
            assert!(times[11..].iter().all(|t| *t == 2 || *t == 3), "{times:?}");
            once_more.push(times);
        }
        once_more.dedup();
        assert!(once_more.len() > 1, "the same images are repeated in every epoch");
    }

    #[test]
    fn a_quota_below_the_images_shows_a_part_that_changes() {
        let mut order = ShuffledSampler::new(7, &[10, 4], vec![3, 6]);
        let (mut seen, epochs) = (vec![0; 14], 60);
        for epoch in 0..epochs {
            let times = shown(&mut order, 14, epoch);
            assert_eq!((times[..10].iter().sum::<usize>(), times[10..].iter().sum::<usize>()), (3, 6));
            assert!(times[..10].iter().all(|t| *t <= 1) && times[10..].iter().all(|t| *t == 1 || *t == 2));
            seen.iter_mut().zip(times).for_each(|(seen, times)| *seen += times);
        }
        assert!(seen[..10].iter().all(|times| *times > 5), "{seen:?}");
    }

    #[test]
    fn epochs_differ_and_repeat_with_their_seed() {
        let epoch = |seed, epoch| ShuffledSampler::new(seed, &[50], vec![50]).shuffle(epoch);
        assert_eq!(epoch(1, 0), epoch(1, 0));
        assert_ne!(epoch(1, 0), epoch(1, 1));
        assert_ne!(epoch(1, 0), epoch(2, 0));
    }
}
