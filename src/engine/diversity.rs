//! How far images of a class are apart: the number that tells a collapsed class from a diverse one.

use crate::data::Dataset;
use crate::event::GridPicture;

/// Images are compared at this many pixels a side: smaller ones lose the shapes, larger ones count noise as variety.
const SIDE: usize = 16;
/// Real images of a class that are compared, evenly chosen: 496 pairs tell the mean distance to some percent.
const REAL: usize = 32;

/// The mean distance between two real images, for each class; nothing where a class has only one, or only equal ones.
pub(super) fn of_real(dataset: &Dataset) -> Vec<Option<f32>> {
    let mut first = 0;
    let classes = dataset.class_counts().into_iter().map(|count| {
        let taken = count.min(REAL);
        let chosen = (0..taken).map(|i| first + i * count / taken);
        let size = dataset.size();
        let small = chosen.map(|i| {
            let pixels = dataset.pixels(i);
            shrunk(|y| &pixels[y * size * dataset.channels()..], size, dataset.channels())
        });
        let spread = mean_distance(&small.collect::<Vec<_>>());
        first += count;
        spread.filter(|spread| *spread > 0.0)
    });
    classes.collect()
}

/// The mean distance between two images of a grid's row, for each row, as a share of that between two real ones.
pub(super) fn of_grid(grid: &GridPicture, real: &[Option<f32>]) -> Vec<Option<f32>> {
    let GridPicture { columns, cell, picture, .. } = grid;
    let row = |row: usize| {
        let image = |column: usize| {
            let line = |y: usize| &picture.rgb[((row * cell + y) * picture.width + column * cell) * 3..];
            shrunk(line, *cell, 3)
        };
        mean_distance(&(0..*columns).map(image).collect::<Vec<_>>())
    };
    (0..grid.rows).map(|at| Some(row(at)? / (*real.get(at)?)?)).collect()
}

/// The means over the pixels that fall together in an image of [`SIDE`] pixels; `line(y)` begins with row y.
fn shrunk<'a>(line: impl Fn(usize) -> &'a [u8], size: usize, channels: usize) -> Vec<f32> {
    let side = size.min(SIDE);
    let mut sums = vec![(0_u32, 0_u32); side * side * channels];
    for y in 0..size {
        for (x, pixel) in line(y).chunks_exact(channels).take(size).enumerate() {
            let to = (y * side / size * side + x * side / size) * channels;
            for (sum, value) in sums[to..].iter_mut().zip(pixel) {
                *sum = (sum.0 + u32::from(*value), sum.1 + 1);
            }
        }
    }
    sums.into_iter().map(|(sum, count)| sum as f32 / count.max(1) as f32).collect()
}

/// The mean over all pairs of the root of the mean squared difference, in grey levels.
fn mean_distance(images: &[Vec<f32>]) -> Option<f32> {
    let distance = |a: &[f32], b: &[f32]| {
        let squares: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
        (squares / a.len().max(1) as f32).sqrt()
    };
    let (mut sum, mut pairs) = (0.0, 0_u32);
    for (i, a) in images.iter().enumerate() {
        for b in &images[..i] {
            sum += distance(a, b);
            pairs += 1;
        }
    }
    (pairs > 0).then(|| sum / pairs as f32)
}

#[cfg(test)]
mod tests {
    use super::super::watch::{At, Watch};
    use super::*;
    use crate::config::Config;
    use crate::event::{AlarmKind, Event, Picture};

    const CELL: usize = 32;

    /// A made-up generator: in each class a bright disc, anywhere where it is diverse, in one place where it has collapsed.
    fn grid(step: usize, collapsed: &[bool]) -> GridPicture {
        let (rows, columns) = (collapsed.len(), 8);
        let width = columns * CELL;
        let mut rgb = vec![20; width * rows * CELL * 3];
        for (row, collapsed) in collapsed.iter().enumerate() {
            for column in 0..columns {
                let at = if *collapsed { 13 } else { 6 + column * 5 % 20 };
                for (y, x) in (0..CELL * CELL).map(|i| (i / CELL, i % CELL)) {
                    // The collapsed ones differ by noise alone.
                    let noise = (x * 7 + y * 13 + column * 31 + step) % 5;
                    let inside = x.abs_diff(at).pow(2) + y.abs_diff(CELL - at).pow(2) < 36;
                    let pixel = ((row * CELL + y) * width + column * CELL + x) * 3;
                    rgb[pixel..pixel + 3].fill(if inside { 200 } else { 20 } + u8::try_from(noise).expect("below 5"));
                }
            }
        }
        let picture = Picture { width, height: rows * CELL, rgb: rgb.into() };
        GridPicture { step, columns, rows, cell: CELL, picture }
    }

    #[test]
    fn a_generator_that_collapses_in_one_class_raises_the_alarm_and_a_diverse_one_does_not() {
        let real: Vec<_> = of_grid(&grid(0, &[false; 3]), &[Some(1.0); 3]);
        assert!(real.iter().flatten().all(|spread| *spread > 10.0), "{real:?}");
        let names = ["a", "b", "c"].map(str::to_owned);
        let watched = |collapsed: [bool; 3]| {
            let mut watch = Watch::new(&Config::default(), &names);
            let mut look = |step: usize, collapsed: &[bool]| {
                watch.grid(At { step, seconds: 0.0 }, &of_grid(&grid(step, collapsed), &real))
            };
            let begin = look(100, &[false; 3]);
            [begin, look(200, &collapsed), look(300, &collapsed), look(400, &collapsed)].concat()
        };
        assert_eq!(watched([false; 3]), []);
        let events = watched([false, true, false]);
        let [Event::Alarm(alarm)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((alarm.step, alarm.kind, alarm.subject.as_deref()), (300, AlarmKind::ClassCollapse, Some("b")));
        assert!(alarm.message.contains("images of b are nearly the same"), "{}", alarm.message);
    }

    #[test]
    fn one_image_and_equal_real_ones_say_nothing() {
        let mut alone = grid(0, &[false]);
        assert_eq!(of_grid(&alone, &[None]), [None]);
        (alone.columns, alone.rows) = (1, 1);
        assert_eq!(of_grid(&alone, &[Some(1.0)]), [None]);
    }

    #[test]
    fn real_images_of_every_class_are_compared() {
        let mut config = Config::default();
        (config.image_size, config.data.demo_images) = (16, 3);
        let dataset = Dataset::load(&config, &|_, _| true).expect("the demo set");
        let spreads = of_real(&dataset);
        assert!(spreads.len() == 6 && spreads.iter().all(|spread| spread.is_some_and(|s| s > 1.0)), "{spreads:?}");
    }
}
