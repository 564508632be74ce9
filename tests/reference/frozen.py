"""EfficientNet-Lite0 with the weights in assets/, through which gradients reach the image and which never learns.

It stands outside of every module, so that it is in no checkpoint, no optimiser and always in evaluation mode.
"""

import functools
import pathlib

import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CHANNELS = (24, 40, 112, 320)
BLOCKS = (3, 5, 11, 16)  # after which a map is taken: at 1/4, 1/8, 1/16 and 1/32 of the image's side


def weights():
    from safetensors.torch import load_file

    file = ROOT / "assets/efficientnet_lite0.safetensors"
    return {name: weight.float() for name, weight in load_file(file).items()}


@functools.cache
def lite0():
    from efficientnet_lite_pytorch import EfficientNet

    with torch.random.fork_rng(devices=[]):  # what it draws at first is written over
        network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(weights(), strict=False)
    return network.eval().requires_grad_(False)


def maps(x):
    """Of (B, 3, side, side) images in [-1, 1], the side a multiple of 32. The package pads for 224 px, which is the padding
    of every such side."""
    network, taken = lite0(), []
    x = network._swish(network._bn0(network._conv_stem(x)))
    for number, block in enumerate(network._blocks, 1):
        x = block(x)
        if number in BLOCKS:
            taken.append(x)
    return taken
