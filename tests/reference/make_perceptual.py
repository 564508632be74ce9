"""Writes tests/data/perceptual.safetensors: features, losses and their gradients in the image, in double precision.

EfficientNet-Lite0 has the weights in assets/, VGG19 weights by the formula of `made`, which the tests repeat, since a
file of them would be 80 MB. Images are (B, H, W, C) in [-1, 1]. Needs torch and safetensors. Run from anywhere.
"""

import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

torch.set_default_dtype(torch.float64)
root = pathlib.Path(__file__).parent.parent.parent
assets = {name: t.double() for name, t in load_file(root / "assets/efficientnet_lite0.safetensors").items()}


def made(layer, shape, bound):
    """Numbers in -bound..bound by a hash of their place."""
    x = (np.arange(np.prod(shape), dtype=np.uint64) * 2654435761 + layer * 40503 + 12345) % 2**32
    x ^= x >> 15
    x = x * 2246822519 % 2**32
    x ^= x >> 13
    return torch.from_numpy(((x / 2**32 * 2 - 1) * bound).astype(np.float32).reshape(shape)).double()


def vgg19(x):
    x = (x / 2 + 0.5 - torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    number, inputs = 0, 3
    for stage, (repeats, outputs) in enumerate([(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)]):
        if stage > 0:
            x = F.max_pool2d(x, 2)
            number += 1
        for _ in range(repeats):
            weight = made(number, (outputs, inputs, 3, 3), (6 / (9 * inputs)) ** 0.5)
            x = F.relu(F.conv2d(x, weight, made(number + 1, (outputs,), 0.1), padding=1))
            number, inputs = number + 2, outputs
    return [x]


def same(x, weight, stride, groups=1):
    """Pads as TensorFlow does: what is left over goes to the bottom and the right."""
    size, side = weight.shape[-1], x.shape[-1]
    total = max((-(-side // stride) - 1) * stride + size - side, 0)
    before, after = total // 2, total - total // 2
    return F.conv2d(F.pad(x, (before, after, before, after)), weight, stride=stride, groups=groups)


def normalised(x, name):
    part = lambda part: assets[f"{name}.{part}"]
    return F.batch_norm(x, part("running_mean"), part("running_var"), part("weight"), part("bias"), eps=1e-3)


def lite0(x):
    x = F.relu6(normalised(same(x, assets["_conv_stem.weight"], 2), "_bn0"))
    maps, block, inputs = [], 0, 32
    stages = [(1, 1, 1, 16), (2, 2, 6, 24), (2, 2, 6, 40), (3, 2, 6, 80), (3, 1, 6, 112), (4, 2, 6, 192), (1, 1, 6, 320)]
    for stage, (repeats, first, expansion, outputs) in enumerate(stages):
        for repeat in range(repeats):
            name, stride = f"_blocks.{block}", first if repeat == 0 else 1
            wide = x
            if expansion > 1:
                wide = F.relu6(normalised(F.conv2d(x, assets[f"{name}._expand_conv.weight"]), f"{name}._bn0"))
            kernel = assets[f"{name}._depthwise_conv.weight"]
            wide = F.relu6(normalised(same(wide, kernel, stride, kernel.shape[0]), f"{name}._bn1"))
            out = normalised(F.conv2d(wide, assets[f"{name}._project_conv.weight"]), f"{name}._bn2")
            x = out + x if stride == 1 and inputs == outputs else out
            block, inputs = block + 1, outputs
        if stage in (1, 2, 4, 6):
            maps.append(x)
    return maps


def features(network, images, factor):
    x = images.permute(0, 3, 1, 2)
    if x.shape[1] == 1:
        x = x.repeat(1, 3, 1, 1)
    return network(x.repeat_interleave(factor, 2).repeat_interleave(factor, 3))


def gram(x):
    b, c, h, w = x.shape
    rows = x.reshape(b, c, h * w)
    return rows @ rows.transpose(1, 2) / (c * h * w)


torch.manual_seed(3)
out = {}
for name, network, factor, shape in [
    ("lite_colour", lite0, 1, (2, 64, 64, 3)),
    ("lite_grey", lite0, 4, (2, 16, 16, 1)),
    ("vgg_colour", vgg19, 1, (2, 32, 32, 3)),
    ("vgg_grey", vgg19, 2, (2, 16, 16, 1)),
]:
    fake, real = torch.tanh(torch.randn(shape)).float().double(), torch.tanh(torch.randn(shape)).float().double()
    fake.requires_grad_()
    of_fake, of_real = features(network, fake, factor), features(network, real, factor)
    losses = {
        "perceptual": sum((f - r).abs().mean() for f, r in zip(of_fake, of_real)) / len(of_fake),
        "texture": sum((gram(f) - gram(r)).abs().mean() for f, r in zip(of_fake, of_real)) / len(of_fake),
    }
    out |= {f"{name}/fake": fake, f"{name}/real": real}
    for at, features_of in enumerate(of_fake):
        # One image is enough to tell them apart, and keeps the file small.
        out[f"{name}/features{at}"] = features_of[:1].permute(0, 2, 3, 1)
    for loss, value in losses.items():
        (gradient,) = torch.autograd.grad(value, fake, retain_graph=True)
        out |= {f"{name}/{loss}": value, f"{name}/{loss}/gradient": gradient}
        print(name, loss, value.item(), "gradient", gradient.abs().max().item())
small = torch.arange(24.0).reshape(2, 2, 2, 3) / 8 - 1  # (B, H, W, C)
out |= {"gram/features": small, "gram/matrix": gram(small.permute(0, 3, 1, 2))}
tensors = {name: tensor.detach().float().contiguous() for name, tensor in out.items()}
save_file(tensors, root / "tests/data/perceptual.safetensors")
