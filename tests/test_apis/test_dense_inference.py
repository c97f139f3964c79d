"""What the checkpoint does not tell; results are compared with those of a test elsewhere."""

import cv2
import numpy as np
import pytest

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')

from peco.apis import draw_dense, init_model, predict_dense  # noqa: E402
from peco.apis.dense_inference import class_meta  # noqa: E402
from tests.dense_toys import detector_config, make_ade, make_coco, segmentor_config  # noqa: E402

TASKS = dict(detector=(detector_config, make_coco, 3), segmentor=(segmentor_config, make_ade, 150))


@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize('meta', [{}, dict(classes='names'), dict(classes='names', palette='none'),
                                  dict(classes='names', palette=[(1, 2, 3)])])
def test_a_picture_needs_neither_names_nor_colours(task, meta, tmp_path):
    make_config, make_data, count = TASKS[task]
    cfg = make_config(make_data(tmp_path / 'data'), tmp_path)
    model = init_model(cfg, device='cpu')  # random weights: there is no checkpoint to tell
    assert model.dataset_meta == {}
    if 'classes' in meta:
        meta = dict(meta, classes=[f'name{index}' for index in range(count)])
    model.dataset_meta = meta
    found = class_meta(model)
    assert len(found['classes']) == len(found['palette']) == count
    assert found['classes'][-1] == (f'name{count - 1}' if meta else str(count - 1))
    image = np.random.default_rng(0).integers(0, 256, (64, 80, 3), np.uint8)
    out = draw_dense(model, image, predict_dense(model, image), tmp_path / 'new/a.png', 0.)
    assert cv2.imread(str(out)).shape == (6 * 64, 6 * 80, 3)


def test_what_is_no_image(tmp_path):
    model = init_model(segmentor_config(make_ade(tmp_path / 'data'), tmp_path), device='cpu')
    with pytest.raises(FileNotFoundError, match=r"none\.png' does not exist"):
        predict_dense(model, tmp_path / 'none.png')
    with pytest.raises(ValueError, match=r'RGB uint8 \(H, W, 3\), got float64 \(4, 4\)'):
        predict_dense(model, np.zeros((4, 4)))
