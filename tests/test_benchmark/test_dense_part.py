"""The dense part on tiny models: steps train, and the rival differs in its global blocks alone."""

import pytest
import torch

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')

from peco.benchmark import dense as part  # noqa: E402
from peco.models.backbones import PeCoViT  # noqa: E402
from tests.dense_toys import detector_config, segmentor_config  # noqa: E402


@pytest.mark.parametrize('make', [detector_config, segmentor_config])
def test_a_step_is_a_training_step(make, tmp_path, monkeypatch):
    cfg = make(tmp_path, tmp_path)
    path = tmp_path / f'{make.__name__}.py'
    cfg.dump(str(path))
    seen = []
    build = part.build_optim_wrapper

    def watch(model, wrapper_cfg):
        seen.append([p.clone() for p in model.parameters()])
        seen.append(model)
        return build(model, wrapper_cfg)

    monkeypatch.setattr(part, 'build_optim_wrapper', watch)
    monkeypatch.setattr(part, '_CLASSES', dict(mmdet=3, mmseg=150))
    times = part.training_steps(str(path), 2, (64, 96), 'cpu', rounds=2)
    assert len(times) == 2
    before, model = seen
    moved = [not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True)]
    assert sum(moved) > 0.9 * len(moved)


def test_backbones_differ_in_their_global_blocks(tmp_path, monkeypatch):
    path = tmp_path / 'detector.py'
    detector_config(tmp_path, tmp_path).dump(str(path))
    built = []
    build = part.MODELS.build

    def watch(cfg):
        built.append(build(cfg))
        return built[-1]

    monkeypatch.setattr(part.MODELS, 'build', watch)
    times = part.backbone_times(str(path), (64, 96), 'cpu', rounds=1)
    assert list(times) == ['windows', 'global']
    ours, rival = (model for model in built if isinstance(model, PeCoViT))
    assert list(ours.global_blocks) == [1, 3] and list(rival.global_blocks) == [0, 1, 2, 3]
    assert ours.window_size == rival.window_size == 4
