"""Records outputs and gradients of growing networks at one stage each, for tests/growing.rs.

    python make_growing.py OUT.safetensors

The networks are those of gan_reference.py with an output layer in G and an input layer in D for every earlier size
(Karras et al. 2018), and labels that count by a share `condition` (Shahbazi et al. 2022). A stage is `resolution` (the
side of the images), `fade` (the share of its layers beside those of half that side) and `condition`.

The file's metadata holds a JSON of each case (`cases`: configuration and stage); its tensors are

    CASE/weights/NAME       start weights of the network
    CASE/{input,labels}     noise (B, Z) or images (B, C, H, W) of the stage's size; int64 labels
    CASE/{logits,classes,images}   what came out in training mode, as far as there is such an output
    CASE/weight/OUTPUT      the gradients are those of the sum over outputs of (output x this).sum()
    CASE/gradient/NAME      in each weight that the stage reads, and in the input as `input`
"""

import json
import sys

import torch
import torch.nn.functional as F
from gan_reference import (
    ConditionalBatchNorm,
    Discriminator,
    Generator,
    SpectralNorm,
    initialize,
    merged,
    minibatch_stddev,
)
from safetensors.torch import save_file
from torch import nn

SMALL = {
    "image_size": 32,
    "channels": 1,
    "classes": 3,
    "generator": {"latent_dim": 4, "label_embedding": 3, "base_channels": 1},
    "discriminator": {"base_channels": 1, "label_embedding": 3},
}
START = 8
G, D = "generator", "discriminator"
CASES = {
    "g_start": ({G: {}}, (8, 1.0, 1.0)),
    "g_residual_attention": ({G: {"skip": "residual", "attention": [4, 8]}}, (16, 0.3, 1.0)),
    "g_conditional_excitation": ({G: {"skip": "excitation", "norm": "conditional-batch"}}, (32, 0.6, 0.25)),
    "g_without_labels": ({G: {"norm": "conditional-batch"}}, (16, 0.5, 0.0)),
    "d_label_map": ({D: {"conditioning": "label-map", "attention": [4, 8]}}, (16, 0.35, 1.0)),
    "d_projection_layer": (
        {D: {"conditioning": "projection", "norm": "layer", "spectral_norm": False, "minibatch_stddev": True}},
        (16, 0.7, 0.5),
    ),
    "d_projected_map_batch": ({D: {"conditioning": "projected-map", "norm": "batch"}}, (32, 0.2, 0.3)),
    "d_replicated": ({D: {"conditioning": "replicated"}}, (16, 1.0, 0.0)),
    "d_auxiliary": ({D: {"conditioning": "auxiliary"}}, (8, 1.0, 1.0)),
}


def earlier(config):
    size = START
    while size < config["image_size"]:
        yield size
        size *= 2


class GrowingGenerator(Generator):
    def __init__(self, config):
        super().__init__(config)
        self.size = config["image_size"]
        width = lambda side: config["generator"]["base_channels"] * self.size // (2 * side)
        layer = lambda size: nn.ConvTranspose2d(width(size // 2), config["channels"], 4, 2, 1, bias=False)
        self.growing = nn.ModuleDict({str(size): nn.ModuleDict({"to_image": layer(size)}) for size in earlier(config)})

    def drawn(self, x):
        size = 2 * x.shape[-1]
        layer = self.to_image if size == self.size else self.growing[str(size)]["to_image"]
        return torch.tanh(layer(x))

    def forward(self, z, labels, resolution, fade, condition):
        embedded = condition * self.label_embedding(labels) if condition > 0 else torch.zeros(len(z), 3)
        x = torch.cat([z, embedded], 1)[:, :, None, None]
        maps = {0: x}
        for i, block in enumerate(self.blocks):
            side = 4 * 2**i
            if side == resolution:
                break
            if isinstance(block.norm, ConditionalBatchNorm):
                y = F.relu(self.normalised(block, block.conv(x), labels, condition))
                x = y if block.shortcut is None else y + block.shortcut(F.interpolate(x, scale_factor=2))
            else:
                x = block(x, labels)
            if str(side) in self.excitation:
                x = self.excitation[str(side)](maps[side // self.ratio], x)
            if str(side) in self.attention:
                x = self.attention[str(side)](x)
            maps[side] = x
        if fade == 1.0:
            return self.drawn(x)
        old = F.interpolate(self.drawn(maps[resolution // 4]), scale_factor=2, mode="nearest")
        return (1 - fade) * old + fade * self.drawn(x)

    def normalised(self, block, y, labels, condition):
        def own(table):
            mean = table.weight.mean(0, keepdim=True)
            return (condition * table(labels) + (1 - condition) * mean)[:, :, None, None]

        return block.norm.norm(y) * own(block.norm.scale) + own(block.norm.shift)


class GrowingDiscriminator(Discriminator):
    def __init__(self, config):
        super().__init__(config)
        d, net = config["discriminator"], self.scales[0]
        planes = {"label-map": 1, "projected-map": 1, "replicated": d["label_embedding"]}.get(d["conditioning"], 0)
        net.growing = nn.ModuleDict()
        for size in earlier(config):
            conv = nn.Conv2d(config["channels"] + planes, d["base_channels"] * config["image_size"] // size, 4, 2, 1)
            parts = {"from_image": SpectralNorm(conv) if d["spectral_norm"] else conv}
            if d["conditioning"] == "label-map":
                parts["label_embedding"] = nn.Embedding(config["classes"], size * size)
            if d["conditioning"] == "projected-map":
                parts["label_projection"] = nn.Linear(d["label_embedding"], size * size)
            net.growing[str(size)] = nn.ModuleDict(parts)

    def entered(self, x, labels, condition):
        net, size = self.scales[0], x.shape[-1]
        parts = {} if size == net.size else net.growing[str(size)]
        conv = net.blocks[0].conv if size == net.size else parts["from_image"]
        part = lambda name: parts[name] if name in parts else getattr(net, name)
        batch = len(labels)
        if net.conditioning in ("label-map", "projected-map", "replicated"):
            if condition == 0:
                planes = torch.zeros(batch, 3 if net.conditioning == "replicated" else 1, size, size)
            elif net.conditioning == "label-map":
                planes = part("label_embedding")(labels).view(batch, 1, size, size)
            elif net.conditioning == "projected-map":
                plane = part("label_projection")(net.label_embedding(labels))
                planes = F.leaky_relu(plane, 0.2).view(batch, 1, size, size)
            else:
                planes = net.label_embedding(labels)[:, :, None, None].expand(-1, -1, size, size)
            x = torch.cat([x, condition * planes], 1)
        return F.leaky_relu(conv(x), 0.2)

    def attended(self, x):
        attention = self.scales[0].attention
        return attention[str(x.shape[-1])](x) if str(x.shape[-1]) in attention else x

    def forward(self, images, labels, resolution, fade, condition):
        net = self.scales[0]
        x = self.attended(self.entered(images, labels, condition))
        first = [net.size >> (i + 1) for i in range(len(net.blocks))].index(resolution // 2)
        for i in range(first + 1, len(net.blocks)):
            x = net.blocks[i](x)
            if i == first + 1 and fade < 1.0:
                old = self.entered(F.avg_pool2d(images, 2), labels, condition)
                x = (1 - fade) * old + fade * x
            x = self.attended(x)
        logits = net.head(minibatch_stddev(x) if net.minibatch_stddev else x).flatten()
        if net.conditioning == "projection" and condition > 0:
            logits = logits + condition * (net.projection(labels) * x.sum((2, 3))).sum(1)
        outputs = {"logits": logits}
        if net.conditioning == "auxiliary":
            outputs["classes"] = net.classifier(x).flatten(1)
        return outputs


def record(case, config, stage, tensors):
    draws = case.startswith("g_")
    network = (GrowingGenerator if draws else GrowingDiscriminator)(config)
    initialize(network)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if weight.dim() == 4:  # far enough from 0 that every path carries a signal
                weight.normal_(0.0, 0.3)
            if name.endswith("gamma"):
                weight.fill_(0.5)
            if ".scale." in name or ".shift." in name:
                weight.add_(0.3 * torch.randn(weight.shape))
    size = stage[0]
    x = torch.randn(6, config["generator"]["latent_dim"]) if draws else torch.tanh(torch.randn(6, config["channels"], size, size))
    labels = torch.arange(6) % config["classes"]
    tensors.update({f"{case}/input": x, f"{case}/labels": labels})
    tensors.update({f"{case}/weights/{k}": v.clone() for k, v in network.state_dict().items()})
    x = x.clone().requires_grad_(True)
    outputs = network(x, labels, *stage)
    outputs = {"images": outputs} if draws else outputs
    total = 0.0
    for name, output in outputs.items():
        weight = torch.randn(output.shape)
        tensors.update({f"{case}/{name}": output.detach(), f"{case}/weight/{name}": weight})
        total = total + (output * weight).sum()
    total.backward()
    tensors[f"{case}/gradient/input"] = x.grad
    read = {k: p.grad for k, p in network.named_parameters() if p.grad is not None}
    tensors.update({f"{case}/gradient/{k}": gradient for k, gradient in read.items()})


def main():
    tensors, cases = {}, {}
    for case, (overrides, stage) in CASES.items():
        torch.manual_seed(len(cases))
        config = merged(overrides, merged(SMALL))
        record(case, config, stage, tensors)
        config["growing"] = {"start": START}
        cases[case] = {"config": config, "resolution": stage[0], "fade": stage[1], "condition": stage[2]}
    save_file({k: v.contiguous() for k, v in tensors.items()}, sys.argv[1], {"cases": json.dumps(cases)})


if __name__ == "__main__":
    main()
