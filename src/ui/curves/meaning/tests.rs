//! Each kind of loss, in balance and out of it.

use super::*;

fn config(kind: LossKind) -> Config {
    let mut config = Config::default();
    config.loss.kind = kind;
    config
}

fn texts(config: &Config, recent: &Recent) -> (String, Vec<Tone>) {
    let remarks = explain(config, recent);
    let text = remarks.iter().map(|remark| remark.text.as_str()).collect::<Vec<_>>().join("\n");
    (text, remarks.iter().map(|remark| remark.tone).collect())
}

fn recent() -> Recent {
    Recent { steps: STEPS, ..Recent::default() }
}

#[test]
fn equilibria_are_those_of_the_losses() {
    let mut bce = config(LossKind::Bce);
    bce.loss.label_smoothing = 0.0;
    let (d, g) = equilibrium(&bce).expect("a value");
    assert!((d - 2.0 * std::f64::consts::LN_2).abs() < 1e-12 && (g - std::f64::consts::LN_2).abs() < 1e-12);
    // The least of -0.9 ln p - 1.1 ln(1 - p), found by trying.
    bce.loss.label_smoothing = 0.1;
    let least =
        (1..1000).map(|p| f64::from(p) / 1000.0).map(|p| -0.9 * p.ln() - 1.1 * (1.0 - p).ln()).fold(f64::MAX, f64::min);
    assert!((equilibrium(&bce).expect("a value").0 - least).abs() < 1e-6);
    assert_eq!(equilibrium(&config(LossKind::Hinge)), Some((2.0, 0.0)));
    assert_eq!(equilibrium(&config(LossKind::LeastSquares)), Some((0.25, 0.125)));
    assert_eq!(equilibrium(&config(LossKind::WassersteinGp)), None);
    let mut unet = config(LossKind::Hinge);
    unet.discriminator.unet = true;
    assert_eq!(equilibrium(&unet), Some((4.0, 0.0)));
}

#[test]
fn a_hinge_run_in_balance_is_good_and_one_that_d_has_won_is_bad() {
    let hinge = config(LossKind::Hinge);
    let fine = Recent { loss_d: 1.8, loss_g: 0.2, accuracy_real: Some(0.7), accuracy_fake: Some(0.75), ..recent() };
    let (text, tones) = texts(&hinge, &fine);
    for want in [
        "D's loss is 2.000 and G's 0.000",
        "1.800 now, 90 %",
        "70 % of the real and 75 % of the generated",
        "no good value",
    ] {
        assert!(text.contains(want), "{want}: {text}");
    }
    assert!(tones.contains(&Tone::Good) && !tones.contains(&Tone::Bad));
    let won = Recent { loss_d: 0.05, loss_g: 3.0, accuracy_real: Some(1.0), accuracy_fake: Some(0.99), ..recent() };
    let (text, tones) = texts(&hinge, &won);
    assert!(text.contains("D has all but won") && text.contains("G hardly ever fools it"), "{text}");
    assert_eq!(tones.iter().filter(|tone| **tone == Tone::Bad).count(), 2);
}

#[test]
fn cross_entropy_names_its_own_values() {
    let mut bce = config(LossKind::Bce);
    bce.loss.label_smoothing = 0.0;
    let (text, _) = texts(&bce, &Recent { loss_d: 1.3, loss_g: 0.7, ..recent() });
    for want in ["1.386", "0.693", "pass about as often as not", "94 %"] {
        assert!(text.contains(want), "{want}: {text}");
    }
    let (text, tones) = texts(&bce, &Recent { loss_d: 1.9, loss_g: 3.0, ..recent() });
    assert!(text.contains("worse than by guessing") && text.contains("sees through nearly all"), "{text}");
    assert!(tones.contains(&Tone::Bad));
}

#[test]
fn least_squares_has_its_values_and_no_accuracy() {
    let (text, _) = texts(&config(LossKind::LeastSquares), &Recent { loss_d: 0.24, loss_g: 0.13, ..recent() });
    assert!(text.contains("0.250") && text.contains("0.125") && text.contains("96 %"), "{text}");
    assert!(!text.contains("D is right about"));
}

#[test]
fn a_critic_is_read_by_its_gap_alone() {
    let critic = config(LossKind::WassersteinGp);
    let of = |real, fake, before| {
        texts(&critic, &Recent { logits_real: real, logits_fake: fake, gap_before: before, ..recent() }).0
    };
    assert!(of(5.0, 1.0, None).contains("4.00 now; it should shrink"));
    assert!(of(5.0, 2.0, Some(4.0)).contains("25 % less than 200 steps ago"));
    assert!(of(9.0, 1.0, Some(4.0)).contains("100 % more"));
    assert!(of(5.0, 1.0, Some(4.0)).contains("the same as 200 steps ago"));
    assert!(of(1.0, 2.0, Some(4.0)).contains("below 0"));
    assert!(of(1.0, 2.0, None).contains("D's loss also includes the gradient penalty"));
}

#[test]
fn gradients_scores_and_broken_losses_are_told() {
    let hinge = config(LossKind::Hinge);
    let (text, _) = texts(&hinge, &Recent { loss_d: 2.0, gradient_d: Some(1e-5), gradient_g: Some(5e4), ..recent() });
    assert!(text.contains("D's gradient norm is only 1.0e-5") && text.contains("G's gradient norm is 5.0e4"), "{text}");
    let (text, _) = texts(&hinge, &Recent { loss_d: 2.0, score: Some((30.0, 30.0)), ..recent() });
    assert!(text.contains("at its best so far (30.00)"), "{text}");
    let (text, _) = texts(&hinge, &Recent { loss_d: 2.0, score: Some((40.0, 30.0)), ..recent() });
    assert!(text.contains("40.00 now, 30.00 at best"), "{text}");
    let (text, _) = texts(&hinge, &Recent { loss_d: f64::NAN, ..recent() });
    assert!(text.contains("the run has diverged"), "{text}");
    assert!(texts(&hinge, &Recent::default()).0.contains("first step"));
}
