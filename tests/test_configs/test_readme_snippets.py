"""What the READMEs tell to write into a config of one's own builds."""

import re
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

ROOT = Path(__file__).parents[2]


def test_the_backbone_in_a_detector_of_ones_own(tmp_path):
    registry = pytest.importorskip('mmdet.registry')
    text = (ROOT / 'configs/coco/README.md').read_text()
    snippet = re.search(r'```python\n(custom_imports.*?)```', text, re.S)[1]
    path = tmp_path / 'mine.py'
    path.write_text("_base_ = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'\n" + snippet)
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    model = registry.MODELS.build(cfg.model)
    assert type(model.backbone).__name__ == 'PeCoViT' and len(model.neck) == 2
