//! Turns whatever a file holds into 8-bit grey or RGB, by rules that are written down and reported.

/// Luma of an RGB pixel by ITU-R BT.601, with the rounding of Pillow's mode `L`.
pub(super) fn luma(r: u8, g: u8, b: u8) -> u8 {
    ((19595 * u32::from(r) + 38470 * u32::from(g) + 7471 * u32::from(b) + 0x8000) >> 16) as u8
}

/// RGB bytes to one byte of luma a pixel.
pub(super) fn rgb_to_grey(rgb: &[u8]) -> Vec<u8> {
    rgb.chunks_exact(3).map(|p| luma(p[0], p[1], p[2])).collect()
}
