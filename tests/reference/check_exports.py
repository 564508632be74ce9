"""Reads every export of every kind of generator with the programs that the files are for.

    GANDLE_WRITE_EXPORTS=DIR cargo test --release --test export
    python check_exports.py DIR

DIR/NAME/exports holds the files of one session and `drawn.safetensors`: noise, labels and what the program itself
draws of them. Checks that need a package which is not installed are left out, with a line that says so:

    onnx, onnxruntime    the model is well-formed, and draws what the program draws, to 1e-4
    safetensors, torch   the weights load with strict=True into the reference, which draws what the program draws
    tensorboard          the events are those of the session's events.jsonl and grids
    pillow               films have their frames, and pictures say where they come from
"""

import csv
import glob
import importlib.util
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


def main():
    cases = sorted(path for path in pathlib.Path(sys.argv[1]).iterdir() if (path / "exports").is_dir())
    assert cases, "no exports there"
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


main()
