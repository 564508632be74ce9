//! Small DICOM files, element by element.

/// An element of a DICOM file whose kinds are written.
pub fn element(group: u16, element: u16, kind: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = [group.to_le_bytes(), element.to_le_bytes()].concat();
    bytes.extend(kind.as_bytes());
    let padded = value.len().next_multiple_of(2);
    if matches!(kind, "OB" | "OW" | "SQ" | "UN") {
        bytes.extend([0; 2]);
        bytes.extend((padded as u32).to_le_bytes());
    } else {
        bytes.extend((padded as u16).to_le_bytes());
    }
    bytes.extend(value);
    bytes.resize(bytes.len() + padded - value.len(), b' ');
    bytes
}

pub fn short(group: u16, number: u16, value: u16) -> Vec<u8> {
    element(group, number, "US", &value.to_le_bytes())
}

/// What differs between the DICOM files that are made here.
pub struct Scan<'a> {
    pub syntax: &'a str,
    pub photometric: &'a str,
    pub frames: &'a str,
    pub samples: u16,
    pub bits: u16,
    pub signed: u16,
    pub more: Vec<u8>,
    pub pixels: Vec<u8>,
}

pub const PLAIN: Scan<'static> = Scan {
    syntax: "1.2.840.10008.1.2.1",
    photometric: "MONOCHROME2",
    frames: "1",
    samples: 1,
    bits: 16,
    signed: 1,
    more: Vec::new(),
    pixels: Vec::new(),
};

impl Scan<'_> {
    /// The elements of a picture of 2 x 2 pixels.
    pub fn elements(&self) -> Vec<u8> {
        // A small picture inside a sequence, which is not the file's own.
        let item = [short(0x28, 0x10, 9), short(0x28, 0x11, 9), element(0x7FE0, 0x10, "OW", &[7; 162])].concat();
        let item = [&[0xFE, 0xFF, 0, 0xE0][..], &(item.len() as u32).to_le_bytes(), &item].concat();
        [
            element(0x08, 0x05, "CS", b"ISO_IR 100"),
            element(0x08, 0x60, "CS", b"CT"),
            element(0x28, 0x02, "US", &self.samples.to_le_bytes()),
            element(0x28, 0x04, "CS", self.photometric.as_bytes()),
            element(0x28, 0x08, "IS", self.frames.as_bytes()),
            short(0x28, 0x10, 2),
            short(0x28, 0x11, 2),
            short(0x28, 0x100, self.bits),
            short(0x28, 0x101, self.bits),
            short(0x28, 0x102, self.bits - 1),
            short(0x28, 0x103, self.signed),
            self.more.clone(),
            element(0x88, 0x200, "SQ", &item),
            self.pixels.clone(),
        ]
        .concat()
    }

    pub fn file(&self) -> Vec<u8> {
        let syntax = element(2, 0x10, "UI", self.syntax.as_bytes());
        let length = element(2, 0, "UL", &(syntax.len() as u32).to_le_bytes());
        [&[0; 128][..], b"DICM", &length, &syntax, &self.elements()].concat()
    }
}

pub fn words(values: &[i16]) -> Vec<u8> {
    element(0x7FE0, 0x10, "OW", &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
}

/// Pixels in compressed pieces, with an empty table of offsets.
pub fn pieces(pieces: &[&[u8]]) -> Vec<u8> {
    let mut bytes = [&0x7FE0_u16.to_le_bytes()[..], &[0x10, 0], b"OB\0\0", &[0xFF; 4]].concat();
    for piece in [&[&[][..]], pieces].concat() {
        bytes.extend([0xFE, 0xFF, 0, 0xE0]);
        bytes.extend((piece.len() as u32).to_le_bytes());
        bytes.extend(piece);
    }
    bytes.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    bytes
}
