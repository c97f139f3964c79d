import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

pytest.importorskip('mmdet')

from mmdet.structures import DetDataSample  # noqa: E402
from mmdet.visualization import DetLocalVisualizer  # noqa: E402

from peco.engine.dense.draw_prediction import draw_prediction  # noqa: E402


def sample():
    boxes = torch.tensor([[2., 2., 14., 14.]])
    return DetDataSample(
        gt_instances=InstanceData(bboxes=boxes + 4, labels=torch.tensor([0])),
        pred_instances=InstanceData(bboxes=boxes, labels=torch.tensor([0]),
                                    scores=torch.tensor([0.4])))


@pytest.mark.parametrize('draw_gt, score_thr, widths, changed', [
    (True, 0.3, 2, (True, True)), (True, 0.5, 2, (True, False)), (False, 0.3, 1, (True, )),
    (False, 0.5, 1, (False, ))])
def test_annotation_and_prediction_side_by_side(draw_gt, score_thr, widths, changed, tmp_path):
    visualizer = DetLocalVisualizer()
    visualizer.dataset_meta = dict(classes=['a'], palette=[(255, 0, 0)])
    image = np.full((24, 32, 3), 90, np.uint8)
    draw_prediction(visualizer, image, sample(), tmp_path / 'a.png', draw_gt, score_thr,
                    min_size=48)
    picture = cv2.imread(str(tmp_path / 'a.png'))
    assert picture.shape == (48, 64 * widths, 3)
    assert tuple(bool((part != 90).any()) for part in np.split(picture, widths, axis=1)) == changed
