"""Records outputs and gradients of single networks with one option each, for tests/networks.rs.

    python make_networks.py OUT.safetensors

The file's metadata holds a JSON of each case's configuration (`cases`); its tensors are

    CASE/weights/NAME       start weights of the network
    CASE/{input,labels}     noise (B, Z) or images (B, C, H, W); int64 labels
    CASE/{logits,pixels,images}   what came out in training mode, as far as there is such an output
    CASE/weight/OUTPUT      the gradients are those of the sum over outputs of (output x this).sum()
    CASE/gradient/NAME      in each weight, and in the input as `input`

Batches of 6 make two groups of 3 for the minibatch standard deviation.
"""

import json
import sys

import torch
from gan_reference import Discriminator, Generator, initialize, merged
from safetensors.torch import save_file

SMALL = {
    "image_size": 16,
    "classes": 3,
    "generator": {"latent_dim": 4, "label_embedding": 3, "base_channels": 2},
    "discriminator": {"base_channels": 2, "label_embedding": 3},
}
CASES = {
    "minibatch_stddev": {"discriminator": {"minibatch_stddev": True, "conditioning": "projection"}},
    "unet": {"discriminator": {"unet": True, "conditioning": "replicated"}},
    "unet_layer": {"discriminator": {"unet": True, "spectral_norm": False, "norm": "layer", "minibatch_stddev": True}},
    "excitation": {"generator": {"skip": "excitation"}},
    "excitation_64": {"image_size": 64, "channels": 1, "generator": {"skip": "excitation", "base_channels": 1}},
}


def record(case, config, tensors):
    draws = "generator" in CASES[case]
    network = (Generator if draws else Discriminator)(config)
    initialize(network)
    with torch.no_grad():
        for weight in network.parameters():
            if weight.dim() == 4:  # far enough from 0 that every path carries a signal
                weight.normal_(0.0, 0.3)
    size = config["image_size"]
    x = torch.randn(6, config["generator"]["latent_dim"]) if draws else torch.tanh(torch.randn(6, config["channels"], size, size))
    labels = torch.arange(6) % config["classes"]
    tensors.update({f"{case}/input": x, f"{case}/labels": labels})
    tensors.update({f"{case}/weights/{k}": v.clone() for k, v in network.state_dict().items()})
    x = x.clone().requires_grad_(True)
    if draws:
        outputs = {"images": network(x, labels)}
    else:
        ((logits, _, pixels),) = network(x, labels)
        outputs = {"logits": logits} if pixels is None else {"logits": logits, "pixels": pixels}
    total = 0.0
    for name, output in outputs.items():
        weight = torch.randn(output.shape)
        tensors.update({f"{case}/{name}": output.detach(), f"{case}/weight/{name}": weight})
        total = total + (output * weight).sum()
    total.backward()
    tensors[f"{case}/gradient/input"] = x.grad
    tensors.update({f"{case}/gradient/{k}": p.grad for k, p in network.named_parameters()})


def main():
    tensors, configs = {}, {}
    for case, overrides in CASES.items():
        torch.manual_seed(len(configs))
        configs[case] = merged(overrides, merged(SMALL))
        record(case, configs[case], tensors)
    save_file({k: v.contiguous() for k, v in tensors.items()}, sys.argv[1], {"cases": json.dumps(configs)})


if __name__ == "__main__":
    main()
