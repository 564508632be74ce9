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

/// A file as torch.save writes it, with tensors of this shape and these strides in one storage of so many numbers.
fn archive(tensors: &[&str], shape: &[u8], strides: &[u8], numbers: u32) -> Vec<u8> {
    use std::io::Write as _;
    let text = |text: &str| [&b"X"[..], &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let count = |count: u32| [&b"J"[..], &count.to_le_bytes()].concat();
    let mut pickle = b"\x80\x02".to_vec();
    for (sizes, place) in [(shape, 1), (strides, 2)] {
        pickle.push(b'(');
        sizes.iter().for_each(|size| pickle.extend([b'K', *size]));
        pickle.extend([b't', b'q', place]);
    }
    let storage =
        [&b"("[..], &text("storage"), b"ctorch\nFloatStorage\n", &text("0"), &text("cpu"), &count(numbers), b"tQq\x03"];
    pickle.extend(storage.concat());
    pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\nq\x04}(");
    for name in tensors {
        pickle.extend([&text(name)[..], b"h\x04(h\x03K\x00h\x01h\x02tR"].concat());
    }
    pickle.extend(b"u.");
    let mut file = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = ::zip::write::SimpleFileOptions::default().compression_method(::zip::CompressionMethod::Stored);
    for (name, content) in [("a/data.pkl", pickle), ("a/data/0", vec![0; numbers as usize * 4])] {
        file.start_file(name, stored).unwrap();
        file.write_all(&content).unwrap();
    }
    file.finish().unwrap().into_inner()
}

#[test]
fn what_many_tensors_share_is_not_taken_for_each_of_them() {
    let open = |tensors: &[&str], shape: &[u8]| TensorFile::open(&written(&archive(tensors, shape, shape, 1)));
    let names: Vec<String> = open(&["a", "b"], &[1; 8]).unwrap().names().map(str::to_owned).collect();
    assert_eq!(names, ["a", "b"]);
    // Twenty thousand tensors of one shape of 200,000 ones are a file of one megabyte, and were 64 GB of sizes.
    assert!(open(&["a", "b"], &[1; 9]).unwrap_err().to_string().contains("a is described in a way"));
    // So is one long name, named again and again.
    let told = open(&["a", "b", "a"], &[1]).unwrap_err().to_string();
    assert!(told.contains("names a twice"), "{told}");
    let long = "x".repeat(100_000);
    assert!(open(&[&long, &long], &[1]).unwrap_err().to_string().len() < 500);
}

#[test]
fn numbers_that_lie_far_apart_are_not_read_with_all_between_them() {
    let mut file = TensorFile::open(&written(&archive(&["a"], &[2], &[15], 200))).unwrap();
    assert_eq!(file.numbers("a", &[2]).unwrap(), [0.0; 2]);
    let mut file = TensorFile::open(&written(&archive(&["a"], &[2], &[200], 201))).unwrap();
    assert!(file.numbers("a", &[2]).unwrap_err().to_string().contains("too far apart"));
}

#[test]
#[cfg(unix)]
fn a_pipe_is_refused_before_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("weights.pth");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(TensorFile::open(&pipe).unwrap_err().to_string().contains("no regular file"));
    assert!(sha256(&pipe).unwrap_err().to_string().contains("no regular file"));
}
