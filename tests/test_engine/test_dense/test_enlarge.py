"""Enlarged samples: every pixel repeated, the sample of the run left as it is."""

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')

from mmdet.structures import DetDataSample  # noqa: E402
from mmdet.structures.mask import BitmapMasks, PolygonMasks  # noqa: E402
from mmseg.structures import SegDataSample  # noqa: E402

from peco.engine.dense.enlarge import enlarge  # noqa: E402

IMAGE = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
MASK = np.array([[[0, 1, 1, 0], [0, 1, 0, 0]]], np.uint8)


def grown(array):
    return np.kron(array, np.ones((3, 3), array.dtype))


def test_detections():
    boxes = torch.tensor([[1., 0., 3., 2.]])
    polygon = PolygonMasks([[np.array([1., 0., 3., 0., 3., 2., 1., 2.])]], 2, 4)
    for masks in (BitmapMasks(MASK, 2, 4), polygon):
        sample = DetDataSample(
            gt_instances=InstanceData(bboxes=boxes, masks=masks, labels=torch.zeros(1)),
            pred_instances=InstanceData(bboxes=boxes, masks=torch.from_numpy(MASK).bool(),
                                        scores=torch.ones(1)))
        image, larger = enlarge(IMAGE, sample, 3)
        assert image.shape == (6, 12, 3) and (image[3:, 3:6] == IMAGE[1, 1]).all()
        assert larger.pred_instances.bboxes.tolist() == [[3., 0., 9., 6.]]
        assert np.array_equal(larger.pred_instances.masks.numpy(), grown(MASK).astype(bool))
        drawn = larger.gt_instances.masks.to_ndarray()
        expected = grown(MASK) if masks is not polygon else grown(np.array([[[0, 1, 1, 0]] * 2]))
        assert np.array_equal(drawn, expected)
        assert sample.pred_instances.bboxes.tolist() == boxes.tolist()
        assert sample.gt_instances.masks is masks


def test_detections_without_masks_or_annotation():
    sample = DetDataSample(pred_instances=InstanceData(bboxes=torch.ones(1, 4)))
    _, larger = enlarge(IMAGE, sample, 2)
    assert larger.pred_instances.bboxes.tolist() == [[2.] * 4] and 'gt_instances' not in larger


def test_segmentations():
    classes = torch.arange(8).view(1, 2, 4)
    sample = SegDataSample(gt_sem_seg=PixelData(data=classes), pred_sem_seg=PixelData(data=classes))
    _, larger = enlarge(IMAGE, sample, 3)
    for field in (larger.gt_sem_seg, larger.pred_sem_seg):
        assert np.array_equal(field.data.numpy(), grown(classes.numpy()))
    assert sample.gt_sem_seg.shape == (2, 4)


def test_once_is_nothing():
    sample = SegDataSample()
    image, same = enlarge(IMAGE, sample, 1)
    assert image is IMAGE and same is sample
