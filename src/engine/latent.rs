//! Ways through the noise that a generator draws from.
//!
//! Noise of many numbers lies near a sphere about 0, and a generator has seen nothing far from it: every way keeps to it.

/// Spherical interpolation (Shoemake 1985; White 2016): points between two draws of noise are as far from 0 as draws are,
/// where those of a straight line are nearer, and look like an average.
pub(super) fn slerp(a: &[f32], b: &[f32], share: f64) -> Vec<f32> {
    let lengths = (product(a, a) * product(b, b)).sqrt();
    let angle = (product(a, b) / lengths.max(f64::MIN_POSITIVE)).clamp(-1.0, 1.0).acos();
    let (from, to) = match angle.sin() {
        // On one line with 0 there is no arc, or any.
        sine if sine < 1e-6 => (1.0 - share, share),
        sine => (((1.0 - share) * angle).sin() / sine, (share * angle).sin() / sine),
    };
    mix(a, from, b, to)
}

/// The point so many degrees from `middle` along two directions at once, as far from 0 as `middle` is: the exponential map of
/// the sphere. The directions are made upright on `middle` and on each other.
pub(super) fn around(middle: &[f32], directions: [&[f32]; 2], degrees: [f32; 2]) -> Vec<f32> {
    let length = product(middle, middle).sqrt();
    let [first, second] = directions;
    let right = upright(first, &[middle], length);
    let up = upright(second, &[middle, &right], length);
    let [x, y] = degrees.map(|degrees| f64::from(degrees).to_radians());
    let far = (x * x + y * y).sqrt();
    if far == 0.0 {
        return middle.to_vec();
    }
    let along = mix(&right, x / far, &up, y / far);
    mix(middle, far.cos(), &along, far.sin())
}

/// What of a direction stands upright on others, brought to a length; zeros where nothing does.
fn upright(direction: &[f32], others: &[&[f32]], length: f64) -> Vec<f32> {
    let mut out = direction.to_vec();
    for other in others {
        let share = product(&out, other) / product(other, other).max(f64::MIN_POSITIVE);
        out = mix(&out, 1.0, other, -share);
    }
    let own = product(&out, &out).sqrt();
    let scale = if own > 1e-9 { length / own } else { 0.0 };
    mix(&out, scale, &out, 0.0)
}

fn product(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

#[expect(clippy::cast_possible_truncation, reason = "noise is float32")]
fn mix(a: &[f32], of_a: f64, b: &[f32], of_b: f64) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| (of_a * f64::from(*a) + of_b * f64::from(*b)) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(z: &[f32]) -> f64 {
        product(z, z).sqrt()
    }

    #[test]
    fn the_way_between_two_draws_keeps_their_length() {
        let (a, b) = ([3.0, 0.0, 4.0], [0.0, 5.0, 0.0]);
        assert_eq!((slerp(&a, &b, 0.0), slerp(&a, &a, 0.3)), (a.to_vec(), a.to_vec()));
        let half = slerp(&a, &b, 0.5);
        assert!((length(&half) - 5.0).abs() < 1e-5 && (half[1] - 5.0 / 2.0_f32.sqrt()).abs() < 1e-5);
        // Thirds of the angle.
        let third = slerp(&a, &b, 1.0 / 3.0);
        assert!((product(&a, &third) / 25.0 - 30_f64.to_radians().cos()).abs() < 1e-6);
        assert_eq!(slerp(&[1.0], &[-1.0], 0.5), [0.0]);
        assert_eq!(slerp(&[0.0], &[0.0], 0.5), [0.0]);
    }

    #[test]
    fn a_map_keeps_to_the_sphere_and_tells_degrees() {
        let middle = [2.0, -1.0, 0.5, 1.5];
        let (right, up) = ([1.0, 1.0, 0.0, -1.0], [0.3, 2.0, 1.0, 0.0]);
        let at = |x, y| around(&middle, [&right, &up], [x, y]);
        assert_eq!(at(0.0, 0.0), middle);
        for (x, y) in [(30.0, 0.0), (0.0, -20.0), (3.0, 4.0)] {
            let there = at(x, y);
            assert!((length(&there) - length(&middle)).abs() < 1e-5);
            let degrees = (product(&middle, &there) / product(&middle, &middle)).acos().to_degrees();
            assert!((degrees - f64::from(x * x + y * y).sqrt()).abs() < 1e-3, "{degrees}");
        }
        // Both directions at right angles to each other.
        let off = |z: Vec<f32>| mix(&z, 1.0, &middle, -(90_f64.to_radians().cos()));
        assert!(product(&off(at(90.0, 0.0)), &off(at(0.0, 90.0))).abs() < 1e-4);
        // No second direction: nowhere else to go, but no NaN.
        assert!(around(&middle, [&right, &right], [0.0, 10.0]).iter().all(|x| x.is_finite()));
    }
}
