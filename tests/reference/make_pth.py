"""Writes tests/data/weights.pth and weights_old.pth, one dictionary of small tensors in both formats of torch.save, and
vgg_wrong.pth, which has the names of VGG19's first convolution, but not its shapes.

Needs torch. Run from anywhere: python make_pth.py
"""

import pathlib

import torch

numbers = (torch.arange(24, dtype=torch.float32) - 10) / 8
pair = torch.tensor([0.5, -3.0])
weight = numbers.reshape(2, 3, 4)
tensors = {
    "weight": weight,
    "permuted": weight.permute(2, 0, 1),
    "row": weight[1, 1],
    "half": pair.half(),
    "bfloat": pair.bfloat16(),
    "double": pair.double(),
    "parameter": torch.nn.Parameter(pair),
    "counter": torch.tensor(7),
}
data = pathlib.Path(__file__).parent.parent / "data"
torch.save({"step": 3, "state_dict": tensors, "rate": 0.5}, data / "weights.pth")
torch.save(tensors, data / "weights_old.pth", _use_new_zipfile_serialization=False)
torch.save({"features.0.weight": torch.zeros(8, 3, 3, 3), "features.0.bias": torch.zeros(8)}, data / "vgg_wrong.pth")
