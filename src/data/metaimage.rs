//! Reads the headers of MetaImage files (`.mha`, and `.mhd` with the voxels in a file beside it): lines of text, the last of which says
//! where the voxels are.

use super::orient::{Steps, Turn};
use super::voxels::{Header, Kind, Packing, axis_length};
use crate::guard;

/// The longest header in bytes.
pub(super) const HEADER: usize = 64 << 10;

/// What the format is called.
const NAME: &str = "MetaImage";

/// Where the voxels are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind the header.
    Here,
    /// In a file of this plain name beside it, after so many bytes; nothing: at its end.
    Beside(String, Option<u64>),
}

fn kind(name: &str) -> Option<Kind> {
    Some(match name {
        "MET_CHAR" => Kind::I8,
        "MET_UCHAR" => Kind::U8,
        "MET_SHORT" => Kind::I16,
        "MET_USHORT" => Kind::U16,
        // 4 bytes wherever it is written, as the format has it.
        "MET_INT" | "MET_LONG" => Kind::I32,
        "MET_UINT" | "MET_ULONG" => Kind::U32,
        "MET_LONG_LONG" => Kind::I64,
        "MET_ULONG_LONG" => Kind::U64,
        "MET_FLOAT" => Kind::F32,
        "MET_DOUBLE" => Kind::F64,
        _ => return None,
    })
}

/// The header at the start of a file's bytes, and where its voxels are.
///
/// # Errors
/// Where it is damaged, or of a kind that is not read.
pub(super) fn read(bytes: &[u8]) -> Result<(Header, Place), String> {
    let unread = |what: String| format!("a kind of MetaImage that is not read: {what}");
    let (mut dimensions, mut sizes, mut element, mut channels) = (0_usize, Vec::new(), "", 1_usize);
    let (mut big, mut packed, mut skip) = (false, false, Some(0));
    let (mut spacing, mut size, mut matrix): (Vec<f64>, Vec<f64>, Vec<f64>) = Default::default();
    let mut place = None;
    let mut at = 0;
    while place.is_none() {
        let rest = &bytes[at.min(bytes.len())..bytes.len().min(HEADER)];
        let end = rest.iter().position(|byte| *byte == b'\n');
        // The last line of a .mhd may have no end.
        let line = std::str::from_utf8(&rest[..end.unwrap_or(rest.len())]).ok();
        let split = line.and_then(|line| line.split_once('=')).map(|(key, value)| (key.trim(), value.trim()));
        let Some((key, value)) = split else {
            let begun = at > 0 && dimensions > 0;
            let damaged = "damaged or incomplete MetaImage: its header has no end";
            return Err(if begun { damaged } else { "not a MetaImage file, whatever its name" }.to_owned());
        };
        at += end.map_or(rest.len(), |end| end + 1);
        let yes = value.eq_ignore_ascii_case("true") || value == "1";
        let numbers = || value.split_whitespace().map(|number| number.parse().unwrap_or(f64::NAN)).take(16).collect();
        match key {
            "ObjectType" if value != "Image" => return Err(unread(format!("it holds `{value}`, not an image"))),
            "NDims" => dimensions = value.parse().unwrap_or(0),
            "DimSize" => sizes = value.split_whitespace().take(17).map(|size| size.parse().unwrap_or(0)).collect(),
            "ElementType" => element = value,
            "ElementNumberOfChannels" => channels = value.parse().unwrap_or(0),
            "BinaryDataByteOrderMSB" | "ElementByteOrderMSB" => big = yes,
            "BinaryData" if !yes => return Err(unread("its voxels are text".to_owned())),
            "CompressedData" => packed = yes,
            "HeaderSize" => skip = if value == "-1" { None } else { Some(value.parse().unwrap_or(0)) },
            "ElementSpacing" => spacing = numbers(),
            "ElementSize" => size = numbers(),
            "TransformMatrix" | "Rotation" | "Orientation" => matrix = numbers(),
            "ElementDataFile" => place = Some(beside(value, skip)?),
            _ => {}
        }
    }
    if sizes.len() != dimensions || !(1..=16).contains(&dimensions) {
        return Err("damaged MetaImage: it has not as many sizes as dimensions".to_owned());
    }
    let lengths: Vec<usize> = sizes.iter().map(|size| axis_length(NAME, *size)).collect::<Result<_, _>>()?;
    let length = |axis: usize| lengths.get(axis).copied().unwrap_or(1);
    let kind = match (kind(element), channels) {
        (Some(kind), 1) => kind,
        (Some(Kind::U8), 3) => Kind::Rgb,
        (Some(_), other) => return Err(unread(format!("{other} numbers a voxel"))),
        (None, _) => return Err(unread(format!("numbers of the type `{element}`"))),
    };
    let good = |numbers: &[f64], axis: usize| {
        numbers.get(axis).map(|space| space.abs()).filter(|space| space.is_finite() && *space > 0.0)
    };
    // A matrix of two dimensions stands on a third; without one, the axes are those of the body.
    let part = |row: usize, column: usize| {
        let plain = f64::from(u8::from(row == column));
        let inside = row < dimensions && column < dimensions && !matrix.is_empty();
        if inside { matrix.get(row * dimensions + column).copied().unwrap_or(f64::NAN) } else { plain }
    };
    let steps: Steps = [0, 1, 2].map(|row| [0, 1, 2].map(|column| part(row, column)));
    let turn = Turn::nearest(&Turn::from_lps(steps));
    let place = place.unwrap_or(Place::Here);
    let header = Header {
        format: NAME,
        dims: [length(0), length(1), length(2)],
        kind,
        little: !big,
        offset: match &place {
            Place::Here => at as u64,
            Place::Beside(_, skip) => skip.unwrap_or(0),
        },
        packing: if packed { Packing::Deflated } else { Packing::Plain },
        slope: 1.0,
        intercept: 0.0,
        calibrated: None,
        series: lengths.iter().skip(3).any(|length| *length > 1),
        spacing: [0, 1, 2].map(|axis| good(&spacing, axis).or_else(|| good(&size, axis)).unwrap_or(1.0)),
        turn: turn.map(|turn| Turn { is_named: !matrix.is_empty(), ..turn }),
    };
    Ok((header.checked()?, place))
}

/// A file that a header names, where that is a plain name of a file in the same folder.
fn beside(name: &str, skip: Option<u64>) -> Result<Place, String> {
    let many = name == "LIST" || name.starts_with("LIST ") || name.contains('%') || name.contains(char::is_whitespace);
    if name.eq_ignore_ascii_case("LOCAL") {
        return Ok(Place::Here);
    }
    if many {
        return Err(
            "a kind of MetaImage that is not read: its voxels lie in several files; save it as one .mha".to_owned()
        );
    }
    let plain = !name.is_empty() && !name.contains(['/', '\\', ':', '\0']) && name != "." && name != "..";
    if !plain || guard::is_device(name) {
        return Err(format!(
            "its header names `{}` for its voxels, and only a plain name of a file beside it is followed",
            guard::line(name)
        ));
    }
    Ok(Place::Beside(name.to_owned(), skip))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\nTransformMatrix = 0 1 0 -1 0 0 0 0 1\nOffset = 0 0 0\nElementSpacing = 0.5 0.5 3\nDimSize = 4 3 2\nElementType = MET_USHORT\nElementDataFile = LOCAL\n";

    #[test]
    fn a_header_says_how_voxels_lie_and_where() {
        let (header, place) = read(HEAD.as_bytes()).unwrap();
        assert_eq!((header.dims, header.kind, header.little, place), ([4, 3, 2], Kind::U16, true, Place::Here));
        assert_eq!((header.offset, header.spacing), (HEAD.len() as u64, [0.5, 0.5, 3.0]));
        // The first axis goes to the back, the second to the right (from LPS), the third to the head.
        let turn = header.turn.unwrap();
        assert_eq!(turn.axes.map(|axis| (axis.from, axis.flipped)), [(1, false), (0, true), (2, false)]);
        let other = HEAD.replace("LOCAL\n", "scan.raw").replace("NDims = 3", "HeaderSize = -1\nNDims = 3");
        assert_eq!(read(other.as_bytes()).unwrap().1, Place::Beside("scan.raw".to_owned(), None));
        let bare = HEAD.replace("TransformMatrix = 0 1 0 -1 0 0 0 0 1\n", "");
        assert!(!read(bare.as_bytes()).unwrap().0.turn.unwrap().is_named);
    }

    #[test]
    fn what_is_not_read_says_why_and_no_other_folder_is_reached() {
        let told = |from: &str, to: &str| read(HEAD.replace(from, to).as_bytes()).unwrap_err();
        for name in ["../x.raw", "/etc/passwd", "a\\b.raw", "c:x", "..", "con", ""] {
            assert!(told("LOCAL", name).contains("only a plain name"), "{name}");
        }
        assert!(told("LOCAL", "LIST").contains("several files"));
        assert!(told("LOCAL", "x%03d.raw 1 9 1").contains("several files"));
        assert!(told("MET_USHORT", "MET_OTHER").contains("MET_OTHER"));
        assert!(told("DimSize = 4 3 2", "DimSize = 4 3").contains("sizes"));
        assert!(told("DimSize = 4 3 2", "DimSize = 4 3 -2").contains("an axis of -2"));
        assert!(told("ElementDataFile = LOCAL\n", "").contains("no end"));
        assert!(read(b"something else").unwrap_err().contains("not a MetaImage"));
    }
}
