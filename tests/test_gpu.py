"""What a GPU does otherwise than a CPU: ``bash tools/run_tests.sh -n 0 -m gpu``."""

import copy
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmengine.runner.checkpoint import _load_checkpoint as load_checkpoint

import peco.models  # noqa: F401
from peco.registry import MODELS
from tests.toy_configs import (
    ROOT,
    SIZE,
    TOKENIZER,
    VIT,
    VQ_KD,
    classifier_config,
    pretrain_config,
    run_tool,
    write_config,
)

pytestmark = [pytest.mark.gpu,
              pytest.mark.skipif(not torch.cuda.is_available(), reason='there is no GPU')]
PIPELINE = """
import sys
sys.path.insert(0, 'tools')
{first}
import mmpretrain.models, peco.models  # as the tools do before the first fork
from pathlib import Path
from peco.engine.pipeline import StageProcess
from peco.engine.study.side_by_side import run_side_by_side
stage = StageProcess([sys.argv[1]], Path(sys.argv[2]))
print(run_side_by_side(dict(chain=lambda place: stage.run(print)), jobs=1))
"""


@pytest.fixture
def exact_convolutions(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, 'allow_tf32', False)


@pytest.mark.parametrize('first, is_fork', [('import _forking', True), ('', False)])
def test_stages_of_a_pipeline_use_the_gpu(tmp_path, first, is_fork):
    tool = tmp_path / 'tool.py'
    tool.write_text('import sys, torch\nprint(torch.ones(3, device="cuda").sum().item())\n'
                    'print("peco.engine.study" in sys.modules)\n')
    environment = {name: value for name, value in os.environ.items()
                   if name != 'PYTORCH_NVML_BASED_CUDA_CHECK'}
    done = subprocess.run(
        [sys.executable, '-c', PIPELINE.format(first=first), str(tool), str(tmp_path / 'log')],
        cwd=ROOT, env=environment, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert lines[:2] == ['3.0', str(is_fork)], done.stdout + done.stderr
    assert lines[-1] == "{'chain': 0}"


@pytest.mark.parametrize('cfg', [TOKENIZER, VQ_KD], ids=['tokenizer', 'vq-kd'])
def test_tokens_are_those_of_the_cpu(cfg, exact_convolutions):
    torch.manual_seed(0)
    model = MODELS.build(dict(cfg, quantizer=dict(cfg['quantizer'], init='random'))).eval()
    images = torch.rand(8, 3, SIZE, SIZE)
    theirs = copy.deepcopy(model).cuda().tokenize(images.cuda()).cpu()
    ours = model.tokenize(images)
    assert len(ours.unique()) > 1
    assert (theirs == ours).float().mean() > 0.99


@pytest.mark.parametrize('size', [SIZE, 2 * SIZE], ids=['its own size', 'a larger one'])
def test_features_and_gradients_are_those_of_the_cpu(size, exact_convolutions):
    torch.manual_seed(0)
    model = MODELS.build(dict(VIT, out_type='featmap'))
    model.init_weights()
    images = torch.rand(2, 3, size, size)
    results = []
    for device in ('cpu', 'cuda'):
        copied = copy.deepcopy(model).to(device)
        features = copied(images.to(device))[-1]
        features.square().mean().backward()
        grads = [p.grad for p in copied.parameters() if p.grad is not None]
        results.append([value.detach().cpu() for value in (features, *grads)])
    assert len(results[0]) > 10
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize('amp', [False, True], ids=['float32', 'bfloat16'])
def test_trained_stopped_resumed_and_tested(images, tokenizer_run, tmp_path, amp):
    """Pretraining and fine-tuning; what a GPU has trained the CPU can read."""
    args = ['--amp'] if amp else []
    name = f'gpu_{amp}'
    pretrain = write_config(pretrain_config(images, tokenizer_run / 'epoch_2.pth'),
                            tmp_path / f'{name}_pretrain.py')
    folder = tmp_path / 'pretrain'
    assert run_tool('train', pretrain, '--work-dir', folder, *args, '--cfg-options',
                    'train_cfg.max_epochs=1') == 0
    assert run_tool('train', pretrain, '--work-dir', folder, *args, '--resume') == 0
    assert len(list((folder / 'pictures').iterdir())) == 2
    state = load_checkpoint(str(folder / 'epoch_2.pth'), map_location='cpu')
    assert all(value.isfinite().all() for value in state['state_dict'].values()
               if value.is_floating_point())
    cfg = classifier_config(images)
    cfg['model']['backbone']['init_cfg'] = dict(
        type='Pretrained', checkpoint=str(folder / 'epoch_2.pth'), prefix='backbone.')
    finetune = write_config(cfg, tmp_path / f'{name}_finetune.py')
    assert run_tool('train', finetune, '--work-dir', tmp_path / 'finetune', *args) == 0
    assert run_tool('test', finetune, tmp_path / 'finetune/epoch_2.pth', '--work-dir',
                    tmp_path / 'test') == 0
    assert 'accuracy/top1' in json.loads((tmp_path / 'test/metrics.json').read_text())


def test_both_devices_cache_the_same_tokens(images, tokenizer_run, tmp_path):
    cfg = pretrain_config(images, tokenizer_run / 'epoch_2.pth')
    dataset = cfg['train_dataloader']['dataset']
    load, mask, _ = dataset['pipeline']
    dataset['pipeline'] = [load, dict(type='peco.RandomCropBox', scale=(0.3, 1.0)),
                           dict(type='peco.CropAndResize', size=SIZE), mask,
                           dict(type='peco.PackInputs')]
    config = write_config(cfg, tmp_path / 'gpu_cache.py')
    for device in ('cpu', 'cuda'):
        assert run_tool('cache_tokens', config, '--out', tmp_path / device, '--views', 1,
                        '--device', device) == 0
    ours, theirs = (np.load(tmp_path / device / 'ids.npy') for device in ('cpu', 'cuda'))
    assert len(np.unique(ours)) > 1 and (ours == theirs).mean() > 0.99
