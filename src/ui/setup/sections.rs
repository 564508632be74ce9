//! The options, grouped as the networks are: generator, discriminator, loss, optimizer, run and score.

use egui::Ui;

use super::form::{Form, combo};
use super::{fit, network};
use crate::config::{Conditioning, INPUT_SIZES, LossKind, Schedule};

/// Why an option of the discriminator is not there.
const GROWS: &str = "Not while the networks grow";
/// Why attention has no form.
const NO_ATTENTION: &str = "Only with self-attention at some resolution";
/// The largest number below 1 that a control offers.
const BELOW_ONE: f64 = 0.999_999;

/// The generator.
pub fn generator_ui(form: &mut Form<'_>, ui: &mut Ui) {
    network::generator_ui(ui, form.config);
    form.choice(ui, "generator.family", "Family", |c| &mut c.generator.family);
    form.config.fit_to_family();
    form.count(ui, "generator.latent_dim", "Latent numbers", None, 1..=4096, |c| &mut c.generator.latent_dim);
    form.count(ui, "generator.label_embedding", "Label embedding", None, 1..=4096, |c| {
        &mut c.generator.label_embedding
    });
    form.count(ui, "generator.base_channels", "Base channels", None, 1..=512, |c| &mut c.generator.base_channels);
    form.choice(ui, "generator.norm", "Normalisation", |c| &mut c.generator.norm);
    form.choice(ui, "generator.skip", "Skip connections", |c| &mut c.generator.skip);
    let maps = form.config.generator_maps();
    form.attention(ui, "generator.attention", "Generator", &maps, |c| &mut c.generator.attention);
    let off = form.config.generator.attention.is_empty().then_some(NO_ATTENTION);
    form.choice_where(ui, "generator.attention_form", "Attention form", off, |c| &mut c.generator.attention_form);
}

/// The discriminator.
pub fn discriminator_ui(form: &mut Form<'_>, ui: &mut Ui) {
    network::discriminator_ui(ui, form.config);
    form.choice(ui, "discriminator.family", "Family", |c| &mut c.discriminator.family);
    form.config.fit_to_family();
    form.row(ui, "discriminator.input_size", "Network sees", None, |ui, config| {
        let (size, automatic) = (config.projected_input(), config.discriminator.input_size == 0);
        let shown = if automatic { format!("automatic ({size} px)") } else { format!("{size} px") };
        combo(ui, "discriminator.input_size", &shown, |ui| {
            let value = &mut config.discriminator.input_size;
            ui.selectable_value(value, 0, "automatic");
            for size in INPUT_SIZES {
                ui.selectable_value(value, size, format!("{size} px"));
            }
        })
    });
    form.count(ui, "discriminator.pixel_channels", "Pixel channels", None, 0..=512, |c| {
        &mut c.discriminator.pixel_channels
    });
    form.count(ui, "discriminator.base_channels", "Base channels", None, 1..=512, |c| {
        &mut c.discriminator.base_channels
    });
    let told = form.config.discriminator.family.conditionings();
    form.choice_of(ui, "discriminator.conditioning", "Conditioning", None, told, |c| &mut c.discriminator.conditioning);
    let off = match form.config.discriminator.conditioning {
        Conditioning::Replicated | Conditioning::ProjectedMap => None,
        Conditioning::None | Conditioning::LabelMap | Conditioning::Auxiliary | Conditioning::Projection => {
            Some("Read by replicated and projected-map conditioning only")
        }
    };
    form.count(ui, "discriminator.label_embedding", "Label embedding", off, 1..=4096, |c| {
        &mut c.discriminator.label_embedding
    });
    form.switch(ui, "discriminator.spectral_norm", "Spectral norm", None, |c| &mut c.discriminator.spectral_norm);
    form.choice(ui, "discriminator.norm", "Normalisation", |c| &mut c.discriminator.norm);
    let maps = form.config.discriminator_maps(form.config.image_size);
    form.attention(ui, "discriminator.attention", "Discriminator", &maps, |c| &mut c.discriminator.attention);
    let off = form.config.discriminator.attention.is_empty().then_some(NO_ATTENTION);
    form.choice_where(ui, "discriminator.attention_form", "Attention form", off, |c| {
        &mut c.discriminator.attention_form
    });
    let most = fit::most_scales(form.config.image_size);
    let grows = form.config.growing.start > 0;
    let off = match form.config.discriminator.scales <= 1 {
        true if most == 1 => Some("Images of 16 px leave room for one scale"),
        true if grows => Some(GROWS),
        true | false => None,
    };
    form.count(ui, "discriminator.scales", "Scales", off, 1..=most, |c| &mut c.discriminator.scales);
    let off = (form.config.discriminator.scales <= 1).then_some("Only with several scales");
    form.choice_where(ui, "discriminator.scale_edge", "Scale border", off, |c| &mut c.discriminator.scale_edge);
    form.switch(ui, "discriminator.minibatch_stddev", "Minibatch deviation", None, |c| {
        &mut c.discriminator.minibatch_stddev
    });
    let off = (grows && !form.config.discriminator.unet).then_some(GROWS);
    form.switch(ui, "discriminator.unet", "U-Net", off, |c| &mut c.discriminator.unet);
}

/// The loss.
pub fn loss_ui(form: &mut Form<'_>, ui: &mut Ui) {
    form.choice(ui, "loss.kind", "Adversarial loss", |c| &mut c.loss.kind);
    let kind = form.config.loss.kind;
    let off = (kind != LossKind::Bce).then_some("Only with the bce loss");
    form.fraction(ui, "loss.label_smoothing", "Label smoothing", off, 0.0..=0.5, |c| &mut c.loss.label_smoothing);
    let off = (kind != LossKind::WassersteinGp).then_some("Only with the wasserstein-gp loss");
    form.fraction(ui, "loss.gradient_penalty", "Gradient penalty", off, 0.0..=1e6, |c| &mut c.loss.gradient_penalty);
    let loss = &form.config.loss;
    let no_r1 = (loss.r1 == 0.0).then_some("Only with an R1 penalty above 0");
    let no_lecam = (loss.lecam == 0.0).then_some("Only with a LeCam weight above 0");
    form.fraction(ui, "loss.r1", "R1 penalty", None, 0.0..=1e6, |c| &mut c.loss.r1);
    form.count(ui, "loss.r1_every", "R1 every", no_r1, 1..=1000, |c| &mut c.loss.r1_every);
    form.fraction(ui, "loss.lecam", "LeCam", None, 0.0..=1e6, |c| &mut c.loss.lecam);
    form.fraction(ui, "loss.lecam_decay", "LeCam decay", no_lecam, 0.0..=BELOW_ONE, |c| &mut c.loss.lecam_decay);
    form.switch(ui, "loss.lecam_one_sided", "LeCam one-sided", no_lecam, |c| &mut c.loss.lecam_one_sided);
    form.count(ui, "loss.lecam_start", "LeCam begins after", no_lecam, 0..=1_000_000_000, |c| &mut c.loss.lecam_start);
    super::augment::consistency_ui(form, ui);
    form.choice(ui, "loss.class_weights", "Class weights", |c| &mut c.loss.class_weights);
    form.fraction(ui, "train.instance_noise", "Instance noise", None, 0.0..=10.0, |c| &mut c.train.instance_noise);
    let off = (form.config.train.instance_noise == 0.0).then_some("Only with instance noise above 0");
    form.count(ui, "train.instance_noise_steps", "Noise fades over", off, 1..=1_000_000_000, |c| {
        &mut c.train.instance_noise_steps
    });
    form.fraction(ui, "train.blur", "Blur at the start", None, 0.0..=0.25, |c| &mut c.train.blur);
    let off = (form.config.train.blur == 0.0).then_some("Only with a blur above 0");
    form.count(ui, "train.blur_steps", "Blur fades over", off, 1..=1_000_000_000, |c| &mut c.train.blur_steps);
    let auxiliary = form.config.discriminator.conditioning == Conditioning::Auxiliary;
    let off = (!auxiliary).then_some("Only with auxiliary conditioning of the discriminator");
    form.fraction(ui, "loss.auxiliary_weight", "Auxiliary weight", off, 0.0..=1e6, |c| &mut c.loss.auxiliary_weight);
    form.switch(ui, "loss.auxiliary_fakes", "Auxiliary on fakes", off, |c| &mut c.loss.auxiliary_fakes);
}

/// Learning rates, Adam, averaging and the schedule.
pub fn optimizer_ui(form: &mut Form<'_>, ui: &mut Ui) {
    form.fraction(ui, "optimizer.generator_lr", "Generator rate", None, 0.0..=1.0, |c| &mut c.optimizer.generator_lr);
    form.fraction(ui, "optimizer.discriminator_lr", "Discriminator rate", None, 0.0..=1.0, |c| {
        &mut c.optimizer.discriminator_lr
    });
    form.fraction(ui, "optimizer.beta1", "Adam beta 1", None, 0.0..=BELOW_ONE, |c| &mut c.optimizer.beta1);
    form.fraction(ui, "optimizer.beta2", "Adam beta 2", None, 0.0..=BELOW_ONE, |c| &mut c.optimizer.beta2);
    form.count(ui, "optimizer.discriminator_steps", "D updates per step", None, 1..=100, |c| {
        &mut c.optimizer.discriminator_steps
    });
    form.count(ui, "optimizer.accumulation", "Batches per update", None, 1..=100, |c| &mut c.optimizer.accumulation);
    let o = &form.config.optimizer;
    let off = (o.ema_half_life > 0 || o.ema_share > 0.0).then_some("The half-life takes its place");
    form.fraction(ui, "optimizer.ema_decay", "Moving average", off, 0.0..=BELOW_ONE, |c| &mut c.optimizer.ema_decay);
    form.count(ui, "optimizer.ema_half_life", "Average half-life", None, 0..=1_000_000_000, |c| {
        &mut c.optimizer.ema_half_life
    });
    form.fraction(ui, "optimizer.ema_share", "Average ramp", None, 0.0..=1.0, |c| &mut c.optimizer.ema_share);
    form.switch(ui, "optimizer.ema_warmup", "Average warm-up", None, |c| &mut c.optimizer.ema_warmup);
    form.fraction(ui, "optimizer.clip", "Gradient clipping", None, 0.0..=1e6, |c| &mut c.optimizer.clip);
    form.choice(ui, "optimizer.updates", "Networks that learn", |c| &mut c.optimizer.updates);
    form.switch(ui, "optimizer.reuse_fakes", "Reuse fakes", None, |c| &mut c.optimizer.reuse_fakes);
    form.fraction(ui, "optimizer.gap", "Rate follows loss", None, 0.0..=1e6, |c| &mut c.optimizer.gap);
    let off = (form.config.optimizer.gap == 0.0).then_some("Only where the rate follows the loss");
    form.fraction(ui, "optimizer.gap_lowest", "Lowest rate factor", off, 1e-6..=1.0, |c| &mut c.optimizer.gap_lowest);
    form.fraction(ui, "optimizer.gap_highest", "Highest rate factor", off, 1.0..=100.0, |c| {
        &mut c.optimizer.gap_highest
    });
    form.choice(ui, "optimizer.schedule", "Rate schedule", |c| &mut c.optimizer.schedule);
    let schedule = form.config.optimizer.schedule;
    let falls = matches!(schedule, Schedule::Linear | Schedule::Cosine);
    let off = (!falls).then_some("Only with the linear and cosine schedules");
    form.fraction(ui, "optimizer.decay_from", "Decay begins at", off, 0.0..=BELOW_ONE, |c| &mut c.optimizer.decay_from);
    form.fraction(ui, "optimizer.decay_to", "Decay ends at", off, 0.0..=1.0, |c| &mut c.optimizer.decay_to);
    let off = (schedule != Schedule::Step).then_some("Only with the step schedule");
    form.count(ui, "optimizer.drop_every", "Drop every", off, 1..=10_000_000, |c| &mut c.optimizer.drop_every);
    form.fraction(ui, "optimizer.drop_factor", "Drop factor", off, 0.0..=1.0, |c| &mut c.optimizer.drop_factor);
}

/// How the networks grow, and how labels come in.
pub fn growing_ui(form: &mut Form<'_>, ui: &mut Ui) {
    const MANY: usize = 1_000_000_000;
    let d = &form.config.discriminator;
    let off = (form.config.growing.start == 0 && (d.unet || d.scales > 1))
        .then_some("Not with a U-Net or several scales of the discriminator");
    form.row(ui, "growing.start", "Grow from", off, |ui, config| {
        let name = |start: usize| if start == 0 { "Off".to_owned() } else { format!("{start} px") };
        combo(ui, "growing.start", &name(config.growing.start), |ui| {
            for start in fit::starts(config.image_size) {
                ui.selectable_value(&mut config.growing.start, start, name(start));
            }
        })
    });
    let off = (form.config.growing.start == 0).then_some("The networks do not grow");
    form.count(ui, "growing.fade_images", "Images per fade", off, 0..=MANY, |c| &mut c.growing.fade_images);
    form.count(ui, "growing.stable_images", "Images per size", off, 0..=MANY, |c| &mut c.growing.stable_images);
    let off = (form.config.discriminator.conditioning == Conditioning::None && form.config.transition.to == 0)
        .then_some("The discriminator never sees the label");
    form.count(ui, "transition.from", "Labels begin after", off, 0..=MANY, |c| &mut c.transition.from);
    form.count(ui, "transition.to", "Labels are whole after", off, 0..=MANY, |c| &mut c.transition.to);
}

/// How long, how much at a time, what is kept, and where.
pub fn run_ui(form: &mut Form<'_>, ui: &mut Ui) {
    const MANY: usize = 1_000_000_000;
    form.count(ui, "train.steps", "Steps", None, 1..=MANY, |c| &mut c.train.steps);
    form.fraction(ui, "train.minutes", "Minutes at most", None, 0.0..=1e6, |c| &mut c.train.minutes);
    form.count(ui, "train.batch_size", "Batch size", None, 1..=4096, |c| &mut c.train.batch_size);
    form.number(ui, "train.seed", "Seed", None, 0..=i64::MAX as u64, |c| &mut c.train.seed);
    form.count(ui, "train.checkpoint_every", "Checkpoint every", None, 0..=MANY, |c| &mut c.train.checkpoint_every);
    let off = (form.config.train.checkpoint_every == 0).then_some("Only the last checkpoint is written");
    form.count(ui, "train.keep_checkpoints", "Checkpoints kept", off, 0..=MANY, |c| &mut c.train.keep_checkpoints);
    let off = off.or((form.config.train.keep_checkpoints == 0).then_some("All checkpoints are kept"));
    form.count(ui, "train.keep_every", "Always keep every", off, 0..=MANY, |c| &mut c.train.keep_every);
    form.count(ui, "train.grid_every", "Sample grid every", None, 0..=MANY, |c| &mut c.train.grid_every);
    let off = (form.config.train.grid_every == 0).then_some("No sample grids are drawn");
    form.count(ui, "train.grid_columns", "Images per row", off, 1..=64, |c| &mut c.train.grid_columns);
    form.row(ui, "train.device", "Device", None, |ui, config| {
        let device = config.train.device.clone();
        combo(ui, "device", &device, |ui| {
            for name in devices(&device) {
                ui.selectable_value(&mut config.train.device, name.clone(), name);
            }
        })
    });
    form.count(ui, "train.threads", "Threads", None, 0..=1024, |c| &mut c.train.threads);
}

/// The devices that this program was built for, and the one that is set.
fn devices(set: &str) -> Vec<String> {
    let mut names = vec!["auto".to_owned(), "cpu".to_owned()];
    if cfg!(feature = "cuda") {
        names.extend(["cuda", "cuda:0", "cuda:1", "cuda:2", "cuda:3"].map(str::to_owned));
    }
    if cfg!(feature = "metal") {
        names.push("metal".to_owned());
    }
    if !names.iter().any(|name| name == set) {
        names.push(set.to_owned());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_devices_that_were_built_are_offered() {
        let names = devices("auto");
        assert_eq!(names.iter().any(|name| name.starts_with("cuda")), cfg!(feature = "cuda"));
        assert_eq!(names.iter().any(|name| name == "metal"), cfg!(feature = "metal"));
        assert_eq!(devices("cuda:7").last().map(String::as_str), Some("cuda:7"));
    }
}
