//! Reads the headers of NRRD files (`.nrrd`): lines of text, an empty one, and the voxels behind it, as they are or by gzip.

use super::orient::{Steps, Turn};
use super::voxels::{Header, Kind, Packing, axis_length};

/// The longest header in bytes.
pub(super) const HEADER: usize = 256 << 10;

/// What the format is called.
const NAME: &str = "NRRD";

/// Whether bytes begin like an NRRD file.
pub(super) fn is_nrrd(bytes: &[u8]) -> bool {
    bytes.starts_with(b"NRRD000")
}

fn kind(name: &str) -> Option<Kind> {
    Some(match name.to_ascii_lowercase().as_str() {
        "signed char" | "int8" | "int8_t" => Kind::I8,
        "uchar" | "unsigned char" | "uint8" | "uint8_t" => Kind::U8,
        "short" | "short int" | "signed short" | "signed short int" | "int16" | "int16_t" => Kind::I16,
        "ushort" | "unsigned short" | "unsigned short int" | "uint16" | "uint16_t" => Kind::U16,
        "int" | "signed int" | "int32" | "int32_t" => Kind::I32,
        "uint" | "unsigned int" | "uint32" | "uint32_t" => Kind::U32,
        "longlong"
        | "long long"
        | "long long int"
        | "signed long long"
        | "signed long long int"
        | "int64"
        | "int64_t" => Kind::I64,
        "ulonglong" | "unsigned long long" | "unsigned long long int" | "uint64" | "uint64_t" => Kind::U64,
        "float" => Kind::F32,
        "double" => Kind::F64,
        _ => return None,
    })
}

/// What a header says, field by field; later ones win.
#[derive(Default)]
struct Said<'a> {
    kind: &'a str,
    dimension: &'a str,
    sizes: &'a str,
    encoding: &'a str,
    endian: &'a str,
    space: &'a str,
    directions: &'a str,
    spacings: &'a str,
    kinds: &'a str,
}

/// The header at the start of a file's bytes.
///
/// # Errors
/// Where it is damaged, or of a kind that is not read.
pub(super) fn read(bytes: &[u8]) -> Result<Header, String> {
    if !is_nrrd(bytes) {
        return Err("not an NRRD file, whatever its name".to_owned());
    }
    let (text, offset) = head(bytes).ok_or("damaged or incomplete NRRD: its header has no end")?;
    let mut said = Said::default();
    for line in text.lines().skip(1).filter(|line| !line.starts_with('#')) {
        // `:=` is what somebody else has noted.
        let Some((field, value)) = line.split_once(':').filter(|(_, value)| !value.starts_with('=')) else { continue };
        let value = value.trim();
        match field.trim().to_ascii_lowercase().as_str() {
            "type" => said.kind = value,
            "dimension" => said.dimension = value,
            "sizes" => said.sizes = value,
            "encoding" => said.encoding = value,
            "endian" => said.endian = value,
            "space" => said.space = value,
            "space directions" => said.directions = value,
            "spacings" => said.spacings = value,
            "kinds" => said.kinds = value,
            "data file" | "datafile" => {
                return Err(
                    "a kind of NRRD that is not read: its voxels lie in another file; save it as one .nrrd".to_owned()
                );
            }
            "line skip" | "lineskip" | "byte skip" | "byteskip" if value != "0" => {
                return Err("a kind of NRRD that is not read: something lies before its voxels".to_owned());
            }
            _ => {}
        }
    }
    said.header(offset)
}

/// The text up to the empty line, and where what follows begins.
fn head(bytes: &[u8]) -> Option<(String, u64)> {
    let start = &bytes[..bytes.len().min(HEADER)];
    let ends = [&b"\n\n"[..], b"\r\n\r\n"].map(|mark| {
        let at = start.windows(mark.len()).position(|window| window == mark)?;
        Some((at, at + mark.len()))
    });
    let (end, past) = ends.into_iter().flatten().min()?;
    Some((String::from_utf8_lossy(&start[..end]).into_owned(), past as u64))
}

impl Said<'_> {
    fn header(&self, offset: u64) -> Result<Header, String> {
        let unread = |what: String| format!("a kind of NRRD that is not read: {what}");
        let mut kind = kind(self.kind).ok_or_else(|| unread(format!("numbers of the type `{}`", self.kind)))?;
        let packing = match self.encoding.to_ascii_lowercase().as_str() {
            "raw" => Packing::Plain,
            "gzip" | "gz" => Packing::Deflated,
            other => return Err(unread(format!("the encoding `{other}`; save it as raw or gzip"))),
        };
        let sizes = self.sizes.split_whitespace().map(|size| axis_length(NAME, size.parse().unwrap_or(0)));
        let mut sizes: Vec<usize> = sizes.take(17).collect::<Result<_, _>>()?;
        if self.dimension.parse() != Ok(sizes.len()) || !(1..=16).contains(&sizes.len()) {
            return Err("damaged NRRD: it has not as many sizes as dimensions".to_owned());
        }
        let mut directions = self.directions();
        let mut spacings: Vec<f64> =
            self.spacings.split_whitespace().map(|space| space.parse().unwrap_or(f64::NAN)).collect();
        let mut kinds: Vec<&str> = self.kinds.split_whitespace().collect();
        let colours = matches!(kinds.first(), Some(&("RGB-color" | "3-color" | "vector" | "3-vector")));
        if colours && sizes.len() > 2 {
            if (sizes[0], kind) != (3, Kind::U8) {
                return Err(unread(format!("{} numbers a voxel", sizes[0])));
            }
            kind = Kind::Rgb;
            sizes.remove(0);
            spacings.drain(..spacings.len().min(1));
            directions.drain(..directions.len().min(1));
            kinds.remove(0);
        } else if kinds.first().is_some_and(|kind| !matches!(*kind, "domain" | "space" | "???" | "none")) {
            return Err(unread(format!("a first axis of the kind `{}`", kinds[0])));
        }
        let length = |axis: usize| sizes.get(axis).copied().unwrap_or(1);
        let dims = [length(0), length(1), length(2)];
        let steps: Steps = [0, 1, 2].map(|axis| {
            let along =
                [f64::from(u8::from(axis == 0)), f64::from(u8::from(axis == 1)), f64::from(u8::from(axis == 2))];
            // A third axis that a picture does not have stands upright on the others.
            directions.get(axis).copied().flatten().unwrap_or(if axis < sizes.len() { [f64::NAN; 3] } else { along })
        });
        let space = |axis: usize| {
            let of_step = steps[axis].iter().map(|part| part * part).sum::<f64>().sqrt();
            [of_step, spacings.get(axis).copied().unwrap_or(f64::NAN)]
                .into_iter()
                .find(|space| space.is_finite() && *space > 0.0)
        };
        Header {
            format: NAME,
            dims,
            kind,
            little: !self.endian.eq_ignore_ascii_case("big"),
            offset,
            packing,
            slope: 1.0,
            intercept: 0.0,
            calibrated: None,
            series: sizes.iter().skip(3).any(|length| *length > 1),
            spacing: [0, 1, 2].map(|axis| space(axis).unwrap_or(1.0)),
            turn: self.in_body(steps).and_then(|steps| Turn::nearest(&steps)),
        }
        .checked()
    }

    /// The step along each axis; nothing for one that is `none`.
    fn directions(&self) -> Vec<Option<[f64; 3]>> {
        let mut out = Vec::new();
        let mut rest = self.directions.trim_start();
        while !rest.is_empty() && out.len() < 16 {
            let (one, behind) = if rest.starts_with('(') {
                rest.split_once(')').unwrap_or((rest, ""))
            } else {
                rest.split_once(char::is_whitespace).unwrap_or((rest, ""))
            };
            let parts: Vec<f64> = one
                .trim_start_matches('(')
                .split(',')
                .map(|part| part.trim().parse().unwrap_or(f64::NAN))
                .take(4)
                .collect();
            out.push(<[f64; 3]>::try_from(parts).ok().filter(|step| step.iter().all(|part| part.is_finite())));
            rest = behind.trim_start();
        }
        out
    }

    /// Steps to the right, the front and the head, where the space of the file is one of the body.
    fn in_body(&self, mut steps: Steps) -> Option<Steps> {
        let (left, back) = match self.space.to_ascii_lowercase().trim_end_matches("-time") {
            "right-anterior-superior" | "ras" | "rast" => (false, false),
            "left-anterior-superior" | "las" | "last" => (true, false),
            "left-posterior-superior" | "lps" | "lpst" => (true, true),
            _ => return None,
        };
        for step in &mut steps {
            if left {
                step[0] = -step[0];
            }
            if back {
                step[1] = -step[1];
            }
        }
        Some(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "NRRD0005\n# made\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 3 2 4\nspace directions: (1,0,0) (0,2,0) (0,0,-2.5)\nkinds: domain domain domain\nendian: big\nencoding: raw\nspace origin: (0,0,0)\nnote:=a : b\n\n";

    #[test]
    fn a_header_says_how_voxels_lie() {
        let header = read(HEAD.as_bytes()).unwrap();
        assert_eq!((header.dims, header.kind, header.little), ([3, 2, 4], Kind::I16, false));
        assert_eq!((header.offset, header.spacing), (HEAD.len() as u64, [1.0, 2.0, 2.5]));
        let axes = header.turn.unwrap().axes.map(|axis| (axis.from, axis.flipped));
        assert_eq!(axes, [(0, true), (1, true), (2, true)]);
        let changed = |from: &str, to: &str| read(HEAD.replace(from, to).as_bytes());
        assert_eq!(changed("encoding: raw", "encoding: gzip").unwrap().packing, Packing::Deflated);
        let old = changed("space directions: (1,0,0) (0,2,0) (0,0,-2.5)", "spacings: 1 0.5 NaN").unwrap();
        assert_eq!((old.turn, old.spacing), (None, [1.0, 0.5, 1.0]));
        let films = changed("3\nspace", "4\nspace").unwrap_err();
        assert!(films.contains("sizes"), "{films}");
        let colours = HEAD
            .replace("type: short", "type: uint8")
            .replace("dimension: 3", "dimension: 4")
            .replace("sizes: 3", "sizes: 3 3")
            .replace("directions: ", "directions: none ")
            .replace("kinds: ", "kinds: RGB-color ");
        let colours = read(colours.as_bytes()).unwrap();
        assert_eq!((colours.dims, colours.kind, colours.spacing), ([3, 2, 4], Kind::Rgb, [1.0, 2.0, 2.5]));
    }

    #[test]
    fn what_is_not_read_says_why() {
        let told = |from: &str, to: &str| read(HEAD.replace(from, to).as_bytes()).unwrap_err();
        assert!(told("encoding: raw", "encoding: bzip2").contains("bzip2"));
        assert!(told("type: short", "type: block").contains("block"));
        assert!(told("encoding: raw", "encoding: raw\ndata file: ../x.raw").contains("another file"));
        assert!(told("sizes: 3 2 4", "sizes: 0 2 4").contains("an axis of 0"));
        assert!(told("sizes: 3 2 4", "sizes: 60000 60000 60000").starts_with("too large"));
        assert!(told("NRRD0005", "NRXX0005").starts_with("not an NRRD"));
        assert!(told("\n\n", "\n").contains("no end"));
    }
}
