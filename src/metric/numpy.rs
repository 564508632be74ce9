//! The draws of `numpy.random.RandomState`, with which the published values of KID and the Inception score are made:
//! MT19937 (Matsumoto & Nishimura 1998), and a shuffle that counts downwards and throws away numbers that are too large.

const SIZE: usize = 624;

/// A Mersenne Twister as `RandomState(seed)` starts it.
pub(super) struct RandomState {
    state: [u32; SIZE],
    next: usize,
}

impl RandomState {
    pub fn new(seed: u32) -> Self {
        let mut state = [seed; SIZE];
        for i in 1..SIZE {
            let before = state[i - 1];
            state[i] = (before ^ (before >> 30)).wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        Self { state, next: SIZE }
    }

    fn draw(&mut self) -> u32 {
        if self.next == SIZE {
            for i in 0..SIZE {
                let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % SIZE] & 0x7FFF_FFFF);
                let odd = if y & 1 == 1 { 0x9908_B0DF } else { 0 };
                self.state[i] = self.state[(i + 397) % SIZE] ^ (y >> 1) ^ odd;
            }
            self.next = 0;
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9D2C_5680;
        y ^= (y << 15) & 0xEFC6_0000;
        y ^ (y >> 18)
    }

    /// 0..=most.
    fn up_to(&mut self, most: u32) -> u32 {
        let mask = u32::MAX.checked_shr(most.leading_zeros()).unwrap_or(0);
        loop {
            let value = self.draw() & mask;
            if value <= most {
                return value;
            }
        }
    }

    /// `permutation(count)`.
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for i in (1..count).rev() {
            order.swap(i, self.up_to(i as u32) as usize);
        }
        order
    }

    /// `choice(count, size, replace=False)`.
    pub fn choice(&mut self, count: usize, size: usize) -> Vec<usize> {
        let mut order = self.permutation(count);
        order.truncate(size);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_numpys() {
        // numpy.random.RandomState(2020): permutation(10), then choice(1000, 5, replace=False)
        let mut state = RandomState::new(2020);
        assert_eq!(state.permutation(10), PERMUTATION);
        assert_eq!(state.choice(1000, 5), CHOICE);
    }
    const PERMUTATION: [usize; 10] = [2, 4, 9, 1, 5, 7, 6, 3, 8, 0];
    const CHOICE: [usize; 5] = [358, 763, 430, 530, 677];
}
