//! Takes over what fits of a checkpoint of other networks: layers that both have, and rows of the classes that both know.

use std::collections::HashMap;

use anyhow::{Context as _, ensure};
use candle_core::{DType, Device, Result, Tensor};

use super::adam::Moments;
use super::state::{
    DISCRIMINATOR, DISCRIMINATOR_OPTIMIZER, EMA, GENERATOR, GENERATOR_OPTIMIZER, OWN_STEPS, STEPS, moment_name, parse,
};
use super::{Adam, Trainer};
use crate::config::transfer::{Carried, Layers};
use crate::model::{Entry, ParameterStore};
use crate::ops::spectral::power_iteration;

/// Power iterations that settle the singular vectors of a table with other rows, as many as at the start.
const ITERATIONS: usize = 15;

/// What a new class begins with.
#[derive(Clone, Copy)]
enum Fill {
    /// The mean of the rows of all classes that were known.
    Mean,
    /// Nothing: an optimiser has seen no gradient of it.
    Zero,
}

impl Trainer {
    /// Takes over both networks, the average and the optimisers as far as `carried` keeps them; the rest stays as it was
    /// started, with moments of zero. `other` hands out the files of what is remembered beside them, as [`Trainer::load_files`]
    /// reads them.
    ///
    /// # Errors
    /// Where a file cannot be read, or is not of the networks that `carried` knows; the trainer must not be used then.
    pub fn carry_files(
        &mut self,
        carried: &Carried,
        read: impl Fn(&str) -> anyhow::Result<Vec<u8>>,
    ) -> anyhow::Result<()> {
        let (generator, discriminator) = (&carried.generator, &carried.discriminator);
        for (name, store, layers) in [
            (GENERATOR, &mut self.generator_store, generator),
            (DISCRIMINATOR, &mut self.discriminator_store, discriminator),
            (EMA, &mut self.ema, generator),
        ] {
            carry_store(store, &parse(&read(name)?)?, layers, &carried.rows)
                .with_context(|| format!("checkpoint file {name}"))?;
        }
        for (name, optimizer, layers) in [
            (GENERATOR_OPTIMIZER, &mut self.generator_optimizer, generator),
            (DISCRIMINATOR_OPTIMIZER, &mut self.discriminator_optimizer, discriminator),
        ] {
            carry_moments(optimizer, &parse(&read(name)?)?, layers, &carried.rows)
                .with_context(|| format!("checkpoint file {name}"))?;
        }
        self.load_remembered(read)
    }
}

fn carry_store(
    store: &mut ParameterStore,
    tensors: &HashMap<String, Tensor>,
    layers: &Layers,
    rows: &[Option<usize>],
) -> anyhow::Result<()> {
    let mut turned = Vec::new();
    for entry in store.entries_mut() {
        if !layers.keeps(&entry.name) {
            continue;
        }
        let by_class = layers.is_by_class(&entry.name);
        if by_class && is_singular(&entry.name) {
            // Of the table as it was; they follow from the new one and the old `v`.
            if entry.name.ends_with(".v") {
                entry.set_from_file(of(tensors, &entry.name)?)?;
            }
            turned.push(entry.name.clone());
            continue;
        }
        let old = of(tensors, &entry.name)?;
        if by_class { entry.set_from_file(&with_rows(old, rows, Fill::Mean)?)? } else { entry.set_from_file(old)? }
    }
    for beside in turned.iter().filter_map(|name| name.strip_suffix('v')) {
        settle(store, beside)?;
    }
    Ok(())
}

fn of<'a>(tensors: &'a HashMap<String, Tensor>, name: &str) -> anyhow::Result<&'a Tensor> {
    tensors.get(name).with_context(|| format!("`{name}` is missing"))
}

/// Whether an entry is a singular vector.
fn is_singular(name: &str) -> bool {
    name.ends_with(".u") || name.ends_with(".v")
}

/// Singular vectors of the weight before whose names `beside` stands, from its `v`.
fn settle(store: &mut ParameterStore, beside: &str) -> anyhow::Result<()> {
    let at = |store: &ParameterStore, name: String| {
        let found = store.entries().iter().position(|entry| entry.name == name);
        found.with_context(|| format!("`{name}` is missing"))
    };
    let weight = at(store, format!("{beside}layer.weight"))?;
    let (u, v) = (at(store, format!("{beside}u"))?, at(store, format!("{beside}v"))?);
    let entries = store.entries_mut();
    let mut pair = power_iteration(&entries[weight].tensor, &entries[v].tensor)?;
    for _ in 1..ITERATIONS {
        pair = power_iteration(&entries[weight].tensor, &pair.1)?;
    }
    (entries[u].tensor, entries[v].tensor) = pair;
    Ok(())
}

/// The rows of a table of the classes before, for those that there are now.
fn with_rows(old: &Tensor, rows: &[Option<usize>], fill: Fill) -> anyhow::Result<Tensor> {
    ensure!(old.dtype() == DType::F32 && old.rank() > 0, "a table of {:?} {:?}", old.dims(), old.dtype());
    let fresh = match fill {
        Fill::Mean => mean_row(old)?,
        Fill::Zero => old.narrow(0, 0, 1)?.zeros_like()?,
    };
    let count = old.dim(0)?;
    let row = |row: &Option<usize>| match row {
        Some(row) if *row < count => old.narrow(0, *row, 1),
        Some(_) | None => Ok(fresh.clone()),
    };
    Ok(Tensor::cat(&rows.iter().map(row).collect::<Result<Vec<_>>>()?, 0)?.contiguous()?)
}

/// The mean of all rows, summed in their order in f64, so that it is the same everywhere.
fn mean_row(table: &Tensor) -> Result<Tensor> {
    let (rows, mut dims) = (table.dim(0)?, table.dims().to_vec());
    let numbers = table.flatten_all()?.to_vec1::<f32>()?;
    let width = numbers.len() / rows.max(1);
    let mean = |column: usize| {
        let sum: f64 = (0..rows).map(|row| f64::from(numbers[row * width + column])).sum();
        (sum / rows.max(1) as f64) as f32
    };
    dims[0] = 1;
    Tensor::from_vec((0..width).map(mean).collect::<Vec<_>>(), dims, &Device::Cpu)
}

fn carry_moments(
    optimizer: &mut Adam,
    tensors: &HashMap<String, Tensor>,
    layers: &Layers,
    rows: &[Option<usize>],
) -> anyhow::Result<()> {
    let count = |tensor: &Tensor, name: &str| -> anyhow::Result<u64> {
        u64::try_from(tensor.to_scalar::<i64>()?).with_context(|| format!("`{name}` is negative"))
    };
    let all = count(of(tensors, STEPS)?, STEPS)?;
    optimizer.set_steps(all);
    for Moments { first, second, steps, .. } in optimizer.moments_mut() {
        *steps = 0;
        if !layers.keeps(&first.name) {
            continue;
        }
        let by_class = layers.is_by_class(&first.name);
        for (entry, order) in [(&mut *first, "first"), (second, "second")] {
            let old = of(tensors, &moment_name(entry, order))?;
            carry_moment(entry, old, by_class.then_some(rows))?;
        }
        // Rows without a past are corrected for the bias of young means; the others take smaller steps for a while.
        if !(by_class && rows.contains(&None)) {
            let own = format!("{OWN_STEPS}{}", first.name);
            *steps = tensors.get(&own).map_or(Ok(all), |tensor| count(tensor, &own))?;
        }
    }
    Ok(())
}

fn carry_moment(entry: &mut Entry, old: &Tensor, rows: Option<&[Option<usize>]>) -> anyhow::Result<()> {
    match rows {
        Some(rows) => Ok(entry.set_from_file(&with_rows(old, rows, Fill::Zero)?)?),
        None => Ok(entry.set_from_file(old)?),
    }
}
