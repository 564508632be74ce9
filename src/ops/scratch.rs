//! Space that a thread uses again and again.

use std::cell::RefCell;

thread_local! {
    static SPARE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Lends space for `len` numbers, which hold what was there last until they are written. A thread keeps what it has used, so
/// that space is cleared once, when it grows, and not each time.
pub(super) fn scratch<T>(len: usize, work: impl FnOnce(&mut [f32]) -> T) -> T {
    let mut buffer = SPARE.with_borrow_mut(|spare| take(spare, len));
    if buffer.len() < len {
        buffer = vec![0.0; len];
    }
    let out = work(&mut buffer[..len]);
    SPARE.with_borrow_mut(|spare| spare.push(buffer));
    out
}

/// The smallest buffer that is long enough, else the longest.
fn take(spare: &mut Vec<Vec<f32>>, len: usize) -> Vec<f32> {
    let fits = (0..spare.len()).filter(|i| spare[*i].len() >= len).min_by_key(|i| spare[*i].len());
    let longest = || (0..spare.len()).max_by_key(|i| spare[*i].len());
    fits.or_else(longest).map(|i| spare.swap_remove(i)).unwrap_or_default()
}
