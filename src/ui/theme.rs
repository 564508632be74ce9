//! Every colour and size of the window, for both themes.

use egui::ecolor::Hsva;
use egui::epaint::Shadow;
use egui::{
    Color32, Context, CornerRadius, FontDefinitions, FontFamily, FontId, Margin, Stroke, Style, TextStyle, Theme, Vec2,
    Visuals,
};

/// Width of the set-up panel.
pub const SETUP_WIDTH: f32 = 352.0;
/// The narrowest that it may be dragged to.
pub const SETUP_LEAST: f32 = 300.0;
/// Height of the top bar.
pub const TOP_HEIGHT: f32 = 56.0;
/// Height of the bar with the pages.
pub const PAGES_HEIGHT: f32 = 38.0;
/// Height of the status bar.
pub const STATUS_HEIGHT: f32 = 28.0;
/// Height of a row of the set-up.
pub const ROW_HEIGHT: f32 = 24.0;
/// Width of the control in a row of the set-up.
pub const CONTROL_WIDTH: f32 = 138.0;
/// Space around and between cards.
pub const GAP: f32 = 10.0;
/// Space inside a card.
pub const PAD: i8 = 12;
/// Rounding of cards and buttons.
pub const ROUND: u8 = 6;
/// Space between the images of a grid, in pixels of the screen.
pub const GRID_GAP: f32 = 2.0;
/// Width and height of an enlarged image.
pub const ENLARGED: f32 = 256.0;
/// The smallest height of a plot.
pub const PLOT_HEIGHT: f32 = 70.0;
/// Width of dialogs.
pub const DIALOG_WIDTH: f32 = 440.0;
/// Width of menus that hold more than names.
pub const MENU_WIDTH: f32 = 260.0;
/// Width of the names in the list of problems.
pub const KEY_WIDTH: f32 = 170.0;
/// Size of small text.
pub const SMALL: f32 = 11.5;

/// Which theme is on; it is kept between starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ThemeChoice {
    /// The system's.
    #[default]
    System,
    /// Light text on dark.
    Dark,
    /// Dark text on light.
    Light,
}

impl ThemeChoice {
    pub(super) fn preference(self) -> egui::ThemePreference {
        match self {
            Self::System => egui::ThemePreference::System,
            Self::Dark => egui::ThemePreference::Dark,
            Self::Light => egui::ThemePreference::Light,
        }
    }

    /// The choice after this one: first what the system has not, then what it has, then the system's again.
    pub(super) fn next(self, system: Theme) -> Self {
        let (same, other) = if system == Theme::Dark { (Self::Dark, Self::Light) } else { (Self::Light, Self::Dark) };
        match self {
            Self::System => other,
            choice if choice == other => same,
            Self::Dark | Self::Light => Self::System,
        }
    }
}

/// Colours that egui's own visuals have no place for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// The brand's colour: primary buttons, selections, progress.
    pub accent: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// A tint of the accent for backgrounds.
    pub accent_faint: Color32,
    /// The flame of the mark.
    pub flame: Color32,
    /// Behind everything.
    pub canvas: Color32,
    /// Cards and bars.
    pub surface: Color32,
    /// Fields, plots and other sunken places.
    pub well: Color32,
    /// Borders of cards.
    pub border: Color32,
    /// Text.
    pub text: Color32,
    /// Text that may be overlooked.
    pub muted: Color32,
    /// Titles.
    pub strong: Color32,
    /// The discriminator.
    pub discriminator: Color32,
    /// The generator.
    pub generator: Color32,
    /// Real images.
    pub real: Color32,
    /// Generated images.
    pub fake: Color32,
    /// Good endings.
    pub good: Color32,
    /// Warnings.
    pub warning: Color32,
    /// Behind warnings.
    pub warning_faint: Color32,
    /// Errors.
    pub error: Color32,
    /// Behind errors.
    pub error_faint: Color32,
}

const DARK: Palette = Palette {
    accent: Color32::from_rgb(0x6f, 0x7c, 0xf5),
    on_accent: Color32::WHITE,
    accent_faint: Color32::from_rgb(0x27, 0x2b, 0x4d),
    flame: Color32::from_rgb(0xff, 0xb4, 0x54),
    canvas: Color32::from_rgb(0x12, 0x14, 0x19),
    surface: Color32::from_rgb(0x1a, 0x1d, 0x24),
    well: Color32::from_rgb(0x14, 0x16, 0x1b),
    border: Color32::from_rgb(0x2c, 0x31, 0x3b),
    text: Color32::from_rgb(0xc6, 0xcb, 0xd6),
    muted: Color32::from_rgb(0x86, 0x8e, 0x9e),
    strong: Color32::from_rgb(0xf2, 0xf4, 0xf8),
    discriminator: Color32::from_rgb(0x4f, 0xa3, 0xf0),
    generator: Color32::from_rgb(0xf5, 0x9e, 0x4c),
    real: Color32::from_rgb(0x45, 0xbf, 0x8f),
    fake: Color32::from_rgb(0xe0, 0x74, 0xb2),
    good: Color32::from_rgb(0x45, 0xbf, 0x8f),
    warning: Color32::from_rgb(0xe8, 0xb3, 0x39),
    warning_faint: Color32::from_rgb(0x33, 0x2b, 0x16),
    error: Color32::from_rgb(0xf2, 0x6d, 0x6d),
    error_faint: Color32::from_rgb(0x3a, 0x1e, 0x21),
};

const LIGHT: Palette = Palette {
    accent: Color32::from_rgb(0x4f, 0x5b, 0xd5),
    on_accent: Color32::WHITE,
    accent_faint: Color32::from_rgb(0xe3, 0xe6, 0xfb),
    flame: Color32::from_rgb(0xf0, 0x8c, 0x1d),
    canvas: Color32::from_rgb(0xf1, 0xf3, 0xf6),
    surface: Color32::WHITE,
    well: Color32::from_rgb(0xf7, 0xf8, 0xfa),
    border: Color32::from_rgb(0xd9, 0xdd, 0xe4),
    text: Color32::from_rgb(0x35, 0x3b, 0x47),
    muted: Color32::from_rgb(0x68, 0x70, 0x80),
    strong: Color32::from_rgb(0x14, 0x18, 0x20),
    discriminator: Color32::from_rgb(0x1f, 0x77, 0xc9),
    generator: Color32::from_rgb(0xd6, 0x6b, 0x0c),
    real: Color32::from_rgb(0x1c, 0x8f, 0x62),
    fake: Color32::from_rgb(0xb8, 0x3c, 0x85),
    good: Color32::from_rgb(0x1c, 0x8f, 0x62),
    warning: Color32::from_rgb(0xa3, 0x6d, 0x00),
    warning_faint: Color32::from_rgb(0xfd, 0xf3, 0xd9),
    error: Color32::from_rgb(0xc8, 0x32, 0x32),
    error_faint: Color32::from_rgb(0xfc, 0xe6, 0xe6),
};

/// Colours of the first classes in charts.
const CLASSES: [Color32; 8] = [
    Color32::from_rgb(0x5b, 0x9b, 0xd5),
    Color32::from_rgb(0xd9, 0x8b, 0x4a),
    Color32::from_rgb(0x5f, 0xb0, 0x7f),
    Color32::from_rgb(0xc9, 0x71, 0xa8),
    Color32::from_rgb(0x9a, 0x86, 0xdd),
    Color32::from_rgb(0xc4, 0xab, 0x3f),
    Color32::from_rgb(0x4d, 0xb3, 0xb3),
    Color32::from_rgb(0xcf, 0x6d, 0x6d),
];

/// The colour of a class in charts.
pub fn class_color(class: usize) -> Color32 {
    if let Some(color) = CLASSES.get(class) {
        return *color;
    }
    // Hues a golden section apart are never near each other; two steps of brightness tell the rest apart.
    let more = class - CLASSES.len();
    let hue = (0.07 + more as f32 * 0.618_034).fract();
    let value = if more.is_multiple_of(2) { 0.82 } else { 0.6 };
    Hsva::new(hue, 0.55, value, 1.0).into()
}

/// The palette of the theme that is on.
pub fn palette(visuals: &Visuals) -> &'static Palette {
    if visuals.dark_mode { &DARK } else { &LIGHT }
}

/// Gives the context its fonts, sizes and colours.
pub fn apply(ctx: &Context) {
    ctx.set_fonts(fonts());
    for theme in [Theme::Dark, Theme::Light] {
        ctx.set_style_of(theme, style(theme));
    }
}

/// egui's fonts, with the one of fixed width behind the other for the arrows and signs that it lacks. What neither has, such as
/// the letters of other scripts, comes from the system's fonts.
fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    if let Some(family) = fonts.families.get_mut(&FontFamily::Proportional) {
        family.push("Hack".to_owned());
    }
    fonts
}

fn style(theme: Theme) -> Style {
    let mut style = Style { visuals: visuals(theme), animation_time: 0.12, ..Style::default() };
    style.text_styles = [
        (TextStyle::Small, FontId::new(SMALL, FontFamily::Proportional)),
        (TextStyle::Body, FontId::new(13.5, FontFamily::Proportional)),
        (TextStyle::Button, FontId::new(13.5, FontFamily::Proportional)),
        (TextStyle::Heading, FontId::new(16.0, FontFamily::Proportional)),
        (TextStyle::Monospace, FontId::new(12.5, FontFamily::Monospace)),
    ]
    .into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = Vec2::new(8.0, 5.0);
    spacing.button_padding = Vec2::new(10.0, 4.0);
    spacing.interact_size = Vec2::new(36.0, ROW_HEIGHT);
    spacing.menu_margin = Margin::same(8);
    spacing.window_margin = Margin::same(18);
    spacing.tooltip_width = 360.0;
    spacing.slider_rail_height = 4.0;
    spacing.icon_width = 16.0;
    spacing.combo_height = 320.0;
    style.interaction.tooltip_delay = 0.35;
    style.interaction.selectable_labels = false;
    style
}

fn visuals(theme: Theme) -> Visuals {
    let (p, mut v) = match theme {
        Theme::Dark => (&DARK, Visuals::dark()),
        Theme::Light => (&LIGHT, Visuals::light()),
    };
    let dark = v.dark_mode;
    v.panel_fill = p.canvas;
    v.window_fill = p.surface;
    v.window_stroke = Stroke::new(1.0, p.border);
    v.window_corner_radius = CornerRadius::same(10);
    v.menu_corner_radius = CornerRadius::same(8);
    v.extreme_bg_color = p.well;
    v.faint_bg_color = p.well;
    v.code_bg_color = p.well;
    v.weak_text_color = Some(p.muted);
    v.hyperlink_color = p.accent;
    v.warn_fg_color = p.warning;
    v.error_fg_color = p.error;
    v.slider_trailing_fill = true;
    // The stroke is the text of what is selected, and the border of a text field with the focus: it must stand out from both
    // the selection's fill and the field.
    v.selection.bg_fill = p.accent.gamma_multiply(if dark { 0.75 } else { 0.2 });
    v.selection.stroke = Stroke::new(1.0, if dark { p.on_accent } else { p.accent });
    v.text_cursor.stroke = Stroke::new(1.5, p.accent);
    v.popup_shadow =
        Shadow { offset: [0, 4], blur: 14, spread: 0, color: Color32::from_black_alpha(if dark { 110 } else { 40 }) };
    v.window_shadow =
        Shadow { offset: [0, 8], blur: 28, spread: 0, color: Color32::from_black_alpha(if dark { 140 } else { 50 }) };
    widgets(&mut v, p);
    v
}

fn widgets(v: &mut Visuals, p: &Palette) {
    let rest = if v.dark_mode { Color32::from_rgb(0x26, 0x2b, 0x35) } else { Color32::from_rgb(0xee, 0xf0, 0xf4) };
    let over = if v.dark_mode { Color32::from_rgb(0x30, 0x37, 0x44) } else { Color32::from_rgb(0xe2, 0xe6, 0xed) };
    let down = if v.dark_mode { Color32::from_rgb(0x3a, 0x42, 0x52) } else { Color32::from_rgb(0xd3, 0xd9, 0xe3) };
    let w = &mut v.widgets;
    for (state, fill, text, border) in [
        (&mut w.noninteractive, p.surface, p.text, p.border),
        (&mut w.inactive, rest, p.text, p.border),
        (&mut w.hovered, over, p.strong, p.muted),
        (&mut w.active, down, p.strong, p.accent),
        (&mut w.open, over, p.strong, p.border),
    ] {
        state.bg_fill = fill;
        state.weak_bg_fill = fill;
        state.bg_stroke = Stroke::new(1.0, border);
        state.fg_stroke = Stroke::new(1.0, text);
        state.corner_radius = CornerRadius::same(ROUND);
        state.expansion = 0.0;
    }
    w.active.fg_stroke.width = 1.5;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_of_forty_classes_have_one_colour() {
        let colors: Vec<Color32> = (0..40).map(class_color).collect();
        for (at, color) in colors.iter().enumerate() {
            assert!(!colors[..at].contains(color), "{at}");
        }
    }
}
