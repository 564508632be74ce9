"""The `fast` generator as an executable specification (PyTorch): nearest-neighbour upsampling, 3x3 convolutions and gated
linear units, with noise and label in every normalisation (after FastGAN, Liu et al. 2021).

The image starts from the noise alone, and each unit of the 4x4 map is normalised over the batch by itself, so that no
fixed pattern can take the place of what differs from image to image.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn


def width(config, side):
    """Channels of the map of this side: four times the base up to 8x8 or 16x16, less where maps are large, never below 4."""
    size, base = config["image_size"], config["generator"]["base_channels"]
    share = min(4.0, (32 if size <= 64 else 64) / side)
    return max(4, int(base * (max(share, 1.0) if size <= 64 else share)))


class ConditionedNorm(nn.Module):
    """Batch normalisation whose scale and shift are linear in c = [noise, label]."""

    def __init__(self, channels, numbers):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.scale, self.shift = nn.Linear(numbers, channels), nn.Linear(numbers, channels)
        for layer in (self.scale, self.shift):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, x, c):
        return self.norm(x) * (1 + self.scale(c))[:, :, None, None] + self.shift(c)[:, :, None, None]


class Gate(nn.Module):
    """Gates the channels of the last map by the first, the 4x4 one."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv, self.out = nn.Conv2d(inputs, outputs, 4), nn.Conv2d(outputs, outputs, 1)

    def forward(self, first, x):
        return x * torch.sigmoid(self.out(F.silu(self.conv(first))))


class FastGenerator(nn.Module):
    """(B, latent_dim) noise and (B,) labels to (B, channels, size, size) images in [-1, 1].

    Embeddings start at N(0, 1), `start` at U(+-1/sqrt(latent_dim)), `blocks` at orthogonal matrices (out, everything
    else), the gate and `to_image` at PyTorch's U(+-1/sqrt(fan_in)), biases too.
    """

    def __init__(self, config):
        super().__init__()
        g = config["generator"]
        latent, embedding = g["latent_dim"], g["label_embedding"]
        ups = int(math.log2(config["image_size"])) - 2
        widths = [width(config, 4 * 2**i) for i in range(ups + 1)]
        self.label_embedding = nn.Embedding(config["classes"], embedding)
        self.start = nn.ConvTranspose2d(latent, 2 * widths[0], 4, bias=False)
        nn.init.uniform_(self.start.weight, -(latent**-0.5), latent**-0.5)
        self.unit = nn.BatchNorm1d(2 * widths[0] * 16, affine=False)
        self.norms = nn.ModuleList(ConditionedNorm(2 * channels, latent + embedding) for channels in widths)
        self.blocks = nn.ModuleList(nn.Conv2d(i, 2 * o, 3, 1, 1, bias=False) for i, o in zip(widths, widths[1:]))
        for block in self.blocks:
            nn.init.orthogonal_(block.weight)
        self.gate = Gate(widths[0], widths[-1])
        self.to_image = nn.Conv2d(widths[-1], config["channels"], 3, 1, 1)

    def forward(self, z, labels):
        z = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        c = torch.cat([z, self.label_embedding(labels)], 1)
        x = self.start(z[:, :, None, None])
        x = self.unit(x.flatten(1)).view_as(x)
        x = first = F.glu(self.norms[0](x, c), 1)
        for block, norm in zip(self.blocks, self.norms[1:]):
            x = F.glu(norm(block(F.interpolate(x, scale_factor=2, mode="nearest")), c), 1)
        return torch.tanh(self.to_image(self.gate(first, x)))
