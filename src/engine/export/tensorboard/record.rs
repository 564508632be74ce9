//! TFRecord: messages one after the other, each with its length and checksums.

use crc::{CRC_32_ISCSI, Crc};

/// Castagnoli's polynomial.
const CRC32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// A checksum that does not come out the same where what is summed holds checksums itself.
fn masked(bytes: &[u8]) -> u32 {
    CRC32C.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Appends a message: its length and that length's checksum, its bytes and theirs.
pub(super) fn push(out: &mut Vec<u8>, message: &[u8]) {
    let length = (message.len() as u64).to_le_bytes();
    out.extend(length);
    out.extend(masked(&length).to_le_bytes());
    out.extend(message);
    out.extend(masked(message).to_le_bytes());
}

#[cfg(test)]
pub(super) fn read(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_at(8);
        let (sum, rest) = rest.split_at(4);
        assert_eq!(sum, masked(length).to_le_bytes());
        let (message, rest) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
        let (sum, rest) = rest.split_at(4);
        assert_eq!(sum, masked(message).to_le_bytes());
        found.push(message.to_vec());
        bytes = rest;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_standard() {
        // RFC 3720, B.4, and the mask of TensorFlow's record format.
        assert_eq!(CRC32C.checksum(&[0; 32]), 0x8a91_36aa);
        assert_eq!(CRC32C.checksum(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(CRC32C.checksum(b"123456789"), 0xe306_9283);
        assert_eq!(masked(&[0; 32]), 0x8a91_36aau32.rotate_left(17).wrapping_add(0xa282_ead8));
    }

    #[test]
    fn messages_come_back() {
        let mut out = Vec::new();
        push(&mut out, b"");
        push(&mut out, &[7; 300]);
        assert_eq!(out.len(), 16 + 316);
        assert_eq!(read(&out), [Vec::new(), vec![7; 300]]);
    }
}
