"""Writes torch_randn.safetensors: what PyTorch's CPU generator returns.

Every tensor is named SEED:SIZES and holds, one after the other, the values of torch.randn(size) for
each of the SIZES, drawn from one generator after torch.manual_seed(SEED).

Run with PyTorch on an x86 processor with AVX2:  ATEN_CPU_CAPABILITY=avx2 python3 make_torch_randn.py
"""

import json
import struct

import torch

CASES = [
    (0, [1, 5, 15, 16, 17, 31, 32, 100, 784 * 8]),
    (42, [784]),
    (42, [3, 16, 3, 20, 1]),  # the kept second value of a pair survives a block
    (2**32 + 5, [7, 100]),
    (2**63 - 1, [33]),
    (-1, [15, 15, 64]),
    (-5, [2, 18]),
]

tensors = {}
for seed, sizes in CASES:
    torch.manual_seed(seed)
    name = f"{seed}:{','.join(map(str, sizes))}"
    tensors[name] = b"".join(torch.randn(size).numpy().tobytes() for size in sizes)

header, offset = {}, 0
for name, data in tensors.items():
    header[name] = {
        "dtype": "F32",
        "shape": [len(data) // 4],
        "data_offsets": [offset, offset + len(data)],
    }
    offset += len(data)
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open("torch_randn.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + b"".join(tensors.values()))
