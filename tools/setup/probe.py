"""Run by the interpreter of ``.venv``: ``facts``, ``nms DEVICE`` or ``prove MODE DEVICE``."""

import json
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path


def nvcc_version() -> str | None:
    """``13.0`` of the nvcc that torch would call, or None."""
    from torch.utils.cpp_extension import CUDA_HOME
    nvcc = shutil.which('nvcc', path=str(Path(CUDA_HOME) / 'bin')) if CUDA_HOME else None
    if nvcc is None:
        return None
    answer = subprocess.run([nvcc, '--version'], capture_output=True, text=True).stdout
    match = re.search(r'release (\d+\.\d+)', answer)
    return match[1] if match else None


def facts() -> dict:
    """What building mmcv has to know about this interpreter and its torch."""
    import torch
    available = torch.cuda.is_available()
    capabilities = {torch.cuda.get_device_capability(index)
                    for index in range(torch.cuda.device_count())} if available else set()
    return {
        'torch': torch.__version__,
        'torch_folder': str(Path(torch.__file__).parent),
        'cuda': torch.version.cuda,
        'cuda_available': available,
        'arch_list': ';'.join(f'{major}.{minor}' for major, minor in sorted(capabilities)),
        'nvcc': nvcc_version(),
        'python': f'{sys.version_info.major}.{sys.version_info.minor}',
        'tag': f'cp{sys.version_info.major}{sys.version_info.minor}',
        'include': sysconfig.get_paths()['include'],
        'machine': platform.machine(),
    }


def prove_nms(device: str) -> None:
    """Run ``mmcv.ops.nms`` on three boxes, two of which overlap."""
    import torch
    from mmcv.ops import nms
    boxes = torch.tensor([[0., 0., 10., 10.], [1., 1., 11., 11.], [20., 20., 30., 30.]])
    scores = torch.tensor([0.9, 0.8, 0.7])
    _, kept = nms(boxes.to(device), scores.to(device), iou_threshold=0.5)
    if kept.tolist() != [0, 2]:
        raise SystemExit(f'mmcv.ops.nms on {device} kept boxes {kept.tolist()}, not [0, 2]')


def prove(mode: str, ops: str) -> None:
    """Import all of a mode and use mmcv's compiled ops where it has them."""
    import lpips  # noqa: F401
    import mmcv  # noqa: F401
    import mmengine  # noqa: F401
    import mmpretrain.models  # noqa: F401
    import timm  # noqa: F401
    import torch  # noqa: F401
    import torchvision  # noqa: F401
    if mode == 'full':
        import mmdet.models  # noqa: F401
        import mmseg.models  # noqa: F401
        prove_nms(ops)

    import peco  # noqa: F401


if __name__ == '__main__':
    if sys.argv[1] == 'facts':
        print(json.dumps(facts()))
    elif sys.argv[1] == 'nms':
        prove_nms(sys.argv[2])
    else:
        prove(*sys.argv[2:4])
