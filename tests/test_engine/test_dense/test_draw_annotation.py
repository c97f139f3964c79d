import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')

from mmdet.structures import DetDataSample  # noqa: E402
from mmdet.structures.bbox import HorizontalBoxes  # noqa: E402
from mmdet.structures.mask import BitmapMasks  # noqa: E402
from mmdet.visualization import DetLocalVisualizer  # noqa: E402
from mmseg.structures import SegDataSample  # noqa: E402
from mmseg.visualization import SegLocalVisualizer  # noqa: E402

from peco.engine.dense.draw_annotation import draw_annotation  # noqa: E402

IMAGE = np.full((24, 32, 3), 90, np.uint8)


def detector(palette=((255, 0, 0), )):
    visualizer = DetLocalVisualizer()
    visualizer.dataset_meta = dict(classes=['a'], palette=list(palette))
    return visualizer


def changed(picture):
    """Rows and columns from and to which it differs from the image."""
    rows, cols = np.nonzero((picture != 90).any(-1))
    return rows.min(), rows.max() + 1, cols.min(), cols.max() + 1


@pytest.mark.parametrize('wrap', [torch.as_tensor, HorizontalBoxes])
@pytest.mark.parametrize('masks', [False, True])
def test_boxes_and_masks_are_drawn_where_they_are(wrap, masks):
    instances = InstanceData(bboxes=wrap(torch.tensor([[4., 6., 12., 18.]])),
                             labels=torch.tensor([0]))
    if masks:
        mask = np.zeros((1, 24, 32), np.uint8)
        mask[0, 6:18, 4:12] = 1
        instances.masks = BitmapMasks(mask, 24, 32)
    sample = DetDataSample(gt_instances=instances)
    picture = draw_annotation(detector(), IMAGE, sample, min_size=96)
    assert picture.shape == (96, 128, 3)
    assert np.abs(np.subtract(changed(picture), (24, 72, 16, 48))).max() <= 3
    assert isinstance(sample.gt_instances.bboxes, type(instances.bboxes))  # as it was
    # The same image at half its size, as a test resizes it before it loads boxes.
    small = draw_annotation(detector(), IMAGE[::2, ::2], sample, (24, 32), min_size=96)
    assert small.shape == picture.shape
    assert np.abs(np.subtract(changed(small), changed(picture))).max() <= 1


def test_without_objects_the_image_is_left():
    sample = DetDataSample(gt_instances=InstanceData(
        bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long)))
    assert (draw_annotation(detector(), IMAGE, sample, min_size=24) == 90).all()


def test_classes_of_pixels_have_their_colours():
    visualizer = SegLocalVisualizer(alpha=1.)
    visualizer.dataset_meta = dict(classes=['a', 'b'], palette=[(10, 20, 250), (10, 250, 20)])
    labels = torch.zeros(1, 24, 32, dtype=torch.long)
    labels[:, :, 16:] = 1
    sample = SegDataSample(gt_sem_seg=PixelData(data=labels))
    picture = draw_annotation(visualizer, IMAGE, sample, labels=False, min_size=24)
    # The rest is names, in the middle of each class.
    assert (picture[:, :16] == (10, 20, 250)).all(-1).mean() > 0.7
    assert (picture[:, 16:] == (10, 250, 20)).all(-1).mean() > 0.7
