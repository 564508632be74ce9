use std::path::PathBuf;

use super::*;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// A file with this content.
fn written(content: &[u8]) -> tempfile::TempPath {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    file.into_temp_path()
}

/// `0.weight` of the files that `make_pth.py` writes.
fn expected(at: usize) -> f32 {
    (at as f32 - 10.0) / 8.0
}

#[test]
fn both_formats_of_pytorch_give_the_tensors_that_were_saved() {
    for name in ["weights.pth", "weights_old.pth"] {
        let mut file = TensorFile::open(&data(name)).unwrap();
        let names: Vec<_> = file.names().map(str::to_owned).collect();
        assert_eq!(names, ["bfloat", "counter", "double", "half", "parameter", "permuted", "row", "weight"], "{name}");
        assert_eq!(file.shape("weight"), Some(&[2, 3, 4][..]));
        let numbers = file.numbers("weight", &[2, 3, 4]).unwrap();
        assert!(numbers.iter().enumerate().all(|(at, number)| *number == expected(at)), "{numbers:?}");
        for kind in ["half", "bfloat", "double", "parameter"] {
            assert_eq!(file.numbers(kind, &[2]).unwrap(), [0.5, -3.0], "{kind}");
        }
        // Axes (2, 0, 1) of the same numbers, and one row of them.
        let permuted = file.numbers("permuted", &[4, 2, 3]).unwrap();
        let places = (0..24).map(|i| (i / 6, i / 3 % 2, i % 3)).map(|(c, a, b)| a * 12 + b * 4 + c);
        assert!(permuted.iter().zip(places).all(|(number, place)| *number == expected(place)), "{permuted:?}");
        assert_eq!(file.numbers("row", &[4]).unwrap(), [16, 17, 18, 19].map(expected));
        let reason = |result: Result<Vec<f32>, FeatureError>| result.unwrap_err().to_string();
        assert!(reason(file.numbers("counter", &[])).contains("counter: it holds whole numbers"));
        let shape = reason(file.numbers("weight", &[2, 12]));
        assert!(shape.contains("[2, 3, 4] and should have [2, 12]") && shape.contains(name), "{shape}");
        assert!(reason(file.numbers("bias", &[7])).contains("no tensor bias, which should have the shape [7]"));
    }
}

#[test]
fn safetensors_are_read_without_their_other_tensors() {
    let mut file = TensorFile::open(&data("features.safetensors")).unwrap();
    let bytes = std::fs::read(data("features.safetensors")).unwrap();
    let whole = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut seen = 0;
    for (name, view) in whole.tensors().into_iter().filter(|(_, view)| view.dtype() == safetensors::Dtype::F32) {
        let numbers = file.numbers(&name, view.shape()).unwrap();
        assert!(numbers.iter().zip(view.data().as_chunks().0).all(|(a, b)| a.to_bits() == u32::from_le_bytes(*b)));
        seen += numbers.len();
    }
    assert!(seen > 1000);
}

#[test]
fn what_is_no_file_of_tensors_is_refused_in_words() {
    let refused = |content: &[u8]| TensorFile::open(&written(content)).unwrap_err().to_string();
    for (content, reason) in [
        (&b""[..], "neither a .safetensors file nor"),
        (b"hello", "neither a .safetensors file nor"),
        (b"PK\x03\x04 and no more", "list of entries is damaged"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff{}", "header is longer than the file"),
        (b"\x02\0\0\0\0\0\0\0{]", "not one of safetensors"),
        (b"\x53\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"F32\",\"shape\":[1099511627776],\"data_offsets\":[0,4398046511104]}}        ", "ends before the numbers of a"),
    ] {
        let said = refused(content);
        assert!(said.contains(reason), "{said}");
    }
    assert!(
        TensorFile::open(Path::new("/nowhere/at/all.pth")).unwrap_err().to_string().contains("/nowhere/at/all.pth")
    );
    assert!(TensorFile::open(&std::env::temp_dir()).is_err());
}

#[test]
fn a_damaged_file_never_panics_or_takes_more_memory_than_it_has_bytes() {
    for name in ["weights.pth", "weights_old.pth"] {
        let whole = std::fs::read(data(name)).unwrap();
        let mut read = 0;
        let mut look = |content: &[u8]| {
            let Ok(mut file) = TensorFile::open(&written(content)) else { return };
            let shapes: Vec<_> = file.tensors.iter().map(|(name, t)| (name.clone(), t.shape.clone())).collect();
            for (name, shape) in shapes {
                let numbers = file.numbers(&name, &shape).map_or(0, |numbers| numbers.len());
                assert!(numbers <= content.len());
                read += numbers;
            }
        };
        for end in (0..whole.len()).step_by(13) {
            look(&whole[..end]);
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] = [0, 0xff, whole[at] ^ 1, whole[at] ^ 0x80][at % 4];
            look(&damaged);
        }
        assert!(read > 0);
    }
}
