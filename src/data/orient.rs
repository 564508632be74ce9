//! How the axes of a volume lie in the body: towards the right, the front and the head (RAS+), or nearest to that.
//!
//! The nearest axes are those of nibabel's `as_closest_canonical`: the rotation next to the axes (their polar factor) says
//! which axis of the file goes along which of the body, the most certain first.

/// Where an axis of the body comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    /// The axis of the file.
    pub from: usize,
    /// It runs the other way.
    pub flipped: bool,
}

/// How a volume is turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// The axes to the right, to the front, and to the head.
    pub axes: [Axis; 3],
    /// The axes of the file lie between those of the body.
    pub oblique: bool,
    /// The file says how it lies.
    pub is_named: bool,
}

/// A step along each axis of the file, one below the other: `steps[axis]` in directions of the body.
pub(super) type Steps = [[f64; 3]; 3];

/// Cosine of the angle from which on axes are called oblique: 1 degree.
const STRAIGHT: f64 = 0.999_85;

impl Turn {
    /// That of files of a format which has places for it that are left empty: nibabel, SPM and FSL take the first axis to
    /// go to the left then, as in the older format (Analyze) that they come from.
    pub const UNNAMED: Self = Self {
        axes: [Axis { from: 0, flipped: true }, Axis { from: 1, flipped: false }, Axis { from: 2, flipped: false }],
        oblique: false,
        is_named: false,
    };

    /// The one that brings steps along the axes of a file nearest to right, front and head; nothing where the steps do not
    /// span a volume.
    pub fn nearest(steps: &Steps) -> Option<Self> {
        let mut unit = *steps;
        for step in &mut unit {
            let length = step.iter().map(|part| part * part).sum::<f64>().sqrt();
            if !length.is_finite() || length <= 0.0 {
                return None;
            }
            step.iter_mut().for_each(|part| *part /= length);
        }
        let mut rotation = polar(unit)?;
        let certain = |step: &[f64; 3]| step.iter().fold(0.0_f64, |most, part| most.max(part * part));
        let mut order = [0, 1, 2];
        // Stable: of equally certain ones, the first in the file.
        order.sort_by(|a, b| certain(&rotation[*b]).total_cmp(&certain(&rotation[*a])));
        let mut axes = [None; 3];
        for from in order {
            let step = rotation[from];
            let mut to = 0;
            for axis in [1, 2] {
                if step[axis].abs() > step[to].abs() {
                    to = axis;
                }
            }
            axes[to] = Some(Axis { from, flipped: step[to] < 0.0 });
            // No other goes there.
            rotation.iter_mut().for_each(|step| step[to] = 0.0);
        }
        let [Some(right), Some(front), Some(head)] = axes else { return None };
        let axes = [right, front, head];
        let oblique = axes.iter().enumerate().any(|(to, axis)| unit[axis.from][to].abs() < STRAIGHT);
        Some(Self { axes, oblique, is_named: true })
    }

    /// Directions to the left, to the back and to the head (DICOM, MetaImage) as those of this program.
    pub fn from_lps(mut steps: Steps) -> Steps {
        for step in &mut steps {
            (step[0], step[1]) = (-step[0], -step[1]);
        }
        steps
    }
}

/// The rotation (or mirrored rotation) nearest to a matrix, by Newton's iteration (Higham 1986); nothing where the matrix has
/// no inverse.
fn polar(mut matrix: Steps) -> Option<Steps> {
    for _ in 0..50 {
        let inverse = inverse_transposed(&matrix)?;
        let mut moved = 0.0_f64;
        for (row, other) in matrix.iter_mut().zip(inverse) {
            for (value, other) in row.iter_mut().zip(other) {
                let next = (*value + other) / 2.0;
                moved = moved.max((next - *value).abs());
                *value = next;
            }
        }
        if moved < 1e-13 {
            break;
        }
    }
    matrix.iter().flatten().all(|value| value.is_finite()).then_some(matrix)
}

fn inverse_transposed(m: &Steps) -> Option<Steps> {
    let minor = |row: usize, column: usize| {
        let (a, b) = ((row + 1) % 3, (row + 2) % 3);
        let (c, d) = ((column + 1) % 3, (column + 2) % 3);
        m[a][c] * m[b][d] - m[a][d] * m[b][c]
    };
    let cofactors = [0, 1, 2].map(|row| [0, 1, 2].map(|column| minor(row, column)));
    let determinant: f64 = (0..3).map(|column| m[0][column] * cofactors[0][column]).sum();
    (determinant.abs() > 1e-12 && determinant.is_finite())
        .then(|| cofactors.map(|row| row.map(|cofactor| cofactor / determinant)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(steps: Steps) -> String {
        let turn = Turn::nearest(&steps).unwrap();
        let axis = |axis: Axis| format!("{}{}", if axis.flipped { '-' } else { '+' }, axis.from);
        format!("{}{}", turn.axes.map(axis).concat(), if turn.oblique { " oblique" } else { "" })
    }

    #[test]
    fn axes_go_to_the_nearest_of_the_body() {
        let (right, front, head) = ([1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 5.0]);
        let back = |step: [f64; 3]| step.map(|part| -part);
        assert_eq!(turn([right, front, head]), "+0+1+2");
        // LPS: the first two run the other way.
        assert_eq!(turn([back(right), back(front), head]), "-0-1+2");
        // PIR: the first axis goes to the back, the second to the feet, the third to the right.
        assert_eq!(turn([back(front), back(head), right]), "+2-0-1");
        // Turned by 30 degrees in the axial plane, and sheared: numpy's SVD gives the same in nibabel.
        let (sin, cos) = (0.5, 3_f64.sqrt() / 2.0);
        assert_eq!(turn([[cos, sin, 0.0], [-sin, cos, 0.0], head]), "+0+1+2 oblique");
        assert_eq!(turn([[sin, -cos, 0.0], [cos, sin, 0.0], head]), "+1-0+2 oblique");
    }

    #[test]
    fn what_spans_no_volume_has_no_axes() {
        assert_eq!(Turn::nearest(&[[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), None);
        assert_eq!(Turn::nearest(&[[0.0; 3], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), None);
        assert_eq!(Turn::nearest(&[[f64::NAN; 3]; 3]), None);
        assert_eq!(Turn::nearest(&[[f64::MAX; 3]; 3]), None);
    }
}
