"""Reads every export of every kind of generator with the programs that the files are for.

    GANDLE_WRITE_EXPORTS=DIR cargo test --release --test export --test export_images
    python check_exports.py DIR

DIR/NAME/exports holds the files of one session and `drawn.safetensors`: noise, labels and what the program itself
draws of them. Checks that need a package which is not installed are left out, with a line that says so:

    onnx, onnxruntime    the model is well-formed, and draws what the program draws, to 1e-4
    safetensors, torch   the weights load with strict=True into the reference, which draws what the program draws
    tensorboard          the events are those of the session's events.jsonl and grids
    pillow               films have their frames, and pictures say where they come from
    pillow, tifffile, pydicom, nibabel, pyarrow, safetensors
                         DIR/NAME/images, one folder a format, holds the numbers that the program itself draws
"""

import csv
import glob
import importlib.util
import io
import json
import pathlib
import re
import sys

import numpy as np

TOLERANCE = 1e-4


def missing(*packages):
    absent = [name for name in packages if importlib.util.find_spec(name) is None]
    if absent:
        print(f"left out: no {', '.join(absent)}")
    return bool(absent)


def one(case, pattern):
    found = glob.glob(str(case / "exports" / pattern))
    assert len(found) == 1, (case, pattern, found)
    return pathlib.Path(found[0])


def drawn(case):
    from safetensors.numpy import load_file

    tensors = load_file(case / "exports" / "drawn.safetensors")
    return tensors["z"], tensors["label"], tensors["images"].transpose(0, 3, 1, 2)


def facts(case):
    """What every file must tell: session, seed, step and classes, as the last checkpoint has them."""
    state = max((case / "session" / "checkpoints").glob("*/state.json"))
    state = json.loads(state.read_text())
    return {
        "session": "session",
        "seed": str(state["config"]["train"]["seed"]),
        "step": str(state["step"]),
        "classes": json.dumps(state["classes"], separators=(",", ":")),
    }, state


def check_facts(case, told):
    for name, value in facts(case)[0].items():
        assert told[name] == value, (case, name, told[name], value)


def check_onnx(case):
    import onnx
    import onnxruntime

    path = one(case, "generator-*.onnx")
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    check_facts(case, {p.key: p.value for p in model.metadata_props})
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    z, label, want = drawn(case)
    (got,) = session.run(None, {"z": z, "label": label})
    assert got.shape == want.shape, (got.shape, want.shape)
    # A batch of one, since the batch is left open.
    (single,) = session.run(None, {"z": z[-1:], "label": label[-1:]})
    distance = max(abs(got - want).max(), abs(single - want[-1:]).max())
    assert distance < TOLERANCE, (case, distance)
    assert want.std() > 0.01, (case, want.std(), "nothing is drawn")
    return f"{distance:.1e} (images differ by {want.std():.2f})"


def check_weights(case):
    import torch
    from gan_reference import DEFAULTS, make_generator, merged
    from safetensors import safe_open

    with safe_open(one(case, "generator-*.safetensors"), "pt") as file:
        told, weights = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}
    check_facts(case, told)
    config, classes = json.loads(told["config"]), json.loads(told["classes"])
    wanted = {"image_size": config["image_size"], "channels": config["channels"], "classes": len(classes)}
    wanted["generator"] = config["generator"]
    generator = make_generator(merged(wanted, DEFAULTS)).eval()
    growing = {name for name in weights if name.startswith("growing.")}
    generator.load_state_dict({name: weights[name] for name in weights.keys() - growing}, strict=True)
    if growing or config["transition"]["to"] > 0:
        return "loads"  # What it draws before its end is no whole network's.
    z, label, want = drawn(case)
    with torch.no_grad():
        got = generator(torch.from_numpy(z), torch.from_numpy(label)).numpy()
    distance = abs(got - want).max()
    assert distance < TOLERANCE, (case, distance)
    return f"{distance:.1e}"


def check_tensorboard(case):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2

    path = one(case, "*/events.out.tfevents.*")
    assert path.parent.name == f"session-step{int(facts(case)[0]['step']):07}"
    events = EventAccumulator(str(path.parent), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    events.Reload()
    told = [json.loads(line) for line in (case / "session" / "events.jsonl").read_text().splitlines()]
    steps = [event for event in told if event["event"] == "step"]
    for tag, key in [("loss/discriminator", "loss_d"), ("loss/generator", "loss_g"), ("logits/real", "logits_real")]:
        got = [(scalar.step, np.float32(scalar.value)) for scalar in events.Scalars(tag)]
        assert got == [(event["step"], np.float32(event[key])) for event in steps], (case, tag)
    scores = [event for event in told if event["event"] == "score"]
    for event in scores:
        about = "all classes" if event["class"] is None else f"class {event['class']}"
        found = events.Scalars(f"{event['metric']} ({event['extractor']})/{about}")
        value = [scalar.value for scalar in found if scalar.step == event["step"]]
        assert value == [np.float32(event["value"])], (case, event, value)
    grids = [event for event in told if event["event"] == "grid"]
    images = events.Images("samples")
    assert [image.step for image in images] == [grid["step"] for grid in grids]
    for image, grid in zip(images, grids):
        assert image.encoded_image_string == (case / "session" / grid["file"]).read_bytes()
    text = {tag: events.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in ("session", "run.toml")}
    assert "| seed | 7 |" in text["session"] and "base_channels" in text["run.toml"]
    # The plugin's data, as its page reads it.
    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data
    assert content.plugin_name == "hparams"
    start = plugin_data_pb2.HParamsPluginData.FromString(content.content).session_start_info
    assert start.hparams["train.seed"].number_value == 7 and start.hparams["loss.kind"].string_value
    content = events.SummaryMetadata("_hparams_/session_end_info").plugin_data.content
    assert plugin_data_pb2.HParamsPluginData.FromString(content).session_end_info.status == 1
    return f"{len(steps)} steps, {len(scores)} scores, {len(images)} grids"


def check_pictures(case):
    from PIL import Image

    def film(pattern, frames):
        with Image.open(one(case, pattern)) as image:
            assert image.n_frames == frames, (case, pattern, image.n_frames)
            return dict(image.info)

    grids = len(list((case / "session" / "grids").glob("*.png")))
    for pattern, frames in [("history-*.gif", min(grids, 4)), ("walk-*.gif", 6)]:
        comment = film(pattern, frames)["comment"]
        check_facts(case, json.loads(comment))
    for pattern, frames in [("history-*.webp", grids), ("walk-*.webp", 6)]:
        xmp = film(pattern, frames)["xmp"].decode()
        unescape = lambda text: text.replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        check_facts(case, {name: unescape(value) for name, value in re.findall(r'gandle:(\w+)="([^"]*)"', xmp)})
    with Image.open(max((case / "session" / "grids").glob("*.png"))) as image:
        told = image.text
    assert (told["session"], told["seed"], told["step"]) == ("session", "7", facts(case)[0]["step"]), told
    return f"{grids} grids"


def check_tables(case):
    lines = one(case, "curves-*.csv").read_text().splitlines()
    told = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    assert (told["session"], told["seed"], told["step"]) == ("session", "7", facts(case)[0]["step"])
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert [int(row["step"]) for row in rows] == list(range(1, int(told["step"]) + 1))
    return f"{len(rows)} rows"


def check_images(case):
    import nibabel
    import pyarrow.parquet
    import pydicom
    import tifffile
    from PIL import Image
    from safetensors.numpy import load_file

    images = load_file(case / "drawn.safetensors")["images"].astype(np.float64)
    count, size, _, channels = images.shape
    flat = images[..., 0] if channels == 1 else images
    narrow = np.clip(np.float32(127.5) * flat.astype(np.float32) + np.float32(128), 0, 255).astype(np.uint8)
    wide = np.clip(32767.5 * flat + 32768, 0, 65535).astype(np.uint16)
    folder = case / "images"
    classes = sorted(path.name for path in (folder / "png").iterdir())
    labels = {}
    each = count // len(classes)

    def files(below, ending):
        """Every image's file, in the order of labels and numbers, with its class."""
        found = []
        for path in sorted((folder / below).rglob(f"*.{ending}")):
            found.append((labels[path.parent.name], path))
        found = [path for _, path in sorted(found)]
        assert len(found) == count, (below, len(found))
        return found

    for name in classes:
        with Image.open(next((folder / "png" / name).glob("*.png"))) as image:
            labels[name] = int(image.text["label"])
    names = sorted(classes, key=labels.get)
    for at, path in enumerate(files("png", "png")):
        with Image.open(path) as image:
            assert np.array_equal(np.asarray(image), narrow[at]), path
            told = image.text
        assert (told["step"], told["seed"], told["number"], told["class"]) == ("4", "9", str(at % each), path.parent.name)
        assert len(told["run"]) == 32 and told["synthetic"] == "yes" and told["truncation"] == "0", told
        assert told["path"].endswith(told["session"]), told
    if channels == 1:
        for at, path in enumerate(files("png16", "png")):
            with Image.open(path) as image:
                assert image.mode == "I;16", image.mode
                assert np.array_equal(np.asarray(image), wide[at]), path
        for at, path in enumerate(files("tiff16", "tiff")):
            with tifffile.TiffFile(path) as file:
                assert file.pages[0].dtype == np.uint16 and np.array_equal(file.asarray(), wide[at]), path
                told = json.loads(file.pages[0].description)
            assert (told["seed"], told["class"], told["number"]) == ("9", path.parent.name, str(at % each)) and "path" not in told
            with Image.open(path) as image:
                assert np.array_equal(np.asarray(image), wide[at]), path
    uids = set()
    for at, path in enumerate(files("dicom", "dcm")):
        file = pydicom.dcmread(path)
        want = wide if channels == 1 else narrow
        assert np.array_equal(file.pixel_array, want[at]), path
        assert file.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7" == file.file_meta.MediaStorageSOPClassUID
        assert file.SOPInstanceUID == file.file_meta.MediaStorageSOPInstanceUID
        assert list(file.ImageType)[:2] == ["DERIVED", "SECONDARY"] and file.ConversionType == "SYN"
        assert "SYNTHETIC" in str(file.PatientName) and file.PatientID == "SYNTHETIC" and file.BurnedInAnnotation == "NO"
        about = file.DerivationDescription
        assert all(part in about for part in ("gandle", "session cells-", "step 4", f"class {path.parent.name}", "seed 9")), about
        assert all(uid.startswith("2.25.") and uid.is_valid for uid in (file.SOPInstanceUID, file.SeriesInstanceUID, file.StudyInstanceUID))
        if channels == 1:
            assert np.array_equal(pydicom.pixels.apply_windowing(file.pixel_array, file).round(), want[at]), path
        for element in file:
            if isinstance(element.value, str):
                pydicom.valuerep.validate_value(element.VR, element.value, pydicom.config.RAISE)
        uids.add(file.SOPInstanceUID)
    assert len(uids) == count
    marked = pydicom.dcmread(files("marked", "dcm")[0])
    assert marked.SOPInstanceUID not in uids and "SYNTHETIC in its pixels" in marked.DerivationDescription
    assert not np.array_equal(marked.pixel_array, (wide if channels == 1 else narrow)[0])
    for label, name in enumerate(names):
        volume = nibabel.load(next((folder / "nifti" / name).glob("*.nii.gz")))
        voxels = np.asarray(volume.dataobj)
        own = slice(label * each, (label + 1) * each)
        if channels == 1:
            assert voxels.dtype == np.uint16 and volume.shape == (size, size, each)
            want = wide[own]
        else:
            voxels = np.stack([voxels[part] for part in "RGB"], axis=-1)
            want = narrow[own]
        # x to the right, y upwards.
        assert np.array_equal(np.swapaxes(voxels, 0, 1)[::-1], np.moveaxis(want, 0, 2)), name
        (told,) = [extension for extension in volume.header.extensions]
        told = json.loads(told.get_content().decode().rstrip("\0") if isinstance(told.get_content(), bytes) else told.get_content())
        assert (told["class"], told["seed"], told["classes"]) == (name, "9", names)
    with np.load(next((folder / "npz").glob("*.npz"))) as arrays:
        assert np.array_equal(arrays["train_images"], narrow) and arrays["train_images"].dtype == np.uint8
        assert np.array_equal(arrays["train_labels"], np.repeat(np.arange(len(names)), each)[:, None])
        assert arrays["class_names"].tolist() == names and json.loads(str(arrays["gandle"]))["seed"] == "9"
    table = pyarrow.parquet.read_table(next((folder / "parquet").glob("*.parquet")))
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features["label"]["names"] == names and features["image"]["_type"] == "Image"
    for at, row in enumerate(table.to_pylist()):
        image = Image.open(io.BytesIO(row["image"]["bytes"]))
        assert np.array_equal(np.asarray(image), narrow[at]) and row["label"] == at // each
        assert row["image"]["path"].startswith(names[row["label"]] + "/")
    table = next((folder / "filled").glob("*.csv"))
    rows = list(csv.DictReader(table.open()))
    assert len(rows) == 2 * len(names) and {row["synthetic"] for row in rows} == {"yes"}
    assert all((folder / "filled" / row["file"]).is_file() and row["file"].startswith(row["class"]) for row in rows)
    return f"{count} images in {len(list(folder.iterdir()))} folders"


def main():
    root = pathlib.Path(sys.argv[1])
    cases = sorted(path for path in root.iterdir() if (path / "exports").is_dir())
    sets = sorted(path for path in root.iterdir() if (path / "images").is_dir())
    assert cases or sets, "no exports there"
    checks = [
        ("onnx", check_onnx, ("onnx", "onnxruntime", "safetensors")),
        ("weights", check_weights, ("torch", "safetensors")),
        ("tensorboard", check_tensorboard, ("tensorboard",)),
        ("pictures", check_pictures, ("PIL",)),
        ("tables", check_tables, ()),
    ]
    for name, check, packages in checks:
        if missing(*packages):
            continue
        for case in cases:
            print(f"{name:12} {case.name:24} ok  {check(case)}")
    if not missing("PIL", "tifffile", "pydicom", "nibabel", "pyarrow", "safetensors"):
        for case in sets:
            print(f"{'images':12} {case.name:24} ok  {check_images(case)}")


main()
