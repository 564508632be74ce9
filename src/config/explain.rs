//! What every key means, in the same words in `run.toml`, on the command line and in the window.

use std::sync::LazyLock;

use super::file::leaves;
use super::{augment, data, growing, loss, optimizer, score, transition};

/// The explanation of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The key, sections with a dot (`train.steps`).
    pub key: &'static str,
    /// What it does and what it costs, in about two sentences.
    pub text: &'static str,
    /// Allowed values and units.
    pub values: &'static str,
    /// The paper that it comes from, where there is one.
    pub paper: &'static str,
}

/// The explanation of a key, or nothing where there is no such key.
pub fn of(key: &str) -> Option<&'static Explanation> {
    ALL.iter().find(|explanation| explanation.key == key)
}

pub(super) const fn key(
    key: &'static str,
    values: &'static str,
    paper: &'static str,
    text: &'static str,
) -> Explanation {
    Explanation { key, text, values, paper }
}

/// Every key, in the order of `run.toml`.
pub static ALL: LazyLock<Vec<Explanation>> = LazyLock::new(|| {
    let learning =
        [loss::EXPLAINED, augment::EXPLAINED, optimizer::EXPLAINED, growing::EXPLAINED, transition::EXPLAINED];
    [IMAGES, data::EXPLAINED, NETWORKS, &learning.concat(), RUN, score::EXPLAINED].concat()
});

/// The keys before the sections.
const IMAGES: &[Explanation] = &[
    key(
        "image_size",
        "16, 32, 64, 128, 256 or 512 pixels",
        "",
        "Width and height of the images. Each doubling adds a layer to both networks and makes a step about four times as slow.",
    ),
    key(
        "channels",
        "3 (colour) or 1 (grey)",
        "",
        "Colour channels. Grey suits X-ray, CT and MR; colour files are then converted to grey.",
    ),
];

/// The keys of both networks.
const NETWORKS: &[Explanation] = &[
    key(
        "generator.family",
        "\"dcgan\" or \"fast\"",
        "Radford et al. 2016 (DCGAN); Liu et al. 2021 (FastGAN)",
        "How the generator is built. `dcgan` is the classic one, with options for normalisation, attention, skip connections and growing. `fast` uses upsampling, 3x3 convolutions and gated linear units, and feeds noise and label into every layer; it draws no checkerboard artefacts and learns in a fraction of the steps with a `projected` discriminator.",
    ),
    key(
        "generator.latent_dim",
        "1 to 4096 numbers",
        "",
        "Size of the random vector that each image is made from. 100 to 128 is usual; more rarely helps.",
    ),
    key(
        "generator.label_embedding",
        "1 to 4096 numbers",
        "",
        "Size of the learnt class embedding, which is concatenated with the latent vector. It costs next to nothing.",
    ),
    key(
        "generator.base_channels",
        "1 to 512",
        "",
        "Channels of the generator's last hidden layer; each layer before it has twice as many. Doubling them makes the network four times as large and up to four times as slow.",
    ),
    key(
        "generator.norm",
        "\"batch\" or \"conditional-batch\"",
        "Ioffe & Szegedy 2015; Dumoulin et al. 2017",
        "How the generator's layers are normalised. `conditional-batch` gives each class its own scale and shift, so that the label reaches every layer.",
    ),
    key(
        "generator.attention",
        "list of feature-map sizes, such as [32]",
        "Zhang et al. 2019 (SAGAN)",
        "Self-attention after the feature maps of these sizes lets distant parts of an image agree. The cost grows with the fourth power of the size: 16 and 32 are usual. `attention_form` says how it is built.",
    ),
    key(
        "generator.attention_form",
        "\"plain\" or \"sagan\"",
        "Zhang et al. 2019 (SAGAN)",
        "How self-attention is built. `sagan` follows its authors' code: keys and values are max-pooled to a quarter of the positions, the values have half of the channels, a 1x1 convolution restores all of them, and nothing has a bias. `plain` pools nothing, keeps the values as wide as the map, has biases and no output convolution; it takes more time on large maps. The authors also apply spectral normalisation in the generator, which this one never does.",
    ),
    key(
        "generator.skip",
        "\"none\", \"residual\" or \"excitation\"",
        "He et al. 2016; Liu et al. 2021 (FastGAN)",
        "`residual` adds a 1x1 convolution of each block's upsampled input to its output, which eases gradients in deep generators for a few per cent more time. `excitation` lets early, small feature maps gate the channels of later ones (4 to 64 and 8 to 128 at 256 px, closer pairs at smaller sizes), which stabilises layout when data is scarce; it adds weights, but next to no time. Between its convolutions it has a LeakyReLU of 0.1 and no spectral normalisation, as in the paper's text; its authors' code has Swish and spectral normalisation.",
    ),
    key(
        "discriminator.family",
        "\"dcgan\" or \"projected\"",
        "Radford et al. 2016 (DCGAN); Sauer et al. 2021 (Projected GAN)",
        "How the discriminator is built. `dcgan` judges pixels and learns everything from the data. `projected` judges the features of a frozen EfficientNet-Lite0, which is compiled in, with four small heads: believable images come in minutes, even from few training images. Frechet distances on features of that same network flatter it.",
    ),
    key(
        "discriminator.base_channels",
        "1 to 512",
        "",
        "Channels of the discriminator's first layer; each layer after it has twice as many. A discriminator much wider than the generator tends to win too early.",
    ),
    key(
        "discriminator.conditioning",
        "\"none\", \"label-map\", \"replicated\", \"projected-map\", \"auxiliary\" or \"projection\"",
        "Mirza & Osindero 2014; Odena et al. 2017; Miyato & Koyama 2018",
        "How the discriminator is told the label, and so what forces the generator to draw the class it is asked for. `projected-map` and `projection` need few parameters; `label-map` needs a full-size map per class. `auxiliary` learns the classes of real images alone, where AC-GAN learns those of fakes too: `loss.auxiliary_fakes`.",
    ),
    key(
        "discriminator.label_embedding",
        "1 to 4096 numbers",
        "",
        "Size of the discriminator's learnt class embedding. Used by `replicated` and `projected-map`.",
    ),
    key(
        "discriminator.spectral_norm",
        "true or false",
        "Miyato et al. 2018",
        "Divides the weights of each convolution, and of the embedding of `projection`, by their largest singular value, which bounds how steep the discriminator can be and stabilises training. Attention is bounded in the form `sagan` alone (`attention_form`), except for its gate; layers that turn the label into image channels are not normalised. A weight counts as a matrix of outputs by all the rest, and a U-Net's transposed convolution as inputs by the rest, where PyTorch takes outputs: values differ by about a fifth there. It costs a few per cent of a step.",
    ),
    key(
        "discriminator.norm",
        "\"none\", \"batch\" or \"layer\"",
        "Ioffe & Szegedy 2015; Ba et al. 2016",
        "Normalisation after every layer but the first. Use `none` with spectral normalisation, `layer` with a gradient penalty, and `batch` only to reproduce an old DCGAN.",
    ),
    key(
        "discriminator.attention",
        "list of feature-map sizes, such as [32]",
        "Zhang et al. 2019 (SAGAN)",
        "Self-attention after the feature maps of these sizes lets the discriminator compare distant parts of an image. The cost grows with the fourth power of the size.",
    ),
    key(
        "discriminator.attention_form",
        "\"plain\" or \"sagan\"",
        "Zhang et al. 2019 (SAGAN)",
        "How self-attention is built, as `generator.attention_form` says. With `spectral_norm`, the convolutions of `sagan` are normalised like all others, as in the paper; those of `plain` are not, so attention can make the discriminator steeper than spectral normalisation promises.",
    ),
    key(
        "discriminator.scales",
        "1 to 6",
        "Wang et al. 2018 (pix2pixHD)",
        "Number of discriminators, which see the image at full, half, quarter ... size, so that both texture and layout are judged. Each costs about a quarter of the one before. Each gives one logit per image and the loss is their mean; in the paper each gives a map of logits, the losses are summed, and a feature-matching loss is added.",
    ),
    key(
        "discriminator.scale_edge",
        "\"zeros\" or \"inside\"",
        "Wang et al. 2018 (pix2pixHD)",
        "With several `scales`, what counts at the border when an image is average-pooled (3x3, stride 2) for the next scale. `inside` takes only pixels of the image, as the authors' code does, and is the better choice; with `zeros`, which older runs have, smaller scales see a grey frame round bright and dark images.",
    ),
    key(
        "discriminator.minibatch_stddev",
        "true or false",
        "Karras et al. 2018; 2020 (StyleGAN2)",
        "Gives the last layer one more feature map: how much the images in groups of up to 4 differ. It lets the discriminator see mode collapse (fakes that are all alike) and costs next to nothing. Choose a batch size divisible by 4.",
    ),
    key(
        "discriminator.unet",
        "true or false",
        "Schoenfeld et al. 2020 (U-Net GAN)",
        "A decoder with skip connections judges every pixel as well as the whole image, which helps where detail looks wrong in places. Both judgements count equally in the loss, which is their sum, not their mean as in the authors' code. A step takes about a third to a half longer. The decoder knows the label only through the encoder, and the paper's CutMix consistency is left out.",
    ),
    key(
        "discriminator.input_size",
        "0 (automatic), 32, 64, 128 or 256 pixels",
        "Sauer et al. 2021 (Projected GAN)",
        "With `projected`, the side of the images that the frozen network sees: larger ones are averaged down, smaller ones enlarged. A larger side shows finer detail and costs four times as much for each doubling. 0 takes the image size, at least 64 and at most 128.",
    ),
    key(
        "discriminator.pixel_channels",
        "0 (off) to 512",
        "",
        "With `projected`, the base channels of an additional `dcgan` discriminator that sees the pixels; it and the heads count equally. It sees what the frozen network overlooks, such as exact colours and the finest texture, and costs as much as it would alone. Start with 16 or 32.",
    ),
];

/// The keys of `train`.
const RUN: &[Explanation] = &[
    key(
        "train.steps",
        "1 or more",
        "",
        "Steps in the whole run. A step is the discriminator's updates and one update of the generator.",
    ),
    key(
        "train.minutes",
        "0 (off) or more minutes",
        "",
        "Minutes of training after which the run ends as if it had reached its last step, with a score, a grid and a checkpoint. Pauses, scores and grids do not count. It does not change what a step computes; falling learning rates still follow `train.steps`. A run that it has ended can be continued with a larger value.",
    ),
    key(
        "train.batch_size",
        "1 to 4096 images",
        "",
        "Images per batch. Larger batches give steadier gradients and take proportionally more time and memory.",
    ),
    key(
        "train.seed",
        "0 or more",
        "",
        "Seed of all random numbers. The same seed on the same machine with the same number of threads gives the same bits.",
    ),
    key(
        "train.checkpoint_every",
        "steps; 0 keeps only the last",
        "",
        "Steps between checkpoints. A checkpoint holds everything needed to resume.",
    ),
    key(
        "train.keep_checkpoints",
        "0 keeps all",
        "",
        "How many of the newest checkpoints stay on disk; older ones of this run are removed as new ones come. Grids and events are always kept.",
    ),
    key(
        "train.keep_every",
        "steps; 0 keeps none for good",
        "",
        "Checkpoints at multiples of this many steps are never removed, in addition to the newest ones that `keep_checkpoints` counts. They let you compare, score or fork a long run at earlier steps; each takes as much disk as any other.",
    ),
    key(
        "train.grid_every",
        "steps; 0 draws none",
        "",
        "Steps between sample grids. The noise is fixed, so you can watch the same images as they are learnt.",
    ),
    key("train.grid_columns", "1 to 64 images", "", "Images per class in the sample grid."),
    key(
        "train.device",
        "\"auto\", \"cpu\", \"cuda\", \"cuda:N\" or \"metal\"",
        "",
        "Where training runs. `auto` takes a GPU if this program was built for one and finds it, or else the CPU.",
    ),
    key(
        "train.threads",
        "0 takes all cores",
        "",
        "CPU threads that training may use. Leave a core free to keep the machine responsive.",
    ),
    key(
        "train.instance_noise",
        "0 (off) to 10, where pixels go from -1 to 1",
        "S\u{f8}nderby et al. 2017; Arjovsky & Bottou 2017",
        "Standard deviation, in the first step, of the noise on every image that the discriminator sees, real or fake. It makes the two overlap while they are still easy to tell apart, which keeps early gradients useful; drawing it costs a little of each step. Start with 0.1.",
    ),
    key(
        "train.instance_noise_steps",
        "1 or more steps",
        "",
        "With `instance_noise`, the steps over which its deviation falls linearly to 0. Afterwards it costs nothing.",
    ),
    key(
        "train.blur",
        "0 (off) to 0.25, share of the side",
        "Sauer et al. 2022 (StyleGAN-XL)",
        "Standard deviation, in the first step, of a Gaussian that blurs every image that the discriminator sees, real or fake. Shapes and colours are learnt before details, which would otherwise let a discriminator with frozen features win at once. 0.05 blurs 64 pixels with a deviation of 3.2; it costs little.",
    ),
    key(
        "train.blur_steps",
        "1 or more steps",
        "Sauer et al. 2022 (StyleGAN-XL)",
        "With `blur`, the steps over which its deviation falls linearly to 0. Afterwards it costs nothing.",
    ),
];

/// Widest line of a comment.
const WIDTH: usize = 110;

/// A table as `run.toml` text whose comments explain every key.
pub(super) fn commented(table: &toml::Table) -> String {
    let mut out = String::from("# A run of gandle. Keys that are left out take their defaults.\n");
    let mut section = String::new();
    for (key, value) in leaves(table) {
        let (head, name) = key.rsplit_once('.').unwrap_or(("", &key));
        if head != section {
            section = head.to_owned();
            out.push_str(&format!("\n[{section}]\n"));
        } else if !out.ends_with("]\n") {
            out.push('\n');
        }
        if let Some(explanation) = of(&key) {
            let paper = if explanation.paper.is_empty() { String::new() } else { format!(" ({})", explanation.paper) };
            for line in wrap(&format!("{}{paper} Values: {}.", explanation.text, explanation.values)) {
                out.push_str(&format!("# {line}\n"));
            }
        }
        out.push_str(&format!("{name} = {value}\n"));
    }
    out
}

fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && lines[last].len() + 1 + word.len() > WIDTH {
            lines.push(word.to_owned());
        } else {
            if !lines[last].is_empty() {
                lines[last].push(' ');
            }
            lines[last].push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, file::table_of};

    #[test]
    fn every_key_is_explained_once_and_in_order() {
        let keys: Vec<String> = leaves(&table_of(&Config::default())).into_iter().map(|(key, _)| key).collect();
        let explained: Vec<&str> = ALL.iter().map(|explanation| explanation.key).collect();
        assert_eq!(keys, explained);
        for explanation in ALL.iter() {
            assert!(explanation.text.ends_with('.') && !explanation.values.is_empty(), "{}", explanation.key);
        }
    }

    #[test]
    fn comments_fit_the_width() {
        for line in Config::default().to_toml().lines() {
            assert!(line.chars().count() <= WIDTH + 2, "{line}");
        }
    }
}
