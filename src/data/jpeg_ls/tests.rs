//! Pictures that CharLS has written (imagecodecs 2026.3.6, `jpegls_encode`).

use super::decode;

/// 5 rows of 9 values of 10 bits: a flat part, one value in it, and a texture beside it.
fn value(x: usize, y: usize) -> u16 {
    if (x, y) == (1, 2) {
        703
    } else if x < 4 {
        700
    } else {
        100 + 300 * ((x * 7 + y * 3) % 5) as u16
    }
}

const LOSSLESS: &[u8] = &[
    255, 216, 255, 232, 0, 32, 83, 80, 73, 70, 70, 0, 2, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 9, 10, 16, 6, 1, 0, 0, 1, 44, 0,
    0, 1, 44, 255, 232, 0, 8, 0, 0, 0, 1, 255, 216, 255, 247, 0, 11, 16, 0, 5, 0, 9, 1, 1, 17, 0, 255, 248, 0, 13, 1,
    255, 255, 0, 18, 0, 67, 1, 20, 0, 64, 255, 218, 0, 8, 1, 1, 0, 0, 0, 0, 43, 188, 0, 128, 32, 2, 174, 48, 164, 175,
    42, 241, 133, 64, 14, 74, 247, 8, 112, 120, 0, 48, 122, 2, 192, 104, 0, 225, 14, 12, 224, 142, 11, 0, 32, 4, 6,
    128, 16, 2, 87, 56, 19, 128, 55, 243, 130, 241, 43, 160, 6, 252, 111, 167, 3, 255, 217,
];

/// At most 4 off.
const NEAR: &[u8] = &[
    255, 216, 255, 232, 0, 32, 83, 80, 73, 70, 70, 0, 2, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 9, 10, 16, 6, 1, 0, 0, 1, 44, 0,
    0, 1, 44, 255, 232, 0, 8, 0, 0, 0, 1, 255, 216, 255, 247, 0, 11, 16, 0, 5, 0, 9, 1, 1, 17, 0, 255, 248, 0, 13, 1,
    255, 255, 0, 30, 0, 87, 1, 48, 0, 64, 255, 218, 0, 8, 1, 1, 0, 4, 0, 0, 38, 224, 32, 64, 33, 2, 132, 41, 12, 72,
    128, 228, 43, 33, 143, 2, 35, 241, 142, 198, 100, 49, 224, 53, 142, 200, 99, 49, 113, 9, 1, 140, 198, 98, 128, 255,
    217,
];

/// Three components whose values alternate: `20 x`, `40 y`, and 9 or, from the fifth column on, 200.
const COLOURS: &[u8] = &[
    255, 216, 255, 232, 0, 32, 83, 80, 73, 70, 70, 0, 2, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0, 9, 10, 8, 6, 1, 0, 0, 1, 44, 0,
    0, 1, 44, 255, 232, 0, 8, 0, 0, 0, 1, 255, 216, 255, 247, 0, 17, 8, 0, 5, 0, 9, 3, 1, 17, 0, 2, 17, 0, 3, 17, 0,
    255, 218, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 2, 0, 72, 1, 0, 18, 48, 0, 0, 113, 160, 7, 154, 43, 32, 0, 24, 78, 108,
    70, 112, 253, 211, 183, 144, 0, 0, 105, 57, 118, 174, 212, 226, 113, 124, 94, 215, 45, 112, 0, 0, 75, 218, 246,
    191, 94, 185, 124, 190, 77, 147, 23, 94, 94, 94, 92, 185, 121, 121, 106, 178, 203, 171, 171, 174, 186, 186, 186,
    186, 160, 255, 217,
];

#[test]
fn values_are_those_that_were_written() {
    let picture = decode(LOSSLESS, (9, 5)).unwrap();
    let wanted: Vec<u16> = (0..45).map(|at| value(at % 9, at / 9)).collect();
    assert_eq!(picture.planes, [wanted]);
    assert!(picture.bits >= 11);
}

#[test]
fn near_values_are_those_of_the_standard() {
    let wanted: Vec<u16> = [
        [702, 702, 702, 702, 999, 100, 703, 1297, 398],
        [702, 702, 702, 702, 396, 1000, 100, 703, 1298],
        [702, 702, 702, 702, 1296, 404, 1002, 101, 696],
        [702, 702, 702, 702, 702, 1304, 401, 996, 104],
        [702, 702, 702, 702, 99, 702, 1297, 400, 997],
    ]
    .concat();
    assert_eq!(decode(NEAR, (9, 5)).unwrap().planes, [wanted]);
}

#[test]
fn colours_alternate() {
    let place = |at: usize| (at % 9, at / 9);
    let red = (0..45).map(|at| place(at).0 as u16 * 20).collect::<Vec<_>>();
    let green = (0..45).map(|at| place(at).1 as u16 * 40).collect();
    let blue = (0..45).map(|at| if place(at).0 < 4 { 9 } else { 200 }).collect();
    assert_eq!(decode(COLOURS, (9, 5)).unwrap().planes, [red, green, blue]);
}

#[test]
fn damage_is_an_error_and_never_a_panic() {
    for whole in [LOSSLESS, NEAR, COLOURS] {
        for length in 0..whole.len() - 2 {
            assert!(decode(&whole[..length], (9, 5)).is_err(), "{length}");
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut changed = whole.to_vec();
                changed[at] ^= 1 << bit;
                if let Ok(picture) = decode(&changed, (9, 5)) {
                    assert!(picture.planes.iter().all(|plane| plane.len() == 45));
                }
            }
        }
        let told = decode(whole, (9, 6)).unwrap_err();
        assert!(told.contains("another size"), "{told}");
    }
}
