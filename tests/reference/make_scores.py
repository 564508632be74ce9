"""Records further scores on the numbers in tests/data, from other people's implementations, as tests/data/scores.json.

    python make_scores.py ../data      (needs numpy, scipy, torch, torch-fidelity, safetensors)

kernel_distance_subsets   torch-fidelity's kernel distance: 100 subsets of 300, seed 2020; mean and standard deviation
inception_score_shuffled  torch-fidelity's Inception score with its shuffle, seed 2020; mean and standard deviation
copying                   Z of Mann and Whitney as in the code of Meehan et al. 2020 (train: real[:300], test: real[300:])
ms_ssim                   of images 2i and 2i + 1, side 96, and of their top left 64 and 20 pixels: windows and weights of
                          the MONAI tutorials, with as many scales as fit and their weights brought to 1
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from scipy.stats import mannwhitneyu
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric

WEIGHTS = torch.tensor([0.0448, 0.2856, 0.3001, 0.2363, 0.1333], dtype=torch.float64)


def copying(train, test, fake):
    centre = train.mean(0)
    axes = np.linalg.svd(train - centre, full_matrices=False)[2][:64].T
    train, test, fake = [(x - centre) @ axes for x in (train, test, fake)]
    nearest = lambda a: ((a[:, None] - train[None]) ** 2).sum(-1).min(1)
    u = mannwhitneyu(nearest(fake), nearest(test), alternative="less").statistic
    m, n = len(fake), len(test)
    return (u - (n * m / 2 - 0.5)) / np.sqrt(n * m * (n + m + 1) / 12)


def ms_ssim(a, b):
    a, b = a[None].double(), b[None].double()
    scales = 0
    while scales < 5 and a.shape[-1] >> scales >= 11:
        scales += 1
    taps = torch.exp(-((torch.arange(11, dtype=torch.float64) - 5) ** 2) / (2 * 1.5**2))
    taps /= taps.sum()
    kernel = (taps[:, None] * taps[None]).expand(3, 1, 11, 11)
    blur = lambda x: F.conv2d(x, kernel, groups=3)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for scale in range(scales):
        ma, mb = blur(a), blur(b)
        va, vb, ab = blur(a * a) - ma * ma, blur(b * b) - mb * mb, blur(a * b) - ma * mb
        cs = (2 * ab + c2) / (va + vb + c2)
        whole = cs * (2 * ma * mb + c1) / (ma * ma + mb * mb + c1)
        values.append((whole if scale == scales - 1 else cs).mean().clamp(min=0))
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    weights = WEIGHTS[:scales] / WEIGHTS[:scales].sum()
    return float(torch.prod(torch.stack(values) ** weights))


def main():
    folder = Path(sys.argv[1])
    numbers, images = load_file(folder / "metrics.safetensors"), load_file(folder / "features.safetensors")["images"]
    real, fake = numbers["real"], numbers["fake"]
    options = dict(kid_subsets=100, kid_subset_size=300, kid_kernel="poly", kid_kernel_poly_degree=3, kid_kernel_poly_gamma=None, kid_kernel_poly_coef0=1, rng_seed=2020, verbose=False)
    pairs = [(images[i], images[i + 1]) for i in range(0, len(images), 2)]
    out = {
        "kernel_distance_subsets": list(kid_features_to_metric(fake, real, **options).values()),
        "inception_score_shuffled": list(isc_features_to_metric(numbers["logits"]).values()),
        "copying": copying(real.numpy()[:300], real.numpy()[300:], fake.numpy()),
        "ms_ssim": {str(side): [ms_ssim(a[:, :side, :side], b[:, :side, :side]) for a, b in pairs] for side in (96, 64, 20)},
    }
    (folder / "scores.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
