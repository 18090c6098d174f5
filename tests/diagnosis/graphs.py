"""A loaded encoder as the graphs are made of it, and small batches."""

import torch

SIZES = (8, 4, 2)


def prepared(folder, bf16: bool = False) -> torch.jit.ScriptModule:
    loaded = torch.jit.load(folder / "encoder.pt", map_location="cpu").eval()
    if bf16:
        for name in loaded.lowered:
            weight = dict(loaded.named_parameters())[name]
            weight.data = weight.data.to(torch.bfloat16)
    loaded.prepare()
    return loaded
