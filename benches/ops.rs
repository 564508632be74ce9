//! What the kernels reach: `cargo bench --bench ops`. The throughput column counts floating-point operations.

use candle_core::Device;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use gandle::feature::Lite;
use gandle::ops::attention::attention;
use gandle::ops::matmul::{Into, Matrix, Threads, matmul};
use gandle::ops::norm::Over;
use gandle::ops::tape::{gradients_from, without_recording};
use gandle::ops::{Geometry, Graph, Value, Window, cpu, gradients, memory};

/// The program's own.
#[global_allocator]
static ALLOCATOR: gandle::ops::memory::Allocator = gandle::ops::memory::Allocator;

fn main() {
    divan::main();
}

fn value(shape: &[usize]) -> Value {
    let count = shape.iter().product();
    let numbers = (0..count).map(|i| ((i * 37) % 23) as f32 / 7.0 - 1.5).collect();
    Value::leaf(cpu::tensor(numbers, shape).expect("the count fits"))
}

/// A stride-2 4x4 convolution of 32 images: size of its input, and channels before and after it.
#[derive(Clone, Copy, Debug)]
struct Layer(usize, usize, usize);

const LAYERS: [Layer; 8] = [
    Layer(64, 4, 64),
    Layer(32, 64, 128),
    Layer(16, 128, 256),
    Layer(8, 256, 512),
    Layer(64, 3, 64),
    Layer(32, 3, 32),
    Layer(32, 4, 32),
    Layer(16, 32, 64),
];

impl Layer {
    fn values(self) -> (Value, Value, Value) {
        let Self(size, inputs, outputs) = self;
        let output = value(&[32, size / 2, size / 2, outputs]);
        (value(&[32, size, size, inputs]), value(&[outputs, 4, 4, inputs]), output)
    }

    fn operations(self) -> ItemsCount {
        let Self(size, inputs, outputs) = self;
        ItemsCount::new(2 * 32 * (size / 2).pow(2) * 16 * inputs * outputs)
    }
}

const STRIDE_2: Geometry = Geometry::new(2, 1);

#[divan::bench(args = LAYERS)]
fn convolution(bencher: Bencher<'_, '_>, layer: Layer) {
    let (x, w, _) = layer.values();
    bencher.counter(layer.operations()).bench(|| black_box(x.conv(&w, STRIDE_2)).expect("shapes fit"));
}

#[divan::bench(args = LAYERS)]
fn input_gradient(bencher: Bencher<'_, '_>, layer: Layer) {
    let (_, w, g) = layer.values();
    let size = (layer.0, layer.0);
    bencher
        .counter(layer.operations())
        .bench(|| black_box(g.conv_input_gradient(&w, STRIDE_2, size)).expect("shapes fit"));
}

#[divan::bench(args = LAYERS)]
fn kernel_gradient(bencher: Bencher<'_, '_>, layer: Layer) {
    let (x, _, g) = layer.values();
    bencher
        .counter(layer.operations())
        .bench(|| black_box(x.conv_kernel_gradient(&g, STRIDE_2, (4, 4))).expect("shapes fit"));
}

/// What the matrix product alone reaches: the limit of the rest.
#[divan::bench(args = [512, 1024])]
fn matrix_product(bencher: Bencher<'_, '_>, n: usize) {
    let numbers = vec![0.5; n * n];
    let mut out = vec![0.0; n * n];
    bencher.counter(ItemsCount::new(2 * n * n * n)).bench_local(|| {
        matmul(&mut out, Matrix::new(&numbers, n, n), Matrix::new(&numbers, n, n), Into::Replace, Threads::All);
    });
}

/// Forward and backward of 32 maps of this width and 32 channels.
#[divan::bench(args = [16, 32, 64])]
fn self_attention(bencher: Bencher<'_, '_>, size: usize) {
    let n = size * size;
    let leaves = [value(&[32, n, 4]), value(&[32, n, 4]), value(&[32, n, 32])];
    let weight = value(&[32, n, 32]);
    bencher.counter(ItemsCount::new(2 * 32 * n * n * (3 * 4 + 3 * 32 + 4 + 32))).bench(|| {
        let out = attention(&leaves[0], &leaves[1], &leaves[2]).expect("shapes fit");
        black_box(gradients_from(out, weight.clone(), &leaves, Graph::Drop)).expect("shapes fit")
    });
}

/// Forward and backward of batch normalisation with ReLU.
#[divan::bench]
fn batch_norm(bencher: Bencher<'_, '_>) {
    let leaves = [value(&[32, 32, 32, 64]), value(&[1, 64]), value(&[1, 64])];
    let weight = value(&[32, 32, 32, 64]);
    bencher.bench(|| {
        let (out, _) = leaves[0].normalise(&leaves[1], &leaves[2], Over::Batch, 0.0).expect("shapes fit");
        black_box(gradients_from(out, weight.clone(), &leaves, Graph::Drop)).expect("shapes fit")
    });
}

/// Size and channels of 32 images.
const MAPS: [(usize, usize); 3] = [(64, 3), (32, 64), (16, 256)];

#[divan::bench(args = MAPS)]
fn average_pool(bencher: Bencher<'_, '_>, (size, channels): (usize, usize)) {
    let x = value(&[32, size, size, channels]);
    bencher.bench(|| black_box(x.average_pool(Window::square(3, 2, 1))).expect("shapes fit"));
}

#[divan::bench(args = MAPS)]
fn max_pool_and_gradient(bencher: Bencher<'_, '_>, (size, channels): (usize, usize)) {
    let x = value(&[32, size, size, channels]);
    bencher.bench(|| {
        let out = x.max_pool(Window::square(2, 2, 0)).expect("shapes fit");
        black_box(gradients(out, std::slice::from_ref(&x), Graph::Drop)).expect("shapes fit")
    });
}

#[divan::bench(args = MAPS)]
fn upsample(bencher: Bencher<'_, '_>, (size, channels): (usize, usize)) {
    let x = value(&[32, size / 2, size / 2, channels]);
    bencher.bench(|| black_box(x.upsample(2)).expect("shapes fit"));
}

#[divan::bench(args = MAPS)]
fn depthwise_and_gradients(bencher: Bencher<'_, '_>, (size, channels): (usize, usize)) {
    let inputs = [value(&[32, size, size, channels]), value(&[3, 3, channels])];
    bencher.counter(ItemsCount::new(6 * 9 * 32 * size * size * channels)).bench(|| {
        let out = inputs[0].depthwise(&inputs[1], Window::square(3, 1, 1)).expect("shapes fit");
        black_box(gradients(out, &inputs, Graph::Drop)).expect("shapes fit")
    });
}

/// EfficientNet-Lite0 on 16 images of 64 pixels: on the processor's own way, and layer by layer.
fn frozen(way: &str) -> (Lite, Value) {
    let network = match way {
        "fused" => Lite::shipped(&Device::Cpu),
        _ => Lite::layered(&Device::Cpu),
    };
    memory::keep_freed_pages();
    (network.expect("whole weights"), value(&[16, 64, 64, 3]))
}

/// Multiplications and additions of the network on these images.
const FROZEN: usize = 2 * 16 * 29_600_000;

#[divan::bench(args = ["fused", "layered"])]
fn frozen_features(bencher: Bencher<'_, '_>, way: &str) {
    let (network, images) = frozen(way);
    bencher
        .counter(ItemsCount::new(FROZEN))
        .bench(|| without_recording(|| black_box(network.features(&images)).expect("shapes fit")));
}

/// The same, with the gradient of the images.
#[divan::bench(args = ["fused", "layered"])]
fn frozen_features_and_gradient(bencher: Bencher<'_, '_>, way: &str) {
    let (network, images) = frozen(way);
    bencher.counter(ItemsCount::new(2 * FROZEN)).bench(|| {
        let maps = network.features(&images).expect("shapes fit");
        let sums = maps.iter().map(|map| map.sum_all().expect("a sum"));
        let sum = sums.reduce(|a, b| a.add(&b).expect("shapes fit")).expect("four maps");
        black_box(gradients(sum, std::slice::from_ref(&images), Graph::Drop)).expect("shapes fit")
    });
}
