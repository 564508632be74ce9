"""Records what changes of images give, with their gradients: python make_augment.py OUT.safetensors

    images, weight                    (B, H, W, C), chances (B, 21), looks (B, 3) float64
    NAME/out, NAME/gradient           the changed images, and the gradient of sum(weight * out) in the images
    r1/{w1,w2}                        a critic tanh(x w1) w2 of changed images, flat in the order (H, W, C)
    r1/{value,d_w1,d_w2,d_images}     half the mean squared slope at the unchanged images, and its gradients
    look/out                          second looks
    consistency/{first,second}        (scales, B) logits; value and the gradients in both

Metadata: for each NAME its settings and probability, as JSON.
"""

import json
import sys

import torch
from augment import CHANCES, LOOKS, change, consistency, second_look
from safetensors.torch import save_file

OFF = {"color": 0.0, "translation": 0.0, "cutout": 0.0, "flip": False, "rotate90": False, "scale": 0.0, "rotation": 0.0}
OFF |= {"edge": "zeros"}
CASES = {
    "color": ({"color": 1.0}, 1.0),
    "translation": ({"translation": 0.25}, 1.0),
    "cutout": ({"cutout": 0.5}, 1.0),
    "flip": ({"flip": True}, 1.0),
    "rotate90": ({"rotate90": True}, 1.0),
    "scale": ({"scale": 0.4}, 1.0),
    "rotation": ({"rotation": 180.0}, 1.0),
    "diffaugment": ({"color": 1.0, "translation": 0.125, "cutout": 0.3}, 1.0),
    "all": ({"color": 0.5, "translation": 0.2, "cutout": 0.4, "flip": True, "rotate90": True, "scale": 0.2, "rotation": 90.0}, 0.6),
}
LOOK = {"consistency_shift": 0.2, "consistency_flip": True}


def last(x):
    return x.detach().permute(0, 2, 3, 1)


def main():
    torch.manual_seed(0)
    batch, side, channels = 4, 11, 3
    images, weight = (torch.randn(batch, channels, side, side) for _ in range(2))
    chances, looks = (torch.rand(batch, n, dtype=torch.float64) for n in (CHANCES, LOOKS))
    out = {"images": last(images), "weight": last(weight), "chances": chances, "looks": looks}
    meta = {}
    for name, (settings, probability) in CASES.items():
        x = images.clone().requires_grad_(True)
        y = change(x, OFF | settings, probability, chances)
        (gradient,) = torch.autograd.grad((weight * y).sum(), x)
        out[f"{name}/out"], out[f"{name}/gradient"] = last(y), last(gradient)
        meta[name] = json.dumps({"augment": settings, "probability": probability})
    x = images.clone().requires_grad_(True)
    w1 = (torch.randn(side * side * channels, 5) * 0.1).requires_grad_(True)
    w2 = torch.randn(5, 1, requires_grad=True)
    settings, probability = CASES["all"]
    seen = change(x, OFF | settings, probability, chances).permute(0, 2, 3, 1).flatten(1)
    (slope,) = torch.autograd.grad((torch.tanh(seen @ w1) @ w2).sum(), x, create_graph=True)
    value = 0.5 * slope.square().sum() / batch
    d_w1, d_w2, d_images = torch.autograd.grad(value, (w1, w2, x))
    out |= {"r1/w1": w1.detach(), "r1/w2": w2.detach(), "r1/value": value.detach()}
    out |= {"r1/d_w1": d_w1, "r1/d_w2": d_w2, "r1/d_images": last(d_images)}
    out["look/out"] = last(second_look(images, LOOK, looks))
    meta["look"] = json.dumps(LOOK)
    first, second = (torch.randn(2, batch, requires_grad=True) for _ in range(2))
    value = consistency(first, second)
    value.backward()
    out |= {"consistency/first": first.detach(), "consistency/second": second.detach(), "consistency/value": value.detach()}
    out |= {"consistency/d_first": first.grad, "consistency/d_second": second.grad}
    save_file({name: tensor.contiguous() for name, tensor in out.items()}, sys.argv[1], meta)


if __name__ == "__main__":
    main()
