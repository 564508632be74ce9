use super::*;
use crate::ops::Graph;
use crate::ops::tape::{gradients, gradients_from};
use crate::ops::testing::{close, finite_differences, second_order, value, values};

const CASES: &[([usize; 4], Over, usize, f32)] = &[
    ([3, 2, 2, 5], Over::Batch, 1, 1.0),
    ([4, 3, 1, 17], Over::Batch, 4, 0.2),
    ([3, 2, 3, 4], Over::Image, 1, 0.2),
    ([2, 4, 4, 3], Over::Image, 2, 1.0),
    ([2, 40, 40, 33], Over::Batch, 1, 0.0),
];

fn shape_of(&(dims, over, rows, slope): &([usize; 4], Over, usize, f32)) -> Shape {
    Shape { batch: dims[0], positions: dims[1] * dims[2], channels: dims[3], over, slope, rows }
}

/// `x`, scale and shift.
fn inputs_of((dims, _, rows, _): &([usize; 4], Over, usize, f32)) -> [Value; 3] {
    values([&dims[..], &[*rows, dims[3]], &[*rows, dims[3]]])
}

fn numbers(t: &Tensor) -> Vec<f64> {
    cpu::slice(t).unwrap().iter().map(|x| f64::from(*x)).collect()
}

/// The operation by its kernels and in plain operations.
fn both_ways<T>(case: &([usize; 4], Over, usize, f32), of: impl Fn(&dyn Fn(&[Value]) -> Result<Value>) -> T) -> [T; 2] {
    let shape = shape_of(case);
    [
        of(&|v| Ok(v[0].normalise(&v[1], &v[2], shape.over, shape.slope)?.0)),
        of(&|v| plain::normalise(&v[0], &v[1], &v[2], &shape)),
    ]
}

#[test]
fn kernels_and_plain_operations_agree() {
    for case in CASES {
        let inputs = inputs_of(case);
        let [got, want] = both_ways(case, |f| f(&inputs).unwrap());
        close(got.tensor(), &numbers(want.tensor()), 1e-5);
        let (_, statistics) = inputs[0].normalise(&inputs[1], &inputs[2], case.1, case.3).unwrap();
        let candles = plain::statistics(inputs[0].tensor(), &shape_of(case)).unwrap();
        for (a, b) in statistics.variance.iter().zip(&candles.variance) {
            assert!((a - b).abs() < 1e-5 * b.max(1e-3));
        }
        let weight = value(&case.0, 7);
        let grads = |of: Value| gradients_from(of, weight.detach(), &inputs, Graph::Drop).unwrap();
        for (a, b) in grads(got).iter().zip(grads(want)) {
            close(a.as_ref().unwrap().tensor(), &numbers(b.unwrap().tensor()), 1e-4);
        }
    }
}

#[test]
fn gradients_match_differences() {
    for case in &CASES[..4] {
        let (inputs, over) = (inputs_of(case), case.1);
        finite_differences(&inputs, |v| Ok(v[0].normalise(&v[1], &v[2], over, 1.0)?.0));
        second_order(&inputs, |v| Ok(v[0].normalise(&v[1], &v[2], over, 1.0)?.0));
        // Far from the kink, which a difference would straddle: half of the channels above it, half below.
        let far: Vec<f32> = (0..inputs[2].tensor().elem_count()).map(|i| [8.0, -8.0][i % 2]).collect();
        let far = Value::leaf(cpu::tensor(far, inputs[2].dims()).unwrap());
        let inputs = [inputs[0].clone(), inputs[1].clone(), far];
        for slope in [0.0, 0.2] {
            second_order(&inputs, |v| Ok(v[0].normalise(&v[1], &v[2], over, slope)?.0));
        }
    }
}

/// A penalty on the gradient in `x` alone, as a critic's is taken: everything that it depends on, differentiated.
fn penalised(f: &dyn Fn(&[Value]) -> Result<Value>, inputs: &[Value], weight: &Value, graph: Graph) -> Vec<Value> {
    let dx = gradients_from(f(inputs).unwrap(), weight.clone(), &inputs[..1], Graph::Keep).unwrap().remove(0).unwrap();
    let penalty = dx.mul(&dx).unwrap().mul(&value(dx.dims(), 11).detach()).unwrap();
    let leaves = [&inputs[..2], std::slice::from_ref(weight)].concat();
    gradients(penalty, &leaves, graph).unwrap().into_iter().flatten().collect()
}

#[test]
fn second_order_kernels_and_plain_operations_agree() {
    for case in CASES {
        let (inputs, weight) = (inputs_of(case), value(&case.0, 8));
        let [got, want] = both_ways(case, |f| penalised(f, &inputs, &weight, Graph::Drop));
        assert_eq!(got.len(), 3);
        for (got, want) in got.iter().zip(want) {
            close(got.tensor(), &numbers(want.tensor()), 1e-4);
        }
    }
}

#[test]
fn orders_without_kernels_are_those_of_plain_operations() {
    for case in &CASES[..4] {
        let (inputs, weight) = (inputs_of(case), value(&case.0, 8));
        let third = |f: &dyn Fn(&[Value]) -> Result<Value>| {
            let second = penalised(f, &inputs, &weight, Graph::Keep);
            let squares = second.iter().map(|g| g.mul(g)?.sum_all()).reduce(|a, b| a?.add(&b?)).unwrap().unwrap();
            gradients(squares, &[&inputs[..2], std::slice::from_ref(&weight)].concat(), Graph::Drop).unwrap()
        };
        let [got, want] = both_ways(case, third);
        for (got, want) in got.iter().zip(want) {
            close(got.as_ref().unwrap().tensor(), &numbers(want.unwrap().tensor()), 1e-4);
        }
    }
}

#[test]
fn a_mean_far_from_zero_keeps_the_variance() {
    let x: Vec<f32> = (0..4000).map(|i| 1000.0 + (i % 2) as f32).collect();
    let x = Value::constant(cpu::tensor(x, (4, 10, 50, 2)).unwrap());
    // Channel 0 is 1000 throughout, channel 1 is 1001.
    let [one, zero] = [1.0, 0.0].map(|v| Value::constant(cpu::tensor(vec![v; 2], (1, 2)).unwrap()));
    let (_, statistics) = x.normalise(&one, &zero, Over::Batch, 1.0).unwrap();
    assert_eq!((statistics.mean, statistics.variance), (vec![1000.0, 1001.0], vec![0.0, 0.0]));
}

#[test]
fn given_statistics_are_used_as_they_are() {
    let [x, scale, shift] = values([&[2, 1, 2, 3], &[1, 3], &[1, 3]]);
    let (own, statistics) = x.normalise(&scale, &shift, Over::Batch, 0.2).unwrap();
    let tensor = |v: &[f64]| cpu::tensor(v.iter().map(|x| *x as f32).collect(), 3).unwrap();
    let (mean, variance) = (tensor(&statistics.mean), tensor(&statistics.variance));
    let given = x.normalise_with(&mean, &variance, &scale, &shift, 0.2).unwrap();
    let want: Vec<f64> = cpu::slice(own.tensor()).unwrap().iter().map(|x| f64::from(*x)).collect();
    close(given.tensor(), &want, 1e-5);
}

#[test]
fn shapes_that_do_not_fit_are_told() {
    let [x, table, wide, shift] = values([&[2, 1, 2, 3], &[1, 3], &[1, 4], &[3, 3]]);
    let statistic = |len: usize| cpu::tensor(vec![1.0; len], len).unwrap();
    for (scale, shift) in [(&wide, &wide), (&table, &wide), (&shift, &shift)] {
        let err = x.normalise(scale, shift, Over::Batch, 1.0).err().unwrap().to_string();
        assert!(err.contains("do not fit [2, 1, 2, 3]"), "{err}");
        assert!(x.normalise_with(&statistic(3), &statistic(3), scale, shift, 1.0).is_err());
    }
    let err = x.normalise_with(&statistic(2), &statistic(3), &table, &table, 1.0).err().unwrap().to_string();
    assert!(err.contains("mean [2], variance [3]"), "{err}");
}
