//! Where the patches of a convolution lie.

/// Where the patches of an image lie. A row of the patch matrix holds `kh * kw * channels` numbers in that order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patches {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub kh: usize,
    pub kw: usize,
    pub stride: usize,
    /// Rows of zeros above (and below).
    pub above: usize,
    /// Columns of zeros to the left (and right).
    pub left: usize,
    pub out_height: usize,
    pub out_width: usize,
}

impl Patches {
    /// Patches of an image.
    pub fn positions(&self) -> usize {
        self.out_height * self.out_width
    }

    /// Numbers of a patch.
    pub fn numbers(&self) -> usize {
        self.kh * self.kw * self.channels
    }

    /// Whether the patch matrix holds the image's own numbers in their own order, so that nothing need be copied:
    /// a 1x1 kernel at every position, or one patch that is the whole image.
    pub fn are_the_image(&self) -> bool {
        let unpadded = self.above == 0 && self.left == 0;
        let every_position = (self.kh, self.kw, self.stride) == (1, 1, 1);
        let one_patch = (self.kh, self.kw) == (self.height, self.width);
        unpadded && (every_position || one_patch)
    }
}
