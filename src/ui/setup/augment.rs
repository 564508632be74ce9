//! How images are changed before the discriminator sees them, and what it must judge alike.

use egui::Ui;

use super::form::Form;

/// Changes of real and generated images, and their probability.
pub fn augment_ui(form: &mut Form<'_>, ui: &mut Ui) {
    form.fraction(ui, "augment.color", "Colour changes", None, 0.0..=1.0, |c| &mut c.augment.color);
    form.fraction(ui, "augment.translation", "Shift", None, 0.0..=0.5, |c| &mut c.augment.translation);
    let off = (form.config.augment.translation == 0.0).then_some("Only with a shift above 0");
    form.choice_where(ui, "augment.edge", "Moves in", off, |c| &mut c.augment.edge);
    form.fraction(ui, "augment.cutout", "Cutout", None, 0.0..=0.9, |c| &mut c.augment.cutout);
    form.switch(ui, "augment.flip", "Mirrored for D", None, |c| &mut c.augment.flip);
    form.switch(ui, "augment.rotate90", "Quarter turns", None, |c| &mut c.augment.rotate90);
    form.fraction(ui, "augment.scale", "Scale", None, 0.0..=1.0, |c| &mut c.augment.scale);
    form.fraction(ui, "augment.rotation", "Turns (degrees)", None, 0.0..=180.0, |c| &mut c.augment.rotation);
    let (on, adaptive) = (form.config.augment.is_on(), form.config.augment.adaptive);
    let nothing = (!on).then_some("No change is on");
    let off = nothing.or(adaptive.then_some("The adaptive probability takes its place"));
    form.fraction(ui, "augment.probability", "Probability", off, 0.0..=1.0, |c| &mut c.augment.probability);
    // It can always be turned off, also where it is the error to be mended.
    let off = nothing.filter(|_| !adaptive);
    form.switch(ui, "augment.adaptive", "Adaptive (ADA)", off, |c| &mut c.augment.adaptive);
    let off = nothing.or((!adaptive).then_some("Only with the adaptive probability"));
    form.fraction(ui, "augment.target", "Target sign", off, -1.0..=1.0, |c| &mut c.augment.target);
    form.count(ui, "augment.adaptive_images", "Images from 0 to 1", off, 1..=1_000_000_000, |c| {
        &mut c.augment.adaptive_images
    });
    form.count(ui, "augment.adaptive_every", "Adjusted every", off, 1..=1000, |c| &mut c.augment.adaptive_every);
    form.fraction(ui, "augment.limit", "Largest probability", off, 0.0..=1.0, |c| &mut c.augment.limit);
}

/// Consistency of the discriminator's decisions.
pub fn consistency_ui(form: &mut Form<'_>, ui: &mut Ui) {
    form.fraction(ui, "loss.consistency_real", "Consistency (real)", None, 0.0..=1e6, |c| &mut c.loss.consistency_real);
    form.fraction(ui, "loss.consistency_fake", "Consistency (fake)", None, 0.0..=1e6, |c| &mut c.loss.consistency_fake);
    let loss = &form.config.loss;
    let unread = loss.consistency_real == 0.0 && loss.consistency_fake == 0.0;
    let off = unread.then_some("Only with a weight of consistency above 0");
    form.fraction(ui, "loss.consistency_shift", "Consistent shift", off, 0.0..=0.5, |c| &mut c.loss.consistency_shift);
    form.switch(ui, "loss.consistency_flip", "Consistent mirror", off, |c| &mut c.loss.consistency_flip);
}
