//! Named numbers of a network, and one pass over them.
//!
//! `candle_nn::VarMap` and `VarBuilder` are not what is needed here: they keep no order, know no running statistics from weights,
//! draw from a source that has no seed on the CPU, and turn a tensor of another kind into the wanted one without a word.

use candle_core::{DType, Device, Result, Tensor, bail};
use rand::Rng as _;
use rand_distr::{Distribution as _, StandardNormal};

use crate::config::Stage;
use crate::config::plan::{Init, Weight};
use crate::config::rng::ChaCha8Rng;
use crate::ops::Value;

/// How an entry's numbers are arranged, here and in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// Alike in both.
    Plain,
    /// A convolution's kernel: `(O, kh, kw, I)` here, `(O, I, kh, kw)` in files.
    Kernel,
    /// A vector over the columns of such a kernel: `(kh, kw, I)` here, `(I, kh, kw)` in files, flat in both.
    KernelColumns { kh: usize, kw: usize, inputs: usize },
}

/// One named tensor of a network.
#[derive(Clone)]
pub struct Entry {
    /// Its name in files, such as `blocks.0.conv.weight`.
    pub name: String,
    /// Its numbers, arranged as the kernels read them.
    pub tensor: Tensor,
    /// Whether the optimiser moves it; running statistics and singular vectors are moved by forward passes.
    pub trainable: bool,
    /// Whether it is a table with a row for each class.
    pub by_class: bool,
    layout: Layout,
}

impl Layout {
    /// That of a weight of these sides, as its description has them.
    fn of(shape: &[usize]) -> Self {
        match *shape {
            [_, _, _, _] => Self::Kernel,
            [kh, kw, inputs] => Self::KernelColumns { kh, kw, inputs },
            _ => Self::Plain,
        }
    }
}

impl Entry {
    /// The numbers as files hold them.
    ///
    /// # Errors
    /// Those of candle.
    pub fn to_file(&self) -> Result<Tensor> {
        match self.layout {
            Layout::Plain => Ok(self.tensor.clone()),
            Layout::Kernel => self.tensor.permute((0, 3, 1, 2))?.contiguous(),
            Layout::KernelColumns { kh, kw, inputs } => {
                self.tensor.reshape((kh, kw, inputs))?.permute((2, 0, 1))?.contiguous()?.flatten_all()
            }
        }
    }

    /// Takes over numbers that come from a file.
    ///
    /// # Errors
    /// Where shape or kind differ from what the architecture has.
    pub fn set_from_file(&mut self, tensor: &Tensor) -> Result<()> {
        let want = self.to_file()?;
        if (tensor.dims(), tensor.dtype()) != (want.dims(), want.dtype()) {
            bail!(
                "`{}`: {:?} {:?} where {:?} {:?} is wanted",
                self.name,
                tensor.dims(),
                tensor.dtype(),
                want.dims(),
                want.dtype()
            );
        }
        let tensor = tensor.to_device(self.tensor.device())?;
        self.tensor = match self.layout {
            Layout::Plain => tensor.contiguous()?,
            Layout::Kernel => tensor.permute((0, 2, 3, 1))?.contiguous()?,
            Layout::KernelColumns { kh, kw, inputs } => {
                tensor.reshape((inputs, kh, kw))?.permute((1, 2, 0))?.contiguous()?.flatten_all()?
            }
        };
        Ok(())
    }

    /// An entry of the same name and arrangement that holds other numbers, such as an optimiser's moment.
    pub fn alike(&self, tensor: Tensor) -> Self {
        Self { tensor, ..self.clone() }
    }
}

/// Where an entry stands in its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(usize);

/// All numbers of a network, in a fixed order. Cloning copies no numbers: tensors are never changed in place.
#[derive(Clone, Default)]
pub struct ParameterStore {
    entries: Vec<Entry>,
}

impl ParameterStore {
    /// Every entry, in the order of the architecture.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Every entry, to be replaced.
    pub fn entries_mut(&mut self) -> &mut [Entry] {
        &mut self.entries
    }

    /// Numbers that the optimiser moves.
    pub fn parameter_count(&self) -> usize {
        self.entries.iter().filter(|entry| entry.trainable).map(|entry| entry.tensor.elem_count()).sum()
    }

    /// Replaces every entry by the tensor of its name.
    ///
    /// # Errors
    /// Where a name is missing or a shape differs; the store is then left half replaced and must not be used.
    pub fn load(&mut self, mut tensor: impl FnMut(&str) -> Option<Tensor>) -> Result<()> {
        for entry in &mut self.entries {
            match tensor(&entry.name) {
                Some(tensor) => entry.set_from_file(&tensor)?,
                None => bail!("`{}` is missing", entry.name),
            }
        }
        Ok(())
    }
}

/// Ends the name of a count of batches beside running statistics.
pub(super) const COUNTER: &str = "num_batches_tracked";

/// A weight in a store.
#[derive(Clone, Copy)]
pub(super) struct Held {
    pub id: Id,
    /// Its singular vectors, where it is divided by its largest singular value.
    pub spectral: Option<(Id, Id)>,
}

/// Fills a store, name by name, from one stream of chance.
pub(super) struct Builder<'a> {
    pub store: &'a mut ParameterStore,
    pub rng: &'a mut ChaCha8Rng,
    pub device: &'a Device,
}

impl Builder<'_> {
    /// Draws a weight of the node `at`.
    pub fn add(&mut self, at: &str, weight: &Weight) -> Result<Held> {
        let shape = weight.shape.as_slice();
        let tensor = match weight.init {
            Init::Normal { mean, deviation } => self.numbers(shape, |rng| {
                let unit: f32 = StandardNormal.sample(rng);
                mean + deviation * unit
            })?,
            Init::Fixed(deviation) => self.numbers(shape, |rng| {
                let unit: f32 = StandardNormal.sample(rng);
                deviation * unit
            })?,
            Init::Uniform(bound) => self.numbers(shape, |rng| rng.random_range(-bound..=bound))?,
            Init::Orthogonal => self.orthogonal(shape)?,
            Init::Constant(value) => Tensor::full(value, shape, self.device)?,
            Init::Running(value) => Tensor::full(value, shape.iter().product::<usize>(), self.device)?,
            Init::Count => Tensor::zeros((), DType::I64, &Device::Cpu)?,
        };
        let name = format!("{at}.{}", weight.name);
        let beside = name.trim_end_matches("layer.weight").to_owned();
        let id = self.push(name, tensor.clone(), (weight.is_trainable(), weight.by_class), Layout::of(shape));
        let spectral = if weight.spectral { Some(self.singular_vectors(&beside, &tensor)?) } else { None };
        Ok(Held { id, spectral })
    }

    fn push(&mut self, name: String, tensor: Tensor, (trainable, by_class): (bool, bool), layout: Layout) -> Id {
        self.store.entries.push(Entry { name, tensor, trainable, by_class, layout });
        Id(self.store.entries.len() - 1)
    }

    fn numbers(&mut self, shape: &[usize], mut draw: impl FnMut(&mut ChaCha8Rng) -> f32) -> Result<Tensor> {
        let data: Vec<f32> = (0..shape.iter().product()).map(|_| draw(self.rng)).collect();
        Tensor::from_vec(data, shape, self.device)
    }

    /// A kernel whose rows are orthogonal and of unit length, or its columns where there are fewer of those.
    fn orthogonal(&mut self, shape: &[usize]) -> Result<Tensor> {
        let outputs = shape.first().copied().unwrap_or(0);
        let numbers = shape.iter().skip(1).product::<usize>();
        let (long, short) = (outputs.max(numbers), outputs.min(numbers));
        let drawn = faer::Mat::<f64>::from_fn(long, short, |_, _| StandardNormal.sample(self.rng));
        let factors = drawn.qr();
        let (q, r) = (factors.compute_thin_Q(), factors.thin_R());
        // Signs so that the distribution is uniform: the diagonal of the other factor is positive.
        let at = |row: usize, column: usize| q[(row, column)] * f64::signum(r[(column, column)]);
        let number =
            |output: usize, place: usize| if outputs < numbers { at(place, output) } else { at(output, place) };
        let data = (0..outputs * numbers).map(|i| number(i / numbers, i % numbers) as f32).collect();
        Tensor::from_vec::<_, f32>(data, shape, self.device)
    }

    /// A weight's singular vectors `u` and `v`, settled by some power iterations.
    fn singular_vectors(&mut self, at: &str, weight: &Tensor) -> Result<(Id, Id)> {
        let columns = weight.elem_count() / weight.dim(0)?;
        let start = self.numbers(&[columns], |rng| StandardNormal.sample(rng))?;
        let mut pair = crate::ops::spectral::power_iteration(weight, &start)?;
        for _ in 1..15 {
            pair = crate::ops::spectral::power_iteration(weight, &pair.1)?;
        }
        let u = self.push(format!("{at}u"), pair.0, (false, false), Layout::Plain);
        Ok((u, self.push(format!("{at}v"), pair.1, (false, false), Layout::of(&weight.dims()[1..]))))
    }
}

/// Whether a pass moves running statistics and singular vectors and normalises by its own batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It does.
    Train,
    /// It does not: stored statistics are used.
    Evaluate,
}

/// One or several forward passes over a store whose gradients are asked for together.
pub struct Pass<'a> {
    store: &'a mut ParameterStore,
    mode: Mode,
    learns: bool,
    stage: Stage,
    momentum: f64,
    leaves: Vec<Option<Value>>,
}

/// How far running statistics move towards those of a batch, as in PyTorch.
const MOMENTUM: f64 = 0.1;

impl<'a> Pass<'a> {
    /// `learns`: whether gradients of the store's own numbers will be asked for.
    pub fn new(store: &'a mut ParameterStore, mode: Mode, learns: bool) -> Self {
        let leaves = vec![None; store.entries.len()];
        Self { store, mode, learns, stage: Stage::WHOLE, momentum: MOMENTUM, leaves }
    }

    /// The pass at another stage than the whole network.
    #[must_use]
    pub fn at(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    /// The pass with running statistics that become the plain mean of those of `batches` ones: this is the last of them.
    #[must_use]
    pub fn averaging(mut self, batches: usize) -> Self {
        self.momentum = 1.0 / batches.max(1) as f64;
        self
    }

    /// How far running statistics move towards those of this pass.
    pub(super) fn momentum(&self) -> f64 {
        self.momentum
    }

    /// What the networks are in this pass.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether this is a training pass.
    pub fn trains(&self) -> bool {
        self.mode == Mode::Train
    }

    /// The learnt numbers that the passes so far have read, with their places among the store's entries.
    pub fn leaves(&self) -> Vec<(usize, Value)> {
        self.leaves.iter().enumerate().filter_map(|(i, leaf)| Some((i, leaf.clone()?))).collect()
    }

    pub(super) fn value(&mut self, Id(i): Id) -> Value {
        let tensor = &self.store.entries[i].tensor;
        if !self.learns {
            return Value::constant(tensor.clone());
        }
        self.leaves[i].get_or_insert_with(|| Value::leaf(tensor.clone())).clone()
    }

    pub(super) fn tensor(&self, Id(i): Id) -> &Tensor {
        &self.store.entries[i].tensor
    }

    pub(super) fn replace(&mut self, Id(i): Id, tensor: Tensor) {
        self.store.entries[i].tensor = tensor;
    }
}
