"""Changes of the images that the discriminator sees, as an executable specification (PyTorch), and the random numbers that
decide them: 21 uniform ones an image (3 for a second look), from a ChaCha stream of its own.

DiffAugment (Zhao et al. 2020) gives color, translation and cutout, ADA (Karras et al. 2020) the rest and the probability.
"""

import math
import struct

import torch
import torch.nn.functional as F

CHANCES, LOOKS = 21, 3
DISCRIMINATOR, GENERATOR, CONSISTENCY = 12, 13, 14  # purposes of streams
MOST_IMAGES = 4096  # streams that a batch takes
M32, M64 = (1 << 32) - 1, (1 << 64) - 1


def key_of(seed):
    """32 bytes from 8: PCG32, as rand's `seed_from_u64`."""
    words = []
    for _ in range(8):
        seed = (seed * 6364136223846793005 + 11634580027462260723) & M64
        x, turn = (((seed >> 18) ^ seed) >> 27) & M32, seed >> 59
        words.append(((x >> turn) | (x << (32 - turn) & M32)) & M32)
    return words


def block(key, counter, stream):
    """Sixteen words of ChaCha with 8 rounds (Bernstein 2008), 64 bits of counter and of stream."""
    start = list(struct.unpack("<4I", b"expand 32-byte k")) + key
    start += [counter & M32, counter >> 32, stream & M32, stream >> 32]
    s = list(start)

    def quarter(a, b, c, d):
        for to, other, changed, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[to] = (s[to] + s[other]) & M32
            x = s[changed] ^ s[to]
            s[changed] = (x << turn & M32) | (x >> (32 - turn))

    for _ in range(4):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return [(a + b) & M32 for a, b in zip(s, start)]


def uniform(seed, purpose, index, count):
    """`count` numbers in [0, 1) of 53 bits."""
    words, stream = [], purpose << 56 | index
    for counter in range((2 * count + 15) // 16):
        words += block(key_of(seed), counter, stream)
    return [((words[2 * i + 1] << 32 | words[2 * i]) >> 11) * 2.0**-53 for i in range(count)]


def draw(batch, images, purpose, count=CHANCES, seed=0):
    """Of the `batch`-th batch of a purpose: (images, count), float64."""
    numbers = [uniform(seed, purpose, batch * MOST_IMAGES + i, count) for i in range(images)]
    return torch.tensor(numbers, dtype=torch.float64)


def pixels(share, side):
    return int(side * share + 0.5)


def whole(number, count):
    """One of 0 to count - 1."""
    return min(int(number * count), count - 1)


def change(x, a, probability, chances):
    """(B, C, H, W) images, each by its row of `chances`."""
    return torch.cat([one(x[i : i + 1], a, probability, chances[i].tolist()) for i in range(len(x))])


def one(x, a, probability, chances):
    numbers, (height, width) = iter(chances), x.shape[2:]

    def applies():
        return next(numbers) < probability

    on, half = applies(), next(numbers) < 0.5
    if a["flip"] and on and half:
        x = x.flip(3)
    on, turns = applies(), whole(next(numbers), 4)
    if a["rotate90"] and on:
        x = torch.rot90(x, turns, (2, 3))
    on, number = applies(), next(numbers)
    if on:
        x = x + a["color"] * (number - 0.5)
    on, number = applies(), next(numbers)
    if on:
        mean = x.mean(dim=1, keepdim=True)
        x = (x - mean) * (1 + a["color"] * (2 * number - 1)) + mean
    on, number = applies(), next(numbers)
    if on:
        mean = x.mean(dim=(1, 2, 3), keepdim=True)
        x = (x - mean) * (1 + a["color"] * (number - 0.5)) + mean
    scaled, one_, two = applies(), next(numbers), next(numbers)
    turned, either = applies(), 2 * next(numbers) - 1
    scale = angle = None
    if scaled and a["scale"] > 0:
        scale = 2 ** (a["scale"] * math.sqrt(-2 * math.log(1 - one_)) * math.cos(2 * math.pi * two))
    if turned and a["rotation"] > 0:
        angle = math.radians(a["rotation"] * either)
    if scale is not None or angle is not None:
        scale, angle = scale or 1.0, angle or 0.0
        sin, cos = math.sin(angle) / scale, math.cos(angle) / scale
        theta = torch.tensor([[[cos, -sin, 0.0], [sin, cos, 0.0]]], dtype=x.dtype)
        grid = F.affine_grid(theta, list(x.shape), align_corners=False)
        x = F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    on, most = applies(), [pixels(a["translation"], side) for side in (height, width)]
    down, right = (whole(next(numbers), 2 * m + 1) - m for m in most)
    if on:
        mode = {"zeros": "constant", "mirror": "reflect"}[a["edge"]]
        x = F.pad(x, (most[1], most[1], most[0], most[0]), mode=mode)
        x = x[:, :, most[0] - down :, most[1] - right :][:, :, :height, :width]
    on, rows, columns = applies(), None, None
    hidden = [pixels(a["cutout"], side) for side in (height, width)]
    rows, columns = (
        torch.arange(h) + whole(next(numbers), side + 1 - h % 2) - h // 2 for h, side in zip(hidden, (height, width))
    )
    if on and a["cutout"] > 0:
        mask = torch.ones(height, width, dtype=x.dtype)
        mask[rows.clamp(0, height - 1)[:, None], columns.clamp(0, width - 1)[None, :]] = 0
        x = x * mask
    return x


def second_look(x, loss, chances):
    """What consistency compares an image with: flipped half of the time, then shifted, the border mirrored."""
    looks, (height, width) = [], x.shape[2:]
    for image, (half, rows, columns) in zip(x.detach().split(1), chances.tolist()):
        most = [pixels(loss["consistency_shift"], side) for side in (height, width)]
        down, right = whole(rows, 2 * most[0] + 1) - most[0], whole(columns, 2 * most[1] + 1) - most[1]
        if loss["consistency_flip"] and half < 0.5:
            image = image.flip(3)
        image = F.pad(image, (most[1], most[1], most[0], most[0]), mode="reflect")
        looks.append(image[:, :, most[0] - down :, most[1] - right :][:, :, :height, :width])
    return torch.cat(looks)


def consistency(first, second):
    """Logits (B) of each scale."""
    return sum(((x - y) ** 2).mean() for x, y in zip(first, second)) / len(first)
