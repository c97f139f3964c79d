"""Imported, before torch, by the tools whose stages are forks.

Asking CUDA for GPUs, as mmengine does when it is imported, leaves forks that cannot use them.
NVML knows the number too.
"""

import os

os.environ.setdefault('PYTORCH_NVML_BASED_CUDA_CHECK', '1')
