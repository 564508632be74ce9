//! `[generator]` and `[discriminator]`: the shapes of both networks.

use serde::{Deserialize, Serialize};

use super::key::{Condition, section};
use super::{
    AttentionForm, Conditioning, DiscriminatorFamily, DiscriminatorNorm, GeneratorFamily, GeneratorNorm, ScaleEdge,
    Skip,
};

const GENERATOR_DCGAN: Condition<Generator> =
    Condition::<Generator>::new("with the family dcgan", &["generator.family"], |c| c.family == GeneratorFamily::Dcgan)
        .part();
const GENERATOR_ATTENDS: Condition<Generator> =
    Condition::new("with self-attention at some resolution", &["generator.attention"], |c| !c.attention.is_empty());
const DCGAN: Condition<Discriminator> =
    Condition::<Discriminator>::new("with the family dcgan", &["discriminator.family"], |c| {
        c.family == DiscriminatorFamily::Dcgan
    })
    .part();
const PROJECTED: Condition<Discriminator> =
    Condition::<Discriminator>::new("with the family projected", &["discriminator.family"], |c| {
        c.family == DiscriminatorFamily::Projected
    })
    .part();
const EMBEDDED: Condition<Discriminator> =
    Condition::new("with replicated or projected-map conditioning", &["discriminator.conditioning"], |c| {
        matches!(c.conditioning, Conditioning::Replicated | Conditioning::ProjectedMap)
    });
const ATTENDS: Condition<Discriminator> =
    Condition::new("with self-attention at some resolution", &["discriminator.attention"], |c| !c.attention.is_empty());
const SCALED: Condition<Discriminator> =
    Condition::new("with several scales", &["discriminator.scales"], |c| c.scales > 1);

section! {
    /// `[generator]`: the network that draws images.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    Generator in generator {
        family: GeneratorFamily = GeneratorFamily::Dcgan, "Family", recipe,
            paper("Radford et al. 2016 (DCGAN); Liu et al. 2021 (FastGAN)") =>
            "How the generator is built. `dcgan` is the classic one, with options for normalisation, attention, skip connections and growing. `fast` uses upsampling, 3x3 convolutions and gated linear units, and feeds noise and label into every layer; it draws no checkerboard artefacts and learns in a fraction of the steps with a `projected` discriminator.",
        latent_dim: usize = 100, "Latent numbers", within(1..=4096), unit(" numbers"), else_default =>
            "Size of the random vector that each image is made from. 100 to 128 is usual; more rarely helps.",
        label_embedding: usize = 128, "Label embedding", within(1..=4096), unit(" numbers"), else_default =>
            "Size of the learnt class embedding, which is concatenated with the latent vector. It costs next to nothing.",
        base_channels: usize = 32, "Base channels", within(1..=512), else_default =>
            "Channels of the generator's last hidden layer; each layer before it has twice as many. Doubling them makes the network four times as large and up to four times as slow.",
        norm: GeneratorNorm = GeneratorNorm::Batch, "Normalisation", recipe, when(GENERATOR_DCGAN),
            paper("Ioffe & Szegedy 2015; Dumoulin et al. 2017") =>
            "How the generator's layers are normalised. `conditional-batch` gives each class its own scale and shift, so that the label reaches every layer.",
        attention: Vec<usize> = Vec::new(), "Self-attention", says("list of feature-map sizes, such as [32]"), when(GENERATOR_DCGAN), walk(&["[8]", "[4, 16]"]),
            paper("Zhang et al. 2019 (SAGAN)") =>
            "Self-attention after the feature maps of these sizes lets distant parts of an image agree. The cost grows with the fourth power of the size: 16 and 32 are usual. `attention_form` says how it is built.",
        attention_form: AttentionForm = AttentionForm::Plain, "Attention form", when(GENERATOR_DCGAN), when(GENERATOR_ATTENDS),
            paper("Zhang et al. 2019 (SAGAN)") =>
            "How self-attention is built. `sagan` follows its authors' code: keys and values are max-pooled to a quarter of the positions, the values have half of the channels, a 1x1 convolution restores all of them, and nothing has a bias. `plain` pools nothing, keeps the values as wide as the map, has biases and no output convolution; it takes more time on large maps. The authors also apply spectral normalisation in the generator, which this one never does.",
        skip: Skip = Skip::None, "Skip connections", recipe, when(GENERATOR_DCGAN),
            paper("He et al. 2016; Liu et al. 2021 (FastGAN)") =>
            "`residual` adds a 1x1 convolution of each block's upsampled input to its output, which eases gradients in deep generators for a few per cent more time. `excitation` lets early, small feature maps gate the channels of later ones (4 to 64 and 8 to 128 at 256 px, closer pairs at smaller sizes), which stabilises layout when data is scarce; it adds weights, but next to no time. Between its convolutions it has a LeakyReLU of 0.1 and no spectral normalisation, as in the paper's text; its authors' code has Swish and spectral normalisation.",
    }
}

section! {
    /// `[discriminator]`: the network that judges images.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    Discriminator in discriminator {
        family: DiscriminatorFamily = DiscriminatorFamily::Dcgan, "Family", recipe,
            paper("Radford et al. 2016 (DCGAN); Sauer et al. 2021 (Projected GAN)") =>
            "How the discriminator is built. `dcgan` judges pixels and learns everything from the data. `projected` judges the features of a frozen EfficientNet-Lite0, which is compiled in, with four small heads: believable images come in minutes, even from few training images. Frechet distances on features of that same network flatter it.",
        base_channels: usize = 32, "Base channels", within(1..=512), else_default =>
            "Channels of the discriminator's first layer; each layer after it has twice as many. A discriminator much wider than the generator tends to win too early.",
        conditioning: Conditioning = Conditioning::ProjectedMap, "Conditioning", recipe,
            paper("Mirza & Osindero 2014; Odena et al. 2017; Miyato & Koyama 2018") =>
            "How the discriminator is told the label, and so what forces the generator to draw the class it is asked for. `projected-map` and `projection` need few parameters; `label-map` needs a full-size map per class. `auxiliary` learns the classes of real images alone, where AC-GAN learns those of fakes too: `loss.auxiliary_fakes`.",
        label_embedding: usize = 128, "Label embedding", within(1..=4096), unit(" numbers"), else_default, when(DCGAN), when(EMBEDDED) =>
            "Size of the discriminator's learnt class embedding. Used by `replicated` and `projected-map`.",
        spectral_norm: bool = true, "Spectral norm", recipe, paper("Miyato et al. 2018") =>
            "Divides the weights of each convolution, and of the embedding of `projection`, by their largest singular value, which bounds how steep the discriminator can be and stabilises training. Attention is bounded in the form `sagan` alone (`attention_form`), except for its gate; layers that turn the label into image channels are not normalised. A weight counts as a matrix of outputs by all the rest, and a U-Net's transposed convolution as inputs by the rest, where PyTorch takes outputs: values differ by about a fifth there. It costs a few per cent of a step.",
        norm: DiscriminatorNorm = DiscriminatorNorm::None, "Normalisation", recipe, paper("Ioffe & Szegedy 2015; Ba et al. 2016") =>
            "Normalisation after every layer but the first. Use `none` with spectral normalisation, `layer` with a gradient penalty, and `batch` only to reproduce an old DCGAN.",
        attention: Vec<usize> = Vec::new(), "Self-attention", says("list of feature-map sizes, such as [32]"), when(DCGAN), walk(&["[8]"]),
            paper("Zhang et al. 2019 (SAGAN)") =>
            "Self-attention after the feature maps of these sizes lets the discriminator compare distant parts of an image. The cost grows with the fourth power of the size.",
        attention_form: AttentionForm = AttentionForm::Plain, "Attention form", when(DCGAN), when(ATTENDS),
            paper("Zhang et al. 2019 (SAGAN)") =>
            "How self-attention is built, as `generator.attention_form` says. With `spectral_norm`, the convolutions of `sagan` are normalised like all others, as in the paper; those of `plain` are not, so attention can make the discriminator steeper than spectral normalisation promises.",
        scales: usize = 1, "Scales", recipe, own, says("1 to 6"), when(DCGAN), walk(&["2"]), paper("Wang et al. 2018 (pix2pixHD)") =>
            "Number of discriminators, which see the image at full, half, quarter ... size, so that both texture and layout are judged. Each costs about a quarter of the one before. Each gives one logit per image and the loss is their mean; in the paper each gives a map of logits, the losses are summed, and a feature-matching loss is added.",
        scale_edge: ScaleEdge = ScaleEdge::Zeros, "Border of smaller scales", when(DCGAN), when(SCALED),
            paper("Wang et al. 2018 (pix2pixHD)") =>
            "With several `scales`, what counts at the border when an image is average-pooled (3x3, stride 2) for the next scale. `inside` takes only pixels of the image, as the authors' code does, and is the better choice; with `zeros`, which older runs have, smaller scales see a grey frame round bright and dark images.",
        minibatch_stddev: bool = false, "Minibatch deviation", recipe, paper("Karras et al. 2018; 2020 (StyleGAN2)") =>
            "Gives the last layer one more feature map: how much the images in groups of up to 4 differ (in the frozen features, with `projected`). It lets the discriminator see mode collapse (fakes that are all alike) and costs next to nothing. Choose a batch size divisible by 4.",
        unet: bool = false, "U-Net", recipe, when(DCGAN), paper("Schoenfeld et al. 2020 (U-Net GAN)") =>
            "A decoder with skip connections judges every pixel as well as the whole image, which helps where detail looks wrong in places. Both judgements count equally in the loss, which is their sum, not their mean as in the authors' code. A step takes about a third to a half longer. The decoder knows the label only through the encoder, and the paper's CutMix consistency is left out.",
        input_size: usize = 0, "Input size", own, says("0 (automatic), 32, 64, 128 or 256 pixels"), when(PROJECTED), walk(&["32"]),
            paper("Sauer et al. 2021 (Projected GAN)") =>
            "With `projected`, the side of the images that the frozen network sees: larger ones are averaged down, smaller ones enlarged. A larger side shows finer detail and costs four times as much for each doubling. 0 takes the image size, at least 64 and at most 128.",
        pixel_channels: usize = 0, "Pixel channels", within(0..=512), zero("off"), when(PROJECTED), walk(&["4"]) =>
            "With `projected`, the base channels of an additional `dcgan` discriminator that sees the pixels; it and the heads count equally. It sees what the frozen network overlooks, such as exact colours and the finest texture, and costs as much as it would alone. Start with 16 or 32.",
    }
}
